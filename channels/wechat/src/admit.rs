//! Before anything is stored: what WeChat Pay would refuse, and the facts that an attempt freezes.

use crate::config::{Account, Mode, is_app_id, is_mchid};
use sluice_contract::{AttemptRef, Method, Notes, PayOrder, Problem, Refusal};
use sluice_kit::account;
use sluice_kit::ensure::ensure;
use sluice_kit::text::{is_digits, shown};
use sluice_kit::wire::notes;
use std::net::IpAddr;

/// Checks the binding's `sub` table: nothing for a direct account, `sub_mchid` and perhaps `sub_appid` for a provider's.
pub(crate) fn check_sub(opened: &Account, sub: &Notes) -> Vec<Problem> {
    account::check_sub(&opened.profile, sub, |name, value| if name == "sub_mchid" { is_mchid(value) } else { is_app_id(value) })
}

/// Refuses what WeChat Pay would refuse; answers what the attempt must remember.
pub(crate) fn admit(opened: &Account, attempt: &AttemptRef, order: &PayOrder) -> Result<Notes, Refusal> {
    account::admit_sub(&opened.profile, attempt, order, &check_sub(opened, &attempt.sub))?;
    let is_shown = !description(&order.subject).is_empty();
    ensure(is_shown, || Refusal::field("subject", "must have characters that WeChat Pay can show (it refuses emoji)"))?;
    of_method(opened, attempt, order)?;
    freeze(opened, attempt)
}

fn of_method(account: &Account, attempt: &AttemptRef, order: &PayOrder) -> Result<(), Refusal> {
    match attempt.method {
        Method::WechatJsapi | Method::WechatMini => match order.payer.openid.as_deref().map(str::len) {
            Some(1..=128) => Ok(()),
            _ => Err(Refusal::field("payer.openid", "is required, at most 128 characters")),
        },
        Method::WechatH5 => {
            payer_ip(account, order)?;
            h5_type(order).map(drop)
        }
        Method::WechatBarcode => auth_code(order).map(drop),
        _ => Ok(()),
    }
}

/// The payer's code: 18 digits that begin with 10 to 15 (pack §3.6).
pub(crate) fn auth_code(order: &PayOrder) -> Result<&str, Refusal> {
    let fits = |code: &str| is_digits(code, 18..=18) && code.get(..2).is_some_and(|prefix| ("10"..="15").contains(&prefix));
    account::auth_code(order, fits, "is no WeChat payment code (18 digits, 10 to 15 first)")
}

/// H5 wants the payer's own public address; loopback is refused (pack §3.4). The sandbox's payers do live there.
pub(crate) fn payer_ip<'a>(account: &Account, order: &'a PayOrder) -> Result<&'a str, Refusal> {
    let Some(text) = order.client_ip.as_deref() else { return Err(Refusal::field("client_ip", "is required")) };
    let is_public = |ip: IpAddr| account.sandbox || !(ip.is_loopback() || ip.is_unspecified());
    ensure(text.parse().is_ok_and(is_public), || Refusal::field("client_ip", "must be the payer's public IP address"))?;
    Ok(text)
}

/// `iOS`, `Android` or `Wap` in WeChat's spelling.
pub(crate) fn h5_type(order: &PayOrder) -> Result<&'static str, Refusal> {
    let given = order.h5_type.as_deref().unwrap_or_default();
    let known = ["iOS", "Android", "Wap"].into_iter().find(|word| word.eq_ignore_ascii_case(given));
    known.ok_or_else(|| Refusal::field("h5_type", "must be iOS, Android or Wap"))
}

/// What the payer reads: without 4-byte characters, which WeChat refuses (pack §1), and control characters; 127 at most.
pub(crate) fn description(subject: &str) -> String {
    shown(subject, 127)
}

/// The facts that requests, queries and claims will be made of (see [`crate::ids`]), the dialect, and in partner mode
/// whose app the openid belongs to.
fn freeze(account: &Account, attempt: &AttemptRef) -> Result<Notes, Refusal> {
    let default = account.app_id(attempt.method).unwrap_or_default();
    let sub_app = attempt.sub.get("sub_appid").map(String::as_str);
    let (app, payer_app) = match attempt.app_id.as_deref() {
        None => (default, "sp"),
        Some(id) if account.known_apps.iter().any(|known| known == id) => (id, "sp"),
        Some(id) if account.mode == Mode::Partner && sub_app == Some(id) => (default, "sub"),
        Some(_) => return Err(Refusal::field("app_id", "is not an app id of this account")),
    };
    let dialect = if attempt.method.is_barcode() && account.barcode_by_v2 { "v2" } else { "v3" };
    let mchid = account.signer.mchid.as_str();
    Ok(match account.mode {
        Mode::Direct => notes([("dialect", dialect), ("appid", app), ("mchid", mchid)]),
        Mode::Partner => notes([("dialect", dialect), ("sp_appid", app), ("sp_mchid", mchid), ("payer_app", payer_app)]),
    })
}
