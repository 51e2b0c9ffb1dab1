//! API v2 signatures (pack §10): sorted members, a key at the end, MD5 or HMAC-SHA256; and the encrypted refund notice.

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use sluice_contract::Notes;
use sluice_kit::form::canonical;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignType {
    Md5,
    HmacSha256,
}

impl SignType {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            SignType::Md5 => "MD5",
            SignType::HmacSha256 => "HMAC-SHA256",
        }
    }
}

/// What is signed: every member but `sign` and the empty ones, in ASCII order, then the key.
pub(crate) fn text(members: &Notes, key: &str) -> String {
    let signed = members.iter().filter(|(name, value)| *name != "sign" && !value.is_empty());
    format!("{}&key={key}", canonical(signed.map(|(name, value)| (name.as_str(), value.as_str()))))
}

/// The signature in upper hex.
pub(crate) fn sign(members: &Notes, key: &str, kind: SignType) -> String {
    let text = text(members, key);
    match kind {
        SignType::Md5 => hex::encode_upper(Md5::digest(text.as_bytes())),
        SignType::HmacSha256 => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
            hex::encode_upper(hmac::sign(&key, text.as_bytes()))
        }
    }
}

/// Whether a message's own `sign` holds under a key, in constant time. A message without one does not.
pub(crate) fn verifies(members: &Notes, key: &str, kind: SignType) -> bool {
    let Some(given) = members.get("sign") else { return false };
    verify_slices_are_equal(sign(members, key, kind).as_bytes(), given.as_bytes()).is_ok()
}

/// Opens `req_info`: AES-256-ECB with PKCS#7, the key is the lower-hex MD5 of the API key. ECB proves nothing about its
/// sender, so what comes out is a hint at most.
pub(crate) fn open_req_info(req_info: &str, key: &str) -> Option<Vec<u8>> {
    let mut buffer = STANDARD.decode(req_info).ok()?;
    let key = hex::encode(Md5::digest(key.as_bytes()));
    let key = PaddedBlockDecryptingKey::ecb_pkcs7(UnboundCipherKey::new(&AES_256, key.as_bytes()).ok()?).ok()?;
    key.decrypt(&mut buffer, DecryptionContext::None).ok().map(|plain| plain.to_vec())
}
