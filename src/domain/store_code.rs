//! A store's code: what is printed, scanned and sometimes typed. Sixty random bits, so that knowing one code tells nothing of another, in an
//! alphabet without look-alikes. It is a name and no secret: whoever scans it may pay, and nothing else.

use super::id::encode;

/// Twelve letters and digits of five bits each.
pub const LENGTH: usize = 12;

#[must_use]
pub fn new(entropy: [u8; 16]) -> String {
    encode(u128::from_be_bytes(entropy) & ((1 << 60) - 1), LENGTH)
}

/// A code as somebody typed it: in any case, with hyphens or spaces, O for 0 and I or L for 1.
#[must_use]
pub fn read(text: &str) -> Option<String> {
    let plain = |c: &char| !matches!(c, '-' | ' ');
    let code = text.chars().filter(plain).map(letter).collect::<Option<String>>()?;
    (code.len() == LENGTH).then_some(code)
}

const fn letter(typed: char) -> Option<char> {
    match typed.to_ascii_uppercase() {
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        'U' => None,
        letter if letter.is_ascii_alphanumeric() => Some(letter),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{LENGTH, new, read};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn a_code_is_read_as_people_write_it() {
        for text in ["0123456789AB", "o123456789ab", "OI23-4567-89AB", " 0l23 4567 89ab "] {
            assert_eq!(read(text).as_deref(), Some("0123456789AB"), "{text:?}");
        }
        for text in ["", "0123456789A", "0123456789ABC", "0123456789AU", "0123456789A_", "０123456789AB", "0123456789A\u{0}"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_code_is_read_as_itself(entropy in any::<[u8; 16]>()) {
            let code = new(entropy);
            prop_assert_eq!(code.len(), LENGTH);
            prop_assert_eq!(read(&code.to_lowercase()), Some(code));
        }
    }
}
