//! Every vector of the pack that concerns an adapter, the negative ones too.

use super::{PAIR, attempt, block, cases, changed, direct, refund_of, str_of};
use crate::config::Family;
use crate::keys::Keys;
use crate::refund::meaning;
use crate::wire::{self, Answer};
use crate::{Icbc, callback, config, sign, trade};
use serde_json::{Value, json};
use sluice_contract::{Ack, Channel, Headers, HttpReply, Method, Pay, RawCallback, Refund, Rejected, Says, Verb};
use sluice_kit::aes::AesKey;
use sluice_kit::form::encode_pairs;
use sluice_kit::rsa::{PrivateKey, PublicKey, Strength};

fn params(case: &Value) -> Vec<(String, String)> {
    case["params"].as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

#[test]
fn request_strings_and_signatures_are_the_packs() {
    let cases = cases!("icbc_request_sign");
    for case in &cases {
        let id = str_of(case, "id");
        let sha1 = case.get("sign_type").or(case["params"].get("sign_type")).and_then(Value::as_str) == Some("RSA");
        let strength = if sha1 { Strength::Sha1Short } else { Strength::Sha256 };
        let key = PublicKey::read(str_of(case, "public_key_spki_b64"), strength).unwrap();
        let (text, signature) = (str_of(case, "string_to_sign"), str_of(case, "sign"));
        if case["valid"] == false {
            assert!(!key.verifies_base64(text.as_bytes(), signature), "{id}");
            continue;
        }
        assert_eq!(sign::text(str_of(case, "path"), &params(case)), text, "{id}");
        assert!(key.verifies_base64(text.as_bytes(), signature), "{id}");
        if !sha1 {
            let own = PrivateKey::read(str_of(case, "private_key_pkcs8_b64")).unwrap();
            assert_eq!(own.sign(text.as_bytes()).unwrap(), signature, "{id}");
        }
    }
    assert!(cases.iter().any(|case| case["valid"] == false));
}

#[test]
fn empty_parameters_and_the_sign_itself_are_not_signed() {
    let params = [("b", "2".to_owned()), ("a", "1".to_owned()), ("empty", String::new()), ("sign", "x".to_owned())];
    assert_eq!(sign::text("/p", &params), "/p?a=1&b=2");
}

/// An account whose gateway key is the case's, SHA-1 and 1024 bits.
fn account_of(case: &Value, extra: Value) -> config::Account {
    let tree = changed(super::with(json!({"gateway_public_key": str_of(case, "public_key_spki_b64")})), extra);
    super::opened(&tree, false, None).unwrap()
}

#[test]
fn reply_vectors_are_judged_over_the_raw_text() {
    for case in cases!("icbc_response_verify") {
        let id = str_of(&case, "id");
        let extra = case.get("aes_key_b64").map_or(json!({}), |key| json!({"encrypt_key": key}));
        let account = account_of(&case, extra);
        let body = str_of(&case, "raw_body");
        let answer = wire::answer(&account, &HttpReply::new(200, &[], body));
        if case["valid"] == false {
            assert_eq!(answer.unwrap_err().kind, sluice_contract::WhyKind::BadSignature, "{id}");
            continue;
        }
        assert_eq!(sign::content_of(body).unwrap().0, str_of(&case, "signed_text"), "{id}");
        match answer.unwrap() {
            Answer::Good(tree) => {
                let plain = case.get("decrypted").unwrap_or(&case["signed_text"]).as_str().unwrap();
                assert_eq!(tree, serde_json::from_str::<Value>(plain).unwrap(), "{id}");
            }
            Answer::Error(complaint) => assert_eq!((id, complaint.code.as_str()), ("resp-3", "5940021")),
        }
    }
}

/// A notice's raw bytes, as a form.
fn body_of(case: &Value) -> Vec<u8> {
    let mut pairs = params(case);
    pairs.push(("sign".to_owned(), str_of(case, "sign").to_owned()));
    encode_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))).into_bytes()
}

#[test]
fn notice_vectors_are_judged_over_the_registered_path() {
    for case in cases!("icbc_notify_verify") {
        let id = str_of(&case, "id");
        let content: Value = serde_json::from_str(str_of(&case["params"], "biz_content")).unwrap();
        let path = str_of(&case, "notify_path");
        let ids = json!({"app_id": case["params"]["app_id"], "mer_id": content["mer_id"]});
        let headers = Headers::default();
        let bytes = body_of(&case);
        let raw = RawCallback { verb: Verb::Post, target: "/whatever/the/router/made/of/it", headers: &headers, body: &bytes };
        // The path from the address we are registered with, or from the setting.
        let url = format!("https://gw.example.com{path}");
        let from_url = account_of(&case, ids.clone());
        let from_setting = account_of(&case, changed(ids, json!({"notify_path": path})));
        let env = |notify_url| sluice_contract::Env { notify_url, ..super::env(super::NOW) };
        for told in [callback::callback(&from_url, &raw, &env(&url)), callback::callback(&from_setting, &raw, &env(super::NOTIFY))] {
            if case["valid"] == true {
                let told = told.unwrap_or_else(|rejected| panic!("{id}: {rejected:?}"));
                assert_eq!(told.says, Says::Ask, "{id}");
                assert_eq!(told.claims.number.as_deref(), content["out_trade_no"].as_str(), "{id}");
                assert_eq!(told.claims.amount.map(|fen| fen.to_string()).as_deref(), content["total_amt"].as_str(), "{id}");
            } else {
                assert!(matches!(told, Err(Rejected::Forged { .. })), "{id}: {told:?}");
            }
        }
    }
}

#[test]
fn acknowledgements_are_the_packs_to_the_byte() {
    for case in cases!("icbc_notify_ack") {
        let id = str_of(&case, "id");
        let text = str_of(&case, "string_to_sign");
        let key = PublicKey::read(str_of(&case, "public_key_spki_b64"), Strength::Sha256).unwrap();
        if case["valid"] == false {
            assert!(!key.verifies_base64(text.as_bytes(), str_of(&case, "sign")), "{id}");
            continue;
        }
        let body: Value = serde_json::from_str(str_of(&case, "body")).unwrap();
        let ack = if body["response_biz_content"]["return_code"] == 0 { Ack::Taken } else { Ack::Refused };
        let notice = json!({"msg_id": body["response_biz_content"]["msg_id"]}).to_string();
        let bytes = encode_pairs([("biz_content", notice.as_str())]).into_bytes();
        let headers = Headers::default();
        let raw = RawCallback { verb: Verb::Post, target: "/", headers: &headers, body: &bytes };
        let icbc = direct();
        assert_eq!(icbc.account.aggregate.icbc_appid, super::APP);
        let reply = icbc.acknowledge(&raw, ack, &super::env(super::NOW));
        assert_eq!(std::str::from_utf8(reply.bytes()).unwrap(), str_of(&case, "body"), "{id}");
        assert_eq!((reply.status, reply.headers.get("content-type")), (200, Some("application/json")), "{id}");
        assert_eq!(str_of(&case, "private_key_pkcs8_b64"), PAIR.0, "{id}");
    }
}

#[test]
fn contents_are_encrypted_and_decrypted_as_the_packs() {
    for case in cases!("icbc_aes") {
        let id = str_of(&case, "id");
        let (key, cipher) = (str_of(&case, "aes_key_b64"), str_of(&case, "ciphertext_b64"));
        let keys = Keys { content: AesKey::read(key).ok(), ..Keys::default() };
        if case["valid"] == false {
            assert_eq!(keys.open(cipher), None, "{id}");
            continue;
        }
        let plain = str_of(&case, "plaintext_utf8");
        assert_eq!(keys.content.as_ref().unwrap().seal(plain.as_bytes()).as_deref(), Some(cipher), "{id}");
        assert_eq!(keys.open(cipher).as_deref(), Some(plain.as_bytes()), "{id}");
    }
}

/// The pack's proposed name of a payment's outcome.
fn pay_word(pay: &Pay) -> &'static str {
    match pay {
        Pay::Paid(_) => "SUCCESS",
        Pay::Waiting(..) => "PAYING",
        Pay::Failed(_) => "FAILED",
        Pay::Unknown(_) => "UNKNOWN",
        _ => "?",
    }
}

fn refund_word(refund: &Refund) -> &'static str {
    match refund {
        Refund::Succeeded(_) => "REFUND_SUCCESS",
        Refund::Failed(_) => "REFUND_FAILED",
        Refund::Unknown(_) => "REFUND_UNKNOWN",
        _ => "?",
    }
}

#[test]
fn the_banks_states_mean_what_the_pack_says() {
    let cases = cases!("state_mapping");
    for case in &cases {
        let (id, told) = (str_of(case, "id"), case["response"].clone());
        let word = match str_of(case, "api") {
            "icbc.qrcode.V2.query" => pay_word(&asked(&direct(), Method::IcbcQr, told)),
            "icbc.aggregate.orderqry" => pay_word(&asked(&super::family_b(), Method::IcbcQr, told)),
            "icbc.reject.query.V3" => refund_word(&meaning(Family::A, &amounts(told), &refund_of(attempt(&direct(), Method::IcbcQr)))),
            "icbc.aggregate.refundqry" => {
                refund_word(&meaning(Family::B, &amounts(told), &refund_of(attempt(&super::family_b(), Method::IcbcQr))))
            }
            other => panic!("{other}"),
        };
        assert_eq!(word, str_of(case, "expect"), "{id}");
    }
    assert!(cases.len() >= 10);
}

fn asked(icbc: &Icbc, method: Method, told: Value) -> Pay {
    let attempt = attempt(icbc, method);
    super::read(&icbc.query(&attempt, &super::env(super::NOW)), &super::answer(block(told)))
}

fn amounts(told: Value) -> Value {
    changed(json!({"reject_no": super::REFUND, "outtrx_serial_no": super::REFUND, "reject_amt": "400", "real_reject_amt": "400"}), told)
}

#[test]
fn no_digit_means_the_same_money_in_both_families() {
    for digit in ["0", "1", "2"] {
        assert_ne!(trade::state(Family::A, digit), trade::state(Family::B, digit), "{digit}");
    }
    for unlisted in ["", "-1", "8", "9", "00", "01", "x"] {
        assert_eq!(trade::state(Family::A, unlisted), trade::State::Unlisted, "{unlisted}");
        assert_eq!(trade::state(Family::B, unlisted), trade::State::Unlisted, "{unlisted}");
    }
}
