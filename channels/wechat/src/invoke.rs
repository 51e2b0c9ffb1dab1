//! What the payer's front end needs to open the cashier (pack §3.7): JSAPI, mini-program and APP parameters.
//!
//! The one difference to know: JSAPI signs `prepay_id=<id>`, APP signs the bare id.

use crate::config::Account;
use crate::ids::frozen;
use crate::sign;
use sluice_contract::{Action, AttemptRef, Env, Method, Refusal};
use sluice_kit::wire::notes;

/// Signs the invocation of a prepaid order. Signed afresh at every reading: it carries time and nonce.
pub(crate) fn action(account: &Account, attempt: &AttemptRef, prepay_id: &str, env: &Env<'_>) -> Result<Action, Refusal> {
    let app = app_that_opens(attempt);
    let nonce = sign::nonce(env);
    let time = env.now.0.to_string();
    let is_app = attempt.method == Method::WechatApp;
    let package = if is_app { prepay_id.to_owned() } else { format!("prepay_id={prepay_id}") };
    let sign = account.signer.sign(&lines(&[app, &time, &nonce, &package]))?;
    let both = [("appId", app), ("timeStamp", &time), ("nonceStr", &nonce)];
    if is_app {
        let partner = partner_id(account, attempt);
        let own = [("partnerId", partner), ("prepayId", prepay_id), ("packageValue", "Sign=WXPay"), ("sign", &sign)];
        return Ok(Action::App { params: notes(both.into_iter().chain(own)) });
    }
    let own = [("package", package.as_str()), ("signType", "RSA"), ("paySign", &sign)];
    Ok(Action::Jsapi { params: notes(both.into_iter().chain(own)) })
}

/// The app in which the payer is: the sub-merchant's when the order was placed for it, else ours.
fn app_that_opens(attempt: &AttemptRef) -> &str {
    let names = if attempt.memo.get("payer_app").is_some_and(|app| app == "sub") { ["sub_appid", "appid"] } else { ["appid", "sp_appid"] };
    names.iter().find_map(|name| frozen(attempt, name)).unwrap_or_default()
}

/// Partner mode: the sub-merchant's number per the pages, by setting the provider's (UNCONFIRMED).
fn partner_id<'a>(account: &'a Account, attempt: &'a AttemptRef) -> &'a str {
    let sub = if account.sub_is_app_partner { frozen(attempt, "sub_mchid") } else { None };
    sub.unwrap_or(&account.signer.mchid)
}

/// Each part and a newline after it, the last one included.
pub(crate) fn lines(parts: &[&str]) -> Vec<u8> {
    parts.iter().flat_map(|part| [part.as_bytes(), b"\n"]).flatten().copied().collect()
}
