//! Refunds and their queries (section 2.4). Sent again, a refund keeps its number.

use crate::codes::Api;
use crate::config::Account;
use crate::trade::currency;
use crate::wire::{self, Answer, Call, Complaint, TIMEOUT_MONEY_MS, TIMEOUT_MS, amount, put, text};
use crate::{ids, trade};
use serde_json::{Map, Value};
use sluice_contract::{Claims, Env, FailureCode, Fault, Fen, HttpReply, Reading, Refund, RefundRef, Refunded, Step};
use sluice_kit::codes::failure;
use sluice_kit::outcome::{self, contradiction, unlisted, unreadable};
use sluice_kit::wire::{plain, put_some, told as told_of};
use std::sync::Arc;

pub(crate) fn refund(account: &Arc<Account>, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
    let content = content(refund, env);
    send(account, Api::Refund, refund, env, Call { api: "refund.create", path: "refund", content, key: None, timeout_ms: TIMEOUT_MONEY_MS })
}

pub(crate) fn query_refund(account: &Arc<Account>, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
    let mut content = ids::content(&refund.payment);
    put(&mut content, "orderId", refund.number.as_str());
    let call = Call { api: "refund.query", path: "refundquery", content, key: None, timeout_ms: TIMEOUT_MS };
    send(account, Api::RefundQuery, refund, env, call)
}

fn send(account: &Arc<Account>, api: Api, refund: &RefundRef, env: &Env<'_>, call: Call) -> Step<Refund> {
    let refund = refund.clone();
    wire::send(account, wire::post(account, call, env), move |account, reply, _| Reading::Is(read(account, api, &refund, reply)))
}

/// The same content for every repeat of the same refund: nothing in it comes from the moment.
fn content(refund: &RefundRef, env: &Env<'_>) -> Map<String, Value> {
    let mut content = ids::content(&refund.payment);
    put(&mut content, "orderId", refund.number.as_str());
    put(&mut content, "origOrderId", refund.payment.number.as_str());
    // The payment's own amount, never the remainder.
    put(&mut content, "txnAmt", refund.payment.amount.0.to_string());
    put(&mut content, "refundAmt", refund.amount.0.to_string());
    put(&mut content, "notifyUrl", format!("{}/refund", env.notify_url));
    // Its length is not in the pack: short.
    let reason = plain(refund.reason.as_deref().unwrap_or_default(), 40);
    put_some(&mut content, "refundReason", Some(reason.trim()).filter(|reason| !reason.is_empty()));
    content
}

fn read(account: &Account, api: Api, refund: &RefundRef, reply: &HttpReply) -> Refund {
    let state = if api == Api::Refund { "refundState" } else { "tradeState" };
    wire::judged(account, reply, Refund::Unknown, |answer| match answer {
        Answer::Good(tree) => told(&tree, state, refund),
        Answer::Error(complaint) => refused(api, refund, &complaint),
    })
}

/// What a message about a refund claims. `txnAmt` is left out: of a refund's query the pack does not say which amount it is.
pub(crate) fn claims(tree: &Value) -> Claims {
    Claims {
        number: text(tree, "origOrderId").map(str::to_owned),
        refund_number: text(tree, "orderId").map(str::to_owned),
        amount: None,
        refund_amount: amount(tree, "refundAmt"),
        currency: Some(currency(tree)),
        same: ids::claimed(tree),
    }
}

/// As with payments: what is there must agree, what is absent is answered by the exchange itself.
fn told(tree: &Value, name: &str, refund: &RefundRef) -> Refund {
    let mut claims = claims(tree);
    claims.refund_number.get_or_insert_with(|| refund.number.clone());
    if let Some(field) = claims.refund_contradiction(refund) {
        return Refund::Unknown(contradiction(field));
    }
    match text(tree, name).unwrap_or_default() {
        "S" => Refund::Succeeded(Refunded { payer_amount: payer_amount(tree, refund), ..refunded(tree) }),
        "P" => Refund::Accepted(refunded(tree).handles),
        "F" => Refund::Failed(failure(FailureCode::ChannelRefused, Fault::Account, "F", "the bank refused the refund: no money moved")),
        "" => Refund::Unknown(unreadable("the reply does not say how it went")),
        state => Refund::Unknown(unlisted(name, state)),
    }
}

/// A refund that was made. `refundDscAmt` of it goes back to whoever gave the discount.
pub(crate) fn refunded(tree: &Value) -> Refunded {
    let back = amount(tree, "refundAmt").zip(amount(tree, "refundDscAmt")).and_then(|(all, discount)| all.minus(discount));
    Refunded {
        payer_amount: back.filter(|back| back.0 >= 0),
        at: trade::paid_at(tree),
        settle_date: None,
        handles: told_of(tree, &[("cmb_refund_id", "cmbOrderId")]),
    }
}

/// As told, or by our own amount where the reply repeats none.
fn payer_amount(tree: &Value, refund: &RefundRef) -> Option<Fen> {
    let all = amount(tree, "refundAmt").unwrap_or(refund.amount);
    all.minus(amount(tree, "refundDscAmt")?).filter(|back| back.0 >= 0)
}

fn refused(api: Api, refund: &RefundRef, complaint: &Complaint) -> Refund {
    // Accepted before: what a repeat is refused for says nothing about that refund.
    let accepted_before = refund.handles.contains_key("cmb_refund_id");
    outcome::refund(complaint.class(api), complaint, !accepted_before)
}
