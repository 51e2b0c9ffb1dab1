//! Certificate mode (pack §1.6): the serial numbers as Alipay computes them, and whether a re-issued certificate is Alipay's.

use md5::{Digest, Md5};
use sluice_contract::Second;
use sluice_kit::rsa::PublicKey;
use sluice_kit::x509::{blocks, is_signed_by, key, span};
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::Pem;
use x509_parser::x509::AttributeTypeAndValue;

/// RSA family. The root file also holds SM2 and ECDSA roots, which do not count.
const RSA_FAMILY: &str = "1.2.840.113549.1.1.";
/// Leaf, intermediates, root: longer is no chain of Alipay.
const CHAIN_MAX: usize = 4;

/// How the parts of an issuer are written.
const SHORT_NAMES: [(&str, &str); 6] =
    [("2.5.4.3", "CN"), ("2.5.4.6", "C"), ("2.5.4.7", "L"), ("2.5.4.8", "ST"), ("2.5.4.10", "O"), ("2.5.4.11", "OU")];

/// What certificate mode adds to requests, and what a re-issued certificate is judged by.
pub(crate) struct Certificates {
    pub(crate) app_sn: String,
    pub(crate) root_sn: String,
    pub(crate) alipay: String,
    pub(crate) roots: String,
}

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
pub(crate) fn is_trusted(pem: &str, files: &Certificates) -> bool {
    let blocks = [pem, &files.alipay, &files.roots].map(blocks);
    let [given, known, roots] = blocks.each_ref().map(|blocks| parsed(blocks));
    let Some(leaf) = given.first() else { return false };
    let is_same_key = known.first().is_some_and(|own| own.public_key().raw == leaf.public_key().raw);
    let between: Vec<&X509Certificate<'_>> = given.iter().skip(1).chain(known.iter().skip(1)).filter(|cert| cert.is_ca()).collect();
    let chain = std::iter::successors(Some(leaf), |link| between.iter().copied().find(|parent| is_issued_by(link, parent)));
    is_same_key || chain.take(CHAIN_MAX).any(|link| roots.iter().any(|root| is_issued_by(link, root)))
}

fn is_issued_by(child: &X509Certificate<'_>, parent: &X509Certificate<'_>) -> bool {
    is_signed_by(child, parent.subject().as_raw(), parent.public_key().raw, false)
}

fn parsed(blocks: &[Pem]) -> Vec<X509Certificate<'_>> {
    blocks.iter().filter_map(|block| block.parse_x509().ok()).collect()
}

/// MD5 of the issuer, most specific part first, and the serial in decimal. Hex of 16 bytes keeps its leading zeros.
fn sn(cert: &X509Certificate<'_>) -> String {
    let part = |attribute: &AttributeTypeAndValue<'_>| {
        let oid = attribute.attr_type().to_id_string();
        let name = SHORT_NAMES.iter().find(|(long, _)| *long == oid).map_or(oid.as_str(), |(_, short)| short);
        format!("{name}={}", attribute.as_str().unwrap_or_default())
    };
    let mut parts: Vec<String> = cert.issuer().iter_attributes().map(part).collect();
    parts.reverse();
    hex::encode(Md5::digest(format!("{}{}", parts.join(","), cert.tbs_certificate.serial)))
}
