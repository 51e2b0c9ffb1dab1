//! Before anything is stored: what UnionPay would refuse, and the facts that an attempt freezes.

use crate::config::Account;
use crate::products::{self, Product};
use sluice_contract::{AttemptRef, Notes, PayOrder, Problem, Refusal};
use sluice_kit::account;

/// Checks the binding's `sub` table: nothing, or the sub-merchant of a platform (the statement's columns hold 15 and 32).
pub(crate) fn check_sub(opened: &Account, sub: &Notes) -> Vec<Problem> {
    account::check_sub(&opened.profile, sub, |name, value| match name {
        "sub_mer_id" => (1..=15).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_alphanumeric()),
        _ => (1..=32).contains(&value.chars().count()) && value.trim() == value && value == told(value, 32),
    })
}

/// Refuses what UnionPay would refuse; answers what the attempt must remember: with the order's number, merId and txnTime are
/// its identity (pack §6), and a refund goes by the payment's own product family.
pub(crate) fn admit(opened: &Account, attempt: &AttemptRef, order: &PayOrder) -> Result<Notes, Refusal> {
    account::admit(&opened.profile, attempt, order)?;
    let product = product(attempt)?;
    if attempt.app_id.is_some() {
        return Err(Refusal::field("app_id", "UnionPay has no app ids"));
    }
    if let Some(problem) = check_sub(opened, &attempt.sub).first() {
        return Err(Refusal::account(format!("sub.{problem}")));
    }
    if attempt.method.is_barcode() {
        auth_code(order)?;
    }
    let txn_time = attempt.at.compact();
    let facts = [
        ("merId", opened.mer_id.as_str()),
        ("accessType", opened.access.code()),
        ("txnTime", txn_time.as_str()),
        ("bizType", product.biz_type),
        ("channelType", product.channel_type),
    ];
    Ok(facts.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

pub(crate) fn product(attempt: &AttemptRef) -> Result<Product, Refusal> {
    products::of(attempt.method).ok_or_else(|| Refusal::account("the method is not one of UnionPay's"))
}

/// The payer's code: 19 digits that begin with 62 (pack §2.5).
pub(crate) fn auth_code(order: &PayOrder) -> Result<&str, Refusal> {
    let Some(code) = order.auth_code.as_deref() else { return Err(Refusal::field("auth_code", "is required")) };
    if is_auth_code(code) { Ok(code) } else { Err(Refusal::field("auth_code", "is no UnionPay payment code (19 digits, 62 first)")) }
}

pub(crate) fn is_auth_code(code: &str) -> bool {
    code.len() == 19 && code.starts_with("62") && code.bytes().all(|b| b.is_ascii_digit())
}

/// Text for the payer without what breaks the channel's parsers (T17) or its stores.
pub(crate) fn told(text: &str, max: usize) -> String {
    let breaks = |c: char| c.is_control() || c.len_utf8() == 4 || "&={}[]\"'".contains(c);
    text.chars().filter(|c| !breaks(*c)).take(max).collect::<String>().trim().to_owned()
}

/// A terminal's name: eight digits; letters were refused as a format error (pack §1.3).
pub(crate) fn term_id(order: &PayOrder) -> Option<&str> {
    let own = order.terminal.as_ref().and_then(|terminal| terminal.id.as_deref());
    let of_store = order.store.as_ref().and_then(|store| store.term_id.as_deref());
    [own, of_store].into_iter().flatten().find(|id| id.len() == 8 && id.bytes().all(|b| b.is_ascii_digit()))
}
