//! Money: an integer number of fen (分), never a float. 元 text is read and written exactly.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount in fen, CNY. Arithmetic is checked; there is no `+` that could wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fen(pub i64);

impl Fen {
    pub const ZERO: Fen = Fen(0);

    /// `None` on overflow.
    #[must_use]
    pub const fn plus(self, other: Fen) -> Option<Fen> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Fen(sum)),
            None => None,
        }
    }

    /// `None` on overflow. A negative result is an answer: the caller says whether it may be.
    #[must_use]
    pub const fn minus(self, other: Fen) -> Option<Fen> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Some(Fen(rest)),
            None => None,
        }
    }

    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Reads 元 text as channels write it: `12`, `12.8`, `12.80`, `-0.01`. At most two decimals that are not zero
    /// (`0.01000`, as WeChat writes a fee, is one fen). Anything else is `None`: no exponent, no sign `+`, no space.
    #[must_use]
    pub fn from_yuan(text: &str) -> Option<Fen> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let yuan: i64 = whole.parse().ok()?;
        let mut cents = 0_i64;
        for (place, digit) in fraction.bytes().map(|b| i64::from(b - b'0')).enumerate() {
            match place {
                0 => cents = digit.checked_mul(10)?,
                1 => cents = cents.checked_add(digit)?,
                _ if digit == 0 => {}
                _ => return None,
            }
        }
        let fen = yuan.checked_mul(100)?.checked_add(cents)?;
        Some(Fen(if negative { fen.checked_neg()? } else { fen }))
    }

    /// 元 text with two decimals: `12.80`, `-0.01`.
    #[must_use]
    pub fn to_yuan(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        format!("{sign}{}.{:02}", fen / 100, fen % 100)
    }
}

impl fmt::Display for Fen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::Fen;
    use proptest::prelude::*;

    #[test]
    fn every_amount_up_to_a_million_fen_survives_the_trip_through_yuan_text() {
        for fen in 0..=1_000_000 {
            assert_eq!(Fen::from_yuan(&Fen(fen).to_yuan()), Some(Fen(fen)));
        }
    }

    #[test]
    fn text_that_is_not_an_exact_amount_is_refused() {
        for text in ["", ".", "1.", ".5", "1.234", "1e3", "+1", " 1", "1 ", "1,000", "--1", "0x1", "NaN", "１", "92233720368547758.08"] {
            assert_eq!(Fen::from_yuan(text), None, "{text:?}");
        }
    }

    #[test]
    fn trailing_zeros_and_short_fractions_are_exact() {
        for (text, fen) in [("0.01000", 1), ("12", 1200), ("12.8", 1280), ("0.0", 0), ("-0.01", -1), ("92233720368547758.07", i64::MAX)] {
            assert_eq!(Fen::from_yuan(text), Some(Fen(fen)), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn random_amounts_survive_the_trip(fen in -1_000_000_000_000_i64..=1_000_000_000_000) {
            prop_assert_eq!(Fen::from_yuan(&Fen(fen).to_yuan()), Some(Fen(fen)));
        }
    }

    #[test]
    fn arithmetic_at_the_edges_answers_none() {
        assert_eq!(Fen(i64::MAX).plus(Fen(1)), None);
        assert_eq!(Fen(i64::MIN).minus(Fen(1)), None);
        assert_eq!(Fen(1).minus(Fen(2)), Some(Fen(-1)));
    }
}
