//! Key material: the app's own pair, Alipay's pair, the content key and the certificates of both (pack §1.6, §1.7).
//!
//! `keys/` holds throw-away keys: the two that SDKs publish in their tests, and a root that signs nothing but what is made here.

use crate::options::Options;
use crate::party::{APP_ID, PID};
use aws_lc_rs::cipher::{
    AES_128, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use base64::{Engine, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, SerialNumber, date_time_ymd};
use sluice_simkit::keys::{KeySource, must, os_draw, secret};
use sluice_simkit::{Draw, RsaKey, Verifier};

const APP_KEY: &str = include_str!("../keys/app.key.pem");
const ALIPAY_KEY: &str = include_str!("../keys/alipay.key.pem");
const ROOT_KEY: &str = include_str!("../keys/root.key.pem");
/// Never signs anything here; a reader of the root file must step over them, or count them, as the pack says.
const SM2_ROOT: &str = include_str!("../keys/root_sm2.cert.pem");
const EC_ROOT: &str = include_str!("../keys/root_ec.cert.pem");
const SHA1_ROOT: &str = include_str!("../keys/root_sha1.cert.pem");

const ROOT_NAME: &str = "Sandbox Authority Class 1 R1";
const OLD_ROOT_NAME: &str = "Sandbox Authority Class 0";
const OLD_ROOT_SERIAL: u128 = 305_419_896;

pub(crate) struct Keys {
    pub(crate) app: RsaKey,
    app_verifier: Verifier,
    pub(crate) alipay: RsaKey,
    /// base64 of 16 bytes.
    pub(crate) encrypt_key: String,
    pub(crate) certificates: Option<Certificates>,
}

/// What certificate mode adds.
pub(crate) struct Certificates {
    root: RsaKey,
    pub(crate) root_file: String,
    pub(crate) root_sn: String,
    pub(crate) app: Certificate,
    /// Alipay's, oldest first; the last one is current.
    pub(crate) alipay: Vec<Certificate>,
}

#[derive(Clone)]
pub(crate) struct Certificate {
    pub(crate) sn: String,
    pub(crate) pem: String,
}

impl Keys {
    pub(crate) fn open(options: &Options) -> Keys {
        let fresh = options.keys == KeySource::Fresh;
        let (app, alipay) =
            if fresh { (RsaKey::generate(), RsaKey::generate()) } else { (RsaKey::from_pem(APP_KEY), RsaKey::from_pem(ALIPAY_KEY)) };
        let encrypt_key =
            if fresh { STANDARD.encode(hex::decode(secret()).unwrap_or_default()) } else { "aYA0GP8JEW+D7/UFaskCWA==".to_owned() };
        let certificates = options.certificates.then(|| {
            let root = if fresh { RsaKey::generate() } else { RsaKey::from_pem(ROOT_KEY) };
            let mut draw = if fresh { os_draw() } else { Draw::new(options.seed) };
            Certificates::open(root, &app, &alipay, &mut draw)
        });
        Keys { app_verifier: app.verifier(), app, alipay, encrypt_key, certificates }
    }

    pub(crate) fn app_signed(&self, message: &[u8], signature: &str) -> bool {
        self.app_verifier.holds(message, signature)
    }

    /// A new certificate for Alipay's same key (pack §1.4). Answers its SN.
    pub(crate) fn reissue(&mut self, draw: &mut Draw) -> Option<String> {
        let certificates = self.certificates.as_mut()?;
        let next = certificates.issue("Sandbox Alipay", &self.alipay, draw);
        certificates.alipay.push(next.clone());
        Some(next.sn)
    }

    /// AES-128-CBC, PKCS7, IV of zeros, base64 (pack §1.7).
    pub(crate) fn encrypt(&self, plain: &str) -> Option<String> {
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(self.cipher_key()?).ok()?;
        let mut buffer = plain.as_bytes().to_vec();
        key.less_safe_encrypt(&mut buffer, EncryptionContext::Iv128(FixedLength::from([0; 16]))).ok()?;
        Some(STANDARD.encode(buffer))
    }

    pub(crate) fn decrypt(&self, text: &str) -> Option<String> {
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(self.cipher_key()?).ok()?;
        let mut buffer = STANDARD.decode(text).ok()?;
        let plain = key.decrypt(&mut buffer, DecryptionContext::Iv128(FixedLength::from([0; 16]))).ok()?;
        String::from_utf8(plain.to_vec()).ok()
    }

    fn cipher_key(&self) -> Option<UnboundCipherKey> {
        UnboundCipherKey::new(&AES_128, &STANDARD.decode(&self.encrypt_key).ok()?).ok()
    }
}

impl Certificates {
    fn open(root: RsaKey, app: &RsaKey, alipay: &RsaKey, draw: &mut Draw) -> Certificates {
        let serial = fresh_serial(draw);
        let mut root_params = params(ROOT_NAME, serial);
        root_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root_pem = must(root_params.self_signed(&*root.pair), "sign a root certificate").pem();
        let mut made = Certificates {
            root,
            root_file: [SM2_ROOT, &root_pem, EC_ROOT, SHA1_ROOT].concat(),
            root_sn: format!("{}_{}", sn(ROOT_NAME, serial), sn(OLD_ROOT_NAME, OLD_ROOT_SERIAL)),
            app: Certificate { sn: String::new(), pem: String::new() },
            alipay: Vec::new(),
        };
        made.app = made.issue(&format!("{PID}-{APP_ID}"), app, draw);
        let mut first = made.issue("Sandbox Alipay", alipay, draw);
        // The downloaded file may hold the issuer too: the first one counts.
        first.pem.push_str(&root_pem);
        made.alipay.push(first);
        made
    }

    fn issue(&self, name: &str, key: &RsaKey, draw: &mut Draw) -> Certificate {
        let serial = fresh_serial(draw);
        let root_params = params(ROOT_NAME, 1);
        let issuer = Issuer::from_params(&root_params, &*self.root.pair);
        let pem = must(params(name, serial).signed_by(&*key.pair, &issuer), "sign a certificate").pem();
        Certificate { sn: sn(ROOT_NAME, serial), pem }
    }

    pub(crate) fn current(&self) -> Option<&Certificate> {
        self.alipay.last()
    }
}

fn params(name: &str, serial: u128) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2045, 1, 1);
    params.serial_number = Some(SerialNumber::from_slice(&serial.to_be_bytes()));
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in [
        (DnType::CountryName, "CN"),
        (DnType::OrganizationName, "Sandbox Financial"),
        (DnType::OrganizationalUnitName, "Certification Authority"),
        (DnType::CommonName, name),
    ] {
        params.distinguished_name.push(kind, value);
    }
    params
}

/// MD5 of the issuer, most specific part first, and the serial in decimal (pack §1.6).
fn sn(issuer: &str, serial: u128) -> String {
    hex::encode(Md5::digest(format!("CN={issuer},OU=Certification Authority,O=Sandbox Financial,C=CN{serial}")))
}

/// 16 bytes, first bit clear and first byte not zero.
fn fresh_serial(draw: &mut Draw) -> u128 {
    u128::from_str_radix(&format!("{}{}", draw.below(69).saturating_add(10), draw.hex(15)), 16).unwrap_or(1)
}
