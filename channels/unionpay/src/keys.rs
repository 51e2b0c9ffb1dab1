//! UnionPay's keys (pack §1.5, §1.9): the certificate that travels with a message, judged by our own chain and its name.
//!
//! Every merchant of the same CA has a valid chain (T4): without the third part of the subject's name, another merchant could
//! forge our notices. The two RSA signatures are checked here, because the published test chain is SHA-1, which no TLS library
//! takes any more; SHA-1 holds for certificates only, by a switch, and never for messages.

pub(crate) use crate::certificates::{install, renew};
use sluice_contract::Second;
pub(crate) use sluice_kit::channel::absent::sub_keys;
use sluice_kit::ensure::ensure;
use sluice_kit::held::Held;
use sluice_kit::rsa::PublicKey;
use sluice_kit::x509::{der, is_signed_by, key, parsed, span};
use std::collections::BTreeMap;
use std::sync::Arc;
use x509_parser::certificate::X509Certificate;

/// Who signs for UnionPay, in the third part of the common name.
pub(crate) const SIGNER_NAME: &str = "中国银联股份有限公司";
/// Who also signs in the test environment.
const TEST_SIGNER_NAME: &str = "00040000:SIGN";

/// The accepted leaves that are remembered; UnionPay uses one or two at a time.
const LEAVES_MAX: usize = 16;

/// The serial as UnionPay writes it: decimal, of any length (T11).
pub(crate) fn cert_id(pem: &str) -> Result<String, &'static str> {
    let der = der(pem)?;
    parsed(&der).map(|cert| cert.tbs_certificate.serial.to_string())
}

/// A root that is trusted by configuration, and the middle certificate it has signed.
pub(crate) struct Anchor {
    /// The middle certificate's subject and key, raw.
    name: Vec<u8>,
    key: Vec<u8>,
    from: Second,
    until: Second,
}

impl Anchor {
    /// Reads both, or tells which is wrong and why.
    pub(crate) fn read(root: &str, middle: &str, allow_sha1: bool) -> Result<Anchor, (&'static str, &'static str)> {
        let [in_root, in_middle] = ["root_certificate", "middle_certificate"].map(|field| move |reason| (field, reason));
        let (root, middle) = (der(root).map_err(in_root)?, der(middle).map_err(in_middle)?);
        let (root, middle) = (parsed(&root).map_err(in_root)?, parsed(&middle).map_err(in_middle)?);
        if let Some((_, of)) = [(&root, in_root), (&middle, in_middle)].into_iter().find(|(cert, _)| !cert.is_ca()) {
            return Err(of("is no certificate of an authority"));
        }
        let holds = is_signed_by(&middle, root.subject().as_raw(), root.public_key().raw, allow_sha1);
        ensure(holds, || in_middle("is not signed by root_certificate (a SHA-1 signature needs allow_sha1_chain)"))?;
        let ((root_from, root_until), (from, until)) = (span(&root), span(&middle));
        Ok(Anchor {
            name: middle.subject().as_raw().to_vec(),
            key: middle.public_key().raw.to_vec(),
            from: from.max(root_from),
            until: until.min(root_until),
        })
    }
}

/// A certificate that may sign for UnionPay, and when.
pub(crate) struct Leaf {
    pub(crate) key: PublicKey,
    from: Second,
    until: Second,
}

/// Whom an account believes. Accepted leaves are remembered by their full text; their time is looked at on every use.
pub(crate) struct Trust {
    anchors: Vec<Anchor>,
    signer_name: String,
    allow_sha1: bool,
    allow_test_signer: bool,
    leaves: Held<BTreeMap<String, Arc<Leaf>>>,
}

impl Trust {
    pub(crate) fn new(anchors: Vec<Anchor>, signer_name: String, allow_sha1: bool, allow_test_signer: bool) -> Trust {
        Trust { anchors, signer_name, allow_sha1, allow_test_signer, leaves: Held::default() }
    }

    /// The certificate of a message, if it may sign for UnionPay now.
    pub(crate) fn leaf(&self, pem: &str, now: Second) -> Result<Arc<Leaf>, &'static str> {
        let known = self.leaves.read().get(pem).map(Arc::clone);
        let leaf = match known {
            Some(leaf) => leaf,
            None => self.accept(pem)?,
        };
        if leaf.from <= now && now <= leaf.until { Ok(leaf) } else { Err("a certificate of the chain is not valid now") }
    }

    fn accept(&self, pem: &str) -> Result<Arc<Leaf>, &'static str> {
        let der = der(pem).map_err(|_| "signPubKeyCert is no certificate")?;
        let cert = parsed(&der).map_err(|_| "signPubKeyCert is no certificate")?;
        let issuer = cert.issuer().as_raw();
        let signed = |anchor: &&Anchor| anchor.name == issuer && is_signed_by(&cert, &anchor.name, &anchor.key, self.allow_sha1);
        let anchor = self.anchors.iter().find(signed).ok_or("signPubKeyCert is not of the configured chain")?;
        ensure(!cert.is_ca() && self.is_unionpay(&cert), || "signPubKeyCert does not name UnionPay")?;
        let key = key(&cert).map_err(|_| "signPubKeyCert has a weak key")?;
        let (from, until) = span(&cert);
        let leaf = Arc::new(Leaf { key, from: from.max(anchor.from), until: until.min(anchor.until) });
        let mut leaves = self.leaves.write();
        if leaves.len() >= LEAVES_MAX {
            leaves.clear();
        }
        leaves.insert(pem.to_owned(), Arc::clone(&leaf));
        Ok(leaf)
    }

    /// The one common name, `041@<id>@<name>@<serial>`: four parts, so that no part can hold an `@` of its own.
    fn is_unionpay(&self, cert: &X509Certificate<'_>) -> bool {
        let mut names = cert.subject().iter_common_name();
        let (Some(name), None) = (names.next(), names.next()) else { return false };
        let parts: Vec<&str> = name.as_str().unwrap_or_default().split('@').collect();
        let [_, _, signer, _] = parts.as_slice() else { return false };
        *signer == self.signer_name || (self.allow_test_signer && *signer == TEST_SIGNER_NAME)
    }
}
