//! The envelope of API v2: signed XML out, and three checks in: transport, signature, business (pack §10).

use crate::codes::{self, Api, Class};
use crate::config::{Account, V2};
use crate::ids::frozen;
use crate::trade::fen_text;
use crate::wire::{self, TIMEOUT_MONEY_MS};
use crate::{sign, v2_sign, xml};
use sluice_contract::{AttemptRef, Claims, Env, Failure, FailureCode, Fault, HttpReply, HttpRequest, Notes, Refusal, Why, WhyKind};
use sluice_kit::outcome::{self, Complaint as _, no_answer, unreadable};
use sluice_kit::wire::{cut, post};

/// v2's name, ours (v3's) in direct mode, ours in partner mode.
const NAMES: [(&str, &str, &str); 4] = [
    ("appid", "appid", "sp_appid"),
    ("mch_id", "mchid", "sp_mchid"),
    ("sub_appid", "sub_appid", "sub_appid"),
    ("sub_mch_id", "sub_mchid", "sub_mchid"),
];

/// A signed XML request about an attempt. `with_identity`: the paths under `/secapi` demand the client certificate.
pub(crate) fn request(
    account: &Account,
    attempt: &AttemptRef,
    (api, path): (&'static str, &str),
    mut members: Notes,
    with_identity: bool,
    env: &Env<'_>,
) -> Result<HttpRequest, Refusal> {
    let v2 = account.v2.as_ref().ok_or_else(|| Refusal::account("a v2 order needs api_v2_key"))?;
    let key = v2.keys.first().ok_or_else(|| Refusal::account("a v2 order needs api_v2_key"))?;
    let identity = if with_identity { v2.identity.clone() } else { None };
    if with_identity && identity.is_none() && !account.sandbox {
        return Err(Refusal::account("a v2 reversal or refund needs client_certificate"));
    }
    for (name, direct, partner) in NAMES {
        if let Some(id) = frozen(attempt, direct).or_else(|| frozen(attempt, partner)) {
            members.insert(name.to_owned(), id.to_owned());
        }
    }
    members.insert("nonce_str".to_owned(), sign::nonce(env));
    members.insert("sign_type".to_owned(), v2.sign_type.word().to_owned());
    members.retain(|_, value| !value.is_empty());
    let sign = v2_sign::sign(&members, key, v2.sign_type);
    members.insert("sign".to_owned(), sign);
    let url = format!("{}{path}", account.base_url);
    let headers = [("Accept", "text/xml"), ("Content-Type", "text/xml; charset=utf-8")];
    Ok(HttpRequest { identity, ..post(api, url, &headers, xml::write(&members), TIMEOUT_MONEY_MS) })
}

/// A reply that may be believed: signed with our key, whatever it says.
pub(crate) enum Answer {
    Good(Notes),
    Error(Complaint),
}

/// A signed refusal.
pub(crate) struct Complaint {
    pub(crate) code: String,
    message: String,
    /// All members: a reversal's `recall` stands beside the error.
    pub(crate) members: Notes,
}

/// Judges a reply. `return_code = FAIL` carries no signature, so it proves nothing: unknown.
pub(crate) fn answer(account: &Account, reply: &HttpReply) -> Result<Answer, Why> {
    if reply.status != 200 {
        return Err(no_answer(reply));
    }
    let members = xml::read(reply.bytes()).ok_or_else(|| unreadable("the reply is no XML of WeChat Pay"))?;
    let get = |name: &str| members.get(name).map(String::as_str).unwrap_or_default();
    if get("return_code") != "SUCCESS" {
        let message = cut(get("return_msg"), 100);
        return Err(Why::new(WhyKind::BadSignature, format!("return_code FAIL, which nobody signs: {message}")));
    }
    let is_signed = account.v2.as_ref().is_some_and(|v2| is_signed(v2, &members));
    if !is_signed {
        return Err(Why::new(WhyKind::BadSignature, "the reply's sign does not hold"));
    }
    match get("result_code") {
        "SUCCESS" => Ok(Answer::Good(members)),
        "FAIL" => {
            let (code, message) = (cut(get("err_code"), 64), cut(get("err_code_des"), 200));
            Ok(Answer::Error(Complaint { code, message, members }))
        }
        _ => Err(unreadable("the reply has no result_code")),
    }
}

/// Replies come in the sign type we asked with, under the present key; right after a change of keys under a former one.
fn is_signed(v2: &V2, members: &Notes) -> bool {
    v2.keys.iter().any(|key| v2_sign::verifies(members, key, v2.sign_type))
}

impl Complaint {
    pub(crate) fn class(&self, api: Api) -> Result<Class, Why> {
        codes::class(api, &self.code).ok_or_else(|| self.why(WhyKind::Unlisted))
    }
}

impl outcome::Complaint for Complaint {
    fn failure(&self, code: FailureCode, fault: Fault) -> Failure {
        wire::failure(code, fault, &self.code, &self.message)
    }

    fn why(&self, kind: WhyKind) -> Why {
        Why::new(kind, format!("{}: {}", self.code, self.message))
    }
}

/// What a v2 message claims, in the names the memo froze.
pub(crate) fn claims(members: &Notes) -> Claims {
    let is_partner = members.contains_key("sub_mch_id");
    let named = NAMES.iter().filter_map(|(name, direct, partner)| {
        let ours = if is_partner { partner } else { direct };
        members.get(*name).filter(|id| !id.is_empty()).map(|id| ((*ours).to_owned(), id.clone()))
    });
    Claims {
        number: members.get("out_trade_no").filter(|number| !number.is_empty()).cloned(),
        refund_number: members.get("out_refund_no").cloned(),
        amount: members.get("total_fee").and_then(|text| fen_text(text)),
        currency: members.get("fee_type").filter(|kind| !kind.is_empty()).cloned(),
        same: named.collect(),
        ..Claims::default()
    }
}
