//! Time as numbers that are handed in. Days are Asia/Shanghai calendar days at a fixed +08:00; no zone data is read.

use jiff::{Timestamp, civil::Date, tz::Offset};
use serde::{Deserialize, Serialize};
use std::fmt;

/// China Standard Time: no daylight saving since 1991, so a fixed offset is exact for every order.
const CST: Offset = Offset::constant(8);

/// Unix seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Second(pub i64);

/// Unix milliseconds, the gateway's own resolution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

/// A calendar day at +08:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

impl Second {
    #[must_use]
    pub fn plus(self, seconds: i64) -> Second {
        Second(self.0.saturating_add(seconds))
    }

    /// `2026-11-23T09:00:00+08:00`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        format!("{}+08:00", self.civil().strftime("%Y-%m-%dT%H:%M:%S"))
    }

    /// `20261123090000`, the compact local time of WeChat v2 and UnionPay.
    #[must_use]
    pub fn compact(self) -> String {
        self.civil().strftime("%Y%m%d%H%M%S").to_string()
    }

    /// `2026-11-23 09:00:00`, the local time of bills and of Alipay.
    #[must_use]
    pub fn plain(self) -> String {
        self.civil().strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// Reads RFC 3339 with any offset; fractions are cut.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Second> {
        text.parse::<Timestamp>().ok().map(|t| Second(t.as_second()))
    }

    /// Reads local text by a strptime pattern, as +08:00.
    #[must_use]
    pub fn from_local(pattern: &str, text: &str) -> Option<Second> {
        let civil = jiff::civil::DateTime::strptime(pattern, text).ok()?;
        CST.to_timestamp(civil).ok().map(|t| Second(t.as_second()))
    }

    #[must_use]
    pub fn day(self) -> Day {
        Day(self.civil().date())
    }

    #[must_use]
    pub fn millis(self) -> Millis {
        Millis(self.0.saturating_mul(1000))
    }

    fn civil(self) -> jiff::civil::DateTime {
        CST.to_datetime(Timestamp::from_second(self.0).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}

impl Millis {
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Millis {
        Millis(self.0.saturating_add(ms))
    }

    #[must_use]
    pub fn plus_s(self, seconds: i64) -> Millis {
        self.plus_ms(seconds.saturating_mul(1000))
    }

    #[must_use]
    pub fn second(self) -> Second {
        Second(self.0.div_euclid(1000))
    }

    /// Milliseconds from `earlier` to `self`, negative when `earlier` is later.
    #[must_use]
    pub fn since_ms(self, earlier: Millis) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    #[must_use]
    pub fn rfc3339(self) -> String {
        let millis = self.0.rem_euclid(1000);
        format!("{}.{millis:03}+08:00", self.second().civil().strftime("%Y-%m-%dT%H:%M:%S"))
    }

    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Millis> {
        text.parse::<Timestamp>().ok().map(|t| Millis(t.as_millisecond()))
    }
}

impl Day {
    /// Reads `2026-11-23`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Day> {
        Date::strptime("%Y-%m-%d", text).ok().map(Day)
    }

    /// `20261123`.
    #[must_use]
    pub fn compact(self) -> String {
        self.0.strftime("%Y%m%d").to_string()
    }

    /// The day that many days later; the same at the end of the calendar.
    #[must_use]
    pub fn plus(self, days: i64) -> Day {
        Day(self.0.saturating_add(jiff::Span::new().try_days(days).unwrap_or_default()))
    }

    /// The first second of the day at +08:00.
    #[must_use]
    pub fn start(self) -> Second {
        let midnight = self.0.to_datetime(jiff::civil::Time::midnight());
        CST.to_timestamp(midnight).map_or(Second(0), |t| Second(t.as_second()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%d"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Day, Millis, Second};

    #[test]
    fn text_forms_are_beijing_time() {
        let at = Second(1_763_859_600);
        assert_eq!(at.rfc3339(), "2025-11-23T09:00:00+08:00");
        assert_eq!(at.compact(), "20251123090000");
        assert_eq!(at.plain(), "2025-11-23 09:00:00");
        assert_eq!(Second::from_rfc3339("2025-11-23T01:00:00Z"), Some(at));
        assert_eq!(Second::from_local("%Y%m%d%H%M%S", "20251123090000"), Some(at));
        assert_eq!(Millis(1_763_859_600_042).rfc3339(), "2025-11-23T09:00:00.042+08:00");
    }

    #[test]
    fn a_day_changes_at_beijing_midnight() {
        let midnight = Day::parse("2026-11-23").map(Day::start);
        assert_eq!(midnight.map(|m| m.plus(-1).day().to_string()), Some("2026-11-22".into()));
        assert_eq!(midnight.map(|m| m.day().to_string()), Some("2026-11-23".into()));
        assert_eq!(Day::parse("2026-02-30"), None);
    }
}
