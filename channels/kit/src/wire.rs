//! Requests out and members in: what every envelope needs.

use serde_json::{Map, Value};
use sluice_contract::{Env, Fen, Headers, HttpRequest, Into as Keep, Notes, Verb};

/// Answers of create, query and close come at once or not at all.
pub const TIMEOUT_MS: u64 = 10_000;
/// A barcode charge and a refund may take their time.
pub const TIMEOUT_MONEY_MS: u64 = 30_000;
/// No answer but a bill is longer.
pub const REPLY_MAX_BYTES: u64 = 1 << 20;
/// A channel's notices are a few kilobytes; more is not one.
pub const CALLBACK_MAX_BYTES: usize = 256 * 1024;

/// `User-Agent` of every request.
pub const USER_AGENT: &str = concat!("sluice/", env!("CARGO_PKG_VERSION"));

/// A POST whose reply is read in memory. `User-Agent` goes along.
#[must_use]
pub fn post(api: &'static str, url: String, headers: &[(&str, &str)], body: String, timeout_ms: u64) -> HttpRequest {
    let mut headers = Headers::new(headers);
    headers.push("User-Agent", USER_AGENT);
    let into = Keep::Memory { max_bytes: REPLY_MAX_BYTES };
    HttpRequest { api, verb: Verb::Post, url, headers, body: body.into_bytes(), identity: None, into, timeout_ms }
}

/// A GET whose reply is read in memory. `User-Agent` goes along.
#[must_use]
pub fn get(api: &'static str, url: String, headers: &[(&str, &str)], timeout_ms: u64) -> HttpRequest {
    HttpRequest { verb: Verb::Get, ..post(api, url, headers, String::new(), timeout_ms) }
}

/// `N` of the fresh random bytes: nonces, never identity.
#[must_use]
pub fn fresh<const N: usize>(env: &Env<'_>) -> [u8; N] {
    env.entropy.first_chunk().copied().unwrap_or([0; N])
}

/// A text member, or `None`.
#[must_use]
pub fn text<'a>(tree: &'a Value, name: &str) -> Option<&'a str> {
    tree.get(name).and_then(Value::as_str)
}

/// A text member that is not empty.
#[must_use]
pub fn given<'a>(tree: &'a Value, name: &str) -> Option<&'a str> {
    text(tree, name).filter(|text| !text.is_empty())
}

/// The first `max` characters of a text member; absent is empty.
#[must_use]
pub fn short(tree: &Value, name: &str, max: usize) -> String {
    cut(text(tree, name).unwrap_or_default(), max)
}

/// Those of the channel's members that say something, under our names: `(ours, theirs)`.
#[must_use]
pub fn told(tree: &Value, names: &[(&str, &str)]) -> Notes {
    notes(names.iter().filter_map(|(ours, theirs)| given(tree, theirs).map(|value| (*ours, value))))
}

/// Names and values as notes.
pub fn notes<'a, V: Into<String>>(pairs: impl IntoIterator<Item = (&'a str, V)>) -> Notes {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// A whole, non-negative number of fen.
#[must_use]
pub fn fen(tree: &Value, name: &str) -> Option<Fen> {
    tree.get(name).and_then(Value::as_i64).filter(|fen| *fen >= 0).map(Fen)
}

/// Fen as digits in text: no sign, no space, no fraction.
#[must_use]
pub fn fen_text(text: &str) -> Option<Fen> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok().map(Fen) } else { None }
}

/// The first `max` characters.
#[must_use]
pub fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

/// The first `max` characters without those of four bytes, which most channels' stores refuse.
#[must_use]
pub fn plain(text: &str, max: usize) -> String {
    text.chars().filter(|c| c.len_utf8() < 4).take(max).collect()
}

pub fn put(body: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    body.insert(name.to_owned(), value.into());
}

/// Puts a member where there is one.
pub fn put_some(body: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        put(body, name, value);
    }
}

#[must_use]
pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::{fresh, get, given, short, told};
    use sluice_contract::{Env, Notes, Second, Verb};

    #[test]
    fn an_empty_member_says_nothing() {
        let tree = serde_json::json!({"a": "1", "b": "", "c": 2});
        assert_eq!(["a", "b", "c", "d"].map(|name| given(&tree, name)), [Some("1"), None, None, None]);
        assert_eq!([short(&tree, "a", 0), short(&tree, "a", 9), short(&tree, "c", 9)], ["", "1", ""]);
        assert_eq!(told(&tree, &[("ours", "a"), ("none", "b")]), Notes::from([("ours".to_owned(), "1".to_owned())]));
    }

    #[test]
    fn a_get_has_no_body_and_says_who_asks() {
        let request = get("bill", "https://example.com/a?b=c".into(), &[("Accept", "text/csv")], 5);
        assert_eq!((request.verb, request.url.as_str(), request.timeout_ms), (Verb::Get, "https://example.com/a?b=c", 5));
        assert!(request.body.is_empty() && request.headers.only("User-Agent").is_some() && request.headers.only("Accept").is_some());
    }

    #[test]
    fn fresh_bytes_are_those_of_the_moment() {
        let env = Env { now: Second(0), entropy: std::array::from_fn(|at| u8::try_from(at).unwrap_or(0)), notify_url: "" };
        assert_eq!(fresh::<3>(&env), [0, 1, 2]);
    }
}
