//! Before anything is stored: what ICBC would refuse, and the facts that an attempt freezes.

use crate::config::{Account, Family, Mode, is_mer_id, is_number};
use crate::{pay, profile};
use sluice_contract::{AttemptRef, Method, Notes, PayOrder, Problem, Refusal};
use sluice_kit::account;
use sluice_kit::wire::plain;

/// Checks the binding's `sub` table: nothing for a direct account, the sub-merchant's numbers for a provider's.
pub(crate) fn check_sub(opened: &Account, sub: &Notes) -> Vec<Problem> {
    account::check_sub(&opened.profile, sub, |name, value| match name {
        "mer_id" => is_mer_id(value),
        "mer_prtcl_no" => is_number(value),
        _ => (1..=64).contains(&value.len()),
    })
}

/// Refuses what ICBC would refuse; answers what the attempt must remember.
pub(crate) fn admit(opened: &Account, attempt: &AttemptRef, order: &PayOrder) -> Result<Notes, Refusal> {
    account::admit(&opened.profile, attempt, order)?;
    if let Some(problem) = check_sub(opened, &attempt.sub).first() {
        return Err(Refusal::account(format!("sub.{problem}")));
    }
    let family = profile::family(attempt.method, opened.qr_family);
    match attempt.method {
        Method::IcbcBarcode => drop(auth_code(order)?),
        Method::IcbcQr if family == Family::A => drop(pay::store_code(opened, attempt, order)?),
        Method::WechatJsapi | Method::WechatMini => drop(payer_id("payer.openid", order.payer.openid.as_deref())?),
        Method::AlipayJsapi => drop(payer_id("payer.buyer_id", order.payer.buyer_id.as_deref())?),
        _ => {}
    }
    if family == Family::B && title(&order.subject, TITLE_MAX).is_empty() {
        return Err(Refusal::field("subject", "must have characters that the bank can show (no emoji)"));
    }
    freeze(opened, attempt, family)
}

/// `goods_name` has at most 20 Chinese characters (pack 1.7).
pub(crate) const TITLE_MAX: usize = 20;

/// What the payer reads: without 4-byte and control characters.
pub(crate) fn title(subject: &str, max: usize) -> String {
    let shown: String = subject.chars().filter(|c| !c.is_control()).collect();
    plain(shown.trim(), max)
}

/// The payer's code: ICBC's own has UnionPay's shape, 62 and 17 digits (pack 3).
pub(crate) fn auth_code(order: &PayOrder) -> Result<&str, Refusal> {
    let Some(code) = order.auth_code.as_deref() else { return Err(Refusal::field("auth_code", "is required")) };
    let fits = code.len() == 19 && is_number(code) && code.starts_with("62");
    if fits { Ok(code) } else { Err(Refusal::field("auth_code", "is no payment code that ICBC takes (19 digits, 62 first)")) }
}

pub(crate) fn payer_id<'a>(field: &'static str, id: Option<&'a str>) -> Result<&'a str, Refusal> {
    id.filter(|id| (1..=128).contains(&id.len())).ok_or_else(|| Refusal::field(field, "is required, at most 128 characters"))
}

/// The facts that requests and claims will be made of (see [`crate::ids`]), the family above all.
fn freeze(account: &Account, attempt: &AttemptRef, family: Family) -> Result<Notes, Refusal> {
    let mut memo = Notes::new();
    let mut note = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            memo.insert(name.to_owned(), value.to_owned());
        }
    };
    let sub = |name: &str| attempt.sub.get(name).map(String::as_str);
    let aggregate = &account.aggregate;
    let (mer_id, mer_prtcl_no) = match account.mode {
        Mode::Direct => (Some(account.mer_id.as_str()), aggregate.mer_prtcl_no.as_deref()),
        Mode::Provider => (sub("mer_id"), sub("mer_prtcl_no")),
    };
    note("family", Some(if family == Family::A { "A" } else { "B" }));
    note("app_id", Some(&account.app_id));
    note("mer_id", mer_id);
    if family == Family::B {
        note("mer_prtcl_no", mer_prtcl_no);
        note("icbc_appid", Some(&aggregate.icbc_appid));
        // The merchant's own account takes the money: a sub-merchant's is not ours to name.
        note("mer_acct", aggregate.mer_acct.as_deref().filter(|_| account.mode == Mode::Direct));
        note("shop_appid", shop_appid(account, attempt)?);
    }
    Ok(memo)
}

/// The app that the payer's openid belongs to: the account knows one.
fn shop_appid<'a>(account: &'a Account, attempt: &AttemptRef) -> Result<Option<&'a str>, Refusal> {
    let known = account.aggregate.shop_appid.as_deref();
    match attempt.app_id.as_deref() {
        Some(chosen) if known != Some(chosen) => Err(Refusal::field("app_id", "is not the shop's app of this account")),
        _ => Ok(known),
    }
}
