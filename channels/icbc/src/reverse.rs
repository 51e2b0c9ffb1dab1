//! Reversing a barcode order (冲正, pack 1.6). The bank's word that it reversed is confirmed by a query.

use crate::codes::{Api, Class};
use crate::config::{Account, Family};
use crate::trade::{self, State};
use crate::wire::{self, Answer, Call, TIMEOUT_MONEY_MS, fen};
use crate::{ids, query};
use serde_json::Value;
use sluice_contract::{AttemptRef, Env, Fen, HttpRequest, Reading, Refusal, Step, Undone, Why, WhyKind};
use sluice_kit::ask::{ask, then};
use sluice_kit::ensure::ensure;
use sluice_kit::outcome::{Complaint as _, contradiction};
use sluice_kit::wire::given;
use std::sync::Arc;

const CALL: Call = Call { api: "qrcode.reverse", path: "/api/qrcode/V2/reverse", timeout_ms: TIMEOUT_MONEY_MS };

pub(crate) fn reverse(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    ask(account, attempt, request(account, attempt, env), |account, attempt, answer, env| {
        let returned = match answer {
            Answer::Good(tree) => taken(attempt, &tree)?,
            Answer::Error(complaint) => match complaint.class(Api::Undo)? {
                // It went back before: the query says so.
                Class::Query => true,
                Class::NotCreated => return Ok(Reading::Is(Undone::NotFound)),
                Class::Unknown | Class::Retry => return Ok(Reading::Is(Undone::Busy)),
                _ => return Err(complaint.why(WhyKind::Pending)),
            },
        };
        let request = query::request(account, attempt, env);
        Ok(then(ask(account, attempt, request, move |_, attempt, answer, _| confirmed(attempt, returned, answer).map(Reading::Is))))
    })
}

fn request(account: &Account, attempt: &AttemptRef, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let is_taken = ids::family(attempt)? == Family::A && attempt.method.is_barcode();
    ensure(is_taken, || Refusal::unsupported("reversal of an order that is no barcode"))?;
    let mut body = ids::order(attempt);
    ids::put_bank_number(&mut body, attempt);
    wire::request(account, CALL, body, env)
}

/// Whether money went back, from a reply that is about our order.
fn taken(attempt: &AttemptRef, tree: &Value) -> Result<bool, Why> {
    ensure(given(tree, "out_trade_no").is_none_or(|number| number == attempt.number), || contradiction("number"))?;
    Ok(["reject_amt", "real_reject_amt"].iter().any(|name| fen(tree, name).is_some_and(Fen::is_positive)))
}

fn confirmed(attempt: &AttemptRef, returned: bool, answer: Answer) -> Result<Undone, Why> {
    let tree = match answer {
        Answer::Good(tree) => tree,
        Answer::Error(complaint) => match complaint.class(Api::Query)? {
            Class::NotCreated => return Ok(Undone::NotFound),
            _ => return Err(complaint.why(WhyKind::Pending)),
        },
    };
    let trade = trade::read(&tree, attempt)?;
    match trade.state {
        State::Revoked if returned => Ok(Undone::Returned),
        State::Revoked | State::Failed => Ok(Undone::Closed),
        State::Refunded => Ok(Undone::Returned),
        State::Paying | State::Unsure | State::Revoking | State::Refunding => Ok(Undone::Busy),
        // Reversed, says the one reply; paid, says the other. Neither is believed alone.
        State::Paid | State::PartlyRefunded => Err(Why::new(WhyKind::Pending, "reversed, but the query still says paid")),
        State::Unlisted => Err(trade.unlisted()),
    }
}
