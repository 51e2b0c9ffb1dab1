//! Closing an unpaid order (pack §5.4). A barcode order cannot be closed, only reversed.

use crate::codes::{Api, Class};
use crate::config::Account;
use crate::ids;
use crate::wire::{self, Answer, Call, TIMEOUT_MS};
use serde_json::Value;
use sluice_contract::{AttemptRef, Env, Reading, Refusal, Step, Undone};
use sluice_kit::outcome::{Complaint as _, unreadable};
use std::sync::Arc;

pub(crate) fn close(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    if attempt.method.is_barcode() {
        return Step::Refused(Refusal::unsupported("close of a barcode order"));
    }
    let target = ids::path(attempt, &format!("out-trade-no/{}/close", wire::encode(&attempt.number)));
    let call = Call::post("order.close", target, ids::merchants(attempt), TIMEOUT_MS);
    wire::ask(account, call, env, |_, answer, _| Reading::Is(read(answer)))
}

fn read(answer: Answer) -> Undone {
    let complaint = match answer {
        // 204, sealed over the empty body, on the first close and on every repeat.
        Answer::Good(Value::Null) => return Undone::Closed,
        Answer::Good(_) => return Undone::Unknown(unreadable("a close is confirmed by an empty body")),
        Answer::Error(complaint) => complaint,
        Answer::Doubt(why) => return Undone::Unknown(why),
    };
    match complaint.class(Api::Close) {
        Ok(Class::Ok) => Undone::Closed,
        // 202 USER_PAYING. Unsealed it is no worse: it only makes us come again.
        Ok(Class::Unknown) => Undone::Busy,
        // The create may still be in flight: the caller knows from when on this is a definite no.
        Ok(_) if complaint.sealed && complaint.is("ORDERNOTEXIST") => Undone::NotFound,
        // Paid: the query will say.
        Ok(class) => Undone::Unknown(complaint.doubt(class)),
        Err(why) => Undone::Unknown(why),
    }
}
