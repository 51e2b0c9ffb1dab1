//! A payment as the bank tells it: whose it is, which state it is in, how it was paid. Shared by pay, query and callback.

use crate::ids;
use crate::wire::{amount, cut, text};
use serde_json::Value;
use sluice_contract::{AttemptRef, Claims, DiscountKind, FailureCode, Fault, FundedBy, Notes, Pay, Payment, Second, Wallet, Why, WhyKind};
use sluice_kit::claims::agrees;
use sluice_kit::codes::failure;
use sluice_kit::discount::discount;
use sluice_kit::outcome::{unlisted, unreadable, waiting};
use sluice_kit::text::compact;
use sluice_kit::wire::{given, told};

/// How long a waiting payment code waits before it is asked again, in milliseconds (section 2.6: first at 5 s).
pub(crate) const POLL_AFTER_MS: u64 = 5000;

/// What a message about a payment claims.
pub(crate) fn claims(tree: &Value) -> Claims {
    Claims {
        number: text(tree, "orderId").map(str::to_owned),
        amount: amount(tree, "txnAmt"),
        currency: Some(currency(tree)),
        same: ids::claimed(tree),
        ..Claims::default()
    }
}

/// 156, or nothing: the contract has one currency.
pub(crate) fn currency(tree: &Value) -> String {
    match text(tree, "currencyCode") {
        None | Some("156" | "") => "CNY".to_owned(),
        Some(other) => cut(other, 8),
    }
}

/// A reply must be about our order. The pack does not promise that replies repeat the number: what is there must agree, what is absent is
/// answered by the exchange itself.
pub(crate) fn is_about(tree: &Value, attempt: &AttemptRef) -> Result<(), Why> {
    let mut claims = claims(tree);
    claims.number.get_or_insert_with(|| attempt.number.clone());
    agrees(&claims, attempt)
}

/// The state as an outcome (section 2.4). An unlisted state is unknown, never failed.
pub(crate) fn of_reply(tree: &Value, attempt: &AttemptRef, now: Second) -> Result<Pay, Why> {
    is_about(tree, attempt)?;
    Ok(match (text(tree, "tradeState").unwrap_or_default(), payment(tree)) {
        // R: paid once, and something of it was refunded.
        ("S" | "R", Some(payment)) => Pay::Paid(payment),
        ("S" | "R", None) => return Err(unreadable("paid, but without an amount")),
        ("P", _) => Pay::Waiting(waiting(attempt, POLL_AFTER_MS), handles(tree)),
        ("C", _) => Pay::Closed,
        ("D", _) => Pay::Reversed,
        // A QR code stays payable after a wallet's failure, by the same wallet and as long as it lives (section 2.4).
        ("F", _) if !attempt.method.is_barcode() && now < attempt.expires_at => {
            return Err(Why::new(WhyKind::Pending, "the payer's try failed; the code can still be paid"));
        }
        ("F", _) => Pay::Failed(failure(FailureCode::ChannelRefused, Fault::Payer, "F", "the payment failed at the wallet or its bank")),
        ("", _) => return Err(unreadable("the reply has no tradeState")),
        (state, _) => return Err(unlisted("tradeState", state)),
    })
}

/// The payment a message tells; `None` without its amount.
pub(crate) fn payment(tree: &Value) -> Option<Payment> {
    let total = amount(tree, "txnAmt")?;
    // Who bears it is not told (UNCONFIRMED): the wallets' own coupons are what it is for.
    let coupon = amount(tree, "dscAmt").filter(|coupon| *coupon <= total);
    let pay_type = text(tree, "payType").unwrap_or_default();
    Some(Payment {
        payer_amount: coupon.and_then(|coupon| total.minus(coupon)),
        discounts: discount(DiscountKind::Coupon, FundedBy::Channel, coupon).into_iter().collect(),
        wallet: wallet(pay_type),
        payer: payer(tree, pay_type),
        channel_trade_no: given(tree, "cmbOrderId").map(str::to_owned),
        paid_at: paid_at(tree),
        handles: handles(tree),
        ..Payment::of(total)
    })
}

fn wallet(pay_type: &str) -> Option<Wallet> {
    match pay_type {
        "ZF" => Some(Wallet::Alipay),
        "WX" => Some(Wallet::Wechat),
        "YL" => Some(Wallet::Unionpay),
        "EC" => Some(Wallet::Ecny),
        _ => None,
    }
}

/// `openId` is the wallet's: WeChat's openid, Alipay's buyer id. The other wallets' is no payer id of ours.
fn payer(tree: &Value, pay_type: &str) -> Notes {
    let name = match pay_type {
        "WX" => "openid",
        "ZF" => "buyer_id",
        _ => return Notes::new(),
    };
    told(tree, &[(name, "openId")])
}

fn handles(tree: &Value) -> Notes {
    told(tree, &[("cmb_order_id", "cmbOrderId"), ("third_order_id", "thirdOrderId")])
}

/// When the wallet was done; UnionPay's trades do not tell it (section 2.4), then when the bank began.
pub(crate) fn paid_at(tree: &Value) -> Option<Second> {
    let ended = text(tree, "endDate").zip(text(tree, "endTime")).map(|(day, time)| format!("{day}{time}"));
    ended.as_deref().and_then(compact).or_else(|| text(tree, "txnTime").and_then(compact))
}
