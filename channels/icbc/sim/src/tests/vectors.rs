//! The shared vectors that speak to a server: requests it takes or refuses, acknowledgements, encryption; and this client's own
//! eyes, tried on the bank's real and made messages.

use super::{Client, Pairs, halves, string_to_sign, verified_by};
use crate::keys::{decrypt, encrypt};
use crate::wire::signed_text;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

fn vectors(text: &str, count: usize) -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_str(text).unwrap();
    assert_eq!(all.len(), count);
    all
}

fn pairs(value: &Value) -> Pairs {
    value.as_object().unwrap().iter().map(|(n, v)| (n.clone(), v.as_str().unwrap().to_owned())).collect()
}

#[test]
fn requests_are_taken_or_refused_as_the_vectors_say() {
    let client = Client::new();
    for vector in vectors(include_str!("../../vectors/requests.json"), 10) {
        let id = vector["id"].as_str().unwrap();
        let (text, sign) = (vector["string_to_sign"].as_str().unwrap(), vector["sign"].as_str().unwrap());
        let mut kind = vector["sign_type"].as_str().unwrap_or("RSA2").to_owned();
        if vector["params"].is_object() {
            let mut params = pairs(&vector["params"]);
            kind.clone_from(&params["sign_type"]);
            assert_eq!(signed_text(vector["path"].as_str().unwrap(), &params), text, "{id}");
            params.insert("sign".to_owned(), sign.to_owned());
            assert_eq!(client.sim.genuine(vector["path"].as_str().unwrap(), &params), Ok(()), "{id}");
            assert!(client.sim.genuine("/api/other", &params).is_err(), "{id}");
        }
        assert_eq!(client.sim.keys.app_signed(&kind, text.as_bytes(), sign), vector["valid"].as_bool().unwrap(), "{id}");
    }
}

#[test]
fn acknowledgements_of_the_vectors_hold_without_their_outer_braces() {
    let client = Client::new();
    for vector in vectors(include_str!("../../vectors/acks.json"), 3) {
        let text = vector["string_to_sign"].as_str().unwrap();
        let sign = match vector["body"].as_str() {
            Some(body) => {
                let (before, sign) = body.rsplit_once(",\"sign\":\"").unwrap();
                assert_eq!(before.strip_prefix('{'), Some(text));
                sign.trim_end_matches("\"}")
            }
            None => vector["sign"].as_str().unwrap(),
        };
        let holds = client.sim.keys.app_signed("RSA2", text.as_bytes(), sign);
        assert_eq!(holds, vector["valid"].as_bool().unwrap(), "{}", vector["id"]);
    }
}

#[test]
fn encryption_is_that_of_the_vectors_to_the_byte() {
    for vector in vectors(include_str!("../../vectors/aes.json"), 4) {
        let key: [u8; 16] = STANDARD.decode(vector["aes_key_b64"].as_str().unwrap()).unwrap().try_into().unwrap();
        let cipher = vector["ciphertext_b64"].as_str().unwrap();
        let plain = vector["plaintext_utf8"].as_str();
        assert_eq!(decrypt(&key, cipher).as_deref(), plain, "{}", vector["id"]);
        if let Some(plain) = plain {
            assert_eq!(encrypt(&key, plain).as_deref(), Some(cipher), "{}", vector["id"]);
        }
    }
}

/// What signs our answers and callbacks is judged by this client's eyes; here they are judged themselves.
#[test]
fn the_clients_own_verification_agrees_with_the_vectors() {
    for vector in vectors(include_str!("../../vectors/answers.json"), 6) {
        let key = vector["public_key_spki_b64"].as_str().unwrap();
        let seen = halves(vector["raw_body"].as_str().unwrap());
        let holds = seen.is_some_and(|(inner, sign)| verified_by(key, inner, sign));
        assert_eq!(holds, vector["valid"].as_bool().unwrap(), "{}", vector["id"]);
    }
    for vector in vectors(include_str!("../../vectors/notices.json"), 4) {
        let key = vector["public_key_spki_b64"].as_str().unwrap();
        let text = string_to_sign(vector["notify_path"].as_str().unwrap(), &pairs(&vector["params"]));
        assert_eq!(text, signed_text(vector["notify_path"].as_str().unwrap(), &pairs(&vector["params"])));
        assert_eq!(verified_by(key, &text, vector["sign"].as_str().unwrap()), vector["valid"].as_bool().unwrap(), "{}", vector["id"]);
    }
}
