//! Requests out and members in: what every envelope needs.

use serde_json::{Map, Value};
use sluice_contract::{Env, Exchange, Fen, HttpReply, HttpRequest, Reading, Refusal, Step};
use std::sync::Arc;

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

/// Sends a request, or refuses when it could not even be made; `read` gets the account back with the reply.
pub fn send<A: Send + Sync + 'static, T>(
    account: &Arc<A>,
    request: Result<HttpRequest, Refusal>,
    read: impl Fn(&Arc<A>, &HttpReply, &Env<'_>) -> Reading<T> + Send + Sync + 'static,
) -> Step<T> {
    match request {
        Ok(request) => {
            let account = Arc::clone(account);
            Step::Send(Exchange::new(request, move |reply, env| read(&account, reply, env)))
        }
        Err(refusal) => Step::Refused(refusal),
    }
}

/// A text member, or `None`.
#[must_use]
pub fn text<'a>(tree: &'a Value, name: &str) -> Option<&'a str> {
    tree.get(name).and_then(Value::as_str)
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

#[must_use]
pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
