//! The day or month that a statement is of: Shanghai's calendar, from midnight to midnight.

use crate::domain::months::Month;
use sluice_contract::{Day, Millis};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    Day(Day),
    Month(Month),
}

impl Period {
    /// Reads `2026-11-25`.
    #[must_use]
    pub fn day(text: &str) -> Option<Period> {
        Day::parse(text).filter(|day| day.to_string() == text).map(Period::Day)
    }

    /// Reads `2026-11`.
    #[must_use]
    pub fn month(text: &str) -> Option<Period> {
        let month = Month::from_name(&text.replace('-', "_")).map(Period::Month)?;
        (month.name() == text).then_some(month)
    }

    /// As it is written: `2026-11-25` or `2026-11`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Period::Day(day) => day.to_string(),
            Period::Month(month) => month.name().replace('_', "-"),
        }
    }

    #[must_use]
    pub fn begins(self) -> Millis {
        match self {
            Period::Day(day) => day.start().millis(),
            Period::Month(month) => month.begins(),
        }
    }

    /// The first moment that is not of it any more.
    #[must_use]
    pub fn ends(self) -> Millis {
        match self {
            Period::Day(day) => day.plus(1).start().millis(),
            Period::Month(month) => month.plus(1).begins(),
        }
    }

    #[must_use]
    pub fn holds(self, at: Millis) -> bool {
        self.begins() <= at && at < self.ends()
    }

    /// Its days that have begun, the first one first.
    #[must_use]
    pub fn days(self, now: Millis) -> Vec<Day> {
        let (first, last) = (self.begins().second().day(), self.ends().plus_ms(-1).min(now).second().day());
        let mut days = Vec::new();
        let mut day = first;
        while day <= last && days.len() < 31 {
            days.push(day);
            day = day.plus(1);
        }
        days
    }

    /// Whether all that is of it has had time to arrive: channels' clocks may be behind or before ours.
    #[must_use]
    pub fn is_complete(self, now: Millis) -> bool {
        now >= self.ends().plus_ms(super::NEAR_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::Period;
    use sluice_contract::Millis;

    fn at(text: &str) -> Millis {
        Millis::from_rfc3339(text).unwrap_or_default()
    }

    #[test]
    fn a_period_is_written_in_one_way() {
        for good in ["2026-11-25", "2028-02-29"] {
            assert_eq!(Period::day(good).map(Period::name).as_deref(), Some(good));
        }
        assert_eq!(Period::month("2026-11").map(Period::name).as_deref(), Some("2026-11"));
        for bad in ["", "2026-11-31", "2026-2-3", "20261125", "2026-11", "2026-11-25 ", "2026-11-25T00:00:00+08:00", "+2026-11-25"] {
            assert_eq!(Period::day(bad), None, "{bad:?}");
        }
        for bad in ["", "2026", "2026-13", "2026-1", "2026_11", "202611", "2026-11-25", " 2026-11"] {
            assert_eq!(Period::month(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn days_and_months_turn_at_midnight_in_shanghai() {
        let (day, month) = (Period::day("2026-11-30"), Period::month("2026-11"));
        let holds = |period: Option<Period>, text: &str| period.map(|period| period.holds(at(text)));
        for period in [day, month] {
            assert_eq!(holds(period, "2026-11-30T23:59:59.999+08:00"), Some(true));
            assert_eq!(holds(period, "2026-12-01T00:00:00.000+08:00"), Some(false));
        }
        assert_eq!((holds(day, "2026-11-30T00:00:00.000+08:00"), holds(day, "2026-11-29T23:59:59.999+08:00")), (Some(true), Some(false)));
        assert_eq!((holds(month, "2026-11-01T00:00:00+08:00"), holds(month, "2026-10-31T23:59:59.999+08:00")), (Some(true), Some(false)));
        let complete = |text: &str| day.map(|day| day.is_complete(at(text)));
        assert_eq!((complete("2026-12-01T00:04:59.999+08:00"), complete("2026-12-01T00:05:00+08:00")), (Some(false), Some(true)));
    }

    #[test]
    fn a_month_has_its_days_as_far_as_they_have_begun() {
        let days = |now: &str| Period::month("2028-02").map(|month| month.days(at(now)).len());
        assert_eq!(days("2028-02-01T00:00:00+08:00"), Some(1));
        assert_eq!(days("2028-02-28T23:59:59.999+08:00"), Some(28));
        assert_eq!((days("2028-02-29T00:00:00+08:00"), days("2030-01-01T00:00:00+08:00")), (Some(29), Some(29)));
        let first = Period::month("2028-02").and_then(|month| month.days(at("2028-03-01T00:00:00+08:00")).first().map(ToString::to_string));
        assert_eq!(first.as_deref(), Some("2028-02-01"));
    }
}
