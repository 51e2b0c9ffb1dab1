//! Pack §1.2 to §1.5: what is refused, how answers are signed, encryption.

use super::{Client, GENERATE, PAY, Pairs, QUERY, halves, qr, signed, string_to_sign, verified_by};
use crate::Options;
use crate::keys::{decrypt, encrypt};
use serde_json::{Value, json};
use sluice_contract::Verb;
use sluice_simkit::Simulator;

const KEY: &[u8; 16] = b"0123456789ABCDEF";

/// Sends the parameters of a good call after a change that is signed.
fn changed(client: &mut Client, change: impl Fn(&mut Pairs)) -> Value {
    let mut pairs = client.pairs(&qr("ENVELOPE1", 100));
    change(&mut pairs);
    client.sent(&Client::signed_call(GENERATE, pairs))
}

#[test]
fn every_parameter_of_the_envelope_is_looked_at() {
    let mut client = Client::new();
    let set = |name: &'static str, value: &'static str| move |pairs: &mut Pairs| drop(pairs.insert(name.to_owned(), value.to_owned()));
    for (name, value) in [
        ("app_id", ""),
        ("app_id", "10000000000000099002"),
        ("msg_id", ""),
        ("msg_id", "12345678901234567890123456789012345678901"),
        ("format", "xml"),
        ("charset", "GBK"),
        ("timestamp", ""),
        ("timestamp", "2026-11-23T09:00:00"),
        ("timestamp", "2026-13-23 09:00:00"),
        ("sign_type", "SM2"),
        ("sign_type", "CA"),
        ("encrypt_type", "SM4"),
        ("biz_content", ""),
        ("biz_content", "[]"),
    ] {
        assert_eq!(changed(&mut client, set(name, value))["return_code"], 400_011, "{name} {value}");
    }
    assert_eq!(client.sim.ledger().entries().count(), 0, "nothing was executed");
    assert_eq!(changed(&mut client, set("format", "json"))["return_code"], 0);
}

#[test]
fn a_signature_over_anything_else_is_refused_with_400017() {
    let mut client = Client::new();
    let pairs = client.pairs(&qr("SIGN0001", 100));
    let good = string_to_sign(GENERATE, &pairs);
    let without_path = good.trim_start_matches(&format!("{GENERATE}?")).to_owned();
    let with_empty = good.replace('?', "?app_auth_token=&");
    for wrong in [good.replace("generate", "pay"), without_path, with_empty, good.replace("100", "10")] {
        let mut forged = pairs.clone();
        forged.insert("sign".to_owned(), signed(&wrong));
        assert_eq!(client.sent(&Client::bare_call(GENERATE, &forged))["return_code"], 400_017);
    }
    let mut unsigned = pairs.clone();
    unsigned.insert("sign".to_owned(), String::new());
    assert_eq!(client.sent(&Client::bare_call(GENERATE, &unsigned))["return_code"], 400_011);
    assert_eq!(client.sent(&Client::signed_call(GENERATE, pairs))["return_code"], 0, "the same msg_id: forgeries do not use it up");
}

#[test]
fn only_a_form_with_each_name_once_is_read() {
    let mut client = Client::new();
    let mut call = client.call(GENERATE, &qr("FORM0001", 100));
    call.headers.0[0].1 = "application/json".to_owned();
    assert_eq!(client.sent(&call)["return_code"], 400_011);
    let mut twice = client.call(GENERATE, &qr("FORM0001", 100));
    twice.body.extend_from_slice(b"&app_id=10000000000000099001");
    assert_eq!(client.sent(&twice)["return_code"], 400_011);
    let mut get = client.call(GENERATE, &qr("FORM0001", 100));
    get.verb = Verb::Get;
    get.target = format!("{GENERATE}?{}", String::from_utf8(std::mem::take(&mut get.body)).unwrap());
    assert_eq!(client.sent(&get)["return_code"], 0, "the SDK may also ask with GET");
    get.target = "/api/qrcode/V2/refund?x=1".to_owned();
    assert_eq!(client.raw(&get).status, 404);
}

#[test]
fn a_msg_id_is_executed_once() {
    let mut client = Client::new();
    let call = client.call(GENERATE, &qr("MSGID001", 100));
    assert_eq!(client.sent(&call)["return_code"], 0);
    assert_eq!(client.sent(&call)["return_code"], 99_000_001);
    let id = client.sent(&call)["msg_id"].clone();
    assert_eq!(id, "M00000001", "answers name their message");
}

#[test]
fn a_number_in_family_a_and_text_in_family_b_but_never_a_number_with_leading_zeros() {
    let mut client = Client::new();
    assert_eq!(client.query("NOBODY01")["return_code"], json!(5_940_021));
    assert_eq!(client.order_query("NOBODY01", "0")["return_code"], json!("12001081"));
    client.generate("TWICE001", 100);
    assert_eq!(client.generate("TWICE001", 100)["return_code"], json!("00005031"));
}

#[test]
fn who_encrypts_is_answered_encrypted_and_the_quotes_are_signed() {
    let mut client = Client::new();
    let mut pairs = client.pairs(&qr("AES00001", 100));
    let plain = pairs["biz_content"].clone();
    pairs.insert("biz_content".to_owned(), encrypt(KEY, &plain).unwrap());
    pairs.insert("encrypt_type".to_owned(), "AES".to_owned());
    let answer = client.sent(&Client::signed_call(GENERATE, pairs.clone()));
    let opened: Value = serde_json::from_str(&decrypt(KEY, answer.as_str().unwrap()).unwrap()).unwrap();
    assert!(opened["return_code"] == 0 && opened["qrcode"].as_str().unwrap().starts_with("https://qr.95516.com/01020001/"));
    pairs.insert("biz_content".to_owned(), "AAAA".to_owned());
    pairs.insert("msg_id".to_owned(), "M2".to_owned());
    let broken = client.sent(&Client::signed_call(GENERATE, pairs));
    let opened: Value = serde_json::from_str(&decrypt(KEY, broken.as_str().unwrap()).unwrap()).unwrap();
    assert_eq!(opened["return_code"], 400_011);
}

#[test]
fn the_raw_text_is_signed_with_its_spaces_and_its_doubled_members() {
    let mut client = Client::with(Options { spaced: true, double_keys: true, ..Options::fixed(1) });
    let call = client.call(QUERY, &json!({"mer_id": crate::MER_ID, "out_trade_no": "X"}));
    let reply = client.raw(&call);
    let body = std::str::from_utf8(reply.bytes()).unwrap();
    let (inner, sign) = halves(body).unwrap();
    assert!(inner.starts_with("{\"return_code\": 5940021, \"return_msg\": ") && inner.matches("return_code").count() == 2);
    assert!(verified_by(&client.gateway_key(), inner, sign));
    let again = serde_json::from_str::<Value>(inner).unwrap().to_string();
    assert!(!verified_by(&client.gateway_key(), &again, sign), "written again it is another text");
}

#[test]
fn business_fields_are_looked_at_one_by_one() {
    let mut client = Client::new();
    for (name, value) in [
        ("mer_id", json!("020001020009")),
        ("mer_id", json!(null)),
        ("store_code", json!("")),
        ("out_trade_no", json!("A".repeat(36))),
        ("out_trade_no", json!("A/1")),
        ("order_amt", json!(100)),
        ("order_amt", json!("0")),
        ("order_amt", json!("1.00")),
        ("order_amt", json!("0100")),
        ("order_amt", json!("-1")),
        ("trade_date", json!("2026-11-2")),
        ("trade_date", json!("20261323")),
        ("trade_time", json!("0900")),
        ("attach", json!("二".repeat(22))),
        ("pay_expire", json!("86400")),
        ("pay_expire", json!("0")),
        ("notify_url", json!("")),
        ("notify_flag", json!("2")),
        ("sp_flag", json!("y")),
    ] {
        let mut biz = qr("FIELD001", 100);
        biz[name] = value.clone();
        assert_eq!(client.post(GENERATE, &biz)["return_code"], 400_011, "{name} {value}");
    }
    let mut later = qr("FIELD001", 100);
    later.as_object_mut().unwrap().remove("store_code");
    assert_eq!(client.post("/api/cardbusiness/qrcode/qrgenerate/V3", &later)["return_code"], 0, "the later version has no store");
    assert_eq!(client.post(PAY, &json!({"mer_id": crate::MER_ID}))["return_code"], 400_011);
}
