//! Refunds and their queries (pack §6). A 200 means accepted, not refunded; the number never changes.

use crate::codes::{Api, Class};
use crate::config::Account;
use crate::trade::fen;
use crate::wire::{self, Answer, Call, Complaint, TIMEOUT_MONEY_MS, text};
use crate::{ids, v2_refund};
use serde_json::{Map, Value};
use sluice_contract::{Claims, Env, FailureCode, Fault, Reading, Refund, RefundRef, Refunded, Second, Step, Stuck, Why};
use sluice_kit::ask::ask;
use sluice_kit::claims::refund_agrees;
use sluice_kit::outcome::{self, Complaint as _, unlisted, unreadable};
use sluice_kit::wire::{object, plain as cut, put, put_some, told};
use std::sync::Arc;

const PATH: &str = "/v3/refund/domestic/refunds";

pub(crate) fn refund(account: &Arc<Account>, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
    if goes_by_v2(account, refund) {
        return v2_refund::refund(account, refund, env);
    }
    send(account, Api::Refund, refund, Call::post("refund.create", PATH.to_owned(), body(refund, env), TIMEOUT_MONEY_MS), env)
}

pub(crate) fn query_refund(account: &Arc<Account>, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
    if goes_by_v2(account, refund) {
        return v2_refund::query_refund(account, refund, env);
    }
    let sub = ids::frozen(&refund.payment, "sub_mchid").map(|id| format!("?sub_mchid={id}")).unwrap_or_default();
    let call = Call::get("refund.query", format!("{PATH}/{}{sub}", wire::encode(&refund.number)));
    send(account, Api::RefundQuery, refund, call, env)
}

fn send(account: &Arc<Account>, api: Api, refund: &RefundRef, call: Call, env: &Env<'_>) -> Step<Refund> {
    ask(account, refund, wire::request(account, call, env), move |_, refund, answer, _| read(api, refund, answer).map(Reading::Is))
}

/// v2 and v3 see the same orders (pack §10: general practice, UNCONFIRMED in text): a setting says which API refunds a payment that
/// was made in v2. Frozen neither with the attempt nor with the refund: change it only at rest.
fn goes_by_v2(account: &Account, refund: &RefundRef) -> bool {
    ids::is_v2(&refund.payment) && account.refunds_by_v2
}

/// The same bytes for every repeat of the same refund: nothing in it comes from the moment.
fn body(refund: &RefundRef, env: &Env<'_>) -> Map<String, Value> {
    let mut body = Map::new();
    put_some(&mut body, "sub_mchid", ids::frozen(&refund.payment, "sub_mchid"));
    match refund.payment.handles.get("transaction_id") {
        Some(id) => put(&mut body, "transaction_id", id.as_str()),
        None => put(&mut body, "out_trade_no", refund.payment.number.as_str()),
    }
    put(&mut body, "out_refund_no", refund.number.as_str());
    put_some(&mut body, "reason", refund.reason.as_deref().map(|reason| cut(reason, 80)).filter(|reason| !reason.is_empty()));
    put(&mut body, "notify_url", format!("{}/refund", env.notify_url));
    // `total` is the payment's own amount, never the remainder.
    let amount =
        [("refund", Value::from(refund.amount.0)), ("total", Value::from(refund.payment.amount.0)), ("currency", Value::from("CNY"))];
    put(&mut body, "amount", object(amount));
    body
}

fn read(api: Api, refund: &RefundRef, answer: Answer) -> Result<Refund, Why> {
    match answer {
        Answer::Good(tree) => about(Told::read(&tree, "status"), refund),
        Answer::Error(complaint) => Ok(refused(api, refund, &complaint)),
    }
}

/// A refund as told, in either dialect: the API calls its state `status`, the callback `refund_status`.
pub(crate) struct Told {
    pub(crate) claims: Claims,
    pub(crate) state: String,
    pub(crate) refunded: Refunded,
}

/// What a reply means for a refund, which it must not contradict.
pub(crate) fn about(told: Option<Told>, refund: &RefundRef) -> Result<Refund, Why> {
    let told = told.ok_or_else(|| unreadable("the reply is no refund"))?;
    refund_agrees(&told.claims, refund)?;
    Ok(told.says())
}

impl Told {
    /// `None` when the object does not say which refund of which payment it is about, or how much.
    pub(crate) fn read(tree: &Value, state: &str) -> Option<Told> {
        let amount = tree.get("amount")?;
        Some(Told {
            claims: Claims {
                number: Some(text(tree, "out_trade_no")?.to_owned()),
                refund_number: Some(text(tree, "out_refund_no")?.to_owned()),
                amount: Some(fen(amount, "total")?),
                refund_amount: Some(fen(amount, "refund")?),
                currency: text(amount, "currency").map(str::to_owned),
                same: ids::claimed(tree),
            },
            state: text(tree, state)?.to_owned(),
            refunded: Refunded {
                payer_amount: fen(amount, "payer_refund"),
                settle_date: None,
                at: text(tree, "success_time").and_then(Second::from_rfc3339),
                handles: told(tree, &[("refund_id", "refund_id")]),
            },
        })
    }

    /// The state as an outcome (pack §6.1; the latter of two words is v2's).
    pub(crate) fn says(self) -> Refund {
        match self.state.as_str() {
            "SUCCESS" => Refund::Succeeded(self.refunded),
            "PROCESSING" => Refund::Accepted(self.refunded.handles),
            state @ ("CLOSED" | "REFUNDCLOSE") => {
                let message = "WeChat Pay closed the refund: no money moved";
                Refund::Failed(wire::failure(FailureCode::RefundClosed, Fault::Payer, state, message))
            }
            "ABNORMAL" | "CHANGE" => {
                let id = self.refunded.handles.get("refund_id").map(String::as_str).unwrap_or_default();
                let note = format!("the payer's card or account cannot take the refund {id}: another way is needed");
                Refund::Stuck(Stuck::PayeeAccount, note, self.refunded.handles)
            }
            state => Refund::Unknown(unlisted("refund status", state)),
        }
    }
}

/// A refund or a query that was refused, in either dialect.
pub(crate) fn refused(api: Api, refund: &RefundRef, complaint: &Complaint) -> Refund {
    // Accepted before: what a repeat is refused for says nothing about that refund.
    let may_fail = !refund.handles.contains_key("refund_id");
    match complaint.class(api) {
        // Over the remainder, too old, or the number was used with other parameters. Definite for a number that was never sent before; of
        // a repeated one the caller asks before it believes (see `Refund::Failed`).
        Ok(Class::Query) if complaint.sealed && complaint.is("INVALIDREQUEST") && may_fail => {
            Refund::Failed(complaint.failure(FailureCode::RequestInvalid, Fault::Request))
        }
        class => outcome::refund(class, complaint, may_fail),
    }
}
