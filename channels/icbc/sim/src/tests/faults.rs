//! Faults of the calls, what an account is written down as, and what is not there.

use super::{Client, GENERATE, QUERY, halves, qr, verified_by};
use crate::{APP_ID, MER_ID, Options};
use serde_json::json;
use sluice_contract::Day;
use sluice_simkit::{Api, Booth, Discrepancy, Fault, Rule, Served, Simulator};

#[test]
fn a_broken_server_executes_nothing_and_signs_nothing() {
    let mut client = Client::new();
    client.fault = Some(Fault::Error500);
    let call = client.call(GENERATE, &qr("ERR00001", 1));
    let reply = client.raw(&call);
    assert!(reply.status == 500 && halves(std::str::from_utf8(reply.bytes()).unwrap()).is_none());
    assert!(client.sim.ledger().get("ERR00001").is_none());
    client.fault = None;
    assert_eq!(client.sent(&call)["return_code"], 0, "its msg_id was not used up");
}

#[test]
fn garbage_and_a_bad_signature_come_after_executing() {
    let mut client = Client::new();
    client.fault = Some(Fault::Garbage);
    let call = client.call(GENERATE, &qr("LIE00001", 1));
    assert!(client.raw(&call).bytes().starts_with(b"<html>"));
    client.fault = Some(Fault::BadSignature);
    let call = client.call(GENERATE, &qr("LIE00002", 1));
    let reply = client.raw(&call);
    let (inner, sign) = halves(std::str::from_utf8(reply.bytes()).unwrap()).unwrap();
    assert!(!verified_by(&client.gateway_key(), inner, sign));
    assert_eq!(client.sim.ledger().entries().count(), 2);
}

#[test]
fn lies_are_validly_signed() {
    let mut client = Client::new();
    client.paid("LIE00003", 100);
    client.reject("LIE00003", "R1", 40);
    client.fault = Some(Fault::WrongAmount);
    assert_eq!(client.query("LIE00003")["total_amt"], "101");
    let biz = json!({"mer_id": MER_ID, "out_trade_no": "LIE00003", "reject_no": "R1"});
    assert!(client.post(super::REJECT_QUERY, &biz)["refundJsonList"].as_str().unwrap().contains("\"reject_amt\":\"41\""));
    client.fault = Some(Fault::WrongOrder);
    assert_eq!(client.query("LIE00003")["out_trade_no"], "LIE00000");
    assert!(client.post(super::REJECT_QUERY, &biz)["refundJsonList"].as_str().unwrap().contains("\"reject_no\":\"R0\""));
}

#[test]
fn faults_are_aimed_by_the_name_of_the_api() {
    let mut client = Client::new();
    let mut api = |path: &str, biz: serde_json::Value| {
        let call = client.call(path, &biz);
        client.sim.api_of(&call)
    };
    assert_eq!(api(super::PAY, json!({})), Some(Api::Pay));
    assert_eq!(api(super::CONSUME, json!({})), Some(Api::Pay));
    assert_eq!(api(QUERY, json!({})), Some(Api::Query));
    assert_eq!(api(super::REVERSE, json!({})), Some(Api::Reverse));
    assert_eq!(api(super::REJECT, json!({})), Some(Api::Refund));
    assert_eq!(api(super::REFUND_QUERY, json!({})), Some(Api::QueryRefund));
    assert_eq!(api(super::ORDER_QUERY, json!({"deal_flag": "0"})), Some(Api::Query));
    assert_eq!(api(super::ORDER_QUERY, json!({"deal_flag": "2"})), Some(Api::Close));
    assert_eq!(api("/nowhere", json!({})), None);
}

#[test]
fn a_call_that_arrives_twice_is_executed_once() {
    let mut client = Client::new();
    let call = client.call(super::PAY, &super::barcode("TWICE001", 10, "6299010000000000000"));
    let mut booth = Booth::new(Box::new(client.sim), 1);
    booth.add(Rule { api: Api::Pay, fault: Fault::Duplicate, probability_ppm: 1_000_000, left: Some(1) });
    let Served::Reply(reply) = booth.serve(&call, client.now) else { panic!("a reply") };
    assert!(String::from_utf8_lossy(reply.bytes()).contains("99000001"), "an unlisted code: unknown, to be asked about");
    assert_eq!(booth.sim.ledger().get("TWICE001").unwrap().charges, 1);
}

#[test]
fn there_is_no_bill_and_an_unknown_hook_lists_the_known() {
    let mut client = Client::new();
    assert!(client.sim.plant(Discrepancy::Amount, 1, Day::parse("2026-11-23").unwrap()).unwrap_err().0.contains("no bill"));
    for word in ["nonsense", "refund_fate", "spaced maybe", "auth_means pin", "auth_limit sms", "refund_delay_ms -1", "begin NOBODY"] {
        assert!(client.sim.hook(word, client.now).is_err(), "{word}");
    }
}

#[test]
fn the_account_and_the_credentials_name_the_same_keys() {
    let client = Client::new();
    let credentials = client.sim.credentials("http://127.0.0.1:9");
    let table = client.sim.account_toml("http://127.0.0.1:9");
    for name in ["app_id", "mer_id", "gateway_public_key_base64", "encrypt_key", "mer_prtcl_no", "base_url"] {
        assert!(table.contains(credentials[name].as_str().unwrap()), "{name}");
    }
    assert!(table.contains("id = \"icbc-main\"") && table.contains("qr_family = \"A\"") && table.contains(APP_ID));
    assert!(credentials["gateway_private_key"].as_str().unwrap().starts_with("-----BEGIN PRIVATE KEY-----"));
    let plain = crate::new(Options { encrypted: false, family_b: true, ..Options::fixed(1) }).account_toml("http://x");
    assert!(!plain.contains("encrypt_key") && plain.contains("qr_family = \"B\""));
}

#[test]
fn fresh_keys_are_fresh_and_serve() {
    let mut first = crate::sandbox(1);
    let second = crate::sandbox(1);
    let key = |sim: &dyn Simulator| sim.credentials("http://x")["gateway_public_key_base64"].as_str().unwrap().to_owned();
    assert_ne!(key(first.as_ref()), key(second.as_ref()));
    let mut client = Client::new();
    let call = client.call(QUERY, &json!({}));
    let reply = first.serve(&call, client.now, None);
    let (inner, sign) = halves(std::str::from_utf8(reply.bytes()).unwrap()).unwrap();
    assert!(verified_by(&key(first.as_ref()), inner, sign) && inner.contains("400017"), "another app's key");
}
