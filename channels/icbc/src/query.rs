//! Asking about a payment, by our number (pack 1.6, 1.7). A query fails nothing.

use crate::codes::Api;
use crate::config::{Account, Family};
use crate::wire::{self, Answer, Call, TIMEOUT_MS, put};
use crate::{ids, trade};
use sluice_contract::{AttemptRef, Env, HttpRequest, Pay, Reading, Refusal, Step, Why};
use sluice_kit::ask::ask;
use sluice_kit::outcome;
use std::sync::Arc;

pub(crate) fn query(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Pay> {
    ask(account, attempt, request(account, attempt, env), |_, attempt, answer, _| read(attempt, answer).map(Reading::Is))
}

pub(crate) fn request(account: &Account, attempt: &AttemptRef, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    const QUERY: Call = Call { api: "qrcode.query", path: "/api/qrcode/V2/query", timeout_ms: TIMEOUT_MS };
    match ids::family(attempt)? {
        Family::A => wire::request(account, QUERY, ids::order(attempt), env),
        Family::B => order_query(account, attempt, "orderqry", "0", env),
    }
}

/// Family B's query also closes, where `deal_flag` says so (pack 1.7). Family A knows only the question.
pub(crate) fn close_request(account: &Account, attempt: &AttemptRef, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    match ids::family(attempt)? {
        Family::A => Err(Refusal::unsupported("close")),
        Family::B => order_query(account, attempt, "orderqry.close", "1", env),
    }
}

fn order_query(account: &Account, attempt: &AttemptRef, api: &'static str, deal_flag: &str, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let mut body = ids::order(attempt);
    put(&mut body, "deal_flag", deal_flag);
    wire::request(account, Call { api, path: "/api/cardbusiness/aggregatepay/b2c/online/orderqry/V1", timeout_ms: TIMEOUT_MS }, body, env)
}

fn read(attempt: &AttemptRef, answer: Answer) -> Result<Pay, Why> {
    match answer {
        Answer::Good(tree) => Ok(trade::read(&tree, attempt)?.says(attempt)),
        Answer::Error(complaint) => Ok(outcome::query(complaint.class(Api::Query), &complaint)),
    }
}
