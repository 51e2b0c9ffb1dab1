//! `limits.toml`: the rules of the limit centre (CONTRACT section 9). Every problem of every rule is told; a rule that could be read and
//! not be obeyed as written is a problem.

use crate::domain::limit::rule::{PPM, WARN_SHARE_PPM};
use crate::domain::limit::{Limit, Measure, Mode, Per, Window};
use crate::domain::when::When;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use sluice_contract::{Problem, Reader};
use std::collections::BTreeSet;
use std::sync::Arc;

const MINUTE_MS: i64 = 60_000;
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
        open_share_ppm: share(table, "open_share"),
        warn_share_ppm: share(table, "warn_share").unwrap_or(WARN_SHARE_PPM),
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

fn name(table: &Reader<'_>, names: &mut BTreeSet<String>) -> String {
    let name = table.need_text("name");
    if name.chars().count() > 64 || name.chars().any(|c| c.is_control() || c == '/') {
        table.problem("name", "must have 1 to 64 characters, without / and control characters");
    } else if !name.is_empty() && !names.insert(name.to_owned()) {
        table.problem("name", format!("{name} is taken by an earlier one: names are unique"));
    }
    name.to_owned()
}

fn when(table: &Reader<'_>) -> When {
    let Some(text) = table.text("when") else { return When::always() };
    When::parse(text).unwrap_or_else(|problems| {
        problems.into_iter().for_each(|problem| table.problem("when", problem));
        When::always()
    })
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

/// `90s`, `30m`, `24h`, `7d`.
fn length_ms(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit_ms = match unit {
        "s" => 1_000,
        "m" => MINUTE_MS,
        "h" => 60 * MINUTE_MS,
        "d" => 24 * 60 * MINUTE_MS,
        _ => return None,
    };
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let ms = digits.parse::<i64>().ok().filter(|_| plain)?.checked_mul(unit_ms)?;
    (1_000..=366 * 24 * 60 * MINUTE_MS).contains(&ms).then_some(ms)
}

/// `HH:MM` as milliseconds after midnight.
fn day_starts(table: &Reader<'_>) -> i64 {
    let Some(text) = table.text("day_starts") else { return 0 };
    let two = |text: &str, below: i64| {
        let plain = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| plain && *number < below)
    };
    let minutes = text.split_once(':').and_then(|(hours, minutes)| Some(two(hours, 24)? * 60 + two(minutes, 60)?));
    minutes.map_or_else(
        || {
            table.problem("day_starts", "must be a time of day such as \"04:00\"");
            0
        },
        |minutes| minutes * MINUTE_MS,
    )
}

/// A decimal in text as millionths.
fn share(table: &Reader<'_>, field: &str) -> Option<i64> {
    let text = table.text(field)?;
    let ppm = ppm(text);
    if ppm.is_none() {
        table.problem(field, "must be a decimal in text above \"0\" and up to \"1\", with six places at most, such as \"0.2\"");
    }
    ppm
}

fn ppm(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let millionths = Decimal::from_str_exact(text).ok().filter(|_| plain)?.checked_mul(Decimal::from(PPM))?;
    let whole = millionths.is_integer().then(|| millionths.to_i64()).flatten();
    whole.filter(|ppm| (1..=PPM).contains(ppm))
}

fn word<T: Copy>(table: &Reader<'_>, field: &str, known: &[(&str, T)]) -> Option<T> {
    let text = table.text(field)?;
    let found = known.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if found.is_none() {
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        table.problem(field, format!("must be {}", words.join(" or ")));
    }
    found
}
