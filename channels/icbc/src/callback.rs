//! Notices (pack 1.9): a form, signed over the path of the registered address. Only ever a hint, because failed trades are told
//! the same way and times in it were seen a month off: whatever it says, the query decides (CONTRACT 7).

use crate::config::{Account, Mode};
use crate::sign;
use crate::trade::claims;
use serde_json::Value;
use sluice_contract::fields::parse_json;
use sluice_contract::{Ack, Callback, Claims, Env, HttpReply, RawCallback, Rejected, Says};
use sluice_kit::callback::{self, unreadable};
use sluice_kit::ensure::ensure;
use sluice_kit::form::{decode_pairs, value};
use sluice_kit::wire::{cut, given, notes};

pub(crate) fn callback(account: &Account, raw: &RawCallback<'_>, env: &Env<'_>) -> Result<Callback, Rejected> {
    let form = callback::form(raw)?;
    let path = account.notify_path.as_deref().unwrap_or_else(|| sign::path_of(env.notify_url));
    let signature = value(&form, "sign").unwrap_or_default();
    // The gateway signs RSA, which is SHA-1, whatever we sign with; another word there is not understood in its stead.
    let is_signed = value(&form, "sign_type") == Some("RSA") && account.keys.verifies(&sign::text(path, &form), signature);
    let tree = content(account, &form);
    let number = tree.as_ref().ok().and_then(|tree| given(tree, "out_trade_no"));
    let short = number.map(|number| cut(number, 35));
    let forged = |reason: &str| callback::forged(reason, short.as_deref());
    ensure(is_signed, || forged("the signature does not hold"))?;
    let tree = tree.as_ref().map_err(|reason| unreadable(reason))?;
    let app_id = value(&form, "app_id").unwrap_or_default();
    ensure(app_id == account.app_id, || forged("the app is not this account's"))?;
    // A missing merchant must not pass for ours.
    let mer_id = given(tree, "mer_id").unwrap_or_default();
    ensure(account.mode == Mode::Provider || mer_id == account.mer_id, || forged("the merchant is not this account's"))?;
    let number = number.ok_or_else(|| unreadable("the notice does not name an order"))?;
    let claims = Claims { same: notes([("app_id", app_id), ("mer_id", mer_id)]), ..claims(tree, number) };
    Ok(Callback { claims, says: Says::Ask, event_id: given(tree, "msg_id").map(|id| cut(id, 64)) })
}

/// `biz_content`, decrypted where it says so.
fn content(account: &Account, form: &[(String, String)]) -> Result<Value, &'static str> {
    let text = value(form, "biz_content").ok_or("the notice has no biz_content")?;
    let plain = match value(form, "encrypt_type").unwrap_or_default() {
        "" => text.as_bytes().to_vec(),
        "AES" => account.keys.open(text).ok_or("the content does not decrypt: check encrypt_key")?,
        _ => return Err("the content is encrypted in a way that is not served"),
    };
    parse_json(&plain).map_err(|_| "the content is not acceptable JSON")
}

/// The bank's own words, signed (pack 1.9): 0 and the notice's `msg_id`, or -12345. Why it was refused is not told.
pub(crate) fn acknowledge(account: &Account, raw: &RawCallback<'_>, ack: Ack, _env: &Env<'_>) -> HttpReply {
    let signed = match ack {
        Ack::Taken => {
            let tree = decode_pairs(raw.body).ok().and_then(|form| content(account, &form).ok());
            sign::ack_text(0, "success", tree.as_ref().and_then(|tree| given(tree, "msg_id")).or(Some("")))
        }
        Ack::Refused => sign::ack_text(-12345, "icbc sign not pass.", None),
    };
    match account.key.sign(signed.as_bytes()) {
        Ok(signature) => HttpReply::new(200, &[("Content-Type", "application/json")], format!("{{{signed},\"sign\":\"{signature}\"}}")),
        Err(_) => HttpReply::new(500, &[], ""),
    }
}
