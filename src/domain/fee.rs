//! The fee of an order: its amount times the account's rate at the time, rounded half up to the fen.

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use sluice_contract::Fen;

/// `rate` is decimal text, `"0.006"`. `None` when the text is no rate from 0 to 1.
#[must_use]
pub fn fee(amount: Fen, rate: &str) -> Option<Fen> {
    let rate: Decimal = rate.parse().ok()?;
    if rate < Decimal::ZERO || rate > Decimal::ONE {
        return None;
    }
    let exact = Decimal::from(amount.0).checked_mul(rate)?;
    exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64().map(Fen)
}

#[cfg(test)]
mod tests {
    use super::fee;
    use sluice_contract::Fen;

    #[test]
    fn fees_round_half_up_and_bad_rates_are_none() {
        for (amount, rate, expected) in [
            (1280, "0.006", Some(8)),
            (1250, "0.006", Some(8)),
            (1249, "0.006", Some(7)),
            (1, "0", Some(0)),
            (10_000_000_000, "1", Some(10_000_000_000)),
        ] {
            assert_eq!(fee(Fen(amount), rate), expected.map(Fen), "{amount} × {rate}");
        }
        for rate in ["", "-0.1", "1.01", "six", "NaN"] {
            assert_eq!(fee(Fen(100), rate), None, "{rate}");
        }
    }
}
