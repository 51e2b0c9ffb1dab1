//! Sensitive fields: RSAES-OAEP with SHA-1 and MGF1-SHA-1, empty label, base64 (pack §2.6).
//!
//! Only `apply-abnormal-refund` carries such fields. The sender names the key in the request's `Wechatpay-Serial`.

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::Cursor;
use x509_parser::pem::Pem;
use zeroize::Zeroizing;

/// Encrypts a field for the holder of an SPKI public key in PEM. `None` when the key is unreadable or the text longer
/// than the key takes (214 bytes for 2048 bits).
#[must_use]
pub fn encrypt(public_key_pem: &str, text: &str) -> Option<String> {
    let (pem, _) = Pem::read(Cursor::new(public_key_pem.as_bytes())).ok()?;
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(&pem.contents).ok()?).ok()?;
    let mut out = vec![0; key.ciphertext_size()];
    let sealed = key.encrypt(&OAEP_SHA1_MGF1SHA1, text.as_bytes(), &mut out, None).ok()?;
    Some(STANDARD.encode(sealed))
}

/// Decrypts a field with a PKCS#8 private key in PEM. `None` for anything that is not this scheme under this key.
#[must_use]
pub fn decrypt(private_key_pem: &str, field: &str) -> Option<Zeroizing<String>> {
    let (pem, _) = Pem::read(Cursor::new(private_key_pem.as_bytes())).ok()?;
    let der = Zeroizing::new(pem.contents);
    let key = OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(&der).ok()?).ok()?;
    let sealed = STANDARD.decode(field).ok().filter(|bytes| bytes.len() == key.key_size_bytes())?;
    let mut out = Zeroizing::new(vec![0; key.min_output_size()]);
    let plain = key.decrypt(&OAEP_SHA1_MGF1SHA1, &sealed, &mut out, None).ok()?;
    String::from_utf8(plain.to_vec()).ok().map(Zeroizing::new)
}
