//! Before anything is stored: what Alipay would refuse, and the facts that an attempt freezes.

use crate::config::{Account, Mode, PayerId};
use sluice_contract::{AttemptRef, Method, Notes, PayOrder, Problem, Refusal};
use sluice_kit::account;
use sluice_kit::text::{is_alnum, is_digits};
use sluice_kit::wire::notes;

/// The most a URL may have in a request (pack §1.2).
pub(crate) const URL_MAX: usize = 256;

/// An app's number: digits, at most 32.
pub(crate) fn is_app_id(id: &str) -> bool {
    is_digits(id, 1..=32)
}

/// A partner's number: 2088 and digits.
pub(crate) fn is_pid(id: &str) -> bool {
    id.starts_with("2088") && is_digits(id, 16..=32)
}

/// Checks the binding's `sub` table: nothing for a direct account, the merchant's app and tokens for a provider's.
pub(crate) fn check_sub(opened: &Account, sub: &Notes) -> Vec<Problem> {
    account::check_sub(&opened.profile, sub, fits)
}

fn fits(name: &str, value: &str) -> bool {
    match name {
        "auth_app_id" => is_app_id(value),
        "seller_id" => is_pid(value),
        _ => crate::keys::is_token(value),
    }
}

/// Refuses what Alipay would refuse; answers what the attempt must remember.
pub(crate) fn admit(opened: &Account, attempt: &AttemptRef, order: &PayOrder) -> Result<Notes, Refusal> {
    account::admit(&opened.profile, attempt, order)?;
    let subject = subject(&order.subject);
    if subject.is_empty() {
        return Err(Refusal::field("subject", "must have characters that Alipay can show"));
    }
    // The gateway takes the names of its own old parameters for an attack (pack §9, 11).
    if ["total_fee", "out_trade_no"].iter().any(|name| subject.contains(name)) {
        return Err(Refusal::field("subject", "must not hold total_fee or out_trade_no: Alipay takes them for an attack"));
    }
    // The secrets of the table are not frozen with the attempt: the names that are must fit.
    if let Some(field) = opened.profile.sub_fields.iter().find(|f| f.required && !f.secret && !attempt.sub.contains_key(f.name)) {
        return Err(Refusal::account(format!("sub.{} is missing", field.name)));
    }
    if let Some((name, _)) = attempt.sub.iter().find(|(name, value)| opened.mode == Mode::Direct || !fits(name, value)) {
        return Err(Refusal::account(format!("sub.{name} does not fit")));
    }
    of_method(opened, attempt, order)?;
    freeze(opened, attempt)
}

fn of_method(account: &Account, attempt: &AttemptRef, order: &PayOrder) -> Result<(), Refusal> {
    match attempt.method {
        Method::AlipayJsapi => buyer(account, order).map(drop),
        Method::AlipayBarcode => auth_code(order).map(drop),
        Method::AlipayWap | Method::AlipayPage if order.return_url.as_ref().is_some_and(|url| url.len() > URL_MAX) => {
            Err(Refusal::account("the return URL has more than 256 characters"))
        }
        _ => Ok(()),
    }
}

/// The payer's code and its scene: 16 to 24 digits that begin with 25 to 30, or a face of 35 characters (pack §7).
pub(crate) fn auth_code(order: &PayOrder) -> Result<(&str, &'static str), Refusal> {
    // Scanners end a code with a line end.
    let code = order.auth_code.as_deref().unwrap_or_default().trim();
    if is_digits(code, 16..=24) && code.get(..2).is_some_and(|prefix| ("25"..="30").contains(&prefix)) {
        return Ok((code, "bar_code"));
    }
    if code.starts_with("fp") && is_alnum(code, 35..=35) {
        return Ok((code, "security_code"));
    }
    Err(Refusal::field("auth_code", "is no Alipay payment code (16 to 24 digits, 25 to 30 first)"))
}

/// The one id of the payer and the name it goes by: never both, never crossed (pack §13).
pub(crate) fn buyer<'a>(account: &Account, order: &'a PayOrder) -> Result<(&'static str, &'a str), Refusal> {
    let given = |id: &'a Option<String>| id.as_deref().filter(|id| !id.is_empty());
    let (user, open) = (given(&order.payer.buyer_id), given(&order.payer.buyer_open_id));
    match (user, open) {
        (None, None) => Err(Refusal::field("payer.buyer_id", "is required, or payer.buyer_open_id")),
        (Some(user), None) => buyer_id(user),
        (Some(user), Some(_)) if account.payer_id == PayerId::UserId => buyer_id(user),
        (_, Some(open)) => buyer_open_id(open),
    }
}

/// 2088 and twelve digits. The retired `alipay_user_id` of 32 digits is refused.
fn buyer_id(id: &str) -> Result<(&'static str, &str), Refusal> {
    let fits = is_pid(id) && id.len() == 16;
    if fits { Ok(("buyer_id", id)) } else { Err(Refusal::field("payer.buyer_id", "must be 2088 and twelve digits")) }
}

fn buyer_open_id(id: &str) -> Result<(&'static str, &str), Refusal> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let fits = (1..=128).contains(&id.len()) && id.bytes().all(plain);
    if fits { Ok(("buyer_open_id", id)) } else { Err(Refusal::field("payer.buyer_open_id", "must be an open_id")) }
}

/// What the payer reads, 256 characters. `/ = &` are refused in it (pack §2), and whether the bill quotes a comma is UNCONFIRMED
/// (pack §2.10): their wide forms read the same.
pub(crate) fn subject(text: &str) -> String {
    let shown = text.chars().filter(|c| !c.is_control()).map(|c| match c {
        '/' => '／',
        '=' => '＝',
        '&' => '＆',
        ',' => '，',
        '"' => '＂',
        other => other,
    });
    shown.collect::<String>().trim().chars().take(256).collect()
}

/// The ids that claims are compared with. In provider mode `auth_app_id` and `seller_id` stand in the binding's own table.
fn freeze(account: &Account, attempt: &AttemptRef) -> Result<Notes, Refusal> {
    let merchant = attempt.sub.get("auth_app_id");
    let is_ours = |id: &String| *id == account.app_id || Some(id) == merchant;
    if attempt.app_id.as_ref().is_some_and(|id| !is_ours(id)) {
        return Err(Refusal::field("app_id", "is not an app id of this account"));
    }
    let facts = [("app_id", &account.app_id), ("auth_app_id", &account.app_id), ("seller_id", &account.pid)];
    let own = if account.mode == Mode::Direct { facts.len() } else { 1 };
    Ok(notes(facts.into_iter().take(own)))
}
