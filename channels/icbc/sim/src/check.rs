//! Field by field checks of `biz_content`, an object of texts: amounts, too, are text (pack §1).

use crate::fail::Fail;
use serde_json::{Map, Value};
use sluice_contract::{Fen, Second};

/// Amounts above this are no test of anything but overflow.
const AMOUNT_MAX: i64 = 1_000_000_000_000;

#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// Optional text of at most `max` characters; empty is not there.
    pub(crate) fn text(&self, name: &str, max: usize) -> Result<Option<&'a str>, Fail> {
        let text = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.as_str(),
            Some(_) => return Err(Fail::of(name, "must be text")),
        };
        if text.chars().count() > max { Err(Fail::of(name, "is too long")) } else { Ok(Some(text).filter(|t| !t.is_empty())) }
    }

    pub(crate) fn must(&self, name: &str, max: usize) -> Result<&'a str, Fail> {
        self.text(name, max)?.ok_or_else(|| Fail::of(name, "is missing"))
    }

    /// A number of the merchant's: 35 letters and digits at most, and what `also` allows.
    pub(crate) fn number(&self, name: &str, also: &str) -> Result<&'a str, Fail> {
        let number = self.must(name, 35)?;
        if number.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c)) { Ok(number) } else { Err(Fail::of(name, "is no number")) }
    }

    /// A positive integer of fen, as text.
    pub(crate) fn fen(&self, name: &str) -> Result<Fen, Fail> {
        let text = self.must(name, 17)?;
        let digits = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        match text.parse::<i64>() {
            Ok(fen) if digits && (1..=AMOUNT_MAX).contains(&fen) => Ok(Fen(fen)),
            _ => Err(Fail::of(name, "must be a positive integer of fen")),
        }
    }

    pub(crate) fn one_of(&self, name: &str, allowed: &[&str], required: bool) -> Result<Option<&'a str>, Fail> {
        match self.text(name, 64)? {
            Some(given) if !allowed.contains(&given) => Err(Fail::of(name, "has no such value")),
            None if required => Err(Fail::of(name, "is missing")),
            given => Ok(given),
        }
    }

    /// Whole seconds from `min` to `max`.
    pub(crate) fn seconds(&self, name: &str, min: i64, max: i64) -> Result<Option<i64>, Fail> {
        let Some(text) = self.text(name, 9)? else { return Ok(None) };
        match text.parse::<i64>() {
            Ok(seconds) if (min..=max).contains(&seconds) => Ok(Some(seconds)),
            _ => Err(Fail::of(name, "is no allowed number of seconds")),
        }
    }

    /// Local time of exactly this pattern and length.
    pub(crate) fn time(&self, name: &str, pattern: &str, length: usize) -> Result<Second, Fail> {
        let text = self.must(name, 32)?;
        Second::from_local(pattern, text).filter(|_| text.len() == length).ok_or_else(|| Fail::of(name, "is no time of that form"))
    }

    /// `trade_date` yyyyMMdd and `trade_time` HHmmss (pack §1.6).
    pub(crate) fn trade_time(&self) -> Result<(), Fail> {
        let (date, time) = (self.must("trade_date", 8)?, self.must("trade_time", 6)?);
        let known = date.len() == 8 && time.len() == 6 && Second::from_local("%Y%m%d%H%M%S", &format!("{date}{time}")).is_some();
        if known { Ok(()) } else { Err(Fail::of("trade_date", "and trade_time are no time")) }
    }

    /// At most 21 Chinese characters (pack §1.6), counted as bytes of UTF-8.
    pub(crate) fn attach(&self) -> Result<Option<String>, Fail> {
        match self.text("attach", 127)? {
            Some(text) if text.len() > 63 => Err(Fail::of("attach", "is too long")),
            given => Ok(given.map(str::to_owned)),
        }
    }

    /// Where callbacks go. `ports`: only 80 and 443, as `mer_url` demands; on this machine itself any, because a sandbox lives
    /// there (pack §6.6).
    pub(crate) fn url(&self, name: &str, ports: bool) -> Result<Option<String>, Fail> {
        let Some(url) = self.text(name, 255)? else { return Ok(None) };
        if !is_address(url) {
            return Err(Fail::of(name, "is no address"));
        }
        if ports && !allowed_port(url) {
            return Err(Fail::of(name, "must be on port 443 or 80"));
        }
        Ok(Some(url.to_owned()))
    }
}

fn authority(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty())
}

pub(crate) fn is_address(url: &str) -> bool {
    authority(url).is_some() && !url.contains(char::is_whitespace)
}

fn allowed_port(url: &str) -> bool {
    let Some(authority) = authority(url) else { return false };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    };
    matches!(port, "" | "80" | "443") || host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

/// The path as it was registered, not cleaned: with its doubled slashes (pack §1.9).
pub(crate) fn raw_path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
    path.split(['?', '#']).next().unwrap_or("/")
}
