//! Closing an unpaid order (pack §5.4). A barcode order cannot be closed, only reversed.

use crate::codes::{Api, Class};
use crate::config::Account;
use crate::ids;
use crate::wire::{self, Answer, Call, TIMEOUT_MS};
use serde_json::Value;
use sluice_contract::{AttemptRef, Env, Reading, Refusal, Step, Undone, Why};
use sluice_kit::ask::ask;
use sluice_kit::outcome::{Complaint as _, unreadable};
use std::sync::Arc;

pub(crate) fn close(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    if attempt.method.is_barcode() {
        return Step::Refused(Refusal::unsupported("close of a barcode order"));
    }
    let target = ids::path(attempt, &format!("out-trade-no/{}/close", wire::encode(&attempt.number)));
    let call = Call::post("order.close", target, ids::merchants(attempt), TIMEOUT_MS);
    ask(account, attempt, wire::request(account, call, env), |_, _, answer, _| read(answer).map(Reading::Is))
}

fn read(answer: Answer) -> Result<Undone, Why> {
    let complaint = match answer {
        // 204, sealed over the empty body, on the first close and on every repeat.
        Answer::Good(Value::Null) => return Ok(Undone::Closed),
        Answer::Good(_) => return Err(unreadable("a close is confirmed by an empty body")),
        Answer::Error(complaint) => complaint,
    };
    match complaint.class(Api::Close)? {
        Class::Ok => Ok(Undone::Closed),
        // 202 USER_PAYING. Unsealed it is no worse: it only makes us come again.
        Class::Unknown => Ok(Undone::Busy),
        // The create may still be in flight: the caller knows from when on this is a definite no.
        _ if complaint.sealed && complaint.is("ORDERNOTEXIST") => Ok(Undone::NotFound),
        // Paid: the query will say.
        class => Err(complaint.doubt(class)),
    }
}
