//! The bank pack's simulator section, asked by a client of its own: it signs, verifies and decrypts with code shared with nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on must stop")]

mod barcode;
mod callbacks;
mod envelope;
mod faults;
mod online;
mod pages;
mod qr;
mod random;
mod refunds;
mod vectors;

use crate::{APP_ID, IcbcSim, MER_ID, MER_PRTCL_NO, Options, SHOP_APPID, STORE_CODE};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sluice_contract::{Headers, HttpReply, Millis, Verb};
use sluice_simkit::{Call, Delivery, Entry, Fault, Outcome, Scan, Simulator, form};
use std::collections::BTreeMap;

/// 2026-11-23T09:00:00+08:00.
pub(crate) const START: Millis = Millis(1_795_395_600_000);
pub(crate) const NOTIFY: &str = "http://127.0.0.1:8080//notify/icbc-main";

pub(crate) const PAY: &str = "/api/qrcode/V2/pay";
pub(crate) const GENERATE: &str = "/api/qrcode/V2/generate";
pub(crate) const QUERY: &str = "/api/qrcode/V2/query";
pub(crate) const REJECT: &str = "/api/qrcode/V2/reject";
pub(crate) const REJECT_QUERY: &str = "/api/qrcode/reject/query/V3";
pub(crate) const REVERSE: &str = "/api/qrcode/V2/reverse";
pub(crate) const CONSUMPTION: &str = "/api/cardbusiness/qrcode/consumption/V1";
pub(crate) const CONSUME: &str = "/api/cardbusiness/aggregatepay/b2c/online/consumepurchase/V1";
pub(crate) const ORDER_QUERY: &str = "/api/cardbusiness/aggregatepay/b2c/online/orderqry/V1";
pub(crate) const MER_REFUND: &str = "/api/cardbusiness/aggregatepay/b2c/online/merrefund/V1";
pub(crate) const REFUND_QUERY: &str = "/api/cardbusiness/aggregatepay/b2c/online/refundqry/V1";

pub(crate) type Pairs = BTreeMap<String, String>;

/// A client with its own clock.
pub(crate) struct Client {
    pub(crate) sim: IcbcSim,
    pub(crate) now: Millis,
    pub(crate) fault: Option<Fault>,
    messages: u32,
}

/// base64 of SHA256withRSA by the app's key.
pub(crate) fn signed(text: &str) -> String {
    let pem = include_str!("../../keys/merchant.key.pem");
    let der = STANDARD.decode(pem.lines().filter(|l| !l.starts_with('-')).collect::<String>()).unwrap();
    let pair = RsaKeyPair::from_pkcs8(&der).unwrap();
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    STANDARD.encode(signature)
}

pub(crate) fn verified_by(public_base64: &str, text: &str, signature: &str) -> bool {
    let der = STANDARD.decode(public_base64).unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, &der);
    STANDARD.decode(signature).is_ok_and(|raw| key.verify(text.as_bytes(), &raw).is_ok())
}

/// The signing string, written once more.
pub(crate) fn string_to_sign(path: &str, pairs: &Pairs) -> String {
    let mut text = format!("{path}?");
    for (name, value) in pairs.iter().filter(|(name, value)| !value.is_empty() && *name != "sign") {
        if !text.ends_with('?') {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
    text
}

/// The text between `"response_biz_content":` and the last `,"sign":"`, and the signature.
pub(crate) fn halves(body: &str) -> Option<(&str, &str)> {
    let (before, sign) = body.rsplit_once(",\"sign\":\"")?;
    Some((before.strip_prefix("{\"response_biz_content\":")?, sign.strip_suffix("\"}")?))
}

impl Client {
    pub(crate) fn with(options: Options) -> Client {
        Client { sim: IcbcSim::open(options), now: START, fault: None, messages: 0 }
    }

    pub(crate) fn new() -> Client {
        Client::with(Options::fixed(1))
    }

    pub(crate) fn gateway_key(&self) -> String {
        self.sim.credentials("http://x")["gateway_public_key_base64"].as_str().unwrap().to_owned()
    }

    pub(crate) fn pairs(&mut self, biz: &Value) -> Pairs {
        self.messages += 1;
        let mut pairs = Pairs::new();
        for (name, value) in [("app_id", APP_ID), ("format", "json"), ("charset", "UTF-8"), ("sign_type", "RSA2"), ("app_auth_token", "")] {
            pairs.insert(name.to_owned(), value.to_owned());
        }
        pairs.insert("msg_id".to_owned(), format!("M{:08}", self.messages));
        pairs.insert("timestamp".to_owned(), self.now.second().plain());
        pairs.insert("biz_content".to_owned(), biz.to_string());
        pairs
    }

    pub(crate) fn signed_call(path: &str, mut pairs: Pairs) -> Call {
        pairs.insert("sign".to_owned(), signed(&string_to_sign(path, &pairs)));
        Client::bare_call(path, &pairs)
    }

    pub(crate) fn bare_call(path: &str, pairs: &Pairs) -> Call {
        let body = form::encode(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))).into_bytes();
        let headers = Headers::new(&[("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")]);
        Call { verb: Verb::Post, target: path.to_owned(), headers, body }
    }

    pub(crate) fn call(&mut self, path: &str, biz: &Value) -> Call {
        let pairs = self.pairs(biz);
        Client::signed_call(path, pairs)
    }

    pub(crate) fn raw(&mut self, call: &Call) -> HttpReply {
        self.sim.serve(call, self.now, self.fault)
    }

    /// Sends a call and checks the answer's signature, whatever it says.
    pub(crate) fn sent(&mut self, call: &Call) -> Value {
        let reply = self.raw(call);
        let text = std::str::from_utf8(reply.bytes()).unwrap();
        let (inner, sign) = halves(text).unwrap_or_else(|| panic!("no signed answer: {text}"));
        assert!(verified_by(&self.gateway_key(), inner, sign), "the answer's signature: {text}");
        assert_eq!(reply.status, 200);
        serde_json::from_str(inner).unwrap()
    }

    pub(crate) fn post(&mut self, path: &str, biz: &Value) -> Value {
        let call = self.call(path, biz);
        self.sent(&call)
    }

    pub(crate) fn generate(&mut self, number: &str, total: i64) -> Value {
        self.post(GENERATE, &qr(number, total))
    }

    pub(crate) fn pay(&mut self, number: &str, total: i64, code: &str) -> Value {
        self.post(PAY, &barcode(number, total, code))
    }

    pub(crate) fn query(&mut self, number: &str) -> Value {
        self.post(QUERY, &json!({"mer_id": MER_ID, "out_trade_no": number}))
    }

    pub(crate) fn order_query(&mut self, number: &str, deal_flag: &str) -> Value {
        self.post(ORDER_QUERY, &json!({"mer_id": MER_ID, "out_trade_no": number, "deal_flag": deal_flag, "icbc_appid": APP_ID}))
    }

    pub(crate) fn scan(&mut self, content: &str) -> bool {
        self.sim.scan(&Scan::of(content, Outcome::Pay), self.now).unwrap().paid
    }

    /// A family A order, scanned and paid.
    pub(crate) fn paid(&mut self, number: &str, total: i64) {
        let qr = self.generate(number, total)["qrcode"].as_str().unwrap().to_owned();
        assert!(self.scan(&qr));
    }

    pub(crate) fn hook(&mut self, word: &str) {
        self.sim.hook(word, self.now).unwrap();
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

pub(crate) fn qr(number: &str, total: i64) -> Value {
    json!({
        "mer_id": MER_ID, "store_code": STORE_CODE, "out_trade_no": number, "order_amt": total.to_string(), "trade_date": "20261123",
        "trade_time": "090000", "attach": "a=1&b=二", "pay_expire": "900", "notify_url": NOTIFY, "tporder_create_ip": "127.0.0.1",
        "sp_flag": "0", "notify_flag": "1",
    })
}

pub(crate) fn barcode(number: &str, total: i64, code: &str) -> Value {
    json!({
        "qr_code": code, "mer_id": MER_ID, "out_trade_no": number, "order_amt": total.to_string(), "trade_date": "20261123",
        "trade_time": "090000", "attach": "门店A",
    })
}

pub(crate) fn all_apps(number: &str, total: i64) -> Value {
    json!({
        "out_trade_no": number, "mer_id": MER_ID, "mer_prtcl_no": MER_PRTCL_NO, "access_type": "6", "cur_type": "001",
        "amount": total.to_string(), "icbc_appid": APP_ID, "mer_url": NOTIFY, "expire_time": "900", "notify_type": "HS",
        "result_type": "0", "attach": "x", "order_date": "2026-11-23 09:00:00", "goods_name": "一箱苹果", "body": "一箱苹果",
        "installment_times": "1", "credit_type": "2",
    })
}

pub(crate) fn online(number: &str, total: i64, pay_mode: &str, access_type: &str) -> Value {
    json!({
        "mer_id": MER_ID, "out_trade_no": number, "pay_mode": pay_mode, "access_type": access_type, "mer_prtcl_no": MER_PRTCL_NO,
        "orig_date_time": "2026-11-23T09:00:00", "decive_info": "013467007045764", "body": "测试 & 商品=1?", "fee_type": "001",
        "spbill_create_ip": "127.0.0.1", "total_fee": total.to_string(), "mer_url": NOTIFY, "shop_appid": SHOP_APPID, "icbc_appid": APP_ID,
        "open_id": "oX1", "union_id": "2088", "expire_time": "900", "notify_type": "HS", "result_type": "0",
    })
}

/// What a callback says, after its signature was checked over the path exactly as it was registered.
pub(crate) fn told(client: &Client, delivery: &Delivery, path: &str) -> Value {
    let pairs: Pairs = form::pairs(std::str::from_utf8(&delivery.body).unwrap()).unwrap().into_iter().collect();
    assert_eq!((pairs["from"].as_str(), pairs["sign_type"].as_str(), pairs["app_id"].as_str()), ("icbc-api", "RSA", APP_ID));
    assert!(verified_by(&client.gateway_key(), &string_to_sign(path, &pairs), &pairs["sign"]), "the callback's signature");
    serde_json::from_str(&pairs["biz_content"]).unwrap()
}

pub(crate) fn text<'a>(answer: &'a Value, names: &[&str]) -> Vec<&'a str> {
    names.iter().map(|name| answer[*name].as_str().unwrap_or("none")).collect()
}
