//! What an account costs: a rate of the amount, with a least, a most, and other rates from certain amounts on; rounded to the fen, half up unless the
//! contract says otherwise.
//! An account's tariff is copied onto the attempt when it is made: a later change of price never changes an old order's fee.

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use sluice_contract::Fen;

/// A price for taking one payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Tariff {
    /// Share of the amount, 0 to 1: `0.006` is 0.6 %.
    pub rate: Decimal,
    /// The least that is charged.
    pub min: Option<Fen>,
    /// The most that is charged.
    pub cap: Option<Fen>,
    /// By rising `from`: the last that the amount reaches gives the rate of the whole amount.
    pub tiers: Vec<Tier>,
    pub rounding: Rounding,
}

/// What becomes of parts of a fen. No channel's documents tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    #[default]
    HalfUp,
    /// The bank's rounding: a half goes to the even fen.
    HalfEven,
    Down,
    Up,
}

impl Rounding {
    /// With the words used in config.
    pub const WORDS: [(&'static str, Rounding); 4] =
        [("half_up", Rounding::HalfUp), ("half_even", Rounding::HalfEven), ("down", Rounding::Down), ("up", Rounding::Up)];

    const fn strategy(self) -> RoundingStrategy {
        match self {
            Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            Rounding::HalfEven => RoundingStrategy::MidpointNearestEven,
            Rounding::Down => RoundingStrategy::ToZero,
            Rounding::Up => RoundingStrategy::AwayFromZero,
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
    fn is_usual(&self) -> bool {
        *self == Rounding::default()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    pub from: Fen,
    pub rate: Decimal,
}

impl Tariff {
    /// A rate and nothing else. `None` when it is no share from 0 to 1.
    #[must_use]
    pub fn flat(rate: &str) -> Option<Tariff> {
        Some(Tariff { rate: share(rate)?, min: None, cap: None, tiers: Vec::new(), rounding: Rounding::HalfUp })
    }

    /// The fee of an order. `None` when it cannot be counted in fen.
    #[must_use]
    pub fn fee(&self, amount: Fen) -> Option<Fen> {
        let tier = self.tiers.iter().rev().find(|tier| amount >= tier.from);
        let exact = Decimal::from(amount.0).checked_mul(tier.map_or(self.rate, |tier| tier.rate))?;
        let rounded = exact.round_dp_with_strategy(0, self.rounding.strategy()).to_i64().map(Fen)?;
        let least = self.min.map_or(rounded, |min| rounded.max(min));
        Some(self.cap.map_or(least, |cap| least.min(cap)))
    }
}

/// A share of 0 to 1 in decimal text without sign or exponent.
#[must_use]
pub fn share(text: &str) -> Option<Decimal> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    Decimal::from_str_exact(text).ok().filter(|rate| plain && *rate >= Decimal::ZERO && *rate <= Decimal::ONE)
}

/// As it is stored: a plain rate is its text, as it was before there was more to say.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Rate(String),
    Whole {
        rate: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<Fen>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cap: Option<Fen>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tiers: Vec<(Fen, String)>,
        #[serde(default, skip_serializing_if = "Rounding::is_usual")]
        rounding: Rounding,
    },
}

impl From<Tariff> for Written {
    fn from(tariff: Tariff) -> Written {
        let rate = tariff.rate.to_string();
        if tariff.min.is_none() && tariff.cap.is_none() && tariff.tiers.is_empty() && tariff.rounding.is_usual() {
            return Written::Rate(rate);
        }
        let tiers = tariff.tiers.iter().map(|tier| (tier.from, tier.rate.to_string())).collect();
        Written::Whole { rate, min: tariff.min, cap: tariff.cap, tiers, rounding: tariff.rounding }
    }
}

impl TryFrom<Written> for Tariff {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Tariff, Self::Error> {
        let read = |text: &str| share(text).ok_or("a stored rate is no share from 0 to 1");
        match written {
            Written::Rate(rate) => Ok(Tariff { rate: read(&rate)?, min: None, cap: None, tiers: Vec::new(), rounding: Rounding::HalfUp }),
            Written::Whole { rate, min, cap, tiers, rounding } => {
                let tier = |(from, rate): (Fen, String)| Ok(Tier { from, rate: read(&rate)? });
                let tiers = tiers.into_iter().map(tier).collect::<Result<_, Self::Error>>()?;
                Ok(Tariff { rate: read(&rate)?, min, cap, tiers, rounding })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rounding, Tariff, Tier, share};
    use serde_json::json;
    use sluice_contract::Fen;

    #[test]
    fn fees_round_half_up_and_bad_rates_are_none() {
        for (amount, rate, expected) in
            [(1280, "0.006", 8), (1250, "0.006", 8), (1249, "0.006", 7), (1, "0", 0), (10_000_000_000, "1", 10_000_000_000)]
        {
            assert_eq!(Tariff::flat(rate).and_then(|t| t.fee(Fen(amount))), Some(Fen(expected)), "{amount} × {rate}");
        }
        for rate in ["", "-0.1", "1.01", "six", "NaN", "1e-3", "+0.1"] {
            assert_eq!(Tariff::flat(rate), None, "{rate}");
        }
    }

    #[test]
    fn a_contract_may_round_otherwise_and_an_attempt_keeps_how() {
        for (rounding, fees) in
            [(Rounding::HalfUp, [8, 1, 2]), (Rounding::HalfEven, [8, 0, 2]), (Rounding::Down, [7, 0, 1]), (Rounding::Up, [8, 1, 2])]
        {
            // 7.68, 0.5 and 1.5 fen.
            let tariff = Tariff::flat("0.006").map(|flat| Tariff { rounding, ..flat });
            let half = Tariff::flat("0.005").map(|flat| Tariff { rounding, ..flat });
            let of = |tariff: &Option<Tariff>, amount| tariff.as_ref().and_then(|tariff| tariff.fee(Fen(amount))).map(|fee| fee.0);
            assert_eq!([of(&tariff, 1280), of(&half, 100), of(&half, 300)], fees.map(Some), "{rounding:?}");
            let written = serde_json::to_value(&tariff).unwrap_or_default();
            assert_eq!(serde_json::from_value(written.clone()).ok(), Some(tariff), "{written}");
        }
        assert_eq!(
            serde_json::to_value(Tariff::flat("0.006").map(|flat| Tariff { rounding: Rounding::Down, ..flat })).ok(),
            Some(json!({"rate": "0.006", "rounding": "down"}))
        );
    }

    #[test]
    fn a_least_a_most_and_steps_apply_to_the_whole_amount() {
        let rate = |text| share(text).unwrap_or_default();
        let tiers = vec![Tier { from: Fen(100_000), rate: rate("0.004") }, Tier { from: Fen(1_000_000), rate: rate("0.002") }];
        let tariff = Tariff { rate: rate("0.006"), min: Some(Fen(10)), cap: Some(Fen(2_500)), tiers, rounding: Rounding::HalfUp };
        for (amount, fee) in [(1, 10), (1_000, 10), (50_000, 300), (99_999, 600), (100_000, 400), (1_000_000, 2_000), (9_000_000, 2_500)] {
            assert_eq!(tariff.fee(Fen(amount)), Some(Fen(fee)), "{amount}");
        }
    }

    #[test]
    fn what_was_stored_before_there_were_tariffs_is_read_and_written_the_same() {
        let old = Tariff::flat("0.006");
        assert_eq!(serde_json::to_value(&old).ok(), Some(json!("0.006")));
        assert_eq!(serde_json::from_value(json!("0.006")).ok(), Some(old.clone()));
        let tiers = vec![Tier { from: Fen(9), rate: share("0.002").unwrap_or_default() }];
        let whole = old.map(|flat| Tariff { cap: Some(Fen(5)), tiers, ..flat });
        let written = serde_json::to_value(&whole).unwrap_or_default();
        assert_eq!(serde_json::from_value(written.clone()).ok(), Some(whole), "{written}");
        assert!(serde_json::from_value::<Tariff>(json!("1.5")).is_err());
    }
}
