//! RSA keys of pretend channels: fixed throw-away ones, or fresh ones. Never a key of anything real.

use crate::draw::Draw;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize, SerialNumber, date_time_ymd};
use std::sync::{Arc, OnceLock};

/// Where a simulator's keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The throw-away keys in its `keys/`: fast, and every byte of every answer is a function of seed, calls and times.
    Fixed,
    /// Generated when it opens, secrets too.
    Fresh,
}

/// Where keys come from.
pub type Supply = Box<dyn Fn() -> RsaKey + Send + Sync>;

static SUPPLY: OnceLock<Supply> = OnceLock::new();

/// From now on every key of this process comes from here: making one is most of what opening the pretend channels costs. The first call
/// counts.
pub fn supply(from: Supply) {
    let _ = SUPPLY.set(from);
}

/// A key pair that signs, and tells both its halves.
#[derive(Clone)]
pub struct RsaKey {
    pub pair: Arc<KeyPair>,
    signer: Arc<RsaKeyPair>,
}

impl std::fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RsaKey")
    }
}

impl RsaKey {
    /// A PKCS#8 key in PEM.
    #[must_use]
    pub fn from_pem(pem: &str) -> RsaKey {
        RsaKey::of(must(KeyPair::from_pkcs8_pem_and_sign_algo(pem, &PKCS_RSA_SHA256), "read a fixed key"))
    }

    /// A key of 2048 bits: fresh, or whatever [`supply`] gives.
    #[must_use]
    pub fn generate() -> RsaKey {
        SUPPLY.get().map_or_else(RsaKey::fresh, |supply| supply())
    }

    /// A key that nobody had before; takes a fraction of a second.
    #[must_use]
    pub fn fresh() -> RsaKey {
        RsaKey::of(must(KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048), "generate a key"))
    }

    fn of(pair: KeyPair) -> RsaKey {
        let signer = must(RsaKeyPair::from_pkcs8(pair.serialized_der()), "load a signing key");
        RsaKey { pair: Arc::new(pair), signer: Arc::new(signer) }
    }

    /// base64 of RSASSA-PKCS1-v1_5 with SHA-256.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> String {
        let mut signature = vec![0; self.signer.public_modulus_len()];
        // The buffer has the key's own length, so signing cannot fail; an empty one would only fail verification.
        match self.signer.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature) {
            Ok(()) => STANDARD.encode(signature),
            Err(_) => String::new(),
        }
    }

    /// PKCS#8 in PEM.
    #[must_use]
    pub fn private_pem(&self) -> String {
        self.pair.serialize_pem()
    }

    /// PKCS#8 as bare base64, as some channels hand it out.
    #[must_use]
    pub fn private_base64(&self) -> String {
        STANDARD.encode(self.pair.serialized_der())
    }

    /// SPKI in PEM.
    #[must_use]
    pub fn public_pem(&self) -> String {
        self.pair.public_key_pem()
    }

    /// SPKI as bare base64.
    #[must_use]
    pub fn public_base64(&self) -> String {
        self.public_pem().lines().filter(|line| !line.starts_with("-----")).collect()
    }

    /// What the other side's signatures are checked with.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        Verifier(must(ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key_raw()), "load a public key"))
    }

    /// A self-signed certificate, PEM. `serial` is hex.
    #[must_use]
    pub fn certify(&self, name: &str, serial: &str) -> String {
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2045, 1, 1);
        params.serial_number = hex::decode(serial).ok().map(|bytes| SerialNumber::from_slice(&bytes));
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        must(params.self_signed(&*self.pair), "sign a certificate").pem()
    }
}

/// Checks SHA-256 signatures of a client.
#[derive(Debug)]
pub struct Verifier(ParsedPublicKey);

impl Verifier {
    /// `signature` is base64.
    #[must_use]
    pub fn holds(&self, message: &[u8], signature: &str) -> bool {
        STANDARD.decode(signature).is_ok_and(|raw| self.0.verify_sig(message, &raw).is_ok())
    }
}

/// 20 bytes, first bit clear and no leading zero: the 40 upper hex characters that OpenSSL prints of a serial.
#[must_use]
pub fn fresh_serial(draw: &mut Draw) -> String {
    format!("{}{}", draw.below(69).saturating_add(10), draw.hex(19)).to_uppercase()
}

/// Dice for what is random but not secret about fresh keys (serials, ids).
#[must_use]
pub fn os_draw() -> Draw {
    let mut bytes = [0; 8];
    must(SystemRandom::new().fill(&mut bytes), "draw random bytes");
    Draw::new(u64::from_le_bytes(bytes))
}

/// 32 hex characters of the operating system's randomness.
#[must_use]
pub fn secret() -> String {
    let mut bytes = [0; 16];
    must(SystemRandom::new().fill(&mut bytes), "draw a secret");
    hex::encode(bytes)
}

/// A result that opening a simulator cannot do without.
///
/// # Panics
/// When it is an error.
#[expect(clippy::panic, reason = "a pretend channel without keys cannot serve a single call; it only happens while opening one")]
pub fn must<T, E: std::fmt::Debug>(result: Result<T, E>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(e) => panic!("a simulator could not {what}: {e:?}"),
    }
}
