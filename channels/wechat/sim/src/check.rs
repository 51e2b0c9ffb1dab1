//! Field by field checks of a JSON body, as the real service words them: the first problem, by JSON pointer (pack §8.1).

use crate::fail::Fail;
use serde_json::Value;
use sluice_contract::{Fen, Second};

/// Amounts above this are no test of anything but overflow.
const AMOUNT_MAX: i64 = 1_000_000_000_000;

pub(crate) struct Fields<'a> {
    pub(crate) root: &'a Value,
}

impl<'a> Fields<'a> {
    /// Takes a body that is a JSON object without 4-byte characters (pack §1, encoding).
    pub(crate) fn of(root: &'a Value) -> Result<Fields<'a>, Fail> {
        if !root.is_object() {
            return Err(Fail::body("", None, "The body must be a JSON object"));
        }
        match wide(root, &mut String::new()) {
            Some(pointer) => Err(Fail::body(&pointer, root.pointer(&pointer), "Holds a character of four UTF-8 bytes")),
            None => Ok(Fields { root }),
        }
    }

    /// A value that is there and not null.
    pub(crate) fn at(&self, pointer: &str) -> Option<&'a Value> {
        self.root.pointer(pointer).filter(|v| !v.is_null())
    }

    pub(crate) fn wrong(&self, pointer: &str, issue: &str) -> Fail {
        Fail::body(pointer, self.root.pointer(pointer), issue)
    }

    /// Optional text of at most `max` characters.
    pub(crate) fn text(&self, pointer: &str, max: usize) -> Result<Option<&'a str>, Fail> {
        let Some(value) = self.at(pointer) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| self.wrong(pointer, "Must be a string"))?;
        if text.chars().count() > max {
            return Err(self.wrong(pointer, &format!("Is longer than {max} characters")));
        }
        Ok(Some(text))
    }

    /// Text that must be there.
    pub(crate) fn must(&self, pointer: &str, min: usize, max: usize) -> Result<&'a str, Fail> {
        let text = self.text(pointer, max)?.ok_or_else(|| self.wrong(pointer, "Is required"))?;
        if text.chars().count() < min {
            return Err(self.wrong(pointer, &format!("Is shorter than {min} characters")));
        }
        Ok(text)
    }

    /// A number of ours: `[0-9A-Za-z_-|*]`, refunds also `@` (pack §4).
    pub(crate) fn number(&self, pointer: &str, min: usize, max: usize, also: &str) -> Result<&'a str, Fail> {
        let number = self.must(pointer, min, max)?;
        if number.chars().all(|c| c.is_ascii_alphanumeric() || "_-|*".contains(c) || also.contains(c)) {
            Ok(number)
        } else {
            Err(self.wrong(pointer, "Holds a character that is not allowed"))
        }
    }

    /// A positive integer of fen.
    pub(crate) fn fen(&self, pointer: &str) -> Result<Fen, Fail> {
        let value = self.at(pointer).ok_or_else(|| self.wrong(pointer, "Is required"))?;
        match value.as_i64() {
            Some(fen) if (1..=AMOUNT_MAX).contains(&fen) => Ok(Fen(fen)),
            _ => Err(self.wrong(pointer, "Must be an integer of at least 1")),
        }
    }

    /// CNY, said or not.
    pub(crate) fn currency(&self, pointer: &str, required: bool) -> Result<(), Fail> {
        match self.text(pointer, 16)? {
            Some("CNY") => Ok(()),
            None if !required => Ok(()),
            _ => Err(self.wrong(pointer, "Currency code is invalid")),
        }
    }

    pub(crate) fn instant(&self, pointer: &str) -> Result<Option<Second>, Fail> {
        let Some(text) = self.text(pointer, 64)? else { return Ok(None) };
        Second::from_rfc3339(text).map(Some).ok_or_else(|| self.wrong(pointer, "Must be RFC 3339 with a zone"))
    }

    /// An object, or nothing at all.
    pub(crate) fn object(&self, pointer: &str) -> Result<bool, Fail> {
        match self.at(pointer) {
            None => Ok(false),
            Some(Value::Object(_)) => Ok(true),
            Some(_) => Err(self.wrong(pointer, "Must be an object")),
        }
    }

    pub(crate) fn boolean(&self, pointer: &str) -> Result<(), Fail> {
        match self.at(pointer) {
            None | Some(Value::Bool(_)) => Ok(()),
            Some(_) => Err(self.wrong(pointer, "Must be true or false")),
        }
    }

    /// Where callbacks go (pack §3.2): no query, and unless `strict` plain http will do.
    pub(crate) fn notify_url(&self, pointer: &str, required: bool, strict: bool) -> Result<Option<&'a str>, Fail> {
        let Some(url) = self.text(pointer, 255)? else {
            return if required { Err(self.wrong(pointer, "Is required")) } else { Ok(None) };
        };
        let rest = url.strip_prefix("https://").or_else(|| if strict { None } else { url.strip_prefix("http://") });
        let host = rest.and_then(|r| r.split('/').next()).filter(|h| !h.is_empty());
        match host {
            None => Err(self.wrong(pointer, "Must be an https address")),
            Some(_) if url.contains(['?', '#']) => Err(self.wrong(pointer, "Must not carry a query")),
            Some(host) if strict && is_loopback(host) => Err(self.wrong(pointer, "Must be public")),
            Some(_) => Ok(Some(url)),
        }
    }
}

/// A host, with or without port, that only this machine reaches.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = if host.starts_with('[') { host.split_inclusive(']').next() } else { host.split(':').next() };
    name.is_some_and(|n| n == "localhost" || n == "[::1]" || n.starts_with("127."))
}

/// The pointer of the first text with a character beyond the basic plane.
fn wide(value: &Value, path: &mut String) -> Option<String> {
    let kept = path.len();
    match value {
        Value::String(text) => text.chars().any(|c| c.len_utf8() > 3).then(|| path.clone()),
        Value::Array(items) => items.iter().enumerate().find_map(|(at, item)| {
            path.push_str(&format!("/{at}"));
            let found = wide(item, path);
            path.truncate(kept);
            found
        }),
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            path.push('/');
            path.push_str(&name.replace('~', "~0").replace('/', "~1"));
            let found = wide(member, path);
            path.truncate(kept);
            found
        }),
        _ => None,
    }
}
