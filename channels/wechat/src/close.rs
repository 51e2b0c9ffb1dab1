//! Closing an unpaid order (pack §5.4). A barcode order cannot be closed, only reversed.

use crate::codes::{Api, Class};
use crate::config::Account;
use crate::ids;
use crate::wire::{self, Answer, Complaint, TIMEOUT_MS, Unsealed};
use serde_json::Value;
use sluice_contract::{AttemptRef, Env, HttpReply, Reading, Refusal, Step, Undone};
use sluice_kit::outcome::{Complaint as _, unreadable};
use std::sync::Arc;

pub(crate) fn close(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    if attempt.method.is_barcode() {
        return Step::Refused(Refusal::unsupported("close of a barcode order"));
    }
    let target = ids::path(attempt, &format!("out-trade-no/{}/close", wire::encode(&attempt.number)));
    let request = wire::post(account, "order.close", &target, ids::merchants(attempt), TIMEOUT_MS, env);
    wire::send(account, request, read)
}

fn read(account: &Arc<Account>, reply: &HttpReply, env: &Env<'_>) -> Reading<Undone> {
    wire::judged(account, reply, env, Undone::Unknown, |answer| match answer {
        // 204, sealed over the empty body, on the first close and on every repeat.
        Answer::Good(Value::Null) => Undone::Closed,
        Answer::Good(_) => Undone::Unknown(unreadable("a close is confirmed by an empty body")),
        Answer::Error(complaint) => refused(&complaint),
    })
}

fn refused(complaint: &Complaint) -> Undone {
    match complaint.class(Api::Close, Unsealed::DecidesNothing) {
        Ok(Class::Ok) => Undone::Closed,
        // 202 USER_PAYING. Unsealed it is no worse: it only makes us come again.
        Ok(Class::Unknown) => Undone::Busy,
        // The create may still be in flight: the caller knows from when on this is a definite no.
        Ok(_) if complaint.sealed && crate::codes::normalise(&complaint.code) == "ORDERNOTEXIST" => Undone::NotFound,
        // Paid: the query will say.
        Ok(class) => Undone::Unknown(complaint.doubt(class)),
        Err(why) => Undone::Unknown(why),
    }
}
