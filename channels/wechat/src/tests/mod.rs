//! The adapter against the pack's vectors, the semantic rules, forgeries and arbitrary bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on must stop")]

mod bent_bills;
mod bills;
mod callbacks;
mod codes;
mod configs;
mod creates;
mod crypto;
mod forgeries;
mod identities;
mod keyring;
mod never_panics;
mod requests;
mod samples;
mod settled;
mod undos;
mod v2;

use crate::config::{self, Account};
use crate::sign::Signer;
use crate::{Wechat, invoke};
use serde_json::{Value, json};
use sluice_contract::{
    AccountConfig, AttemptRef, Channel, Env, Fen, HttpReply, HttpRequest, Method, Notes, PayOrder, Payer, Problem, Reader, Reading,
    RefundRef, Second, Step,
};
use std::sync::Arc;

pub(crate) const NOW: Second = Second(1_748_745_300);
pub(crate) const API_KEY: &str = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb";
pub(crate) const V2_KEY: &str = "192006250b4c09247ec02edce69f6a2d";
pub(crate) const SERIAL: &str = "D7CE59D1F522D701";
pub(crate) const PUBLIC_ID: &str = "PUB_KEY_ID_0119000001002024111100000000000001";
pub(crate) const NUMBER: &str = "SLUICE20250601000001";
pub(crate) const APP: &str = "wxd678efh567hg6787";

macro_rules! vectors {
    ($name:literal) => {
        crate::tests::parse(include_str!(concat!("../../vectors/", $name, ".json")))
    };
}
pub(crate) use vectors;

/// The vectors of one file.
pub(crate) fn parse(text: &str) -> Vec<Value> {
    let tree: Value = serde_json::from_str(text).unwrap();
    let vectors = tree["vectors"].as_array().unwrap().clone();
    assert!(!vectors.is_empty());
    vectors
}

pub(crate) fn str_of<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap_or_else(|| panic!("{} has no {name}", vector["id"]))
}

/// A PEM of `keys.json`.
pub(crate) fn pem(id: &str, field: &str) -> String {
    let keys = vectors!("keys");
    let key = keys.iter().find(|key| key["id"] == id).unwrap_or_else(|| panic!("no key {id}"));
    str_of(key, field).to_owned()
}

pub(crate) fn signer_of(id: &str) -> Signer {
    Signer { mchid: String::new(), serial_no: String::new(), key: sluice_kit::rsa::PrivateKey::read(&pem(id, "private_key_pem")).unwrap() }
}

/// Credentials of a direct account with everything, as a tree to be changed.
pub(crate) fn credentials() -> Value {
    json!({
        "mchid": "1900000100", "app_id": APP, "serial_no": "5F1C72E2A8931B72A2E13AF8DEE92471EB397115",
        "private_key": pem("merchant", "private_key_pem"), "api_v3_key": API_KEY, "api_v2_key": V2_KEY,
        "public_key_id": PUBLIC_ID, "public_key": pem("platform_pubkey_mode", "public_key_pem"),
        "platform_certificates": [pem("platform", "certificate_pem")],
        "client_certificate": pem("merchant", "certificate_pem"),
        "oauth_secret": "s3cret",
    })
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
        id: "wx-main",
        base_url: "https://api.mch.weixin.qq.com",
        sandbox,
        methods: None,
        credentials: Reader::root("credentials", tree),
        previous,
    })
}

pub(crate) fn wechat(changes: Value) -> Wechat {
    let account = opened(&with(changes), false).unwrap_or_else(|problems| panic!("{problems:?}"));
    Wechat { account: Arc::new(account) }
}

pub(crate) fn direct() -> Wechat {
    wechat(json!({}))
}

pub(crate) fn partner() -> Wechat {
    wechat(json!({"mode": "partner", "app_id": "wx8888888888888888"}))
}

pub(crate) fn v2() -> Wechat {
    wechat(json!({"barcode_api": "v2", "v2_sign_type": "MD5"}))
}

pub(crate) fn env(now: Second) -> Env<'static> {
    Env { now, entropy: [7; 32], notify_url: "https://pay.example.com/notify/wx-main" }
}

/// An order that fits every method.
pub(crate) fn order() -> PayOrder {
    PayOrder {
        subject: "一箱苹果".into(),
        payer: Payer { openid: Some("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o".into()), ..Payer::default() },
        auth_code: Some("130061098828009406".into()),
        client_ip: Some("203.0.113.7".into()),
        h5_type: Some("wap".into()),
        ..PayOrder::default()
    }
}

/// An attempt as the account admits it.
pub(crate) fn attempt(wechat: &Wechat, method: Method) -> AttemptRef {
    let mut sub = Notes::new();
    if wechat.account.mode == config::Mode::Partner {
        sub.insert("sub_mchid".into(), "1900000109".into());
    }
    let mut attempt = AttemptRef {
        number: NUMBER.into(),
        amount: Fen(100),
        method,
        at: NOW,
        expires_at: NOW.plus(900),
        app_id: None,
        sub,
        memo: Notes::new(),
        handles: Notes::new(),
    };
    attempt.memo = wechat.admit(&attempt, &order()).unwrap();
    attempt
}

pub(crate) fn refund_of(payment: AttemptRef) -> RefundRef {
    RefundRef { number: "RSLUICE20250601000001".into(), amount: Fen(50), at: NOW, reason: None, payment, handles: Notes::new() }
}

/// A reply as WeChat seals it.
pub(crate) fn sealed(status: u16, body: &str) -> HttpReply {
    sealed_by("platform", SERIAL, status, body, NOW)
}

pub(crate) fn sealed_by(key: &str, serial: &str, status: u16, body: &str, at: Second) -> HttpReply {
    let time = at.0.to_string();
    let signature = signer_of(key).sign(&invoke::lines(&[&time, "nonce", body])).unwrap();
    let headers = [
        ("Wechatpay-Timestamp", time.as_str()),
        ("Wechatpay-Nonce", "nonce"),
        ("Wechatpay-Serial", serial),
        ("Wechatpay-Signature", signature.as_str()),
        ("Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048"),
    ];
    HttpReply::new(status, &headers, body)
}

pub(crate) fn unsealed(status: u16, body: &str) -> HttpReply {
    HttpReply::new(status, &[], body)
}

pub(crate) fn error(code: &str) -> String {
    format!(r#"{{"code":"{code}","message":"说明"}}"#)
}

pub(crate) fn request_of<T: std::fmt::Debug>(step: &Step<T>) -> &HttpRequest {
    match step {
        Step::Send(exchange) => &exchange.request,
        other => panic!("nothing is sent: {other:?}"),
    }
}

pub(crate) fn json_of<T: std::fmt::Debug>(step: &Step<T>) -> Value {
    serde_json::from_slice(&request_of(step).body).unwrap()
}

/// What a reply leads to, at a time.
pub(crate) fn reading_at<T: std::fmt::Debug>(step: &Step<T>, reply: &HttpReply, now: Second) -> Reading<T> {
    match step {
        Step::Send(exchange) => exchange.read(reply, &env(now)),
        other => panic!("nothing is sent: {other:?}"),
    }
}

/// What a reply means.
pub(crate) fn read<T: std::fmt::Debug>(step: &Step<T>, reply: &HttpReply) -> T {
    match reading_at(step, reply, NOW) {
        Reading::Is(value) => value,
        other => panic!("no answer: {other:?}"),
    }
}

/// The transaction object of [`attempt`], with changes.
pub(crate) fn transaction(changes: Value) -> String {
    let mut tree = json!({
        "appid": APP, "mchid": "1900000100", "out_trade_no": NUMBER, "transaction_id": "4200002681202506012345678901",
        "trade_type": "NATIVE", "trade_state": "SUCCESS", "trade_state_desc": "支付成功", "success_time": "2025-06-01T10:34:56+08:00",
        "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        "amount": {"total": 100, "payer_total": 90, "currency": "CNY", "payer_currency": "CNY"},
        "promotion_detail": [{"amount": 10, "wechatpay_contribute": 10, "merchant_contribute": 0, "type": "NOCASH"}],
    });
    for (name, value) in changes.as_object().unwrap() {
        tree[name] = value.clone();
    }
    tree.to_string()
}
