//! Shapes of text: what ids are made of, what a payer can be shown, how local moments are written.

use sluice_contract::Second;
use std::ops::RangeInclusive;

/// Digits only, that many of them.
#[must_use]
pub fn is_digits(text: &str, length: RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// Letters and digits only, that many of them.
#[must_use]
pub fn is_alnum(text: &str, length: RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Visible ASCII without spaces, that many of them: tokens, ids that go into headers.
#[must_use]
pub fn is_visible(text: &str, length: RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Letters, digits and those of `also`, that many of them: codes that go on as they came.
#[must_use]
pub fn is_word(text: &str, length: RangeInclusive<usize>, also: &[u8]) -> bool {
    length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || also.contains(&b))
}

/// What a payer reads: without control characters and without those of four bytes, which most channels' stores refuse.
#[must_use]
pub fn shown(text: &str, max: usize) -> String {
    let shown: String = text.chars().filter(|c| c.len_utf8() < 4 && !c.is_control()).collect();
    shown.trim().chars().take(max).collect()
}

/// The first characters that fit in `max` bytes.
#[must_use]
pub fn cut_bytes(text: &str, max: usize) -> &str {
    let end = text.char_indices().map(|(at, c)| at.saturating_add(c.len_utf8())).take_while(|end| *end <= max).last();
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// Reads `YYYYMMDDhhmmss`, exactly.
#[must_use]
pub fn compact(text: &str) -> Option<Second> {
    if is_digits(text, 14..=14) { Second::from_local("%Y%m%d%H%M%S", text) } else { None }
}

/// Reads `YYYY-MM-DD hh:mm:ss`.
#[must_use]
pub fn plain(text: &str) -> Option<Second> {
    Second::from_local("%Y-%m-%d %H:%M:%S", text)
}

#[cfg(test)]
mod tests {
    use super::{compact, cut_bytes, is_alnum, is_digits, is_visible, is_word, shown};
    use sluice_contract::Second;

    #[test]
    fn shapes_count_bytes_and_take_nothing_else() {
        assert!(is_digits("0123", 1..=4) && !is_digits("", 1..=4) && !is_digits("01234", 1..=4) && !is_digits("１", 1..=4));
        assert!(is_visible("a-~", 1..=4) && !is_visible("a b", 1..=4) && !is_visible("", 1..=4) && !is_visible("é", 1..=4));
        assert!(is_word("a-9", 1..=4, b"-_") && !is_word("a.9", 1..=4, b"-_") && !is_word("a-9-0", 1..=4, b"-_"));
        assert!(is_alnum("aZ9", 1..=4) && !is_alnum("a-b", 1..=4) && !is_alnum("é", 1..=4));
    }

    #[test]
    fn shown_text_has_no_emoji_and_no_control_characters_and_is_cut_last() {
        assert_eq!(shown(" \u{1}咖啡🎉\n拿铁 ", 3), "咖啡拿");
        assert_eq!((cut_bytes("咖啡", 5), cut_bytes("咖啡", 6), cut_bytes("ab", 0)), ("咖", "咖啡", ""));
    }

    #[test]
    fn a_moment_of_another_length_is_none() {
        assert_eq!(compact("20251123090000"), Some(Second(1_763_859_600)));
        assert!(["2025112309000", "202511230900000", "+0251123090000", "20251323090000"].iter().all(|text| compact(text).is_none()));
    }
}
