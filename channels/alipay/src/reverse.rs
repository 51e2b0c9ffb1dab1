//! Cancelling a barcode payment (撤销, pack §2.5): unpaid is closed, paid goes back. A cancelled trade can never be paid.

use crate::codes::Api;
use crate::config::Account;
use crate::wire::{self, Answer, Call, text};
use crate::{query, trade};
use serde_json::Value;
use sluice_contract::{AttemptRef, Env, Reading, Refusal, Step, Undone, Why, WhyKind};
use sluice_kit::outcome;
use sluice_kit::wire::TIMEOUT_MONEY_MS;
use std::sync::Arc;

pub(crate) fn reverse(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    if !attempt.method.is_barcode() {
        return Step::Refused(Refusal::unsupported("reversal of an order that is no barcode"));
    }
    let mut call = Call::new("cancel", "alipay.trade.cancel", query::number(attempt), attempt.sub.get("auth_app_id"));
    call.timeout_ms = TIMEOUT_MONEY_MS;
    let attempt = attempt.clone();
    wire::ask(account, call, env, move |_, answer, _| {
        Reading::Is(match answer {
            Answer::Good(tree) => cancelled(&attempt, &tree),
            // Again with the same number; a short balance too, once it was topped up.
            Answer::Error(complaint) => outcome::undone(complaint.class(Api::Cancel), &complaint),
            Answer::Doubt(why) => Undone::Unknown(why),
        })
    })
}

fn cancelled(attempt: &AttemptRef, tree: &Value) -> Undone {
    if let Some(why) = trade::contradiction(tree, attempt) {
        return Undone::Unknown(why);
    }
    match (text(tree, "retry_flag"), text(tree, "action").filter(|action| !action.is_empty())) {
        (Some("Y"), _) => Undone::Busy,
        (Some("N"), Some("close")) => Undone::Closed,
        (Some("N"), Some("refund")) => Undone::Returned,
        // No such trade: the caller knows from when on this is a definite no.
        (Some("N"), None) => Undone::NotFound,
        _ => Undone::Unknown(Why::new(WhyKind::Unlisted, "the cancel says neither close nor refund")),
    }
}
