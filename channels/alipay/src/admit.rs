//! Before anything is stored: what Alipay would refuse, and the facts that an attempt freezes.

use crate::config::{Account, Mode};
use crate::keys::{TOKEN, TOKEN_LEN};
use sluice_contract::{AttemptRef, Method, Notes, PayOrder, Problem, Refusal};
use sluice_kit::account;
use sluice_kit::ensure::ensure;
use sluice_kit::text::{is_alnum, is_digits, is_visible, is_word};
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
    account::check_sub(&opened.profile, sub, |name, value| match name {
        "auth_app_id" => is_app_id(value),
        "seller_id" => is_pid(value),
        _ => is_visible(value, TOKEN_LEN),
    })
}

/// Refuses what Alipay would refuse; answers what the attempt must remember.
pub(crate) fn admit(opened: &Account, attempt: &AttemptRef, order: &PayOrder) -> Result<Notes, Refusal> {
    // The secrets of the table are not frozen with the attempt: the names that are must fit.
    let is_frozen = |problem: &Problem| attempt.sub.contains_key(&problem.field) || problem.field != TOKEN;
    let sub: Vec<Problem> = check_sub(opened, &attempt.sub).into_iter().filter(is_frozen).collect();
    account::admit_sub(&opened.profile, attempt, order, &sub)?;
    let subject = subject(&order.subject);
    ensure(!subject.is_empty(), || Refusal::field("subject", "must have characters that Alipay can show"))?;
    // The gateway takes the names of its own old parameters for an attack (pack §9, 11).
    let is_attack = subject.contains("total_fee") || subject.contains("out_trade_no");
    ensure(!is_attack, || Refusal::field("subject", "must not hold total_fee or out_trade_no: Alipay takes them for an attack"))?;
    let fits = return_url(attempt, order).is_none_or(|url| url.len() <= URL_MAX);
    ensure(fits, || Refusal::account("return_url has more than 256 characters"))?;
    payer(opened, attempt, order)?;
    let is_ours = |id: &String| *id == opened.app_id || attempt.sub.get("auth_app_id") == Some(id);
    ensure(attempt.app_id.iter().all(is_ours), || Refusal::field("app_id", "is not an app id of this account"))?;
    // The ids that claims are compared with. In provider mode `auth_app_id` and `seller_id` stand in the binding's own table.
    let facts = [("app_id", &opened.app_id), ("auth_app_id", &opened.app_id), ("seller_id", &opened.pid)];
    Ok(notes(facts.into_iter().take(if opened.mode == Mode::Direct { 3 } else { 1 })))
}

/// Where the payer's browser goes back to; the other products have no such page.
pub(crate) fn return_url<'a>(attempt: &AttemptRef, order: &'a PayOrder) -> Option<&'a String> {
    order.return_url.as_ref().filter(|_| matches!(attempt.method, Method::AlipayWap | Method::AlipayPage))
}

/// The members that say who pays, where the method wants to know.
pub(crate) fn payer<'a>(account: &Account, attempt: &AttemptRef, order: &'a PayOrder) -> Result<Vec<(&'static str, &'a str)>, Refusal> {
    match attempt.method {
        Method::AlipayJsapi => buyer(account, order).map(|buyer| vec![buyer]),
        Method::AlipayBarcode => auth_code(order),
        _ => Ok(Vec::new()),
    }
}

/// The payer's code and its scene: 16 to 24 digits that begin with 25 to 30, or a face of 35 characters (pack §7).
fn auth_code(order: &PayOrder) -> Result<Vec<(&'static str, &str)>, Refusal> {
    // Scanners end a code with a line end.
    let code = order.auth_code.as_deref().unwrap_or_default().trim();
    let is_bar = is_digits(code, 16..=24) && code.get(..2).is_some_and(|prefix| ("25"..="30").contains(&prefix));
    let is_face = code.starts_with("fp") && is_alnum(code, 35..=35);
    ensure(is_bar || is_face, || Refusal::field("auth_code", "is no Alipay payment code (16 to 24 digits, 25 to 30 first)"))?;
    Ok(vec![("auth_code", code), ("scene", if is_bar { "bar_code" } else { "security_code" })])
}

/// One kind only and the name it goes by: the configured one when both are there.
pub(crate) fn payer_id<'a>(account: &Account, user: Option<&'a str>, open: Option<&'a str>) -> Option<(&'static str, &'a str)> {
    let (user, open) = (user.map(|id| ("buyer_id", id)), open.map(|id| ("buyer_open_id", id)));
    if account.prefers_open_id { open.or(user) } else { user.or(open) }
}

/// The one id of the payer and the name it goes by: never both, never crossed (pack §13).
fn buyer<'a>(account: &Account, order: &'a PayOrder) -> Result<(&'static str, &'a str), Refusal> {
    let given = |id: &'a Option<String>| id.as_deref().filter(|id| !id.is_empty());
    match payer_id(account, given(&order.payer.buyer_id), given(&order.payer.buyer_open_id)) {
        None => Err(Refusal::field("payer.buyer_id", "is required, or payer.buyer_open_id")),
        Some(("buyer_id", id)) if !is_buyer_id(id) => Err(Refusal::field("payer.buyer_id", "must be 2088 and twelve digits")),
        Some(("buyer_open_id", id)) if !is_word(id, 1..=128, b"_-") => Err(Refusal::field("payer.buyer_open_id", "must be an open_id")),
        Some(found) => Ok(found),
    }
}

/// 2088 and twelve digits. The retired `alipay_user_id` of 32 digits is refused.
pub(crate) fn is_buyer_id(id: &str) -> bool {
    is_pid(id) && id.len() == 16
}

/// What the payer reads, 256 characters. `/ = &` are refused in it (pack §2), and whether the bill quotes a comma is UNCONFIRMED
/// (pack §2.10): their wide forms read the same.
pub(crate) fn subject(text: &str) -> String {
    let wide = |c: char| WIDE.iter().find(|(narrow, _)| *narrow == c).map_or(c, |(_, wide)| *wide);
    text.chars().filter(|c| !c.is_control()).map(wide).collect::<String>().trim().chars().take(256).collect()
}

const WIDE: [(char, char); 5] = [('/', '／'), ('=', '＝'), ('&', '＆'), (',', '，'), ('"', '＂')];
