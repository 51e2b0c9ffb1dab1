//! Refunds (退货, 04) and their queries (pack §2.7): a number and a time of their own, accepted first, done later.
//!
//! The same-day undo (31) is a setting, off by default. The choice between the two is made of frozen facts alone (both times,
//! both amounts, the payment's queryId), so it is the same in every process; but not every bank offers an undo, and one that is
//! refused cannot fall back to a refund under the same number. The query does not care which of the two it was.

use crate::codes::{Api, BACK, Class};
use crate::config::Account;
use crate::dates::{self, clearing_day};
use crate::ids::{self, frozen};
use crate::query;
use crate::wire::{self, Said, TIMEOUT_MONEY_MS, get, set};
use sluice_contract::{Env, FailureCode, Fault, HttpRequest, Notes, Reading, Refund, RefundRef, Refunded, Refusal, Step, Why};
use sluice_kit::ask::ask;
use sluice_kit::ensure::ensure;
use sluice_kit::outcome::{self, Complaint as _, contradiction, unreadable};
use std::sync::Arc;

pub(crate) fn refund(account: &Arc<Account>, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
    ask(account, refund, request(account, refund, env), |_, refund, fields, _| taken(refund, &fields).map(Reading::Is))
}

pub(crate) fn query_refund(account: &Arc<Account>, refund: &RefundRef, _env: &Env<'_>) -> Step<Refund> {
    let request = query::of(account, &refund.payment, &refund.number, &refund.at.compact(), "refund.query");
    ask(account, refund, request, |_, refund, fields, _| told(refund, &fields).map(Reading::Is))
}

/// The payment's queryId, once a notice's query has told it.
fn query_id(refund: &RefundRef) -> Option<&String> {
    refund.payment.handles.get("queryId")
}

/// Whether this refund goes as an undo: the whole payment, in its own clearing day.
fn is_undo(account: &Account, refund: &RefundRef) -> bool {
    account.terms.same_day_undo
        && refund.amount == refund.payment.amount
        && clearing_day(refund.at) == clearing_day(refund.payment.at)
        && query_id(refund).is_some()
}

fn request(account: &Account, refund: &RefundRef, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let payment = &refund.payment;
    let txn_type = if is_undo(account, refund) { "31" } else { "04" };
    let mut fields = ids::money(account, payment, (txn_type, "00"), &refund.number, &refund.at.compact());
    set(&mut fields, "txnAmt", refund.amount.to_string());
    set(&mut fields, "currencyCode", "156");
    set(&mut fields, "backUrl", format!("{}/refund", env.notify_url));
    match query_id(refund) {
        Some(id) => set(&mut fields, "origQryId", id.as_str()),
        None => {
            set(&mut fields, "origOrderId", payment.number.as_str());
            set(&mut fields, "origTxnTime", frozen(payment, "txnTime"));
        }
    }
    wire::post(account, "refund", BACK, &fields, TIMEOUT_MONEY_MS)
}

fn is_refund(fields: &Notes) -> bool {
    matches!(get(fields, "txnType"), "04" | "31")
}

fn taken(refund: &RefundRef, fields: &Notes) -> Result<Refund, Why> {
    ids::refund_identified(fields, refund)?;
    ensure(is_refund(fields), || contradiction("txnType"))?;
    let said = Said::of(fields);
    Ok(match said.class(Api::Refund) {
        Ok(Class::Ok) => Refund::Accepted(query::handles(fields)),
        class => refused(class, &said),
    })
}

/// Refusals of our signature are definite too (pack §4: nothing happened, but alert).
fn refused(class: Result<Class, Why>, said: &Said<'_>) -> Refund {
    match class {
        Ok(Class::Config) => Refund::Failed(said.failure(FailureCode::ChannelConfiguration, Fault::Account)),
        class => outcome::refund(class, said, true),
    }
}

fn told(refund: &RefundRef, fields: &Notes) -> Result<Refund, Why> {
    ids::refund_identified(fields, refund)?;
    let Some(said) = query::asked(fields)? else { return Ok(Refund::NotFound) };
    ensure(is_refund(fields) || !fields.contains_key("txnType"), || contradiction("txnType"))?;
    Ok(match said.class(Api::Refunded) {
        Ok(Class::Ok) if ids::amount(fields).is_some() => Refund::Succeeded(refunded(refund, fields)),
        Ok(Class::Ok) => return Err(unreadable("refunded, but without an amount")),
        class => refused(class, &said),
    })
}

fn refunded(refund: &RefundRef, fields: &Notes) -> Refunded {
    Refunded {
        // What reaches the payer's pocket is not told.
        payer_amount: None,
        at: dates::nearest(refund.at, get(fields, "traceTime")),
        settle_date: dates::settle_date(refund.at, get(fields, "settleDate")),
        handles: query::handles(fields),
    }
}
