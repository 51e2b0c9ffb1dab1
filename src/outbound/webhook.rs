//! Standard Webhooks: how a notification is signed, and how its reader checks it. Pure.
//!
//! `v1,` + base64(HMAC-SHA256(key, `id.timestamp.body`)); the key is the base64-decoded part after `whsec_`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sluice_contract::{Headers, Second};
use std::fmt;
use zeroize::Zeroizing;

/// How far a timestamp may be from the reader's clock, both ways and inclusive, in seconds.
pub const TOLERANCE_S: i64 = 300;

pub const ID: &str = "webhook-id";
pub const TIMESTAMP: &str = "webhook-timestamp";
pub const SIGNATURE: &str = "webhook-signature";

/// A merchant's webhook secret.
pub struct Secret {
    key: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(whsec_…)")
    }
}

impl Secret {
    /// Reads `whsec_` + padded standard base64 of 24 to 64 bytes. The error says what to write and never shows the secret.
    pub fn parse(text: &str) -> Result<Secret, &'static str> {
        let encoded = text.strip_prefix("whsec_").ok_or("must begin with whsec_")?;
        let key = STANDARD.decode(encoded).map_err(|_| "must be whsec_ and standard base64 with padding")?;
        if !(24..=64).contains(&key.len()) {
            return Err("must hold 24 to 64 bytes after whsec_ is taken off and the base64 decoded");
        }
        Ok(Secret { key: Zeroizing::new(key) })
    }

    /// The value of `webhook-signature`. `id` holds no full stop (ours never do), `at` is the time of this attempt.
    #[must_use]
    pub fn sign(&self, id: &str, at: Second, body: &[u8]) -> String {
        format!("v1,{}", STANDARD.encode(self.mac(id, &at.0.to_string(), body).finalize().into_bytes()))
    }

    /// The three header lines of a notification.
    #[must_use]
    pub fn headers(&self, id: &str, at: Second, body: &[u8]) -> Vec<(String, String)> {
        let lines = [(ID, id.to_owned()), (TIMESTAMP, at.0.to_string()), (SIGNATURE, self.sign(id, at, body))];
        lines.map(|(name, value)| (name.to_owned(), value)).into()
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        // HMAC takes a key of any length: the error of the general interface cannot come.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).unwrap_or_else(|_| unreachable!("HMAC takes every key length"));
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac
    }
}

/// Why a notification is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unverified {
    /// One of the three headers is missing or stands there twice.
    MissingHeader,
    /// Not whole seconds in digits.
    BadTimestamp,
    TooOld,
    TooNew,
    Signature,
}

/// Checks a notification as its receiver must: headers, clock, then any one of the `v1` signatures in constant time.
pub fn verify(secret: &Secret, headers: &Headers, body: &[u8], now: Second) -> Result<(), Unverified> {
    let need = |name| headers.only(name).ok_or(Unverified::MissingHeader);
    let (id, timestamp, signatures) = (need(ID)?, need(TIMESTAMP)?, need(SIGNATURE)?);
    let at: i64 = timestamp.parse().map_err(|_| Unverified::BadTimestamp)?;
    if at.to_string() != timestamp {
        return Err(Unverified::BadTimestamp);
    }
    match now.0.saturating_sub(at) {
        age if age > TOLERANCE_S => return Err(Unverified::TooOld),
        age if age < -TOLERANCE_S => return Err(Unverified::TooNew),
        _ => {}
    }
    let given = signatures.split(' ').filter_map(|entry| entry.strip_prefix("v1,")).filter_map(|mac| STANDARD.decode(mac).ok());
    let matches = |mac: Vec<u8>| secret.mac(id, timestamp, body).verify_slice(&mac).is_ok();
    if given.map(matches).fold(false, |any, this| any | this) { Ok(()) } else { Err(Unverified::Signature) }
}

#[cfg(test)]
mod tests {
    use super::{ID, SIGNATURE, Secret, TIMESTAMP, Unverified, verify};
    use serde_json::Value;
    use sluice_contract::{Headers, Second};

    fn vectors() -> Vec<Value> {
        let tree: Value = serde_json::from_str(include_str!("vectors/standard_webhooks.json")).unwrap();
        tree["vectors"].as_array().unwrap().clone()
    }

    #[test]
    fn every_vector_is_judged_as_the_reference_libraries_judge_it() {
        let mut judged = 0;
        for vector in vectors() {
            let name = vector["name"].as_str().unwrap();
            let lines = vector["headers"].as_object().unwrap().iter();
            let headers = Headers(lines.map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect());
            let secret = Secret::parse(vector["secret"].as_str().unwrap()).unwrap();
            let body = vector["body"].as_str().unwrap().as_bytes();
            let expected = match vector["reason"].as_str() {
                None => Ok(()),
                Some("timestamp_too_old") => Err(Unverified::TooOld),
                Some("timestamp_too_new") => Err(Unverified::TooNew),
                Some("missing_header") => Err(Unverified::MissingHeader),
                Some("signature") => Err(Unverified::Signature),
                Some(other) => panic!("{name}: an unknown reason {other}"),
            };
            assert_eq!(expected.is_ok(), vector["expect"] == "valid", "{name}");
            assert_eq!(verify(&secret, &headers, body, Second(vector["now"].as_i64().unwrap())), expected, "{name}");
            if expected.is_ok() {
                let at = Second(headers.get(TIMESTAMP).unwrap().parse().unwrap());
                let signed = secret.sign(headers.get(ID).unwrap(), at, body);
                assert!(headers.get(SIGNATURE).unwrap().split(' ').any(|one| one == signed), "{name}: {signed}");
            }
            judged += 1;
        }
        assert!(judged >= 20, "only {judged} vectors");
    }

    #[test]
    fn what_is_signed_verifies_until_a_byte_changes() {
        let secret = Secret::parse("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        let lines = secret.headers("evt_1", Second(1000), b"{}");
        let headers = Headers(lines.clone());
        assert_eq!(verify(&secret, &headers, b"{}", Second(1000)), Ok(()));
        assert_eq!(verify(&secret, &headers, b"{ }", Second(1000)), Err(Unverified::Signature));
        let doubled = Headers(lines.iter().chain(&lines).cloned().collect());
        assert_eq!(verify(&secret, &doubled, b"{}", Second(1000)), Err(Unverified::MissingHeader));
        for odd in ["+1000", "01000", "1e3", "1000.0", " 1000", ""] {
            let headers = Headers::new(&[(ID, "evt_1"), (TIMESTAMP, odd), (SIGNATURE, "v1,")]);
            assert_eq!(verify(&secret, &headers, b"{}", Second(1000)), Err(Unverified::BadTimestamp), "{odd}");
        }
    }

    #[test]
    fn a_secret_that_is_not_one_is_refused_without_being_shown() {
        let short = "whsec_AAECAwQFBgcICQoLDA0ODw==";
        for text in
            ["", "whsec_", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", short]
        {
            let error = Secret::parse(text).unwrap_err();
            assert!(error.starts_with("must ") && !error.contains("AAEC"), "{text}: {error}");
        }
        let secret = Secret::parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(whsec_…)");
    }
}
