//! Asking about a payment, by our number (pack §2.4). `10000` means that the query worked, nothing else.

use crate::codes::Api;
use crate::config::Account;
use crate::trade;
use crate::wire::{self, Answer, Call, Early, Told, settled, then};
use sluice_contract::{AttemptRef, Env, Pay, Reading, Step, Why, WhyKind};
use sluice_kit::outcome;
use std::sync::Arc;

pub(crate) fn query(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Pay> {
    let (call, attempt) = (call(attempt), attempt.clone());
    wire::ask(account, call, env, move |_, answer, _| Ok(Reading::Is(read(&attempt, answer)?)))
}

/// The query that a successful barcode payment is believed by. That the trade is not there contradicts the reply before.
pub(crate) fn after_pay(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Told<Pay> {
    let (call, attempt) = (call(attempt), attempt.clone());
    then(wire::ask(account, call, env, move |_, answer, _| match settled(read(&attempt, answer))? {
        Pay::NotFound => Err(Why::new(WhyKind::Pending, "paid by the pay reply, not there by the query").into()),
        told => Ok(Reading::Is(told)),
    }))
}

fn call(attempt: &AttemptRef) -> Call {
    // What the payer's side paid with is told on request only.
    let options = Some(vec!["fund_bill_list", "mdiscount_amount"].into());
    Call::about(attempt, "query", "alipay.trade.query", vec![("query_options", options)])
}

fn read(attempt: &AttemptRef, answer: Answer) -> Result<Pay, Early<Pay>> {
    let tree = answer.map_err(|complaint| Early::is(outcome::query(complaint.class(Api::Query), &complaint)))?;
    Ok(trade::about(&tree, attempt)?)
}
