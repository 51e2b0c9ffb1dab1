//! Reversing a barcode order (撤销, pack §5.5): unpaid becomes revoked, paid becomes revoked and the money goes back.
//!
//! WeChat does not say which of the two it was. We answer `Closed`, meaning: it will not stay paid, and money that was
//! taken goes back by itself. `Returned` would claim that there was money.

use crate::codes::Api;
use crate::config::Account;
use crate::wire::{self, Answer, Call, TIMEOUT_MONEY_MS, text};
use crate::{ids, v2_trade};
use sluice_contract::{AttemptRef, Claims, Env, Reading, Refusal, Step, Undone, Why};
use sluice_kit::ask::ask;
use sluice_kit::claims::agrees;
use sluice_kit::outcome::{self, unreadable};
use std::sync::Arc;

pub(crate) fn reverse(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    if ids::is_v2(attempt) {
        return v2_trade::reverse(account, attempt, env);
    }
    if !attempt.method.is_barcode() {
        return Step::Refused(Refusal::unsupported("reversal of an order that is no barcode"));
    }
    let target = ids::path(attempt, &format!("out-trade-no/{}/reverse", wire::encode(&attempt.number)));
    // The provider's app id is marked optional on some pages, yet its absence gave SYSTEM_ERROR: all ids go.
    let call = Call::post("codepay.reverse", target, ids::all(attempt), TIMEOUT_MONEY_MS);
    ask(account, attempt, wire::request(account, call, env), |_, attempt, answer, _| read(attempt, answer).map(Reading::Is))
}

fn read(attempt: &AttemptRef, answer: Answer) -> Result<Undone, Why> {
    let tree = match answer {
        Answer::Good(tree) => tree,
        // Come again: "repeat while the answer is missing or an error".
        Answer::Error(complaint) => return Ok(outcome::undone(complaint.class(Api::Reverse), &complaint)),
    };
    let number = text(&tree, "out_trade_no").ok_or_else(|| unreadable("the reply does not name the order"))?;
    agrees(&Claims { number: Some(number.to_owned()), same: ids::claimed(&tree), ..Claims::default() }, attempt)?;
    Ok(Undone::Closed)
}
