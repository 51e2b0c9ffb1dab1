//! Closing an unpaid trade (pack §2.6). A code that nobody scanned has no trade: `NotFound`, and it lives until it expires.

use crate::codes::{Api, Class};
use crate::config::Account;
use crate::trade;
use crate::wire::{self, Answer, Call};
use sluice_contract::{AttemptRef, Env, Reading, Refusal, Step, Undone, Why};
use sluice_kit::outcome::Complaint as _;
use std::sync::Arc;

pub(crate) fn close(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    if attempt.method.is_barcode() {
        return Step::Refused(Refusal::unsupported("close of a barcode order"));
    }
    let call = Call::about(attempt, "close", "alipay.trade.close", vec![]);
    wire::ask(account, attempt, call, env, |_, attempt, answer, _| read(attempt, answer).map(Reading::Is))
}

fn read(attempt: &AttemptRef, answer: Answer) -> Result<Undone, Why> {
    match answer {
        Answer::Good(tree) => trade::agrees_where_named(&tree, attempt).map(|()| Undone::Closed),
        Answer::Error(complaint) => match complaint.class(Api::Close)? {
            Class::NotCreated => Ok(Undone::NotFound),
            Class::Retry | Class::Unknown => Ok(Undone::Busy),
            // Paid or closed meanwhile: the query says which.
            class => Err(complaint.doubt(class)),
        },
    }
}
