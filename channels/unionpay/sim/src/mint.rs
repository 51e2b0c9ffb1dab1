//! Certificates of the sandbox's own authority: what the real chain looks like, SHA-1 included (pack §1.5, §8.2).

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, IsCa, Issuer, KeyUsagePurpose, PublicKeyData, SerialNumber,
    date_time_ymd,
};
use rsa::pkcs8::DecodePrivateKey;
use rsa::{Pkcs1v15Sign, PrivateKey};
use sha1::{Digest, Sha1};
use sluice_simkit::RsaKey;
use sluice_simkit::keys::must;

const SHA256_WITH_RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const SHA1_WITH_RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05];

/// Who signs: a name and its key.
pub(crate) struct Authority<'a> {
    pub(crate) name: &'a str,
    pub(crate) key: &'a RsaKey,
}

/// What a certificate says.
pub(crate) struct Subject<'a> {
    pub(crate) name: &'a str,
    /// Big: serials may exceed 64 bits (trap T11).
    pub(crate) serial: u128,
    pub(crate) years: (i32, i32),
}

impl Subject<'_> {
    pub(crate) fn cert_id(&self) -> String {
        self.serial.to_string()
    }
}

/// A self-signed root.
pub(crate) fn root(subject: &Subject<'_>, key: &RsaKey) -> String {
    must(params(subject, authority_name(subject.name), true).self_signed(&*key.pair), "sign a root certificate").pem()
}

/// A middle authority under a root.
pub(crate) fn middle(subject: &Subject<'_>, key: &RsaKey, by: &Authority<'_>) -> String {
    issued(params(subject, authority_name(subject.name), true), key, by)
}

/// A leaf. Like the published ones it has a key usage and no basic constraints.
pub(crate) fn leaf(subject: &Subject<'_>, key: &RsaKey, by: &Authority<'_>) -> String {
    issued(params(subject, leaf_name(subject.name), false), key, by)
}

fn issued(params: CertificateParams, key: &RsaKey, by: &Authority<'_>) -> String {
    let mut signer = CertificateParams::default();
    signer.distinguished_name = authority_name(by.name);
    let issuer = Issuer::from_params(&signer, &*by.key.pair);
    must(params.signed_by(&PublicPart(key), &issuer), "sign a certificate").pem()
}

struct PublicPart<'a>(&'a RsaKey);

impl PublicKeyData for PublicPart<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.pair.public_key_raw()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

fn params(subject: &Subject<'_>, name: DistinguishedName, authority: bool) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(subject.years.0, 1, 1);
    params.not_after = date_time_ymd(subject.years.1, 1, 1);
    let bytes: Vec<u8> = subject.serial.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    params.serial_number = Some(SerialNumber::from_slice(&bytes));
    params.distinguished_name = name;
    if authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    } else {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment, KeyUsagePurpose::KeyEncipherment];
    }
    params
}

fn name(country: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    // A country is printable text, the rest UTF-8: names are compared byte by byte.
    if let Ok(country) = country.try_into() {
        name.push(DnType::CountryName, DnValue::PrintableString(country));
    }
    name
}

fn authority_name(common: &str) -> DistinguishedName {
    let mut name = name("CN");
    name.push(DnType::OrganizationName, "Sluice Sandbox CA");
    name.push(DnType::CommonName, common);
    name
}

fn leaf_name(common: &str) -> DistinguishedName {
    let mut name = name("CN");
    name.push(DnType::OrganizationName, "SLUICE OCA1");
    name.push(DnType::OrganizationalUnitName, "Enterprises");
    name.push(DnType::CommonName, common);
    name
}

/// The same certificate, signed again with SHA-1. No safe library signs that any more, so the bytes are exchanged here:
/// both names of the algorithm have the same length, and the signature has the length of the key.
pub(crate) fn with_sha1(pem: &str, by: &RsaKey) -> String {
    let mut der = must(STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()), "read a certificate");
    let places: Vec<usize> =
        der.windows(SHA256_WITH_RSA.len()).enumerate().filter(|(_, w)| **w == SHA256_WITH_RSA).map(|(at, _)| at).collect();
    for at in places {
        if let Some(found) = der.get_mut(at..at.saturating_add(SHA1_WITH_RSA.len())) {
            found.copy_from_slice(&SHA1_WITH_RSA);
        }
    }
    // SEQUENCE (4 bytes of head) { to-be-signed: 4 bytes of head and its length, … }
    let length = match der.get(4..8) {
        Some(&[0x30, 0x82, high, low]) => usize::from(u16::from_be_bytes([high, low])).saturating_add(4),
        _ => 0,
    };
    let signed = der.get(4..length.saturating_add(4)).unwrap_or_default();
    let key = must(PrivateKey::from_pkcs8_pem(&by.private_pem()), "load a key for SHA-1");
    let signature = must(key.sign(Pkcs1v15Sign::new::<Sha1>(), &Sha1::digest(signed)), "sign with SHA-1");
    let start = der.len().saturating_sub(signature.len());
    if let Some(old) = der.get_mut(start..) {
        old.copy_from_slice(&signature);
    }
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
