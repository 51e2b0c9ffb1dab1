//! Placing an order: which call it is, and what the payer does next.

use crate::codes::{Api, Class};
use crate::config::{Account, Family};
use crate::trade::{self, State};
use crate::wire::{self, Answer, Complaint};
use crate::{front, ids, order_a, order_b, query};
use serde_json::Value;
use sluice_contract::fields::parse_json;
use sluice_contract::{Action, AttemptRef, Claims, Env, Method, Notes, Pay, PayOrder, Reading, Refusal, Step, Why};
use sluice_kit::ask::{Told, ask, then};
use sluice_kit::claims::agrees;
use sluice_kit::outcome::{self, unreadable};
use sluice_kit::wire::given;
use std::sync::Arc;

pub(crate) fn pay(account: &Arc<Account>, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Step<Pay> {
    place(account, attempt, order, env).unwrap_or_else(Step::Refused)
}

fn place(account: &Arc<Account>, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<Step<Pay>, Refusal> {
    let family = ids::family(attempt)?;
    let request = match (attempt.method, family) {
        (Method::IcbcH5 | Method::IcbcApp, _) => {
            return front::action(account, attempt, order, env).map(|action| Step::Done(Pay::Waiting(action, Notes::new())));
        }
        (Method::IcbcBarcode, _) => order_a::pay(account, attempt, order, env),
        (Method::IcbcQr, Family::A) => order_a::generate(account, attempt, order, env),
        (Method::IcbcQr, Family::B) => order_b::consumption(account, attempt, order, env),
        _ => order_b::purchase(account, attempt, order, env),
    };
    Ok(ask(account, attempt, request, move |account, attempt, answer, env| match answer {
        Answer::Good(tree) if attempt.method.is_barcode() => charged(account, attempt, &tree, env),
        Answer::Good(tree) => placed(attempt, family, &tree).map(Reading::Is),
        Answer::Error(complaint) => Ok(refused(account, attempt, &complaint, env)),
    }))
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
fn charged(account: &Arc<Account>, attempt: &AttemptRef, tree: &Value, env: &Env<'_>) -> Told<Pay> {
    if wire::word(tree, "pay_status").is_none() {
        about(attempt, tree)?;
        return Ok(then(query::query(account, attempt, env)));
    }
    let trade = trade::read(tree, attempt)?;
    let is_taken = matches!(trade.state, State::Paid | State::Paying);
    Ok(if is_taken { Reading::Is(trade.says(attempt)) } else { then(query::query(account, attempt, env)) })
}

/// What the reply repeats of the order must be ours; it need repeat nothing.
fn about(attempt: &AttemptRef, tree: &Value) -> Result<(), Why> {
    let number = given(tree, "out_trade_no").unwrap_or(&attempt.number);
    agrees(&Claims { currency: None, ..trade::claims(tree, number) }, attempt)
}

/// The order is there: what the payer does next.
fn placed(attempt: &AttemptRef, family: Family, tree: &Value) -> Result<Pay, Why> {
    about(attempt, tree)?;
    let action = if attempt.method == Method::IcbcQr {
        let name = if family == Family::A { "qrcode" } else { "codeUrl" };
        let code = given(tree, name).ok_or_else(|| unreadable(format!("the reply has no {name}")))?;
        Action::QrCode { content: code.to_owned() }
    } else {
        let params = package(tree).ok_or_else(|| unreadable("the reply has no data package for the payer's wallet"))?;
        let is_app = matches!(attempt.method, Method::WechatApp | Method::UnionpayApp);
        if is_app { Action::App { params } } else { Action::Jsapi { params } }
    };
    Ok(Pay::Waiting(action, ids::handles(tree)))
}

/// What the payer's wallet is called with: `wx_data_package`, and by its pattern the one of another wallet (their names are
/// UNCONFIRMED). JSON text becomes its members; other text is passed on under its own name.
fn package(tree: &Value) -> Option<Notes> {
    let members = tree.as_object()?.iter();
    let mut packages =
        members.filter(|(name, value)| name.ends_with("_data_package") && !matches!(value.as_str(), Some("")) && !value.is_null());
    let (Some((name, value)), None) = (packages.next(), packages.next()) else { return None };
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
        Ok(Class::Query) if attempt.method.is_barcode() => then(query::query(account, attempt, env)),
        class => Reading::Is(outcome::pay(class, complaint)),
    }
}
