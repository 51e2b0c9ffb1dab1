//! Asking about a payment, by our number: an unpaid order has no other (pack §5.1).

use crate::codes::{Api, Class};
use crate::config::Account;
use crate::wire::{self, Answer, Complaint, Unsealed};
use crate::{ids, trade};
use sluice_contract::{AttemptRef, Env, HttpReply, Pay, Reading, Step, Why, WhyKind};
use std::sync::Arc;

pub(crate) fn query(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Pay> {
    let rest = format!("out-trade-no/{}?{}", wire::encode(&attempt.number), ids::query(attempt));
    let request = wire::get(account, "order.query", &ids::path(attempt, &rest), env);
    let attempt = attempt.clone();
    wire::send(account, request, move |account, reply, env| read(account, &attempt, reply, env))
}

fn read(account: &Account, attempt: &AttemptRef, reply: &HttpReply, env: &Env<'_>) -> Reading<Pay> {
    wire::judged(account, reply, env, Pay::Unknown, |answer| match answer {
        Answer::Good(tree) => match trade::read(&tree) {
            Some(trade) => trade.about(attempt),
            None => Pay::Unknown(Why::new(WhyKind::Unreadable, "the reply is no transaction")),
        },
        Answer::Error(complaint) => refused(&complaint),
    })
}

/// A query fails nothing. Only the code says "no such order": any other 404 is a wrong path, not a fact about money.
fn refused(complaint: &Complaint) -> Pay {
    match complaint.class(Api::Query, Unsealed::DecidesNothing) {
        Ok(Class::NotCreated) if complaint.status == 404 => Pay::NotFound,
        Ok(Class::Config) => Pay::Unknown(complaint.why(WhyKind::Configuration)),
        Ok(_) => Pay::Unknown(complaint.why(WhyKind::Pending)),
        Err(why) => Pay::Unknown(why),
    }
}
