//! Asking about a payment, by our number (pack §2.4). `10000` means that the query worked, nothing else.

use crate::codes::Api;
use crate::config::Account;
use crate::trade;
use crate::wire::{self, Answer, Call};
use serde_json::{Map, Value};
use sluice_contract::{AttemptRef, Env, Pay, Reading, Step, Why, WhyKind};
use sluice_kit::outcome;
use sluice_kit::wire::put;
use std::sync::Arc;

pub(crate) fn query(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Pay> {
    let (call, attempt) = (call(attempt), attempt.clone());
    wire::ask(account, call, env, move |_, answer, _| Reading::Is(read(&attempt, answer)))
}

/// The query that a successful barcode payment is believed by. That the trade is not there contradicts the reply before.
pub(crate) fn after_pay(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Reading<Pay> {
    let (call, attempt) = (call(attempt), attempt.clone());
    wire::then(account, call, env, move |_, answer, _| {
        Reading::Is(match read(&attempt, answer) {
            Pay::NotFound => Pay::Unknown(Why::new(WhyKind::Pending, "paid by the pay reply, not there by the query")),
            told => told,
        })
    })
}

fn call(attempt: &AttemptRef) -> Call {
    let mut biz = number(attempt);
    // What the payer's side paid with is told on request only.
    put(&mut biz, "query_options", Value::from(vec!["fund_bill_list", "mdiscount_amount"]));
    Call::new("query", "alipay.trade.query", biz, attempt.sub.get("auth_app_id"))
}

/// Every verb names the trade by our number: it never changes, `trade_no` may not be known.
pub(crate) fn number(attempt: &AttemptRef) -> Map<String, Value> {
    Map::from_iter([("out_trade_no".to_owned(), Value::from(attempt.number.as_str()))])
}

fn read(attempt: &AttemptRef, answer: Answer) -> Pay {
    match answer {
        Answer::Good(tree) => trade::about(&tree, attempt),
        Answer::Error(complaint) => outcome::query(complaint.class(Api::Query), &complaint),
        Answer::Doubt(why) => Pay::Unknown(why),
    }
}
