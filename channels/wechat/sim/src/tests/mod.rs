//! Each row of the pack's §13, asked by a client of its own: it signs, verifies and decrypts with code shared with nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on must stop")]

mod auth;
mod barcode;
mod bills;
mod callbacks;
mod dialect2;
mod openid;
mod orders;
mod random;
mod refunds;
mod vectors;

use crate::{APP_ID, MCHID, Options, WechatSim};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sluice_contract::{Headers, HttpReply, Millis, Verb};
use sluice_simkit::{Call, Delivery, Entry, Fault, Simulator};

/// 2026-11-23T09:00:00+08:00.
pub(crate) const START: Millis = Millis(1_795_395_600_000);
const MERCHANT_SERIAL: &str = "5F1C72E2A8931B72A2E13AF8DEE92471EB397115";
const API_V3_KEY: &str = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb";

/// A client with its own clock.
pub(crate) struct Client {
    pub(crate) sim: WechatSim,
    pub(crate) now: Millis,
    pub(crate) fault: Option<Fault>,
}

fn key(pem: &str) -> RsaKeyPair {
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    RsaKeyPair::from_pkcs8(&STANDARD.decode(text).unwrap()).unwrap()
}

fn platform_key(serial: &str) -> RsaKeyPair {
    if serial.starts_with("PUB_KEY_ID_") {
        key(include_str!("../../keys/public.key.pem"))
    } else {
        key(include_str!("../../keys/platform.key.pem"))
    }
}

/// Whether the platform key that the headers name made the signature they carry.
pub(crate) fn verified(headers: &Headers, body: &[u8]) -> bool {
    let get = |name: &str| headers.only(name).unwrap_or_default();
    let mut message = format!("{}\n{}\n", get("wechatpay-timestamp"), get("wechatpay-nonce")).into_bytes();
    message.extend_from_slice(body);
    message.push(b'\n');
    let pair = platform_key(get("wechatpay-serial"));
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    STANDARD.decode(get("wechatpay-signature")).is_ok_and(|raw| public.verify(&message, &raw).is_ok())
}

/// AEAD_AES_256_GCM with the APIv3 key of the fixed set.
pub(crate) fn opened(resource: &Value) -> String {
    let text = |name: &str| resource[name].as_str().unwrap().to_owned();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, API_V3_KEY.as_bytes()).unwrap());
    let nonce = Nonce::try_assume_unique_for_key(text("nonce").as_bytes()).unwrap();
    let mut buffer = STANDARD.decode(text("ciphertext")).unwrap();
    let plain = key.open_in_place(nonce, Aad::from(text("associated_data").into_bytes()), &mut buffer).unwrap();
    String::from_utf8(plain.to_vec()).unwrap()
}

/// The plaintext of a callback, after its signature was checked.
pub(crate) fn told(delivery: &Delivery) -> (String, Value) {
    assert!(verified(&delivery.headers, &delivery.body), "the callback's signature");
    let envelope: Value = serde_json::from_slice(&delivery.body).unwrap();
    assert_eq!(envelope["resource_type"], "encrypt-resource");
    (envelope["event_type"].as_str().unwrap().to_owned(), serde_json::from_str(&opened(&envelope["resource"])).unwrap())
}

pub(crate) fn authorization(verb: Verb, target: &str, body: &str, now: Millis) -> String {
    let (timestamp, nonce) = (now.second().0, "n0nce");
    let message = format!("{}\n{target}\n{timestamp}\n{nonce}\n{body}\n", verb.word());
    let pair = key(include_str!("../../keys/merchant.key.pem"));
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    // Not the order of the header's documentation: a server reads by name.
    format!(
        "WECHATPAY2-SHA256-RSA2048 serial_no=\"{MERCHANT_SERIAL}\",signature=\"{}\",timestamp=\"{timestamp}\",mchid=\"{MCHID}\",nonce_str=\"{nonce}\"",
        STANDARD.encode(signature)
    )
}

impl Client {
    pub(crate) fn with(options: Options) -> Client {
        Client { sim: WechatSim::open(options), now: START, fault: None }
    }

    pub(crate) fn new() -> Client {
        Client::with(Options::fixed(1))
    }

    pub(crate) fn call(&self, verb: Verb, target: &str, body: &str) -> Call {
        let authorization = authorization(verb, target, body, self.now);
        let headers = Headers::new(&[("Accept", "application/json"), ("User-Agent", "test"), ("Authorization", &authorization)]);
        Call { verb, target: target.to_owned(), headers, body: body.as_bytes().to_vec() }
    }

    pub(crate) fn raw(&mut self, call: &Call) -> HttpReply {
        self.sim.serve(call, self.now, self.fault)
    }

    /// Sends a signed call and checks the answer's signature, whatever it says.
    pub(crate) fn send(&mut self, verb: Verb, target: &str, body: &str) -> (u16, Value) {
        let call = self.call(verb, target, body);
        let reply = self.raw(&call);
        assert!(verified(&reply.headers, reply.bytes()), "{target}: the answer's signature");
        (reply.status, serde_json::from_slice(reply.bytes()).unwrap_or(Value::Null))
    }

    pub(crate) fn post(&mut self, target: &str, body: &Value) -> (u16, Value) {
        self.send(Verb::Post, target, &body.to_string())
    }

    pub(crate) fn get(&mut self, target: &str) -> (u16, Value) {
        self.send(Verb::Get, target, "")
    }

    pub(crate) fn query(&mut self, number: &str) -> (u16, Value) {
        self.get(&format!("/v3/pay/transactions/out-trade-no/{number}?mchid={MCHID}"))
    }

    pub(crate) fn state(&mut self, number: &str) -> String {
        self.query(number).1["trade_state"].as_str().unwrap_or("none").to_owned()
    }

    pub(crate) fn native(&mut self, number: &str, total: i64) -> (u16, Value) {
        self.post("/v3/pay/transactions/native", &order(number, total))
    }

    pub(crate) fn codepay(&mut self, number: &str, total: i64, code: &str) -> (u16, Value) {
        let mut body = order(number, total);
        body.as_object_mut().unwrap().remove("notify_url");
        body["payer"] = json!({"auth_code": code});
        body["scene_info"] = json!({"device_id": "till-1", "store_info": {"out_id": "S1"}});
        self.post("/v3/pay/transactions/codepay", &body)
    }

    /// A native order, scanned and paid.
    pub(crate) fn paid(&mut self, number: &str, total: i64) {
        let code = self.native(number, total).1["code_url"].as_str().unwrap().to_owned();
        assert!(self.sim.scan(&sluice_simkit::Scan::of(&code, sluice_simkit::Outcome::Pay), self.now).unwrap().paid);
    }

    pub(crate) fn pass_ms(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
        self.sim.tick(self.now);
    }

    pub(crate) fn due(&mut self) -> Vec<Delivery> {
        self.sim.due(self.now, &mut || None)
    }

    pub(crate) fn entry(&self, number: &str) -> Entry {
        self.sim.ledger().get(number).unwrap().clone()
    }
}

pub(crate) fn order(number: &str, total: i64) -> Value {
    json!({
        "appid": APP_ID, "mchid": MCHID, "description": "Image形象店", "out_trade_no": number, "attach": "a1",
        "notify_url": "http://127.0.0.1:8080/notify/wx-main", "amount": {"total": total, "currency": "CNY"},
    })
}

pub(crate) fn code(reply: &(u16, Value)) -> (u16, &str) {
    (reply.0, reply.1["code"].as_str().unwrap_or(""))
}
