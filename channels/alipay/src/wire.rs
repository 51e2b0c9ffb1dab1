//! Requests out and replies in: public parameters, the one node, the error fields, and a merchant's token that has died.
//! What a reply *means* is the verbs' business.

use crate::admit;
use crate::codes::{self, Api, Class};
use crate::config::Account;
use crate::keys::{self, TOKEN};
use crate::sign::{self, Seal};
use serde_json::{Map, Value};
use sluice_contract::fields::parse_json;
use sluice_contract::{
    Env, Exchange, Failure, FailureCode, Fault, Fen, HttpReply, HttpRequest, KeyHint, Reading, Refusal, Step, Why, WhyKind,
};
use sluice_kit::codes::failure;
use sluice_kit::form::encoded;
use sluice_kit::outcome;
pub(crate) use sluice_kit::wire::text;
use sluice_kit::wire::{TIMEOUT_MS, cut, given, post};
use std::sync::Arc;

/// Everything about a request that is not of the moment, so that it can be made again under a renewed token.
/// May hold a payment code: it is never printed.
pub(crate) struct Call {
    /// The name for logs.
    pub(crate) api: &'static str,
    pub(crate) method: &'static str,
    pub(crate) content: Content,
    /// `notify_url` and `return_url`.
    pub(crate) urls: Vec<(&'static str, String)>,
    /// In whose name a provider calls.
    pub(crate) merchant: Option<String>,
    pub(crate) timeout_ms: u64,
}

pub(crate) enum Content {
    Biz(Map<String, Value>),
    /// Parameters beside the public ones: `alipay.system.oauth.token` has no `biz_content` (pack §13).
    Top(Vec<(&'static str, String)>),
}

impl Call {
    pub(crate) fn new(api: &'static str, method: &'static str, biz: Map<String, Value>, merchant: Option<&String>) -> Call {
        Call { api, method, content: Content::Biz(biz), urls: Vec::new(), merchant: merchant.cloned(), timeout_ms: TIMEOUT_MS }
    }
}

/// A request's parameters, signed: those for the URL, and those for the body.
pub(crate) struct Signed {
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Vec<(String, String)>,
}

/// Signs a call at a moment. An empty value is never sent (pack §1.3).
pub(crate) fn signed(account: &Account, call: &Call, token: Option<&str>, env: &Env<'_>) -> Result<Signed, Refusal> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut query = vec![
        pair("app_id", &account.app_id),
        pair("method", call.method),
        pair("format", "JSON"),
        pair("charset", "utf-8"),
        pair("sign_type", "RSA2"),
        pair("timestamp", &env.now.plain()),
        pair("version", "1.0"),
    ];
    if let Some(files) = &account.certificates {
        query.extend([pair("app_cert_sn", &files.app_sn), pair("alipay_root_cert_sn", &files.root_sn)]);
    }
    if let Some(token) = token {
        query.push(pair("app_auth_token", token));
    }
    for (name, url) in &call.urls {
        if url.len() > admit::URL_MAX {
            return Err(Refusal::account(format!("{name} has more than {} characters", admit::URL_MAX)));
        }
        query.push(pair(name, url));
    }
    let mut body = Vec::new();
    match &call.content {
        Content::Top(pairs) => body.extend(pairs.iter().map(|(name, value)| pair(name, value))),
        Content::Biz(biz) => {
            let plain = Value::Object(biz.clone()).to_string();
            let content = match account.encrypt_keys.first() {
                Some(key) => {
                    query.push(pair("encrypt_type", "AES"));
                    key.seal(plain.as_bytes()).ok_or_else(|| Refusal::account("encrypt_key cannot encrypt"))?
                }
                None => plain,
            };
            body.push(("biz_content".to_owned(), content));
        }
    }
    query.retain(|(_, value)| !value.is_empty());
    let all: Vec<(String, String)> = query.iter().chain(&body).cloned().collect();
    query.push(("sign".to_owned(), account.key.sign(sign::request_text(&all).as_bytes())?));
    Ok(Signed { query, body })
}

/// The token of the merchant in whose name a call goes; `None` for our own calls.
pub(crate) fn token_for(account: &Account, call: &Call) -> Result<Option<String>, Refusal> {
    let Some(merchant) = &call.merchant else { return Ok(None) };
    match account.ring.token(TOKEN, merchant) {
        Some(token) => Ok(Some(token.as_str().to_owned())),
        None => Err(Refusal::account(format!("there is no app_auth_token of the merchant's app {merchant}"))),
    }
}

fn request(account: &Account, call: &Call, token: Option<&str>, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let signed = signed(account, call, token, env)?;
    let headers = [("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded;charset=utf-8")];
    let url = format!("{}?{}", account.gateway, encoded(&signed.query));
    Ok(post(call.api, url, &headers, encoded(&signed.body), call.timeout_ms))
}

/// What a reply is worth.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Sealed, and the call worked.
    Good(Value),
    Error(Complaint),
    Doubt(Why),
}

/// The error fields of a node.
#[derive(Clone, Debug)]
pub(crate) struct Complaint {
    pub(crate) code: String,
    pub(crate) sub_code: String,
    pub(crate) message: String,
    pub(crate) sealed: bool,
    pub(crate) node: Value,
}

pub(crate) type Read<T> = Arc<dyn Fn(&Arc<Account>, Answer, &Env<'_>) -> Reading<T> + Send + Sync>;

/// Sends a call, or refuses when it could not even be made.
pub(crate) fn ask<T: 'static>(
    account: &Arc<Account>,
    call: Call,
    env: &Env<'_>,
    read: impl Fn(&Arc<Account>, Answer, &Env<'_>) -> Reading<T> + Send + Sync + 'static,
) -> Step<T> {
    match exchange(account, Arc::new(call), env, Arc::new(read), true) {
        Ok(exchange) => Step::Send(exchange),
        Err(refusal) => Step::Refused(refusal),
    }
}

/// As [`ask`], after a reply: what cannot be asked any more is a doubt.
pub(crate) fn then<T: 'static>(
    account: &Arc<Account>,
    call: Call,
    env: &Env<'_>,
    read: impl Fn(&Arc<Account>, Answer, &Env<'_>) -> Reading<T> + Send + Sync + 'static,
) -> Reading<T> {
    let read: Read<T> = Arc::new(read);
    again(account, Arc::new(call), env, &read)
}

fn again<T: 'static>(account: &Arc<Account>, call: Arc<Call>, env: &Env<'_>, read: &Read<T>) -> Reading<T> {
    match exchange(account, call, env, Arc::clone(read), false) {
        Ok(exchange) => Reading::Then(exchange),
        Err(refusal) => read(account, Answer::Doubt(Why::new(WhyKind::Configuration, refusal.inner)), env),
    }
}

/// A dead token is renewed once and the call made again under the new one: "order not created" (pack §3.2).
fn exchange<T: 'static>(
    account: &Arc<Account>,
    call: Arc<Call>,
    env: &Env<'_>,
    read: Read<T>,
    may_renew: bool,
) -> Result<Exchange<T>, Refusal> {
    let token = token_for(account, &call)?;
    let request = request(account, &call, token.as_deref(), env)?;
    let account = Arc::clone(account);
    Ok(Exchange::new(request, move |reply, env| {
        let answer = match judged(&account, call.method, reply) {
            Ok(answer) => answer,
            Err(hint) => return Reading::NeedKeys(hint),
        };
        match (&answer, &call.merchant) {
            (Answer::Error(complaint), Some(merchant)) if may_renew && complaint.sealed && complaint.code == "20001" => {
                let used = token.as_deref();
                // It was asked for and refused: then this answer is the last word.
                if used.is_some_and(|used| account.ring.is_dead(merchant, used)) {
                    return read(&account, answer, env);
                }
                if account.ring.token(TOKEN, merchant).as_deref().map(String::as_str) == used {
                    return Reading::NeedKeys(KeyHint { key_id: keys::item_id(TOKEN, merchant) });
                }
                again(&account, Arc::clone(&call), env, &read)
            }
            _ => read(&account, answer, env),
        }
    }))
}

/// Judges a reply by the trust rule of [`crate::sign`]. Its content type says nothing (pack §1.1).
fn judged(account: &Account, method: &str, reply: &HttpReply) -> Result<Answer, KeyHint> {
    let doubt = |kind, note: &str| Ok(Answer::Doubt(Why::new(kind, note)));
    if reply.status != 200 {
        return doubt(WhyKind::NoAnswer, &format!("HTTP {}", reply.status));
    }
    let Some(envelope) = sign::envelope(reply.bytes(), method) else {
        return doubt(WhyKind::Unreadable, "the reply has no one node of this call");
    };
    let sealed = match envelope.seal(&account.ring) {
        Seal::Holds => true,
        Seal::Absent => false,
        Seal::Broken => return doubt(WhyKind::BadSignature, "the signature does not hold"),
        Seal::UnknownKey(key_id) => return Err(KeyHint { key_id }),
    };
    match node(account, envelope.node) {
        Some(node) => Ok(sorted(node, sealed, envelope.is_error_root, method)),
        None => doubt(WhyKind::Unreadable, "the node is not acceptable JSON, or does not decrypt"),
    }
}

/// The node's fields; every number is text.
pub(crate) fn node(account: &Account, raw: &[u8]) -> Option<Value> {
    let plain = match raw.first()? {
        b'"' => {
            let sealed = parse_json(raw).ok()?;
            account.encrypt_keys.iter().find_map(|key| key.open(sealed.as_str()?))?
        }
        _ => raw.to_vec(),
    };
    parse_json(&sign::numbers_as_text(&plain)).ok().filter(Value::is_object)
}

fn sorted(node: Value, sealed: bool, is_error_root: bool, method: &str) -> Answer {
    let code = text(&node, "code").unwrap_or_default().to_owned();
    // The one API whose success has no code (pack §13).
    let is_good = code == "10000" || (node.get("code").is_none() && method == "alipay.system.oauth.token");
    match (is_good && !is_error_root, sealed) {
        (true, true) => Answer::Good(node),
        (true, false) => Answer::Doubt(Why::new(WhyKind::BadSignature, "success without a signature")),
        (false, _) if is_good || code.is_empty() => Answer::Doubt(Why::new(WhyKind::Unreadable, "an error without an error code")),
        (false, _) => {
            let short = |name: &str, max| cut(text(&node, name).unwrap_or_default(), max);
            let message = short(if given(&node, "sub_msg").is_some() { "sub_msg" } else { "msg" }, 200);
            Answer::Error(Complaint { code: cut(&code, 16), sub_code: short("sub_code", 64), message, sealed, node })
        }
    }
}

impl Complaint {
    /// The class of the code, or why the complaint decides nothing.
    pub(crate) fn class(&self, api: Api) -> Result<Class, Why> {
        let unsigned = |kind| Err(Why::new(kind, format!("{} {}, unsigned", self.code, self.sub_code)));
        match codes::class(api, &self.code, &self.sub_code) {
            None => Err(outcome::Complaint::why(self, WhyKind::Unlisted)),
            Some(Class::Config) if !self.sealed => unsigned(WhyKind::Configuration),
            Some(_) if !self.sealed => unsigned(WhyKind::BadSignature),
            Some(class) => Ok(class),
        }
    }
}

impl outcome::Complaint for Complaint {
    fn failure(&self, code: FailureCode, fault: Fault) -> Failure {
        let own = if self.sub_code.is_empty() { &self.code } else { &self.sub_code };
        failure(code, fault, own, &self.message)
    }

    fn why(&self, kind: WhyKind) -> Why {
        Why::new(kind, format!("{} {}", self.code, self.sub_code))
    }
}

/// An amount in yuan, or `None`.
pub(crate) fn yuan(tree: &Value, name: &str) -> Option<Fen> {
    text(tree, name).and_then(Fen::from_yuan)
}
