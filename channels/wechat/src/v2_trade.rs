//! Barcode orders in API v2: micropay, orderquery, reverse (pack §8.3 and §10).

use crate::admit::{auth_code, description};
use crate::codes::{Api, Class, normalise};
use crate::config::Account;
use crate::pay::device;
use crate::trade::{POLL_AFTER_MS, fen_text};
use crate::v2::{self, Answer, Complaint};
use crate::wire;
use sluice_contract::{
    Action, AttemptRef, Discount, DiscountKind, Env, FailureCode, Fault, Fen, FundedBy, HttpReply, HttpRequest, Notes, Pay, PayOrder,
    Payment, Reading, Refusal, Step, Undone, Wallet, Why,
};
use sluice_kit::outcome::{self, Complaint as _, contradiction, unlisted, unreadable};
use sluice_kit::text::{compact, cut_bytes};
use sluice_kit::wire::notes;
use std::sync::Arc;

pub(crate) fn pay(account: &Arc<Account>, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Step<Pay> {
    let request = micropay(account, attempt, order, env);
    let attempt = attempt.clone();
    wire::send(account, request, move |account, reply, _| Reading::Is(read_pay(account, &attempt, reply)))
}

fn micropay(account: &Account, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let terminal_ip = order.terminal.as_ref().and_then(|t| t.ip.as_deref());
    let members = [
        // v2 counts the description in bytes.
        ("body", cut_bytes(&description(&order.subject), 127).to_owned()),
        ("out_trade_no", attempt.number.clone()),
        ("total_fee", attempt.amount.to_string()),
        ("fee_type", "CNY".to_owned()),
        // Required, and nobody checks it: the terminal's address, or this machine's when the shop does not tell.
        ("spbill_create_ip", terminal_ip.or(order.client_ip.as_deref()).unwrap_or("127.0.0.1").to_owned()),
        ("device_info", device(order).unwrap_or_default()),
        ("auth_code", auth_code(order)?.to_owned()),
    ];
    v2::request(account, attempt, ("v2.micropay", "/pay/micropay"), notes(members), false, env)
}

pub(crate) fn query(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Pay> {
    let members = notes([("out_trade_no", attempt.number.clone())]);
    let request = v2::request(account, attempt, ("v2.orderquery", "/pay/orderquery"), members, false, env);
    let attempt = attempt.clone();
    wire::send(account, request, move |account, reply, _| Reading::Is(read_query(account, &attempt, reply)))
}

pub(crate) fn reverse(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    let members = notes([("out_trade_no", attempt.number.clone())]);
    let request = v2::request(account, attempt, ("v2.reverse", "/secapi/pay/reverse"), members, true, env);
    let attempt = attempt.clone();
    wire::send(account, request, move |account, reply, _| Reading::Is(read_reverse(account, &attempt, reply)))
}

/// micropay has no `trade_state`: a signed SUCCESS is paid.
fn read_pay(account: &Account, attempt: &AttemptRef, reply: &HttpReply) -> Pay {
    match v2::answer(account, reply) {
        Ok(Answer::Good(members)) => about(attempt, &members).unwrap_or_else(|| paid(&members)),
        Ok(Answer::Error(complaint)) => refused(&complaint),
        Err(why) => Pay::Unknown(why),
    }
}

fn refused(complaint: &Complaint) -> Pay {
    match complaint.class(Api::V2Micropay) {
        Ok(Class::Unknown) if normalise(&complaint.code) == "USERPAYING" => {
            Pay::Waiting(Action::Wait { poll_after_ms: POLL_AFTER_MS }, Notes::new())
        }
        Ok(Class::Config) => Pay::Unknown(complaint.doubt(Class::Config)),
        class => outcome::pay(class, complaint),
    }
}

fn read_query(account: &Account, attempt: &AttemptRef, reply: &HttpReply) -> Pay {
    match v2::answer(account, reply) {
        Ok(Answer::Good(members)) => about(attempt, &members).unwrap_or_else(|| state(&members)),
        Ok(Answer::Error(complaint)) => outcome::query(complaint.class(Api::V2Query), &complaint),
        Err(why) => Pay::Unknown(why),
    }
}

/// The contradiction between a reply and the attempt, if there is one.
fn about(attempt: &AttemptRef, members: &Notes) -> Option<Pay> {
    v2::claims(members).contradiction(attempt).map(|field| Pay::Unknown(contradiction(field)))
}

fn state(members: &Notes) -> Pay {
    let described = members.get("trade_state_desc").map(String::as_str).unwrap_or_default();
    match members.get("trade_state").map(String::as_str).unwrap_or_default() {
        "SUCCESS" | "REFUND" => paid(members),
        "NOTPAY" | "USERPAYING" | "ACCEPT" => Pay::Waiting(Action::Wait { poll_after_ms: POLL_AFTER_MS }, Notes::new()),
        "CLOSED" => Pay::Closed,
        "REVOKED" => Pay::Reversed,
        "PAYERROR" => Pay::Unknown(Why::declined(wire::failure(FailureCode::PayerDeclined, Fault::Payer, "PAYERROR", described))),
        other => Pay::Unknown(unlisted("trade_state", other)),
    }
}

fn paid(members: &Notes) -> Pay {
    let get = |name: &str| members.get(name).map(String::as_str).filter(|text| !text.is_empty());
    let fen = |name: &str| get(name).and_then(fen_text);
    let (Some(amount), Some(trade_no)) = (fen("total_fee"), get("transaction_id")) else {
        return Pay::Unknown(unreadable("paid, but without amount or transaction_id"));
    };
    Pay::Paid(Payment {
        payer_amount: fen("cash_fee"),
        discounts: discounts(amount, fen("settlement_total_fee"), fen("coupon_fee")),
        wallet: Some(Wallet::Wechat),
        payer: notes(["openid", "sub_openid"].into_iter().filter_map(|name| get(name).map(|id| (name, id)))),
        channel_trade_no: Some(trade_no.to_owned()),
        paid_at: get("time_end").and_then(compact),
        handles: notes([("transaction_id", trade_no)]),
        ..Payment::of(amount)
    })
}

/// v2 tells one sum of coupons; what of it does not settle is the merchant's (免充值), the rest was prefunded.
fn discounts(amount: Fen, settled: Option<Fen>, coupons: Option<Fen>) -> Vec<Discount> {
    let Some(coupons) = coupons.filter(|sum| sum.is_positive()) else { return Vec::new() };
    let unsettled = settled.and_then(|settled| amount.minus(settled)).unwrap_or(Fen::ZERO);
    let unsettled = unsettled.clamp(Fen::ZERO, coupons);
    let rest = coupons.minus(unsettled).unwrap_or(Fen::ZERO);
    [(DiscountKind::Merchant, FundedBy::Merchant, unsettled), (DiscountKind::Coupon, FundedBy::Channel, rest)]
        .into_iter()
        .filter(|(_, _, amount)| amount.is_positive())
        .map(|(kind, funded_by, amount)| Discount { kind, funded_by, amount })
        .collect()
}

/// A reversal: `recall = Y` asks to come again, whatever else it says. Why SUCCESS is `Closed`: see [`crate::reverse`].
fn read_reverse(account: &Account, attempt: &AttemptRef, reply: &HttpReply) -> Undone {
    let (members, complaint) = match v2::answer(account, reply) {
        Ok(Answer::Good(members)) => (members, None),
        Ok(Answer::Error(complaint)) => (complaint.members.clone(), Some(complaint)),
        Err(why) => return Undone::Unknown(why),
    };
    // The reply does not name the order, only who we are.
    let mut claims = v2::claims(&members);
    claims.number.get_or_insert_with(|| attempt.number.clone());
    if let Some(field) = claims.contradiction(attempt) {
        return Undone::Unknown(contradiction(field));
    }
    if members.get("recall").is_some_and(|recall| recall == "Y") {
        return Undone::Busy;
    }
    let Some(complaint) = complaint else { return Undone::Closed };
    outcome::undone(complaint.class(Api::V2Reverse), &complaint)
}
