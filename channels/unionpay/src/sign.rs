//! Signatures of messages (pack §1.4, §1.5, §1.7): one canonical text, three methods, chosen by the account and never by a message.
//!
//! | | signs | verifies |
//! |---|---|---|
//! | 01 | RSA with SHA-256 over the *hex text* of the SHA-256 of the canonical text (hashed twice, T1) | the same, with the certificate in the message ([`crate::keys`]) |
//! | 11, 12 | `H(canonical & H(key))`, lower-case hex, H = SHA-256 or SM3 | the same text, compared in constant time |
//!
//! Signing trims values and drops blank ones; verifying keeps everything that came, unknown and empty fields too (T10).

use crate::keys::Trust;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use sluice_contract::{Notes, Refusal, Second};
use sluice_kit::ensure::ensure;
use sluice_kit::form;
use sluice_kit::rsa::PrivateKey;
use sm3::{Digest, Sm3};
use zeroize::Zeroizing;

/// The only generation of this adapter: 5.0.0 is SHA-1 and refused on receipt.
pub(crate) const VERSION: &str = "5.1.0";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sm3,
}

impl Hash {
    fn hex(self, text: &[u8]) -> String {
        match self {
            Hash::Sha256 => hex::encode(digest(&SHA256, text)),
            Hash::Sm3 => hex::encode(Sm3::digest(text)),
        }
    }

    const fn method(self) -> &'static str {
        match self {
            Hash::Sha256 => "11",
            Hash::Sm3 => "12",
        }
    }
}

/// The merchant's side.
pub(crate) enum Signer {
    Rsa {
        /// The serial of the merchant's certificate, decimal.
        cert_id: String,
        key: PrivateKey,
    },
    Key {
        hash: Hash,
        secret: Zeroizing<String>,
    },
}

impl Signer {
    /// Completes and signs a message: nothing may be changed in it afterwards.
    pub(crate) fn sign(&self, fields: &Notes) -> Result<Notes, Refusal> {
        let mut signed: Notes = fields
            .iter()
            .map(|(name, value)| (name.clone(), value.trim().to_owned()))
            .filter(|(name, value)| !value.is_empty() && name != "signature")
            .collect();
        let signature = match self {
            Signer::Rsa { cert_id, key } => {
                signed.insert("signMethod".into(), "01".into());
                signed.insert("certId".into(), cert_id.clone());
                key.sign(digest_hex(&signed).as_bytes())?
            }
            Signer::Key { hash, secret } => {
                signed.insert("signMethod".into(), hash.method().into());
                keyed(*hash, &signed, secret)
            }
        };
        signed.insert("signature".into(), signature);
        Ok(signed)
    }
}

/// `key=value&…` of everything but the signature, in byte order of the keys, nothing encoded.
pub(crate) fn canonical(fields: &Notes) -> String {
    form::canonical(fields.iter().filter(|(name, _)| *name != "signature").map(|(name, value)| (name.as_str(), value.as_str())))
}

/// The 64 characters that an RSA signature covers.
pub(crate) fn digest_hex(fields: &Notes) -> String {
    Hash::Sha256.hex(canonical(fields).as_bytes())
}

fn keyed(hash: Hash, fields: &Notes, secret: &str) -> String {
    let key_hash = Zeroizing::new(hash.hex(secret.as_bytes()));
    let text = Zeroizing::new(format!("{}&{}", canonical(fields), key_hash.as_str()));
    hash.hex(text.as_bytes())
}

/// UnionPay's side.
pub(crate) enum Verifier {
    Chain(Trust),
    /// The current secret first, then the former one.
    Key {
        hash: Hash,
        secrets: Vec<Zeroizing<String>>,
    },
}

impl Verifier {
    const fn method(&self) -> &'static str {
        match self {
            Verifier::Chain(_) => "01",
            Verifier::Key { hash, .. } => hash.method(),
        }
    }

    /// Whether UnionPay has signed this; why not, otherwise.
    pub(crate) fn check(&self, fields: &Notes, now: Second) -> Result<(), &'static str> {
        let get = |name: &str| fields.get(name).map(String::as_str);
        // T18: a message that chooses its own version or method is a downgrade.
        let is_own = get("version") == Some(VERSION) && get("signMethod") == Some(self.method());
        ensure(is_own, || "the version or signMethod is not this account's")?;
        let signature = get("signature").filter(|text| !text.is_empty()).ok_or("there is no signature")?;
        let holds = match self {
            Verifier::Chain(trust) => {
                let leaf = trust.leaf(get("signPubKeyCert").ok_or("there is no signPubKeyCert")?, now)?;
                leaf.key.verifies_base64(digest_hex(fields).as_bytes(), signature)
            }
            Verifier::Key { hash, secrets } => {
                secrets.iter().any(|secret| verify_slices_are_equal(keyed(*hash, fields, secret).as_bytes(), signature.as_bytes()).is_ok())
            }
        };
        ensure(holds, || "the signature does not hold")
    }
}
