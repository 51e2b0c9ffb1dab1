//! Notices (pack §5): verified over the body's fields only, and then only a reason to ask (T5).
//!
//! The raw body is read, never a router's parameters: a query in backUrl would be merged into them (T7). The caller compares the
//! claims with what it stored. Nothing is changed here.

use crate::config::Account;
use crate::ids;
use crate::wire::{get, given, is_utf8};
use sluice_contract::{Ack, Callback, Env, HttpReply, Notes, RawCallback, Rejected, Says};
use sluice_kit::callback::{forged, form, unreadable};
use sluice_kit::ensure::ensure;
use sluice_kit::text::is_alnum;

pub(crate) fn callback(account: &Account, raw: &RawCallback<'_>, env: &Env<'_>) -> Result<Callback, Rejected> {
    let fields: Notes = form(raw)?.into_iter().collect();
    // The order that it names, believed or not.
    let number = fields.get("orderId").map(String::as_str).filter(|id| is_alnum(id, 1..=40));
    account.verifier.check(&fields, None, env.now).map_err(|reason| forged(reason, number))?;
    ensure(is_utf8(&fields), || unreadable("the notice is in another encoding"))?;
    ensure(get(&fields, "merId") == account.mer_id, || forged("the merchant is not this account's", number))?;
    let is_refund = match get(&fields, "txnType") {
        "01" => false,
        "04" | "31" => true,
        _ => return Err(unreadable("the notice is about no payment and no refund")),
    };
    ensure(number.is_some(), || unreadable("the notice names no order"))?;
    let event_id = given(&fields, "queryId").map(str::to_owned);
    Ok(Callback { claims: ids::claimed(&fields, is_refund), says: Says::Ask, event_id })
}

/// 200, or 400 for what is not taken: UnionPay then sends it again, four times at most (pack §5). A contradiction is refused too,
/// because it cannot be told here from a commit that failed; its repeats change nothing.
pub(crate) fn acknowledge(_account: &Account, _raw: &RawCallback<'_>, ack: Ack, _env: &Env<'_>) -> HttpReply {
    let (status, body) = match ack {
        Ack::Taken => (200, "ok"),
        Ack::Refused => (400, "fail"),
    };
    HttpReply::new(status, &[("Content-Type", "text/plain; charset=utf-8")], body)
}
