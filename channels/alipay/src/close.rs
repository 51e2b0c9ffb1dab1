//! Closing an unpaid trade (pack §2.6). A code that nobody scanned has no trade: `NotFound`, and it lives until it expires.

use crate::codes::{Api, Class};
use crate::config::Account;
use crate::trade;
use crate::wire::{self, Call};
use sluice_contract::{AttemptRef, Env, Reading, Refusal, Step, Undone};
use sluice_kit::outcome::Complaint as _;
use std::sync::Arc;

pub(crate) fn close(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    if attempt.method.is_barcode() {
        return Step::Refused(Refusal::unsupported("close of a barcode order"));
    }
    let (call, attempt) = (Call::about(attempt, "close", "alipay.trade.close", []), attempt.clone());
    wire::ask(account, call, env, move |_, answer, _| {
        Ok(Reading::Is(match answer {
            Ok(tree) => trade::agrees_where_named(&tree, &attempt).map(|()| Undone::Closed)?,
            Err(complaint) => match complaint.class(Api::Close)? {
                Class::NotCreated => Undone::NotFound,
                Class::Retry | Class::Unknown => Undone::Busy,
                // Paid or closed meanwhile: the query says which.
                class => Undone::Unknown(complaint.doubt(class)),
            },
        }))
    })
}
