//! Placing an order: which call it is, and what the payer does next.

use crate::codes::{Api, Class};
use crate::config::{Account, Family};
use crate::trade::{self, State};
use crate::wire::{self, Answer, Complaint};
use crate::{ids, order_a, order_b, page, query};
use serde_json::Value;
use sluice_contract::fields::parse_json;
use sluice_contract::{Action, AttemptRef, Env, Method, Notes, Pay, PayOrder, Reading, Refusal, Step};
use sluice_kit::outcome::{self, contradiction, unreadable};
use sluice_kit::wire::given;
use std::sync::Arc;

pub(crate) fn pay(account: &Arc<Account>, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Step<Pay> {
    let family = match ids::family(attempt) {
        Ok(family) => family,
        Err(refusal) => return Step::Refused(refusal),
    };
    let request = match (attempt.method, family) {
        (Method::IcbcH5 | Method::IcbcApp, _) => return page::page(account, attempt, order, env),
        (Method::IcbcBarcode, _) => order_a::pay(account, attempt, order, env),
        (Method::IcbcQr, Family::A) => order_a::generate(account, attempt, order, env),
        (Method::IcbcQr, Family::B) => order_b::consumption(account, attempt, order, env),
        _ => order_b::purchase(account, attempt, order, env),
    };
    let attempt = attempt.clone();
    wire::send(account, request, move |account, reply, env| match wire::answer(account, reply) {
        Ok(Answer::Good(tree)) if attempt.method.is_barcode() => charged(account, &attempt, &tree, env),
        Ok(Answer::Good(tree)) => Reading::Is(placed(&attempt, family, &tree)),
        Ok(Answer::Error(complaint)) => refused(account, &attempt, &complaint, env),
        Err(why) => Reading::Is(Pay::Unknown(why)),
    })
}

/// How long the order may still live at the bank, in seconds: it counts from its own receipt.
pub(crate) fn life_s(attempt: &AttemptRef, env: &Env<'_>) -> Result<i64, Refusal> {
    let left = attempt.expires_at.0.saturating_sub(env.now.0);
    if left > 0 { Ok(left) } else { Err(Refusal::account("the order has expired")) }
}

/// What ICBC calls the store: what this account calls the order's store, else the sub-merchant's, else the account's own.
pub(crate) fn store_code<'a>(account: &'a Account, attempt: &'a AttemptRef, order: &'a PayOrder) -> Result<&'a str, Refusal> {
    let of_store = order.store.as_ref().and_then(|store| store.store_code.as_deref());
    let known = of_store.or_else(|| attempt.sub.get("store_code").map(String::as_str)).or(account.store_code.as_deref());
    known.ok_or_else(|| Refusal::account("store_code, the e-life number of the store, is not configured"))
}

/// A barcode's reply may tell a state, or not (pack 8: UNCONFIRMED). Only "paid" and "paying" are taken from it.
fn charged(account: &Arc<Account>, attempt: &AttemptRef, tree: &Value, env: &Env<'_>) -> Reading<Pay> {
    if wire::word(tree, "pay_status").is_none() {
        return match about(attempt, tree) {
            Some(other) => Reading::Is(other),
            None => query::then(account, attempt, env),
        };
    }
    match trade::read(Family::A, tree, attempt) {
        Ok(trade) if matches!(trade.state, State::Paid | State::Paying) => Reading::Is(trade.says(attempt)),
        Ok(_) => query::then(account, attempt, env),
        Err(why) => Reading::Is(Pay::Unknown(why)),
    }
}

/// A contradiction, if the reply is about another order.
fn about(attempt: &AttemptRef, tree: &Value) -> Option<Pay> {
    let number = given(tree, "out_trade_no").is_some_and(|number| number != attempt.number);
    let amount = wire::fen(tree, "total_amt").is_some_and(|amount| amount != attempt.amount);
    let merchant = ids::claimed(tree).iter().any(|(name, value)| ids::frozen(attempt, name) != Some(value));
    let field = [(number, "number"), (amount, "amount"), (merchant, "mer_id")].into_iter().find(|(differs, _)| *differs)?.1;
    Some(Pay::Unknown(contradiction(field)))
}

/// The order is there: what the payer does next.
fn placed(attempt: &AttemptRef, family: Family, tree: &Value) -> Pay {
    if let Some(other) = about(attempt, tree) {
        return other;
    }
    let handles = ids::handles(tree);
    if attempt.method == Method::IcbcQr {
        let name = if family == Family::A { "qrcode" } else { "codeUrl" };
        return match given(tree, name) {
            Some(code) => Pay::Waiting(Action::QrCode { content: code.to_owned() }, handles),
            None => Pay::Unknown(unreadable(format!("the reply has no {name}"))),
        };
    }
    match (package(tree), attempt.method) {
        (Some(params), Method::WechatApp | Method::UnionpayApp) => Pay::Waiting(Action::App { params }, handles),
        (Some(params), _) => Pay::Waiting(Action::Jsapi { params }, handles),
        (None, _) => Pay::Unknown(unreadable("the reply has no data package for the payer's wallet")),
    }
}

/// What the payer's wallet is called with: `wx_data_package`, and by its pattern the one of another wallet (their names are
/// UNCONFIRMED). JSON text becomes its members; other text is passed on under its own name.
fn package(tree: &Value) -> Option<Notes> {
    let members = tree.as_object()?.iter();
    let mut packages =
        members.filter(|(name, value)| name.ends_with("_data_package") && !matches!(value.as_str(), Some("")) && !value.is_null());
    let (name, value) = packages.next()?;
    if packages.next().is_some() {
        return None;
    }
    let parsed = value.as_str().and_then(|text| parse_json(text.as_bytes()).ok()).filter(Value::is_object);
    match (parsed.as_ref().unwrap_or(value), value) {
        (Value::Object(inner), _) => {
            inner.iter().map(|(name, value)| value.as_str().map(|value| (name.clone(), value.to_owned()))).collect()
        }
        (_, Value::String(text)) => Some(Notes::from([(name.clone(), text.clone())])),
        _ => None,
    }
}

fn refused(account: &Arc<Account>, attempt: &AttemptRef, complaint: &Complaint, env: &Env<'_>) -> Reading<Pay> {
    match complaint.class(Api::Pay) {
        // The number has a history: a barcode's is worth asking for at once.
        Ok(Class::Query) if attempt.method.is_barcode() => query::then(account, attempt, env),
        class => Reading::Is(outcome::pay(class, complaint)),
    }
}
