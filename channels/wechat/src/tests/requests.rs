//! Request signing vectors, and what every request of ours looks like.

use super::{NOW, PUBLIC_ID, attempt, direct, env, order, pem, request_of, signer_of, str_of, vectors};
use crate::keys::{self, PlatformKey};
use crate::{sign, wire};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sluice_contract::{Channel, Method, Second, Verb};
use std::collections::BTreeMap;

fn verb(vector: &Value) -> Verb {
    if str_of(vector, "method") == "GET" { Verb::Get } else { Verb::Post }
}

fn text(vector: &Value) -> Vec<u8> {
    let time = Second(str_of(vector, "timestamp").parse().unwrap());
    sign::request_text(
        verb(vector),
        str_of(vector, "url_path_and_query"),
        time,
        str_of(vector, "nonce_str"),
        str_of(vector, "body").as_bytes(),
    )
}

fn verifier(id: &str) -> PlatformKey {
    let keys = vectors!("keys");
    let key = keys.iter().find(|key| key["id"] == id).unwrap();
    match key["public_key_pem"].as_str() {
        Some(text) => keys::public_key(text).unwrap(),
        None => keys::certificate(&pem(id, "certificate_pem")).unwrap().1,
    }
}

fn holds(vector: &Value, text: &[u8]) -> bool {
    let signature = STANDARD.decode(str_of(vector, "signature")).unwrap();
    verifier(str_of(vector, "key_ref")).verifies(text, &signature)
}

/// The members of an `Authorization` header, by name.
fn members(header: &str) -> Option<BTreeMap<String, String>> {
    let rest = header.strip_prefix(sign::SCHEME)?.strip_prefix(' ')?;
    rest.split(',').map(|pair| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))).collect()
}

#[test]
fn request_signing_vectors() {
    for vector in vectors!("request_signing") {
        let id = str_of(&vector, "id");
        match str_of(&vector, "kind") {
            "rsa_sha256_sign" => {
                let signature = signer_of(str_of(&vector, "key_ref")).sign(str_of(&vector, "message").as_bytes());
                assert_eq!(signature.unwrap(), str_of(&vector, "signature"), "{id}");
            }
            "rsa_sha256_verify" => assert!(!holds(&vector, str_of(&vector, "message").as_bytes()), "{id}"),
            "request_canonical" => assert_eq!(text(&vector), str_of(&vector, "canonical").as_bytes(), "{id}"),
            "request_authorization" => authorization(&vector),
            "request_verify_negative" => assert!(!holds(&vector, &text(&vector)), "{id}"),
            "request_time_window" => {
                assert!(holds(&vector, str_of(&vector, "canonical").as_bytes()), "{id}");
                let gap = vector["server_time"].as_i64().unwrap() - str_of(&vector, "timestamp").parse::<i64>().unwrap();
                assert_eq!(gap.abs() <= 300, vector["expect"] == "accept", "{id}");
            }
            "authorization_parse" => match vector["expect"].as_object() {
                Some(wanted) => {
                    let found = members(str_of(&vector, "authorization")).unwrap();
                    assert!(wanted.iter().all(|(name, value)| value.as_str() == found.get(name).map(String::as_str)), "{id}");
                }
                None => assert_eq!(members(str_of(&vector, "authorization")), None, "{id}"),
            },
            other => panic!("{id}: unknown kind {other}"),
        }
    }
}

fn authorization(vector: &Value) {
    let id = str_of(vector, "id");
    assert_eq!(text(vector), str_of(vector, "canonical").as_bytes(), "{id}");
    let mut signer = signer_of(str_of(vector, "key_ref"));
    signer.mchid = str_of(vector, "mchid").into();
    signer.serial_no = str_of(vector, "serial_no").into();
    let time = Second(str_of(vector, "timestamp").parse().unwrap());
    let (target, nonce, body) = (str_of(vector, "url_path_and_query"), str_of(vector, "nonce_str"), str_of(vector, "body"));
    let ours = signer.authorization(verb(vector), target, time, nonce, body.as_bytes()).unwrap();
    assert_eq!(members(&ours), members(str_of(vector, "authorization")), "{id}");
    assert_eq!(members(&ours).unwrap().get("signature").map(String::as_str), vector["signature"].as_str(), "{id}");
}

#[test]
fn path_values_are_encoded_as_in_the_vector() {
    let all = vectors!("request_signing");
    let vector = all.iter().find(|v| v["id"] == "get-refund-encoded-path").unwrap();
    let path = str_of(vector, "url_path_and_query");
    let last = path.split('?').next().unwrap().rsplit('/').next().unwrap();
    let mut plain = last.to_owned();
    for (code, c) in [("%7C", "|"), ("%2A", "*"), ("%40", "@")] {
        plain = plain.replace(code, c);
    }
    assert_ne!(plain, last, "the vector has something to encode");
    assert_eq!(wire::encode(&plain), last);
    assert_eq!(wire::encode("a b/形?&"), "a%20b%2F%E5%BD%A2%3F%26");
}

#[test]
fn the_bytes_that_are_sent_are_the_bytes_that_were_signed() {
    let wechat = direct();
    for method in [Method::WechatNative, Method::WechatBarcode] {
        let attempt = attempt(&wechat, method);
        for step in [wechat.pay(&attempt, &order(), &env(NOW)), wechat.query(&attempt, &env(NOW))] {
            let request = request_of(&step);
            let found = members(request.headers.only("Authorization").unwrap()).unwrap();
            let target = request.url.strip_prefix("https://api.mch.weixin.qq.com").unwrap();
            let text = sign::request_text(request.verb, target, NOW, &found["nonce_str"], &request.body);
            let signature = STANDARD.decode(&found["signature"]).unwrap();
            assert!(verifier("merchant").verifies(&text, &signature));
            assert_eq!((found["mchid"].as_str(), found["timestamp"].as_str()), ("1900000100", "1748745300"));
            assert_eq!(found["nonce_str"].len(), 32);
            assert_eq!(request.headers.only("Wechatpay-Serial"), Some(PUBLIC_ID));
            assert_eq!(request.headers.only("Accept"), Some("application/json"));
            assert!(request.headers.only("User-Agent").is_some_and(|agent| !agent.is_empty()));
            assert_eq!(request.headers.only("Content-Type").is_some(), request.verb == Verb::Post);
            assert!(request.identity.is_none());
        }
    }
}
