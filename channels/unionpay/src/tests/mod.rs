//! The adapter against the pack's vectors, the semantic rules, forgeries and arbitrary bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on must stop")]

mod bent_bills;
mod bills;
mod callbacks;
mod codes;
mod configs;
mod creates;
mod crypto;
mod decisions;
mod forgeries;
mod keyring;
mod never_panics;
mod refunds;
mod settled;
mod undos;

use crate::config::{self, Account};
use crate::sign::digest_hex;
use crate::{UnionPay, wire};
use serde_json::{Value, json};
use sluice_contract::{
    AccountConfig, AttemptRef, Channel, Env, Fen, HttpReply, HttpRequest, Method, Notes, PayOrder, Problem, Reader, Reading, RefundRef,
    Second, Step,
};
use sluice_kit::form::{decode_pairs, encode_pairs};
use sluice_kit::rsa::PrivateKey;
use std::sync::Arc;

/// 2026-06-01T12:00:00+08:00.
pub(crate) const NOW: Second = Second(1_780_286_400);
pub(crate) const AT: Second = Second(NOW.0 - 20);
pub(crate) const MER_ID: &str = "777290058110048";
pub(crate) const NUMBER: &str = "A20260601ABCDEFGHJKMNPQRST0";
pub(crate) const REFUND_NUMBER: &str = "R20260601ABCDEFGHJKMNPQRST0";
pub(crate) const QUERY_ID: &str = "262606011159400000011";
pub(crate) const BASE: &str = "https://gateway.95516.com";

macro_rules! vectors {
    ($name:literal) => {
        serde_json::from_str::<serde_json::Value>(include_str!(concat!("../../vectors/", $name, ".json"))).unwrap()
    };
}
pub(crate) use vectors;

pub(crate) fn list<'a>(tree: &'a Value, name: &str) -> &'a [Value] {
    let list = tree[name].as_array().unwrap();
    assert!(!list.is_empty());
    list
}

pub(crate) fn str_of<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap_or_else(|| panic!("{} has no {name}", vector["id"]))
}

pub(crate) fn notes(tree: &Value) -> Notes {
    tree.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

/// An entry of `keys.json`: `sandbox_a.root`, `published_merchant_2021`.
pub(crate) fn pem(id: &str, field: &str) -> String {
    let keys = vectors!("keys");
    let key = match id.strip_prefix("sandbox_a.") {
        Some(name) => keys["sandbox_a"][name].clone(),
        None => keys["published"][id].clone(),
    };
    str_of(&key, field).to_owned()
}

pub(crate) fn cert(id: &str) -> String {
    pem(id, "cert_pem")
}

pub(crate) fn key(id: &str) -> String {
    pem(id, "private_key_pem")
}

/// Credentials of a direct account, as a tree to be changed.
pub(crate) fn credentials() -> Value {
    json!({
        "mer_id": MER_ID, "private_key": key("sandbox_a.merchant"), "certificate": cert("sandbox_a.merchant"),
        "root_certificate": cert("sandbox_a.root"), "middle_certificate": cert("sandbox_a.middle"),
        "encrypt_certificate": cert("published_test_enc"),
    })
}

pub(crate) fn with(changes: Value) -> Value {
    let mut tree = credentials();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(tree.as_object_mut().unwrap().remove(name)),
            value => tree[name] = value.clone(),
        }
    }
    tree
}

pub(crate) fn opened(tree: &Value, sandbox: bool) -> Result<Account, Vec<Problem>> {
    let previous = tree.get("previous").map(|old| Reader::root("previous", old));
    config::read(&AccountConfig {
        id: "up-main",
        base_url: BASE,
        sandbox,
        methods: None,
        credentials: Reader::root("credentials", tree),
        previous,
    })
}

pub(crate) fn sandbox(changes: Value, sandbox: bool) -> UnionPay {
    let account = opened(&with(changes), sandbox).unwrap_or_else(|problems| panic!("{problems:?}"));
    UnionPay { account: Arc::new(account) }
}

pub(crate) fn unionpay(changes: Value) -> UnionPay {
    sandbox(changes, false)
}

pub(crate) fn direct() -> UnionPay {
    unionpay(json!({}))
}

/// With a secure key, which makes cheap messages.
pub(crate) fn keyed() -> UnionPay {
    unionpay(json!({"sign_method": "11", "secure_key": "88888888"}))
}

pub(crate) fn env(now: Second) -> Env<'static> {
    Env { now, entropy: [7; 32], notify_url: "https://pay.example.com/notify/up-main" }
}

pub(crate) fn order() -> PayOrder {
    PayOrder {
        subject: "一箱苹果 [大] & more".into(),
        auth_code: Some("6220000000000001637".into()),
        return_url: Some("https://pay.example.com/return/t0ken".into()),
        ..PayOrder::default()
    }
}

/// An attempt as T1 would store it.
pub(crate) fn attempt(channel: &UnionPay, method: Method) -> AttemptRef {
    attempt_at(channel, method, AT)
}

pub(crate) fn attempt_at(channel: &UnionPay, method: Method, at: Second) -> AttemptRef {
    let mut attempt = AttemptRef {
        number: NUMBER.into(),
        amount: Fen(100),
        method,
        at,
        expires_at: at.plus(900),
        app_id: None,
        sub: Notes::new(),
        memo: Notes::new(),
        handles: Notes::new(),
    };
    attempt.memo = channel.admit(&attempt, &order()).unwrap();
    attempt
}

pub(crate) fn refund_of(payment: AttemptRef) -> RefundRef {
    RefundRef { number: REFUND_NUMBER.into(), amount: Fen(40), at: NOW, reason: Some("坏了".into()), payment, handles: Notes::new() }
}

/// Completes fields and signs them as UnionPay does, with a key pair of `keys.json`.
pub(crate) fn sealed_by(signer: &str, mut fields: Notes) -> Notes {
    for (name, value) in [("version", "5.1.0"), ("encoding", "utf-8"), ("signMethod", "01"), ("accessType", "0")] {
        fields.entry(name.into()).or_insert_with(|| value.into());
    }
    fields.insert("signPubKeyCert".into(), cert(signer).replace("\r\n", "\n").trim().replace('\n', "\r\n"));
    let signature = PrivateKey::read(&key(signer)).unwrap().sign(digest_hex(&fields, None).as_bytes()).unwrap();
    fields.insert("signature".into(), signature);
    fields
}

pub(crate) fn sealed(fields: Notes) -> Notes {
    sealed_by("sandbox_a.upsign", fields)
}

/// The text of an answer: not encoded.
pub(crate) fn body_of(fields: &Notes) -> String {
    fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

pub(crate) fn form_of(fields: &Notes) -> Vec<u8> {
    encode_pairs(fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))).into_bytes()
}

/// A genuine answer.
pub(crate) fn reply(fields: Notes) -> HttpReply {
    HttpReply::new(200, &[("Content-Type", "text/html;charset=UTF-8")], body_of(&sealed(fields)))
}

/// Fields with changes; `null` takes one away.
pub(crate) fn changed(mut fields: Notes, changes: &Value) -> Notes {
    for (name, value) in changes.as_object().unwrap() {
        match value.as_str() {
            Some(value) => drop(fields.insert(name.clone(), value.into())),
            None => drop(fields.remove(name)),
        }
    }
    fields
}

/// What UnionPay echoes of a transaction.
pub(crate) fn echo(txn_type: &str, sub_type: &str, number: &str, at: Second) -> Notes {
    notes(&json!({
        "txnType": txn_type, "txnSubType": sub_type, "bizType": "000000", "merId": MER_ID, "orderId": number, "txnTime": at.compact(),
        "respCode": "00", "respMsg": "成功[0000000]",
    }))
}

/// A query's answer about [`attempt`].
pub(crate) fn state(code: &str) -> Notes {
    changed(
        echo("01", "06", NUMBER, AT),
        &json!({
            "origRespCode": code, "origRespMsg": "说明[0000001]", "txnAmt": "100", "currencyCode": "156", "queryId": QUERY_ID,
            "settleAmt": "100", "settleCurrencyCode": "156", "settleDate": "0601", "traceNo": "000001", "traceTime": "0601115940",
        }),
    )
}

pub(crate) fn request_of<T: std::fmt::Debug>(step: &Step<T>) -> &HttpRequest {
    match step {
        Step::Send(exchange) => &exchange.request,
        other => panic!("nothing is sent: {other:?}"),
    }
}

/// The fields of a request.
pub(crate) fn sent(request: &HttpRequest) -> Notes {
    decode_pairs(&request.body).unwrap().into_iter().collect()
}

pub(crate) fn reading_at<T: std::fmt::Debug>(step: &Step<T>, reply: &HttpReply, now: Second) -> Reading<T> {
    match step {
        Step::Send(exchange) => exchange.read(reply, &env(now)),
        other => panic!("nothing is sent: {other:?}"),
    }
}

pub(crate) fn read_at<T: std::fmt::Debug>(step: &Step<T>, reply: &HttpReply, now: Second) -> T {
    match reading_at(step, reply, now) {
        Reading::Is(value) => value,
        other => panic!("no answer: {other:?}"),
    }
}

/// What a reply means.
pub(crate) fn read<T: std::fmt::Debug>(step: &Step<T>, reply: &HttpReply) -> T {
    read_at(step, reply, NOW)
}

/// What a second reply means, after a first that leads to another question.
pub(crate) fn read_then<T: std::fmt::Debug>(step: &Step<T>, first: &HttpReply, second: &HttpReply) -> T {
    match reading_at(step, first, NOW) {
        Reading::Then(exchange) => match exchange.read(second, &env(NOW)) {
            Reading::Is(value) => value,
            other => panic!("no answer: {other:?}"),
        },
        other => panic!("no second question: {other:?}"),
    }
}

pub(crate) fn split(text: &str) -> Option<Notes> {
    wire::split(text)
}
