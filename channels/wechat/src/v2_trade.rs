//! Barcode orders in API v2: micropay, orderquery, reverse (pack §8.3 and §10).

use crate::admit::{auth_code, description};
use crate::codes::{Api, Class, normalise};
use crate::config::Account;
use crate::pay::device;
use crate::reverse;
use crate::trade::{POLL_AFTER_MS, fen_text};
use crate::v2::{self, Answer, Complaint};
use crate::wire;
use sluice_contract::{
    Action, AttemptRef, Discount, DiscountKind, Env, FailureCode, Fault, Fen, FundedBy, HttpReply, HttpRequest, Notes, Pay, PayOrder,
    Payment, Reading, Refusal, Second, Step, Undone, Wallet, Why, WhyKind,
};
use std::sync::Arc;

pub(crate) fn pay(account: &Arc<Account>, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Step<Pay> {
    let request = micropay(account, attempt, order, env);
    let attempt = attempt.clone();
    wire::send(account, request, move |account, reply, _| Reading::Is(read_pay(account, &attempt, reply)))
}

fn micropay(account: &Account, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let terminal_ip = order.terminal.as_ref().and_then(|t| t.ip.as_deref());
    let members = [
        ("body", bytes_cut(&description(&order.subject), 127)),
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

pub(crate) fn notes<const N: usize>(pairs: [(&str, String); N]) -> Notes {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// v2 counts the description in bytes.
fn bytes_cut(text: &str, max: usize) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if out.len().saturating_add(c.len_utf8()) > max {
            break;
        }
        out.push(c);
    }
    out
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
        Ok(Class::Fail(code, fault)) => Pay::Failed(complaint.failure(code, fault)),
        Ok(Class::Decline(code, fault)) => Pay::Unknown(Why::declined(complaint.failure(code, fault))),
        Ok(Class::Config) => Pay::Unknown(complaint.why(WhyKind::Configuration)),
        Ok(_) => Pay::Unknown(complaint.why(WhyKind::Pending)),
        Err(why) => Pay::Unknown(why),
    }
}

fn read_query(account: &Account, attempt: &AttemptRef, reply: &HttpReply) -> Pay {
    match v2::answer(account, reply) {
        Ok(Answer::Good(members)) => about(attempt, &members).unwrap_or_else(|| state(&members)),
        Ok(Answer::Error(complaint)) => match complaint.class(Api::V2Query) {
            Ok(Class::NotCreated) => Pay::NotFound,
            Ok(Class::Config) => Pay::Unknown(complaint.why(WhyKind::Configuration)),
            Ok(_) => Pay::Unknown(complaint.why(WhyKind::Pending)),
            Err(why) => Pay::Unknown(why),
        },
        Err(why) => Pay::Unknown(why),
    }
}

/// The contradiction between a reply and the attempt, if there is one.
fn about(attempt: &AttemptRef, members: &Notes) -> Option<Pay> {
    let claims = v2::claims(members);
    let field = claims.contradiction(attempt)?;
    Some(Pay::Unknown(Why::new(WhyKind::Contradiction, format!("the reply is about another {field}"))))
}

fn state(members: &Notes) -> Pay {
    let described = members.get("trade_state_desc").map(String::as_str).unwrap_or_default();
    match members.get("trade_state").map(String::as_str).unwrap_or_default() {
        "SUCCESS" | "REFUND" => paid(members),
        "NOTPAY" | "USERPAYING" | "ACCEPT" => Pay::Waiting(Action::Wait { poll_after_ms: POLL_AFTER_MS }, Notes::new()),
        "CLOSED" => Pay::Closed,
        "REVOKED" => Pay::Reversed,
        "PAYERROR" => Pay::Unknown(Why::declined(wire::failure(FailureCode::PayerDeclined, Fault::Payer, "PAYERROR", described))),
        other => Pay::Unknown(Why::new(WhyKind::Unlisted, format!("trade_state {}", other.chars().take(32).collect::<String>()))),
    }
}

fn paid(members: &Notes) -> Pay {
    let get = |name: &str| members.get(name).map(String::as_str).filter(|text| !text.is_empty());
    let fen = |name: &str| get(name).and_then(fen_text);
    let (Some(amount), Some(trade_no)) = (fen("total_fee"), get("transaction_id")) else {
        return Pay::Unknown(Why::new(WhyKind::Unreadable, "paid, but without amount or transaction_id"));
    };
    let named = |name: &str, ours: &str| get(name).map(|id| (ours.to_owned(), id.to_owned()));
    Pay::Paid(Payment {
        amount,
        payer_amount: fen("cash_fee"),
        discounts: discounts(amount, fen("settlement_total_fee"), fen("coupon_fee")),
        wallet: Some(Wallet::Wechat),
        payer: named("openid", "openid").into_iter().chain(named("sub_openid", "sub_openid")).collect(),
        channel_trade_no: Some(trade_no.to_owned()),
        paid_at: get("time_end").and_then(|time| Second::from_local("%Y%m%d%H%M%S", time)),
        settle_date: None,
        channel_returns: false,
        handles: notes([("transaction_id", trade_no.to_owned())]),
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
        return Undone::Unknown(Why::new(WhyKind::Contradiction, format!("the reply is about another {field}")));
    }
    if members.get("recall").is_some_and(|recall| recall == "Y") {
        return Undone::Busy;
    }
    let Some(complaint) = complaint else { return Undone::Closed };
    match complaint.class(Api::V2Reverse) {
        Ok(class) => reverse::outcome(class, |code, fault| complaint.failure(code, fault), || complaint.why(WhyKind::Pending)),
        Err(why) => Undone::Unknown(why),
    }
}
