//! Signatures: canonical text, the doubled SHA-256 of a certificate, and the secure keys (pack §1.4, §1.5, §1.7).

use crate::fail::Fail;
use crate::keys::{Keys, as_sent};
use crate::options::SignerKind;
use sha2::{Digest, Sha256};
use sm3::Sm3;
use std::collections::BTreeMap;

/// A message's fields. Its order is the byte order that the canonical text needs.
pub(crate) type Fields = BTreeMap<String, String>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignMethod {
    Certificate,
    Sha256Key,
    Sm3Key,
}

impl SignMethod {
    pub(crate) fn from_word(word: &str) -> Option<SignMethod> {
        Some(match word {
            "01" => SignMethod::Certificate,
            "11" => SignMethod::Sha256Key,
            "12" => SignMethod::Sm3Key,
            _ => return None,
        })
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            SignMethod::Certificate => "01",
            SignMethod::Sha256Key => "11",
            SignMethod::Sm3Key => "12",
        }
    }
}

/// `k=v&k=v` of everything but the signature, raw, empty values too.
pub(crate) fn canonical(fields: &Fields) -> String {
    let pairs = fields.iter().filter(|(name, _)| *name != "signature").map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("&")
}

/// `H(canonical & H(key))` in lower-case hex.
fn keyed(method: SignMethod, canonical: &str, secure_key: &str) -> String {
    let hash = |text: &str| match method {
        SignMethod::Sm3Key => hex::encode(Sm3::digest(text.as_bytes())),
        _ => hex::encode(Sha256::digest(text.as_bytes())),
    };
    hash(&format!("{canonical}&{}", hash(secure_key)))
}

impl Keys {
    /// Signs what goes out: the certificate travels in the message and is signed with it.
    pub(crate) fn sign(&self, method: SignMethod, kind: SignerKind, fields: &mut Fields, spoiled: bool) {
        fields.insert("signMethod".to_owned(), method.word().to_owned());
        let signature = match method {
            SignMethod::Certificate => {
                let signer = self.signer(kind);
                fields.insert("signPubKeyCert".to_owned(), as_sent(&signer.pem));
                let inner = hex::encode(Sha256::digest(canonical(fields).as_bytes()));
                signer.key.sign(inner.as_bytes())
            }
            keyed_method => keyed(keyed_method, &canonical(fields), &self.secure_key),
        };
        let spoil = |c| match (method, c) {
            (SignMethod::Certificate, 'A') => 'B',
            (SignMethod::Certificate, _) => 'A',
            (_, '0') => '1',
            _ => '0',
        };
        let signature = if spoiled { signature.chars().map(spoil).collect() } else { signature };
        fields.insert("signature".to_owned(), signature);
    }

    /// Whether the merchant signed a request, over the fields as they came.
    pub(crate) fn verify(&self, fields: &Fields) -> Result<SignMethod, Fail> {
        let get = |name: &str| fields.get(name).map_or("", String::as_str);
        let method = SignMethod::from_word(get("signMethod")).ok_or_else(|| Fail::format("signMethod"))?;
        let signature = get("signature");
        let holds = match method {
            SignMethod::Certificate => {
                let inner = hex::encode(Sha256::digest(canonical(fields).as_bytes()));
                get("certId") == self.merchant.cert_id && self.merchant_signed(inner.as_bytes(), signature)
            }
            // The two key methods carry no certificate number.
            keyed_method => !fields.contains_key("certId") && keyed(keyed_method, &canonical(fields), &self.secure_key) == signature,
        };
        if holds { Ok(method) } else { Err(Fail::of("11")) }
    }
}
