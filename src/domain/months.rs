//! Calendar months at +08:00: windows of limits, and the pieces in which old orders are put away.

use super::OrderId;
use jiff::civil::{Date, date};
use jiff::{Span, Timestamp, tz::Offset};
use sluice_contract::Millis;

const CST: Offset = Offset::constant(8);

/// A month, by its first day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(Date);

impl Month {
    #[must_use]
    pub fn of(at: Millis) -> Month {
        let day = CST.to_datetime(Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH)).date();
        Month(day.first_of_month())
    }

    /// So many months later, or earlier.
    #[must_use]
    pub fn plus(self, months: i32) -> Month {
        Month(self.0.checked_add(Span::new().months(months)).unwrap_or(date(1970, 1, 1)))
    }

    #[must_use]
    pub fn begins(self) -> Millis {
        Millis(CST.to_timestamp(self.0.at(0, 0, 0, 0)).map_or(0, Timestamp::as_millisecond))
    }

    /// Every order of an earlier month has a smaller id, every other one a greater or equal one.
    #[must_use]
    pub fn first_id(self) -> OrderId {
        OrderId::new(self.begins(), [0; 16])
    }

    /// `2026_11`.
    #[must_use]
    pub fn name(self) -> String {
        self.0.strftime("%Y_%m").to_string()
    }

    /// Reads [`Month::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Month> {
        let (year, month) = name.split_once('_')?;
        Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok().map(Month)
    }
}

/// Orders with a smaller id may be put away, at this time and with so many whole months kept beside the one that runs.
#[must_use]
pub fn keep_from(now: Millis, keep_months: u32) -> OrderId {
    Month::of(now).plus(i32::try_from(keep_months).unwrap_or(i32::MAX).saturating_neg()).first_id()
}

#[cfg(test)]
mod tests {
    use super::OrderId;
    use super::{Month, keep_from};
    use sluice_contract::{Millis, Second};

    fn at(text: &str) -> Option<Millis> {
        Second::from_rfc3339(text).map(Second::millis)
    }

    #[test]
    fn months_begin_at_midnight_in_shanghai() {
        let month = at("2026-11-30T23:59:59+08:00").map(Month::of);
        assert_eq!(month.map(Month::name).as_deref(), Some("2026_11"));
        assert_eq!(at("2026-12-01T00:00:00+08:00").map(Month::of), month.map(|m| m.plus(1)));
        assert_eq!(month.map(Month::begins), at("2026-11-01T00:00:00+08:00"));
        assert_eq!(Month::from_name("2026_11"), month);
        assert_eq!([Month::from_name("2026_13"), Month::from_name("other")], [None, None]);
    }

    #[test]
    fn what_is_kept_begins_with_a_month() {
        let (Some(now), Some(first)) = (at("2026-11-23T09:00:00+08:00"), at("2025-10-01T00:00:00+08:00")) else { return };
        let kept = keep_from(now, 13);
        assert!(OrderId::new(first, [0; 16]) >= kept && OrderId::new(first, [255; 16]) > kept);
        assert!(OrderId::new(first.plus_ms(-1), [255; 16]) < kept);
    }
}
