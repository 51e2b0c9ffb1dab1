//! Trade notices (pack §5): form → signature → is it our app → what it says. The caller compares the claims with what it stored.
//!
//! One address for all: a refund has no notice of its own, it fires the payment's again with `refund_fee` in it.

use crate::admit::is_app_id;
use crate::config::{Account, Mode};
use crate::sign::{self, Seal};
use crate::wire::{ensure, text};
use crate::{pay, trade};
use serde_json::Value;
use sluice_contract::{Ack, Callback, Claims, Env, Fen, HttpReply, KeyHint, RawCallback, Rejected, Says};
use sluice_kit::callback::{self, form, unreadable};
use sluice_kit::form::value;
use sluice_kit::text::is_alnum;
use sluice_kit::wire::notes;

/// Only the form is read: a query string on our own address is not signed.
pub(crate) fn callback(account: &Account, raw: &RawCallback<'_>, _env: &Env<'_>) -> Result<Callback, Rejected> {
    let pairs = form(raw)?;
    let is_utf8 = value(&pairs, "charset").is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"));
    ensure(is_utf8, || unreadable("the charset is not utf-8, which we ask for"))?;
    let number = value(&pairs, "out_trade_no").filter(|no| is_alnum(no, 1..=64));
    let forged = |reason: &str| callback::forged(reason, number);
    // It is not signed, so it decides nothing; another one than ours announces a signature that we do not take.
    ensure(value(&pairs, "sign_type").is_none_or(|kind| kind == "RSA2"), || forged("the sign_type is not RSA2"))?;
    match sign::notice_seal(&account.ring, &pairs) {
        Seal::Holds => {}
        Seal::UnknownKey(key_id) => return Err(Rejected::NeedKeys(KeyHint { key_id })),
        Seal::Absent => return Err(forged("there is no signature")),
        Seal::Broken => return Err(forged("the signature does not hold")),
    }
    // What is empty may not have been signed: it says nothing.
    let tree = Value::Object(pairs.into_iter().filter(|(_, v)| !v.is_empty()).map(|(name, v)| (name, Value::from(v))).collect());
    let number = text(&tree, "out_trade_no");
    ensure(text(&tree, "app_id") == Some(&account.app_id), || callback::forged("the app is not this account's", number))?;
    ensure(number.is_some(), || unreadable("the notice names no order"))?;
    // Proof is a payment only. Everything else that is verified is a reason to ask: closings are not sent for every product and never
    // depended on (RULING of pack §5.4).
    let is_trade = text(&tree, "notify_type").is_none_or(|kind| kind == "trade_status_sync");
    // An old sample carries `refund_fee=0.00` on a plain payment: the value counts. One that is no amount is a reason to ask.
    let refund_fee = text(&tree, "refund_fee").map(|fee| Fen::from_yuan(fee).unwrap_or(Fen(1)));
    let is_refund = refund_fee.is_some_and(Fen::is_positive) || text(&tree, "gmt_refund").is_some();
    let says = match text(&tree, "trade_status") {
        Some("TRADE_SUCCESS" | "TRADE_FINISHED") if is_trade && !is_refund => trade::paid(&tree).map_or(Says::Ask, Says::Payment),
        _ => Says::Ask,
    };
    // Whose money it is (pack §5.2). A missing payee or merchant contradicts; in provider mode the payee is compared where the order
    // pinned it.
    let is_direct = account.mode == Mode::Direct;
    let merchant = text(&tree, "auth_app_id").filter(|id| is_direct || is_app_id(id)).or((!is_direct).then_some(""));
    let is_pinned = is_direct || text(&tree, "passback_params") == Some(pay::PINNED);
    let payee = is_pinned.then(|| text(&tree, "seller_id").unwrap_or_default());
    let same = [("app_id", text(&tree, "app_id")), ("auth_app_id", merchant), ("seller_id", payee)];
    let same = notes(same.into_iter().filter_map(|(name, value)| Some((name, value?))));
    // `refund_fee` is of the whole trade, not of this refund: only its number is claimed.
    let refund_number = text(&tree, "out_biz_no").filter(|_| is_refund).map(str::to_owned);
    let claims = Claims { same, refund_number, ..trade::claims(&tree) };
    Ok(Callback { claims, says, event_id: text(&tree, "notify_id").map(str::to_owned) })
}

/// Seven lower-case bytes and nothing else, or `fail`: then it comes again, for 25 hours (pack §5.3).
pub(crate) fn acknowledge(_account: &Account, _raw: &RawCallback<'_>, ack: Ack, _env: &Env<'_>) -> HttpReply {
    HttpReply::new(200, &[("Content-Type", "text/plain; charset=utf-8")], if ack == Ack::Taken { "success" } else { "fail" })
}
