//! Before anything is stored: what UnionPay would refuse, and the facts that an attempt freezes.

use crate::codes::{FRONT, PRODUCTS, Product};
use crate::config::Account;
use sluice_contract::{AttemptRef, Method, Notes, PayOrder, Problem, Refusal};
use sluice_kit::account;
use sluice_kit::ensure::ensure;
use sluice_kit::text::{is_alnum, is_digits};
use sluice_kit::wire::notes;

/// Checks the binding's `sub` table: nothing, or the sub-merchant of a platform (the statement's columns hold 15 and 32).
pub(crate) fn check_sub(opened: &Account, sub: &Notes) -> Vec<Problem> {
    account::check_sub(&opened.profile, sub, |name, value| match name {
        "sub_mer_id" => is_alnum(value, 1..=15),
        _ => (1..=32).contains(&value.chars().count()) && value.trim() == value && value == told(value, 32),
    })
}

/// Refuses what UnionPay would refuse; answers what the attempt must remember: with the order's number, merId and txnTime are
/// its identity (pack §6), and a refund goes by the payment's own product family.
pub(crate) fn admit(opened: &Account, attempt: &AttemptRef, order: &PayOrder) -> Result<Notes, Refusal> {
    account::admit_sub(&opened.profile, attempt, order, &check_sub(opened, &attempt.sub))?;
    let product = product(attempt.method)?;
    ensure(attempt.app_id.is_none(), || Refusal::field("app_id", "UnionPay has no app ids"))?;
    if attempt.method.is_barcode() {
        auth_code(order)?;
    }
    let txn_time = attempt.at.compact();
    Ok(notes([
        ("merId", opened.mer_id.as_str()),
        ("accessType", opened.access.code()),
        ("txnTime", txn_time.as_str()),
        ("bizType", product.biz_type),
        ("channelType", product.channel_type),
    ]))
}

/// What a method is at UnionPay.
pub(crate) fn product(method: Method) -> Result<&'static Product, Refusal> {
    let product = PRODUCTS.iter().find(|product| product.method == method);
    product.ok_or_else(|| Refusal::account("the method is not one of UnionPay's"))
}

/// The payer's browser posts it: nothing is sent by us, and the order exists once the payer has arrived.
pub(crate) fn is_form(product: &Product) -> bool {
    product.path == FRONT
}

/// The payer's code: 19 digits that begin with 62 (pack §2.5).
pub(crate) fn auth_code(order: &PayOrder) -> Result<&str, Refusal> {
    let fits = |code: &str| code.starts_with("62") && is_digits(code, 19..=19);
    account::auth_code(order, fits, "is no UnionPay payment code (19 digits, 62 first)")
}

/// Text for the payer without what breaks the channel's parsers (T17) or its stores.
pub(crate) fn told(text: &str, max: usize) -> String {
    let breaks = |c: char| c.is_control() || c.len_utf8() == 4 || "&={}[]\"'".contains(c);
    text.chars().filter(|c| !breaks(*c)).take(max).collect::<String>().trim().to_owned()
}

/// A terminal's name: eight digits; letters were refused as a format error (pack §1.3).
pub(crate) fn term_id(order: &PayOrder) -> Option<&str> {
    account::terminals(order).find(|id| is_digits(id, 8..=8))
}
