//! Field by field checks of the business parameters (pack §2, §7).

use crate::fail::{Fail, Snag};
use serde_json::Value;
use sluice_contract::{Fen, Millis, Second};

/// One hundred million yuan.
const AMOUNT_MAX: i64 = 10_000_000_000;
const PLAIN: &str = "%Y-%m-%d %H:%M:%S";

pub(crate) struct Biz<'a> {
    root: &'a Value,
    pub(crate) strict: bool,
}

impl<'a> Biz<'a> {
    pub(crate) fn of(root: &'a Value, strict: bool) -> Biz<'a> {
        Biz { root, strict }
    }

    /// Fields that this API does not have (pack §2: must not be sent).
    pub(crate) fn only(&self, known: &[&[&str]]) -> Result<(), Fail> {
        let Some(members) = self.root.as_object().filter(|_| self.strict) else { return Ok(()) };
        match members.keys().find(|name| !known.iter().any(|list| list.contains(&name.as_str()))) {
            Some(name) => Err(wrong(name)),
            None => Ok(()),
        }
    }

    pub(crate) fn at(&self, name: &str) -> Option<&'a Value> {
        self.root.get(name).filter(|value| !value.is_null())
    }

    /// Optional text of at most `max` characters; an empty one is as good as none.
    pub(crate) fn text(&self, name: &str, max: usize) -> Result<Option<&'a str>, Fail> {
        let Some(value) = self.at(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| wrong(name))?;
        if text.chars().count() > max { Err(wrong(name)) } else { Ok(Some(text).filter(|text| !text.is_empty())) }
    }

    pub(crate) fn must(&self, name: &str, max: usize) -> Result<&'a str, Fail> {
        self.text(name, max)?.ok_or_else(|| wrong(name))
    }

    pub(crate) fn owned(&self, name: &str, max: usize) -> Result<Option<String>, Fail> {
        Ok(self.text(name, max)?.map(str::to_owned))
    }

    /// A number of the merchant's: letters, digits and `_`. A real sample with `-` exists, so it passes unless strict.
    pub(crate) fn number(&self, name: &str) -> Result<Option<&'a str>, Fail> {
        let Some(number) = self.text(name, 64)? else { return Ok(None) };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || (c == '-' && !self.strict);
        if number.chars().all(fits) { Ok(Some(number)) } else { Err(wrong(name)) }
    }

    /// Yuan, as text or number: at most two decimals, 0.01 to one hundred million.
    pub(crate) fn yuan(&self, name: &str) -> Result<Option<Fen>, Fail> {
        let Some(value) = self.at(name) else { return Ok(None) };
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) if !self.strict => number.to_string(),
            _ => return Err(wrong(name)),
        };
        let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let fen = Fen::from_yuan(&text).filter(|fen| decimals <= 2 && text.len() <= 12 && fen.is_positive()).ok_or_else(|| wrong(name))?;
        if fen.0 > AMOUNT_MAX { Err(Snag::TooMuchFee.into()) } else { Ok(Some(fen)) }
    }

    pub(crate) fn time(&self, name: &str) -> Result<Option<Millis>, Fail> {
        let Some(text) = self.text(name, 32)? else { return Ok(None) };
        plain_time(text).map(|at| Some(at.millis())).ok_or_else(|| wrong(name))
    }

    /// Whether `query_options` asks for a field that is told only on request.
    pub(crate) fn asks_for(&self, field: &str) -> bool {
        self.at("query_options").and_then(Value::as_array).is_some_and(|list| list.iter().any(|item| item == field))
    }

    /// Milliseconds of `1m`..`15d`, or to the end of the day for `1c` (pack §2).
    pub(crate) fn timeout(&self, name: &str, now: Millis) -> Result<Option<i64>, Fail> {
        let Some(text) = self.text(name, 6)? else { return Ok(None) };
        if text == "1c" {
            let midnight = now.second().day().plus(1).start().millis();
            return Ok(Some(midnight.since_ms(now)));
        }
        let unit_s = match text.chars().last() {
            Some('m') => 60,
            Some('h') => 3_600,
            Some('d') => 86_400,
            _ => return Err(wrong(name)),
        };
        let digits = text.get(..text.len().saturating_sub(1)).filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
        let seconds = digits.and_then(|d| d.parse::<i64>().ok()).and_then(|n| n.checked_mul(unit_s));
        match seconds.filter(|s| (60..=15 * 86_400).contains(s)) {
            Some(seconds) => Ok(Some(seconds.saturating_mul(1000))),
            None => Err(wrong(name)),
        }
    }
}

pub(crate) fn wrong(name: &str) -> Fail {
    Fail::about(Snag::Param, name)
}

/// `yyyy-MM-dd HH:mm:ss`, Beijing time, and nothing shorter.
pub(crate) fn plain_time(text: &str) -> Option<Second> {
    Second::from_local(PLAIN, text).filter(|_| text.len() == 19)
}

/// A host, with or without port, that only this machine reaches.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = if host.starts_with('[') { host.split_inclusive(']').next() } else { host.split(':').next() };
    name.is_some_and(|n| n == "localhost" || n == "[::1]" || n.starts_with("127."))
}

/// The host of an http address.
pub(crate) fn host_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty())
}
