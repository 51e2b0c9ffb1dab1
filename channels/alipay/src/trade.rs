//! A trade as told (pack §2.4, §3.1, §5.1): what it claims, which state it is in, how it was paid. Shared by query and notice.

use crate::codes::{Bearer, FUNDS};
use crate::wire::{ensure, given, text, yuan};
use serde_json::Value;
use sluice_contract::fields::parse_json;
use sluice_contract::{AttemptRef, Claims, Discount, Fen, Pay, Payment, Second, Wallet, Why};
use sluice_kit::claims;
use sluice_kit::discount::discount;
use sluice_kit::outcome::{contradiction, unlisted, unreadable, waiting};
use sluice_kit::raw;
use sluice_kit::wire::told;

/// How long a waiting barcode waits before it is asked again, in milliseconds (pack §3.4).
pub(crate) const POLL_AFTER_MS: u64 = 3000;

/// What a reply about a trade claims. Replies name no merchant: their signature and our app do.
pub(crate) fn claims(tree: &Value) -> Claims {
    let number = text(tree, "out_trade_no").map(str::to_owned);
    Claims { number, amount: yuan(tree, "total_amount"), currency: Some("CNY".to_owned()), ..Claims::default() }
}

/// A reply must not contradict its attempt.
pub(crate) fn agrees(tree: &Value, attempt: &AttemptRef) -> Result<(), Why> {
    let claims = claims(tree);
    claims::agrees(&claims, attempt)?;
    let is_ours = text(tree, "trade_no").zip(attempt.handles.get("trade_no")).is_none_or(|(told, known)| told == known);
    ensure(is_ours, || contradiction("trade_no"))?;
    ensure(tree.get("total_amount").is_none() || claims.amount.is_some(), || contradiction("amount"))
}

/// As [`agrees`], for a reply that need not name the order.
pub(crate) fn agrees_where_named(tree: &Value, attempt: &AttemptRef) -> Result<(), Why> {
    if text(tree, "out_trade_no").is_some() { agrees(tree, attempt) } else { Ok(()) }
}

/// A query's trade as an outcome of its attempt. An unlisted state is unknown, never failed.
pub(crate) fn about(tree: &Value, attempt: &AttemptRef) -> Result<Pay, Why> {
    agrees(tree, attempt)?;
    // JSON text that may hold the cancel (pack §2.4).
    let infos = text(tree, "ext_infos").and_then(|infos| parse_json(infos.as_bytes()).ok()).unwrap_or_default();
    match text(tree, "trade_status").unwrap_or_default() {
        "TRADE_SUCCESS" | "TRADE_FINISHED" => paid(tree),
        "WAIT_BUYER_PAY" => Ok(Pay::Waiting(waiting(attempt, POLL_AFTER_MS), told(tree, HANDLES))),
        // Closed after a payment: cancelled by us, or refunded in full (pack §3.1), and then it was paid all the same.
        "TRADE_CLOSED" if text(&infos, "action") == Some("cancel") => Ok(Pay::Reversed),
        "TRADE_CLOSED" if given(tree, "send_pay_date").is_some() => paid(tree),
        "TRADE_CLOSED" => Ok(Pay::Closed),
        other => Err(unlisted("trade_status", other)),
    }
}

/// What later verbs compare and name.
pub(crate) const HANDLES: &[(&str, &str)] = &[("trade_no", "trade_no")];

/// Local time, perhaps with a fraction of a second (pack §5.1: UNCONFIRMED, so read leniently).
pub(crate) fn time(text: &str) -> Option<Second> {
    sluice_kit::text::plain(text.get(..19)?)
}

/// A payment needs an amount. Amounts are order amounts: `receipt_amount` is the merchant's and compared with nothing (pack §6).
pub(crate) fn paid(tree: &Value) -> Result<Pay, Why> {
    let total = yuan(tree, "total_amount").ok_or_else(|| unreadable("paid, but without an amount"))?;
    let (discounts, from_list) = discounts(tree, total);
    // The later name of a kind wins.
    let ids = [("buyer_id", "buyer_id"), ("buyer_id", "buyer_user_id"), ("buyer_open_id", "open_id"), ("buyer_open_id", "buyer_open_id")];
    Ok(Pay::Paid(Payment {
        payer_amount: yuan(tree, "buyer_pay_amount").or(from_list),
        discounts,
        wallet: Some(Wallet::Alipay),
        payer: told(tree, &ids),
        channel_trade_no: text(tree, "trade_no").map(str::to_owned),
        paid_at: ["send_pay_date", "gmt_payment"].iter().find_map(|name| text(tree, name)).and_then(time),
        handles: told(tree, HANDLES),
        ..Payment::of(total)
    }))
}

/// Who bears what the payer did not, by the funds list where it is told, else by the sums; and what the list leaves to the payer.
fn discounts(tree: &Value, total: Fen) -> (Vec<Discount>, Option<Fen>) {
    let funds = list(tree, "fund_bill_list");
    if funds.is_empty() {
        let sums = [("discount_amount", "COUPON"), ("mdiscount_amount", "MDISCOUNT"), ("point_amount", "POINT")];
        return (sums.into_iter().filter_map(|(name, channel)| borne(channel, yuan(tree, name))).collect(), None);
    }
    let told: Vec<Discount> = funds.iter().filter_map(|fund| borne(channel(fund)?, yuan(fund, "amount"))).collect();
    // The list of channels is open: one that we do not know may be anybody's.
    let is_whole = funds.iter().all(|fund| channel(fund).and_then(bearer).is_some() && yuan(fund, "amount").is_some());
    let rest = told.iter().try_fold(total, |rest, part| rest.minus(part.amount));
    (told, rest.filter(|rest| is_whole && rest.0 >= 0))
}

/// A list of an API reply, or the same as JSON text in a notice.
pub(crate) fn list(tree: &Value, name: &str) -> Vec<Value> {
    let written = text(tree, name).and_then(|text| raw::tree(text.as_bytes()));
    written.as_ref().or(tree.get(name)).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// `fund_channel` in replies, `fundChannel` in notices.
pub(crate) fn channel(fund: &Value) -> Option<&str> {
    text(fund, "fund_channel").or_else(|| text(fund, "fundChannel"))
}

/// `Some(None)`: the payer bears it. `None`: it is no channel that we know.
pub(crate) fn bearer(channel: &str) -> Option<Option<Bearer>> {
    FUNDS.iter().find(|(names, _)| names.contains(&channel)).map(|(_, bearer)| *bearer)
}

/// A sum of such a channel that somebody else than the payer bears.
fn borne(channel: &str, amount: Option<Fen>) -> Option<Discount> {
    let (kind, funded_by) = bearer(channel)??;
    discount(kind, funded_by, amount)
}
