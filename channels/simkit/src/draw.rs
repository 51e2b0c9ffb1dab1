//! Ids and nonces from a seed: the same seed and the same calls give the same bytes. Never used for keys.

use std::fmt::Write;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// xorshift64*.
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Draw {
        // Small seeds differ in few bits; mixing keeps their first draws apart. Zero would stay zero for ever.
        Draw(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// Letters and digits.
    pub fn text(&mut self, length: usize) -> String {
        (0..length).map(|_| self.pick(ALPHABET)).collect()
    }

    pub fn digits(&mut self, length: usize) -> String {
        (0..length).map(|_| self.pick(b"0123456789")).collect()
    }

    pub fn hex(&mut self, bytes: usize) -> String {
        (0..bytes).fold(String::with_capacity(bytes.saturating_mul(2)), |mut out, _| {
            // Writing to a String cannot fail.
            let _ = write!(out, "{:02x}", self.below(256));
            out
        })
    }

    /// The shape of a notification id: 36 characters.
    pub fn uuid(&mut self) -> String {
        format!("{}-{}-5{}-8{}-{}", self.hex(4), self.hex(2), self.digits(3), self.digits(3), self.hex(6))
    }

    fn pick(&mut self, from: &[u8]) -> char {
        let at = usize::try_from(self.below(u64::try_from(from.len()).unwrap_or(1))).unwrap_or(0);
        from.get(at).copied().map_or('0', char::from)
    }

    fn next(&mut self) -> u64 {
        let mut x = self.0;
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0 = x;
        x.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }
}
