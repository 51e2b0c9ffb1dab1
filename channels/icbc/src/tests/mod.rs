//! The pack's vectors, the shape of every request, the meaning of every reply, forgeries and arbitrary bytes.
//!
//! Nothing here can sign SHA-1: that the gateway's SHA1withRSA of 1024 bits is verified is proved by the vectors alone. All other
//! tests put a key of ours into the gateway's place ([`icbc`]) and sign SHA-256 with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on must stop")]

mod admits;
mod callbacks;
mod configs;
mod forgeries;
mod never_panics;
mod orders;
mod payments;
mod refunds;
mod requests;
mod undos;
mod vectors;

use crate::Icbc;
use crate::config::{self, Account};
use serde_json::{Value, json};
use sluice_contract::{
    AccountConfig, AttemptRef, Channel, Env, Exchange, Fen, HttpReply, HttpRequest, Method, Notes, PayOrder, Payer, Problem, Reader,
    Reading, RefundRef, Second, Step,
};
use sluice_kit::form::decode_pairs;
use sluice_kit::rsa::{PrivateKey, PublicKey, Strength};
use std::sync::{Arc, LazyLock};

/// 2026-11-23 06:01:00 at +08:00.
pub(crate) const NOW: Second = Second(1_795_384_860);
pub(crate) const APP: &str = "10000000000000099001";
pub(crate) const MER: &str = "020001020001";
pub(crate) const PRTCL: &str = "0200010200010201";
pub(crate) const NUMBER: &str = "A01ARZ3NDEKTSV4RRFFQ69G5FAV";
pub(crate) const REFUND: &str = "R01ARZ3NDEKTSV4RRFFQ69G5FAV";
pub(crate) const CODE: &str = "6235124674559394540";
pub(crate) const AES: &str = "MDEyMzQ1Njc4OUFCQ0RFRg==";
pub(crate) const NOTIFY: &str = "https://pay.example.com/notify/icbc-main";

macro_rules! cases {
    ($name:literal) => {
        crate::tests::parse(include_str!(concat!("../../vectors/", $name, ".json")))
    };
}
pub(crate) use cases;

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

/// Our private key and its public half, as the pack's vectors have them.
pub(crate) static PAIR: LazyLock<(String, String)> = LazyLock::new(|| {
    let cases = cases!("icbc_request_sign");
    (str_of(&cases[0], "private_key_pkcs8_b64").to_owned(), str_of(&cases[0], "public_key_spki_b64").to_owned())
});

/// The gateway's key of 1024 bits of the pack's made vectors.
pub(crate) static GATEWAY: LazyLock<String> =
    LazyLock::new(|| str_of(&cases!("icbc_response_verify")[0], "public_key_spki_b64").to_owned());

static SIGNER: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::read(&PAIR.0).unwrap());

pub(crate) fn sign(text: &str) -> String {
    SIGNER.sign(text.as_bytes()).unwrap()
}

pub(crate) fn verifies(text: &str, signature: &str) -> bool {
    PublicKey::read(&PAIR.1, Strength::Sha256).unwrap().verifies_base64(text.as_bytes(), signature)
}

/// Credentials of a direct account with everything but encryption, as a tree to be changed.
pub(crate) fn credentials() -> Value {
    json!({
        "app_id": APP, "mer_id": MER, "private_key": PAIR.0, "gateway_public_key": *GATEWAY, "store_code": "02000001",
        "mer_prtcl_no": PRTCL, "mer_acct": "6222020200001234567", "shop_appid": "wx0000000000000000",
    })
}

pub(crate) fn changed(mut tree: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        tree[name] = value.clone();
    }
    tree
}

pub(crate) fn with(changes: Value) -> Value {
    changed(credentials(), changes)
}

pub(crate) fn opened(tree: &Value, sandbox: bool, methods: Option<&[Method]>) -> Result<Account, Vec<Problem>> {
    let previous = tree.get("previous").map(|old| Reader::root("previous", old));
    config::read(&AccountConfig {
        id: "icbc-main",
        base_url: "https://gw.open.icbc.com.cn",
        sandbox,
        methods,
        credentials: Reader::root("credentials", tree),
        previous,
    })
}

/// An account of every method that believes replies signed by [`sign`].
pub(crate) fn icbc(changes: Value) -> Icbc {
    let mut account = opened(&with(changes), false, Some(crate::profile::METHODS)).unwrap_or_else(|problems| panic!("{problems:?}"));
    account.keys.gateway = vec![PublicKey::read(&PAIR.1, Strength::Sha256).unwrap()];
    Icbc { account: Arc::new(account) }
}

pub(crate) fn direct() -> Icbc {
    icbc(json!({}))
}

pub(crate) fn family_b() -> Icbc {
    icbc(json!({"qr_family": "B"}))
}

pub(crate) fn provider() -> Icbc {
    icbc(json!({"mode": "provider"}))
}

pub(crate) fn env(now: Second) -> Env<'static> {
    Env { now, entropy: [7; 32], notify_url: NOTIFY }
}

/// An order that fits every method.
pub(crate) fn order() -> PayOrder {
    PayOrder {
        subject: "一箱苹果 & 梨=1?".into(),
        payer: Payer { openid: Some("oTEST".into()), buyer_id: Some("2088102146225135".into()), ..Payer::default() },
        auth_code: Some(CODE.into()),
        client_ip: Some("203.0.113.7".into()),
        return_url: Some("https://pay.example.com/return/abc".into()),
        ..PayOrder::default()
    }
}

/// An attempt as the account admits it.
pub(crate) fn attempt(icbc: &Icbc, method: Method) -> AttemptRef {
    let mut sub = Notes::new();
    if icbc.account.mode == config::Mode::Provider {
        sub = notes(&[("mer_id", "020001020002"), ("mer_prtcl_no", "0200010200020201"), ("store_code", "S2")]);
    }
    let mut attempt = AttemptRef {
        number: NUMBER.into(),
        amount: Fen(1000),
        method,
        at: NOW,
        expires_at: NOW.plus(900),
        app_id: None,
        sub,
        memo: Notes::new(),
        handles: Notes::new(),
    };
    attempt.memo = icbc.admit(&attempt, &order()).unwrap();
    attempt
}

pub(crate) fn notes(pairs: &[(&str, &str)]) -> Notes {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn refund_of(payment: AttemptRef) -> RefundRef {
    RefundRef { number: REFUND.into(), amount: Fen(400), at: NOW, reason: None, payment, handles: Notes::new() }
}

/// A reply as the gateway seals it.
pub(crate) fn sealed(content: &str) -> HttpReply {
    HttpReply::new(200, &[], format!("{{\"response_biz_content\":{content},\"sign\":\"{}\"}}", sign(content)))
}

pub(crate) fn answer(content: Value) -> HttpReply {
    sealed(&content.to_string())
}

pub(crate) fn error(code: &str) -> HttpReply {
    answer(json!({"return_code": code, "return_msg": "说明", "msg_id": "m"}))
}

/// The amount block of pack 1.6 about [`attempt`], with changes.
pub(crate) fn block(changes: Value) -> Value {
    let told = json!({
        "return_code": 0, "return_msg": "success", "msg_id": "m", "cust_id": "C1", "card_no": "622208**6666",
        "total_amt": "1000", "point_amt": "300", "ecoupon_amt": "0", "mer_disc_amt": "100", "coupon_amt": "0", "bank_disc_amt": "50",
        "payment_amt": "550", "total_disc_amt": "150", "out_trade_no": NUMBER, "order_id": "020001020001000612611230001", "pay_time": "20261123",
    });
    changed(told, changes)
}

pub(crate) fn exchange_of<T: std::fmt::Debug>(step: &Step<T>) -> &Exchange<T> {
    match step {
        Step::Send(exchange) => exchange,
        other => panic!("nothing is sent: {other:?}"),
    }
}

/// The form of a request, decoded.
pub(crate) fn form_of(request: &HttpRequest) -> Vec<(String, String)> {
    decode_pairs(&request.body).unwrap()
}

pub(crate) fn field<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    sluice_kit::form::value(form, name).unwrap_or_else(|| panic!("no {name}"))
}

/// `biz_content` of a request.
pub(crate) fn content_of<T: std::fmt::Debug>(step: &Step<T>) -> Value {
    serde_json::from_str(field(&form_of(&exchange_of(step).request), "biz_content")).unwrap()
}

/// What a reply means.
pub(crate) fn read<T: std::fmt::Debug>(step: &Step<T>, reply: &HttpReply) -> T {
    match exchange_of(step).read(reply, &env(NOW)) {
        Reading::Is(value) => value,
        other => panic!("no answer: {other:?}"),
    }
}

/// What two replies in a row mean; the second answers the exchange that the first led to, whose API is told.
pub(crate) fn read_two<T: std::fmt::Debug>(step: &Step<T>, first: &HttpReply, second: &HttpReply) -> (&'static str, T) {
    match exchange_of(step).read(first, &env(NOW)) {
        Reading::Then(next) => match next.read(second, &env(NOW)) {
            Reading::Is(value) => (next.request.api, value),
            other => panic!("no answer: {other:?}"),
        },
        other => panic!("no second exchange: {other:?}"),
    }
}
