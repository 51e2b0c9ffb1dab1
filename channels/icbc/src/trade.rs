//! A payment as ICBC tells it: which order it is about, which state it is in, how it was paid. Shared by pay, query, close and
//! reversal.

use crate::codes::STATES;
use crate::config::Family;
use crate::ids;
use crate::wire::{fen, moment, word};
use serde_json::Value;
use sluice_contract::{
    AttemptRef, Claims, Discount, DiscountKind, FailureCode, Fault, Fen, FundedBy, Notes, Pay, Payment, Wallet, Why, WhyKind,
};
use sluice_kit::claims::agrees;
use sluice_kit::codes::failure;
use sluice_kit::discount::discount;
use sluice_kit::outcome::{self, unreadable, waiting};
use sluice_kit::wire::{cut, given, notes};

/// How long a waiting barcode waits before it is asked again, in milliseconds.
pub(crate) const POLL_AFTER_MS: u64 = 3000;

/// `pay_status` as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Paying,
    Paid,
    Failed,
    /// The bank does not know yet.
    Unsure,
    Revoked,
    Revoking,
    /// Paid once, wholly refunded since.
    Refunded,
    /// Paid, and refunded in part.
    PartlyRefunded,
    Refunding,
    Unlisted,
}

/// What a digit means in a family.
pub(crate) fn state(family: Family, digit: &str) -> State {
    STATES.iter().find(|(of, known, _)| (*of, *known) == (family, digit)).map_or(State::Unlisted, |(.., state)| *state)
}

/// A payment as told, which does not contradict the attempt.
#[derive(Debug)]
pub(crate) struct Trade {
    pub(crate) state: State,
    digit: String,
    /// `None` where the message does not say how much it was.
    payment: Option<Payment>,
    handles: Notes,
}

/// Reads a reply about an attempt's payment.
pub(crate) fn read(tree: &Value, attempt: &AttemptRef) -> Result<Trade, Why> {
    let family = ids::family(attempt).map_err(|refusal| unreadable(refusal.inner))?;
    let digit = word(tree, "pay_status").ok_or_else(|| unreadable("the reply has no pay_status"))?;
    let handles = ids::handles(tree);
    // Where a reply names the bank's number only, it must be the one the bank has told us for ours.
    let known = handles.get("order_id").is_some_and(|id| attempt.handles.get("order_id") == Some(id));
    let number = given(tree, "out_trade_no").or(known.then_some(attempt.number.as_str()));
    let number = number.ok_or_else(|| unreadable("the reply does not name the order"))?;
    let claims = claims(tree, number);
    agrees(&claims, attempt)?;
    let payment = claims.amount.map(|amount| payment(family, tree, amount, handles.clone()));
    Ok(Trade { state: state(family, &digit), digit: cut(&digit, 8), payment, handles })
}

/// What a message about a payment claims.
pub(crate) fn claims(tree: &Value, number: &str) -> Claims {
    Claims {
        number: Some(number.to_owned()),
        amount: fen(tree, "total_amt"),
        currency: currency(tree),
        same: ids::claimed(tree),
        ..Claims::default()
    }
}

/// `001` is CNY; a message that names no currency means it.
pub(crate) fn currency(tree: &Value) -> Option<String> {
    let named = ["cur_type", "fee_type", "trnsc_ccy"].iter().find_map(|name| given(tree, name));
    Some(named.filter(|code| *code != "001").unwrap_or("CNY").to_owned())
}

impl Trade {
    /// The state as an outcome. An unlisted state is unknown, never failed; `payment_amt` 0 is as paid as any.
    pub(crate) fn says(self, attempt: &AttemptRef) -> Pay {
        match self.state {
            State::Paid | State::Refunded | State::PartlyRefunded | State::Refunding => {
                self.payment.map_or_else(|| Pay::Unknown(unreadable("paid, but without total_amt")), Pay::Paid)
            }
            State::Paying => Pay::Waiting(waiting(attempt, POLL_AFTER_MS), self.handles),
            State::Failed => {
                let code = format!("pay_status {}", self.digit);
                Pay::Failed(failure(FailureCode::ChannelRefused, Fault::Payer, &code, "the bank says that the payment failed"))
            }
            State::Revoked => Pay::Reversed,
            State::Unsure | State::Revoking => Pay::Unknown(Why::new(WhyKind::Pending, format!("pay_status {}", self.digit))),
            State::Unlisted => Pay::Unknown(self.unlisted()),
        }
    }

    pub(crate) fn unlisted(&self) -> Why {
        outcome::unlisted("pay_status", &self.digit)
    }
}

/// What the bank, the merchant and others paid of the order (pack 1.6, 1.10). Who bears points, ecoupon and coupon is not written:
/// the bank issues them.
const PARTS: [(&str, DiscountKind, FundedBy); 5] = [
    ("point_amt", DiscountKind::Points, FundedBy::Bank),
    ("ecoupon_amt", DiscountKind::Coupon, FundedBy::Bank),
    ("mer_disc_amt", DiscountKind::Merchant, FundedBy::Merchant),
    ("bank_disc_amt", DiscountKind::Bank, FundedBy::Bank),
    ("coupon_amt", DiscountKind::Coupon, FundedBy::Bank),
];

/// What WeChat, Alipay and UnionPay gave, in family B (pack 1.7).
const THIRD_PARTS: [(&str, DiscountKind, FundedBy); 4] = [
    ("third_party_coupon_amt", DiscountKind::Coupon, FundedBy::Channel),
    ("third_party_discount_amt", DiscountKind::Coupon, FundedBy::Channel),
    ("union_discount_amt", DiscountKind::Coupon, FundedBy::Channel),
    ("union_mcht_discount_amt", DiscountKind::Merchant, FundedBy::Merchant),
];

fn payment(family: Family, tree: &Value, amount: Fen, mut handles: Notes) -> Payment {
    let own = told(tree, &PARTS);
    let third = if family == Family::B { told(tree, &THIRD_PARTS) } else { Vec::new() };
    let payer_amount = fen(tree, "payment_amt");
    // The identity of the amounts is UNCONFIRMED: a difference is written down, it decides nothing.
    let sum = |start: Option<Fen>, parts: &[Discount]| parts.iter().fold(start, |sum, part| sum?.plus(part.amount));
    let without_third = sum(payer_amount, &own);
    if payer_amount.is_some() && without_third != Some(amount) && sum(without_third, &third) != Some(amount) {
        handles.insert("amounts".to_owned(), "do not add up to total_amt".to_owned());
    }
    let channel_trade_no = handles.get("order_id").cloned();
    Payment {
        payer_amount,
        discounts: own.into_iter().chain(third).collect(),
        wallet: wallet(family, tree),
        payer: payer(tree),
        channel_trade_no,
        // Only a note: it was seen a month off (pack 1.9), and the caller knows what to make of that.
        paid_at: moment(tree, "pay_time"),
        handles,
        ..Payment::of(amount)
    }
}

fn told(tree: &Value, parts: &[(&str, DiscountKind, FundedBy)]) -> Vec<Discount> {
    parts.iter().filter_map(|(name, kind, funded_by)| discount(*kind, *funded_by, fen(tree, name))).collect()
}

/// Who really paid: family A is the bank's own app; family B says it, and what it does not list is not told.
fn wallet(family: Family, tree: &Value) -> Option<Wallet> {
    match (family, word(tree, "pay_type").as_deref()) {
        (Family::A, _) => Some(Wallet::Icbc),
        (Family::B, Some("9")) => Some(Wallet::Wechat),
        (Family::B, Some("10")) => Some(Wallet::Alipay),
        (Family::B, Some("13")) => Some(Wallet::Unionpay),
        (Family::B, _) => None,
    }
}

/// The payer in the wallet's words, else as the bank's customer.
fn payer(tree: &Value) -> Notes {
    let in_wechat = word(tree, "pay_type").as_deref() == Some("9");
    let id = given(tree, "open_id").map(|id| (if in_wechat { "openid" } else { "buyer_id" }, id));
    let id = id.or_else(|| given(tree, "cust_id").map(|id| ("buyer_id", id)));
    notes(id)
}
