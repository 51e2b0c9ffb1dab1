//! Requests out and replies in: the envelope, the seal, the return code (pack 1.2, 1.4). What a reply *means* is the verbs' business.

use crate::codes::{self, Api, Class};
use crate::config::Account;
use crate::sign;
use serde_json::{Map, Value};
use sluice_contract::fields::parse_json;
use sluice_contract::{
    Env, Failure, FailureCode, Fault, Fen, Headers, HttpReply, HttpRequest, Into as Keep, Reading, Refusal, Second, Step, Verb, Why,
    WhyKind,
};
use sluice_kit::form::encode_pairs;
use sluice_kit::wire::{REPLY_MAX_BYTES, USER_AGENT, cut, fen_text};
pub(crate) use sluice_kit::wire::{TIMEOUT_MONEY_MS, TIMEOUT_MS, put, send, text};
use std::sync::Arc;

/// Parameters of a request, before percent-encoding.
pub(crate) type Params = Vec<(&'static str, String)>;

/// Where a call goes and what it is called.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) api: &'static str,
    pub(crate) path: &'static str,
    pub(crate) timeout_ms: u64,
}

/// Every parameter of a call, signed over the path of its address. `extra` are those of page APIs.
pub(crate) fn signed(account: &Account, url: &str, content: Map<String, Value>, extra: Params, env: &Env<'_>) -> Result<Params, Refusal> {
    let mut params: Params = vec![
        ("app_id", account.app_id.clone()),
        ("msg_id", msg_id(&env.entropy)),
        ("format", "json".to_owned()),
        ("charset", "UTF-8".to_owned()),
        ("sign_type", "RSA2".to_owned()),
        ("timestamp", env.now.plain()),
    ];
    let plain = Value::Object(content).to_string();
    match &account.keys.content {
        // Encrypted first: the signature covers the ciphertext (pack 1.3).
        Some(key) => {
            params.push(("encrypt_type", "AES".to_owned()));
            let sealed = key.seal(plain.as_bytes());
            params.push(("biz_content", sealed.ok_or_else(|| Refusal::account("encrypt_key cannot encrypt"))?));
        }
        None => params.push(("biz_content", plain)),
    }
    params.extend(extra.into_iter().filter(|(_, value)| !value.is_empty()));
    let signature = account.key.sign(sign::text(sign::path_of(url), &params).as_bytes())?;
    params.push(("sign", signature));
    Ok(params)
}

/// A signed call: a form, each value percent-encoded once.
pub(crate) fn request(account: &Account, call: Call, content: Map<String, Value>, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let url = format!("{}{}", account.base_url, call.path);
    let params = signed(account, &url, content, Params::new(), env)?;
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"),
        ("User-Agent", USER_AGENT),
        ("APIGW-VERSION", "v2_20190522"),
    ];
    Ok(HttpRequest {
        api: call.api,
        verb: Verb::Post,
        url,
        headers: Headers::new(&headers),
        body: encode_pairs(params.iter().map(|(name, value)| (*name, value.as_str()))).into_bytes(),
        identity: None,
        into: Keep::Memory { max_bytes: REPLY_MAX_BYTES },
        timeout_ms: call.timeout_ms,
    })
}

/// Unique per app: 32 characters from fresh randomness, as the SDK's own (pack 1.2).
fn msg_id(entropy: &[u8; 32]) -> String {
    let (first, _) = entropy.split_at(16);
    hex::encode(first)
}

/// The next exchange of a verb, from inside a reader.
pub(crate) fn then<T>(
    account: &Arc<Account>,
    request: Result<HttpRequest, Refusal>,
    unknown: impl FnOnce(Why) -> T,
    read: impl Fn(&Arc<Account>, &HttpReply, &Env<'_>) -> Reading<T> + Send + Sync + 'static,
) -> Reading<T> {
    match send(account, request, read) {
        Step::Send(exchange) => Reading::Then(exchange),
        Step::Done(value) => Reading::Is(value),
        Step::Refused(refusal) => Reading::Is(unknown(Why::new(WhyKind::Configuration, refusal.inner))),
    }
}

/// A reply that may be believed.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Return code 0.
    Good(Value),
    Error(Complaint),
}

/// Any other return code.
#[derive(Debug)]
pub(crate) struct Complaint {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// Judges a reply by the trust rule of [`crate::sign`].
pub(crate) fn answer(account: &Account, reply: &HttpReply) -> Result<Answer, Why> {
    let status = reply.status;
    if !reply.is_success() {
        let kind = if status == 429 || status >= 500 { WhyKind::NoAnswer } else { WhyKind::Unreadable };
        return Err(Why::new(kind, format!("HTTP {status} is no answer of ICBC")));
    }
    let body = std::str::from_utf8(reply.bytes()).map_err(|_| unreadable("the body is not UTF-8"))?;
    let Some((raw, signature)) = sign::content_of(body) else {
        return Err(Why::new(WhyKind::BadSignature, "the reply has no signed content"));
    };
    if !account.keys.verifies(raw, signature) {
        return Err(Why::new(WhyKind::BadSignature, "the reply's signature does not hold"));
    }
    let tree = match parse_json(raw.as_bytes()).map_err(|_| unreadable("the content is not acceptable JSON"))? {
        Value::String(sealed) => {
            let plain = account.keys.open(&sealed).ok_or_else(|| unreadable("the content does not decrypt: check encrypt_key"))?;
            parse_json(&plain).map_err(|_| unreadable("the decrypted content is not acceptable JSON"))?
        }
        tree => tree,
    };
    match word(&tree, "return_code") {
        Some(code) if code == "0" => Ok(Answer::Good(tree)),
        Some(code) => {
            Ok(Answer::Error(Complaint { code: cut(&code, 32), message: cut(text(&tree, "return_msg").unwrap_or_default(), 200) }))
        }
        None => Err(unreadable("the reply has no return code")),
    }
}

pub(crate) fn unreadable(note: impl Into<String>) -> Why {
    Why::new(WhyKind::Unreadable, note)
}

pub(crate) fn contradiction(field: &str) -> Why {
    Why::new(WhyKind::Contradiction, format!("the reply is about another {field}"))
}

impl Complaint {
    /// The class of the code, or why it decides nothing.
    pub(crate) fn class(&self, api: Api) -> Result<Class, Why> {
        match codes::class(api, &self.code) {
            Some(Class::Config) if api != Api::Pay => Err(self.why(WhyKind::Configuration)),
            Some(class) => Ok(class),
            None => Err(self.why(WhyKind::Unlisted)),
        }
    }

    pub(crate) fn failure(&self, code: FailureCode, fault: Fault) -> Failure {
        codes::failure(code, fault, &self.code, &self.message)
    }

    pub(crate) fn why(&self, kind: WhyKind) -> Why {
        Why::new(kind, format!("return code {}: {}", self.code, self.message))
    }
}

/// A short word that one family writes as text and the other as a number. Empty is absent.
pub(crate) fn word(tree: &Value, name: &str) -> Option<String> {
    match tree.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A text that is there and not empty.
pub(crate) fn given<'a>(tree: &'a Value, name: &str) -> Option<&'a str> {
    text(tree, name).filter(|text| !text.is_empty())
}

/// Fen, as text (every sample) or as a number.
pub(crate) fn fen(tree: &Value, name: &str) -> Option<Fen> {
    word(tree, name).and_then(|digits| fen_text(&digits))
}

/// A full moment, 14 digits. A bare date (family A) is not one.
pub(crate) fn moment(tree: &Value, name: &str) -> Option<Second> {
    let digits = given(tree, name).filter(|text| text.len() == 14 && text.bytes().all(|b| b.is_ascii_digit()))?;
    Second::from_local("%Y%m%d%H%M%S", digits)
}
