//! Certificates of the channels, where a channel makes its own trust out of them: read, dated, and checked link by link, up to a root
//! that is trusted by configuration.

use crate::rsa::{PublicKey, Strength};
use sluice_contract::{KeyUpdate, Refusal, Second};
use x509_parser::certificate::X509Certificate;
use x509_parser::parse_x509_certificate;
use x509_parser::pem::Pem;

/// Leaf, intermediates, root: no channel's chain is longer.
const LINKS_MAX: usize = 4;

const SHA256_WITH_RSA: &str = "1.2.840.113549.1.1.11";
const SHA1_WITH_RSA: &str = "1.2.840.113549.1.1.5";

/// The certificates of a PEM text, in its order.
#[must_use]
pub fn blocks(pem: &str) -> Vec<Pem> {
    Pem::iter_from_buffer(pem.as_bytes()).filter_map(Result::ok).filter(|block| block.label == "CERTIFICATE").collect()
}

/// The DER of the first block of a PEM text, which must be a certificate.
///
/// # Errors
/// For the reader of a config file.
pub fn der(pem: &str) -> Result<Vec<u8>, &'static str> {
    match Pem::iter_from_buffer(pem.as_bytes()).next() {
        Some(Ok(block)) if block.label == "CERTIFICATE" => Ok(block.contents),
        _ => Err("must be an X.509 certificate in PEM"),
    }
}

/// What can be read of these blocks, in their order; a parser that chokes on one passes it over.
#[must_use]
pub fn certificates(blocks: &[Pem]) -> Vec<X509Certificate<'_>> {
    blocks.iter().filter_map(|block| block.parse_x509().ok()).collect()
}

/// One certificate and nothing behind it.
///
/// # Errors
/// For the reader of a config file.
pub fn parsed(der: &[u8]) -> Result<X509Certificate<'_>, &'static str> {
    match parse_x509_certificate(der) {
        Ok(([], cert)) => Ok(cert),
        _ => Err("is not a readable X.509 certificate"),
    }
}

/// Both ends of a certificate's validity.
#[must_use]
pub fn span(cert: &X509Certificate<'_>) -> (Second, Second) {
    (Second(cert.validity().not_before.timestamp()), Second(cert.validity().not_after.timestamp()))
}

/// The key of a certificate, for SHA-256 and 2048 bits or more.
///
/// # Errors
/// When it is no such key.
pub fn key(cert: &X509Certificate<'_>) -> Result<PublicKey, &'static str> {
    PublicKey::from_der(cert.public_key().raw, Strength::Sha256)
}

/// Whether the issuer of that raw name and raw key signed it, with RSA over SHA-256 (or SHA-1, where a pack demands it).
#[must_use]
pub fn is_signed_by(cert: &X509Certificate<'_>, issuer: &[u8], key: &[u8], allow_sha1: bool) -> bool {
    let strength = match cert.signature_algorithm.algorithm.to_id_string().as_str() {
        SHA256_WITH_RSA => Strength::Sha256,
        SHA1_WITH_RSA if allow_sha1 => Strength::Sha1Short,
        _ => return false,
    };
    cert.issuer().as_raw() == issuer
        && cert.signature_algorithm == cert.tbs_certificate.signature
        && PublicKey::from_der(key, strength).is_ok_and(|key| key.verifies(cert.tbs_certificate.as_ref(), &cert.signature_value.data))
}

/// Whether a chain leads from `leaf` to one of the roots, over those of `between` that are authorities.
pub fn leads<'a>(
    leaf: &'a X509Certificate<'a>,
    between: impl IntoIterator<Item = &'a X509Certificate<'a>>,
    roots: &[X509Certificate<'_>],
    allow_sha1: bool,
) -> bool {
    let signs = |parent: &X509Certificate<'_>, child: &X509Certificate<'_>| {
        is_signed_by(child, parent.subject().as_raw(), parent.public_key().raw, allow_sha1)
    };
    let between: Vec<&X509Certificate<'_>> = between.into_iter().filter(|cert| cert.is_ca()).collect();
    let links = std::iter::successors(Some(leaf), |link| between.iter().copied().find(|parent| signs(parent, link)));
    links.take(LINKS_MAX).any(|link| roots.iter().any(|root| signs(root, link)))
}

/// A channel's certificate as an adapter holds it: its serial number as that channel writes it, its key, and when it is valid.
pub struct Leaf {
    pub sn: String,
    pub key: PublicKey,
    pub from: Second,
    pub until: Second,
}

impl Leaf {
    /// The first certificate of a PEM text, which counts; others may follow. `sn` is how the channel writes a serial number.
    ///
    /// # Errors
    /// For the reader of a config file.
    pub fn read(pem: &str, sn: impl Fn(&X509Certificate<'_>) -> String) -> Result<Leaf, &'static str> {
        let blocks = blocks(pem);
        let first = blocks.first().ok_or("is not a certificate in PEM")?;
        let cert = parsed(&first.contents)?;
        let (from, until) = span(&cert);
        Ok(Leaf { sn: sn(&cert), key: key(&cert)?, from, until })
    }

    #[must_use]
    pub fn is_valid(&self, now: Second) -> bool {
        (self.from..=self.until).contains(&now)
    }
}

/// Reads every item of an update before any is taken: one whose own id is not the item's refuses them all.
///
/// # Errors
/// The first item that cannot be used.
pub fn install<T>(update: &KeyUpdate, read: impl Fn(&str) -> Result<(String, T), &'static str>) -> Result<Vec<(String, T)>, Refusal> {
    let read = |(id, value): (&String, &String)| match read(value) {
        Ok((found, key)) if found == *id => Ok((found, key)),
        Ok(_) => Err(Refusal::account(format!("the certificate {id} has another serial"))),
        Err(reason) => Err(Refusal::account(format!("the certificate {id} {reason}"))),
    };
    update.items.iter().map(|item| read((&item.id, &item.value))).collect()
}

#[cfg(test)]
mod tests {
    use super::{Leaf, blocks, certificates, der, install, leads};
    use sluice_contract::{KeyItem, KeyUpdate};

    #[test]
    fn what_is_no_certificate_is_told() {
        for text in ["", "no pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"] {
            assert!(der(text).is_err() && blocks(text).is_empty(), "{text}");
        }
        for text in ["", "no pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(Leaf::read(text, |_| String::new()).is_err(), "{text}");
        }
    }

    #[test]
    fn an_item_under_anothers_id_refuses_the_whole_update() {
        let item = |id: &str| KeyItem { id: id.into(), value: "1".into(), from: None, until: None };
        let read = |value: &str| Ok((value.to_owned(), ()));
        assert_eq!(install(&KeyUpdate { items: vec![item("1")] }, read).map(|read| read.len()), Ok(1));
        assert!(install(&KeyUpdate { items: vec![item("1"), item("2")] }, read).is_err());
    }

    /// Whether a chain leads from the named certificate over the middle one to the root, all out of the published test keys.
    fn does(leaf: &str, between: &[&str], root: &str) -> Option<bool> {
        let keys: serde_json::Value = serde_json::from_str(include_str!("../../unionpay/vectors/keys.json")).ok()?;
        let pem = |name: &str| keys.get("sandbox_a")?.get(name)?.get("cert_pem")?.as_str().map(blocks);
        let (leaf, root) = (pem(leaf)?, pem(root)?);
        let between = between.iter().map(|name| pem(name)).collect::<Option<Vec<_>>>()?.concat();
        Some(leads(certificates(&leaf).first()?, &certificates(&between), &certificates(&root), false))
    }

    #[test]
    fn every_link_is_signed_by_an_authority_up_to_a_root() {
        assert_eq!(does("upsign", &["middle"], "root"), Some(true));
        assert_eq!(does("middle", &[], "root"), Some(true));
        assert_eq!(does("upsign", &[], "root"), Some(false), "a link is missing");
        assert_eq!(does("upsign", &["merchant"], "root"), Some(false), "a leaf is no authority");
        assert_eq!(does("upsign", &["middle"], "evil_root"), Some(false));
        assert_eq!(does("evil_leaf", &["middle"], "root"), Some(false));
    }
}
