//! Requests out and replies in: the envelope, the seal, the return code (pack 1.2, 1.4). What a reply *means* is the verbs' business.

use crate::codes::{self, Api, Class};
use crate::config::Account;
use crate::sign;
use serde_json::{Map, Value};
use sluice_contract::fields::parse_json;
use sluice_contract::{Env, Failure, FailureCode, Fault, Fen, HttpReply, HttpRequest, Refusal, Second, Why, WhyKind};
use sluice_kit::ask::{self, Judge, Unread};
use sluice_kit::ensure::ensure;
use sluice_kit::form::encoded;
use sluice_kit::outcome::{self, Complaint as _, unreadable};
use sluice_kit::text::compact;
pub(crate) use sluice_kit::wire::{TIMEOUT_MONEY_MS, TIMEOUT_MS, put, put_some, text};
use sluice_kit::wire::{cut, fen_text, fresh, post, short};

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
        // Unique per app: 32 characters from fresh randomness, as the SDK's own (pack 1.2).
        ("msg_id", hex::encode(fresh::<16>(env))),
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
    let headers = [("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"), ("APIGW-VERSION", "v2_20190522")];
    Ok(post(call.api, url, &headers, encoded(&params), call.timeout_ms))
}

/// A success has return code 0.
pub(crate) type Answer = ask::Answer<Complaint>;

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
    let unsigned = || Why::new(WhyKind::BadSignature, "the reply has no signed content");
    let (raw, signature) = sign::content_of(body).ok_or_else(unsigned)?;
    ensure(account.keys.verifies(raw, signature), || Why::new(WhyKind::BadSignature, "the reply's signature does not hold"))?;
    let tree = match parse_json(raw.as_bytes()).map_err(|_| unreadable("the content is not acceptable JSON"))? {
        Value::String(sealed) => {
            let plain = account.keys.open(&sealed).ok_or_else(|| unreadable("the content does not decrypt: check encrypt_key"))?;
            parse_json(&plain).map_err(|_| unreadable("the decrypted content is not acceptable JSON"))?
        }
        tree => tree,
    };
    let code = word(&tree, "return_code").ok_or_else(|| unreadable("the reply has no return code"))?;
    if code == "0" {
        return Ok(Answer::Good(tree));
    }
    Ok(Answer::Error(Complaint { code: cut(&code, 32), message: short(&tree, "return_msg", 200) }))
}

impl Judge for Account {
    type Answer = Answer;

    fn judge(&self, reply: &HttpReply, _env: &Env<'_>) -> Result<Answer, Unread> {
        Ok(answer(self, reply)?)
    }
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
}

impl outcome::Complaint for Complaint {
    fn failure(&self, code: FailureCode, fault: Fault) -> Failure {
        codes::failure(code, fault, &self.code, &self.message)
    }

    fn why(&self, kind: WhyKind) -> Why {
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

/// Fen, as text (every sample) or as a number.
pub(crate) fn fen(tree: &Value, name: &str) -> Option<Fen> {
    word(tree, name).and_then(|digits| fen_text(&digits))
}

/// A full moment, 14 digits. A bare date (family A) is not one.
pub(crate) fn moment(tree: &Value, name: &str) -> Option<Second> {
    text(tree, name).and_then(compact)
}
