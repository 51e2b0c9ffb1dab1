//! Query parameters: known names, each at most once, every problem told at once.

use super::errors::Fail;
use crate::domain::OrderId;
use crate::flow::Refused;
use axum::http::Uri;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sluice_contract::{Millis, Problem};
use std::collections::BTreeMap;

const LIMIT_DEFAULT: u32 = 20;
const LIMIT_MAX: u32 = 100;

/// A member of a query or form body. Ours hold plain words only: nothing has to be decoded.
pub fn value_of<'a>(pairs: Option<&'a str>, name: &str) -> Option<&'a str> {
    pairs?.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

pub struct Params {
    given: BTreeMap<String, String>,
    problems: Vec<Problem>,
}

impl Params {
    /// The parameters of a request's query.
    #[must_use]
    pub fn of(uri: &Uri, known: &[&str]) -> Params {
        Params::from_pairs(url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned(), known)
    }

    #[must_use]
    pub fn from_pairs(pairs: impl Iterator<Item = (String, String)>, known: &[&str]) -> Params {
        let mut params = Params { given: BTreeMap::new(), problems: Vec::new() };
        for (name, value) in pairs {
            if !known.contains(&&*name) {
                params.problem(&name, "is not a known parameter");
            } else if params.given.insert(name.clone(), value).is_some() {
                params.problem(&name, "stands there twice");
            }
        }
        params
    }

    pub fn problem(&mut self, field: &str, reason: &str) {
        self.problems.push(Problem::new(field, reason));
    }

    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    /// A value that `read` understands, or absent.
    pub fn read<T>(&mut self, name: &str, reason: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = read(self.given.get(name)?);
        if value.is_none() {
            self.problem(name, reason);
        }
        value
    }

    /// RFC 3339. A `+` that was not percent-encoded has become a space: it is meant as `+`.
    pub fn time(&mut self, name: &str) -> Option<Millis> {
        self.read(name, "must be a time such as 2026-11-23T00:00:00+08:00", |text| Millis::from_rfc3339(&text.replace(' ', "+")))
    }

    /// How many rows: 1 to 100, 20 by default.
    pub fn limit(&mut self) -> u32 {
        self.limit_up_to(LIMIT_DEFAULT, LIMIT_MAX)
    }

    pub fn limit_up_to(&mut self, default: u32, max: u32) -> u32 {
        let reason = format!("must be 1 to {max}");
        self.read("limit", &reason, |text| text.parse().ok().filter(|n| (1..=max).contains(n))).unwrap_or(default)
    }

    /// Where a page begins.
    pub fn cursor(&mut self) -> Option<OrderId> {
        self.cursor_to(OrderId::parse)
    }

    /// Where a page begins that is named by other words.
    pub fn cursor_to<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let words = |text: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok();
        self.read("cursor", "must be the next_cursor of an earlier answer", |text| read(&words(text)?))
    }

    /// Refuses when there was any problem.
    pub fn check(self) -> Result<(), Fail> {
        if self.problems.is_empty() { Ok(()) } else { Err(Refused::fields(self.problems).into()) }
    }
}

/// The opaque text that leads to the rows behind what these words name.
#[must_use]
pub fn cursor_of(words: &str) -> String {
    URL_SAFE_NO_PAD.encode(words)
}
