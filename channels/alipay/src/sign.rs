//! Canonical strings, the signed part of a reply, and what a signature is worth (pack §1.3 to §1.5).
//!
//! `sign_type` is IN for requests and OUT for trade notices: that is the whole difference between the two strings.
//!
//! **The trust rule.** A reply is *sealed* when the signature holds over the raw bytes of its one node, a notice when it holds
//! over its form. Then:
//!
//! | message | sealed | unsigned or badly signed |
//! |---|---|---|
//! | `10000`, `10003` | believed | unknown |
//! | error | believed | unknown: an error may end an attempt and free its limit |
//! | notice | believed | forged |

use crate::keys::Ring;
use sluice_contract::fields::parse_json;
pub(crate) use sluice_kit::form::canonical;
use sluice_kit::form::{borrowed, value};
pub(crate) use sluice_kit::raw::member as raw_member;
#[cfg(test)]
pub(crate) use sluice_kit::raw::numbers_as_text;
use std::collections::BTreeSet;

/// What a request's signature covers: everything that is sent but `sign`, without empty values.
pub(crate) fn request_text(pairs: &[(String, String)]) -> String {
    canonical(borrowed(pairs).filter(|(name, value)| *name != "sign" && !value.is_empty()))
}

/// What the signature of a message is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    Holds,
    Absent,
    Broken,
    /// Signed under a certificate that we do not hold.
    UnknownKey(String),
}

/// Judges a trade notice (rule v1). Whether empty values take part is documented both ways: as received, and once without (RULING of
/// pack §1.5). `alipay_cert_sn` in a notice is UNCONFIRMED: it is tried in and out, and names the key.
pub(crate) fn notice_seal(ring: &Ring, pairs: &[(String, String)]) -> Seal {
    let Some(signature) = value(pairs, "sign") else { return Seal::Absent };
    let sn = value(pairs, "alipay_cert_sn").filter(|sn| !sn.is_empty());
    let text = |(empties, sn): (bool, bool)| {
        let out = |name: &str| name == "sign" || name == "sign_type" || (!sn && name == "alipay_cert_sn");
        canonical(borrowed(pairs).filter(|(name, value)| !out(name) && (empties || !value.is_empty())))
    };
    // Most notices have neither: then all four are one.
    let texts = BTreeSet::from([(true, true), (false, true), (true, false), (false, false)].map(text));
    let mut seals = texts.iter().map(|text| ring.seal(text.as_bytes(), signature, sn));
    seals.find(|seal| *seal != Seal::Broken).unwrap_or(Seal::Broken)
}

/// A reply taken apart. Nothing of it is verified yet.
pub(crate) struct Envelope<'a> {
    /// The root is `error_response`, not the method's own.
    pub(crate) is_error_root: bool,
    /// The bytes that are signed: `{…}`, or `"…"` with its quotes when encrypted.
    pub(crate) node: &'a [u8],
    /// What is no text is kept as a signature that cannot hold.
    pub(crate) signature: Option<String>,
    pub(crate) cert_sn: Option<String>,
}

/// Takes a reply to `method` apart. `None`: no JSON object, a key that stands there twice, or no node of this method.
pub(crate) fn envelope<'a>(body: &'a [u8], method: &str) -> Option<Envelope<'a>> {
    let tree = parse_json(body).ok()?;
    let own = format!("{}_response", method.replace('.', "_"));
    let is_error_root = tree.get("error_response").is_some();
    let node = raw_member(body, if is_error_root { "error_response" } else { &own })?;
    // Both together are no reply.
    (!is_error_root || tree.get(&own).is_none()).then_some(())?;
    let member = |name: &str| tree.get(name).map(|value| value.as_str().unwrap_or_default().to_owned());
    Some(Envelope { is_error_root, node, signature: member("sign"), cert_sn: member("alipay_cert_sn") })
}

impl Envelope<'_> {
    pub(crate) fn seal(&self, ring: &Ring) -> Seal {
        self.signature.as_ref().map_or(Seal::Absent, |signature| ring.seal(self.node, signature, self.cert_sn.as_deref()))
    }
}
