//! An amount as a person types it. What is meant must be plain: nothing is rounded, and nothing is guessed.

use sluice_contract::Fen;

/// The largest order there is, in fen (CONTRACT section 4).
pub const AMOUNT_MAX: Fen = Fen(10_000_000_000);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountFault {
    Missing,
    /// No number, or one that could mean two things.
    Unclear,
    /// More than two.
    Decimals,
    Zero,
    TooMuch,
}

/// 元 text: `12`, `12.8`, `.5`, in full-width digits too, with ¥ before it or 元 behind it.
///
/// # Errors
/// What is wrong with it.
pub fn amount(text: &str) -> Result<Fen, AmountFault> {
    let text: String = text.trim().chars().map(narrow).collect();
    let text = text.strip_prefix('¥').unwrap_or(&text);
    let text = text.strip_suffix('元').unwrap_or(text).trim();
    if text.is_empty() {
        return Err(AmountFault::Missing);
    }
    let (whole, cents) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(cents) || (whole.is_empty() && cents.is_empty()) {
        return Err(AmountFault::Unclear);
    }
    if cents.len() > 2 {
        return Err(AmountFault::Decimals);
    }
    match Fen::from_yuan(&format!("0{whole}.{cents}0")) {
        Some(Fen(0)) => Err(AmountFault::Zero),
        Some(fen) if fen <= AMOUNT_MAX => Ok(fen),
        _ => Err(AmountFault::TooMuch),
    }
}

/// What a Chinese keyboard makes of digits, point and sign.
fn narrow(typed: char) -> char {
    match typed {
        '０'..='９' => char::from_u32(u32::from(typed) - 0xFEE0).unwrap_or(typed),
        '．' | '。' => '.',
        '￥' => '¥',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{AmountFault, amount};
    use proptest::prelude::{prop_assert_eq, proptest};
    use sluice_contract::Fen;

    #[test]
    fn what_people_type_is_read_exactly_or_refused_for_a_reason() {
        let good = [
            ("12", 1200),
            ("12.8", 1280),
            ("12.80", 1280),
            (" 12.80 ", 1280),
            ("¥12.80", 1280),
            ("￥１２．８０", 1280),
            ("12。8元", 1280),
            ("0.01", 1),
            (".5", 50),
            ("5.", 500),
            ("007", 700),
            ("100000000", 10_000_000_000),
        ];
        for (text, fen) in good {
            assert_eq!(amount(text), Ok(Fen(fen)), "{text:?}");
        }
        let bad = [
            ("", AmountFault::Missing),
            ("  ", AmountFault::Missing),
            ("¥", AmountFault::Missing),
            ("0", AmountFault::Zero),
            ("0.00", AmountFault::Zero),
            ("1.234", AmountFault::Decimals),
            ("1.000", AmountFault::Decimals),
            ("-1", AmountFault::Unclear),
            ("+1", AmountFault::Unclear),
            ("1,000", AmountFault::Unclear),
            ("1 000", AmountFault::Unclear),
            ("1e3", AmountFault::Unclear),
            ("1.2.3", AmountFault::Unclear),
            (".", AmountFault::Unclear),
            ("十二", AmountFault::Unclear),
            ("٣", AmountFault::Unclear),
            ("100000000.01", AmountFault::TooMuch),
            ("99999999999999999999999999", AmountFault::TooMuch),
        ];
        for (text, fault) in bad {
            assert_eq!(amount(text), Err(fault), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_amount_is_read_as_it_is_written(fen in 1_i64..=10_000_000_000) {
            prop_assert_eq!(amount(&Fen(fen).to_yuan()), Ok(Fen(fen)));
        }

        #[test]
        fn no_text_is_read_as_an_amount_that_an_order_may_not_have(text in "\\PC{0,16}") {
            if let Ok(fen) = amount(&text) {
                prop_assert_eq!((1..=10_000_000_000).contains(&fen.0), true);
            }
        }
    }
}
