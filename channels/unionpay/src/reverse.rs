//! Reversing a barcode order (冲正, 99; pack §2.7): the same number and time, in the same clearing day, and only while nobody was
//! told that it is paid (T20).
//!
//! 00 means accepted; the payment's own query says what became of it. Of 46 nobody knows whether money had moved, so it is
//! `Closed`: it will not stay paid, and what was taken goes back by itself.

use crate::codes::{Api, BACK, Class};
use crate::config::Account;
use crate::dates::clearing_day;
use crate::ids::{self, frozen};
use crate::query;
use crate::wire::{self, Said, TIMEOUT_MONEY_MS};
use sluice_contract::{AttemptRef, Env, Failure, FailureCode, Fault, Notes, Pay, Reading, Refusal, Step, Undone};
use sluice_kit::ask::{Told, ask, then};
use sluice_kit::outcome::Complaint as _;
use std::sync::Arc;

pub(crate) fn reverse(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    if !attempt.method.is_barcode() {
        return Step::Refused(Refusal::unsupported("reversal of an order that is no barcode"));
    }
    if clearing_day(env.now) != clearing_day(attempt.at) {
        let message = "the clearing day of the payment is over".to_owned();
        let over = Failure { code: FailureCode::ChannelRefused, fault: Fault::Request, message, channel_code: None };
        return Step::Done(Undone::Refused(over));
    }
    // No amount, no original's id, no backUrl: the number and its time are the reference.
    let fields = ids::money(account, attempt, ("99", "01"), &attempt.number, frozen(attempt, "txnTime"));
    let request = wire::post(account, "reverse", BACK, &fields, TIMEOUT_MONEY_MS);
    ask(account, attempt, request, |account, attempt, fields, _| read(account, attempt, &fields))
}

fn read(account: &Arc<Account>, attempt: &AttemptRef, fields: &Notes) -> Told<Undone> {
    ids::identified(fields, attempt)?;
    ids::expect(fields, &[("txnType", "99")])?;
    let said = Said::of(fields);
    Ok(match said.class(Api::Reverse)? {
        Class::Ok => then_query(account, attempt, true),
        // Refused: undone before, failed, paid or never there. The payment's own state says which.
        Class::Fail(..) => then_query(account, attempt, false),
        Class::NotCreated => Reading::Is(Undone::NotFound),
        Class::Config => return Err(said.doubt(Class::Config)),
        // Idempotent under the same identity: come again.
        _ => Reading::Is(Undone::Busy),
    })
}

fn then_query(account: &Arc<Account>, attempt: &AttemptRef, accepted: bool) -> Reading<Undone> {
    then(ask(account, attempt, query::request(account, attempt), move |_, attempt, fields, env| {
        query::read(attempt, &fields, env.now).map(|pay| Reading::Is(undone(pay, accepted)))
    }))
}

fn undone(pay: Pay, accepted: bool) -> Undone {
    match pay {
        Pay::Reversed | Pay::Closed | Pay::Failed(_) => Undone::Closed,
        // The reversal was accepted and the money may be on its way back: paid is not the last word.
        Pay::Paid(_) if accepted => Undone::Busy,
        Pay::Paid(_) => Undone::Paid,
        Pay::Waiting(..) => Undone::Busy,
        Pay::NotFound => Undone::NotFound,
        Pay::Unknown(why) => Undone::Unknown(why),
    }
}
