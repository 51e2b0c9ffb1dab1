//! Closing an unpaid trade (pack §2.6). A code that nobody scanned has no trade: `NotFound`, and it lives until it expires.

use crate::codes::{Api, Class};
use crate::config::Account;
use crate::trade;
use crate::wire::{self, Answer, Call, is};
use sluice_contract::{AttemptRef, Env, Refusal, Step, Undone, Why};
use sluice_kit::outcome::Complaint as _;
use std::sync::Arc;

pub(crate) fn close(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    if attempt.method.is_barcode() {
        return Step::Refused(Refusal::unsupported("close of a barcode order"));
    }
    let (call, attempt) = (Call::about(attempt, "close", "alipay.trade.close", vec![]), attempt.clone());
    wire::ask(account, call, env, move |_, answer, _| is(read(&attempt, answer)))
}

fn read(attempt: &AttemptRef, answer: Answer) -> Result<Undone, Why> {
    match answer {
        Ok(tree) => trade::agrees_where_named(&tree, attempt).map(|()| Undone::Closed),
        Err(complaint) => match complaint.class(Api::Close)? {
            Class::NotCreated => Ok(Undone::NotFound),
            Class::Retry | Class::Unknown => Ok(Undone::Busy),
            // Paid or closed meanwhile: the query says which.
            class => Err(complaint.doubt(class)),
        },
    }
}
