//! Asking about a payment by its own number and its own txnTime: any other time finds nothing (T8).
//!
//! respCode says whether the question worked, origRespCode what became of the payment. Of an order that waits for a payer
//! (forms, app, QR) a failure is not the end before payTimeout: the payer may try again. A barcode's failure is.

use crate::codes::{Api, Class, DEFECTIVE, LATE, QUERY_PATH, REVERSED, STATEMENT_DECIDES, WAITING};
use crate::config::Account;
use crate::ids::{self, frozen};
use crate::wire::{self, Said, TIMEOUT_MS, get, given, set};
use crate::{dates, pay};
use sluice_contract::{
    Action, AttemptRef, Env, FailureCode, Fault, HttpRequest, Notes, Pay, Payment, Reading, Refusal, Second, Step, Wallet, Why,
};
use sluice_kit::ask::ask;
use sluice_kit::claims::agrees;
use sluice_kit::ensure::ensure;
use sluice_kit::outcome::{self, Complaint as _, contradiction, unreadable};
use sluice_kit::wire::notes;
use std::sync::Arc;

/// Clocks differ, and a try that was begun in time may end a little later.
const GRACE_S: i64 = 60;
/// After payTimeout only 00 and A6 are no failure (pack §4); what is still processing gets the length of the official schedule.
const PROCESSING_GRACE_S: i64 = 7200;

pub(crate) fn query(account: &Arc<Account>, attempt: &AttemptRef, _env: &Env<'_>) -> Step<Pay> {
    ask(account, attempt, request(account, attempt), |_, attempt, fields, env| read(attempt, &fields, env.now).map(Reading::Is))
}

pub(crate) fn request(account: &Account, attempt: &AttemptRef) -> Result<HttpRequest, Refusal> {
    of(account, attempt, &attempt.number, frozen(attempt, "txnTime"), "query")
}

/// A query about a payment, or about a refund of it by that refund's number and time.
pub(crate) fn of(account: &Account, payment: &AttemptRef, number: &str, time: &str, api: &'static str) -> Result<HttpRequest, Refusal> {
    let mut fields = ids::about(payment, ("00", "00"), "000000", number, time);
    // An acquirer names itself always (UNCONFIRMED for queries; the pack ties it to the access type only).
    if let Some(code) = account.acquirer.get("acqInsCode").filter(|_| frozen(payment, "accessType") == "1") {
        set(&mut fields, "acqInsCode", code.as_str());
    }
    wire::post(account, api, QUERY_PATH, &fields, TIMEOUT_MS)
}

pub(crate) fn read(attempt: &AttemptRef, fields: &Notes, now: Second) -> Result<Pay, Why> {
    ids::identified(fields, attempt)?;
    asked(fields)?.map_or(Ok(Pay::NotFound), |said| state(attempt, fields, &said, now))
}

/// The origRespCode of a query that worked; `None` when UnionPay does not know the transaction.
pub(crate) fn asked(fields: &Notes) -> Result<Option<Said<'_>>, Why> {
    let said = Said::of(fields);
    match said.class(Api::Query)? {
        Class::Ok if fields.contains_key("origRespCode") => Ok(Some(Said::of_original(fields))),
        Class::Ok => Err(unreadable("the query worked and told no state")),
        Class::NotCreated => Ok(None),
        class => Err(said.doubt(class)),
    }
}

fn state(attempt: &AttemptRef, fields: &Notes, said: &Said<'_>, now: Second) -> Result<Pay, Why> {
    // The state must be that of a consume: a refund has a number of its own.
    ensure(fields.get("txnType").is_none_or(|kind| kind == "01"), || contradiction("txnType"))?;
    agrees(&ids::claimed(fields, false), attempt)?;
    let code = said.code;
    if code == REVERSED {
        return Ok(Pay::Reversed);
    }
    let class = said.class(Api::Paid)?;
    let waits = !attempt.method.is_barcode();
    let past = |grace_s: i64| now > attempt.expires_at.plus(grace_s);
    Ok(match class {
        Class::Fail(..) | Class::Config if waits && !past(GRACE_S) => Pay::Waiting(Action::None, Notes::new()),
        Class::Ok => Pay::Paid(payment(attempt, fields, code)?),
        Class::Unknown if code == WAITING && (!waits || !past(GRACE_S)) => pay::waiting(attempt),
        Class::Unknown if waits && code != STATEMENT_DECIDES && past(PROCESSING_GRACE_S) => {
            Pay::Failed(said.failure(FailureCode::OrderClosed, Fault::Request))
        }
        class => outcome::pay(Ok(class), said),
    })
}

/// UnionPay tells neither what left the payer's pocket nor a discount; the payer's card is encrypted and not taken.
fn payment(attempt: &AttemptRef, fields: &Notes, code: &str) -> Result<Payment, Why> {
    let amount = ids::amount(fields).ok_or_else(|| unreadable("paid, but without an amount"))?;
    let mut handles = handles(fields);
    handles.extend((code == DEFECTIVE).then(|| ("defective".to_owned(), code.to_owned())));
    Ok(Payment {
        wallet: Some(Wallet::Unionpay),
        channel_returns: code == LATE,
        channel_trade_no: given(fields, "queryId").map(str::to_owned),
        paid_at: dates::nearest(attempt.at, get(fields, "traceTime")),
        settle_date: dates::settle_date(attempt.at, get(fields, "settleDate")),
        handles,
        ..Payment::of(amount)
    })
}

/// What refunds and reconciliation need later (pack §2.9, §5).
pub(crate) fn handles(fields: &Notes) -> Notes {
    let names = ["queryId", "settleDate", "traceNo", "traceTime"];
    notes(names.into_iter().filter_map(|name| Some(name).zip(given(fields, name).filter(|value| value.len() <= 32))))
}
