//! Forms as a server of a channel reads and writes them. Adapters have their own reader: a judge shares nothing with the judged.

use std::fmt::Write as _;

/// Pairs of `a=1&b=2` in order, decoded once (`+` is a space). Text that is not UTF-8 after decoding is `None`.
#[must_use]
pub fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let part = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Some((decode(name)?, decode(value)?))
    };
    text.split('&').filter(|piece| !piece.is_empty()).map(part).collect()
}

/// One value, percent-decoded; a broken escape is `None`.
#[must_use]
pub fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let (high, low) = (bytes.next()?, bytes.next()?);
                let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
                out.push(digit(high)?.checked_mul(16)?.checked_add(digit(low)?)?);
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).ok()
}

/// `a=1&b=2`, every value percent-encoded.
#[must_use]
pub fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&escape(name));
        out.push('=');
        out.push_str(&escape(value));
    }
    out
}

/// Percent-encodes everything that is not unreserved.
#[must_use]
pub fn escape(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::{encode, pairs};

    #[test]
    fn what_is_encoded_is_read_back_and_broken_escapes_are_refused() {
        let told = [("a", "1+1=2 & 三"), ("b", "")];
        let read = pairs(&encode(told)).unwrap_or_default();
        assert_eq!(read, told.map(|(n, v)| (n.to_owned(), v.to_owned())));
        assert_eq!(pairs("a=x+y"), Some(vec![("a".to_owned(), "x y".to_owned())]));
        for broken in ["a=%", "a=%G1", "a=%FF"] {
            assert_eq!(pairs(broken), None, "{broken}");
        }
    }
}
