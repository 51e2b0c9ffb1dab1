//! The transaction object (pack §5.1): what it claims, which state it is in, how it was paid. Shared by codepay, query
//! and callback.

use crate::ids;
use crate::wire::text;
use serde_json::Value;
use sluice_contract::{
    Action, AttemptRef, Claims, Discount, DiscountKind, FailureCode, Fault, Fen, FundedBy, Notes, Pay, Payment, Second, Wallet, Why,
};
use sluice_kit::claims::agrees;
use sluice_kit::discount::discount;
use sluice_kit::outcome::{unlisted, unreadable};
use sluice_kit::wire::{cut, told};
pub(crate) use sluice_kit::wire::{fen, fen_text};

/// How long a waiting barcode waits before it is asked again, in milliseconds (pack §5.3).
pub(crate) const POLL_AFTER_MS: u64 = 5000;

/// A transaction as told, in either dialect.
pub(crate) struct Trade {
    pub(crate) claims: Claims,
    pub(crate) state: String,
    /// `None` until the message says what was paid: an amount and the ids it belongs to.
    pub(crate) payment: Option<Payment>,
    pub(crate) described: String,
}

/// Reads a transaction object; `None` when it does not even say which order of which merchant it is about.
pub(crate) fn read(tree: &Value) -> Option<Trade> {
    let amount = tree.get("amount");
    let total = amount.and_then(|a| fen(a, "total"));
    let same = ids::claimed(tree);
    let names_one_of = |names: &[&str]| names.iter().any(|name| same.contains_key(*name));
    if !names_one_of(&ids::MERCHANTS) {
        return None;
    }
    let payment = total.filter(|_| names_one_of(&ids::APPS)).map(|total| payment(tree, total));
    Some(Trade {
        claims: Claims {
            number: Some(text(tree, "out_trade_no")?.to_owned()),
            amount: total,
            currency: amount.and_then(|a| text(a, "currency")).map(str::to_owned),
            same,
            ..Claims::default()
        },
        state: text(tree, "trade_state")?.to_owned(),
        payment,
        described: text(tree, "trade_state_desc").map(|text| cut(text, 100)).unwrap_or_default(),
    })
}

/// What a reply means for an attempt, which it must not contradict.
pub(crate) fn about(trade: Option<Trade>, attempt: &AttemptRef) -> Result<Pay, Why> {
    let trade = trade.ok_or_else(|| unreadable("the reply is no transaction"))?;
    agrees(&trade.claims, attempt)?;
    Ok(trade.says(attempt.method.is_barcode()))
}

impl Trade {
    /// The state as an outcome (pack §5.2). An unlisted state is unknown, never failed.
    pub(crate) fn says(self, barcode: bool) -> Pay {
        let waiting = if barcode { Action::Wait { poll_after_ms: POLL_AFTER_MS } } else { Action::None };
        match (self.state.as_str(), self.payment) {
            // REFUND: paid once, and something of it was refunded.
            ("SUCCESS" | "REFUND", Some(payment)) => Pay::Paid(payment),
            ("SUCCESS" | "REFUND", None) => Pay::Unknown(unreadable("paid, but without amount or ids")),
            ("NOTPAY" | "USERPAYING" | "ACCEPT", _) => Pay::Waiting(waiting, Notes::new()),
            ("CLOSED", _) => Pay::Closed,
            ("REVOKED", _) => Pay::Reversed,
            ("PAYERROR", _) if barcode => {
                Pay::Unknown(Why::declined(crate::wire::failure(FailureCode::PayerDeclined, Fault::Payer, "PAYERROR", &self.described)))
            }
            (state, _) => Pay::Unknown(unlisted("trade_state", state)),
        }
    }
}

fn payment(tree: &Value, total: Fen) -> Payment {
    let coupons = tree.get("promotion_detail").and_then(Value::as_array);
    Payment {
        payer_amount: tree.get("amount").and_then(|a| fen(a, "payer_total")),
        discounts: coupons.map(|all| all.iter().flat_map(discounts).collect()).unwrap_or_default(),
        wallet: Some(Wallet::Wechat),
        payer: payer(tree.get("payer").unwrap_or(&Value::Null)),
        handles: told(tree, &[("transaction_id", "transaction_id")]),
        channel_trade_no: text(tree, "transaction_id").map(str::to_owned),
        paid_at: text(tree, "success_time").and_then(Second::from_rfc3339),
        ..Payment::of(total)
    }
}

/// Direct: `openid`. Partner: `openid` is the provider's, `sub_openid` stands beside it.
fn payer(tree: &Value) -> Notes {
    // The later name wins.
    told(tree, &[("openid", "sp_openid"), ("openid", "openid"), ("sub_openid", "sub_openid")])
}

/// One coupon, split by who bears it. Where WeChat does not say, `CASH` was prefunded (it settles to the merchant) and
/// `NOCASH` is borne by the merchant (it does not).
fn discounts(coupon: &Value) -> Vec<Discount> {
    let amount = fen(coupon, "amount").unwrap_or(Fen::ZERO);
    let parts = [
        ("wechatpay_contribute", DiscountKind::Coupon, FundedBy::Channel),
        ("merchant_contribute", DiscountKind::Merchant, FundedBy::Merchant),
        ("other_contribute", DiscountKind::Bank, FundedBy::Bank),
    ];
    let told: Vec<Discount> = parts.into_iter().filter_map(|(name, kind, by)| discount(kind, by, fen(coupon, name))).collect();
    if !amount.is_positive() || told.iter().try_fold(Fen::ZERO, |sum, part| sum.plus(part.amount)) == Some(amount) {
        return told;
    }
    match text(coupon, "type") {
        Some("NOCASH" | "DISCOUNT") => discount(DiscountKind::Merchant, FundedBy::Merchant, Some(amount)),
        _ => discount(DiscountKind::Coupon, FundedBy::Channel, Some(amount)),
    }
    .into_iter()
    .collect()
}
