//! The bank's public keys: the one in force first, then former ones, which verify and never encrypt.

use crate::config::Account;
use crate::sign::USER_ID;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sluice_contract::{KeyUpdate, Refusal};
pub(crate) use sluice_kit::channel::absent::{renew, sub_keys};
use sm2::PublicKey;
use sm2::dsa::signature::Verifier;
use sm2::dsa::{Signature, VerifyingKey};
use sm2::pkcs8::DecodePublicKey;

/// A key of the bank.
pub(crate) struct BankKey {
    pub(crate) public: PublicKey,
    verifying: VerifyingKey,
}

impl BankKey {
    /// Reads SPKI as PEM, or as the bare base64 that the bank hands out (124 characters).
    pub(crate) fn read(text: &str) -> Result<BankKey, &'static str> {
        const NOT_ONE: &str = "must be an SM2 public key (SPKI) as bare base64 or PEM";
        let public = if text.contains("-----BEGIN") {
            PublicKey::from_public_key_pem(text.trim()).map_err(|_| NOT_ONE)?
        } else {
            let bare: String = text.split_whitespace().collect();
            let der = STANDARD.decode(bare).map_err(|_| NOT_ONE)?;
            PublicKey::from_public_key_der(&der).map_err(|_| NOT_ONE)?
        };
        let verifying = VerifyingKey::new(USER_ID, public).map_err(|_| NOT_ONE)?;
        Ok(BankKey { public, verifying })
    }

    /// A signature in base64. What is malformed does not hold.
    pub(crate) fn verifies(&self, text: &str, signature: &str) -> bool {
        let signature = STANDARD.decode(signature).ok().and_then(|der| lenient(&der));
        signature.is_some_and(|signature| self.verifying.verify(text.as_bytes(), &signature).is_ok())
    }
}

/// r and s out of `SEQUENCE { INTEGER, INTEGER }`. The bank pads them with zeros to a fixed width, which strict DER refuses
/// (section 2.2): more zeros in front change no number. Nothing else is forgiven.
pub(crate) fn lenient(der: &[u8]) -> Option<Signature> {
    let (body, rest) = element(der, 0x30)?;
    let (r, after) = element(body, 0x02)?;
    let (s, end) = element(after, 0x02)?;
    if !rest.is_empty() || !end.is_empty() {
        return None;
    }
    let mut bytes = padded(r)?.to_vec();
    bytes.extend_from_slice(&padded(s)?);
    // Zero and n or more are refused here, r + s = n by the verification.
    Signature::from_slice(&bytes).ok()
}

/// One element with a one-byte length: its content and what comes after it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if found != tag || length >= 0x80 {
        return None;
    }
    rest.split_at_checked(usize::from(length))
}

/// A non-negative integer in 32 bytes.
fn padded(integer: &[u8]) -> Option<[u8; 32]> {
    if integer.first().is_none_or(|first| *first >= 0x80) {
        return None;
    }
    let zeros = integer.iter().take_while(|b| **b == 0).count();
    let (_, digits) = integer.split_at_checked(zeros)?;
    let mut bytes = [0; 32];
    let at = bytes.len().checked_sub(digits.len())?;
    bytes.get_mut(at..)?.copy_from_slice(digits);
    Some(bytes)
}

/// Nothing was ever stored, so only nothing can be taken into use.
pub(crate) fn install(_account: &Account, update: &KeyUpdate) -> Result<(), Refusal> {
    if update.items.is_empty() { Ok(()) } else { Err(Refusal::unsupported("installation of keys")) }
}
