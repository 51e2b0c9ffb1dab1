//! Closing an unpaid trade (pack §2.6). A code that nobody scanned has no trade: `NotFound`, and it lives until it expires.

use crate::codes::{Api, Class};
use crate::config::Account;
use crate::trade;
use crate::wire::{self, Answer, Call, Early, doubtful};
use sluice_contract::{AttemptRef, Env, Reading, Refusal, Step, Undone};
use std::sync::Arc;

pub(crate) fn close(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    if attempt.method.is_barcode() {
        return Step::Refused(Refusal::unsupported("close of a barcode order"));
    }
    let (call, attempt) = (Call::about(attempt, "close", "alipay.trade.close", vec![]), attempt.clone());
    wire::ask(account, call, env, move |_, answer, _| Ok(Reading::Is(read(&attempt, answer)?)))
}

fn read(attempt: &AttemptRef, answer: Answer) -> Result<Undone, Early<Undone>> {
    let tree = answer.map_err(|complaint| match complaint.class(Api::Close) {
        Ok(Class::NotCreated) => Early::is(Undone::NotFound),
        Ok(Class::Retry | Class::Unknown) => Early::is(Undone::Busy),
        // Paid or closed meanwhile: the query says which.
        class => Early::Why(doubtful(class, &complaint)),
    })?;
    trade::agrees_where_named(&tree, attempt)?;
    Ok(Undone::Closed)
}
