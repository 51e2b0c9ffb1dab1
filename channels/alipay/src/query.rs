//! Asking about a payment, by our number (pack §2.4). `10000` means that the query worked, nothing else.

use crate::codes::Api;
use crate::config::Account;
use crate::trade;
use crate::wire::{self, Answer, Call};
use sluice_contract::{AttemptRef, Env, Pay, Reading, Step, Why, WhyKind};
use sluice_kit::ask::then;
use sluice_kit::outcome;
use std::sync::Arc;

pub(crate) fn query(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Pay> {
    wire::ask(account, attempt, call(attempt), env, |_, attempt, answer, _| read(attempt, answer).map(Reading::Is))
}

/// The query that a successful barcode payment is believed by. That the trade is not there contradicts the reply before.
pub(crate) fn after_pay(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Reading<Pay> {
    then(wire::ask(account, attempt, call(attempt), env, |_, attempt, answer, _| match read(attempt, answer)? {
        Pay::NotFound => Err(Why::new(WhyKind::Pending, "paid by the pay reply, not there by the query")),
        told => Ok(Reading::Is(told)),
    }))
}

fn call(attempt: &AttemptRef) -> Call {
    // What the payer's side paid with is told on request only.
    let options = Some(vec!["fund_bill_list", "mdiscount_amount"].into());
    Call::about(attempt, "query", "alipay.trade.query", vec![("query_options", options)])
}

fn read(attempt: &AttemptRef, answer: Answer) -> Result<Pay, Why> {
    match answer {
        Answer::Good(tree) => trade::about(&tree, attempt),
        Answer::Error(complaint) => Ok(outcome::query(complaint.class(Api::Query), &complaint)),
    }
}
