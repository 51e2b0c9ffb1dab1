//! Raw JSON: the bytes of one member as they came, where those are what a channel signs, and numbers as they are written, for channels that
//! write an amount now as text and now as a number.

use serde_json::{Deserializer, Value};
use sluice_contract::fields::parse_json;

/// The bytes of a member's value in an object that is known to be JSON without doubled keys, without the space around them. A name that
/// is written with escapes is not found: no channel writes one.
#[must_use]
pub fn member<'a>(object: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut rest = object.trim_ascii_start().strip_prefix(b"{")?;
    loop {
        let (found, after) = first(rest)?;
        let (raw, after) = first(after.strip_prefix(b":")?)?;
        if found.strip_prefix(b"\"").and_then(|found| found.strip_suffix(b"\"")) == Some(name.as_bytes()) {
            return Some(raw);
        }
        rest = after.strip_prefix(b",")?;
    }
}

/// The first value of some bytes, and what comes after it.
fn first(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut values = Deserializer::from_slice(bytes).into_iter::<Value>();
    values.next()?.ok()?;
    let (raw, after) = bytes.split_at_checked(values.byte_offset())?;
    Some((raw.trim_ascii(), after.trim_ascii_start()))
}

/// A tree in which every number is text: an amount is read exactly and never becomes a float. `None` for no acceptable JSON.
#[must_use]
pub fn tree(json: &[u8]) -> Option<Value> {
    parse_json(&numbers_as_text(json)).ok()
}

/// JSON with every number in quotes.
#[must_use]
pub fn numbers_as_text(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len().saturating_add(16));
    let (mut in_text, mut escaped, mut in_number) = (false, false, false);
    for byte in json {
        let is_digit = matches!(byte, b'-' | b'0'..=b'9') || (in_number && matches!(byte, b'+' | b'.' | b'e' | b'E'));
        if in_number != (is_digit && !in_text) {
            in_number = !in_number;
            out.push(b'"');
        }
        in_text ^= *byte == b'"' && !escaped;
        escaped = in_text && *byte == b'\\' && !escaped;
        out.push(*byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{member, tree};
    use proptest::prelude::*;

    #[test]
    fn a_member_is_cut_out_to_the_byte_and_only_at_the_top() {
        let body = br#" { "a" : {"sign":"x", "n":1.50} ,"b": 12,"sign":"y\"}" } "#;
        let found = ["a", "b", "sign", "n", "c"].map(|name| member(body, name));
        let wanted = [Some(&br#"{"sign":"x", "n":1.50}"#[..]), Some(b"12"), Some(br#""y\"}""#), None, None];
        assert_eq!(found, wanted);
        for broken in ["", "[]", "{", "{\"a\"", "{\"a\":", "{\"a\":1 \"b\":2}", "{\"\\u0062\":1}"] {
            assert_eq!(member(broken.as_bytes(), "b"), None, "{broken}");
        }
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let json = br#"{"a":10.10,"b":[-1,1e5,true,null],"c":"1.5 \\","d":"\"2","e":1}"#;
        let wanted = serde_json::json!({"a": "10.10", "b": ["-1", "1e5", true, null], "c": "1.5 \\", "d": "\"2", "e": "1"});
        assert_eq!(tree(json), Some(wanted));
        assert_eq!((tree(b"{"), tree(b"{\"a\":1,\"a\":2}")), (None, None));
    }

    proptest! {
        #[test]
        fn the_cut_out_member_is_what_a_parser_reads(text in ".{0,30}", other in ".{0,30}") {
            let tree = serde_json::json!({"first": {"inner": other, "node": 1}, "node": {"text": text}, "sign": other});
            let body = tree.to_string();
            let raw = member(body.as_bytes(), "node").unwrap_or_default();
            prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(raw).ok(), tree.get("node").cloned());
        }
    }
}
