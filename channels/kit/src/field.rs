//! Sensitive fields under RSA (PKCS#1 v1.5, or OAEP with SHA-1), base64: what WeChat's and UnionPay's protocols know and none of our
//! products sends.
//!
//! Bad PKCS#1 padding may decrypt to noise instead of failing: whoever decrypts checks the shape of what comes out, never the error.

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::Cursor;
use x509_parser::pem::Pem;
use zeroize::Zeroizing;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    Pkcs1,
    /// OAEP with SHA-1 and MGF1-SHA-1, empty label.
    OaepSha1,
}

/// Encrypts a field for the holder of a certificate or public key in PEM. `None` when it is unreadable or the text longer than the key
/// takes.
#[must_use]
pub fn encrypt(pem: &str, text: &str, padding: Padding) -> Option<String> {
    let (block, _) = Pem::read(Cursor::new(pem.as_bytes())).ok()?;
    let key = match block.label.as_str() {
        "CERTIFICATE" => PublicEncryptingKey::from_der(block.parse_x509().ok()?.public_key().raw).ok()?,
        _ => PublicEncryptingKey::from_der(&block.contents).ok()?,
    };
    let mut out = vec![0; key.key_size_bytes()];
    let sealed = match padding {
        Padding::Pkcs1 => Pkcs1PublicEncryptingKey::new(key).ok()?.encrypt(text.as_bytes(), &mut out).ok()?,
        Padding::OaepSha1 => OaepPublicEncryptingKey::new(key).ok()?.encrypt(&OAEP_SHA1_MGF1SHA1, text.as_bytes(), &mut out, None).ok()?,
    };
    Some(STANDARD.encode(sealed))
}

/// Decrypts a field with a PKCS#8 private key in PEM. `None` for what is not text of the shape that `fits` demands.
#[must_use]
pub fn decrypt(pem: &str, field: &str, padding: Padding, fits: impl Fn(&str) -> bool) -> Option<Zeroizing<String>> {
    let (block, _) = Pem::read(Cursor::new(pem.as_bytes())).ok()?;
    let der = Zeroizing::new(block.contents);
    let key = PrivateDecryptingKey::from_pkcs8(&der).ok()?;
    let sealed = STANDARD.decode(field).ok().filter(|bytes| bytes.len() == key.key_size_bytes())?;
    let mut out = Zeroizing::new(vec![0; key.key_size_bytes()]);
    let plain = match padding {
        Padding::Pkcs1 => Pkcs1PrivateDecryptingKey::new(key).ok()?.decrypt(&sealed, &mut out).ok()?,
        Padding::OaepSha1 => OaepPrivateDecryptingKey::new(key).ok()?.decrypt(&OAEP_SHA1_MGF1SHA1, &sealed, &mut out, None).ok()?,
    };
    String::from_utf8(plain.to_vec()).ok().map(Zeroizing::new).filter(|text| fits(text))
}
