//! The rules of the pack, asked by a client of its own: it signs, cuts nodes out and verifies with code shared with nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on must stop")]

mod barcode;
mod bills;
mod door;
mod notices;
mod oauth;
mod orders;
mod random;
mod refunds;

use crate::{APP_ID, AlipaySim, Options};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sluice_contract::{Headers, HttpReply, Millis, Verb};
use sluice_simkit::{Call, Delivery, Entry, Fault, Outcome, Scan, Simulator};

/// 2026-11-23T09:00:00+08:00.
pub(crate) const START: Millis = Millis(1_795_395_600_000);
pub(crate) const NOTIFY: &str = "http://127.0.0.1:8080/notify/ali-main";
const APP_KEY: &str = include_str!("../../keys/app.key.pem");
const ALIPAY_KEY: &str = include_str!("../../keys/alipay.key.pem");

/// A client with its own clock.
pub(crate) struct Client {
    pub(crate) sim: AlipaySim,
    pub(crate) now: Millis,
    pub(crate) fault: Option<Fault>,
    /// Public parameters that every call adds: certificate numbers, a token.
    pub(crate) also: Vec<(String, String)>,
}

fn key(pem: &str) -> RsaKeyPair {
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    RsaKeyPair::from_pkcs8(&STANDARD.decode(text).unwrap()).unwrap()
}

pub(crate) fn sign(text: &str) -> String {
    let pair = key(APP_KEY);
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    STANDARD.encode(signature)
}

pub(crate) fn verified(text: &str, signature: &str) -> bool {
    let pair = key(ALIPAY_KEY);
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    STANDARD.decode(signature).is_ok_and(|raw| public.verify(text.as_bytes(), &raw).is_ok())
}

pub(crate) fn percent(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

pub(crate) fn form(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(n, v)| format!("{n}={}", percent(v))).collect::<Vec<_>>().join("&")
}

/// The parameters with `sign`, the request's rule.
pub(crate) fn signed(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.sort();
    let text = pairs.iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("&");
    pairs.push(("sign".to_owned(), sign(&text)));
    pairs
}

/// Root, raw node, signature: cut at the last `"sign"`, as two of the SDKs do.
pub(crate) fn cut(body: &str) -> (String, String, String) {
    let (root, rest) = body.strip_prefix("{\"").unwrap().split_once("\":").unwrap();
    let Some(at) = rest.rfind(",\"sign\":\"") else { return (root.to_owned(), rest.strip_suffix('}').unwrap().to_owned(), String::new()) };
    let sign = rest[at + 9..].strip_suffix("\"}").unwrap();
    let node = rest[..at].split(",\"alipay_cert_sn\"").next().unwrap();
    (root.to_owned(), node.to_owned(), sign.to_owned())
}

/// A notice's fields, after its signature was checked by rule v1.
pub(crate) fn told(delivery: &Delivery) -> Value {
    let text = String::from_utf8(delivery.body.clone()).unwrap();
    let mut pairs: Vec<(String, String)> = sluice_simkit::form::pairs(&text).unwrap();
    pairs.sort();
    let kept = pairs.iter().filter(|(n, _)| n != "sign" && n != "sign_type");
    let canonical = kept.map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("&");
    let fields: Value = pairs.into_iter().map(|(n, v)| (n, json!(v))).collect::<serde_json::Map<_, _>>().into();
    assert!(verified(&canonical, fields["sign"].as_str().unwrap()), "the notice's signature");
    fields
}

impl Client {
    pub(crate) fn with(options: Options) -> Client {
        Client { sim: AlipaySim::open(options), now: START, fault: None, also: Vec::new() }
    }

    pub(crate) fn new() -> Client {
        Client::with(Options::fixed(1))
    }

    /// The public parameters and `biz_content`, unsigned.
    pub(crate) fn pairs(&self, method: &str, biz: &Value) -> Vec<(String, String)> {
        let public = [
            ("app_id", APP_ID),
            ("method", method),
            ("format", "JSON"),
            ("charset", "utf-8"),
            ("sign_type", "RSA2"),
            ("timestamp", &self.now.second().plain()),
            ("version", "1.0"),
            ("notify_url", NOTIFY),
        ];
        let mut pairs: Vec<(String, String)> = public.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        pairs.extend(self.also.clone());
        if !biz.is_null() {
            pairs.push(("biz_content".to_owned(), biz.to_string()));
        }
        pairs
    }

    /// Public parameters in the query, the business in the form.
    pub(crate) fn call(&self, pairs: &[(String, String)]) -> Call {
        let (body, query): (Vec<_>, Vec<_>) = pairs.iter().cloned().partition(|(n, _)| n == "biz_content");
        let headers = Headers::new(&[("Content-Type", "application/x-www-form-urlencoded;charset=utf-8")]);
        Call { verb: Verb::Post, target: format!("/gateway.do?{}", form(&query)), headers, body: form(&body).into_bytes() }
    }

    pub(crate) fn raw(&mut self, call: &Call) -> HttpReply {
        self.sim.serve(call, self.now, self.fault)
    }

    /// Sends signed parameters and checks the answer's signature, whatever it says.
    pub(crate) fn send(&mut self, pairs: Vec<(String, String)>) -> Value {
        let call = self.call(&signed(pairs));
        let reply = self.raw(&call);
        let (_, node, sign) = cut(std::str::from_utf8(reply.bytes()).unwrap());
        assert!(verified(&node, &sign), "the answer's signature: {node}");
        serde_json::from_str(&node).unwrap()
    }

    pub(crate) fn ask(&mut self, method: &str, biz: &Value) -> Value {
        self.send(self.pairs(method, biz))
    }

    pub(crate) fn query(&mut self, number: &str) -> Value {
        self.ask("alipay.trade.query", &json!({"out_trade_no": number}))
    }

    pub(crate) fn status(&mut self, number: &str) -> String {
        let node = self.query(number);
        node["trade_status"].as_str().unwrap_or_else(|| node["sub_code"].as_str().unwrap()).to_owned()
    }

    pub(crate) fn precreate(&mut self, number: &str, yuan: &str) -> Value {
        self.ask("alipay.trade.precreate", &order(number, yuan))
    }

    pub(crate) fn charge(&mut self, number: &str, yuan: &str, code: &str) -> Value {
        let mut biz = order(number, yuan);
        biz["auth_code"] = json!(code);
        biz["scene"] = json!("bar_code");
        self.ask("alipay.trade.pay", &biz)
    }

    /// A QR order, scanned and paid.
    pub(crate) fn paid(&mut self, number: &str, yuan: &str) {
        let code = self.precreate(number, yuan)["qr_code"].as_str().unwrap().to_owned();
        assert!(self.scan(&code).unwrap());
    }

    pub(crate) fn scan(&mut self, content: &str) -> Result<bool, String> {
        self.sim.scan(&Scan::of(content, Outcome::Pay), self.now).map(|s| s.paid).map_err(|c| c.0)
    }

    /// What a browser or an app is handed.
    pub(crate) fn order_string(&self, method: &str, biz: &Value) -> String {
        form(&signed(self.pairs(method, biz)))
    }

    pub(crate) fn refund(&mut self, number: &str, request: &str, yuan: &str) -> Value {
        self.ask("alipay.trade.refund", &json!({"out_trade_no": number, "out_request_no": request, "refund_amount": yuan, "query_options": ["refund_detail_item_list"]}))
    }

    pub(crate) fn pass_ms(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
        self.sim.tick(self.now);
    }

    pub(crate) fn due(&mut self) -> Vec<Delivery> {
        self.sim.due(self.now, &mut || None)
    }

    pub(crate) fn hook(&mut self, word: &str) -> String {
        self.sim.hook(word, self.now).unwrap()
    }

    pub(crate) fn entry(&self, number: &str) -> Entry {
        self.sim.ledger().get(number).unwrap().clone()
    }
}

pub(crate) fn order(number: &str, yuan: &str) -> Value {
    json!({"out_trade_no": number, "total_amount": yuan, "subject": "Image形象店", "body": "b1", "passback_params": "p%3D1"})
}

/// `code` and `sub_code`.
pub(crate) fn code(node: &Value) -> (&str, &str) {
    (node["code"].as_str().unwrap_or(""), node["sub_code"].as_str().unwrap_or(""))
}
