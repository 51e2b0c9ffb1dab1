//! Values that several files write in the same way: names, conditions, words, shares, lengths, times of day.

use crate::domain::limit::rule::PPM;
use crate::domain::when::When;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;
use sluice_contract::Reader;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

pub(super) const MINUTE_MS: i64 = 60_000;
pub(super) const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// The name of a rule: unique in its file.
pub(super) fn name(table: &Reader<'_>, names: &mut BTreeSet<String>) -> String {
    let name = table.need_text("name");
    if name.chars().count() > 64 || name.chars().any(|c| c.is_control() || c == '/') {
        table.problem("name", "must have 1 to 64 characters, without / and control characters");
    } else if !name.is_empty() && !names.insert(name.to_owned()) {
        table.problem("name", format!("{name} is taken by an earlier one: names are unique"));
    }
    name.to_owned()
}

/// A condition; without one everything matches.
pub(super) fn when(table: &Reader<'_>) -> When {
    let Some(text) = table.text("when") else { return When::always() };
    When::parse(text).unwrap_or_else(|problems| {
        problems.into_iter().for_each(|problem| table.problem("when", problem));
        When::always()
    })
}

/// One of a few words.
pub(super) fn word<T: Copy>(table: &Reader<'_>, field: &str, known: &[(&str, T)]) -> Option<T> {
    let text = table.text(field)?;
    let found = known.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if found.is_none() {
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        table.problem(field, format!("must be {}", words.join(" or ")));
    }
    found
}

/// A decimal in text as millionths, above nought and up to one.
pub(super) fn share_ppm(table: &Reader<'_>, field: &str) -> Option<i64> {
    let ppm = ppm(table.text(field)?).filter(|ppm| *ppm > 0);
    if ppm.is_none() {
        table.problem(field, "must be a decimal in text above \"0\" and up to \"1\", with six places at most, such as \"0.2\"");
    }
    ppm
}

/// The same where nought has a meaning too.
pub(super) fn share_or_none_ppm(table: &Reader<'_>, field: &str) -> Option<i64> {
    let ppm = ppm(table.text(field)?);
    if ppm.is_none() {
        table.problem(field, "must be a decimal in text from \"0\" to \"1\", with six places at most, such as \"0.02\"");
    }
    ppm
}

fn ppm(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let millionths = Decimal::from_str_exact(text).ok().filter(|_| plain)?.checked_mul(Decimal::from(PPM))?;
    let whole = millionths.is_integer().then(|| millionths.to_i64()).flatten();
    whole.filter(|ppm| (0..=PPM).contains(ppm))
}

/// A length of time in text, in milliseconds, within these.
pub(super) fn length_within_ms(table: &Reader<'_>, field: &str, within_ms: RangeInclusive<i64>) -> Option<i64> {
    let ms = length_ms(table.text(field)?).filter(|ms| within_ms.contains(ms));
    if ms.is_none() {
        let (least, most) = (said(*within_ms.start()), said(*within_ms.end()));
        table.problem(field, format!("must be a length from \"{least}\" to \"{most}\", a whole number of s, m, h or d"));
    }
    ms
}

/// `90s`, `30m`, `24h`, `7d`.
pub(super) fn length_ms(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_ms = UNITS.iter().find(|(_, name)| *name == unit)?.0;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let ms = digits.parse::<i64>().ok().filter(|_| plain)?.checked_mul(unit_ms)?;
    (1_000..=366 * DAY_MS).contains(&ms).then_some(ms)
}

/// As a person would write it: in the largest unit that it is whole in.
pub(super) fn said(ms: i64) -> String {
    let whole = UNITS.iter().find(|(unit_ms, _)| ms % unit_ms == 0);
    whole.map_or_else(|| format!("{ms} ms"), |(unit_ms, unit)| format!("{}{unit}", ms / unit_ms))
}

const UNITS: [(i64, &str); 4] = [(DAY_MS, "d"), (60 * MINUTE_MS, "h"), (MINUTE_MS, "m"), (1_000, "s")];

/// `HH:MM` as the minute of the day.
pub(super) fn minute_of_day(text: &str) -> Option<i64> {
    let two = |text: &str, below: i64| {
        let plain = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| plain && *number < below)
    };
    let (hours, minutes) = text.split_once(':')?;
    Some(two(hours, 24)? * 60 + two(minutes, 60)?)
}

/// A list without anything in it is no way to say everything.
pub(super) fn is_empty_list(table: &Reader<'_>, field: &str) -> bool {
    table.raw(field).and_then(Value::as_array).is_some_and(Vec::is_empty)
}

/// What is written stands in place of a default.
pub(super) fn set<T: TryFrom<i64>>(to: &mut T, written: Option<i64>) {
    if let Some(value) = written.and_then(|value| T::try_from(value).ok()) {
        *to = value;
    }
}

#[cfg(test)]
mod tests {
    use super::{length_ms, minute_of_day, ppm, said};

    #[test]
    fn lengths_are_read_as_they_are_said() {
        for (text, ms) in [("1s", 1_000), ("90s", 90_000), ("30m", 1_800_000), ("24h", 86_400_000), ("366d", 31_622_400_000)] {
            assert_eq!(length_ms(text), Some(ms), "{text}");
            assert_eq!(length_ms(&said(ms)), Some(ms), "{text}");
        }
        for text in ["", "s", "0s", "1", "1ms", "+1s", "1.5h", "-1s", "367d", "1 s", "９s", "99999999999999999999d"] {
            assert_eq!(length_ms(text), None, "{text}");
        }
        assert_eq!([said(120_000), said(90_000), said(1_500)], ["2m", "90s", "1500 ms"]);
    }

    #[test]
    fn times_of_day_and_shares_are_plain_digits() {
        assert_eq!(["00:00", "08:30", "23:59"].map(minute_of_day), [Some(0), Some(510), Some(1_439)]);
        for text in ["", "8:00", "24:00", "08:60", "08:5", "0800", "+8:00", "08:00:00"] {
            assert_eq!(minute_of_day(text), None, "{text}");
        }
        assert_eq!(["0", "0.02", "1", "0.000001"].map(ppm), [Some(0), Some(20_000), Some(1_000_000), Some(1)]);
        for text in ["", "1.1", "-0", "+0.1", "1e-3", "0.0000001", "half", "10%"] {
            assert_eq!(ppm(text), None, "{text}");
        }
    }
}
