//! Asking about a payment, by our number: an unpaid order has no other (pack §5.1).

use crate::codes::Api;
use crate::config::Account;
use crate::wire::{self, Answer, Call};
use crate::{ids, trade, v2_trade};
use sluice_contract::{AttemptRef, Env, Pay, Reading, Step};
use sluice_kit::outcome;
use std::sync::Arc;

pub(crate) fn query(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Pay> {
    if ids::is_v2(attempt) {
        return v2_trade::query(account, attempt, env);
    }
    let rest = format!("out-trade-no/{}?{}", wire::encode(&attempt.number), ids::query(attempt));
    let call = Call::get("order.query", ids::path(attempt, &rest));
    let attempt = attempt.clone();
    wire::ask(account, call, env, move |_, answer, _| Reading::Is(read(&attempt, answer)))
}

fn read(attempt: &AttemptRef, answer: Answer) -> Pay {
    match answer {
        Answer::Good(tree) => trade::about(trade::read(&tree), attempt),
        Answer::Error(complaint) => outcome::query(complaint.class(Api::Query), &complaint),
        Answer::Doubt(why) => Pay::Unknown(why),
    }
}
