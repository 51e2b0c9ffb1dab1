//! Secrets: where they come from (`env:NAME`, `file:PATH` or the text itself), how long they must be, and how they stay unseen.
//!
//! **Invariant by absence:** no type here has a `Debug` or `Display` that shows its content, and no problem quotes a value.

use super::Strings;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sluice_contract::{Problem, Reader};
use std::fmt;
use std::path::Path;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Text that must not be seen. Wiped from memory when dropped; compared in constant time.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    #[must_use]
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(Zeroizing::new(text.into()))
    }

    /// The content. Hand it to cryptography or to a sealed column, nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

/// A key that seals what the store holds: AEAD, 32 bytes, named so that it can be rotated.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey {
    pub id: String,
    key: Zeroizing<[u8; 32]>,
}

impl SealKey {
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.key
    }

    /// 32 bytes as 64 hex digits or as base64 (44 characters). Thirty-two equal bytes are a placeholder, not a key.
    pub(super) fn parse(id: &str, text: &str) -> Result<SealKey, &'static str> {
        let bytes = match text.len() {
            64 => hex::decode(text).ok(),
            _ => STANDARD.decode(text).ok(),
        };
        let key: [u8; 32] =
            bytes.and_then(|b| Zeroizing::new(b).as_slice().try_into().ok()).ok_or("must be 32 bytes, as 64 hex digits or as base64")?;
        if key.iter().all(|byte| Some(byte) == key.first()) {
            return Err("must be random: all its bytes are the same");
        }
        Ok(SealKey { id: id.to_owned(), key: Zeroizing::new(key) })
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({})", self.id)
    }
}

/// The signing key inside a webhook secret: the base64 after `whsec_`, 24 to 64 bytes (Standard Webhooks). `None` when it is
/// not such a secret.
#[must_use]
pub fn webhook_key(secret: &str) -> Option<Zeroizing<Vec<u8>>> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    (24..=64).contains(&key.len()).then(|| Zeroizing::new(key))
}

/// Where `env:` and `file:` lead.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub dir: &'a Path,
    pub strings: &'a dyn Strings,
}

impl Source<'_> {
    /// The secret that a field holds or points to. `None` when the field is absent or a problem was recorded.
    pub fn secret(&self, reader: &Reader<'_>, field: &str) -> Option<Secret> {
        let text = reader.text(field)?;
        match self.resolve(text) {
            Ok(secret) => Some(Secret::new(secret)),
            Err(reason) => {
                reader.problem(field, reason);
                None
            }
        }
    }

    /// As [`Source::secret`], and its absence is a problem.
    pub fn need_secret(&self, reader: &Reader<'_>, field: &str) -> Option<Secret> {
        if reader.raw(field).is_none() {
            reader.missing(field);
        }
        self.secret(reader, field)
    }

    /// A copy of a table in which every text that points elsewhere is replaced by what stands there. Problems carry the path
    /// below `path`; the place of an unreadable text becomes null, so that the channel sees no pointer as a value.
    pub fn resolve_tree(&self, path: &str, tree: &Value, problems: &mut Vec<Problem>) -> Value {
        match tree {
            Value::String(text) => match self.resolve(text) {
                Ok(resolved) => Value::String(resolved),
                Err(reason) => {
                    problems.push(Problem::new(path, reason));
                    Value::Null
                }
            },
            Value::Array(items) => {
                let each = |(index, item)| self.resolve_tree(&format!("{path}[{index}]"), item, problems);
                Value::Array(items.iter().enumerate().map(each).collect())
            }
            Value::Object(fields) => {
                let each = |(name, value): (&String, &Value)| (name.clone(), self.resolve_tree(&format!("{path}.{name}"), value, problems));
                Value::Object(fields.iter().map(each).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => tree.clone(),
        }
    }

    /// What a text points to, or the text itself. Line ends at the end of a file are not part of the secret.
    pub fn resolve(&self, text: &str) -> Result<String, String> {
        if let Some(name) = text.strip_prefix("env:") {
            return match self.strings.env(name) {
                Some(value) if !value.is_empty() => Ok(value),
                Some(_) => Err(format!("the environment variable {name} is empty")),
                None => Err(format!("the environment variable {name} is not set")),
            };
        }
        let Some(path) = text.strip_prefix("file:") else { return Ok(text.to_owned()) };
        let content = self.strings.file(&self.dir.join(path)).map_err(|e| format!("the file {path} cannot be read: {}", e.kind()))?;
        match content.trim_end_matches(['\r', '\n']) {
            "" => Err(format!("the file {path} is empty")),
            secret => Ok(secret.to_owned()),
        }
    }
}

/// Refuses a second use of the same secret. Holds whole secrets, so it lives no longer than one reading of the config.
#[derive(Default)]
pub(super) struct Distinct(Vec<(Secret, String)>);

impl Distinct {
    /// Records a problem when this secret was given before; `place` is what the later problem calls it.
    pub fn check(&mut self, reader: &Reader<'_>, field: &str, secret: &Secret, place: String) {
        match self.0.iter().find(|(known, _)| known == secret) {
            Some((_, first)) => reader.problem(field, format!("is the same secret as that of {first}: give each its own")),
            None => self.0.push((secret.clone(), place)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SealKey, Secret, webhook_key};

    #[test]
    fn a_seal_key_is_thirty_two_bytes_of_hex_or_base64() {
        let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let expected: Vec<u8> = (0..32).collect();
        for text in [hex, &hex.to_uppercase(), base64] {
            assert_eq!(SealKey::parse("1", text).map(|k| k.bytes().to_vec()), Ok(expected.clone()), "{text}");
        }
        let zeros = "0".repeat(64);
        for text in ["", "abc", &hex[..62], &hex[..32], zeros.as_str(), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", &"zz".repeat(32)] {
            assert!(SealKey::parse("1", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_webhook_secret_is_a_prefix_and_24_to_64_bytes() {
        use base64::Engine;
        let made = |count: usize| format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(vec![7; count]));
        for (count, accepted) in [(23, false), (24, true), (64, true), (65, false)] {
            assert_eq!(webhook_key(&made(count)).is_some(), accepted, "{count}");
        }
        assert!(webhook_key("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_none());
        assert!(webhook_key("whsec_not base64").is_none());
    }

    #[test]
    fn secrets_show_nothing() {
        let secret = Secret::new("canary-canary-canary");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        let key = SealKey::parse("k1", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
        assert_eq!(format!("{key:?}"), "Ok(SealKey(k1))");
        assert_eq!(secret, Secret::new("canary-canary-canary"));
        assert_ne!(secret, Secret::new("canary-canary-canarz"));
    }
}
