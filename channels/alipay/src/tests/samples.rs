//! Every case of the pack's vector files that concerns an adapter. v3 and SM2 are not spoken (pack §1.7, §1.8).

use super::{alipay, app_key, cases, credentials, direct, env, str_of, vectors};
use crate::sign::{Seal, canonical, envelope, notice_seal, request_text};
use crate::wire::{Call, Content, signed};
use crate::{certificate, keys::Ring};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sluice_contract::{Person, Second};
use sluice_kit::aes::AesKey;
use sluice_kit::form::decode_pairs;
use sluice_kit::rsa::{PrivateKey, PublicKey, Strength};

fn ring(spki: &str) -> Ring {
    let ring = Ring::new(false);
    ring.add(None, PublicKey::read(spki, Strength::Sha256).unwrap());
    ring
}

fn pairs(params: &Value) -> Vec<(String, String)> {
    params.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

#[test]
fn request_strings_are_built_as_the_gateway_builds_them_and_our_signature_is_its_twin() {
    let file = vectors!("request_sign");
    let sha256 = PublicKey::read(str_of(&file, "app_public_key_spki_b64"), Strength::Sha256).unwrap();
    let sha1 = PublicKey::read(str_of(&file, "app_public_key_spki_b64"), Strength::Sha1Short).unwrap();
    let (mut good, mut bad) = (0, 0);
    for vector in cases(&file) {
        let id = str_of(&vector, "id");
        let Some(params) = vector.get("params") else { continue };
        let text = request_text(&pairs(params));
        assert_eq!(text, str_of(&vector, "canonical_string"), "{id}");
        let sign = str_of(&vector, "sign");
        let holds = if vector["sign_type"] == "RSA" { &sha1 } else { &sha256 }.verifies_base64(text.as_bytes(), sign);
        assert_eq!(holds, vector["expect"] == "valid", "{id}");
        if holds && vector["sign_type"] == "RSA2" {
            good += 1;
            let ours = PrivateKey::read(&app_key()).unwrap().sign(text.as_bytes()).unwrap();
            assert_eq!(ours, sign, "{id}: PKCS#1 v1.5 is deterministic");
        }
        bad += usize::from(!holds);
    }
    assert_eq!((good, bad), (9, 5));
    let key = PrivateKey::read(str_of(&file, "app_private_key_pkcs1_b64")).unwrap();
    assert_eq!(key.sign(b"x").unwrap(), PrivateKey::read(&app_key()).unwrap().sign(b"x").unwrap(), "both wrappings are one key");
}

#[test]
fn requests_as_an_sdk_put_them_on_the_wire_decode_to_what_was_signed() {
    let file = vectors!("request_sign");
    let mut seen = 0;
    for vector in cases(&file).into_iter().filter(|v| v.get("raw_query").is_some() || v.get("raw").is_some()) {
        let mut found = Vec::new();
        for name in ["raw_query", "raw_body", "raw"] {
            if let Some(text) = vector[name].as_str() {
                found.extend(decode_pairs(text.as_bytes()).unwrap());
            }
        }
        found.sort();
        let mut wanted = pairs(&vector["params"]);
        wanted.sort();
        assert_eq!(found, wanted, "{}", vector["id"]);
        seen += 1;
    }
    assert_eq!(seen, 9);
}

#[test]
fn raw_messages_are_signed_like_the_other_sdks_do() {
    let file = vectors!("request_sign");
    for vector in cases(&file).into_iter().filter(|v| v.get("params").is_none()) {
        let key = PrivateKey::read(str_of(&vector, "private_key_pkcs1_b64")).unwrap();
        let text = str_of(&vector, "canonical_string");
        let same = key.sign(text.as_bytes()).unwrap() == str_of(&vector, "sign");
        assert_eq!(same, vector["sign_type"] == "RSA2", "{}: SHA-1 is never made", vector["id"]);
    }
}

#[test]
fn the_signed_part_of_a_reply_is_cut_out_byte_for_byte() {
    let file = vectors!("response_extract");
    for vector in cases(&file) {
        let id = str_of(&vector, "id");
        let method = str_of(&vector, "root").trim_end_matches("_response").replace('_', ".");
        let found = envelope(str_of(&vector, "raw_body").as_bytes(), &method).unwrap_or_else(|| panic!("{id} is not read"));
        assert_eq!(String::from_utf8_lossy(found.node), str_of(&vector, "signed_substring"), "{id}");
    }
    assert_eq!(cases(&file).len(), 14);
}

fn seal_of(vector: &Value) -> (Option<Seal>, Option<String>) {
    let ring = ring(str_of(vector, "alipay_public_key_spki_b64"));
    match envelope(str_of(vector, "raw_body").as_bytes(), str_of(vector, "method")) {
        Some(found) => (Some(found.seal(&ring)), Some(String::from_utf8_lossy(found.node).into_owned())),
        None => (None, None),
    }
}

#[test]
fn replies_are_sealed_or_not_as_the_vectors_say() {
    let file = vectors!("response_verify");
    for vector in cases(&file) {
        let id = str_of(&vector, "id");
        let (seal, node) = seal_of(&vector);
        match str_of(&vector, "expect") {
            "valid" => assert_eq!(seal, Some(Seal::Holds), "{id}"),
            "unsigned_error" => assert_eq!(seal, Some(Seal::Absent), "{id}"),
            _ if id.contains("duplicate") => assert_eq!(seal, None, "{id}: refused before any key is asked"),
            _ if id.contains("sign_missing") => assert_eq!(seal, Some(Seal::Absent), "{id}"),
            _ => assert_eq!(seal, Some(Seal::Broken), "{id}"),
        }
        if let (Some(wanted), Some(node)) = (vector["signed_substring"].as_str(), node) {
            assert_eq!(node, wanted, "{id}");
        }
    }
    assert_eq!(cases(&file).len(), 14);
}

#[test]
fn a_reply_to_another_call_is_not_read() {
    let file = vectors!("response_verify");
    for vector in cases(&file) {
        assert!(envelope(str_of(&vector, "raw_body").as_bytes(), "alipay.trade.refund").is_none(), "{}", vector["id"]);
    }
}

#[test]
fn notices_are_judged_by_rule_v1_alone() {
    let file = vectors!("notify_verify");
    let mut sealed = 0;
    for vector in cases(&file) {
        let id = str_of(&vector, "id");
        let form = decode_pairs(str_of(&vector, "raw_form_body").as_bytes()).unwrap();
        let held = notice_seal(&ring(str_of(&vector, "alipay_public_key_spki_b64")), &form) == Seal::Holds;
        // v2 is the rule of messages that are not ours to take; its own negative is a genuine v1 notice.
        let wanted = match str_of(&vector, "rule") {
            "v1" => vector["expect"] == "valid",
            _ => id == "notify_trade_neg_keep_sign_type",
        };
        assert_eq!(held, wanted, "{id}");
        sealed += usize::from(held);
        let v1 = |name: &str| name != "sign" && (str_of(&vector, "rule") == "v2" || name != "sign_type");
        let text = canonical(form.iter().map(|(n, v)| (n.as_str(), v.as_str())).filter(|(name, _)| v1(name)));
        assert_eq!(text, str_of(&vector, "canonical_string"), "{id}");
    }
    assert_eq!((cases(&file).len(), sealed), (16, 8));
}

#[test]
fn serial_numbers_of_certificates_are_alipays() {
    let file = vectors!("cert_sn");
    for vector in cases(&file) {
        let (pem, expect) = (str_of(&vector, "pem"), str_of(&vector, "expect"));
        match str_of(&vector, "kind") {
            "alipay_root_cert_sn" => assert_eq!(certificate::root_sn(pem).unwrap(), expect),
            "alipay_public_key_from_cert" => {
                let der = STANDARD.decode(expect).unwrap();
                let block = x509_parser::pem::Pem::iter_from_buffer(pem.as_bytes()).next().unwrap().unwrap();
                assert_eq!(block.parse_x509().unwrap().public_key().raw, der);
            }
            _ => assert_eq!(certificate::read(pem).unwrap().sn, expect, "{}", vector["id"]),
        }
    }
    assert!(certificate::read("").is_err() && certificate::root_sn("-----BEGIN CERTIFICATE-----").is_err());
}

#[test]
fn content_is_encrypted_and_decrypted_as_the_sdks_do() {
    let mut spoken = 0;
    for vector in cases(&vectors!("crypto")) {
        let id = str_of(&vector, "id");
        if id.starts_with("sm2") {
            continue;
        }
        let key = AesKey::read(str_of(&vector, "key_b64")).unwrap();
        let sealed = str_of(&vector, "ciphertext_b64");
        let plain = key.open(sealed);
        if vector["expect"] == "error" {
            assert_eq!(plain, None, "{id}");
        } else if id == "aes_v2_random_iv" {
            // Not spoken: it must not come out as if it were the other scheme.
            assert_ne!(plain.as_deref(), Some(str_of(&vector, "plaintext").as_bytes()));
        } else {
            spoken += 1;
            assert_eq!(plain.as_deref(), Some(str_of(&vector, "plaintext").as_bytes()), "{id}");
            assert_eq!(key.seal(str_of(&vector, "plaintext").as_bytes()).unwrap(), sealed, "{id}");
        }
    }
    assert_eq!(spoken, 2);
}

#[test]
fn payer_ids_come_out_of_sealed_replies_only() {
    let file = vectors!("oauth");
    let mut seen = 0;
    for vector in cases(&file).into_iter().filter(|v| v["kind"] == "response") {
        let alipay = alipay(json!({"alipay_public_key": str_of(&vector, "alipay_public_key_spki_b64")}));
        let person = super::identities::exchange(&alipay, str_of(&vector, "raw_body"));
        match str_of(&vector, "id") {
            "oauth_ok_user_id_cert_mode" => assert_eq!(person, Person::Known(super::notes(&[("buyer_id", "2088000000000001")]))),
            "oauth_ok_open_id_only" => {
                let id = "000TESTopenid_simulator_0000000000000000000000001";
                assert_eq!(person, Person::Known(super::notes(&[("buyer_open_id", id)])));
            }
            "oauth_err_code_invalid_error_response" => assert!(matches!(person, Person::AskAgain(_))),
            other => assert!(matches!(person, Person::Unknown(_)), "{other}"),
        }
        seen += 1;
    }
    assert_eq!(seen, 4);
}

#[test]
fn the_code_is_a_parameter_of_its_own_and_signed() {
    let file = vectors!("oauth");
    let vector = cases(&file).into_iter().find(|v| v["kind"] == "request").unwrap();
    let text = request_text(&pairs(&vector["params"]));
    assert_eq!(text, str_of(&vector, "canonical_string"));
    let public = PublicKey::read(str_of(&vector, "app_public_key_spki_b64"), Strength::Sha256).unwrap();
    assert!(public.verifies_base64(text.as_bytes(), str_of(&vector, "sign")));
    // The same call by us, at the same moment: our own parameters are the SDK's and `format`.
    let pairs = vec![("grant_type", "authorization_code".to_owned()), ("code", str_of(&vector["params"], "code").to_owned())];
    let call = Call { content: Content::Top(pairs), ..Call::new("identify", "alipay.system.oauth.token", Map::new(), None) };
    let now = Second::from_local("%Y-%m-%d %H:%M:%S", str_of(&vector["params"], "timestamp")).unwrap();
    let ours = signed(&direct().account, &call, None, &env(now)).unwrap();
    let all: Vec<(String, String)> = ours.query.iter().chain(&ours.body).cloned().collect();
    assert_eq!(request_text(&all).replace("&format=JSON", ""), text);
}

#[test]
fn the_returns_of_the_authorisation_page_are_read() {
    let file = vectors!("oauth");
    for sample in file["authorize_return_query_samples"].as_array().unwrap() {
        let query = str_of(sample, "query");
        let step = super::identities::identify(&direct(), query);
        let code = query.split('&').find_map(|pair| pair.strip_prefix("auth_code=")).unwrap();
        assert_eq!(super::sent_by(&step)["code"], code);
    }
    assert!(credentials()["app_id"] == "2021000122671080", "the samples are of this app");
}
