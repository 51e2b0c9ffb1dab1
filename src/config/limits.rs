//! `limits.toml`: the rules of the limit centre (CONTRACT section 9). Every problem of every rule is told; a rule that could be read and
//! not be obeyed as written is a problem.

use super::values::{MINUTE_MS, length_ms, minute_of_day, name, share_ppm, when, word};
use crate::domain::limit::rule::WARN_SHARE_PPM;
use crate::domain::limit::{Limit, Measure, Mode, Per, Window};
use sluice_contract::{Problem, Reader};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Fen or orders: ten trillion yuan.
const MAX: i64 = 1_000_000_000_000_000;

pub(super) fn read(root: &Reader<'_>) -> Vec<Arc<Limit>> {
    let mut names = BTreeSet::new();
    let limits = root.tables("limit").iter().map(|table| Arc::new(limit(table, &mut names))).collect();
    root.finish();
    limits
}

/// Rules that cost more than the others, by name.
pub(super) fn notes(limits: &[Arc<Limit>]) -> Vec<Problem> {
    let note = |(index, limit): (usize, &Arc<Limit>)| {
        let why = limit.when.stays_in_cel()?;
        Some(Problem::new(
            format!("limit[{index}].when"),
            format!("{} stays in CEL, about a microsecond for each order: {why}", limit.name),
        ))
    };
    limits.iter().enumerate().filter_map(note).collect()
}

/// A rule; where something is wrong with it, one that is never used.
fn limit(table: &Reader<'_>, names: &mut BTreeSet<String>) -> Limit {
    let measure = word(table, "measure", &[("amount", Measure::Amount), ("count", Measure::Count)]).unwrap_or_default();
    let mode = word(table, "mode", &[("reserve", Mode::Reserve), ("post", Mode::Post)]).unwrap_or(Mode::Reserve);
    let limit = Limit {
        name: name(table, names),
        when: when(table),
        per: per(table),
        measure,
        window: window(table),
        max: table.int("max", 0..=MAX),
        min: table.int("min", 0..=MAX),
        mode,
        at_paid: word(table, "at", &[("created", false), ("paid", true)]).unwrap_or(false),
        keeps: word(table, "on_refund", &[("restore", false), ("keep", true)]).unwrap_or(false),
        deny_missing: word(table, "on_missing", &[("skip", false), ("deny", true)]).unwrap_or(false),
        allow_errors: word(table, "on_error", &[("deny", false), ("allow", true)]).unwrap_or(false),
        open_share_ppm: share_ppm(table, "open_share"),
        warn_share_ppm: share_ppm(table, "warn_share").unwrap_or(WARN_SHARE_PPM),
        suspended: false,
    };
    agree(table, &limit);
    table.finish();
    limit
}

/// What the keys say together.
fn agree(table: &Reader<'_>, limit: &Limit) {
    let refuse = |wrong: bool, field: &str, reason: &str| {
        if wrong {
            table.problem(field, reason);
        }
    };
    if limit.window == Window::Transaction {
        refuse(limit.max.is_none() && limit.min.is_none(), "max", "is required, or min: a transaction has a least or a most");
        refuse(limit.min.zip(limit.max).is_some_and(|(min, max)| min > max), "min", "is more than max: no order could pass");
        refuse(limit.measure == Measure::Count, "measure", "must be amount: a transaction is always one order");
        refuse(limit.mode == Mode::Post, "mode", "is for windows that count: one transaction is checked by itself");
        refuse(limit.at_paid, "at", "is for windows that count: one transaction is checked by itself");
    } else {
        refuse(limit.max.is_none(), "max", "is required");
        refuse(limit.min.is_some(), "min", "is for window = \"transaction\"");
        refuse(
            limit.at_paid && limit.window.rolling_ms().is_some(),
            "at",
            "must be created: a rolling window counts from the attempt's time",
        );
    }
    let shares = limit.window != Window::Transaction && limit.mode == Mode::Reserve;
    refuse(limit.open_share_ppm.is_some() && !shares, "open_share", "is for mode = \"reserve\" and a window that counts");
    let by_day = matches!(limit.window, Window::Day(_) | Window::Month(_));
    refuse(table.raw("day_starts").is_some() && !by_day, "day_starts", "is for window = \"day\" or \"month\"");
}

fn per(table: &Reader<'_>) -> Vec<Per> {
    let mut list = Vec::new();
    for text in table.texts("per").unwrap_or_default() {
        match Per::ALL.iter().find(|(known, _)| *known == text) {
            Some((_, per)) if list.contains(per) => table.problem("per", format!("{text} stands there twice")),
            Some((_, per)) => list.push(*per),
            None => {
                let known: Vec<&str> = Per::ALL.iter().map(|(known, _)| *known).collect();
                table.problem("per", format!("{text} is nothing that can be counted by; known: {}", known.join(", ")));
            }
        }
    }
    list
}

fn window(table: &Reader<'_>) -> Window {
    let starts_ms = day_starts(table);
    let text = table.need_text("window");
    match text {
        "transaction" => Window::Transaction,
        "day" => Window::Day(starts_ms),
        "month" => Window::Month(starts_ms),
        "lifetime" => Window::Lifetime,
        _ => match text.strip_prefix("rolling:").and_then(length_ms) {
            Some(ms) => Window::Rolling(ms),
            None => {
                if !text.is_empty() {
                    table.problem("window", "must be transaction, day, month, lifetime, or rolling: with a length such as rolling:24h (s, m, h, d; 366d at most)");
                }
                Window::Lifetime
            }
        },
    }
}

/// Milliseconds after midnight.
fn day_starts(table: &Reader<'_>) -> i64 {
    let Some(text) = table.text("day_starts") else { return 0 };
    let minute = minute_of_day(text);
    if minute.is_none() {
        table.problem("day_starts", "must be a time of day such as \"04:00\"");
    }
    minute.unwrap_or_default() * MINUTE_MS
}
