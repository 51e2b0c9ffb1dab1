//! Requests out and replies in, API v3: headers, the seal, the error body. What a reply *means* is the verbs' business.

use crate::codes::{self, Api, Class};
use crate::config::Account;
use crate::sign::{self, Seal};
use serde_json::{Map, Value};
use sluice_contract::fields::parse_json;
use sluice_contract::{
    Env, Failure, FailureCode, Fault, Headers, HttpReply, HttpRequest, Into as Keep, KeyHint, Reading, Refusal, Verb, Why, WhyKind,
};
pub(crate) use sluice_kit::codes::failure;
pub(crate) use sluice_kit::form::encode;
use sluice_kit::outcome;
use sluice_kit::wire::cut;
pub(crate) use sluice_kit::wire::{REPLY_MAX_BYTES, TIMEOUT_MONEY_MS, TIMEOUT_MS, USER_AGENT, send, text};

/// A signed GET. `target` is path and query, already percent-encoded.
pub(crate) fn get(account: &Account, api: &'static str, target: &str, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    request(account, api, Verb::Get, target, Vec::new(), TIMEOUT_MS, env)
}

/// A signed POST of a JSON object. The bytes that are signed are the bytes that are sent.
pub(crate) fn post(
    account: &Account,
    api: &'static str,
    target: &str,
    body: Map<String, Value>,
    timeout_ms: u64,
    env: &Env<'_>,
) -> Result<HttpRequest, Refusal> {
    request(account, api, Verb::Post, target, Value::Object(body).to_string().into_bytes(), timeout_ms, env)
}

fn request(
    account: &Account,
    api: &'static str,
    verb: Verb,
    target: &str,
    body: Vec<u8>,
    timeout_ms: u64,
    env: &Env<'_>,
) -> Result<HttpRequest, Refusal> {
    let nonce = sign::nonce(env);
    let authorization = account.signer.authorization(verb, target, env.now, &nonce, &body)?;
    let mut headers = Headers::new(&[("Accept", "application/json"), ("User-Agent", USER_AGENT), ("Authorization", &authorization)]);
    if verb == Verb::Post {
        headers.push("Content-Type", "application/json");
    }
    if let Some(id) = &account.public_key_id {
        headers.push("Wechatpay-Serial", id);
    }
    let url = format!("{}{target}", account.base_url);
    Ok(HttpRequest { api, verb, url, headers, body, identity: None, into: Keep::Memory { max_bytes: REPLY_MAX_BYTES }, timeout_ms })
}

/// A reply that may be believed.
#[derive(Debug)]
pub(crate) enum Answer {
    /// 2xx, sealed. `Null` for an empty body.
    Good(Value),
    Error(Complaint),
}

/// WeChat's error body, or what stands for it.
#[derive(Debug)]
pub(crate) struct Complaint {
    pub(crate) status: u16,
    /// As sent; empty when the body had none.
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) sealed: bool,
}

/// Why a reply says nothing (yet).
#[derive(Debug)]
pub(crate) enum Doubt {
    Keys(KeyHint),
    Why(Why),
}

/// Judges a reply by the trust rule of [`crate::sign`].
pub(crate) fn answer(account: &Account, reply: &HttpReply, env: &Env<'_>) -> Result<Answer, Doubt> {
    let seal = sign::seal(&reply.headers, reply.bytes(), env.now, |id| account.keys.get(id, env.now));
    let status = reply.status;
    let sealed = seal == Seal::Holds;
    // WeChat's own faults are unknown whoever says so: not worth a key renewal.
    if status == 429 || status >= 500 {
        return Ok(Answer::Error(complaint(status, reply.bytes(), sealed)));
    }
    match seal {
        Seal::UnknownKey(key_id) => Err(Doubt::Keys(KeyHint { key_id })),
        Seal::Broken(reason) => Err(doubt(WhyKind::BadSignature, format!("HTTP {status}: {reason}"))),
        Seal::Absent if reply.is_success() => Err(doubt(WhyKind::BadSignature, format!("HTTP {status} without a signature"))),
        _ if status == 202 || (400..500).contains(&status) => Ok(Answer::Error(complaint(status, reply.bytes(), sealed))),
        Seal::Holds if reply.is_success() => good(reply.bytes()),
        _ => Err(doubt(WhyKind::Unreadable, format!("HTTP {status} is no answer of WeChat Pay"))),
    }
}

fn good(body: &[u8]) -> Result<Answer, Doubt> {
    if body.is_empty() {
        return Ok(Answer::Good(Value::Null));
    }
    parse_json(body).map(Answer::Good).map_err(|_| doubt(WhyKind::Unreadable, "the body is not acceptable JSON".into()))
}

fn doubt(kind: WhyKind, note: String) -> Doubt {
    Doubt::Why(Why::new(kind, note))
}

fn complaint(status: u16, body: &[u8], sealed: bool) -> Complaint {
    let tree = parse_json(body).unwrap_or_default();
    let short = |name: &str, max| cut(text(&tree, name).unwrap_or_default(), max);
    Complaint { status, code: short("code", 64), message: short("message", 200), sealed }
}

/// What an unsigned complaint may decide.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsealed {
    /// A create that is no barcode: no payer has seen anything yet.
    MayFail,
    DecidesNothing,
}

impl Complaint {
    /// The class of the code, or why the complaint decides nothing.
    pub(crate) fn class(&self, api: Api, unsealed: Unsealed) -> Result<Class, Why> {
        let note = format!("HTTP {} {}", self.status, if self.code.is_empty() { "without a code" } else { &self.code });
        let Some(class) = codes::class(api, &self.code) else {
            let kind = match (self.status, self.code.is_empty()) {
                (429 | 500.., true) => WhyKind::NoAnswer,
                (_, true) => WhyKind::Unreadable,
                (_, false) => WhyKind::Unlisted,
            };
            return Err(Why::new(kind, note));
        };
        let is_fault = self.status == 429 || self.status >= 500;
        let believed = self.sealed || (unsealed == Unsealed::MayFail && !is_fault);
        match class {
            Class::Config if believed => Ok(Class::Config),
            Class::Config => Err(Why::new(WhyKind::Configuration, note)),
            // A definite word on top of a fault of its own: WeChat does not know what it says.
            Class::Ok | Class::NotCreated if is_fault => Err(Why::new(WhyKind::Unlisted, note)),
            Class::Ok | Class::NotCreated if !self.sealed => Err(Why::new(WhyKind::BadSignature, format!("{note}, unsigned"))),
            Class::Fail(..) | Class::Decline(..) if !believed => Err(Why::new(WhyKind::BadSignature, format!("{note}, unsigned"))),
            class => Ok(class),
        }
    }
}

impl outcome::Complaint for Complaint {
    fn failure(&self, code: FailureCode, fault: Fault) -> Failure {
        failure(code, fault, &self.code, &self.message)
    }

    fn why(&self, kind: WhyKind) -> Why {
        Why::new(kind, format!("HTTP {} {}: {}", self.status, self.code, self.message))
    }
}

/// Reads a reply into an outcome: `unknown` wraps a doubt, `read` gets what may be believed.
pub(crate) fn judged<T>(
    account: &Account,
    reply: &HttpReply,
    env: &Env<'_>,
    unknown: impl FnOnce(Why) -> T,
    read: impl FnOnce(Answer) -> T,
) -> Reading<T> {
    match answer(account, reply, env) {
        Ok(answer) => Reading::Is(read(answer)),
        Err(Doubt::Keys(hint)) => Reading::NeedKeys(hint),
        Err(Doubt::Why(why)) => Reading::Is(unknown(why)),
    }
}
