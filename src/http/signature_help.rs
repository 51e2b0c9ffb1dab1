//! What a `BAD_SIGNATURE` tells its sender (`signature_debug`): what we received and hashed, and, in the sandbox or for a key that an
//! operator put into debugging, what he seems to have done otherwise.
//!
//! Only what the sender sent comes back, the body as its length and hash and a cut beginning. Whoever names no live key gets none of it.
//! Refusals are counted per key before anything is tried; a key that is refused too often gets no more help for the minute. The count is
//! the help's own and not the merchant's rate limit: otherwise anybody who knows a key's id could use that up.

use super::App;
use super::errors::Fail;
use super::signed::key_of;
use crate::flow::{Code, KeyEntry, MerchantEntry};
use crate::merchant_auth::help::{Secrets, Tried, shown, try_all};
use crate::merchant_auth::{self, Request, canonical};
use axum::body::Body;
use axum::http::request::Parts;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sluice_contract::Millis;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many refusals of a key are explained in a minute: each costs some forty MACs over the body.
pub const HELPED_PER_MINUTE: u32 = 30;
/// How many refusals of a key within a minute are an alarm.
pub const ALARM_AT: u32 = 20;

/// Refusals of each known key in the minute that runs.
#[derive(Default)]
pub struct Refusals(Mutex<BTreeMap<String, (i64, u32)>>);

impl Refusals {
    /// Counts one more and says which of the minute it is.
    fn count(&self, key_id: &str, now: Millis) -> u32 {
        let minute = now.0.div_euclid(60_000);
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = keys.entry(key_id.to_owned()).or_insert((minute, 0));
        *entry = if entry.0 == minute { (minute, entry.1.saturating_add(1)) } else { (minute, 1) };
        entry.1
    }
}

/// The refusal of a request whose signature does not hold.
pub fn refuse(app: &App, key_id: &str, key: &KeyEntry, merchant: &MerchantEntry, sent: &Request<'_>, signature: &str) -> Fail {
    explained(app, (key_id, key, merchant), sent, signature, "the signature is not that of this request under this key")
}

/// The refusal of a header that names its fields and has one of them in the wrong alphabet.
pub async fn refuse_malformed(app: &App, parts: &Parts, body: Body, header: &str, reason: &'static str) -> Fail {
    let bare = || Fail::new(Code::BadSignature, reason);
    let Ok(fields) = merchant_auth::fields(header) else { return bare() };
    let Ok((key, merchant)) = key_of(app, fields.key_id) else { return bare() };
    let Ok(bytes) = super::body::read(app, &parts.headers, body).await else { return bare() };
    let path_and_query = parts.uri.path_and_query().map_or("/", |p| p.as_str());
    let method = parts.method.as_str();
    let sent = Request { method, path_and_query, timestamp: fields.timestamp, nonce: fields.nonce, body: &bytes };
    explained(app, (fields.key_id, &key, &merchant), &sent, fields.signature, reason)
}

type Known<'a> = (&'a str, &'a KeyEntry, &'a MerchantEntry);

fn explained(app: &App, (key_id, key, merchant): Known<'_>, sent: &Request<'_>, signature: &str, reason: &str) -> Fail {
    let now = app.gateway.now();
    let count = app.refusals.count(key_id, now);
    app.gateway.metrics.bad_signature();
    if count == ALARM_AT {
        tracing::error!(key = key_id, "ALARM: {ALARM_AT} requests with a wrong signature within a minute");
    }
    let mut fail = Fail::new(Code::BadSignature, reason);
    if count > HELPED_PER_MINUTE {
        return fail;
    }
    let directory = app.gateway.directory.load();
    let with_hints = !directory.livemode() || key.debug_until.is_some_and(|until| now < until);
    let other = directory.other_key(&key.merchant_id, key_id).map(Arc::clone);
    let secrets = Secrets {
        own: key.secret.expose(),
        other: other.as_ref().map(|other| other.secret.expose()),
        webhook: merchant.webhook_secret.as_ref().map(|secret| secret.expose()),
    };
    let tried = with_hints.then(|| try_all(sent, signature, &secrets));
    fail.refused.members.push(("signature_debug", debug(sent, tried)));
    fail
}

fn debug(sent: &Request<'_>, tried: Option<Tried>) -> Value {
    let to_sign = canonical(sent);
    let hints: Vec<&str> = tried.map(|tried| tried.hints).unwrap_or_default().into_iter().map(|hint| hint.word()).collect();
    json!({
        "method": sent.method, "path_and_query": sent.path_and_query, "timestamp": sent.timestamp, "nonce": sent.nonce,
        "body_bytes": sent.body.len(), "body_sha256": hex::encode(Sha256::digest(sent.body)),
        "string_to_sign_length": to_sign.len(), "string_to_sign_truncated": shown(&to_sign), "hints": hints,
    })
}
