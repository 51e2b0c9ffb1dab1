//! Notices that are genuine, and how they are answered.

use super::{AES, APP, MER, NOTIFY, NOW, NUMBER, attempt, block, direct, env, icbc, provider, sign, verifies};
use crate::{Icbc, sign as texts};
use serde_json::{Value, json};
use sluice_contract::{Ack, Callback, Channel, Env, Fen, Headers, HttpReply, Method, RawCallback, Rejected, Says, Verb};
use sluice_kit::aes::AesKey;
use sluice_kit::form::encode_pairs;

/// A notice's parameters, to be bent by forgers.
#[derive(Clone)]
pub(crate) struct Notice {
    pub(crate) verb: Verb,
    pub(crate) params: Vec<(String, String)>,
}

impl Notice {
    pub(crate) fn of(content: &str) -> Notice {
        let params = [
            ("from", "icbc-api"),
            ("api", "/api/qrcode/V2/generate"),
            ("app_id", APP),
            ("charset", "UTF-8"),
            ("format", "json"),
            ("timestamp", "2026-11-23 06:20:00"),
            ("sign_type", "RSA"),
            ("biz_content", content),
        ];
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Notice { verb: Verb::Post, params }.signed("/notify/icbc-main")
    }

    pub(crate) fn paid(changes: Value) -> Notice {
        Notice::of(&super::changed(block(json!({"return_code": "0", "mer_id": MER, "attach": "a=1&b=2"})), changes).to_string())
    }

    pub(crate) fn signed(mut self, path: &str) -> Notice {
        self.params.retain(|(name, _)| name != "sign");
        let signature = sign(&texts::text(path, &self.params));
        self.params.push(("sign".to_owned(), signature));
        self
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Notice {
        self.params.retain(|(known, _)| known != name);
        self.params.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        encode_pairs(self.params.iter().map(|(name, value)| (name.as_str(), value.as_str()))).into_bytes()
    }

    pub(crate) fn take(&self, icbc: &Icbc) -> Result<Callback, Rejected> {
        take(icbc, self.verb, &self.body(), &env(NOW))
    }
}

pub(crate) fn take(icbc: &Icbc, verb: Verb, body: &[u8], env: &Env<'_>) -> Result<Callback, Rejected> {
    let headers = Headers::default();
    icbc.callback(&RawCallback { verb, target: "/notify/icbc-main", headers: &headers, body }, env)
}

fn acknowledged(icbc: &Icbc, body: &[u8], ack: Ack) -> HttpReply {
    let headers = Headers::default();
    icbc.acknowledge(&RawCallback { verb: Verb::Post, target: "/", headers: &headers, body }, ack, &env(NOW))
}

#[test]
fn a_genuine_notice_is_a_question_about_our_order_and_nothing_more() {
    let icbc = direct();
    for (changes, what) in [
        (json!({}), "a payment"),
        (json!({"return_code": "1", "return_msg": "交易失败"}), "a failed trade"),
        (json!({"pay_status": "1"}), "a state"),
        (json!({"pay_time": "20251025000001"}), "a time that is a year off"),
    ] {
        let told = Notice::paid(changes).take(&icbc).unwrap();
        assert_eq!(told.says, Says::Ask, "{what}");
        assert_eq!(told.claims.contradiction(&attempt(&icbc, Method::IcbcQr)), None, "{what}");
        assert_eq!((told.claims.amount, told.claims.refund_number, told.event_id.as_deref()), (Some(Fen(1000)), None, Some("m")), "{what}");
    }
}

#[test]
fn claims_carry_every_id_of_the_comparison() {
    let told = Notice::paid(json!({})).take(&direct()).unwrap();
    assert_eq!(told.claims.same, super::notes(&[("app_id", APP), ("mer_id", MER)]));
    assert_eq!(told.claims.currency.as_deref(), Some("CNY"));
    let contradicts = |changes: Value| {
        let told = Notice::paid(changes).take(&provider()).unwrap();
        told.claims.contradiction(&attempt(&provider(), Method::IcbcQr)).map(str::to_owned)
    };
    assert_eq!(contradicts(json!({"mer_id": "020001020002"})), None);
    assert_eq!(contradicts(json!({"mer_id": MER})).as_deref(), Some("mer_id"));
    assert_eq!(contradicts(json!({"mer_id": null})).as_deref(), Some("mer_id"), "a missing merchant is not ours");
    assert_eq!(contradicts(json!({"mer_id": "020001020002", "total_amt": "1"})).as_deref(), Some("amount"));
    assert_eq!(contradicts(json!({"mer_id": "020001020002", "cur_type": "840"})).as_deref(), Some("currency"));
    assert_eq!(contradicts(json!({"mer_id": "020001020002", "out_trade_no": "A2"})).as_deref(), Some("number"));
}

#[test]
fn the_signed_path_is_the_registered_one_raw_and_not_the_one_it_came_by() {
    let icbc = direct();
    let twice = Notice::paid(json!({})).signed("//callback/icbc");
    let at = |notify_url| Env { notify_url, ..env(NOW) };
    assert!(take(&icbc, Verb::Post, &twice.body(), &at("https://pay.example.com//callback/icbc")).is_ok());
    assert!(take(&icbc, Verb::Post, &twice.body(), &at("https://pay.example.com/callback/icbc")).is_err(), "not tidied up");
    assert!(take(&icbc, Verb::Post, &twice.body(), &at(NOTIFY)).is_err());
    let registered = super::icbc(json!({"notify_path": "//callback/icbc"}));
    assert!(take(&registered, Verb::Post, &twice.body(), &at(NOTIFY)).is_ok(), "the setting");
    let by_api = Notice::paid(json!({})).signed("/api/qrcode/V2/generate");
    assert!(by_api.take(&icbc).is_err(), "the `api` value is no path");
}

#[test]
fn the_path_of_an_address_is_kept_to_the_byte() {
    for (url, path) in [
        ("https://a.b//callback/icbc", "//callback/icbc"),
        ("https://a.b:443/n/x?y=1", "/n/x"),
        ("http://a.b/%41/./../c/", "/%41/./../c/"),
        ("https://a.b", "/"),
    ] {
        assert_eq!(texts::path_of(url), path);
    }
}

#[test]
fn plus_and_percent_are_decoded_once() {
    let told = Notice::paid(json!({"attach": "100% + a=1&b=%41"})).take(&direct());
    assert_eq!(told.unwrap().claims.number.as_deref(), Some(NUMBER));
}

#[test]
fn an_encrypted_notice_is_verified_as_ciphertext_and_then_opened() {
    let icbc = icbc(json!({"encrypt_key": AES}));
    let plain = block(json!({"return_code": "0", "mer_id": MER})).to_string();
    let sealed = AesKey::read(AES).unwrap().seal(plain.as_bytes()).unwrap();
    let notice = Notice::of(&sealed).set("encrypt_type", "AES").signed("/notify/icbc-main");
    assert_eq!(notice.take(&icbc).unwrap().claims.number.as_deref(), Some(NUMBER));
    assert!(matches!(notice.take(&direct()), Err(Rejected::Unreadable { .. })), "without the key");
    let unknown = notice.set("encrypt_type", "SM4").signed("/notify/icbc-main");
    assert!(matches!(unknown.take(&icbc), Err(Rejected::Unreadable { .. })));
    let ack: Value =
        serde_json::from_slice(acknowledged(&icbc, &Notice::of(&sealed).set("encrypt_type", "AES").body(), Ack::Taken).bytes()).unwrap();
    assert_eq!(ack["response_biz_content"]["msg_id"], "m");
}

#[test]
fn an_acknowledgement_is_signed_without_its_outer_braces() {
    let icbc = direct();
    let odd = "m\"\\,\"sign\":\"x";
    let body = Notice::paid(json!({"msg_id": odd})).body();
    for (ack, code) in [(Ack::Taken, 0), (Ack::Refused, -12345)] {
        let reply = acknowledged(&icbc, &body, ack);
        let text = std::str::from_utf8(reply.bytes()).unwrap();
        let tree: Value = serde_json::from_str(text).unwrap();
        assert_eq!(tree["response_biz_content"]["return_code"], json!(code));
        assert_eq!(tree["response_biz_content"].get("msg_id").and_then(Value::as_str), (code == 0).then_some(odd));
        let (signed, _) = text.rsplit_once(",\"sign\":\"").unwrap();
        assert!(verifies(signed.strip_prefix('{').unwrap(), tree["sign"].as_str().unwrap()));
        assert_eq!(reply.status, 200);
    }
}

#[test]
fn what_cannot_be_read_is_still_answered() {
    for body in [b"".as_slice(), b"%", b"biz_content=%7B", &[0xFF; 9]] {
        let taken: Value = serde_json::from_slice(acknowledged(&direct(), body, Ack::Taken).bytes()).unwrap();
        assert_eq!(taken["response_biz_content"]["msg_id"], "");
        let refused: Value = serde_json::from_slice(acknowledged(&direct(), body, Ack::Refused).bytes()).unwrap();
        assert_eq!(refused["response_biz_content"]["return_msg"], "icbc sign not pass.");
    }
}
