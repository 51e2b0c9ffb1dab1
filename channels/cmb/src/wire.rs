//! Requests out and replies in (section 2.1): the envelope, the header, the judgement. What a reply *means* is the verbs' business.

use crate::codes::{self, Api, Class};
use crate::config::Account;
use crate::sign;
use serde_json::{Map, Value};
use sluice_contract::fields::parse_json;
use sluice_contract::{Env, Failure, FailureCode, Fault, Fen, HttpReply, HttpRequest, Refusal, Why, WhyKind};
use sluice_kit::ask::{self, Judge, Unread};
use sluice_kit::codes::failure;
use sluice_kit::ensure::ensure;
use sluice_kit::outcome::{self, Complaint as _, no_answer, unreadable};
pub(crate) use sluice_kit::wire::{TIMEOUT_MONEY_MS, TIMEOUT_MS, cut, put, text};
use sluice_kit::wire::{fen, fen_text};

const PREFIX: &str = "/polypay/v1.0/mchorders/";

/// One of the bank's calls.
pub(crate) struct Call {
    /// For logs and the trail.
    pub(crate) api: &'static str,
    /// The last part of its path.
    pub(crate) path: &'static str,
    pub(crate) content: Map<String, Value>,
    /// `encryptKey`, where something in the content is encrypted.
    pub(crate) key: Option<String>,
    pub(crate) timeout_ms: u64,
}

/// The signed POST of a call. The members that are signed are the members that are sent.
pub(crate) fn post(account: &Account, call: Call, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let content = Value::Object(call.content).to_string();
    let key = call.key.iter().map(|key| ("encryptKey", key.as_str()));
    let body = signed(account, key.chain([("biz_content", content.as_str())]), env)?;
    let signature = body.get("sign").and_then(Value::as_str).unwrap_or_default();
    let headers = [
        ("Content-Type", "application/json; charset=utf-8"),
        ("Accept", "application/json"),
        ("appid", &account.signer.app_id),
        ("timestamp", &env.now.0.to_string()),
        ("apisign", &account.signer.apisign(signature, env.now)),
    ];
    let url = format!("{}{PREFIX}{}", account.base_url, call.path);
    Ok(sluice_kit::wire::post(call.api, url, &headers, Value::Object(body).to_string(), call.timeout_ms))
}

/// An envelope of ours: these members, the three that all have, and the signature.
pub(crate) fn signed<'a>(
    account: &Account,
    members: impl Iterator<Item = (&'a str, &'a str)>,
    env: &Env<'_>,
) -> Result<Map<String, Value>, Refusal> {
    let members: Vec<_> = members.chain([("version", "0.0.1"), ("encoding", "UTF-8"), ("signMethod", sign::METHOD)]).collect();
    let signature = account.signer.sign(&sign::text(members.iter().copied()), &env.entropy)?;
    let mut body = Map::new();
    for (name, value) in members.into_iter().chain([("sign", signature.as_str())]) {
        put(&mut body, name, value);
    }
    Ok(body)
}

/// A reply that may be believed: signed by the bank. Of a success its `biz_content`.
pub(crate) type Answer = ask::Answer<Complaint>;

/// The bank's error, signed.
#[derive(Debug)]
pub(crate) struct Complaint {
    /// As sent; empty when there was none.
    pub(crate) code: String,
    message: String,
}

/// Judges a reply by the trust rule of [`crate::sign`].
fn answer(account: &Account, reply: &HttpReply) -> Result<Answer, Why> {
    ensure(reply.is_success(), || no_answer(reply))?;
    let tree = parse_json(reply.bytes()).map_err(|_| unreadable("the body is not acceptable JSON"))?;
    let members = members(&tree).ok_or_else(|| unreadable("the body is no object of texts"))?;
    let get = |name: &str| members.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value);
    let complaint = Complaint {
        code: cut(get("errCode"), 64),
        message: cut([get("respMsg"), get("errDescription")].into_iter().find(|text| !text.is_empty()).unwrap_or_default(), 200),
    };
    ensure(!get("sign").is_empty(), || complaint.unsigned())?;
    verified(account, &members).map_err(|reason| Why::new(WhyKind::BadSignature, reason))?;
    match (get("returnCode"), get("respCode")) {
        ("SUCCESS", "SUCCESS") => {
            let content = parse_json(get("biz_content").as_bytes()).ok().filter(Value::is_object);
            content.map(Answer::Good).ok_or_else(|| unreadable("biz_content is no JSON object"))
        }
        ("FAIL", _) | ("SUCCESS", "FAIL") => Ok(Answer::Error(complaint)),
        _ => Err(unreadable("the reply has no returnCode and respCode that we know")),
    }
}

/// All members, if all are text. Unknown ones are signed too (section 2.1).
fn members(tree: &Value) -> Option<Vec<(&str, &str)>> {
    tree.as_object()?.iter().map(|(name, value)| value.as_str().map(|value| (name.as_str(), value))).collect()
}

/// Whether the bank signed these members, with SM2 and nothing older.
pub(crate) fn verified(account: &Account, members: &[(&str, &str)]) -> Result<(), &'static str> {
    let get = |name: &str| members.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    ensure(get("signMethod") == Some(sign::METHOD), || "signMethod is not 02 (SM2)")?;
    let covered = members.iter().copied().filter(|(_, value)| account.signs_empty || !value.is_empty());
    ensure(account.keys.verify(&sign::text(covered), get("sign").unwrap_or_default()), || "the signature does not hold")
}

impl Judge for Account {
    type Answer = Answer;

    fn judge(&self, reply: &HttpReply, _env: &Env<'_>) -> Result<Answer, Unread> {
        Ok(answer(self, reply)?)
    }
}

impl Complaint {
    /// The class of the code, or why the complaint decides nothing.
    pub(crate) fn class(&self, api: Api) -> Result<Class, Why> {
        codes::class(api, &self.code).ok_or_else(|| {
            let kind = if self.code.is_empty() { WhyKind::Unreadable } else { WhyKind::Unlisted };
            self.why(kind)
        })
    }

    /// A short error may come without a signature (section 2.2): told, and the state is unknown. One about our keys or ids is an alarm.
    fn unsigned(&self) -> Why {
        let kind = match codes::class(Api::Query, &self.code) {
            Some(Class::Config) => WhyKind::Configuration,
            Some(Class::Unknown) => WhyKind::Pending,
            _ => WhyKind::BadSignature,
        };
        Why { note: format!("unsigned, {}", self.why(kind).note), ..self.why(kind) }
    }
}

impl outcome::Complaint for Complaint {
    fn failure(&self, code: FailureCode, fault: Fault) -> Failure {
        failure(code, fault, &self.code, &self.message)
    }

    fn why(&self, kind: WhyKind) -> Why {
        Why::new(kind, format!("{}: {}", if self.code.is_empty() { "without a code" } else { &self.code }, self.message))
    }
}

/// Fen: digits in text (section 2.1), or a plain number.
pub(crate) fn amount(tree: &Value, name: &str) -> Option<Fen> {
    fen(tree, name).or_else(|| text(tree, name).and_then(fen_text))
}
