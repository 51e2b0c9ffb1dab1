//! The adapter against the pack's vectors, the semantic rules, forgeries and arbitrary bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on must stop")]

mod admission;
mod bent_bills;
mod bills;
mod callbacks;
mod codes;
mod configs;
mod crypto;
mod never_panics;
mod payments;
mod refunds;
mod requests;
mod states;
mod undos;

use crate::Cmb;
use crate::config::{self, Account};
use crate::keys::BankKey;
use crate::sign::{self, Signer};
use serde_json::{Value, json};
use sluice_contract::{
    AccountConfig, AttemptRef, Channel, Env, Fen, HttpReply, HttpRequest, Method, Notes, PayOrder, Problem, Reader, Reading, RefundRef,
    Second, Step, Terminal,
};
use std::sync::Arc;
use zeroize::Zeroizing;

pub(crate) const NOW: Second = Second(1_795_387_124);
pub(crate) const BASE: &str = "https://api.cmbchina.com";
pub(crate) const MER: &str = "3089991701207X7";
pub(crate) const NUMBER: &str = "AB2CD3EF4GH5JK6MN7PQ8RS9TV0";
pub(crate) const REFUND: &str = "RB2CD3EF4GH5JK6MN7PQ8RS9TV0";
pub(crate) const NOTIFY: &str = "https://pay.example.com/notify/cmb-main";
pub(crate) const UNIONPAY_CODE: &str = "6212345678901234567";
pub(crate) const WECHAT_CODE: &str = "134737690209713402";
pub(crate) const ALIPAY_CODE: &str = "280812345678901234";

macro_rules! vectors {
    ($name:literal) => {
        crate::tests::parse(include_str!(concat!("../../vectors/", $name, ".json")))
    };
}
pub(crate) use vectors;

/// The cases of one file.
pub(crate) fn parse(text: &str) -> Vec<Value> {
    let tree: Value = serde_json::from_str(text).unwrap();
    let cases = tree["cases"].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    cases
}

pub(crate) fn str_of<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap_or_else(|| panic!("{} has no {name}", case["id"]))
}

/// A private key and its public half, of the vectors.
pub(crate) fn pair(id: &str) -> (String, String) {
    let all = vectors!("sm2_sign_verify").into_iter().chain(vectors!("cmb_sm2_sign")).collect::<Vec<_>>();
    let case = all.iter().find(|case| case["id"] == id).unwrap_or_else(|| panic!("no case {id}"));
    (str_of(case, "private_key_hex").to_owned(), str_of(case, "public_key_spki_b64").to_owned())
}

/// The bank, another signer, and the merchant.
pub(crate) const BANK: &str = "made-3";
pub(crate) const OTHER: &str = "made-4";
pub(crate) const MERCHANT: &str = "cmb-req-1";

pub(crate) fn signer(id: &str) -> Signer {
    Signer { app_id: "app".into(), app_secret: Zeroizing::new("s".into()), key: Signer::key(&pair(id).0).unwrap() }
}

pub(crate) fn public(id: &str) -> BankKey {
    BankKey::read(&pair(id).1).unwrap()
}

/// Credentials with everything that is required, as a tree to be changed.
pub(crate) fn credentials() -> Value {
    json!({
        "app_id": "e315a8b5-45f6-4f96-b20a-0b586a2a96c6", "app_secret": "sk-very-secret", "mer_id": MER, "user_id": "N003109945",
        "private_key": pair(MERCHANT).0, "public_key": pair(BANK).1, "term_id": "00001",
    })
}

pub(crate) fn with(changes: Value) -> Value {
    let mut tree = credentials();
    for (name, value) in changes.as_object().unwrap() {
        tree[name] = value.clone();
    }
    tree
}

pub(crate) fn opened(tree: &Value, methods: Option<&[Method]>) -> Result<Account, Vec<Problem>> {
    let previous = tree.get("previous").map(|old| Reader::root("previous", old));
    let credentials = Reader::root("credentials", tree);
    config::read(&AccountConfig { id: "cmb-main", base_url: BASE, sandbox: false, methods, credentials, previous })
}

pub(crate) fn cmb(changes: Value) -> Cmb {
    let account = opened(&with(changes), Some(crate::profile::METHODS)).unwrap_or_else(|problems| panic!("{problems:?}"));
    Cmb { account: Arc::new(account) }
}

pub(crate) fn direct() -> Cmb {
    cmb(json!({}))
}

pub(crate) fn provider() -> Cmb {
    cmb(json!({"mode": "provider"}))
}

pub(crate) fn env(now: Second) -> Env<'static> {
    Env { now, entropy: [7; 32], notify_url: NOTIFY }
}

/// An order that fits every method.
pub(crate) fn order() -> PayOrder {
    PayOrder { subject: "一箱苹果".into(), auth_code: Some(UNIONPAY_CODE.into()), ..PayOrder::default() }
}

pub(crate) fn terminal() -> Terminal {
    Terminal { id: Some("T0000007".into()), device_type: Some("11".into()), location: Some("31.23/121.47".into()), ..Terminal::default() }
}

/// An attempt as the account admits it.
pub(crate) fn attempt(cmb: &Cmb, method: Method) -> AttemptRef {
    attempt_of(cmb, method, &order())
}

pub(crate) fn attempt_of(cmb: &Cmb, method: Method, order: &PayOrder) -> AttemptRef {
    let mut attempt = bare(method);
    if !cmb.profile().sub_fields.is_empty() {
        attempt.sub = Notes::from([("sub_mer_id".to_owned(), "308999150570099".to_owned())]);
    }
    attempt.memo = cmb.admit(&attempt, order).unwrap();
    attempt
}

pub(crate) fn bare(method: Method) -> AttemptRef {
    AttemptRef {
        number: NUMBER.into(),
        amount: Fen(100),
        method,
        at: NOW,
        expires_at: NOW.plus(900),
        app_id: None,
        sub: Notes::new(),
        memo: Notes::new(),
        handles: Notes::new(),
    }
}

pub(crate) fn refund_of(payment: AttemptRef) -> RefundRef {
    RefundRef { number: REFUND.into(), amount: Fen(50), at: NOW, reason: None, payment, handles: Notes::new() }
}

/// A reply of these members, signed by a key of the vectors.
pub(crate) fn signed_by(key: &str, members: &[(&str, &str)]) -> HttpReply {
    let signature = signer(key).sign(&sign::text(members.iter().copied()), &[9; 32]).unwrap();
    let tree: serde_json::Map<String, Value> =
        members.iter().chain(&[("sign", signature.as_str())]).map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    HttpReply::new(200, &[], Value::Object(tree).to_string())
}

pub(crate) const ENVELOPE: [(&str, &str); 3] = [("version", "0.0.1"), ("encoding", "UTF-8"), ("signMethod", "02")];

fn enveloped(key: &str, members: &[(&str, &str)]) -> HttpReply {
    signed_by(key, &[&ENVELOPE, members].concat())
}

/// A success of the bank with this content.
pub(crate) fn good(content: &Value) -> HttpReply {
    good_by(BANK, content)
}

pub(crate) fn good_by(key: &str, content: &Value) -> HttpReply {
    enveloped(key, &[("returnCode", "SUCCESS"), ("respCode", "SUCCESS"), ("biz_content", &content.to_string())])
}

/// A refusal of the bank, signed.
pub(crate) fn bad(code: &str) -> HttpReply {
    enveloped(BANK, &[("returnCode", "SUCCESS"), ("respCode", "FAIL"), ("errCode", code), ("respMsg", "说明")])
}

pub(crate) fn merge(mut tree: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(tree.as_object_mut().unwrap().remove(name)),
            value => tree[name] = value.clone(),
        }
    }
    tree
}

/// A paid order as a query tells it, with changes; `null` takes a member away.
pub(crate) fn paid(changes: Value) -> Value {
    let tree = json!({
        "merId": MER, "orderId": NUMBER, "cmbOrderId": "003226112320175970907070", "userId": "N003109945", "txnAmt": "100", "dscAmt": "15",
        "currencyCode": "156", "payType": "WX", "openId": "oUpF8uMuAJO", "tradeState": "S", "txnTime": "20261123061844",
        "endDate": "20261123", "endTime": "061843", "thirdOrderId": "4200001",
    });
    merge(tree, &changes)
}

pub(crate) fn request_of<T: std::fmt::Debug>(step: &Step<T>) -> &HttpRequest {
    match step {
        Step::Send(exchange) => &exchange.request,
        other => panic!("nothing is sent: {other:?}"),
    }
}

/// The envelope of a request, its signature and its header checked as the bank does.
pub(crate) fn envelope_of(request: &HttpRequest) -> Value {
    let tree: Value = serde_json::from_slice(&request.body).unwrap();
    let members: Vec<(&str, &str)> = tree.as_object().unwrap().iter().map(|(n, v)| (n.as_str(), v.as_str().unwrap())).collect();
    assert!(public(MERCHANT).verifies(&sign::text(members.iter().copied()), str_of(&tree, "sign")), "the signature of {request:?}");
    assert!(members.iter().all(|(_, value)| !value.trim().is_empty()));
    assert_eq!((str_of(&tree, "version"), str_of(&tree, "encoding"), str_of(&tree, "signMethod")), ("0.0.1", "UTF-8", "02"));
    tree
}

/// `biz_content` of a request.
pub(crate) fn content_of<T: std::fmt::Debug>(step: &Step<T>) -> Value {
    let content: Value = serde_json::from_str(str_of(&envelope_of(request_of(step)), "biz_content")).unwrap();
    assert!(content.as_object().unwrap().values().all(|v| v.as_str().is_some_and(|text| !text.trim().is_empty())), "{content}");
    content
}

pub(crate) fn read_at<T: std::fmt::Debug>(step: &Step<T>, reply: &HttpReply, now: Second) -> T {
    match step {
        Step::Send(exchange) => match exchange.read(reply, &env(now)) {
            Reading::Is(value) => value,
            other => panic!("no answer: {other:?}"),
        },
        other => panic!("nothing is sent: {other:?}"),
    }
}

pub(crate) fn read<T: std::fmt::Debug>(step: &Step<T>, reply: &HttpReply) -> T {
    read_at(step, reply, NOW)
}
