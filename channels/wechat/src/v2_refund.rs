//! Refunds of v2 orders in API v2, for accounts that may not use v3 for them (`v2_refund_api = "v2"`, pack §10).

use crate::codes::{Api, Class};
use crate::config::Account;
use crate::trade::fen_text;
use crate::v2::{self, Answer, Complaint};
use crate::{refund, wire};
use sluice_contract::{Env, FailureCode, Fault, HttpReply, Notes, Reading, Refund, RefundRef, Refunded, Step, Stuck};
use sluice_kit::outcome::{self, Complaint as _, unlisted};
use sluice_kit::text::plain;
use sluice_kit::wire::notes;
use std::sync::Arc;

pub(crate) fn refund(account: &Arc<Account>, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
    let mut members = notes([
        ("out_refund_no", refund.number.clone()),
        ("total_fee", refund.payment.amount.to_string()),
        ("refund_fee", refund.amount.to_string()),
        ("refund_fee_type", "CNY".to_owned()),
        ("refund_desc", refund.reason.as_deref().map(|reason| sluice_kit::wire::plain(reason, 80)).unwrap_or_default()),
        ("notify_url", format!("{}/refund", env.notify_url)),
    ]);
    match refund.payment.handles.get("transaction_id") {
        Some(id) => members.insert("transaction_id".to_owned(), id.clone()),
        None => members.insert("out_trade_no".to_owned(), refund.payment.number.clone()),
    };
    let request = v2::request(account, &refund.payment, ("v2.refund", "/secapi/pay/refund"), members, true, env);
    let refund = refund.clone();
    wire::send(account, request, move |account, reply, _| Reading::Is(read(account, &refund, reply)))
}

pub(crate) fn query_refund(account: &Arc<Account>, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
    let members = notes([("out_refund_no", refund.number.clone())]);
    let request = v2::request(account, &refund.payment, ("v2.refundquery", "/pay/refundquery"), members, false, env);
    let refund = refund.clone();
    wire::send(account, request, move |account, reply, _| Reading::Is(read_query(account, &refund, reply)))
}

/// SUCCESS means accepted: the query or the notice tells the end.
fn read(account: &Account, refund: &RefundRef, reply: &HttpReply) -> Refund {
    match v2::answer(account, reply) {
        Ok(Answer::Good(members)) => match contradiction(refund, &members, "out_refund_no", "refund_fee") {
            Some(field) => Refund::Unknown(outcome::contradiction(&field)),
            None => Refund::Accepted(handles(&members, "refund_id")),
        },
        Ok(Answer::Error(complaint)) => refused(Api::V2Refund, refund, &complaint),
        Err(why) => Refund::Unknown(why),
    }
}

/// A query by refund number answers a list of one, its members ending in `_0`.
fn read_query(account: &Account, refund: &RefundRef, reply: &HttpReply) -> Refund {
    let members = match v2::answer(account, reply) {
        Ok(Answer::Good(members)) => members,
        Ok(Answer::Error(complaint)) => return refused(Api::V2RefundQuery, refund, &complaint),
        Err(why) => return Refund::Unknown(why),
    };
    if let Some(field) = contradiction(refund, &members, "out_refund_no_0", "refund_fee_0") {
        return Refund::Unknown(outcome::contradiction(&field));
    }
    let get = |name: &str| members.get(name).map(String::as_str).unwrap_or_default();
    match get("refund_status_0") {
        "SUCCESS" => Refund::Succeeded(Refunded {
            payer_amount: fen_text(get("cash_refund_fee_0")),
            settle_date: None,
            at: plain(get("refund_success_time_0")),
            handles: handles(&members, "refund_id_0"),
        }),
        "PROCESSING" => Refund::Accepted(handles(&members, "refund_id_0")),
        "REFUNDCLOSE" => {
            let message = "WeChat Pay closed the refund: no money moved";
            Refund::Failed(wire::failure(FailureCode::RefundClosed, Fault::Payer, "REFUNDCLOSE", message))
        }
        "CHANGE" => Refund::Stuck(
            Stuck::PayeeAccount,
            "the payer's card or account cannot take the refund: another way is needed".into(),
            handles(&members, "refund_id_0"),
        ),
        other => Refund::Unknown(unlisted("refund_status", other)),
    }
}

fn contradiction(refund: &RefundRef, members: &Notes, number: &str, amount: &str) -> Option<String> {
    let mut claims = v2::claims(members);
    claims.refund_number = members.get(number).cloned();
    claims.refund_amount = members.get(amount).and_then(|text| fen_text(text));
    if claims.refund_amount.is_none() {
        return Some("refund_amount".to_owned());
    }
    claims.refund_contradiction(refund).map(str::to_owned)
}

fn handles(members: &Notes, name: &str) -> Notes {
    members.get(name).filter(|id| !id.is_empty()).map(|id| ("refund_id".to_owned(), id.clone())).into_iter().collect()
}

fn refused(api: Api, refund: &RefundRef, complaint: &Complaint) -> Refund {
    let may_fail = !refund.handles.contains_key("refund_id");
    match complaint.class(api) {
        Ok(Class::Query) if refund::is_refusal(api, &complaint.code) && may_fail => {
            Refund::Failed(complaint.failure(FailureCode::RequestInvalid, Fault::Request))
        }
        class => outcome::refund(class, complaint, may_fail),
    }
}
