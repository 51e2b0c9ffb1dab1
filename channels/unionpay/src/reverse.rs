//! Reversing a barcode order (冲正, 99; pack §2.7): the same number and time, in the same clearing day, and only while nobody was
//! told that it is paid (T20).
//!
//! 00 means accepted; the payment's own query says what became of it. Of 46 nobody knows whether money had moved, so it is
//! `Closed`: it will not stay paid, and what was taken goes back by itself.

use crate::codes::{self, Api, Class};
use crate::config::Account;
use crate::dates::clearing_day;
use crate::ids::{self, Identity, frozen};
use crate::wire::{self, TIMEOUT_MONEY_MS, get, set};
use crate::{products, query};
use sluice_contract::{
    AttemptRef, Env, Exchange, Failure, FailureCode, Fault, HttpReply, HttpRequest, Pay, Reading, Refusal, Step, Undone, Why, WhyKind,
};
use std::sync::Arc;

pub(crate) fn reverse(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    if !attempt.method.is_barcode() {
        return Step::Refused(Refusal::unsupported("reversal of an order that is no barcode"));
    }
    if clearing_day(env.now) != clearing_day(attempt.at) {
        let message = "the clearing day of the payment is over".to_owned();
        return Step::Done(Undone::Refused(Failure {
            code: FailureCode::ChannelRefused,
            fault: Fault::Request,
            message,
            channel_code: None,
        }));
    }
    let request = request(account, attempt);
    let attempt = attempt.clone();
    wire::send(account, request, move |account, reply, env| read(account, &attempt, reply, env))
}

/// No amount, no original's id, no backUrl: the number and its time are the reference.
fn request(account: &Account, attempt: &AttemptRef) -> Result<HttpRequest, Refusal> {
    let mut fields = ids::about(attempt, "99", "01", frozen(attempt, "bizType"));
    set(&mut fields, "channelType", frozen(attempt, "channelType"));
    set(&mut fields, "orderId", attempt.number.as_str());
    set(&mut fields, "txnTime", frozen(attempt, "txnTime"));
    ids::put_parties(&mut fields, account, attempt);
    wire::post(account, "reverse", products::BACK, &fields, TIMEOUT_MONEY_MS)
}

fn read(account: &Arc<Account>, attempt: &AttemptRef, reply: &HttpReply, env: &Env<'_>) -> Reading<Undone> {
    wire::judged(account, reply, env, Undone::Unknown, |fields| {
        Identity::of(attempt).check(fields)?;
        if get(fields, "txnType") != "99" {
            return Err(ids::contradiction("txnType"));
        }
        let (code, message) = (get(fields, "respCode"), get(fields, "respMsg"));
        match codes::class(Api::Reverse, code) {
            Some(Class::Ok) => then_query(account, attempt, true),
            // Refused: undone before, failed, paid or never there. The payment's own state says which.
            Some(Class::Fail(..)) => then_query(account, attempt, false),
            Some(Class::NotCreated) => Ok(Reading::Is(Undone::NotFound)),
            Some(Class::Config) => Err(wire::why(WhyKind::Configuration, code, message)),
            // Idempotent under the same identity: come again.
            Some(_) => Ok(Reading::Is(Undone::Busy)),
            None => Err(wire::why(WhyKind::Unlisted, code, message)),
        }
    })
}

fn then_query(account: &Arc<Account>, attempt: &AttemptRef, accepted: bool) -> Result<Reading<Undone>, Why> {
    let request = query::request(account, attempt).map_err(|refusal| Why::new(WhyKind::Configuration, refusal.inner))?;
    let (account, attempt) = (Arc::clone(account), attempt.clone());
    Ok(Reading::Then(Exchange::new(request, move |reply, env| match query::read(&account, &attempt, reply, env) {
        Reading::Is(pay) => Reading::Is(undone(pay, accepted)),
        // A query asks nothing further and needs no key.
        Reading::Then(_) | Reading::NeedKeys(_) => Reading::Is(Undone::Busy),
    })))
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
