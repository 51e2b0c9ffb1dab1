//! Barcode orders in API v2: micropay, orderquery, reverse (pack §8.3 and §10).

use crate::admit::{auth_code, description};
use crate::codes::Api;
use crate::config::Account;
use crate::pay::{self, device};
use crate::trade::{self, Trade, fen_text};
use crate::v2::{self, Answer, given};
use sluice_contract::{
    AttemptRef, Discount, DiscountKind, Env, Fen, FundedBy, Notes, Pay, PayOrder, Payment, Reading, Step, Undone, Wallet, Why,
};
use sluice_kit::ask::ask_by;
use sluice_kit::claims::agrees;
use sluice_kit::discount::discount;
use sluice_kit::outcome;
use sluice_kit::text::{compact, cut_bytes};
use sluice_kit::wire::notes;
use std::sync::Arc;

pub(crate) fn pay(account: &Arc<Account>, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Step<Pay> {
    let auth_code = match auth_code(order) {
        Ok(code) => code,
        Err(refusal) => return Step::Refused(refusal),
    };
    let terminal_ip = order.terminal.as_ref().and_then(|t| t.ip.as_deref());
    let members = notes([
        // v2 counts the description in bytes.
        ("body", cut_bytes(&description(&order.subject), 127)),
        ("out_trade_no", &attempt.number),
        ("total_fee", &attempt.amount.to_string()),
        ("fee_type", "CNY"),
        // Required, and nobody checks it: the terminal's address, or this machine's when the shop does not tell.
        ("spbill_create_ip", terminal_ip.or(order.client_ip.as_deref()).unwrap_or("127.0.0.1")),
        ("device_info", &device(order).unwrap_or_default()),
        ("auth_code", auth_code),
    ]);
    let request = v2::request(account, attempt, ("v2.micropay", "/pay/micropay"), members, env);
    // micropay has no `trade_state`: a signed SUCCESS is paid.
    ask_by(account, attempt, request, v2::judge, |_, attempt, answer, _| match answer {
        (members, None) => trade::about(Some(trade(&members, "SUCCESS")), attempt).map(Reading::Is),
        (_, Some(complaint)) => Ok(Reading::Is(pay::refused(Api::V2Micropay, attempt, &complaint))),
    })
}

pub(crate) fn query(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Pay> {
    let members = notes([("out_trade_no", attempt.number.as_str())]);
    let request = v2::request(account, attempt, ("v2.orderquery", "/pay/orderquery"), members, env);
    ask_by(account, attempt, request, v2::judge, |_, attempt, answer, _| match answer {
        (members, None) => {
            trade::about(Some(trade(&members, given(&members, "trade_state").unwrap_or_default())), attempt).map(Reading::Is)
        }
        (_, Some(complaint)) => Ok(Reading::Is(outcome::query(complaint.class(Api::V2Query), &complaint))),
    })
}

pub(crate) fn reverse(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    let members = notes([("out_trade_no", attempt.number.as_str())]);
    let request = v2::request(account, attempt, ("v2.reverse", "/secapi/pay/reverse"), members, env);
    ask_by(account, attempt, request, v2::judge, |_, attempt, answer, _| reversed(attempt, answer).map(Reading::Is))
}

/// A transaction as v2 tells it: flat, amounts as text.
fn trade(members: &Notes, state: &str) -> Trade {
    let described = given(members, "trade_state_desc").unwrap_or_default().to_owned();
    Trade { claims: v2::claims(members), state: state.to_owned(), payment: payment(members), described }
}

fn payment(members: &Notes) -> Option<Payment> {
    let fen = |name: &str| given(members, name).and_then(fen_text);
    let (amount, trade_no) = fen("total_fee").zip(given(members, "transaction_id"))?;
    Some(Payment {
        payer_amount: fen("cash_fee"),
        discounts: discounts(amount, fen("settlement_total_fee"), fen("coupon_fee")),
        wallet: Some(Wallet::Wechat),
        payer: notes(["openid", "sub_openid"].into_iter().filter_map(|name| given(members, name).map(|id| (name, id)))),
        channel_trade_no: Some(trade_no.to_owned()),
        paid_at: given(members, "time_end").and_then(compact),
        handles: notes([("transaction_id", trade_no)]),
        ..Payment::of(amount)
    })
}

/// v2 tells one sum of coupons; what of it does not settle is the merchant's (免充值), the rest was prefunded.
fn discounts(amount: Fen, settled: Option<Fen>, coupons: Option<Fen>) -> Vec<Discount> {
    let Some(coupons) = coupons else { return Vec::new() };
    let unsettled = settled.and_then(|settled| amount.minus(settled)).unwrap_or(Fen::ZERO).clamp(Fen::ZERO, coupons);
    let parts = [
        discount(DiscountKind::Merchant, FundedBy::Merchant, Some(unsettled)),
        discount(DiscountKind::Coupon, FundedBy::Channel, coupons.minus(unsettled)),
    ];
    parts.into_iter().flatten().collect()
}

/// `recall = Y` asks to come again, whatever else is said. Why SUCCESS is `Closed`: see [`crate::reverse`].
fn reversed(attempt: &AttemptRef, (members, complaint): Answer) -> Result<Undone, Why> {
    // The reply does not name the order, only who we are.
    let mut claims = v2::claims(&members);
    claims.number.get_or_insert_with(|| attempt.number.clone());
    agrees(&claims, attempt)?;
    Ok(match complaint {
        _ if given(&members, "recall") == Some("Y") => Undone::Busy,
        None => Undone::Closed,
        Some(complaint) => outcome::undone(complaint.class(Api::V2Reverse), &complaint),
    })
}
