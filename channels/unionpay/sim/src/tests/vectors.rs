//! The pack's own vectors, both ways: what the merchant signs is believed, and what we sign is what the vectors hold.

use super::{Message, split};
use crate::keys::Keys;
use crate::message::{is_number, read};
use crate::options::{Options, SignerKind};
use crate::order::Trace;
use crate::sign::SignMethod;
use crate::statement::Row;
use crate::zm::{WIDTHS, record};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use sluice_contract::Fen;

fn pack() -> Value {
    serde_json::from_str(include_str!("../../vectors/pack.json")).unwrap()
}

fn message(fields: &Value) -> Message {
    fields.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn keys() -> Keys {
    Keys::open(&Options::fixed(1))
}

#[test]
fn every_signed_request_is_believed_and_none_with_a_changed_letter() {
    let (pack, keys) = (pack(), keys());
    let vectors = pack["requests"].as_array().unwrap();
    assert!(vectors.len() >= 8, "{} vectors", vectors.len());
    for vector in vectors {
        let mut fields = message(&vector["fields"]);
        fields.insert("signature".to_owned(), vector["signature"].as_str().unwrap().to_owned());
        assert_eq!(keys.verify(&fields), Ok(SignMethod::Certificate), "{}", vector["id"]);
        fields.insert("merId".to_owned(), "777290058110049".to_owned());
        assert_eq!(keys.verify(&fields).unwrap_err().code, "11", "{}", vector["id"]);
    }
}

#[test]
fn messages_are_signed_as_the_vectors_are() {
    let (pack, keys) = (pack(), keys());
    for vector in pack["messages"].as_array().unwrap() {
        let expected = message(&vector["fields"]);
        let mut fields = expected.clone();
        fields.remove("signature");
        fields.remove("signPubKeyCert");
        keys.sign(SignMethod::Certificate, SignerKind::Good, &mut fields, false);
        assert_eq!(fields, expected, "{}", vector["id"]);
        let body = vector["body"].as_str().unwrap();
        let sent = if body.contains("BEGIN+CERTIFICATE") { read(body).unwrap() } else { split(body) };
        assert_eq!(sent, expected, "{} as sent", vector["id"]);
    }
}

#[test]
fn secure_keys_sign_as_the_vectors_do() {
    for vector in pack()["keyed"].as_array().unwrap() {
        let method = SignMethod::from_word(vector["signMethod"].as_str().unwrap()).unwrap();
        let mut keys = keys();
        keys.secure_key = vector["secureKey"].as_str().unwrap().to_owned();
        let mut fields = message(&vector["fields"]);
        fields.remove("signature");
        keys.sign(method, SignerKind::Good, &mut fields, false);
        assert_eq!(fields["signature"], vector["signature"].as_str().unwrap(), "{}", vector["id"]);
        assert_eq!(keys.verify(&fields), Ok(method), "{}", vector["id"]);
        keys.secure_key.push('x');
        assert!(keys.verify(&fields).is_err(), "{}", vector["id"]);
    }
}

#[test]
fn a_line_of_the_statement_is_the_vectors_line_byte_for_byte() {
    let file = STANDARD.decode(pack()["zm_base64"].as_str().unwrap()).unwrap();
    let line: Vec<u8> = file.split_inclusive(|b| *b == b'\n').nth(1).unwrap().to_vec();
    let row = Row {
        trace: Trace { at: super::at("20260103101500"), number: "000002".to_owned(), query_id: "260103101500000002001".to_owned() },
        txn_type: "01",
        sub_type: "06",
        biz_type: "000000".to_owned(),
        number: "SL20260103000124".to_owned(),
        amount: Fen(2599),
        base: Fen(2599),
        fee: Fen(10),
        discount: 0,
        payer_part: Fen(2599),
        original: None,
        sub_merchant: Some((String::new(), "测试二级商户".to_owned())),
        term_id: None,
        reserved: Some("memo".to_owned()),
    };
    assert_eq!(String::from_utf8_lossy(&record(&row)), String::from_utf8_lossy(&line));
    assert_eq!(record(&row), line);
    assert_eq!(line.len(), WIDTHS.iter().sum::<usize>() + 41 + 2);
}

#[test]
fn cards_are_decrypted_and_numbers_judged_as_the_vectors_say() {
    let (pack, keys) = (pack(), keys());
    assert_eq!(keys.opened(pack["card"]["ciphertext"].as_str().unwrap()).as_deref(), pack["card"]["plaintext"].as_str());
    for vector in pack["numbers"].as_array().unwrap() {
        assert_eq!(Some(is_number(vector["orderId"].as_str().unwrap())), vector["ok"].as_bool(), "{vector}");
    }
}
