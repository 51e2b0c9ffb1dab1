//! Cancelling a barcode payment (撤销, pack §2.5): unpaid is closed, paid goes back. A cancelled trade can never be paid.

use crate::codes::Api;
use crate::config::Account;
use crate::trade;
use crate::wire::{self, Answer, Call, TIMEOUT_MONEY_MS, given, text};
use sluice_contract::{AttemptRef, Env, Reading, Refusal, Step, Undone, Why, WhyKind};
use sluice_kit::outcome;
use std::sync::Arc;

pub(crate) fn reverse(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    if !attempt.method.is_barcode() {
        return Step::Refused(Refusal::unsupported("reversal of an order that is no barcode"));
    }
    let call = Call { timeout_ms: TIMEOUT_MONEY_MS, ..Call::about(attempt, "cancel", "alipay.trade.cancel", vec![]) };
    wire::ask(account, attempt, call, env, |_, attempt, answer, _| read(attempt, answer).map(Reading::Is))
}

fn read(attempt: &AttemptRef, answer: Answer) -> Result<Undone, Why> {
    let tree = match answer {
        Answer::Good(tree) => tree,
        // Again with the same number; a short balance too, once it was topped up.
        Answer::Error(complaint) => return Ok(outcome::undone(complaint.class(Api::Cancel), &complaint)),
    };
    trade::agrees(&tree, attempt)?;
    match (text(&tree, "retry_flag"), given(&tree, "action")) {
        (Some("Y"), _) => Ok(Undone::Busy),
        (Some("N"), Some("close")) => Ok(Undone::Closed),
        (Some("N"), Some("refund")) => Ok(Undone::Returned),
        // No such trade: the caller knows from when on this is a definite no.
        (Some("N"), None) => Ok(Undone::NotFound),
        _ => Err(Why::new(WhyKind::Unlisted, "the cancel says neither close nor refund")),
    }
}
