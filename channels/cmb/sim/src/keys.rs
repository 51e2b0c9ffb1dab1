//! SM2 keys of both sides, and what is done with them: signing, checking, opening envelopes (pack §2.2, §2.3).
//! Throw-away keys only: the fixed ones stand in the shared vectors.

use crate::der;
use base64::{Engine, engine::general_purpose::STANDARD};
use cbc::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::Pkcs7};
use md5::{Digest, Md5};
use sluice_simkit::keys::{must, secret};
use sm2::dsa::signature::{Signer, Verifier};
use sm2::dsa::{Signature, SigningKey};
use sm2::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use sm2::pke::DecryptingKey;
use sm2::{PublicKey, SecretKey};
use sm4::Sm4;

/// User id of every CMB signature (pack §2.2).
const SIGNER_ID: &str = "1234567812345678";
/// The merchant key of the vectors `cmb_sm2_sign`.
const MERCHANT: &str = "d5f2afa24e6ba9071b54a8c9ad735f9a1de9c4657fa386c09b592694bc118b38";
/// A key of the vectors `sm2_encrypt`.
const BANK: &str = "3c81630271b03233ffbc1af5a5ac2e99de992d530e7df2ddaeb8dc933809dfa9";

pub(crate) struct Keys {
    pub(crate) merchant: Sm2Key,
    pub(crate) bank: Sm2Key,
    pub(crate) app_id: String,
    pub(crate) app_secret: String,
}

impl Keys {
    pub(crate) fn fixed() -> Keys {
        Keys {
            merchant: must(Sm2Key::from_hex(MERCHANT).ok_or(()), "read the merchant's key"),
            bank: must(Sm2Key::from_hex(BANK).ok_or(()), "read the bank's key"),
            app_id: "8ab74856-8772-45c9-96db-54cb30ab9f74".to_owned(),
            app_secret: "5b96f20a-011f-4254-8be8-9a5ceb2f317f".to_owned(),
        }
    }

    pub(crate) fn fresh() -> Keys {
        Keys { merchant: Sm2Key::generate(), bank: Sm2Key::generate(), app_id: uuid(&secret()), app_secret: uuid(&secret()) }
    }
}

/// 32 hex characters in the shape of the document's ids.
fn uuid(hex: &str) -> String {
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// Both halves of a pair: a pretend bank knows its merchant's too.
pub(crate) struct Sm2Key {
    secret: SecretKey,
    signer: SigningKey,
}

impl Sm2Key {
    /// 64 hex digits.
    pub(crate) fn from_hex(text: &str) -> Option<Sm2Key> {
        let secret = SecretKey::from_slice(&hex::decode(text).ok()?).ok()?;
        let signer = SigningKey::new(SIGNER_ID, &secret).ok()?;
        Some(Sm2Key { secret, signer })
    }

    fn generate() -> Sm2Key {
        loop {
            // Fails once in 2^32: the number is then outside the group.
            if let Some(key) = Sm2Key::from_hex(&format!("{}{}", secret(), secret())) {
                return key;
            }
        }
    }

    /// Base64 of the demo's DER. The same text gives the same signature.
    pub(crate) fn sign(&self, text: &str) -> String {
        // Fails when r or s is zero, which nobody has seen; an empty signature fails verification.
        let signed: Option<Signature> = self.signer.try_sign(text.as_bytes()).ok();
        signed.map_or_else(String::new, |signature| STANDARD.encode(der::written(&signature.to_bytes())))
    }

    /// Whether this pair made the signature.
    pub(crate) fn made(&self, text: &str, signature: &str, strict: bool) -> bool {
        holds(self.signer.verifying_key(), text, signature, strict)
    }

    /// Opens what was encrypted for this pair.
    pub(crate) fn open(&self, envelope: &str) -> Option<Vec<u8>> {
        let raw = der::ciphertext(&STANDARD.decode(envelope).ok()?)?;
        DecryptingKey::new(self.secret.clone()).decrypt(&raw).ok()
    }

    pub(crate) fn private_hex(&self) -> String {
        hex::encode(self.secret.to_bytes())
    }

    pub(crate) fn private_pem(&self) -> String {
        self.secret.to_pkcs8_pem(LineEnding::LF).map_or_else(|_| String::new(), |pem| pem.to_string())
    }

    pub(crate) fn public(&self) -> PublicKey {
        self.secret.public_key()
    }

    /// Bare base64 SPKI, 124 characters.
    pub(crate) fn public_base64(&self) -> String {
        self.public().to_public_key_der().map_or_else(|_| String::new(), |der| STANDARD.encode(der.as_bytes()))
    }

    pub(crate) fn public_pem(&self) -> String {
        self.public().to_public_key_pem(LineEnding::LF).unwrap_or_default()
    }
}

/// Checks a base64 DER signature.
pub(crate) fn holds(key: &sm2::dsa::VerifyingKey, text: &str, signature: &str, strict: bool) -> bool {
    let raw = STANDARD.decode(signature).ok().and_then(|bytes| der::signature(&bytes, strict));
    let signature = raw.and_then(|raw| Signature::from_slice(&raw).ok());
    signature.is_some_and(|signature| key.verify(text.as_bytes(), &signature).is_ok())
}

/// SM4-CBC, IV of zeros, PKCS#7, base64 (pack §2.3).
pub(crate) fn decrypted(key: &[u8], text: &str) -> Option<String> {
    let cipher = cbc::Decryptor::<Sm4>::new_from_slices(key, &[0; 16]).ok()?;
    let plain = cipher.decrypt_padded_vec::<Pkcs7>(&STANDARD.decode(text).ok()?).ok()?;
    String::from_utf8(plain).ok()
}

/// The header over the body's signature (pack §2.2).
pub(crate) fn apisign(app_id: &str, secret: &str, sign: &str, timestamp: &str) -> String {
    hex::encode(Md5::digest(format!("appid={app_id}&secret={secret}&sign={sign}&timestamp={timestamp}")))
}
