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
use aws_lc_rs::digest::{Context, SHA256};
use sluice_contract::{Notes, Refusal, Second};
use sluice_kit::blob::Part;
use sluice_kit::ensure::ensure;
use sluice_kit::rsa::PrivateKey;
use sm3::{Digest, Sm3};
use std::io::{BufRead, BufReader};
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
        self.of(|more| more(text))
    }

    /// Of a text that comes in pieces.
    fn of(self, pieces: impl FnOnce(&mut dyn FnMut(&[u8]))) -> String {
        match self {
            Hash::Sha256 => {
                let mut sum = Context::new(&SHA256);
                pieces(&mut |piece| sum.update(piece));
                hex::encode(sum.finish())
            }
            Hash::Sm3 => {
                let mut sum = Sm3::new();
                pieces(&mut |piece| sum.update(piece));
                hex::encode(sum.finalize())
            }
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
                key.sign(digest_hex(&signed, None).as_bytes())?
            }
            Signer::Key { hash, secret } => {
                signed.insert("signMethod".into(), hash.method().into());
                keyed(*hash, &signed, None, secret)
            }
        };
        signed.insert("signature".into(), signature);
        Ok(signed)
    }
}

/// A value that is too large to be held: the name of its field, which has no other value, and where it lies.
pub(crate) type Large<'a> = Option<(&'a str, &'a Part)>;

/// `key=value&…` of everything but the signature, in byte order of the keys, nothing encoded.
pub(crate) fn canonical(fields: &Notes, large: Large<'_>, more: &mut dyn FnMut(&[u8])) {
    for (nth, (name, value)) in fields.iter().filter(|(name, _)| *name != "signature").enumerate() {
        let before: &[u8] = if nth == 0 { b"" } else { b"&" };
        [before, name.as_bytes(), b"=", value.as_bytes()].into_iter().for_each(&mut *more);
        if let Some((_, part)) = large.filter(|(large, _)| large == name) {
            // A file that cannot be read gives another text: the signature does not hold.
            let mut lines = BufReader::with_capacity(64 * 1024, part.clone());
            while let Ok(piece @ [_, ..]) = lines.fill_buf() {
                more(piece);
                let length = piece.len();
                lines.consume(length);
            }
        }
    }
}

/// The 64 characters that an RSA signature covers.
pub(crate) fn digest_hex(fields: &Notes, large: Large<'_>) -> String {
    Hash::Sha256.of(|more| canonical(fields, large, more))
}

fn keyed(hash: Hash, fields: &Notes, large: Large<'_>, secret: &str) -> String {
    let key_hash = Zeroizing::new(hash.hex(secret.as_bytes()));
    hash.of(|more| {
        canonical(fields, large, more);
        more(b"&");
        more(key_hash.as_bytes());
    })
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
    pub(crate) fn check(&self, fields: &Notes, large: Large<'_>, now: Second) -> Result<(), &'static str> {
        let get = |name: &str| fields.get(name).map(String::as_str);
        // T18: a message that chooses its own version or method is a downgrade.
        let is_own = get("version") == Some(VERSION) && get("signMethod") == Some(self.method());
        ensure(is_own, || "the version or signMethod is not this account's")?;
        let signature = get("signature").filter(|text| !text.is_empty()).ok_or("there is no signature")?;
        let holds = match self {
            Verifier::Chain(trust) => {
                let leaf = trust.leaf(get("signPubKeyCert").ok_or("there is no signPubKeyCert")?, now)?;
                leaf.key.verifies_base64(digest_hex(fields, large).as_bytes(), signature)
            }
            Verifier::Key { hash, secrets } => secrets
                .iter()
                .any(|secret| verify_slices_are_equal(keyed(*hash, fields, large, secret).as_bytes(), signature.as_bytes()).is_ok()),
        };
        ensure(holds, || "the signature does not hold")
    }
}
