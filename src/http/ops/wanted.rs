//! What somebody typed or pasted into the search box, read: a number that names something, or an amount with a time.

use sluice_contract::{Day, Fen, Millis, Second};

const AROUND_MS: i64 = 15 * 60 * 1000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const HOUR_MS: i64 = 60 * 60 * 1000;
/// A channel's number has at least so many characters.
const TRADE_NO_MIN: usize = 10;
const TRADE_NO_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Number(String),
    /// `to` is exclusive.
    Money {
        fen: Fen,
        from: Millis,
        to: Millis,
    },
}

/// `None`: nothing was typed.
#[must_use]
pub fn wanted(text: &str, now: Millis) -> Option<Wanted> {
    let text: String = text.chars().map(narrow).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    let (first, rest) = words.split_first()?;
    // A number that was read out in groups is still one.
    Some(money(first, rest, now).unwrap_or_else(|| Wanted::Number(words.concat())))
}

/// Full-width letters, digits and signs as the narrow ones they stand for.
fn narrow(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c),
        '\u{ffe5}' => '¥',
        other => other,
    }
}

fn money(first: &str, rest: &[&str], now: Millis) -> Option<Wanted> {
    let bare = first.trim_start_matches('¥').trim_end_matches('元');
    // Digits alone may be anybody's number, unless a time follows.
    let is_marked = bare.len() < first.len() || bare.contains('.') || !rest.is_empty();
    let (first, rest) = match (bare.is_empty(), rest.split_first()) {
        (true, Some((amount, rest))) => (amount.trim_end_matches('元'), rest),
        _ => (bare, rest),
    };
    let fen = Fen::from_yuan(first).filter(|fen| is_marked && fen.is_positive())?;
    let (from, to) = time(rest, now)?;
    Some(Wanted::Money { fen, from, to })
}

/// From a day, a time or a part of a day; of the last 24 hours without any.
fn time(words: &[&str], now: Millis) -> Option<(Millis, Millis)> {
    let (mut day, mut span) = (None, None);
    for word in words {
        match (day_of(word, now), span_of(word)) {
            (Some(read), _) if day.is_none() => day = Some(read),
            (_, Some(read)) if span.is_none() => span = Some(read),
            _ => return None,
        }
    }
    let start = |day: Day| day.start().millis();
    let today = now.second().day();
    Some(match (day, span) {
        (None, None) => (now.plus_ms(-DAY_MS), now.plus_ms(1)),
        (Some(day), None) => (start(day), start(day.plus(1))),
        (day, Some((from_ms, to_ms))) => {
            let of = |day: Day| (start(day).plus_ms(from_ms), start(day).plus_ms(to_ms));
            // A time that is still to come was yesterday's.
            let (from, to) = of(day.unwrap_or(today));
            if day.is_none() && from > now { of(today.plus(-1)) } else { (from, to) }
        }
    })
}

fn day_of(word: &str, now: Millis) -> Option<Day> {
    let today = now.second().day();
    match word {
        "今天" | "today" => Some(today),
        "昨天" | "yesterday" => Some(today.plus(-1)),
        "前天" => Some(today.plus(-2)),
        _ => Day::parse(word).or_else(|| {
            let year = today.to_string().get(..5)?.to_owned();
            Day::parse(&format!("{year}{word}")).map(|day| if day > today { last_year(word, today).unwrap_or(day) } else { day })
        }),
    }
}

/// A day of a month that is still to come was last year's.
fn last_year(word: &str, today: Day) -> Option<Day> {
    let year: i32 = today.to_string().get(..4)?.parse().ok()?;
    Day::parse(&format!("{}-{word}", year.checked_sub(1)?))
}

/// Milliseconds of the day.
fn span_of(word: &str) -> Option<(i64, i64)> {
    let hours = |from: i64, to: i64| Some((from.checked_mul(HOUR_MS)?, to.checked_mul(HOUR_MS)?));
    match word {
        "上午" | "am" | "morning" => hours(0, 12),
        "下午" | "pm" | "afternoon" => hours(12, 18),
        "晚上" | "evening" => hours(18, 24),
        _ => {
            let midnight = Second::from_rfc3339("2000-01-01T00:00:00+08:00")?;
            let padded = if word.find(':') == Some(1) { format!("0{word}") } else { word.to_owned() };
            let text = if padded.len() == 5 { format!("{padded}:00") } else { padded };
            let at = Second::from_rfc3339(&format!("2000-01-01T{text}+08:00"))?;
            let ms = at.millis().since_ms(midnight.millis());
            Some((ms.checked_sub(AROUND_MS)?, ms.checked_add(AROUND_MS)?))
        }
    }
}

/// When an order with this channel number was made: the day that the number bears, or the last 24 hours. `None`: no channel's number.
#[must_use]
pub fn day_of_trade_no(number: &str, now: Millis) -> Option<(Millis, Millis)> {
    let fits = (TRADE_NO_MIN..=TRADE_NO_MAX).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_alphanumeric());
    if !fits {
        return None;
    }
    let oldest = now.second().day().plus(-400);
    let day = |at: usize| {
        let text = number.get(at..at.checked_add(8)?)?;
        let day = Day::parse(&format!("{}-{}-{}", text.get(..4)?, text.get(4..6)?, text.get(6..)?))?;
        Some(day).filter(|day| *day > oldest && *day <= now.second().day())
    };
    Some(match (0..number.len()).find_map(day) {
        // Made shortly before midnight, paid after it.
        Some(day) => (day.start().millis().plus_ms(-HOUR_MS), day.plus(1).start().millis()),
        None => (now.plus_ms(-DAY_MS), now.plus_ms(1)),
    })
}

#[cfg(test)]
mod tests {
    use super::{Wanted, day_of_trade_no, wanted};
    use sluice_contract::{Fen, Millis};

    fn at(text: &str) -> Millis {
        Millis::from_rfc3339(&format!("{text}:00+08:00")).unwrap()
    }

    #[test]
    fn what_is_pasted_is_read() {
        let now = at("2026-11-27T14:40");
        let numbers = [
            ("SO-1", "SO-1"),
            ("  4200 0012 3420 2611 27 ", "420000123420261127"),
            ("ＳＯ－１２３", "SO-123"),
            ("1280", "1280"),
            ("12.80 apples", "12.80apples"),
            ("12.80 14:30 15:30", "12.8014:3015:30"),
            ("0.00", "0.00"),
            ("12.805", "12.805"),
        ];
        for (text, number) in numbers {
            assert_eq!(wanted(text, now), Some(Wanted::Number(number.into())), "{text}");
        }
        assert_eq!(wanted(" 　", now), None);
        let money = [
            ("12.80 14:30", "2026-11-27T14:15", "2026-11-27T14:45"),
            ("¥12.80 14:30", "2026-11-27T14:15", "2026-11-27T14:45"),
            ("￥１２．８０　１４：３０", "2026-11-27T14:15", "2026-11-27T14:45"),
            ("¥ 12.80 14:30", "2026-11-27T14:15", "2026-11-27T14:45"),
            ("12.80元 昨天 9:05", "2026-11-26T08:50", "2026-11-26T09:20"),
            ("12.80 23:50", "2026-11-26T23:35", "2026-11-27T00:05"),
            ("12.80 昨天 下午", "2026-11-26T12:00", "2026-11-26T18:00"),
            ("12.80 yesterday", "2026-11-26T00:00", "2026-11-27T00:00"),
            ("12.8 11-20 14:30", "2026-11-20T14:15", "2026-11-20T14:45"),
            ("12.80 14:30 2026-11-20", "2026-11-20T14:15", "2026-11-20T14:45"),
            ("12.80 12-01", "2025-12-01T00:00", "2025-12-02T00:00"),
        ];
        for (text, from, to) in money {
            assert_eq!(wanted(text, now), Some(Wanted::Money { fen: Fen(1280), from: at(from), to: at(to) }), "{text}");
        }
        let alone = Wanted::Money { fen: Fen(1280), from: at("2026-11-26T14:40"), to: now.plus_ms(1) };
        assert_eq!(wanted("12.80", now), Some(alone));
        assert_eq!(
            wanted("13 14:30", now),
            Some(Wanted::Money { fen: Fen(1300), from: at("2026-11-27T14:15"), to: at("2026-11-27T14:45") })
        );
    }

    #[test]
    fn a_channels_number_bears_its_day() {
        let now = at("2026-11-27T14:40");
        let day = |day: &str, next: &str| Some((at(&format!("{day}T00:00")).plus_s(-3600), at(&format!("{next}T00:00"))));
        assert_eq!(day_of_trade_no("4200001234202611251234567890", now), day("2026-11-25", "2026-11-26"));
        assert_eq!(day_of_trade_no("2026112622001476651401234567", now), day("2026-11-26", "2026-11-27"));
        assert_eq!(day_of_trade_no("202611271452127382078", now), day("2026-11-27", "2026-11-28"));
        assert_eq!(day_of_trade_no("ABCDEFGHIJ", now), Some((at("2026-11-26T14:40"), now.plus_ms(1))));
        for none in ["123456789", "SO-1234567890", "%%%%%%%%%%%%"] {
            assert_eq!(day_of_trade_no(none, now), None, "{none}");
        }
    }
}
