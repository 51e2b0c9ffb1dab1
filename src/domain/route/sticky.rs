//! The same payer at the same account, without remembering anybody: weighted rendezvous hashing. Every account draws a number from the
//! payer's name and its own; the nearest serves. An account that comes or goes moves only the payers that are or become its own.

/// Bits after the point of a logarithm.
const FRACTION_BITS: u32 = 16;

/// A stable 64-bit hash of texts: FNV-1a over each with its end marked, mixed so that every bit depends on every other.
#[must_use]
pub fn hash(texts: &[&str]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for text in texts {
        for byte in text.bytes().chain([0xff]) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    mixed(state)
}

/// The same, of a text that was hashed before and a number.
#[must_use]
pub const fn mixed(mut state: u64) -> u64 {
    state = (state ^ (state >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    state = (state ^ (state >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    state ^ (state >> 33)
}

/// How far the account is from the payer, both given by their hashes: −log2 of the uniform draw, over its weight. The smallest serves, which
/// gives every account its weight's share of all payers. Accounts without weight are farther than any other.
#[must_use]
pub fn distance(who: u64, account: u64, weight: u32) -> u64 {
    let draw = mixed(who ^ account);
    // Finer than the logarithm, so that large weights do not round different draws to one.
    (minus_log2(draw) << 24).checked_div(u64::from(weight)).unwrap_or(u64::MAX)
}

/// −log2(draw / 2⁶⁴) in 2⁻¹⁶, by squaring the mantissa: exact to its last bit or so, and the same on every machine.
fn minus_log2(draw: u64) -> u64 {
    let draw = draw.max(1);
    let leading = draw.leading_zeros();
    // A fixed-point number in [1, 2) with 31 bits after the point.
    let mut mantissa = (draw << leading) >> 32;
    let mut log = 63_u64.saturating_sub(u64::from(leading));
    for _ in 0..FRACTION_BITS {
        mantissa = mantissa.saturating_mul(mantissa) >> 31;
        let carry = mantissa >> 32;
        mantissa >>= carry;
        log = (log << 1) | carry;
    }
    (64_u64 << FRACTION_BITS).saturating_sub(log)
}
