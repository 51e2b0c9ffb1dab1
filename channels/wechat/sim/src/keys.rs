//! Key material: the merchant's own, the platform's certificates and the platform's public key.
//!
//! `keys/` holds throw-away keys that the vendors' SDKs publish in their tests. They were never valid at the real service.

use crate::options::{KeyMode, Options};
use sluice_simkit::keys::{KeySource, fresh_serial, os_draw, secret};
use sluice_simkit::{Draw, RsaKey, Verifier};

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
    key: RsaKey,
}

impl Signer {
    fn new(serial: &str, key: &RsaKey) -> Signer {
        Signer { serial: serial.to_owned(), key: key.clone() }
    }

    /// base64 of RSASSA-PKCS1-v1_5 with SHA-256 (pack §2.2).
    pub(crate) fn sign(&self, message: &[u8]) -> String {
        self.key.sign(message)
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
    merchant: Verifier,
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
        let platform = RsaKey::from_pem(PLATFORM_KEY);
        let first = fixed_certificate("D7CE59D1F522D701", PLATFORM_CERTIFICATE, &platform);
        let second = fixed_certificate("F5765756002FDD77", PLATFORM_NEXT_CERTIFICATE, &platform);
        let certificates = if options.certificates > 1 { vec![second, first] } else { vec![first] };
        let merchant = RsaKey::from_pem(MERCHANT_KEY);
        let public = RsaKey::from_pem(PUBLIC_KEY);
        // The published certificate of this key ran out in 2025; one of our own keeps its serial.
        let merchant_serial = "5F1C72E2A8931B72A2E13AF8DEE92471EB397115".to_owned();
        let merchant_certificate_pem = merchant.certify(MERCHANT_NAME, &merchant_serial);
        Keys {
            merchant_serial,
            merchant_key_pem: MERCHANT_KEY.to_owned(),
            merchant_certificate_pem,
            merchant: merchant.verifier(),
            certificates,
            public: Signer::new(PUBLIC_KEY_ID, &public),
            public_pem: public.public_pem(),
            api_v3_key: "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb".to_owned(),
            api_v2_key: "192006250b4c09247ec02edce69f6a2d".to_owned(),
            source: KeySource::Fixed,
        }
    }

    fn fresh(options: &Options) -> Keys {
        let mut draw = os_draw();
        let merchant = RsaKey::generate();
        let merchant_serial = fresh_serial(&mut draw);
        let merchant_certificate_pem = merchant.certify(MERCHANT_NAME, &merchant_serial);
        let public = RsaKey::generate();
        let certificates = (0..options.certificates.max(1)).map(|_| minted(&RsaKey::generate(), &mut draw)).collect();
        Keys {
            merchant_serial,
            merchant_key_pem: merchant.private_pem(),
            merchant_certificate_pem,
            merchant: merchant.verifier(),
            certificates,
            public: Signer::new(&format!("PUB_KEY_ID_{}", draw.digits(34)), &public),
            public_pem: public.public_pem(),
            api_v3_key: secret(),
            api_v2_key: secret(),
            source: KeySource::Fresh,
        }
    }

    /// A new platform certificate takes over; the one before stays valid beside it (pack §2.3).
    pub(crate) fn rotate(&mut self, draw: &mut Draw) {
        let next = match self.source {
            KeySource::Fresh => minted(&RsaKey::generate(), draw),
            KeySource::Fixed if self.certificates.len() == 1 => {
                fixed_certificate("F5765756002FDD77", PLATFORM_NEXT_CERTIFICATE, &RsaKey::from_pem(PLATFORM_KEY))
            }
            // Another serial is what a rotation is about; alternating two keys makes the change real as well.
            KeySource::Fixed if self.certificates.len().is_multiple_of(2) => minted(&RsaKey::from_pem(PUBLIC_KEY), draw),
            KeySource::Fixed => minted(&RsaKey::from_pem(PLATFORM_KEY), draw),
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
        self.merchant.holds(message, signature)
    }
}

fn fixed_certificate(serial: &str, pem: &str, key: &RsaKey) -> Certificate {
    let (effective_time, expire_time) = ("2021-04-27T16:55:23+08:00", "2031-04-25T16:55:23+08:00");
    Certificate { signer: Signer::new(serial, key), pem: pem.to_owned(), effective_time, expire_time }
}

fn minted(key: &RsaKey, draw: &mut Draw) -> Certificate {
    let serial = fresh_serial(draw);
    let pem = key.certify("Tenpay.com sandbox platform", &serial);
    let (effective_time, expire_time) = ("2020-01-01T08:00:00+08:00", "2045-01-01T08:00:00+08:00");
    Certificate { signer: Signer::new(&serial, key), pem, effective_time, expire_time }
}
