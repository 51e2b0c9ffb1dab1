//! Asking about a payment, by our number: an unpaid order has no other (pack §5.1).

use crate::codes::Api;
use crate::config::Account;
use crate::wire::{self, Answer, Call};
use crate::{ids, trade, v2_trade};
use sluice_contract::{AttemptRef, Env, Pay, Reading, Step, Why};
use sluice_kit::ask::ask;
use sluice_kit::outcome;
use std::sync::Arc;

pub(crate) fn query(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Pay> {
    if ids::is_v2(attempt) {
        return v2_trade::query(account, attempt, env);
    }
    let rest = format!("out-trade-no/{}?{}", wire::encode(&attempt.number), ids::query(attempt));
    let call = Call::get("order.query", ids::path(attempt, &rest));
    ask(account, attempt, wire::request(account, call, env), |_, attempt, answer, _| read(attempt, answer).map(Reading::Is))
}

fn read(attempt: &AttemptRef, answer: Answer) -> Result<Pay, Why> {
    match answer {
        Answer::Good(tree) => trade::about(trade::read(&tree), attempt),
        Answer::Error(complaint) => Ok(outcome::query(complaint.class(Api::Query), &complaint)),
    }
}
