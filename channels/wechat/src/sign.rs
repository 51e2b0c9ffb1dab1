//! API v3 signatures: ours on requests, WeChat's on replies and callbacks, and the AES-GCM envelope (pack §2).
//!
//! **The trust rule.** A message is *sealed* when its four `Wechatpay-*` headers stand there exactly once, its time is
//! within 300 s, its key is known and the signature holds over the raw bytes. Then:
//!
//! | message | sealed | unsigned | badly signed |
//! |---|---|---|---|
//! | 2xx | believed | unknown | unknown |
//! | 4xx | believed | only a *create* that is no barcode may fail by it: nothing was shown to a payer yet, so no money can have moved; everything else unknown | unknown |
//! | 429, 5xx | its code is read | unknown | unknown |
//! | callback | believed | forged | forged |
//!
//! SDKs read errors without verifying them; we do not, because an error may end an attempt and free its limit.

use crate::keys::PlatformKey;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sluice_contract::{Env, Headers, Refusal, Second, Verb};
use sluice_kit::rsa::PrivateKey;
use sluice_kit::text::is_digits;
use sluice_kit::wire::{fresh, text};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The only scheme of this adapter. 国密 (`WECHATPAY2-SM2-WITH-SM3`) is refused, not half understood.
pub(crate) const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";

/// How far a message's time may lie from ours, either way, in seconds (pack §2.2).
const WINDOW_S: i64 = 300;

/// The merchant's side: its number, the serial of its certificate and its key.
pub(crate) struct Signer {
    pub(crate) mchid: String,
    pub(crate) serial_no: String,
    pub(crate) key: PrivateKey,
}

impl Signer {
    /// RSASSA-PKCS1-v1_5 with SHA-256, base64.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<String, Refusal> {
        self.key.sign(message)
    }

    /// The `Authorization` header of a request. `target` is path and query exactly as sent.
    pub(crate) fn authorization(&self, verb: Verb, target: &str, now: Second, nonce: &str, body: &[u8]) -> Result<String, Refusal> {
        let signature = self.sign(&request_text(verb, target, now, nonce, body))?;
        let (mchid, serial, time) = (&self.mchid, &self.serial_no, now.0);
        Ok(format!(
            "{SCHEME} mchid=\"{mchid}\",nonce_str=\"{nonce}\",signature=\"{signature}\",timestamp=\"{time}\",serial_no=\"{serial}\""
        ))
    }
}

/// The five lines a request's signature covers, each ended by a newline (pack §2.1).
pub(crate) fn request_text(verb: Verb, target: &str, now: Second, nonce: &str, body: &[u8]) -> Vec<u8> {
    [format!("{}\n{target}\n{}\n{nonce}\n", verb.word(), now.0).as_bytes(), body, b"\n"].concat()
}

/// 32 characters from fresh randomness.
pub(crate) fn nonce(env: &Env<'_>) -> String {
    hex::encode_upper(fresh::<16>(env))
}

/// What the signature of a message is worth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    Holds,
    Absent,
    Broken(&'static str),
    /// Well formed, but signed with a key we do not hold.
    UnknownKey(String),
}

/// Judges the seal of a reply or a callback over its raw bytes. `key` looks a serial up.
pub(crate) fn seal(headers: &Headers, body: &[u8], now: Second, key: impl Fn(&str) -> Option<Arc<PlatformKey>>) -> Seal {
    const NAMES: [&str; 4] = ["Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Serial", "Wechatpay-Signature"];
    if NAMES.iter().all(|name| headers.get(name).is_none()) {
        return Seal::Absent;
    }
    let [Some(time), Some(nonce), Some(serial), Some(signature)] = NAMES.map(|name| headers.only(name)) else {
        return Seal::Broken("a Wechatpay header is missing or stands there twice");
    };
    if headers.get("Wechatpay-Signature-Type").is_some() && headers.only("Wechatpay-Signature-Type") != Some(SCHEME) {
        return Seal::Broken("the signature type is not the one of this account");
    }
    if !in_window(time, now) {
        return Seal::Broken("the time of the message is more than 300 s from ours");
    }
    if !is_key_id(serial) || nonce.is_empty() || nonce.contains('\n') {
        return Seal::Broken("a Wechatpay header is malformed");
    }
    let Some(key) = key(serial) else { return Seal::UnknownKey(serial.to_owned()) };
    let Ok(signature) = STANDARD.decode(signature) else { return Seal::Broken("the signature is not base64") };
    let text = [format!("{time}\n{nonce}\n").as_bytes(), body, b"\n"].concat();
    if key.verifies(&text, &signature) { Seal::Holds } else { Seal::Broken("the signature does not hold") }
}

/// Digits only: no sign, no space, nothing that another reader might read differently.
fn in_window(time: &str, now: Second) -> bool {
    let time = Some(time).filter(|time| is_digits(time, 1..=19)).and_then(|time| time.parse::<i64>().ok());
    time.and_then(|t| t.checked_sub(now.0)).is_some_and(|gap| (-WINDOW_S..=WINDOW_S).contains(&gap))
}

/// What may name a key: it travels into logs and key requests, so it stays short and plain.
fn is_key_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// An APIv3 key: 32 bytes, used directly (pack §2.5).
pub(crate) type ApiKey = Zeroizing<[u8; 32]>;

/// What an encrypted member holds: a callback's `resource`, or a certificate.
pub(crate) fn opened(keys: &[ApiKey], sealed: &Value) -> Option<Vec<u8>> {
    open(keys, text(sealed, "nonce")?, text(sealed, "associated_data").unwrap_or_default(), text(sealed, "ciphertext")?)
}

/// Opens an `AEAD_AES_256_GCM` envelope with the first key that fits. Anything malformed is `None`: it is attacker input.
pub(crate) fn open(keys: &[ApiKey], nonce: &str, aad: &str, ciphertext: &str) -> Option<Vec<u8>> {
    let sealed = STANDARD.decode(ciphertext).ok()?;
    let nonce: [u8; NONCE_LEN] = nonce.as_bytes().try_into().ok()?;
    keys.iter().find_map(|key| {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_slice()).ok()?);
        let mut buffer = sealed.clone();
        let plain = key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad.as_bytes()), &mut buffer).ok()?;
        Some(plain.to_vec())
    })
}
