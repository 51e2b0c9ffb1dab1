//! Requests out and replies in: public parameters, the one node, the error fields, and a merchant's token that has died.
//! What a reply *means* is the verbs' business.

use crate::admit::URL_MAX;
use crate::certificate::{self, DOWNLOAD};
use crate::codes::{self, Api, Class};
use crate::config::Account;
use crate::keys::{TOKEN, item_id};
use crate::sign::{self, Seal};
use serde_json::{Map, Value};
use sluice_contract::{AttemptRef, Env, Failure, FailureCode, Fault, Fen, HttpReply, HttpRequest, KeyHint};
use sluice_contract::{Reading, Refusal, Step, Why, WhyKind};
use sluice_kit::ask::{self, Outcome, Told, Unread, ask_by, then};
use sluice_kit::codes::failure;
pub(crate) use sluice_kit::content::members;
pub(crate) use sluice_kit::ensure::ensure;
use sluice_kit::form::{borrowed, encoded};
use sluice_kit::outcome::{self, Complaint as _, no_answer, unreadable};
use sluice_kit::raw;
pub(crate) use sluice_kit::wire::{TIMEOUT_MONEY_MS, TIMEOUT_MS, cut, given, short, text};
use std::sync::Arc;

/// Everything about a request that is not of the moment, so that it can be made again under a renewed token.
/// May hold a payment code: it is never printed.
#[derive(Clone)]
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
    /// Under a renewed token.
    pub(crate) again: bool,
}

#[derive(Clone)]
pub(crate) enum Content {
    Biz(Map<String, Value>),
    /// Parameters beside the public ones: `alipay.system.oauth.token` has no `biz_content` (pack §13).
    Top(Vec<(&'static str, String)>),
}

impl Call {
    pub(crate) fn new(api: &'static str, method: &'static str, biz: Map<String, Value>, merchant: Option<&String>) -> Call {
        let (content, merchant) = (Content::Biz(biz), merchant.cloned());
        Call { api, method, content, urls: Vec::new(), merchant, timeout_ms: TIMEOUT_MS, again: false }
    }

    /// A call about a trade, by our number: it never changes, `trade_no` may not be known. What has no value is left out.
    pub(crate) fn about(attempt: &AttemptRef, api: &'static str, method: &'static str, more: Vec<(&str, Option<Value>)>) -> Call {
        let number = ("out_trade_no", Some(attempt.number.as_str().into()));
        Call::new(api, method, members(more.into_iter().chain([number])), attempt.sub.get("auth_app_id"))
    }
}

/// A request's parameters, signed: those for the URL, and those for the body.
pub(crate) struct Signed {
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Vec<(String, String)>,
}

/// What every request says alike.
const PUBLIC: [(&str, &str); 4] = [("format", "JSON"), ("charset", "utf-8"), ("sign_type", "RSA2"), ("version", "1.0")];

/// Signs a call at a moment. An empty value is never sent (pack §1.3).
pub(crate) fn signed(account: &Account, call: &Call, token: Option<&str>, env: &Env<'_>) -> Result<Signed, Refusal> {
    ensure(call.urls.iter().all(|(_, url)| url.len() <= URL_MAX), || Refusal::account("a URL has more than 256 characters"))?;
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let (body, is_sealed) = match &call.content {
        Content::Top(pairs) => (borrowed(pairs).map(pair).collect(), false),
        Content::Biz(biz) => {
            let content = account.content.seal(Value::Object(biz.clone()).to_string())?;
            (vec![("biz_content".to_owned(), content)], account.content.encrypt())
        }
    };
    let files = account.certificates.as_ref();
    let own = [
        ("app_id", account.app_id.as_str()),
        ("method", call.method),
        ("timestamp", &env.now.plain()),
        ("app_cert_sn", files.map_or("", |files| &files.app_sn)),
        ("alipay_root_cert_sn", files.map_or("", |files| &files.root_sn)),
        ("app_auth_token", token.unwrap_or_default()),
        ("encrypt_type", if is_sealed { "AES" } else { "" }),
    ];
    let query = own.into_iter().chain(PUBLIC).chain(borrowed(&call.urls)).filter(|(_, value)| !value.is_empty());
    let mut query: Vec<(String, String)> = query.map(pair).collect();
    let text = sign::request_text(&[query.as_slice(), &body].concat());
    query.push(("sign".to_owned(), account.key.sign(text.as_bytes())?));
    Ok(Signed { query, body })
}

/// The token of the merchant in whose name a call goes; `None` for our own calls.
pub(crate) fn token_for(account: &Account, call: &Call) -> Result<Option<String>, Refusal> {
    let Some(merchant) = &call.merchant else { return Ok(None) };
    let token = account.ring.token(TOKEN, merchant).map(|token| token.to_string());
    token.map(Some).ok_or_else(|| Refusal::account(format!("there is no app_auth_token of the merchant's app {merchant}")))
}

fn request(account: &Account, call: &Call, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let signed = signed(account, call, token_for(account, call)?.as_deref(), env)?;
    let headers = [("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded;charset=utf-8")];
    let url = format!("{}?{}", account.gateway, encoded(&signed.query));
    Ok(sluice_kit::wire::post(call.api, url, &headers, encoded(&signed.body), call.timeout_ms))
}

/// What may be believed: the node of a sealed success, or an error.
pub(crate) type Answer = ask::Answer<Complaint>;

/// The error fields of a node.
pub(crate) struct Complaint {
    pub(crate) code: String,
    pub(crate) sub_code: String,
    message: String,
    pub(crate) sealed: bool,
    pub(crate) node: Value,
}

/// Sends a call, or refuses when it could not even be made. A dead token is renewed once and the call made again under the new one:
/// "order not created" (pack §3.2).
pub(crate) fn ask<R: Clone + Send + Sync + 'static, T: Outcome>(
    account: &Arc<Account>,
    about: &R,
    call: Call,
    env: &Env<'_>,
    read: impl Fn(&Arc<Account>, &R, Answer, &Env<'_>) -> Told<T> + Clone + Send + Sync + 'static,
) -> Step<T> {
    let token = call.merchant.as_ref().and_then(|merchant| account.ring.token(TOKEN, merchant));
    let (request, method) = (request(account, &call, env), call.method);
    let judge = move |account: &Account, reply: &HttpReply, _: &Env<'_>| judged(account, method, reply);
    ask_by(account, about, request, judge, move |account, about, answer, env| {
        let is_refused = !call.again && matches!(&answer, Answer::Error(complaint) if complaint.sealed && complaint.code == "20001");
        // A renewal that was asked for and refused: then this answer is the last word.
        let used = call.merchant.as_ref().zip(token.as_ref());
        match used.filter(|(merchant, used)| is_refused && !account.ring.is_dead(merchant, used)) {
            None => read(account, about, answer, env),
            Some((merchant, used)) if account.ring.token(TOKEN, merchant).as_ref() == Some(used) => {
                Ok(Reading::NeedKeys(KeyHint { key_id: item_id(TOKEN, merchant) }))
            }
            Some(_) => Ok(then(ask(account, about, Call { again: true, ..call.clone() }, env, read.clone()))),
        }
    })
}

/// Judges a reply by the trust rule of [`crate::sign`]. Its content type says nothing (pack §1.1).
fn judged(account: &Account, method: &str, reply: &HttpReply) -> Result<Answer, Unread> {
    ensure(reply.status == 200, || no_answer(reply))?;
    let envelope = sign::envelope(reply.bytes(), method).ok_or_else(|| unreadable("the reply has no one node of this call"))?;
    let seal = if method == DOWNLOAD { certificate::seal(account, &envelope) } else { envelope.seal(&account.ring) };
    let sealed = match seal {
        Seal::Holds => true,
        Seal::Absent => false,
        Seal::Broken => return Err(Why::new(WhyKind::BadSignature, "the signature does not hold").into()),
        Seal::UnknownKey(key_id) => return Err(Unread::Keys(KeyHint { key_id })),
    };
    let node = node(account, envelope.node).ok_or_else(|| unreadable("the node is not acceptable JSON, or does not decrypt"))?;
    let code = short(&node, "code", 16);
    // The one API whose success has no code (pack §13).
    let is_good = code == "10000" || (node.get("code").is_none() && method == "alipay.system.oauth.token");
    if is_good && !envelope.is_error_root {
        ensure(sealed, || Why::new(WhyKind::BadSignature, "success without a signature"))?;
        return Ok(Answer::Good(node));
    }
    ensure(!is_good && !code.is_empty(), || unreadable("an error without an error code"))?;
    let message = short(&node, if given(&node, "sub_msg").is_some() { "sub_msg" } else { "msg" }, 200);
    Ok(Answer::Error(Complaint { code, sub_code: short(&node, "sub_code", 64), message, sealed, node }))
}

/// The node's fields; every number is text.
pub(crate) fn node(account: &Account, raw: &[u8]) -> Option<Value> {
    raw::tree(&account.content.open(raw)?).filter(Value::is_object)
}

impl Complaint {
    /// The class of the code, or why the complaint decides nothing.
    pub(crate) fn class(&self, api: Api) -> Result<Class, Why> {
        let class = codes::class(api, &self.code, &self.sub_code).ok_or_else(|| self.why(WhyKind::Unlisted))?;
        let kind = if class == Class::Config { WhyKind::Configuration } else { WhyKind::BadSignature };
        if self.sealed { Ok(class) } else { Err(Why::new(kind, format!("{}, unsigned", self.words()))) }
    }

    /// Both codes, as they came.
    pub(crate) fn words(&self) -> String {
        format!("{} {}", self.code, self.sub_code)
    }
}

impl outcome::Complaint for Complaint {
    fn failure(&self, code: FailureCode, fault: Fault) -> Failure {
        let own = if self.sub_code.is_empty() { &self.code } else { &self.sub_code };
        failure(code, fault, own, &self.message)
    }

    fn why(&self, kind: WhyKind) -> Why {
        Why::new(kind, self.words())
    }
}

/// An amount in yuan, or `None`.
pub(crate) fn yuan(tree: &Value, name: &str) -> Option<Fen> {
    text(tree, name).and_then(Fen::from_yuan)
}
