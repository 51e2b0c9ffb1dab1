//! Numbers of orders, attempts, refunds and events. All numbers of one order share its **stem** (24 characters: time, then 70
//! random bits), so that an attempt's number names its order without an index, and sorts by time without random inserts.
//!
//! `P` + stem + `00` order · `A` + stem + `NN` attempt · `R` + stem + `NN` refund · `evt_` + stem + `NNNN` event. 27 letters and
//! digits (events: 32): fits every channel's number rules.

use sluice_contract::Millis;

/// Crockford's base 32: no I, L, O, U, so that a number survives being read out on the telephone.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const STEM_LEN: usize = 24;

/// An order's id: `P` + stem + `00`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(String);

impl OrderId {
    /// A new id for this moment. 70 of the random bits are used.
    #[must_use]
    pub fn new(at: Millis, entropy: [u8; 16]) -> OrderId {
        let time = u128::from(at.0.unsigned_abs() & 0x3_FFFF_FFFF_FFFF);
        let chance = u128::from_be_bytes(entropy) & ((1 << 70) - 1);
        OrderId(format!("P{}00", encode((time << 70) | chance, STEM_LEN)))
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<OrderId> {
        let stem = numbered(text, "P").filter(|(_, tail)| *tail == 0).map(|(stem, _)| stem)?;
        Some(OrderId(format!("P{stem}00")))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn attempt_number(&self, seq: u32) -> String {
        format!("A{}{}", self.stem(), encode(u128::from(seq), 2))
    }

    #[must_use]
    pub fn refund_id(&self, seq: u32) -> String {
        format!("R{}{}", self.stem(), encode(u128::from(seq), 2))
    }

    #[must_use]
    pub fn event_id(&self, seq: u32) -> String {
        format!("evt_{}{}", self.stem(), encode(u128::from(seq), 4))
    }

    /// The order and the sequence number inside an attempt's number.
    #[must_use]
    pub fn of_attempt(number: &str) -> Option<(OrderId, u32)> {
        numbered(number, "A").map(|(stem, seq)| (OrderId(format!("P{stem}00")), seq))
    }

    #[must_use]
    pub fn of_refund(id: &str) -> Option<(OrderId, u32)> {
        numbered(id, "R").map(|(stem, seq)| (OrderId(format!("P{stem}00")), seq))
    }

    /// The order of an event id.
    #[must_use]
    pub fn of_event(id: &str) -> Option<(OrderId, u32)> {
        numbered(id, "evt_").map(|(stem, seq)| (OrderId(format!("P{stem}00")), seq))
    }

    fn stem(&self) -> &str {
        self.0.get(1..=STEM_LEN).unwrap_or_default()
    }
}

impl std::fmt::Display for OrderId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// An attempt's (`A`) or refund's (`R`) number as an integer: 16 bytes where its text takes 27. Sorts as the text does. `None`: no number of
/// ours, or one of a time a thousand years from now.
#[must_use]
pub fn pack(number: &str, prefix: char) -> Option<u128> {
    let body = number.strip_prefix(prefix).filter(|body| body.len() == STEM_LEN + 2)?;
    body.bytes().try_fold(0_u128, |sum, byte| sum.checked_mul(32)?.checked_add(digit(byte)?))
}

/// The number that [`pack`] made this of.
#[must_use]
pub fn unpack(packed: u128, prefix: char) -> String {
    format!("{prefix}{}", encode(packed, STEM_LEN + 2))
}

/// By ranges and not by search: a bill has a million numbers of 26 digits.
fn digit(byte: u8) -> Option<u128> {
    let (first, value) = match byte {
        b'0'..=b'9' => (b'0', 0),
        b'A'..=b'H' => (b'A', 10),
        b'J'..=b'K' => (b'J', 18),
        b'M'..=b'N' => (b'M', 20),
        b'P'..=b'T' => (b'P', 22),
        b'V'..=b'Z' => (b'V', 27),
        _ => return None,
    };
    Some(u128::from(byte.checked_sub(first)?.checked_add(value)?))
}

/// Sequence numbers of attempts and refunds end here: two digits of base 32.
pub const SEQ_MAX: u32 = 1023;

fn numbered<'a>(text: &'a str, prefix: &str) -> Option<(&'a str, u32)> {
    let body = text.strip_prefix(prefix)?;
    let tail_len = if prefix == "evt_" { 4 } else { 2 };
    if body.len() != STEM_LEN + tail_len || !body.bytes().all(|b| ALPHABET.contains(&b)) {
        return None;
    }
    let (stem, tail) = body.split_at_checked(STEM_LEN)?;
    Some((stem, decode(tail)?))
}

pub(super) fn encode(mut value: u128, len: usize) -> String {
    let mut text = vec![b'0'; len];
    for place in text.iter_mut().rev() {
        let digit = usize::try_from(value & 31).unwrap_or(0);
        *place = ALPHABET.get(digit).copied().unwrap_or(b'0');
        value >>= 5;
    }
    String::from_utf8(text).unwrap_or_default()
}

fn decode(text: &str) -> Option<u32> {
    text.bytes().try_fold(0_u32, |sum, byte| {
        let digit = u32::try_from(ALPHABET.iter().position(|c| *c == byte)?).ok()?;
        sum.checked_mul(32)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::{OrderId, pack, unpack};
    use proptest::prelude::*;
    use sluice_contract::Millis;

    proptest! {
        #[test]
        fn numbers_name_their_order(at in 0_i64..4_000_000_000_000, entropy: [u8; 16], seq in 0_u32..1024) {
            let id = OrderId::new(Millis(at), entropy);
            prop_assert_eq!(id.as_str().len(), 27);
            prop_assert_eq!(OrderId::parse(id.as_str()), Some(id.clone()));
            prop_assert_eq!(OrderId::of_attempt(&id.attempt_number(seq)), Some((id.clone(), seq)));
            prop_assert_eq!(OrderId::of_refund(&id.refund_id(seq)), Some((id.clone(), seq)));
            prop_assert_eq!(OrderId::of_event(&id.event_id(seq)), Some((id.clone(), seq)));
            prop_assert_eq!(OrderId::parse(&id.refund_id(seq)), None);
            let (number, next) = (id.attempt_number(seq), id.attempt_number(seq + 1));
            prop_assert_eq!(pack(&number, 'A').map(|packed| unpack(packed, 'A')), Some(number.clone()));
            prop_assert!((seq == 1023 || pack(&number, 'A') < pack(&next, 'A')) && pack(&number, 'R').is_none());
        }

        #[test]
        fn later_orders_sort_later(at in 0_i64..4_000_000_000_000, later in 1_i64..1_000_000, a: [u8; 16], b: [u8; 16]) {
            prop_assert!(OrderId::new(Millis(at), a) < OrderId::new(Millis(at + later), b));
        }

        #[test]
        fn foreign_text_is_no_number(text in "\\PC{0,40}") {
            let _ = (OrderId::parse(&text), OrderId::of_attempt(&text), OrderId::of_refund(&text), OrderId::of_event(&text), pack(&text, 'A'));
        }
    }
}
