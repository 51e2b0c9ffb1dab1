//! Notices (pack §5): verified over the body's fields only, and then only a reason to ask (T5).
//!
//! The raw body is read, never a router's parameters: a query in backUrl would be merged into them (T7). The caller compares the
//! claims with what it stored. Nothing is changed here.

use crate::config::Account;
use crate::ids;
use crate::wire::{get, is_utf8};
use sluice_contract::{Ack, Callback, Env, HttpReply, Notes, RawCallback, Rejected, Says, Verb};
use sluice_kit::form::{FormError, decode_pairs};
use sluice_kit::wire::CALLBACK_MAX_BYTES;

pub(crate) fn callback(account: &Account, raw: &RawCallback<'_>, env: &Env<'_>) -> Result<Callback, Rejected> {
    if raw.verb != Verb::Post || raw.body.len() > CALLBACK_MAX_BYTES {
        return Err(unreadable("a notice is a POST of at most 256 KiB"));
    }
    let fields: Notes = match decode_pairs(raw.body) {
        Ok(pairs) => pairs.into_iter().collect(),
        Err(FormError::Doubled) => return Err(forged("a field stands there twice", None)),
        Err(FormError::Malformed | FormError::TooMany) => return Err(unreadable("the body is no form")),
    };
    let number = number(&fields);
    account.verifier.check(&fields, env.now).map_err(|reason| forged(reason, number.clone()))?;
    if !is_utf8(&fields) {
        return Err(unreadable("the notice is in another encoding"));
    }
    if get(&fields, "merId") != account.mer_id {
        return Err(forged("the merchant is not this account's", number));
    }
    let is_refund = match get(&fields, "txnType") {
        "01" => false,
        "04" | "31" => true,
        _ => return Err(unreadable("the notice is about no payment and no refund")),
    };
    if number.is_none() {
        return Err(unreadable("the notice names no order"));
    }
    let event_id = fields.get("queryId").filter(|id| !id.is_empty()).cloned();
    Ok(Callback { claims: ids::claimed(&fields, is_refund), says: Says::Ask, event_id })
}

/// The order that a notice names, believed or not: at most a query follows from it.
fn number(fields: &Notes) -> Option<String> {
    let plain = |id: &&String| (1..=40).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    fields.get("orderId").filter(plain).cloned()
}

/// 200, or 400 for what is not taken: UnionPay then sends it again, four times at most (pack §5). A contradiction is refused too,
/// because it cannot be told here from a commit that failed; its repeats change nothing.
pub(crate) fn acknowledge(ack: Ack) -> HttpReply {
    let (status, body) = match ack {
        Ack::Taken => (200, "ok"),
        Ack::Refused => (400, "fail"),
    };
    HttpReply::new(status, &[("Content-Type", "text/plain; charset=utf-8")], body)
}

fn forged(reason: &str, number: Option<String>) -> Rejected {
    Rejected::Forged { reason: reason.to_owned(), number }
}

fn unreadable(reason: &str) -> Rejected {
    Rejected::Unreadable { reason: reason.to_owned() }
}
