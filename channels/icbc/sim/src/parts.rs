//! What a payment is made of: cash, points, and discounts by who gave them (pack §1.10), and how a refund is split over them.
//!
//! The sandbox keeps the identity that the pack could not confirm: all parts together are `total_amt`. A refund is asked for in
//! money of the order (gross, as the ledger books it). The payer's cash goes back in proportion, rounded down; so does every other
//! part, what rounding leaves over goes to the first of them that has something left; the last refund takes all that is left.

use crate::reply::Body;
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy, Wallet};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Points,
    /// The bank's electronic coupon.
    Ecoupon,
    Merchant,
    Coupon,
    Bank,
    ThirdCoupon,
    ThirdDiscount,
    UnionDiscount,
    UnionMerchant,
    Cash,
}

const ALL: [Part; 10] = [
    Part::Points,
    Part::Ecoupon,
    Part::Merchant,
    Part::Coupon,
    Part::Bank,
    Part::ThirdCoupon,
    Part::ThirdDiscount,
    Part::UnionDiscount,
    Part::UnionMerchant,
    Part::Cash,
];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts(BTreeMap<Part, Fen>);

impl Parts {
    pub(crate) fn get(&self, part: Part) -> Fen {
        self.0.get(&part).copied().unwrap_or(Fen::ZERO)
    }

    pub(crate) fn add(&mut self, part: Part, amount: Fen) {
        let sum = self.get(part).0.saturating_add(amount.0);
        self.0.insert(part, Fen(sum));
    }

    pub(crate) fn add_all(&mut self, other: &Parts) {
        for (part, amount) in &other.0 {
            self.add(*part, *amount);
        }
    }

    /// Cash for the whole, as long as discounts leave that much; `None` when they are more than the whole.
    pub(crate) fn of(total: Fen, discounts: &[Discount], wallet: Wallet) -> Option<Parts> {
        let mut parts = Parts::default();
        let mut left = total;
        for discount in discounts {
            left = left.minus(discount.amount).filter(|left| left.0 >= 0 && discount.amount.0 >= 0)?;
            parts.add(field_of(discount, wallet), discount.amount);
        }
        parts.add(Part::Cash, left);
        Some(parts)
    }

    /// The parts of a refund. `back`: what went back before. When no more is left than the refund, rounding has it all.
    pub(crate) fn split(&self, back: &Parts, refund: Fen, total: Fen) -> Parts {
        let left = |part: Part| self.get(part).0.saturating_sub(back.get(part).0).max(0);
        let mut out = Parts::default();
        let mut rest = refund.0;
        for part in ALL {
            let share = proportion(refund, self.get(part), total).min(left(part));
            out.add(part, Fen(share));
            rest = rest.saturating_sub(share);
        }
        for part in ALL {
            let more = left(part).saturating_sub(out.get(part).0).min(rest).max(0);
            out.add(part, Fen(more));
            rest = rest.saturating_sub(more);
        }
        out
    }

    fn sum(&self, parts: [Part; 2]) -> Fen {
        Fen(parts.iter().fold(0, |sum, part| sum.saturating_add(self.get(*part).0)))
    }

    /// The amount block of both families (pack §1.6).
    pub(crate) fn pay_block(&self, total: Fen, body: &mut Body) {
        body.fen("total_amt", total);
        body.fen("point_amt", self.get(Part::Points));
        body.fen("ecoupon_amt", self.get(Part::Ecoupon));
        body.fen("mer_disc_amt", self.get(Part::Merchant));
        body.fen("coupon_amt", self.get(Part::Coupon));
        body.fen("bank_disc_amt", self.get(Part::Bank));
        body.fen("payment_amt", self.get(Part::Cash));
        body.fen("total_disc_amt", self.sum([Part::Merchant, Part::Bank]));
    }

    /// What third parties gave: family B only (pack §1.7).
    pub(crate) fn third_block(&self, body: &mut Body) {
        body.fen("third_party_coupon_amt", self.get(Part::ThirdCoupon));
        body.fen("third_party_discount_amt", self.get(Part::ThirdDiscount));
        body.fen("union_discount_amt", self.get(Part::UnionDiscount));
        body.fen("union_mcht_discount_amt", self.get(Part::UnionMerchant));
    }

    /// `reject_amt` is cash and points, `real_reject_amt` cash alone (pack §1.10).
    pub(crate) fn refund_block(&self, body: &mut Body) {
        body.fen("real_reject_amt", self.get(Part::Cash));
        body.fen("reject_amt", self.sum([Part::Cash, Part::Points]));
        body.fen("reject_point", self.get(Part::Points));
        body.fen("reject_ecoupon", self.get(Part::Ecoupon));
        body.fen("reject_mer_disc_amt", self.get(Part::Merchant));
        body.fen("reject_bank_disc_amt", self.get(Part::Bank));
    }

    pub(crate) fn refund_discounts(&self, body: &mut Body) {
        body.fen("reject_total_disc_amt", self.sum([Part::Merchant, Part::Bank]));
    }

    pub(crate) fn refund_third(&self, body: &mut Body) {
        body.fen("third_party_coupon_refund_amt", self.get(Part::ThirdCoupon));
        body.fen("third_party_discount_refund_amt", self.get(Part::ThirdDiscount));
    }
}

/// In which field of the bank's a discount of a payer's phone stands.
fn field_of(discount: &Discount, wallet: Wallet) -> Part {
    match (wallet, discount.kind, discount.funded_by) {
        (Wallet::Unionpay, DiscountKind::Merchant, _) => Part::UnionMerchant,
        (Wallet::Unionpay, DiscountKind::Bank, _) => Part::UnionDiscount,
        (Wallet::Wechat | Wallet::Alipay | Wallet::Unionpay, DiscountKind::Coupon, _) => Part::ThirdCoupon,
        // Online trades carry no points of the bank (pack §1.10).
        (Wallet::Wechat | Wallet::Alipay | Wallet::Unionpay, DiscountKind::Points | DiscountKind::Bank, _) => Part::ThirdDiscount,
        (_, DiscountKind::Points, _) => Part::Points,
        (_, DiscountKind::Merchant, _) => Part::Merchant,
        (_, DiscountKind::Bank, _) => Part::Bank,
        (_, DiscountKind::Coupon, FundedBy::Merchant) => Part::Coupon,
        (_, DiscountKind::Coupon, _) => Part::Ecoupon,
    }
}

/// `refund × part ÷ total`, rounded down.
fn proportion(refund: Fen, part: Fen, total: Fen) -> i64 {
    let whole = i128::from(refund.0).saturating_mul(i128::from(part.0));
    whole.checked_div(i128::from(total.0)).and_then(|fen| i64::try_from(fen).ok()).unwrap_or(0)
}
