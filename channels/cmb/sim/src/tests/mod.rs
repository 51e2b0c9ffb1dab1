//! The pack's rules, asked by a client of its own: it signs, encrypts and reads signatures with code shared with nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on must stop")]

mod barcode;
mod bills;
mod callbacks;
mod envelope;
mod faults;
mod qr;
mod random;
mod refunds;
mod vectors;

use crate::{CmbSim, MER_ID, Options, TERM_ID, USER_ID};
use base64::{Engine, engine::general_purpose::STANDARD};
use cbc::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};
use sluice_contract::{Headers, HttpReply, Millis, Verb};
use sluice_simkit::{Call, Delivery, Entry, Fault, Outcome, Scan, Simulator};
use sm2::dsa::signature::{Signer, Verifier};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm2::{PublicKey, pkcs8::DecodePublicKey};
use std::collections::BTreeMap;

/// 2026-11-23T09:00:00+08:00.
pub(crate) const START: Millis = Millis(1_795_395_600_000);
const ID: &str = "1234567812345678";
const MERCHANT_KEY: &str = "d5f2afa24e6ba9071b54a8c9ad735f9a1de9c4657fa386c09b592694bc118b38";
const BANK_PUBLIC: &str =
    "MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAE8Ao2rbJqig4C3LIlk3HGdzUwEn6lSa0R9d0dla4Yv18Mv5sgD0JnJMwtu2XwPOqbOqB64+7lnIOkFsKIKdAb8A==";
/// The SM4 key `b3ec5decc1db9bed`, sealed for the bank: vector `envelope-1`.
pub(crate) const ENVELOPE: &str = "MHoCIQCAro4eZ21mtCSxha7DnTPEXNuunX4boE9IKDzGSbuQqQIhAPWewCEXEXpPAjRKAbF0ylJuH5i4ktg2Ob2StLxr5k6UBCAuatjCuSrSD37IOeqCsx4Uo/MCYR7zDWTORTyem8sArwQQsM1JCehQM9BsfgbcTnNhzg==";

/// A client with its own clock.
pub(crate) struct Client {
    pub(crate) sim: CmbSim,
    pub(crate) now: Millis,
    pub(crate) fault: Option<Fault>,
}

/// Members of an envelope, and the text that is signed of them.
pub(crate) fn text_of(members: &BTreeMap<String, String>) -> String {
    let told: Vec<String> = members.iter().filter(|(n, _)| *n != "sign").map(|(n, v)| format!("{n}={v}")).collect();
    told.join("&")
}

/// The raw signature with what comes before r and s, so that tests can write it in odd ways.
pub(crate) fn signed_raw(text: &str) -> Vec<u8> {
    let key = SigningKey::from_slice(ID, &hex::decode(MERCHANT_KEY).unwrap()).unwrap();
    let signature: Signature = key.sign(text.as_bytes());
    signature.to_bytes().to_vec()
}

pub(crate) fn signed(text: &str) -> String {
    let signature = Signature::from_slice(&signed_raw(text)).unwrap();
    STANDARD.encode(signature.to_der().as_bytes())
}

/// Whether the bank made the signature; integers are read by their length bytes, leading zeros and all.
pub(crate) fn from_bank(text: &str, sign: &str) -> bool {
    let der = STANDARD.decode(sign).unwrap();
    assert_eq!((der[0], usize::from(der[1]), der[2]), (0x30, der.len() - 2, 2), "a sequence of integers");
    let r_end = 4 + usize::from(der[3]);
    assert_eq!(der[r_end], 2);
    assert!(der[3] >= 32 && der[r_end + 1] >= 32, "the demo writes 32 or 33 bytes");
    let raw = [&der[r_end - 32..r_end], &der[der.len() - 32..]].concat();
    let public = PublicKey::from_public_key_der(&STANDARD.decode(BANK_PUBLIC).unwrap()).unwrap();
    let key = VerifyingKey::new(ID, public).unwrap();
    key.verify(text.as_bytes(), &Signature::from_slice(&raw).unwrap()).is_ok()
}

pub(crate) fn sm4(key: &str, plain: &str) -> String {
    let cipher = cbc::Encryptor::<sm4::Sm4>::new_from_slices(key.as_bytes(), &[0; 16]).unwrap();
    STANDARD.encode(cipher.encrypt_padded_vec::<Pkcs7>(plain.as_bytes()))
}

/// An answer after its signature was checked: the members, biz_content parsed as `biz`.
#[derive(Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) members: BTreeMap<String, String>,
    pub(crate) biz: Value,
}

impl Reply {
    pub(crate) fn err(&self) -> &str {
        assert!(self.members["respCode"] == "FAIL" && self.biz.is_null(), "{self:?}");
        &self.members["errCode"]
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.biz[name].as_str().unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }
}

pub(crate) fn merged(base: Value, more: Value) -> Value {
    let (Value::Object(mut base), Value::Object(more)) = (base, more) else { panic!("objects") };
    for (name, value) in more {
        // Null takes a member away.
        if value.is_null() {
            base.remove(&name)
        } else {
            base.insert(name, value)
        };
    }
    Value::Object(base)
}

impl Client {
    pub(crate) fn with(options: Options) -> Client {
        Client { sim: CmbSim::open(options), now: START, fault: None }
    }

    pub(crate) fn new() -> Client {
        Client::with(Options::fixed(1))
    }

    pub(crate) fn members(biz: &Value) -> BTreeMap<String, String> {
        let all = [("version", "0.0.1"), ("encoding", "UTF-8"), ("signMethod", "02"), ("biz_content", &biz.to_string())];
        all.map(|(n, v)| (n.to_owned(), v.to_owned())).into()
    }

    /// Signs what is there and puts the headers on.
    pub(crate) fn call(&self, name: &str, mut members: BTreeMap<String, String>) -> Call {
        let sign = signed(&text_of(&members));
        members.insert("sign".to_owned(), sign);
        self.sealed_call(name, &members)
    }

    pub(crate) fn sealed_call(&self, name: &str, members: &BTreeMap<String, String>) -> Call {
        let told = self.sim.credentials_json("");
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        let timestamp = self.now.second().0.to_string();
        let secret = text("app_secret");
        let over = format!("appid={}&secret={secret}&sign={}&timestamp={timestamp}", text("app_id"), members["sign"]);
        let apisign = hex::encode(Md5::digest(over));
        let headers = Headers::new(&[("appid", &text("app_id")), ("timestamp", &timestamp), ("apisign", &apisign)]);
        Call { verb: Verb::Post, target: format!("/polypay/v1.0/mchorders/{name}"), headers, body: json!(members).to_string().into_bytes() }
    }

    pub(crate) fn raw(&mut self, call: &Call) -> HttpReply {
        self.sim.serve(call, self.now, self.fault)
    }

    /// Sends a signed call and checks the answer's signature, whatever it says.
    pub(crate) fn send(&mut self, call: &Call) -> Reply {
        let reply = self.raw(call);
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(reply.bytes()));
        let members: BTreeMap<String, String> = serde_json::from_slice(reply.bytes()).unwrap();
        assert!(from_bank(&text_of(&members), members.get("sign").map_or("", String::as_str)), "the answer's signature");
        assert_eq!(members["returnCode"], "SUCCESS");
        let biz = members.get("biz_content").map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
        Reply { members, biz }
    }

    /// A call by merchant and cashier.
    pub(crate) fn post(&mut self, name: &str, biz: Value) -> Reply {
        let own = json!({"merId": MER_ID, "userId": USER_ID});
        let call = self.call(name, Client::members(&merged(own, biz)));
        self.send(&call)
    }

    pub(crate) fn apply(&mut self, number: &str, total: i64) -> Reply {
        self.post("qrcodeapply", order(number, total))
    }

    /// Charges a code, terminal encrypted.
    pub(crate) fn pay(&mut self, number: &str, total: i64, code: &str) -> Reply {
        let call = self.pay_call(number, total, code);
        self.send(&call)
    }

    pub(crate) fn pay_call(&self, number: &str, total: i64, code: &str) -> Call {
        let terminal = sm4("b3ec5decc1db9bed", r#"{"device_type":"11","location":"31.23/121.47"}"#);
        let more = json!({"authCode": code, "termId": TERM_ID, "encryptTerminalInfo": terminal, "merId": MER_ID, "userId": USER_ID});
        let mut members = Client::members(&merged(order(number, total), more));
        members.insert("encryptKey".to_owned(), ENVELOPE.to_owned());
        self.call("pay", members)
    }

    pub(crate) fn query(&mut self, number: &str) -> Reply {
        self.post("orderquery", json!({"orderId": number}))
    }

    pub(crate) fn refund(&mut self, number: &str, refund: &str, total: i64, amount: i64) -> Reply {
        let biz = json!({"orderId": refund, "origOrderId": number, "txnAmt": total.to_string(), "refundAmt": amount.to_string(),
            "notifyUrl": "http://127.0.0.1:8080/notify/cmb-main/refund"});
        self.post("refund", biz)
    }

    /// A QR order, scanned and paid with this wallet.
    pub(crate) fn paid(&mut self, number: &str, total: i64, wallet: Option<sluice_contract::Wallet>) {
        let qr = self.apply(number, total).get("qrCode").to_owned();
        assert!(self.sim.scan(&Scan { wallet, ..Scan::of(&qr, Outcome::Pay) }, self.now).unwrap().paid);
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

pub(crate) fn order(number: &str, total: i64) -> Value {
    json!({"orderId": number, "txnAmt": total.to_string(), "notifyUrl": "http://127.0.0.1:8080/notify/cmb-main", "body": "一箱苹果 & 梨",
        "mchReserved": "r/1"})
}

/// The form of a callback, and its biz_content after the signature was checked.
pub(crate) fn told(delivery: &Delivery) -> Map<String, Value> {
    let (members, biz) = form(delivery);
    assert!(from_bank(&text_of(&members), &members["sign"]), "the callback's signature");
    match serde_json::from_str(&biz) {
        Ok(Value::Object(biz)) => biz,
        _ => panic!("no JSON: {biz}"),
    }
}

pub(crate) fn form(delivery: &Delivery) -> (BTreeMap<String, String>, String) {
    let text = std::str::from_utf8(&delivery.body).unwrap();
    let members: BTreeMap<String, String> =
        text.split('&').map(|part| part.split_once('=').unwrap()).map(|(n, v)| (n.to_owned(), percent(v))).collect();
    let biz = members["biz_content"].clone();
    (members, biz)
}

fn percent(text: &str) -> String {
    let (mut out, mut bytes) = (Vec::new(), text.bytes());
    while let Some(byte) = bytes.next() {
        assert_ne!(byte, b'+', "a plus is written as %2B");
        if byte == b'%' {
            let two = [bytes.next().unwrap(), bytes.next().unwrap()];
            out.push(u8::from_str_radix(std::str::from_utf8(&two).unwrap(), 16).unwrap());
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).unwrap()
}

/// The signed acknowledgement.
pub(crate) fn ack(change: impl Fn(&mut BTreeMap<String, String>)) -> HttpReply {
    let words = [("version", "0.0.1"), ("encoding", "UTF-8"), ("signMethod", "02"), ("returnCode", "SUCCESS"), ("respCode", "SUCCESS")];
    let mut members: BTreeMap<String, String> = words.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
    let sign = signed(&text_of(&members));
    members.insert("sign".to_owned(), sign);
    change(&mut members);
    HttpReply::new(200, &[], json!(members).to_string())
}
