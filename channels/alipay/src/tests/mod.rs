//! The adapter against the pack's vectors, the semantic rules, forgeries and arbitrary bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on must stop")]

mod bent_bills;
mod bills;
mod callbacks;
mod certs;
mod codes;
mod configs;
mod creates;
mod encrypted;
mod fronts;
mod identities;
mod keyring;
mod never_panics;
mod refunds;
mod samples;
mod undos;

use crate::Alipay;
use crate::config::{self, Account};
use crate::sign::request_text;
use serde_json::{Value, json};
use sluice_contract::{
    AccountConfig, AttemptRef, Channel, Env, Exchange, Fen, HttpReply, HttpRequest, Method, Notes, PayOrder, Payer, Problem, Reader,
    Reading, RefundRef, Second, Step,
};
use sluice_kit::form::decode_pairs;
use sluice_kit::rsa::PrivateKey;
use std::sync::Arc;

/// 2026-11-23 14:24:27 in Beijing.
pub(crate) const NOW: Second = Second(1_795_415_067);
pub(crate) const APP: &str = "2021000122671080";
pub(crate) const PID: &str = "2088000000000001";
pub(crate) const MERCHANT: &str = "2021000000000999";
pub(crate) const NUMBER: &str = "ASLUICE20261123000000000001";
pub(crate) const REFUND: &str = "RSLUICE20261123000000000001";
pub(crate) const BUYER: &str = "2088000000000002";

macro_rules! vectors {
    ($name:literal) => {
        serde_json::from_str::<serde_json::Value>(include_str!(concat!("../../vectors/", $name, ".json"))).unwrap()
    };
}
pub(crate) use vectors;

/// The vectors of one file.
pub(crate) fn cases(file: &Value) -> Vec<Value> {
    let cases = file["vectors"].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    cases
}

pub(crate) fn str_of<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap_or_else(|| panic!("{} has no {name}", vector["id"]))
}

/// The app's key and Alipay's, from the vectors, bare base64.
pub(crate) fn app_key() -> String {
    str_of(&vectors!("request_sign"), "app_private_key_pkcs8_b64").to_owned()
}

pub(crate) fn alipay_key() -> String {
    str_of(&vectors!("response_verify"), "alipay_private_key_pkcs8_b64_for_made_vectors").to_owned()
}

pub(crate) fn alipay_public_key() -> String {
    let file = vectors!("response_verify");
    let made = cases(&file).into_iter().find(|v| v["id"] == "resp_precreate_escaped_slashes").unwrap();
    str_of(&made, "alipay_public_key_spki_b64").to_owned()
}

/// A third key, neither ours nor Alipay's.
pub(crate) fn other_key() -> String {
    let file = vectors!("request_sign");
    let raw = cases(&file).into_iter().find(|v| v["id"] == "raw_sign_hello_rsa2").unwrap();
    str_of(&raw, "private_key_pkcs1_b64").to_owned()
}

pub(crate) fn credentials() -> Value {
    json!({"app_id": APP, "pid": PID, "private_key": app_key(), "alipay_public_key": alipay_public_key()})
}

pub(crate) fn with(changes: Value) -> Value {
    let mut tree = credentials();
    for (name, value) in changes.as_object().unwrap() {
        tree[name] = value.clone();
    }
    tree
}

pub(crate) fn opened(tree: &Value, sandbox: bool) -> Result<Account, Vec<Problem>> {
    let previous = tree.get("previous").map(|old| Reader::root("previous", old));
    config::read(&AccountConfig {
        id: "ali-main",
        base_url: "https://openapi.alipay.com",
        sandbox,
        methods: None,
        credentials: Reader::root("credentials", tree),
        previous,
    })
}

pub(crate) fn alipay(changes: Value) -> Alipay {
    let account = opened(&with(changes), false).unwrap_or_else(|problems| panic!("{problems:?}"));
    Alipay { account: Arc::new(account) }
}

pub(crate) fn direct() -> Alipay {
    alipay(json!({}))
}

pub(crate) fn sub() -> Notes {
    notes(&[("auth_app_id", MERCHANT), ("app_auth_token", "TOKEN-1"), ("app_refresh_token", "REFRESH-1")])
}

/// A provider with one merchant, whose tokens are installed.
pub(crate) fn provider() -> Alipay {
    let alipay = alipay(json!({"mode": "provider"}));
    alipay.install(&alipay.sub_keys(&sub())).unwrap();
    alipay
}

pub(crate) fn notes(pairs: &[(&str, &str)]) -> Notes {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn env(now: Second) -> Env<'static> {
    Env { now, entropy: [7; 32], notify_url: "https://pay.example.com/notify/ali-main" }
}

/// An order that fits every method.
pub(crate) fn order() -> PayOrder {
    PayOrder {
        subject: "一箱苹果".into(),
        payer: Payer { buyer_id: Some(BUYER.into()), ..Payer::default() },
        auth_code: Some("280061098828009406".into()),
        ..PayOrder::default()
    }
}

/// An attempt as the account admits it. 88.88 yuan.
pub(crate) fn attempt(alipay: &Alipay, method: Method) -> AttemptRef {
    let mut sub = Notes::new();
    if alipay.account.mode == config::Mode::Provider {
        sub.insert("auth_app_id".into(), MERCHANT.into());
    }
    let mut attempt = AttemptRef {
        number: NUMBER.into(),
        amount: Fen(8888),
        method,
        at: NOW,
        expires_at: NOW.plus(900),
        app_id: None,
        sub,
        memo: Notes::new(),
        handles: Notes::new(),
    };
    attempt.memo = alipay.admit(&attempt, &order()).unwrap();
    attempt
}

pub(crate) fn refund_of(payment: AttemptRef) -> RefundRef {
    RefundRef { number: REFUND.into(), amount: Fen(3000), at: NOW, reason: None, payment, handles: Notes::new() }
}

/// A reply to `method` as Alipay seals it.
pub(crate) fn sealed(method: &str, node: &str) -> HttpReply {
    sealed_by(&alipay_key(), method, node, "")
}

/// `between`: what stands between node and signature.
pub(crate) fn sealed_by(key: &str, method: &str, node: &str, between: &str) -> HttpReply {
    let signature = PrivateKey::read(key).unwrap().sign(node.as_bytes()).unwrap();
    reply(&format!("{{\"{}\":{node},{between}\"sign\":\"{signature}\"}}", root(method)))
}

pub(crate) fn unsealed(method: &str, node: &str) -> HttpReply {
    reply(&format!("{{\"{}\":{node}}}", root(method)))
}

fn root(method: &str) -> String {
    if method == "error_response" { method.to_owned() } else { format!("{}_response", method.replace('.', "_")) }
}

pub(crate) fn reply(body: &str) -> HttpReply {
    HttpReply::new(200, &[("Content-Type", "text/html;charset=utf-8")], body)
}

/// A node that worked, with members.
pub(crate) fn good(members: Value) -> String {
    let mut tree = json!({"code": "10000", "msg": "Success", "out_trade_no": NUMBER});
    for (name, value) in members.as_object().unwrap() {
        tree[name] = value.clone();
    }
    tree.to_string()
}

/// `40004` with a sub_code.
pub(crate) fn error(sub_code: &str) -> String {
    error_of("40004", sub_code)
}

pub(crate) fn error_of(code: &str, sub_code: &str) -> String {
    json!({"code": code, "msg": "Business Failed", "sub_code": sub_code, "sub_msg": "说明", "out_trade_no": NUMBER}).to_string()
}

/// A paid trade by the query, with changes.
pub(crate) fn trade(changes: Value) -> String {
    let mut members = json!({
        "trade_no": "2026112322001400001000000001", "trade_status": "TRADE_SUCCESS", "total_amount": "88.88",
        "buyer_logon_id": "138****0000", "buyer_user_id": BUYER, "send_pay_date": "2026-11-23 14:25:00",
        "receipt_amount": "83.88", "buyer_pay_amount": "78.88", "point_amount": "5.00",
        "fund_bill_list": [{"fund_channel": "ALIPAYACCOUNT", "amount": "78.88"}, {"fund_channel": "POINT", "amount": "5.00"},
            {"fund_channel": "MCOUPON", "amount": "5.00"}],
    });
    for (name, value) in changes.as_object().unwrap() {
        members[name] = value.clone();
    }
    good(members)
}

pub(crate) fn request_of<T: std::fmt::Debug>(step: &Step<T>) -> &HttpRequest {
    match step {
        Step::Send(exchange) => &exchange.request,
        other => panic!("nothing is sent: {other:?}"),
    }
}

/// Everything a request sends, query and form together.
pub(crate) fn sent(request: &HttpRequest) -> Notes {
    let query = request.url.split_once('?').unwrap().1;
    let mut pairs = decode_pairs(query.as_bytes()).unwrap();
    pairs.extend(decode_pairs(&request.body).unwrap());
    pairs.into_iter().collect()
}

/// The signature of what was sent, made again by the app's key.
pub(crate) fn is_signed(pairs: &Notes) -> bool {
    let all: Vec<(String, String)> = pairs.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
    PrivateKey::read(&app_key()).unwrap().sign(request_text(&all).as_bytes()).unwrap() == pairs["sign"]
}

pub(crate) fn sent_by<T: std::fmt::Debug>(step: &Step<T>) -> Notes {
    sent(request_of(step))
}

pub(crate) fn biz_of<T: std::fmt::Debug>(step: &Step<T>) -> Value {
    serde_json::from_str(&sent_by(step)["biz_content"]).unwrap()
}

pub(crate) fn reading<T: std::fmt::Debug>(step: &Step<T>, reply: &HttpReply) -> Reading<T> {
    match step {
        Step::Send(exchange) => exchange.read(reply, &env(NOW)),
        other => panic!("nothing is sent: {other:?}"),
    }
}

/// What a reply means.
pub(crate) fn read<T: std::fmt::Debug>(step: &Step<T>, reply: &HttpReply) -> T {
    match reading(step, reply) {
        Reading::Is(value) => value,
        other => panic!("no answer: {other:?}"),
    }
}

/// The exchange that a reply leads to.
pub(crate) fn next<T: std::fmt::Debug>(step: &Step<T>, reply: &HttpReply) -> Step<T> {
    Step::Send(next_exchange(step, reply))
}

pub(crate) fn next_exchange<T: std::fmt::Debug>(step: &Step<T>, reply: &HttpReply) -> Exchange<T> {
    match reading(step, reply) {
        Reading::Then(exchange) => exchange,
        other => panic!("no further exchange: {other:?}"),
    }
}
