//! Percent-encoding and `application/x-www-form-urlencoded`, exactly and once.

use std::fmt::Write as _;

/// Percent-encodes a path, query or form value: what is not unreserved is escaped.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            // Writing to a String cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// `a=1&b=2` with every name and value encoded, in the order given.
#[must_use]
pub fn encode_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&encode(name));
        out.push('=');
        out.push_str(&encode(value));
    }
    out
}

/// As [`encode_pairs`], of pairs that are held.
#[must_use]
pub fn encoded<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> String {
    encode_pairs(borrowed(pairs))
}

/// Pairs that are held, as names and values.
pub fn borrowed<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> impl Iterator<Item = (&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
}

/// `a=1&b=2` by ascending name, nothing encoded: what most signatures cover. Names are unique.
#[must_use]
pub fn canonical<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut pairs: Vec<(&str, &str)> = pairs.into_iter().collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Why bytes are no form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormError {
    /// A broken escape, or bytes that are not UTF-8.
    Malformed,
    /// A name stands there twice: which one is meant is an attack, not a choice.
    Doubled,
    TooMany,
}

/// The most pairs a callback has.
const PAIRS_MAX: usize = 128;

/// Reads a form: each value decoded exactly once (`+` is a space), names unique, order kept.
///
/// # Errors
/// What is wrong with it.
pub fn decode_pairs(bytes: &[u8]) -> Result<Vec<(String, String)>, FormError> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for piece in bytes.split(|b| *b == b'&').filter(|piece| !piece.is_empty()) {
        let at = piece.iter().position(|b| *b == b'=').unwrap_or(piece.len());
        let (name, value) = piece.split_at(at);
        let name = decode(name).ok_or(FormError::Malformed)?;
        let value = decode(value.strip_prefix(b"=").unwrap_or(value)).ok_or(FormError::Malformed)?;
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err(FormError::Doubled);
        }
        if pairs.len() >= PAIRS_MAX {
            return Err(FormError::TooMany);
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

/// The value of a name.
#[must_use]
pub fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// One value, decoded once; `None` for a broken escape or text that is not UTF-8.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<String> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = [*rest.next()?, *rest.next()?];
                let nibble = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
                let [high, low] = digits.map(nibble);
                out.push(high?.checked_mul(16)?.checked_add(low?)?);
            }
            other => out.push(*other),
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::{FormError, canonical, decode_pairs, encode_pairs, encoded};
    use proptest::prelude::*;

    #[test]
    fn broken_escapes_doubled_names_and_floods_are_refused() {
        for broken in ["a=%", "a=%4", "a=%zz", "a=%FF"] {
            assert_eq!(decode_pairs(broken.as_bytes()), Err(FormError::Malformed), "{broken}");
        }
        assert_eq!(decode_pairs(b"a=1&b=2&%61=3"), Err(FormError::Doubled));
        let flood: Vec<String> = (0..200).map(|n| format!("n{n}=1")).collect();
        assert_eq!(decode_pairs(flood.join("&").as_bytes()), Err(FormError::TooMany));
    }

    #[test]
    fn a_canonical_text_is_sorted_by_names_and_raw() {
        let pairs = [("b", "1 &"), ("a1", "2"), ("a", "3")];
        assert_eq!(canonical(pairs), "a=3&a1=2&b=1 &");
        assert_eq!(encoded(&pairs), "b=1%20%26&a1=2&a=3");
    }

    #[test]
    fn a_value_is_decoded_once() {
        assert_eq!(decode_pairs(b"a=%252B+%2B"), Ok(vec![("a".to_owned(), "%2B +".to_owned())]));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(value in ".*") {
            let pairs = decode_pairs(encode_pairs([("k", value.as_str())]).as_bytes());
            prop_assert_eq!(pairs, Ok(vec![("k".to_owned(), value)]));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_pairs(&bytes);
        }
    }
}
