//! Windows at +08:00, and where each begins and ends.

use crate::domain::months::Month;
use serde::{Deserialize, Serialize};
use sluice_contract::Millis;

const DAY_MS: i64 = 86_400_000;
const CST_MS: i64 = 8 * 3_600_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// One order by itself: nothing is counted.
    Transaction,
    /// A day that begins so many milliseconds after midnight.
    Day(i64),
    Month(i64),
    /// The last so many milliseconds.
    Rolling(i64),
    Lifetime,
}

impl Window {
    /// When the window that holds this time began. Windows that never end all begin at 0.
    #[must_use]
    pub fn start_of(self, at: Millis) -> i64 {
        match self {
            Window::Day(late_ms) => {
                let shift = CST_MS.saturating_sub(late_ms);
                at.0.saturating_add(shift).div_euclid(DAY_MS).saturating_mul(DAY_MS).saturating_sub(shift)
            }
            Window::Month(late_ms) => Month::of(at.plus_ms(late_ms.saturating_neg())).begins().plus_ms(late_ms).0,
            Window::Transaction | Window::Rolling(_) | Window::Lifetime => 0,
        }
    }

    /// When the window that began then ends, and the next one begins.
    #[must_use]
    pub fn end_of(self, start: i64) -> Option<Millis> {
        match self {
            Window::Day(_) => Some(Millis(start.saturating_add(DAY_MS))),
            Window::Month(late_ms) => Some(Month::of(Millis(start.saturating_sub(late_ms))).plus(1).begins().plus_ms(late_ms)),
            Window::Transaction | Window::Rolling(_) | Window::Lifetime => None,
        }
    }

    /// The starts of every window that a time from `from` to `to` lies in, oldest first.
    #[must_use]
    pub fn starts(self, from: Millis, to: Millis) -> Vec<i64> {
        let mut starts = vec![self.start_of(from)];
        while let Some(next) = starts.last().and_then(|start| self.end_of(*start)).filter(|next| *next <= to) {
            starts.push(next.0);
        }
        starts
    }

    /// The length of a rolling window.
    #[must_use]
    pub const fn rolling_ms(self) -> Option<i64> {
        if let Window::Rolling(ms) = self { Some(ms) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::Window;
    use sluice_contract::{Millis, Second};

    fn at(text: &str) -> Millis {
        Second::from_rfc3339(text).map(Second::millis).unwrap_or_default()
    }

    /// E6: days, months and years turn at midnight in Shanghai, to the millisecond.
    #[test]
    fn windows_turn_at_midnight_in_shanghai() {
        let midnight = at("2027-01-01T00:00:00+08:00");
        let before = midnight.plus_ms(-1);
        assert_eq!(Window::Day(0).start_of(midnight), midnight.0);
        assert_eq!(Window::Day(0).start_of(before), at("2026-12-31T00:00:00+08:00").0);
        assert_eq!(Window::Day(0).end_of(Window::Day(0).start_of(before)), Some(midnight));
        assert_eq!(Window::Month(0).start_of(midnight), midnight.0);
        assert_eq!(Window::Month(0).start_of(before), at("2026-12-01T00:00:00+08:00").0);
        assert_eq!(Window::Month(0).end_of(Window::Month(0).start_of(before)), Some(midnight));
        let leap = at("2028-02-29T23:59:59+08:00");
        assert_eq!(Window::Month(0).end_of(Window::Month(0).start_of(leap)), Some(at("2028-03-01T00:00:00+08:00")));
        // Before 08:00 in Shanghai it is still yesterday in London.
        assert_eq!(Window::Day(0).start_of(at("2026-11-24T07:59:59+08:00")), at("2026-11-24T00:00:00+08:00").0);
    }

    #[test]
    fn a_day_may_begin_later() {
        let (four, start) = (4 * 3_600_000, at("2026-11-24T04:00:00+08:00"));
        assert_eq!(Window::Day(four).start_of(start), start.0);
        assert_eq!(Window::Day(four).start_of(start.plus_ms(-1)), at("2026-11-23T04:00:00+08:00").0);
        let month = at("2026-12-01T04:00:00+08:00");
        assert_eq!(Window::Month(four).start_of(month), month.0);
        assert_eq!(Window::Month(four).start_of(month.plus_ms(-1)), at("2026-11-01T04:00:00+08:00").0);
        assert_eq!(Window::Month(four).end_of(at("2026-11-01T04:00:00+08:00").0), Some(month));
    }

    #[test]
    fn every_window_of_a_stretch_is_named_once() {
        let (from, to) = (at("2026-11-24T23:50:00+08:00"), at("2026-11-26T00:00:00+08:00"));
        let days = ["2026-11-24T00:00:00+08:00", "2026-11-25T00:00:00+08:00", "2026-11-26T00:00:00+08:00"].map(|day| at(day).0);
        assert_eq!(Window::Day(0).starts(from, to), days);
        assert_eq!(Window::Day(0).starts(from, to.plus_ms(-1)), [days[0], days[1]]);
        assert_eq!(Window::Lifetime.starts(from, to), [0]);
    }
}
