//! Key material: the app's pair, the gateway's pair of 1024 bits, and the AES key of `biz_content`.
//!
//! The gateway signs with SHA1withRSA and a key that no safe library signs with any more (pack §1.4): hence the `rsa` crate, which
//! simulators alone may use. `keys/` holds throw-away keys; the app's is the one of the shared vectors.

use aws_lc_rs::cipher::{
    AES_128, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::{Engine, engine::general_purpose::STANDARD};
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::{Pkcs1v15Sign, PrivateKey, PublicKey};
use sha1::{Digest, Sha1};
use sluice_simkit::keys::{KeySource, must};
use sluice_simkit::{RsaKey, Verifier};

const APP_KEY: &str = include_str!("../keys/merchant.key.pem");
const GATEWAY_KEY: &str = include_str!("../keys/gateway.key.pem");
const AES_KEY: [u8; 16] = *b"0123456789ABCDEF";
const GATEWAY_BITS: usize = 1024;

pub(crate) struct Keys {
    pub(crate) app: RsaKey,
    app_long: Verifier,
    app_short: PublicKey,
    gateway: PrivateKey,
    aes: [u8; 16],
}

impl Keys {
    pub(crate) fn open(source: KeySource) -> Keys {
        match source {
            KeySource::Fixed => {
                let gateway = must(PrivateKey::from_pkcs8_pem(GATEWAY_KEY), "read the gateway's key");
                Keys::of(RsaKey::from_pem(APP_KEY), gateway, AES_KEY)
            }
            KeySource::Fresh => {
                let mut aes = [0; 16];
                must(SystemRandom::new().fill(&mut aes), "draw an AES key");
                let gateway = must(PrivateKey::new(&mut System, GATEWAY_BITS), "generate the gateway's key");
                Keys::of(RsaKey::generate(), gateway, aes)
            }
        }
    }

    fn of(app: RsaKey, gateway: PrivateKey, aes: [u8; 16]) -> Keys {
        let app_short = must(PublicKey::from_public_key_pem(&app.public_pem()), "read the app's public key");
        Keys { app_long: app.verifier(), app_short, app, gateway, aes }
    }

    /// base64 of the gateway's SHA1withRSA, whatever the request used (pack §1.4).
    pub(crate) fn sign(&self, message: &[u8]) -> String {
        let signed = self.gateway.sign(Pkcs1v15Sign::new::<Sha1>(), &Sha1::digest(message));
        signed.map(|raw| STANDARD.encode(raw)).unwrap_or_default()
    }

    /// Whether the app's key made this signature: `RSA` is SHA-1, `RSA2` is SHA-256, anything else nothing we can check.
    pub(crate) fn app_signed(&self, sign_type: &str, message: &[u8], signature: &str) -> bool {
        match sign_type {
            "RSA2" => self.app_long.holds(message, signature),
            "RSA" => STANDARD
                .decode(signature)
                .is_ok_and(|raw| self.app_short.verify(Pkcs1v15Sign::new::<Sha1>(), &Sha1::digest(message), &raw).is_ok()),
            _ => false,
        }
    }

    pub(crate) fn encrypt(&self, plain: &str) -> String {
        encrypt(&self.aes, plain).unwrap_or_default()
    }

    pub(crate) fn decrypt(&self, cipher: &str) -> Option<String> {
        decrypt(&self.aes, cipher)
    }

    pub(crate) fn aes_base64(&self) -> String {
        STANDARD.encode(self.aes)
    }

    pub(crate) fn gateway_private_pem(&self) -> String {
        self.gateway.to_pkcs8_pem(LineEnding::LF).map(|pem| pem.as_str().to_owned()).unwrap_or_default()
    }

    pub(crate) fn gateway_public_pem(&self) -> String {
        self.gateway.to_public_key().to_public_key_pem(LineEnding::LF).unwrap_or_default()
    }
}

/// PEM without its fence: how the bank hands keys out (pack §1.3).
pub(crate) fn bare(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with('-')).collect()
}

/// AES-128-CBC, sixteen zero bytes first, PKCS#7, base64 (pack §1.5).
pub(crate) fn encrypt(key: &[u8; 16], plain: &str) -> Option<String> {
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_128, key).ok()?).ok()?;
    let mut buffer = plain.as_bytes().to_vec();
    key.less_safe_encrypt(&mut buffer, EncryptionContext::Iv128(FixedLength::from([0; 16]))).ok()?;
    Some(STANDARD.encode(buffer))
}

pub(crate) fn decrypt(key: &[u8; 16], cipher: &str) -> Option<String> {
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_128, key).ok()?).ok()?;
    let mut buffer = STANDARD.decode(cipher).ok()?;
    let plain = key.decrypt(&mut buffer, DecryptionContext::Iv128(FixedLength::from([0; 16]))).ok()?;
    String::from_utf8(plain.to_vec()).ok()
}

/// The operating system's randomness in the words of the `rsa` crate.
struct System;

impl TryRng for System {
    type Error = Unspecified;

    fn try_next_u32(&mut self) -> Result<u32, Unspecified> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Unspecified> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Unspecified> {
        SystemRandom::new().fill(into)
    }
}

impl TryCryptoRng for System {}
