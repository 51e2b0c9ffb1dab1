//! Refunds and their queries (section 2.4). Sent again, a refund keeps its number.

use crate::codes::Api;
use crate::config::Account;
use crate::trade::currency;
use crate::wire::{self, Answer, Call, Complaint, TIMEOUT_MONEY_MS, TIMEOUT_MS, amount, put, text};
use crate::{ids, trade};
use serde_json::{Map, Value};
use sluice_contract::{Claims, Env, FailureCode, Fault, Fen, Reading, Refund, RefundRef, Refunded, Step, Why};
use sluice_kit::ask::ask;
use sluice_kit::claims::refund_agrees;
use sluice_kit::codes::failure;
use sluice_kit::outcome::{self, unlisted, unreadable};
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
    ask(account, refund, wire::post(account, call, env), move |_, refund, answer, _| read(api, refund, answer).map(Reading::Is))
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

fn read(api: Api, refund: &RefundRef, answer: Answer) -> Result<Refund, Why> {
    match answer {
        Answer::Good(tree) => told(&tree, if api == Api::Refund { "refundState" } else { "tradeState" }, refund),
        Answer::Error(complaint) => Ok(refused(api, refund, &complaint)),
    }
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
fn told(tree: &Value, name: &str, refund: &RefundRef) -> Result<Refund, Why> {
    let mut claims = claims(tree);
    claims.refund_number.get_or_insert_with(|| refund.number.clone());
    refund_agrees(&claims, refund)?;
    Ok(match text(tree, name).unwrap_or_default() {
        "S" => Refund::Succeeded(Refunded { payer_amount: payer_amount(tree, refund), ..refunded(tree) }),
        "P" => Refund::Accepted(refunded(tree).handles),
        "F" => Refund::Failed(failure(FailureCode::ChannelRefused, Fault::Account, "F", "the bank refused the refund: no money moved")),
        "" => return Err(unreadable("the reply does not say how it went")),
        state => return Err(unlisted(name, state)),
    })
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
