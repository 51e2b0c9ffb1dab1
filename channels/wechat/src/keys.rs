//! WeChat's keys: the ones that sign what it sends us, by the text of `Wechatpay-Serial`.
//!
//! Two modes at once (pack §2.3): platform certificates (hex serial, fetched and rotated) and the WeChat Pay public key
//! (`PUB_KEY_ID_…`, configured). A serial is only ever a name to look up; it is never parsed.

pub(crate) use crate::certificates::{install, renew};
use sluice_contract::Second;
pub(crate) use sluice_kit::channel::absent::sub_keys;
use sluice_kit::held::Held;
use sluice_kit::rsa::{PublicKey, Strength};
use sluice_kit::x509;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;
use x509_parser::pem::Pem;

/// A key that verifies, and when it may.
pub(crate) struct PlatformKey {
    key: PublicKey,
    from: Option<Second>,
    until: Option<Second>,
}

impl PlatformKey {
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verifies(message, signature)
    }

    fn is_valid(&self, now: Second) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now <= until)
    }

    /// Both ends of the validity, unix seconds.
    pub(crate) const fn validity(&self) -> (Option<Second>, Option<Second>) {
        (self.from, self.until)
    }
}

/// All keys of an account by their id. Only grows; an expired certificate is simply no longer found.
#[derive(Default)]
pub(crate) struct Keys {
    by_id: Held<BTreeMap<String, Arc<PlatformKey>>>,
}

impl Keys {
    /// The key of that id if it is valid now.
    pub(crate) fn get(&self, id: &str, now: Second) -> Option<Arc<PlatformKey>> {
        self.by_id.read().get(id).filter(|key| key.is_valid(now)).map(Arc::clone)
    }

    pub(crate) fn add(&self, id: String, key: Arc<PlatformKey>) {
        self.by_id.write().insert(id, key);
    }
}

/// Reads an X.509 certificate in PEM: its serial as OpenSSL prints it (upper hex, leading zeros kept) and its key.
pub(crate) fn certificate(pem: &str) -> Result<(String, PlatformKey), &'static str> {
    let der = x509::der(pem)?;
    let cert = x509::parsed(&der)?;
    // DER puts a zero byte before a serial whose first bit is set; it is a sign, not a digit.
    let serial = match cert.raw_serial() {
        [0, rest @ ..] if !rest.is_empty() => rest,
        whole => whole,
    };
    let (from, until) = x509::span(&cert);
    Ok((hex::encode_upper(serial), PlatformKey { key: x509::key(&cert)?, from: Some(from), until: Some(until) }))
}

/// Reads a public key in PEM (SPKI), as the merchant console hands it out. It never expires.
pub(crate) fn public_key(pem: &str) -> Result<PlatformKey, &'static str> {
    match Pem::read(Cursor::new(pem.as_bytes())) {
        Ok((block, _)) if block.label == "PUBLIC KEY" => {
            Ok(PlatformKey { key: PublicKey::from_der(&block.contents, Strength::Sha256)?, from: None, until: None })
        }
        _ => Err("is not PEM of the right kind"),
    }
}
