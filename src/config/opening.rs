//! `open_hours` and `maintenance` of `[[account]]`: when it takes orders. Times of day are Beijing's.

use super::values::{MINUTE_MS, is_empty_list, minute_of_day};
use crate::domain::route::{DaySpan, Opening, Pause};
use sluice_contract::{Millis, Reader};

/// The end of a day, which is no time of it.
const MIDNIGHT: &str = "24:00";
const DAY_MIN: i64 = 1_440;

const SPAN: &str = "must be times of day such as \"08:00-22:00\"; past midnight \"23:50-00:10\", up to midnight \"08:00-24:00\"";
const PAUSE: &str = "must be times of day such as \"23:50-00:10\", or two times with offset such as \
                     \"2026-12-01T00:00:00+08:00/2026-12-01T06:00:00+08:00\"";

pub(super) fn read(table: &Reader<'_>) -> Opening {
    let written = |field: &str| table.texts(field).unwrap_or_default();
    let hours: Vec<DaySpan> = written("open_hours").into_iter().filter_map(|text| span(table, text)).collect();
    let maintenance: Vec<Pause> = written("maintenance").into_iter().filter_map(|text| pause(table, text)).collect();
    if is_empty_list(table, "open_hours") {
        table.problem("open_hours", "must not be empty: leave the key out to be always open");
    }
    let opening = Opening { hours, maintenance };
    if never_open(&opening) {
        table.problem("maintenance", "leaves no minute of a day open: write state = \"disabled\" to take the account out");
    }
    opening
}

fn span(table: &Reader<'_>, text: &str) -> Option<DaySpan> {
    let span = day_span(text);
    if span.is_none() {
        table.problem("open_hours", SPAN);
    }
    span.filter(|span| told_if_empty(table, "open_hours", text, span.from_min == span.to_min))
}

fn pause(table: &Reader<'_>, text: &str) -> Option<Pause> {
    let pause = match text.split_once('/') {
        Some((from, to)) => Millis::from_rfc3339(from).zip(Millis::from_rfc3339(to)).map(|(from, to)| Pause::Once { from, to }),
        None => day_span(text).map(Pause::Daily),
    };
    if pause.is_none() {
        table.problem("maintenance", PAUSE);
    }
    let empty = |pause: &Pause| match pause {
        Pause::Daily(span) => span.from_min == span.to_min,
        Pause::Once { from, to } => from >= to,
    };
    pause.filter(|pause| told_if_empty(table, "maintenance", text, empty(pause)))
}

/// Whether there is something in it.
fn told_if_empty(table: &Reader<'_>, field: &str, text: &str, empty: bool) -> bool {
    if empty {
        table.problem(field, format!("{text} is empty: it must end after it begins"));
    }
    !empty
}

fn day_span(text: &str) -> Option<DaySpan> {
    let (from, to) = text.split_once('-')?;
    let to_min = if to == MIDNIGHT { Some(DAY_MIN) } else { minute_of_day(to) };
    Some(DaySpan { from_min: minute_of_day(from)?, to_min: to_min? })
}

/// Whether the daily pauses leave nothing of the hours, minute by minute.
fn never_open(opening: &Opening) -> bool {
    let daily = opening.maintenance.iter().filter(|pause| matches!(pause, Pause::Daily(_))).copied().collect();
    let day = Opening { hours: opening.hours.clone(), maintenance: daily };
    let shut = |minute: i64| {
        let at = Millis(minute * MINUTE_MS);
        !day.is_open(at) || day.is_paused(at)
    };
    !day.maintenance.is_empty() && (0..DAY_MIN).all(shut)
}
