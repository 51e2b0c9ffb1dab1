//! Our signatures (section 2.2): SM2 with SM3 over the sorted members, and the MD5 of the header.
//!
//! **The trust rule.** A reply is believed when it is signed by the bank over its JSON-decoded members, one form only. A short error that
//! comes without `sign` is told and decides nothing; so does everything whose signature does not hold, and everything that announces
//! another algorithm than SM2.

use crate::chance::{Chance, Purpose};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use sluice_contract::{Refusal, Second};
use sluice_kit::form::canonical;
use sm2::dsa::signature::RandomizedSigner;
use sm2::dsa::{Signature, SigningKey};
use zeroize::Zeroizing;

/// The user id that both sides hash into every signature.
pub(crate) const USER_ID: &str = "1234567812345678";

/// `signMethod`: SM2. Old messages say `01`, RSA: never taken.
pub(crate) const METHOD: &str = "02";

/// One signature in 64 is too short for the bank; so many in a row do not happen.
const TRIES_MAX: u32 = 64;

/// The merchant's side: what the header names and what signs.
pub(crate) struct Signer {
    pub(crate) app_id: String,
    pub(crate) app_secret: Zeroizing<String>,
    pub(crate) key: SigningKey,
}

impl Signer {
    /// Our key as the bank hands it out: 64 hex digits.
    pub(crate) fn key(text: &str) -> Result<SigningKey, &'static str> {
        let bytes = Zeroizing::new(hex::decode(text.trim()).map_err(|_| "must be 64 hex digits")?);
        SigningKey::from_slice(USER_ID, &bytes).map_err(|_| "is not an SM2 private key of 64 hex digits")
    }

    /// ASN.1 DER in base64. Signed again until r and s fill their 32 bytes: the bank's own reader refuses shorter ones (section 2.2).
    pub(crate) fn sign(&self, text: &str, entropy: &[u8; 32]) -> Result<String, Refusal> {
        let mut chance = Chance::new(Purpose::Signature, entropy);
        let mut signatures = (0..TRIES_MAX).filter_map(|_| self.key.try_sign_with_rng(&mut chance, text.as_bytes()).ok());
        let signature = signatures.find(fills_its_bytes).ok_or_else(|| Refusal::account("the merchant's private key cannot sign"))?;
        Ok(STANDARD.encode(signature.to_der().as_bytes()))
    }

    /// The header's `apisign`: binds the signature of the body to the app and the moment.
    pub(crate) fn apisign(&self, signature: &str, now: Second) -> String {
        let (app_id, secret, time) = (&self.app_id, self.app_secret.as_str(), now.0);
        let text = Zeroizing::new(format!("appid={app_id}&secret={secret}&sign={signature}&timestamp={time}"));
        hex::encode(Md5::digest(text.as_bytes()))
    }
}

/// Both numbers are 2^248 or more.
pub(crate) fn fills_its_bytes(signature: &Signature) -> bool {
    let begins = |bytes: &[u8]| bytes.first().is_some_and(|first| *first != 0);
    begins(&signature.r_bytes()) && begins(&signature.s_bytes())
}

/// What a signature covers: every member but `sign`, by name, raw values. `biz_content` is one of them and stays whole.
pub(crate) fn text<'a>(members: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    canonical(members.into_iter().filter(|(name, _)| *name != "sign"))
}
