//! Requests out and replies in, API v3: headers, the seal, the error body. What a reply *means* is the verbs' business.

use crate::codes::{self, Api, Class};
use crate::config::Account;
use crate::sign::{self, Seal};
use serde_json::{Map, Value};
use sluice_contract::fields::parse_json;
use sluice_contract::{Env, Failure, FailureCode, Fault, HttpReply, HttpRequest, KeyHint, Refusal, Verb, Why, WhyKind};
use sluice_kit::ask::{self, Judge, Unread};
pub(crate) use sluice_kit::codes::failure;
pub(crate) use sluice_kit::form::encode;
use sluice_kit::outcome::{self, Complaint as _, unreadable};
use sluice_kit::wire::{self as kit, short};
pub(crate) use sluice_kit::wire::{TIMEOUT_MONEY_MS, TIMEOUT_MS, text};

/// One of WeChat's calls.
pub(crate) struct Call {
    /// For logs and the trail.
    api: &'static str,
    /// Path and query, already percent-encoded.
    target: String,
    /// Without one it is a GET.
    body: Option<Map<String, Value>>,
    timeout_ms: u64,
}

impl Call {
    pub(crate) const fn get(api: &'static str, target: String) -> Call {
        Call { api, target, body: None, timeout_ms: TIMEOUT_MS }
    }

    pub(crate) const fn post(api: &'static str, target: String, body: Map<String, Value>, timeout_ms: u64) -> Call {
        Call { api, target, body: Some(body), timeout_ms }
    }
}

/// The signed request of a call. The bytes that are signed are the bytes that are sent.
pub(crate) fn request(account: &Account, call: Call, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let verb = if call.body.is_some() { Verb::Post } else { Verb::Get };
    let body = call.body.map(|body| Value::Object(body).to_string().into_bytes()).unwrap_or_default();
    let authorization = account.signer.authorization(verb, &call.target, env.now, &sign::nonce(env), &body)?;
    let mut headers = vec![("Accept", "application/json"), ("Authorization", &authorization)];
    if verb == Verb::Post {
        headers.push(("Content-Type", "application/json"));
    }
    if let Some(id) = &account.public_key_id {
        headers.push(("Wechatpay-Serial", id));
    }
    let url = format!("{}{}", account.base_url, call.target);
    Ok(HttpRequest { verb, body, ..kit::get(call.api, url, &headers, call.timeout_ms) })
}

/// A success is 2xx and sealed; `Null` for an empty body.
pub(crate) type Answer = ask::Answer<Complaint>;

/// WeChat's error body, or what stands for it.
#[derive(Debug)]
pub(crate) struct Complaint {
    pub(crate) status: u16,
    /// As sent; empty when the body had none.
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) sealed: bool,
}

impl Judge for Account {
    type Answer = Answer;

    /// By the trust rule of [`crate::sign`]; a key that we do not hold must come first.
    fn judge(&self, reply: &HttpReply, env: &Env<'_>) -> Result<Answer, Unread> {
        let seal = sign::seal(&reply.headers, reply.bytes(), env.now, |id| self.keys.get(id, env.now));
        let status = reply.status;
        let doubt = |kind, note: &str| Err(Why::new(kind, format!("HTTP {status}: {note}")).into());
        let complaint = |sealed| Ok(Answer::Error(complaint(reply, sealed)));
        match seal {
            // WeChat's own faults are unknown whoever says so: not worth a key renewal.
            seal if is_fault(status) => complaint(seal == Seal::Holds),
            Seal::UnknownKey(key_id) => Err(Unread::Keys(KeyHint { key_id })),
            Seal::Broken(reason) => doubt(WhyKind::BadSignature, reason),
            Seal::Absent if reply.is_success() => doubt(WhyKind::BadSignature, "without a signature"),
            seal if status == 202 || (400..500).contains(&status) => complaint(seal == Seal::Holds),
            Seal::Holds if reply.is_success() && reply.bytes().is_empty() => Ok(Answer::Good(Value::Null)),
            Seal::Holds if reply.is_success() => {
                Ok(Answer::Good(parse_json(reply.bytes()).map_err(|_| unreadable("the body is not acceptable JSON"))?))
            }
            _ => doubt(WhyKind::Unreadable, "no answer of WeChat Pay"),
        }
    }
}

/// WeChat is busy or broken.
const fn is_fault(status: u16) -> bool {
    status == 429 || status >= 500
}

fn complaint(reply: &HttpReply, sealed: bool) -> Complaint {
    let tree = parse_json(reply.bytes()).unwrap_or_default();
    Complaint { status: reply.status, code: short(&tree, "code", 64), message: short(&tree, "message", 200), sealed }
}

impl Complaint {
    /// Whether it is that code, in either spelling.
    pub(crate) fn is(&self, code: &str) -> bool {
        codes::normalise(&self.code) == code
    }

    /// The class of the code, or why the complaint decides nothing. Unsealed it may only fail a create that is no barcode: no payer has
    /// seen anything yet.
    pub(crate) fn class(&self, api: Api) -> Result<Class, Why> {
        let note = format!("HTTP {} {}", self.status, if self.code.is_empty() { "without a code" } else { &self.code });
        let is_fault = is_fault(self.status);
        let Some(class) = codes::class(api, &self.code) else {
            let silent = if is_fault { WhyKind::NoAnswer } else { WhyKind::Unreadable };
            return Err(Why::new(if self.code.is_empty() { silent } else { WhyKind::Unlisted }, note));
        };
        let believed = self.sealed || (api == Api::Create && !is_fault);
        match class {
            Class::Config if !believed => Err(Why::new(WhyKind::Configuration, note)),
            // A definite word on top of a fault of its own: WeChat does not know what it says.
            Class::Ok | Class::NotCreated if is_fault => Err(Why::new(WhyKind::Unlisted, note)),
            Class::Ok | Class::NotCreated | Class::Fail(..) | Class::Decline(..) if !believed => {
                Err(Why::new(WhyKind::BadSignature, format!("{note}, unsigned")))
            }
            // A query's "not there" under a status that does not fit it is not definite.
            Class::NotCreated if self.status != 404 && matches!(api, Api::Query | Api::RefundQuery) => Err(self.why(WhyKind::Pending)),
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
