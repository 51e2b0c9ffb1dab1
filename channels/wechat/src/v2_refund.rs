//! Refunds of v2 orders in API v2, for accounts that may not use v3 for them (`v2_refund_api = "v2"`, pack §10).

use crate::codes::Api;
use crate::config::Account;
use crate::refund::{Told, about, refused};
use crate::trade::fen_text;
use crate::v2::{self, Answer, given};
use sluice_contract::{Claims, Env, Notes, Reading, Refund, RefundRef, Refunded, Step, Why};
use sluice_kit::ask::ask_by;
use sluice_kit::text::plain;
use sluice_kit::wire::notes;
use std::sync::Arc;

pub(crate) fn refund(account: &Arc<Account>, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
    let payment = match refund.payment.handles.get("transaction_id") {
        Some(id) => ("transaction_id", id.clone()),
        None => ("out_trade_no", refund.payment.number.clone()),
    };
    let members = notes([
        payment,
        ("out_refund_no", refund.number.clone()),
        ("total_fee", refund.payment.amount.to_string()),
        ("refund_fee", refund.amount.to_string()),
        ("refund_fee_type", "CNY".to_owned()),
        ("refund_desc", refund.reason.as_deref().map(|reason| sluice_kit::wire::plain(reason, 80)).unwrap_or_default()),
        ("notify_url", format!("{}/refund", env.notify_url)),
    ]);
    let request = v2::request(account, &refund.payment, ("v2.refund", "/secapi/pay/refund"), members, env);
    // SUCCESS means accepted: the query or the notice tells the end.
    ask_by(account, refund, request, v2::judge, |_, refund, answer, _| {
        read(Api::V2Refund, refund, answer, |members| told(members, "", "PROCESSING")).map(Reading::Is)
    })
}

pub(crate) fn query_refund(account: &Arc<Account>, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
    let members = notes([("out_refund_no", refund.number.as_str())]);
    let request = v2::request(account, &refund.payment, ("v2.refundquery", "/pay/refundquery"), members, env);
    // A query by refund number answers a list of one, its members ending in `_0`.
    let state = |members: &Notes| given(members, "refund_status_0").unwrap_or_default().to_owned();
    ask_by(account, refund, request, v2::judge, move |_, refund, answer, _| {
        read(Api::V2RefundQuery, refund, answer, |members| told(members, "_0", &state(members))).map(Reading::Is)
    })
}

fn read(api: Api, refund: &RefundRef, answer: Answer, told: impl Fn(&Notes) -> Option<Told>) -> Result<Refund, Why> {
    match answer {
        (members, None) => about(told(&members), refund),
        (_, Some(complaint)) => Ok(refused(api, refund, &complaint)),
    }
}

/// `None` when the members do not say which refund they are about, or how much.
fn told(members: &Notes, suffix: &str, state: &str) -> Option<Told> {
    let get = |name: &str| given(members, &format!("{name}{suffix}"));
    let claims = Claims {
        refund_number: Some(get("out_refund_no")?.to_owned()),
        refund_amount: Some(get("refund_fee").and_then(fen_text)?),
        ..v2::claims(members)
    };
    let refunded = Refunded {
        payer_amount: get("cash_refund_fee").and_then(fen_text),
        settle_date: None,
        at: get("refund_success_time").and_then(plain),
        handles: notes(get("refund_id").map(|id| ("refund_id", id))),
    };
    Some(Told { claims, state: state.to_owned(), refunded })
}
