//! Asking about a payment, by our number (section 2.4).

use crate::codes::{Api, Class};
use crate::config::Account;
use crate::ids;
use crate::trade::{self, POLL_AFTER_MS};
use crate::wire::{self, Answer, Call, Complaint, TIMEOUT_MS, put};
use sluice_contract::{AttemptRef, Env, Notes, Pay, Reading, Refusal, Second, Step, Why};
use sluice_kit::ask::ask;
use sluice_kit::outcome::{self, waiting};
use std::sync::Arc;

/// The bank looks 15 days back. Of an older order it would say "does not exist", which must not be mistaken for "never paid".
const WINDOW_S: i64 = 15 * 86_400;

pub(crate) fn query(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Pay> {
    if env.now > attempt.at.plus(WINDOW_S) {
        return Step::Refused(Refusal::account("the bank answers queries for 15 days only: see its statement"));
    }
    let mut content = ids::content(attempt);
    put(&mut content, "orderId", attempt.number.as_str());
    let call = Call { api: "order.query", path: "orderquery", content, key: None, timeout_ms: TIMEOUT_MS };
    ask(account, attempt, wire::post(account, call, env), |_, attempt, answer, env| read(attempt, answer, env.now).map(Reading::Is))
}

fn read(attempt: &AttemptRef, answer: Answer, now: Second) -> Result<Pay, Why> {
    match answer {
        Answer::Good(tree) => trade::of_reply(&tree, attempt, now),
        Answer::Error(complaint) => Ok(refused(attempt, &complaint)),
    }
}

/// A query that is refused says nothing about the order, but for the codes that are about the order itself.
fn refused(attempt: &AttemptRef, complaint: &Complaint) -> Pay {
    match complaint.class(Api::Query) {
        Ok(Class::Retry) => Pay::Waiting(waiting(attempt, POLL_AFTER_MS), Notes::new()),
        Ok(Class::Ok) => Pay::Closed,
        class => outcome::query(class, complaint),
    }
}
