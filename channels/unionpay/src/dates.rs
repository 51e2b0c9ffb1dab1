//! UnionPay's times: Beijing wall clock, and without a year wherever it can (pack §6, T13).

use sluice_contract::{Day, Second};
use sluice_kit::text::compact;

/// From 23:00 on, a payment belongs to the next clearing day (pack §2.7, T15).
pub(crate) fn clearing_day(at: Second) -> Day {
    at.plus(3600).day()
}

/// Reads `MMDDhhmmss` in the year that brings it nearest to `near`: on 31 December a neighbour may be a year away.
pub(crate) fn nearest(near: Second, text: &str) -> Option<Second> {
    let year: i64 = near.compact().get(..4)?.parse().ok()?;
    let candidates = [year.saturating_sub(1), year, year.saturating_add(1)];
    let times = candidates.iter().filter_map(|year| compact(&format!("{year:04}{text}")));
    times.min_by_key(|time| time.0.abs_diff(near.0))
}

/// Reads a settleDate, `MMDD`, as `YYYY-MM-DD`.
pub(crate) fn settle_date(near: Second, text: &str) -> Option<String> {
    nearest(near, &format!("{text}000000")).map(|at| at.day().to_string())
}
