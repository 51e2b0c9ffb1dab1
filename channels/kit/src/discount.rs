//! One discount, where a channel tells of one: a sum that is absent or zero is none.

use sluice_contract::{Discount, DiscountKind, Fen, FundedBy};

#[must_use]
pub fn discount(kind: DiscountKind, funded_by: FundedBy, amount: Option<Fen>) -> Option<Discount> {
    amount.filter(|amount| amount.is_positive()).map(|amount| Discount { kind, funded_by, amount })
}

#[cfg(test)]
mod tests {
    use super::discount;
    use sluice_contract::{DiscountKind, Fen, FundedBy};

    #[test]
    fn nothing_zero_and_less_are_no_discount() {
        let of = |amount| discount(DiscountKind::Coupon, FundedBy::Channel, amount).map(|told| told.amount);
        assert_eq!([None, Some(Fen(0)), Some(Fen(-1)), Some(Fen(1))].map(of), [None, None, None, Some(Fen(1))]);
    }
}
