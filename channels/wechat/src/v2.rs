//! The envelope of API v2: signed XML out, and three checks in: transport, signature, business (pack §10).

use crate::config::{Account, V2};
use crate::ids::frozen;
use crate::trade::fen_text;
use crate::wire::{Complaint, TIMEOUT_MONEY_MS};
use crate::{sign, v2_sign, xml};
use sluice_contract::{AttemptRef, Claims, Env, HttpReply, HttpRequest, Notes, Refusal, Why, WhyKind};
use sluice_kit::ask::Unread;
use sluice_kit::ensure::ensure;
use sluice_kit::outcome::{no_answer, unreadable};
use sluice_kit::wire::{cut, notes, post};

/// v2's name, ours (v3's) in direct mode, ours in partner mode.
const NAMES: [(&str, &str, &str); 4] = [
    ("appid", "appid", "sp_appid"),
    ("mch_id", "mchid", "sp_mchid"),
    ("sub_appid", "sub_appid", "sub_appid"),
    ("sub_mch_id", "sub_mchid", "sub_mchid"),
];

/// A reply that may be believed: signed with our key, whatever it says. All its members, and the complaint of a refusal.
pub(crate) type Answer = (Notes, Option<Complaint>);

/// A call (the API's name, its path) about an attempt, as signed XML. The paths under `/secapi` demand the client certificate.
pub(crate) fn request(
    account: &Account,
    attempt: &AttemptRef,
    (api, path): (&'static str, &str),
    mut members: Notes,
    env: &Env<'_>,
) -> Result<HttpRequest, Refusal> {
    let keyed = account.v2.as_ref().and_then(|v2| v2.keys.first().map(|key| (v2, key)));
    let (v2, key) = keyed.ok_or_else(|| Refusal::account("a v2 order needs api_v2_key"))?;
    let is_safe = path.starts_with("/secapi/");
    let identity = v2.identity.clone().filter(|_| is_safe);
    if is_safe && identity.is_none() && !account.sandbox {
        return Err(Refusal::account("a v2 reversal or refund needs client_certificate"));
    }
    for (name, direct, partner) in NAMES {
        if let Some(id) = frozen(attempt, direct).or_else(|| frozen(attempt, partner)) {
            members.insert(name.to_owned(), id.to_owned());
        }
    }
    members.extend(notes([("nonce_str", sign::nonce(env)), ("sign_type", v2.sign_type.word().to_owned())]));
    members.retain(|_, value| !value.is_empty());
    let sign = v2_sign::sign(&members, key, v2.sign_type);
    members.insert("sign".to_owned(), sign);
    let url = format!("{}{path}", account.base_url);
    let headers = [("Accept", "text/xml"), ("Content-Type", "text/xml; charset=utf-8")];
    Ok(HttpRequest { identity, ..post(api, url, &headers, xml::write(&members), TIMEOUT_MONEY_MS) })
}

/// Judges a reply. `return_code = FAIL` carries no signature, so it proves nothing: unknown.
pub(crate) fn judge(account: &Account, reply: &HttpReply, _env: &Env<'_>) -> Result<Answer, Unread> {
    ensure(reply.status == 200, || no_answer(reply))?;
    let members = xml::read(reply.bytes()).ok_or_else(|| unreadable("the reply is no XML of WeChat Pay"))?;
    let get = |name: &str| given(&members, name).unwrap_or_default();
    if get("return_code") != "SUCCESS" {
        let message = cut(get("return_msg"), 100);
        return Err(Why::new(WhyKind::BadSignature, format!("return_code FAIL, which nobody signs: {message}")).into());
    }
    // In the sign type we asked with, under the present key; right after a change of keys under a former one.
    let holds = |v2: &V2| v2.keys.iter().any(|key| v2_sign::verifies(&members, key, v2.sign_type));
    ensure(account.v2.as_ref().is_some_and(holds), || Why::new(WhyKind::BadSignature, "the reply's sign does not hold"))?;
    let complaint = match get("result_code") {
        "SUCCESS" => None,
        "FAIL" => {
            let (code, message) = (cut(get("err_code"), 64), cut(get("err_code_des"), 200));
            Some(Complaint { status: reply.status, code, message, sealed: true })
        }
        _ => return Err(unreadable("the reply has no result_code").into()),
    };
    Ok((members, complaint))
}

/// A member that is not empty.
pub(crate) fn given<'a>(members: &'a Notes, name: &str) -> Option<&'a str> {
    members.get(name).map(String::as_str).filter(|text| !text.is_empty())
}

/// What a v2 message claims, in the names the memo froze.
pub(crate) fn claims(members: &Notes) -> Claims {
    let is_partner = members.contains_key("sub_mch_id");
    let ours = |(name, direct, partner)| given(members, name).map(|id| (if is_partner { partner } else { direct }, id));
    Claims {
        number: given(members, "out_trade_no").map(str::to_owned),
        refund_number: given(members, "out_refund_no").map(str::to_owned),
        amount: given(members, "total_fee").and_then(fen_text),
        currency: given(members, "fee_type").map(str::to_owned),
        same: notes(NAMES.into_iter().filter_map(ours)),
        ..Claims::default()
    }
}
