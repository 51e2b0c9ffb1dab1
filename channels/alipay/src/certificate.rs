//! Certificate mode (pack §1.6): the serial numbers as Alipay computes them, and whether a re-issued certificate is Alipay's.

use md5::{Digest, Md5};
use sluice_contract::Second;
use sluice_kit::rsa::PublicKey;
use sluice_kit::x509::{blocks, is_signed_by, key, span};
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::Pem;

/// RSA family. The root file also holds SM2 and ECDSA roots, which do not count.
const RSA_FAMILY: &str = "1.2.840.113549.1.1.";
/// Leaf, intermediates, root: longer is no chain of Alipay.
const CHAIN_MAX: usize = 4;

/// The first certificate of a file: the one that counts.
pub(crate) struct Certificate {
    pub(crate) sn: String,
    pub(crate) key: PublicKey,
    pub(crate) from: Second,
    pub(crate) until: Second,
}

pub(crate) fn read(pem: &str) -> Result<Certificate, &'static str> {
    let blocks = blocks(pem);
    let first = blocks.first().ok_or("is not a certificate in PEM")?;
    let cert = first.parse_x509().map_err(|_| "is not a readable X.509 certificate")?;
    let (from, until) = span(&cert);
    Ok(Certificate { sn: sn(&cert), key: key(&cert)?, from, until })
}

/// `alipay_root_cert_sn`: of every RSA certificate of the file, in its order.
pub(crate) fn root_sn(pem: &str) -> Result<String, &'static str> {
    let blocks = blocks(pem);
    let counts = |cert: &X509Certificate<'_>| cert.signature_algorithm.algorithm.to_id_string().starts_with(RSA_FAMILY);
    // A parser that chokes on the SM2 certificate passes it over.
    let sns: Vec<String> = blocks.iter().filter_map(|block| block.parse_x509().ok()).filter(counts).map(|cert| sn(&cert)).collect();
    if sns.is_empty() { Err("holds no RSA root certificate") } else { Ok(sns.join("_")) }
}

/// Whether the first certificate of `pem` may sign for Alipay: it keeps the key of the one we know (pack §1.4), or a chain
/// leads from it to one of the RSA roots, over intermediates that stand in either file.
pub(crate) fn is_trusted(pem: &str, known: &str, roots: &str) -> bool {
    let (given, known, roots) = (blocks(pem), blocks(known), blocks(roots));
    let (given, known, roots) = (parsed(&given), parsed(&known), parsed(&roots));
    let Some(mut link) = given.first() else { return false };
    if known.first().is_some_and(|own| own.public_key().raw == link.public_key().raw) {
        return true;
    }
    let between: Vec<&X509Certificate<'_>> = given.iter().skip(1).chain(known.iter().skip(1)).filter(|cert| cert.is_ca()).collect();
    for _ in 0..CHAIN_MAX {
        if roots.iter().any(|root| is_issued_by(link, root)) {
            return true;
        }
        match between.iter().find(|parent| is_issued_by(link, parent)) {
            Some(parent) => link = parent,
            None => return false,
        }
    }
    false
}

fn is_issued_by(child: &X509Certificate<'_>, parent: &X509Certificate<'_>) -> bool {
    is_signed_by(child, parent.subject().as_raw(), parent.public_key().raw, false)
}

fn parsed(blocks: &[Pem]) -> Vec<X509Certificate<'_>> {
    blocks.iter().filter_map(|block| block.parse_x509().ok()).collect()
}

/// MD5 of the issuer, most specific part first, and the serial in decimal. Hex of 16 bytes keeps its leading zeros.
fn sn(cert: &X509Certificate<'_>) -> String {
    let mut parts: Vec<String> = cert
        .issuer()
        .iter_attributes()
        .map(|attribute| format!("{}={}", short_name(&attribute.attr_type().to_id_string()), attribute.as_str().unwrap_or_default()))
        .collect();
    parts.reverse();
    hex::encode(Md5::digest(format!("{}{}", parts.join(","), cert.tbs_certificate.serial)))
}

fn short_name(oid: &str) -> &str {
    match oid {
        "2.5.4.3" => "CN",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        other => other,
    }
}
