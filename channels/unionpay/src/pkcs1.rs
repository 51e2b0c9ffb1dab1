//! Sensitive fields: RSAES-PKCS1-v1_5, base64 (pack §1.8).
//!
//! To UnionPay: under its encryption certificate, named by `encryptCertId`; none of our products sends such a field. From
//! UnionPay (`accNo`, `customerInfo`): under the merchant's signing certificate. Bad padding may decrypt to noise instead of
//! failing, so whoever decrypts checks the shape of what comes out, never the error.

use aws_lc_rs::rsa::{Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::Cursor;
use x509_parser::pem::Pem;
use zeroize::Zeroizing;

/// Encrypts a field for the holder of a certificate in PEM. `None` when it is unreadable or the text longer than its key takes.
#[must_use]
pub fn encrypt(certificate_pem: &str, text: &str) -> Option<String> {
    let (pem, _) = Pem::read(Cursor::new(certificate_pem.as_bytes())).ok()?;
    let cert = pem.parse_x509().ok()?;
    let key = Pkcs1PublicEncryptingKey::new(PublicEncryptingKey::from_der(cert.public_key().raw).ok()?).ok()?;
    if text.len() > key.max_plaintext_size() {
        return None;
    }
    let mut out = vec![0; key.ciphertext_size()];
    let sealed = key.encrypt(text.as_bytes(), &mut out).ok()?;
    Some(STANDARD.encode(sealed))
}

/// Decrypts a field with a PKCS#8 private key in PEM. `None` for what is not text of the shape that `fits` demands.
#[must_use]
pub fn decrypt(private_key_pem: &str, field: &str, fits: impl Fn(&str) -> bool) -> Option<Zeroizing<String>> {
    let (pem, _) = Pem::read(Cursor::new(private_key_pem.as_bytes())).ok()?;
    let der = Zeroizing::new(pem.contents);
    let key = Pkcs1PrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(&der).ok()?).ok()?;
    let sealed = STANDARD.decode(field).ok().filter(|bytes| bytes.len() == key.key_size_bytes())?;
    let mut out = Zeroizing::new(vec![0; key.min_output_size()]);
    let plain = key.decrypt(&sealed, &mut out).ok()?;
    String::from_utf8(plain.to_vec()).ok().map(Zeroizing::new).filter(|text| fits(text))
}
