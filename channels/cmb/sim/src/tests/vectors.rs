//! The shared vectors that concern CMB, through the simulator's own code.

use crate::keys::{Sm2Key, apisign, decrypted, holds};
use crate::wire::{Members, signing_text};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use sluice_simkit::form;
use sm2::{PublicKey, dsa::VerifyingKey, pkcs8::DecodePublicKey};

fn cases(text: &str) -> Vec<Value> {
    serde_json::from_str::<Value>(text).unwrap()["cases"].as_array().unwrap().clone()
}

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap_or_default()
}

#[test]
fn the_header_is_the_md5_of_the_vectors() {
    for case in cases(include_str!("../../vectors/cmb_apisign.json")) {
        let ours = apisign(text(&case, "appid"), text(&case, "secret"), text(&case, "body_sign"), text(&case, "timestamp"));
        assert_eq!(ours == text(&case, "apisign"), case["valid"], "{}", case["id"]);
    }
}

#[test]
fn body_signatures_hold_or_not_as_the_vectors_say() {
    for case in cases(include_str!("../../vectors/cmb_sm2_sign.json")) {
        let public = PublicKey::from_public_key_der(&STANDARD.decode(text(&case, "public_key_spki_b64")).unwrap()).unwrap();
        let key = VerifyingKey::new("1234567812345678", public).unwrap();
        let (mut plain, mut sign) = (text(&case, "string_to_sign").to_owned(), text(&case, "sign_b64_der").to_owned());
        let members: Option<Members> = match (case.get("params"), case["form_body"].as_str()) {
            (Some(params), _) => serde_json::from_value(params.clone()).ok(),
            (None, Some(body)) => Some(form::pairs(body).unwrap().into_iter().collect()),
            (None, None) => None,
        };
        if let Some(members) = members {
            let ours = signing_text(&members);
            assert!(plain.is_empty() || plain == ours, "{}: {ours}", case["id"]);
            plain = ours;
            sign = members.get("sign").cloned().unwrap_or(sign);
        }
        assert_eq!(holds(&key, &plain, &sign, false), case["valid"], "{}", case["id"]);
    }
}

#[test]
fn envelopes_open_or_not_as_the_vectors_say() {
    let mut opened = 0;
    for case in cases(include_str!("../../vectors/sm2_encrypt.json")) {
        let Some(sealed) = case["ciphertext_der_b64"].as_str() else { continue };
        let plain = Sm2Key::from_hex(text(&case, "private_key_hex")).unwrap().open(sealed);
        let wanted = case["valid"].as_bool().unwrap().then(|| text(&case, "plaintext_utf8").as_bytes().to_vec());
        assert_eq!(plain, wanted, "{}", case["id"]);
        opened += usize::from(plain.is_some());
    }
    assert!(opened >= 4);
}

#[test]
fn the_documents_own_terminal_information_is_read() {
    for case in cases(include_str!("../../vectors/sm4.json")) {
        if case["iv_hex"] != "00000000000000000000000000000000" {
            continue;
        }
        let plain = decrypted(&hex::decode(text(&case, "key_hex")).unwrap(), text(&case, "ciphertext_b64"));
        match case["valid"].as_bool().unwrap() {
            true => assert_eq!(plain.as_deref(), case["plaintext_utf8"].as_str(), "{}", case["id"]),
            false => assert_ne!(plain.as_deref(), case["expect_plaintext_utf8"].as_str(), "{}", case["id"]),
        }
    }
}
