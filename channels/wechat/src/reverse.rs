//! Reversing a barcode order (撤销, pack §5.5): unpaid becomes revoked, paid becomes revoked and the money goes back.
//!
//! WeChat does not say which of the two it was. We answer `Closed`, meaning: it will not stay paid, and money that was
//! taken goes back by itself. `Returned` would claim that there was money.

use crate::codes::Api;
use crate::config::Account;
use crate::wire::{self, Answer, TIMEOUT_MONEY_MS, Unsealed, text};
use crate::{ids, v2_trade};
use serde_json::Value;
use sluice_contract::{AttemptRef, Claims, Env, HttpReply, Reading, Refusal, Step, Undone};
use sluice_kit::outcome::{self, contradiction, unreadable};
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
    let request = wire::post(account, "codepay.reverse", &target, ids::all(attempt), TIMEOUT_MONEY_MS, env);
    let attempt = attempt.clone();
    wire::send(account, request, move |account, reply, env| read(account, &attempt, reply, env))
}

fn read(account: &Account, attempt: &AttemptRef, reply: &HttpReply, env: &Env<'_>) -> Reading<Undone> {
    wire::judged(account, reply, env, Undone::Unknown, |answer| match answer {
        Answer::Good(tree) => reversed(attempt, &tree),
        // Come again: "repeat while the answer is missing or an error".
        Answer::Error(complaint) => outcome::undone(complaint.class(Api::Reverse, Unsealed::DecidesNothing), &complaint),
    })
}

fn reversed(attempt: &AttemptRef, tree: &Value) -> Undone {
    let Some(number) = text(tree, "out_trade_no") else { return Undone::Unknown(unreadable("the reply does not name the order")) };
    let claims = Claims { number: Some(number.to_owned()), same: ids::claimed(tree), ..Claims::default() };
    match claims.contradiction(attempt) {
        None => Undone::Closed,
        Some(field) => Undone::Unknown(contradiction(field)),
    }
}
