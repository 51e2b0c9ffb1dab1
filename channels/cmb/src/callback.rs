//! Callbacks (section 2.5): raw form → decoded once → signature → is it our merchant → what it says.
//!
//! The bank calls back about successes only. The caller compares the claims with what it stored. Nothing is changed here.

use crate::config::Account;
use crate::wire::{self, text};
use crate::{refund, trade};
use serde_json::Value;
use sluice_contract::fields::parse_json;
use sluice_contract::{Ack, Callback, Claims, Env, HttpReply, Pay, RawCallback, Refund, Rejected, Says};
use sluice_kit::callback::{forged, form, unreadable};
use sluice_kit::ensure::ensure;
use sluice_kit::form::{borrowed, value};

pub(crate) fn callback(account: &Account, raw: &RawCallback<'_>, _env: &Env<'_>) -> Result<Callback, Rejected> {
    let pairs = form(raw)?;
    let content = value(&pairs, "biz_content").ok_or_else(|| unreadable("there is no biz_content"))?;
    let members: Vec<(&str, &str)> = borrowed(&pairs).collect();
    let tree = parse_json(content.as_bytes());
    let named = tree.as_ref().ok().and_then(|tree| text(tree, "orderId"));
    wire::verified(account, &members).map_err(|reason| forged(reason, named))?;
    let tree = tree.as_ref().map_err(|_| unreadable("biz_content is not acceptable JSON"))?;
    ensure(text(tree, "merId") == Some(&account.mer_id), || forged("the merchant is not this account's", named))?;
    let (claims, says) = meaning(tree);
    ensure(claims.number.is_some() || claims.refund_number.is_some(), || unreadable("the message names no order"))?;
    // The bank gives its messages no id of their own.
    Ok(Callback { claims, says, event_id: None })
}

/// A refund has `refundAmt`. A payment's own sample has no `tradeState`, so none is demanded; one that says anything but paid, or a
/// message without an amount, is a reason to ask.
fn meaning(tree: &Value) -> (Claims, Says) {
    let is_success = |name: &str| text(tree, name).is_none_or(|state| state == "S");
    let succeeded = is_success("tradeState") && is_success("refundState");
    if tree.get("refundAmt").is_some() {
        let claims = refund::claims(tree);
        let says = match claims.refund_amount {
            Some(_) if succeeded => Says::Refund(Refund::Succeeded(refund::refunded(tree))),
            _ => Says::Ask,
        };
        return (claims, says);
    }
    let says = match trade::payment(tree) {
        Some(payment) if succeeded => Says::Payment(Pay::Paid(payment)),
        _ => Says::Ask,
    };
    (trade::claims(tree), says)
}

/// JSON, signed by us. Why something was refused is not told; the bank comes again for 15 hours.
pub(crate) fn acknowledge(account: &Account, _raw: &RawCallback<'_>, ack: Ack, env: &Env<'_>) -> HttpReply {
    let (status, code) = match ack {
        Ack::Taken => (200, "SUCCESS"),
        Ack::Refused => (500, "FAIL"),
    };
    let members = [("returnCode", code), ("respCode", code)];
    match wire::signed(account, members.into_iter(), env) {
        Ok(body) => HttpReply::new(status, &[("Content-Type", "application/json; charset=utf-8")], Value::Object(body).to_string()),
        // A key that cannot sign acknowledges nothing: the bank comes again.
        Err(_) => HttpReply::new(500, &[("Content-Type", "application/json")], "{}"),
    }
}
