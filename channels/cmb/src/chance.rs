//! Randomness that is handed in: one call's entropy stretched by SM3 in counter mode, a stream per purpose.
//!
//! SM2 wants a random number for every signature and every encryption. Nothing here draws one: the same entropy gives the same bytes.

use sm2::elliptic_curve::rand_core::{TryCryptoRng, TryRng};
use sm3::{Digest, Sm3};
use std::convert::Infallible;

/// What a stream is for: streams of different purposes never repeat each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Signature,
    TerminalKey,
    Envelope,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Purpose::Signature => b"sluice cmb signature",
            Purpose::TerminalKey => b"sluice cmb terminal key",
            Purpose::Envelope => b"sluice cmb envelope",
        }
    }
}

/// The stream of one purpose.
pub(crate) struct Chance {
    purpose: Purpose,
    entropy: [u8; 32],
    block: u64,
}

impl Chance {
    pub(crate) const fn new(purpose: Purpose, entropy: &[u8; 32]) -> Chance {
        Chance { purpose, entropy: *entropy, block: 0 }
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let hash = Sm3::new().chain_update(self.purpose.label()).chain_update(self.entropy).chain_update(self.block.to_be_bytes());
            self.block = self.block.wrapping_add(1);
            for (to, from) in chunk.iter_mut().zip(hash.finalize()) {
                *to = from;
            }
        }
    }
}

impl TryRng for Chance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(self.bytes()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(self.bytes()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Chance {}
