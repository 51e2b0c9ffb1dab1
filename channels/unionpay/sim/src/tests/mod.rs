//! Each rule of the pack, asked by a client of its own: it signs, splits and verifies with code shared with nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on must stop")]

mod barcode;
mod door;
mod keys;
mod notices;
mod orders;
mod random;
mod refunds;
mod statements;
mod vectors;

use crate::{MER_ID, Options, UnionpaySim};
use base64::{Engine, engine::general_purpose::STANDARD};
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey};
use rsa::{Pkcs1v15Sign, PrivateKey, PublicKey};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sluice_contract::{Headers, HttpReply, Millis, Second, Verb};
use sluice_simkit::{Call, Complaint, Delivery, Entry, Fault, Outcome, Scan, Scanned, Simulator};
use std::collections::BTreeMap;

pub(crate) type Message = BTreeMap<String, String>;

pub(crate) const BACK: &str = "/gateway/api/backTransReq.do";
pub(crate) const QUERY: &str = "/gateway/api/queryTrans.do";
pub(crate) const APP: &str = "/gateway/api/appTransReq.do";
pub(crate) const FRONT: &str = "/gateway/api/frontTransReq.do";

/// A Beijing time of 14 digits.
pub(crate) fn at(text: &str) -> Millis {
    Second::from_local("%Y%m%d%H%M%S", text).unwrap().millis()
}

/// A client with its own clock, which starts on 2026-11-23 at 09:00.
pub(crate) struct Client {
    pub(crate) sim: UnionpaySim,
    pub(crate) now: Millis,
    pub(crate) fault: Option<Fault>,
    known: Value,
    key: PrivateKey,
    signer: PublicKey,
}

/// What is hashed: every field but the signature.
fn text(message: &Message) -> String {
    let pairs: Vec<String> = message.iter().filter(|(name, _)| *name != "signature").map(|(n, v)| format!("{n}={v}")).collect();
    pairs.join("&")
}

fn twice(text: &str) -> Vec<u8> {
    Sha256::digest(hex::encode(Sha256::digest(text)).as_bytes()).to_vec()
}

pub(crate) fn encoded(message: &Message) -> String {
    let escape = |text: &str| {
        text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect::<String>()
    };
    message.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&")
}

/// The splitter of §1.6: braces and brackets keep what is in them.
pub(crate) fn split(body: &str) -> Message {
    let (mut out, mut key, mut value, mut open, mut in_key) = (Message::new(), String::new(), String::new(), None, true);
    for c in body.chars() {
        match (open, c) {
            (Some(closer), c) => {
                if c == closer {
                    open = None;
                }
                value.push(c);
            }
            (None, '=') if in_key => in_key = false,
            (None, '&') => {
                out.insert(std::mem::take(&mut key), std::mem::take(&mut value));
                in_key = true;
            }
            (None, c) if in_key => key.push(c),
            (None, c) => {
                open = match c {
                    '{' => Some('}'),
                    '[' => Some(']'),
                    _ => None,
                };
                value.push(c);
            }
        }
    }
    out.insert(key, value);
    out
}

/// A notice's form.
pub(crate) fn decoded(body: &[u8]) -> Message {
    let part = |text: &str| {
        let (mut bytes, mut out) = (text.bytes(), Vec::new());
        while let Some(b) = bytes.next() {
            out.push(match b {
                b'+' => b' ',
                b'%' => hex::decode([bytes.next().unwrap(), bytes.next().unwrap()]).unwrap()[0],
                b => b,
            });
        }
        String::from_utf8(out).unwrap()
    };
    std::str::from_utf8(body).unwrap().split('&').map(|pair| pair.split_once('=').unwrap()).map(|(n, v)| (part(n), part(v))).collect()
}

impl Client {
    pub(crate) fn with(options: Options) -> Client {
        let sim = UnionpaySim::open(options);
        let known = sim.credentials("http://127.0.0.1:7000");
        let word = |name: &str| known[name].as_str().unwrap();
        let key = PrivateKey::from_pkcs8_pem(word("private_key")).unwrap();
        let signer = PublicKey::from_public_key_pem(word("signer_public_key")).unwrap();
        Client { key, signer, sim, now: at("20261123090000"), fault: None, known }
    }

    pub(crate) fn new() -> Client {
        Client::with(Options::fixed(1))
    }

    pub(crate) fn known(&self, name: &str) -> &str {
        self.known[name].as_str().unwrap()
    }

    pub(crate) fn clock(&self) -> String {
        self.now.second().compact()
    }

    /// A message before its signature; txnTime is now.
    pub(crate) fn ask(&self, kind: &str, business: &str, number: &str, more: &[(&str, &str)]) -> Message {
        let (txn_type, sub_type) = kind.split_once('/').unwrap();
        let time = self.clock();
        let fixed = [
            ("version", "5.1.0"),
            ("encoding", "UTF-8"),
            ("signMethod", "01"),
            ("certId", self.known("cert_id")),
            ("merId", MER_ID),
            ("accessType", "0"),
            ("channelType", "08"),
            ("txnType", txn_type),
            ("txnSubType", sub_type),
            ("bizType", business),
            ("orderId", number),
            ("txnTime", &time),
        ];
        fixed.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    pub(crate) fn payment(&self, kind: &str, business: &str, number: &str, fen: i64, more: &[(&str, &str)]) -> Message {
        let amount = fen.to_string();
        let mut all = vec![("txnAmt", amount.as_str()), ("currencyCode", "156"), ("backUrl", "http://127.0.0.1:8080/notify/up-main?x=1")];
        all.extend(more);
        self.ask(kind, business, number, &all)
    }

    pub(crate) fn sign(&self, mut message: Message) -> Message {
        let signature = self.key.sign(Pkcs1v15Sign::new::<Sha256>(), &twice(&text(&message))).unwrap();
        message.insert("signature".to_owned(), STANDARD.encode(signature));
        message
    }

    /// Whether UnionPay's key signed it.
    pub(crate) fn verified(&self, message: &Message) -> bool {
        let signature = message.get("signature").and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
        self.signer.verify(Pkcs1v15Sign::new::<Sha256>(), &twice(&text(message)), &signature).is_ok()
    }

    pub(crate) fn raw(&mut self, path: &str, body: &str) -> HttpReply {
        let headers = Headers::new(&[("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")]);
        let call = Call { verb: Verb::Post, target: path.to_owned(), headers, body: body.as_bytes().to_vec() };
        self.sim.serve(&call, self.now, self.fault)
    }

    /// Sends a message as it stands and checks the answer's signature, whatever it says.
    pub(crate) fn post(&mut self, path: &str, message: &Message) -> Message {
        let reply = self.raw(path, &encoded(message));
        assert_eq!(reply.status, 200);
        let answer = split(std::str::from_utf8(reply.bytes()).unwrap());
        assert!(self.verified(&answer), "the answer's signature: {answer:?}");
        answer
    }

    pub(crate) fn send(&mut self, path: &str, message: Message) -> Message {
        let signed = self.sign(message);
        self.post(path, &signed)
    }

    pub(crate) fn apply(&mut self, number: &str, fen: i64) -> Message {
        let message = self.payment("01/07", "000000", number, fen, &[]);
        self.send(BACK, message)
    }

    pub(crate) fn consume(&mut self, number: &str, fen: i64, code: &str) -> Message {
        let message = self.payment("01/06", "000000", number, fen, &[("qrNo", code), ("termId", "00000011")]);
        self.send(BACK, message)
    }

    /// By number and time; the answer with everything.
    pub(crate) fn query_at(&mut self, number: &str, time: &str) -> Message {
        let mut message = self.ask("00/00", "000000", number, &[]);
        message.remove("channelType");
        message.insert("txnTime".to_owned(), time.to_owned());
        self.send(QUERY, message)
    }

    /// respCode and origRespCode of an order placed at the client's first moment.
    pub(crate) fn state(&mut self, number: &str, time: &str) -> (String, String) {
        let answer = self.query_at(number, time);
        (answer["respCode"].clone(), answer.get("origRespCode").cloned().unwrap_or_default())
    }

    pub(crate) fn scan(&mut self, content: &str, outcome: Outcome) -> Result<Scanned, Complaint> {
        self.sim.scan(&Scan::of(content, outcome), self.now)
    }

    /// A QR order, scanned and paid: its queryId.
    pub(crate) fn paid(&mut self, number: &str, fen: i64) -> String {
        let code = self.apply(number, fen)["qrCode"].clone();
        assert!(self.scan(&code, Outcome::Pay).unwrap().paid);
        let time = self.clock();
        self.query_at(number, &time)["queryId"].clone()
    }

    pub(crate) fn refund(&mut self, number: &str, fen: i64, query_id: &str) -> Message {
        let amount = fen.to_string();
        let more = [("txnAmt", amount.as_str()), ("backUrl", "http://127.0.0.1:8080/notify/up-main"), ("origQryId", query_id)];
        let message = self.ask("04/00", "000000", number, &more);
        self.send(BACK, message)
    }

    pub(crate) fn hook(&mut self, word: &str) -> String {
        self.sim.hook(word, self.now).unwrap()
    }

    pub(crate) fn pass_s(&mut self, seconds: i64) {
        self.now = self.now.plus_s(seconds);
        self.sim.tick(self.now);
    }

    pub(crate) fn due(&mut self) -> Vec<Delivery> {
        self.sim.due(self.now, &mut || None)
    }

    pub(crate) fn entry(&self, number: &str) -> Entry {
        self.sim.ledger().get(number).unwrap().clone()
    }
}

pub(crate) fn code(answer: &Message) -> &str {
    &answer["respCode"]
}
