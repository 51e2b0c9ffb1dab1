//! Callbacks (pack §7): raw bytes → time → key by serial → signature → decrypt → is it our merchant → what it says.
//!
//! The caller compares the claims with what it stored. Nothing is changed here.

use crate::config::Account;
use crate::refund::Told;
use crate::sign::{self, Seal};
use crate::wire::text;
use crate::{trade, v2_notify, xml};
use serde_json::Value;
use sluice_contract::fields::parse_json;
use sluice_contract::{Ack, Callback, Claims, Env, HttpReply, KeyHint, Pay, RawCallback, Rejected, Says};
use sluice_kit::callback::{forged, post, unreadable};
use sluice_kit::ensure::ensure;
use sluice_kit::wire::{notes, object};

pub(crate) fn callback(account: &Account, raw: &RawCallback<'_>, env: &Env<'_>) -> Result<Callback, Rejected> {
    post(raw)?;
    if is_xml(raw.body) {
        let v2 = account.v2.as_ref().filter(|_| account.barcode_by_v2);
        return v2.map_or_else(|| Err(unreadable("this account takes no v2 callbacks")), |v2| v2_notify::read(account, v2, raw.body));
    }
    match sign::seal(raw.headers, raw.body, env.now, |id| account.keys.get(id, env.now)) {
        Seal::Holds => {}
        Seal::UnknownKey(key_id) => return Err(Rejected::NeedKeys(KeyHint { key_id })),
        Seal::Absent => return Err(forged("there is no signature", None)),
        Seal::Broken(reason) => return Err(forged(reason, None)),
    }
    let envelope = parse_json(raw.body).map_err(|_| unreadable("the body is not acceptable JSON"))?;
    let resource = envelope.get("resource").filter(|resource| text(resource, "algorithm") == Some("AEAD_AES_256_GCM"));
    let plain = resource.and_then(|resource| sign::opened(&account.api_keys, resource));
    let plain = plain.ok_or_else(|| unreadable("the resource does not decrypt: check api_v3_key"))?;
    let tree = parse_json(&plain).map_err(|_| unreadable("the resource is not acceptable JSON"))?;
    let ours = ["mchid", "sp_mchid"].iter().filter_map(|name| text(&tree, name)).collect::<Vec<_>>();
    ensure(ours == [account.signer.mchid.as_str()], || forged("the merchant is not this account's", text(&tree, "out_trade_no")))?;
    let (claims, says) = meaning(text(&envelope, "event_type").unwrap_or_default(), &tree)?;
    Ok(Callback { claims, says, event_id: text(&envelope, "id").map(str::to_owned) })
}

/// Only what the pack lists is proof. A message that is verified but says less than it should is a reason to ask.
fn meaning(event: &str, tree: &Value) -> Result<(Claims, Says), Rejected> {
    match event {
        "TRANSACTION.SUCCESS" => {
            let trade = trade::read(tree).ok_or_else(|| unreadable("the resource is no transaction"))?;
            let claims = trade.claims.clone();
            // WeChat calls back for payments only; a claim of anything else is worth a question, not an ending.
            Ok((
                claims,
                match trade.says(false) {
                    paid @ Pay::Paid(_) => Says::Payment(paid),
                    _ => Says::Ask,
                },
            ))
        }
        "REFUND.SUCCESS" | "REFUND.ABNORMAL" | "REFUND.CLOSED" => {
            let told = Told::read(tree, "refund_status").ok_or_else(|| unreadable("the resource is no refund"))?;
            Ok((told.claims.clone(), Says::Refund(told.says())))
        }
        _ => match text(tree, "out_trade_no") {
            Some(number) => Ok((Claims { number: Some(number.to_owned()), ..Claims::default() }, Says::Ask)),
            None => Err(unreadable("the event is not one of ours")),
        },
    }
}

/// `200 SUCCESS` or `500 FAIL` in the caller's own language: v3 sends JSON, v2 XML. Why it was refused is not told.
pub(crate) fn acknowledge(_account: &Account, raw: &RawCallback<'_>, ack: Ack, _env: &Env<'_>) -> HttpReply {
    let (status, code, message) = match ack {
        Ack::Taken => (200, "SUCCESS", "OK"),
        Ack::Refused => (500, "FAIL", "not taken"),
    };
    let (kind, body) = if is_xml(raw.body) {
        ("text/xml; charset=utf-8", xml::write(&notes([("return_code", code), ("return_msg", message)])))
    } else {
        ("application/json", object([("code", code.into()), ("message", message.into())]).to_string())
    };
    HttpReply::new(status, &[("Content-Type", kind)], body)
}

fn is_xml(body: &[u8]) -> bool {
    body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<')
}
