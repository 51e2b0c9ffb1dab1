//! Before anything is stored: what ICBC would refuse, and the facts that an attempt freezes.

use crate::config::{Account, Family, Mode, is_mer_id, is_number};
use crate::{pay, profile};
use sluice_contract::{AttemptRef, Method, Notes, PayOrder, Problem, Refusal};
use sluice_kit::account;
use sluice_kit::ensure::ensure;
use sluice_kit::text::{is_digits, shown};
use sluice_kit::wire::notes;

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
    account::admit_sub(&opened.profile, attempt, order, &check_sub(opened, &attempt.sub))?;
    let family = profile::family(attempt.method, opened.qr_family);
    match attempt.method {
        Method::IcbcBarcode => drop(auth_code(order)?),
        Method::IcbcQr if family == Family::A => drop(pay::store_code(opened, attempt, order)?),
        method => drop(payer_id(method, order)?),
    }
    let is_shown = family == Family::A || !shown(&order.subject, TITLE_MAX).is_empty();
    ensure(is_shown, || Refusal::field("subject", "must have characters that the bank can show (no emoji)"))?;
    freeze(opened, attempt, family)
}

/// `goods_name` has at most 20 Chinese characters (pack 1.7).
pub(crate) const TITLE_MAX: usize = 20;

/// The payer's code: ICBC's own has UnionPay's shape, 62 and 17 digits (pack 3).
pub(crate) fn auth_code(order: &PayOrder) -> Result<&str, Refusal> {
    let fits = |code: &str| code.starts_with("62") && is_digits(code, 19..=19);
    account::auth_code(order, fits, "is no payment code that ICBC takes (19 digits, 62 first)")
}

/// The payer's id in the wallet, under the bank's name for it; `None` for a wallet that wants none.
pub(crate) fn payer_id(method: Method, order: &PayOrder) -> Result<Option<(&'static str, &str)>, Refusal> {
    let (name, field, id) = match method {
        Method::WechatJsapi | Method::WechatMini => ("open_id", "payer.openid", order.payer.openid.as_deref()),
        Method::AlipayJsapi => ("union_id", "payer.buyer_id", order.payer.buyer_id.as_deref()),
        _ => return Ok(None),
    };
    let id = id.filter(|id| (1..=128).contains(&id.len()));
    id.map(|id| Some((name, id))).ok_or_else(|| Refusal::field(field, "is required, at most 128 characters"))
}

/// The facts that requests and claims will be made of (see [`crate::ids`]), the family above all.
fn freeze(account: &Account, attempt: &AttemptRef, family: Family) -> Result<Notes, Refusal> {
    let sub = |name: &str| attempt.sub.get(name).map(String::as_str);
    let aggregate = &account.aggregate;
    let (mer_id, mer_prtcl_no) = match account.mode {
        Mode::Direct => (Some(account.mer_id.as_str()), aggregate.mer_prtcl_no.as_deref()),
        Mode::Provider => (sub("mer_id"), sub("mer_prtcl_no")),
    };
    let name = if family == Family::A { "A" } else { "B" };
    let mut facts = vec![("family", Some(name)), ("app_id", Some(account.app_id.as_str())), ("mer_id", mer_id)];
    if family == Family::B {
        facts.extend([
            ("mer_prtcl_no", mer_prtcl_no),
            ("icbc_appid", Some(aggregate.icbc_appid.as_str())),
            // The merchant's own account takes the money: a sub-merchant's is not ours to name.
            ("mer_acct", aggregate.mer_acct.as_deref().filter(|_| account.mode == Mode::Direct)),
            ("shop_appid", shop_appid(account, attempt)?),
        ]);
    }
    Ok(notes(facts.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)))))
}

/// The app that the payer's openid belongs to: the account knows one.
fn shop_appid<'a>(account: &'a Account, attempt: &AttemptRef) -> Result<Option<&'a str>, Refusal> {
    let known = account.aggregate.shop_appid.as_deref();
    match attempt.app_id.as_deref() {
        Some(chosen) if known != Some(chosen) => Err(Refusal::field("app_id", "is not the shop's app of this account")),
        _ => Ok(known),
    }
}
