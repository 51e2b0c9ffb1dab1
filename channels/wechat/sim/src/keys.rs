//! Key material: the merchant's own, the platform's certificates and the platform's public key.
//!
//! `keys/` holds throw-away keys that the vendors' SDKs publish in their tests. They were never valid at the real service.

use crate::draw::Draw;
use crate::options::{KeyMode, KeySource, Options};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize, SerialNumber, date_time_ymd};
use std::sync::Arc;

const MERCHANT_KEY: &str = include_str!("../keys/merchant.key.pem");
const PLATFORM_KEY: &str = include_str!("../keys/platform.key.pem");
const PLATFORM_CERTIFICATE: &str = include_str!("../keys/platform.cert.pem");
const PLATFORM_NEXT_CERTIFICATE: &str = include_str!("../keys/platform_next.cert.pem");
const PUBLIC_KEY: &str = include_str!("../keys/public.key.pem");

const MERCHANT_NAME: &str = "Tenpay.com sandbox merchant";
pub(crate) const PUBLIC_KEY_ID: &str = "PUB_KEY_ID_0119000001002024111100000000000001";

/// A platform key and the name by which `Wechatpay-Serial` calls it.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) serial: String,
    key: Arc<RsaKeyPair>,
}

impl Signer {
    /// base64 of RSASSA-PKCS1-v1_5 with SHA-256 (pack §2.2).
    pub(crate) fn sign(&self, message: &[u8]) -> String {
        let mut signature = vec![0; self.key.public_modulus_len()];
        // The buffer has the key's own length, so signing cannot fail; an empty one would only fail verification.
        match self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature) {
            Ok(()) => STANDARD.encode(signature),
            Err(_) => String::new(),
        }
    }
}

/// A platform certificate as `/v3/certificates` lists it.
pub(crate) struct Certificate {
    pub(crate) signer: Signer,
    pub(crate) pem: String,
    pub(crate) effective_time: &'static str,
    pub(crate) expire_time: &'static str,
}

pub(crate) struct Keys {
    pub(crate) merchant_serial: String,
    pub(crate) merchant_key_pem: String,
    pub(crate) merchant_certificate_pem: String,
    merchant: ParsedPublicKey,
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) public: Signer,
    pub(crate) public_pem: String,
    pub(crate) api_v3_key: String,
    pub(crate) api_v2_key: String,
    source: KeySource,
}

impl Keys {
    pub(crate) fn open(options: &Options) -> Keys {
        match options.keys {
            KeySource::Fixed => Keys::fixed(options),
            KeySource::Fresh => Keys::fresh(options),
        }
    }

    fn fixed(options: &Options) -> Keys {
        let platform = pair(PLATFORM_KEY);
        let first = fixed_certificate("D7CE59D1F522D701", PLATFORM_CERTIFICATE, &platform);
        let second = fixed_certificate("F5765756002FDD77", PLATFORM_NEXT_CERTIFICATE, &platform);
        let certificates = if options.certificates > 1 { vec![second, first] } else { vec![first] };
        let merchant = pair(MERCHANT_KEY);
        let public = pair(PUBLIC_KEY);
        // The published certificate of this key ran out in 2025; one of our own keeps its serial.
        let merchant_serial = "5F1C72E2A8931B72A2E13AF8DEE92471EB397115".to_owned();
        let merchant_certificate_pem = certify(&merchant, MERCHANT_NAME, &merchant_serial);
        Keys {
            merchant_serial,
            merchant_key_pem: MERCHANT_KEY.to_owned(),
            merchant_certificate_pem,
            merchant: verifier(&merchant),
            certificates,
            public: signer(PUBLIC_KEY_ID, &public),
            public_pem: public.public_key_pem(),
            api_v3_key: "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb".to_owned(),
            api_v2_key: "192006250b4c09247ec02edce69f6a2d".to_owned(),
            source: KeySource::Fixed,
        }
    }

    fn fresh(options: &Options) -> Keys {
        let mut draw = os_draw();
        let merchant = generated();
        let merchant_serial = fresh_serial(&mut draw);
        let merchant_certificate_pem = certify(&merchant, MERCHANT_NAME, &merchant_serial);
        let public = generated();
        let certificates = (0..options.certificates.max(1)).map(|_| minted(&generated(), &mut draw)).collect();
        Keys {
            merchant_serial,
            merchant_key_pem: merchant.serialize_pem(),
            merchant_certificate_pem,
            merchant: verifier(&merchant),
            certificates,
            public: signer(&format!("PUB_KEY_ID_{}", draw.digits(34)), &public),
            public_pem: public.public_key_pem(),
            api_v3_key: secret(),
            api_v2_key: secret(),
            source: KeySource::Fresh,
        }
    }

    /// A new platform certificate takes over; the one before stays valid beside it (pack §2.3).
    pub(crate) fn rotate(&mut self, draw: &mut Draw) {
        let next = match self.source {
            KeySource::Fresh => minted(&generated(), draw),
            KeySource::Fixed if self.certificates.len() == 1 => {
                fixed_certificate("F5765756002FDD77", PLATFORM_NEXT_CERTIFICATE, &pair(PLATFORM_KEY))
            }
            // Another serial is what a rotation is about; alternating two keys makes the change real as well.
            KeySource::Fixed if self.certificates.len().is_multiple_of(2) => minted(&pair(PUBLIC_KEY), draw),
            KeySource::Fixed => minted(&pair(PLATFORM_KEY), draw),
        };
        self.certificates.push(next);
    }

    /// The two newest: the old one and the new one of a rotation.
    pub(crate) fn listed(&self) -> &[Certificate] {
        let from = self.certificates.len().saturating_sub(2);
        self.certificates.get(from..).unwrap_or_default()
    }

    /// The key that signs now. `wish` is the request's `Wechatpay-Serial`, which asks for one (pack §2.3).
    pub(crate) fn signer(&self, mode: KeyMode, wish: Option<&str>, draw: &mut Draw) -> Signer {
        if mode != KeyMode::Certificate && wish == Some(self.public.serial.as_str()) {
            return self.public.clone();
        }
        let wished = self.listed().iter().find(|c| wish == Some(c.signer.serial.as_str()));
        let public = match mode {
            KeyMode::Certificate => false,
            KeyMode::PublicKey => true,
            KeyMode::Mixed => wished.is_none() && draw.below(2) == 1,
        };
        if public {
            return self.public.clone();
        }
        wished.or(self.certificates.last()).map_or_else(|| self.public.clone(), |c| c.signer.clone())
    }

    /// Whether the merchant's key made this signature.
    pub(crate) fn merchant_signed(&self, message: &[u8], signature: &str) -> bool {
        STANDARD.decode(signature).is_ok_and(|raw| self.merchant.verify_sig(message, &raw).is_ok())
    }
}

fn fixed_certificate(serial: &str, pem: &str, key: &KeyPair) -> Certificate {
    let (effective_time, expire_time) = ("2021-04-27T16:55:23+08:00", "2031-04-25T16:55:23+08:00");
    Certificate { signer: signer(serial, key), pem: pem.to_owned(), effective_time, expire_time }
}

fn minted(key: &KeyPair, draw: &mut Draw) -> Certificate {
    let serial = fresh_serial(draw);
    let pem = certify(key, "Tenpay.com sandbox platform", &serial);
    let (effective_time, expire_time) = ("2020-01-01T08:00:00+08:00", "2045-01-01T08:00:00+08:00");
    Certificate { signer: signer(&serial, key), pem, effective_time, expire_time }
}

/// 20 bytes, first bit clear and no leading zero: the 40 upper hex characters that OpenSSL prints.
fn fresh_serial(draw: &mut Draw) -> String {
    format!("{}{}", 10 + draw.below(69), draw.hex(19)).to_uppercase()
}

/// A self-signed certificate over a key, PEM.
fn certify(key: &KeyPair, name: &str, serial: &str) -> String {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2045, 1, 1);
    params.serial_number = hex::decode(serial).ok().map(|bytes| SerialNumber::from_slice(&bytes));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    must(params.self_signed(key), "sign a certificate").pem()
}

fn pair(pem: &str) -> KeyPair {
    must(KeyPair::from_pkcs8_pem_and_sign_algo(pem, &PKCS_RSA_SHA256), "read a key of keys/")
}

fn generated() -> KeyPair {
    must(KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048), "generate a key")
}

fn signer(serial: &str, key: &KeyPair) -> Signer {
    let pair = must(RsaKeyPair::from_pkcs8(key.serialized_der()), "load a signing key");
    Signer { serial: serial.to_owned(), key: Arc::new(pair) }
}

fn verifier(key: &KeyPair) -> ParsedPublicKey {
    must(ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key_raw()), "load the merchant's public key")
}

/// Dice for what is random but not secret about fresh keys (serials, ids).
pub(crate) fn os_draw() -> Draw {
    let mut bytes = [0; 8];
    must(SystemRandom::new().fill(&mut bytes), "draw random bytes");
    Draw::new(u64::from_le_bytes(bytes))
}

/// 32 hex characters of the operating system's randomness.
pub(crate) fn secret() -> String {
    let mut bytes = [0; 16];
    must(SystemRandom::new().fill(&mut bytes), "draw a secret");
    hex::encode(bytes)
}

#[expect(clippy::panic, reason = "a pretend channel without keys cannot serve a single call; it only happens while opening one")]
fn must<T, E: std::fmt::Debug>(result: Result<T, E>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(e) => panic!("the WeChat simulator could not {what}: {e:?}"),
    }
}
