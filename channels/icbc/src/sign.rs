//! What a signature covers: ours on requests and acknowledgements, the gateway's on replies and callbacks (pack 1.3, 1.4, 1.9).
//!
//! **The trust rule.** A reply is believed when it is 2xx and the gateway's signature holds over its *raw* text between
//! `"response_biz_content":` and the last `,"sign":"`; that very text is then parsed, refusing duplicate keys. Whatever else comes
//! decides nothing. A callback is believed when its signature holds over the path of the *registered* address and its parameters.

use sluice_kit::form::{borrowed, canonical};

/// The text a request's or a callback's signature covers: the path, then every parameter that is not empty and not `sign`, by
/// ascending name, values as they are before percent-encoding.
pub(crate) fn text<N: AsRef<str>>(path: &str, params: &[(N, String)]) -> String {
    let covered = borrowed(params).filter(|(name, value)| !value.is_empty() && *name != "sign");
    format!("{path}?{}", canonical(covered))
}

/// The path of an address exactly as it stands there: `//` is not tidied up, because the bank signs it untidied (pack 1.9).
pub(crate) fn path_of(url: &str) -> &str {
    let after = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after.find('/').and_then(|at| after.get(at..)).unwrap_or("/");
    path.split(['?', '#']).next().unwrap_or(path)
}

const CONTENT: &str = "\"response_biz_content\":";
const SIGN: &str = ",\"sign\":\"";

/// A reply's signed text and its signature. The *last* `,"sign":"` counts: a value may hold a look-alike.
pub(crate) fn content_of(body: &str) -> Option<(&str, &str)> {
    let (_, rest) = body.split_once(CONTENT)?;
    let (content, tail) = rest.rsplit_once(SIGN)?;
    let (signature, end) = tail.split_once('"')?;
    (end.trim() == "}").then_some((content, signature))
}

/// What the acknowledgement's signature covers: its members without the outer braces (pack 1.9).
pub(crate) fn ack_text(return_code: i64, return_msg: &str, msg_id: Option<&str>) -> String {
    let id = msg_id.map(|id| format!(",\"msg_id\":{}", serde_json::Value::from(id))).unwrap_or_default();
    let message = serde_json::Value::from(return_msg);
    format!("{CONTENT}{{\"return_code\":{return_code},\"return_msg\":{message}{id}}},\"sign_type\":\"RSA2\"")
}
