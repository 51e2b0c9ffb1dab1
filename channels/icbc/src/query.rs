//! Asking about a payment, by our number (pack 1.6, 1.7). A query fails nothing.

use crate::codes::Api;
use crate::config::{Account, Family};
use crate::wire::{self, Answer, Call, TIMEOUT_MS, put};
use crate::{ids, trade};
use serde_json::Map;
use sluice_contract::{AttemptRef, Env, HttpReply, HttpRequest, Pay, Reading, Refusal, Step};
use sluice_kit::outcome::{self, unreadable};
use std::sync::Arc;

pub(crate) fn query(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Pay> {
    let attempt = attempt.clone();
    let request = request(account, &attempt, DealFlag::Query, env);
    wire::send(account, request, move |account, reply, _| Reading::Is(read(account, &attempt, reply)))
}

/// The same, as the second exchange of another verb.
pub(crate) fn then(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Reading<Pay> {
    let attempt = attempt.clone();
    let request = request(account, &attempt, DealFlag::Query, env);
    wire::then(account, request, Pay::Unknown, move |account, reply, _| Reading::Is(read(account, &attempt, reply)))
}

/// What family B's query does beside asking (pack 1.7). Family A knows only the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DealFlag {
    Query,
    Close,
}

pub(crate) fn request(account: &Account, attempt: &AttemptRef, flag: DealFlag, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let mut body = Map::new();
    ids::put_order(&mut body, attempt);
    let (api, path) = match (ids::family(attempt)?, flag) {
        (Family::A, DealFlag::Query) => ("qrcode.query", "/api/qrcode/V2/query"),
        (Family::A, DealFlag::Close) => return Err(Refusal::unsupported("close")),
        (Family::B, flag) => {
            ids::put_frozen(&mut body, attempt, &["icbc_appid", "mer_prtcl_no"]);
            let (api, deal_flag) = if flag == DealFlag::Close { ("orderqry.close", "1") } else { ("orderqry", "0") };
            put(&mut body, "deal_flag", deal_flag);
            (api, "/api/cardbusiness/aggregatepay/b2c/online/orderqry/V1")
        }
    };
    wire::request(account, Call { api, path, timeout_ms: TIMEOUT_MS }, body, env)
}

fn read(account: &Account, attempt: &AttemptRef, reply: &HttpReply) -> Pay {
    match wire::answer(account, reply) {
        Ok(Answer::Good(tree)) => {
            let Ok(family) = ids::family(attempt) else { return Pay::Unknown(unreadable("no family is frozen")) };
            trade::read(family, &tree, attempt).map_or_else(Pay::Unknown, |trade| trade.says(attempt))
        }
        Ok(Answer::Error(complaint)) => outcome::query(complaint.class(Api::Query), &complaint),
        Err(why) => Pay::Unknown(why),
    }
}
