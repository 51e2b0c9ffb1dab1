//! §13 "Auth", "Sign", "Keys".

use super::{Client, MERCHANT_SERIAL, authorization, code, opened, order, verified};
use crate::{KeyMode, Options};
use serde_json::Value;
use sluice_contract::{Headers, Verb};
use sluice_simkit::{Call, Fault, Simulator};

const NATIVE: &str = "/v3/pay/transactions/native";

fn refused(client: &mut Client, header: Option<&str>) -> Value {
    let headers = Headers::new(&header.map(|h| vec![("authorization", h)]).unwrap_or_default());
    let body = order("AUTH0001", 1).to_string().into_bytes();
    let reply = client.raw(&Call { verb: Verb::Post, target: NATIVE.to_owned(), headers, body });
    assert_eq!(reply.status, 401, "{header:?}");
    assert!(verified(&reply.headers, reply.bytes()), "errors are signed too");
    let body: Value = serde_json::from_slice(reply.bytes()).unwrap();
    assert_eq!(body["code"], "SIGN_ERROR");
    assert_eq!(body["detail"]["location"], "authorization");
    body
}

#[test]
fn a_wrong_scheme_serial_signature_or_time_is_a_sign_error() {
    let mut client = Client::new();
    let body = order("AUTH0001", 1).to_string();
    let good = authorization(Verb::Post, NATIVE, &body, client.now);
    refused(&mut client, None);
    refused(&mut client, Some("WECHATPAY2-SHA256-RSA2048 mchid=\"1900000100\""));
    refused(&mut client, Some(&good.replace("SHA256-RSA2048 ", "SM2-WITH-SM3 ")));
    assert_eq!(refused(&mut client, Some(&good.replace(MERCHANT_SERIAL, "D7CE59D1F522D701")))["detail"]["field"], "serial_no");
    assert_eq!(refused(&mut client, Some(&good.replace("n0nce", "other")))["detail"]["field"], "signature");
    for seconds in [-301, 301] {
        let at = client.now.plus_s(seconds);
        let skewed = authorization(Verb::Post, NATIVE, &body, at);
        assert_eq!(refused(&mut client, Some(&skewed))["detail"]["field"], "timestamp");
    }
    assert_eq!(client.sim.ledger().entries().count(), 0, "nothing was executed");
    let at = client.now.plus_s(-300);
    let headers = Headers::new(&[("Authorization", &authorization(Verb::Post, NATIVE, &body, at))]);
    let call = Call { verb: Verb::Post, target: NATIVE.to_owned(), headers, body: body.into_bytes() };
    assert_eq!(client.raw(&call).status, 200);
}

#[test]
fn every_answer_names_the_key_of_the_mode() {
    let serial = |mode: KeyMode, wish: Option<&str>| {
        let mut client = Client::with(Options { mode, ..Options::fixed(3) });
        let mut call = client.call(Verb::Get, "/v3/pay/transactions/out-trade-no/NOPE0001?mchid=1900000100", "");
        if let Some(wish) = wish {
            call.headers.push("Wechatpay-Serial", wish);
        }
        let reply = client.raw(&call);
        assert_eq!(reply.status, 404);
        assert!(verified(&reply.headers, reply.bytes()));
        reply.headers.get("Wechatpay-Serial").unwrap().to_owned()
    };
    let public = crate::keys::PUBLIC_KEY_ID;
    assert_eq!(serial(KeyMode::Certificate, None), "D7CE59D1F522D701");
    assert_eq!(serial(KeyMode::Certificate, Some(public)), "D7CE59D1F522D701");
    assert_eq!(serial(KeyMode::PublicKey, None), public);
    assert_eq!(serial(KeyMode::Mixed, Some(public)), public);
    assert_eq!(serial(KeyMode::Mixed, Some("D7CE59D1F522D701")), "D7CE59D1F522D701");
}

#[test]
fn mixed_mode_uses_both_keys() {
    let mut client = Client::with(Options { mode: KeyMode::Mixed, ..Options::fixed(3) });
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..40 {
        let call = client.call(Verb::Get, "/v3/nothing", "");
        let reply = client.raw(&call);
        assert!(verified(&reply.headers, reply.bytes()));
        seen.insert(reply.headers.get("wechatpay-serial").unwrap().to_owned());
    }
    assert_eq!(seen.len(), 2);
}

#[test]
fn certificates_come_encrypted_one_or_two_and_never_in_public_key_mode() {
    let mut client = Client::new();
    let (status, one) = client.get("/v3/certificates?algorithm_type=RSA");
    assert_eq!((status, one["data"].as_array().unwrap().len()), (200, 1));
    assert_eq!(opened(&one["data"][0]["encrypt_certificate"]), include_str!("../../keys/platform.cert.pem"));

    client.sim.rotate_platform_key();
    let (_, two) = client.get("/v3/certificates");
    let serials: Vec<_> = two["data"].as_array().unwrap().iter().map(|c| c["serial_no"].clone()).collect();
    assert_eq!(serials, ["D7CE59D1F522D701", "F5765756002FDD77"]);
    assert_eq!(client.sim.platform_serial(), "F5765756002FDD77");

    client.sim.rotate_platform_key();
    let third = client.sim.platform_serial().to_owned();
    assert_eq!(third.len(), 40);

    client.sim.set_key_mode(KeyMode::PublicKey);
    assert_eq!(code(&client.get("/v3/certificates")), (500, "SYSTEM_ERROR"));
}

#[test]
fn faults_of_the_envelope() {
    let mut client = Client::new();
    let call = client.call(Verb::Post, NATIVE, &order("FAULT001", 5).to_string());
    client.fault = Some(Fault::Error500);
    assert_eq!(client.raw(&call).status, 500);
    assert!(client.sim.ledger().get("FAULT001").is_none(), "an error 500 strikes before executing");
    client.fault = Some(Fault::BadSignature);
    let reply = client.raw(&call);
    assert_eq!(reply.status, 200);
    assert!(!verified(&reply.headers, reply.bytes()));
    assert!(client.sim.ledger().get("FAULT001").is_some(), "a bad signature strikes after executing");
    client.fault = Some(Fault::Garbage);
    let reply = client.raw(&call);
    assert!(serde_json::from_slice::<Value>(reply.bytes()).is_err() && verified(&reply.headers, reply.bytes()));
}

#[test]
fn the_same_seed_calls_and_times_give_the_same_bytes() {
    let run = |seed: u64| {
        let mut client = Client::with(Options::fixed(seed));
        client.paid("SAME0001", 100);
        let due = client.due();
        (format!("{:?}", client.query("SAME0001")), due[0].body.clone(), format!("{:?}", due[0].headers))
    };
    assert_eq!(run(9), run(9));
    assert_ne!(run(9).1, run(10).1);
}

#[test]
fn fresh_keys_are_fresh_and_serve() {
    let (a, b) = (crate::sandbox(1), crate::sandbox(1));
    let (a, b) = (a.credentials("http://127.0.0.1:1"), b.credentials("http://127.0.0.1:1"));
    for name in ["private_key", "api_v3_key", "api_v2_key", "public_key", "platform_certificate", "serial_no", "oauth_secret"] {
        assert!(a[name].as_str().is_some_and(|text| text.len() >= 32), "{name}");
        assert_ne!(a[name], b[name], "{name}");
    }
    assert_eq!(a["serial_no"].as_str().unwrap().len(), 40);
}

#[test]
fn the_account_table_holds_what_the_adapter_asks_for() {
    let table = crate::fixed(1).account_toml("http://127.0.0.1:9001");
    for line in [
        "[[account]]",
        "id = \"wx-main\"",
        "base_url = \"http://127.0.0.1:9001\"",
        "[account.credentials]",
        "mchid = \"1900000100\"",
        "private_key = '''\n-----BEGIN PRIVATE KEY-----",
        "public_key = '''\n-----BEGIN PUBLIC KEY-----",
        "platform_certificates = [\n'''\n-----BEGIN CERTIFICATE-----",
        "client_certificate = '''\n-----BEGIN CERTIFICATE-----",
        "public_key_id = \"PUB_KEY_ID_",
    ] {
        assert!(table.contains(line), "{line}");
    }
    assert_eq!(table.matches("'''").count() % 2, 0);
}
