//! Requests out and replies in. Two decoders on purpose (T2): the answer of a call is split as it is, a notice is a form.

use crate::codes::{self, Api, Class};
use crate::config::Account;
use crate::sign::{Large, VERSION};
use sluice_contract::{Env, Failure, FailureCode, Fault, HttpReply, HttpRequest, Notes, Refusal, Why, WhyKind};
use sluice_kit::ask::{Judge, Unread};
use sluice_kit::ensure::ensure;
use sluice_kit::form::encode_pairs;
use sluice_kit::outcome::{Complaint, unreadable};
use sluice_kit::wire::{self as kit, cut};
pub(crate) use sluice_kit::wire::{TIMEOUT_MONEY_MS, TIMEOUT_MS};

/// The most fields a message has.
const FIELDS_MAX: usize = 128;

/// A signed POST form. The fields that are signed are the fields that are sent.
pub(crate) fn post(account: &Account, api: &'static str, path: &str, fields: &Notes, timeout_ms: u64) -> Result<HttpRequest, Refusal> {
    let url = format!("{}{path}", account.base_url);
    let signed = account.signer.sign(fields)?;
    let body = encode_pairs(signed.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    Ok(kit::post(api, url, &[("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")], body, timeout_ms))
}

/// Splits the answer of a call (pack §1.6): nothing is decoded, and inside `{}` and `[]` separators are text. A key that stands
/// there twice is no message.
pub(crate) fn split(text: &str) -> Option<Notes> {
    let mut fields = Notes::new();
    let (mut rest, mut last) = (text, None);
    while let Some((key, tail)) = rest.split_once('=') {
        let mut closer = None;
        let ends_value = |c: char| {
            let opened = closer;
            closer = match c {
                _ if opened.is_some() => opened.filter(|end| *end != c),
                '{' => Some('}'),
                '[' => Some(']'),
                _ => None,
            };
            opened.is_none() && c == '&'
        };
        let (value, more) = tail.split_once(ends_value).map_or((tail, None), |(value, more)| (value, Some(more)));
        if key.is_empty() || fields.len() >= FIELDS_MAX || fields.insert(key.to_owned(), value.to_owned()).is_some() {
            return None;
        }
        let Some(more) = more else { return Some(fields) };
        (rest, last) = (more, Some(key));
    }
    // The official parser lets a last token without `=` empty the field before it. Such a message no longer verifies.
    fields.extend(last.map(|key| (key.to_owned(), String::new())));
    Some(fields)
}

/// The fields of a reply that UnionPay has signed, or why there are none.
pub(crate) fn answer(account: &Account, reply: &HttpReply, env: &Env<'_>) -> Result<Notes, Why> {
    // Pack §1.2: any other status, an empty body or one that does not verify is no answer, never "failed".
    let is_there = reply.status == 200 && !reply.bytes().is_empty();
    ensure(is_there, || Why::new(WhyKind::NoAnswer, format!("HTTP {} without an answer", reply.status)))?;
    signed(account, reply.bytes(), None, env)
}

/// The fields of a text that UnionPay has signed. `large`: the value of a field that is empty in the text.
pub(crate) fn signed(account: &Account, text: &[u8], large: Large<'_>, env: &Env<'_>) -> Result<Notes, Why> {
    let text = std::str::from_utf8(text).map_err(|_| unreadable("the answer is not UTF-8"))?;
    let fields = split(text).ok_or_else(|| unreadable("the answer is no list of fields, or names one twice"))?;
    ensure(fields.contains_key("respCode"), || unreadable("the answer has no respCode"))?;
    account.verifier.check(&fields, large, env.now).map_err(|reason| Why::new(WhyKind::BadSignature, reason))?;
    ensure(is_utf8(&fields), || unreadable("the answer is in another encoding"))?;
    Ok(fields)
}

/// Answers in the wild say `utf-8` (pack §1.3).
pub(crate) fn is_utf8(fields: &Notes) -> bool {
    fields.get("encoding").is_some_and(|name| name.eq_ignore_ascii_case("UTF-8"))
}

impl Judge for Account {
    type Answer = Notes;

    fn judge(&self, reply: &HttpReply, env: &Env<'_>) -> Result<Notes, Unread> {
        Ok(answer(self, reply, env)?)
    }
}

/// What every message begins with.
pub(crate) fn start(access_type: &str, mer_id: &str, (txn, sub): (&str, &str), biz_type: &str) -> Notes {
    kit::notes([
        ("version", VERSION),
        ("encoding", "UTF-8"),
        ("txnType", txn),
        ("txnSubType", sub),
        ("bizType", biz_type),
        ("accessType", access_type),
        ("merId", mer_id),
    ])
}

pub(crate) fn set(fields: &mut Notes, name: &str, value: impl Into<String>) {
    fields.insert(name.to_owned(), value.into());
}

/// A field of a message that says something.
pub(crate) fn given<'a>(fields: &'a Notes, name: &str) -> Option<&'a str> {
    fields.get(name).map(String::as_str).filter(|text| !text.is_empty())
}

/// A field of a message; absent is empty.
pub(crate) fn get<'a>(fields: &'a Notes, name: &str) -> &'a str {
    fields.get(name).map_or("", String::as_str)
}

/// A response code and its text: of the call, or of the transaction that a query was about.
pub(crate) struct Said<'a> {
    pub(crate) code: &'a str,
    message: &'a str,
}

impl<'a> Said<'a> {
    pub(crate) fn of(fields: &'a Notes) -> Said<'a> {
        Said { code: get(fields, "respCode"), message: get(fields, "respMsg") }
    }

    pub(crate) fn of_original(fields: &'a Notes) -> Said<'a> {
        Said { code: get(fields, "origRespCode"), message: get(fields, "origRespMsg") }
    }

    pub(crate) fn class(&self, api: Api) -> Result<Class, Why> {
        codes::class(api, self.code).ok_or_else(|| self.why(WhyKind::Unlisted))
    }
}

impl Complaint for Said<'_> {
    fn failure(&self, code: FailureCode, fault: Fault) -> Failure {
        codes::failure(code, fault, self.code, &cut(self.message, 200))
    }

    /// Never a field about the payer.
    fn why(&self, kind: WhyKind) -> Why {
        Why::new(kind, format!("{} {}", cut(self.code, 8), cut(self.message, 120)))
    }
}
