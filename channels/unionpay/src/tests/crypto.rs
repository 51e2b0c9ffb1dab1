//! The vectors of signing, verifying, splitting and encrypting, positive and negative.

use super::{cert, key, list, notes, opened, pem, split, str_of, vectors, with};
use crate::config::Account;
use crate::sign::{Hash, Signer, Verifier, canonical, digest_hex};
use crate::{UnionPay, wire};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sluice_contract::{Channel, Env, Headers, HttpReply, Notes, RawCallback, Second, Verb};
use sluice_kit::field::{Padding, decrypt, encrypt};
use sluice_kit::form::{decode_pairs, encode_pairs};
use sluice_kit::rsa::PrivateKey;
use std::sync::Arc;
use zeroize::Zeroizing;

fn rsa(vector: &Value) -> Signer {
    let cert_id = vector["fields"]["certId"].as_str().unwrap().to_owned();
    Signer::Rsa { cert_id, key: PrivateKey::read(&key(str_of(vector, "key"))).unwrap() }
}

/// What is signed.
fn text_of(fields: &Notes) -> String {
    let mut text = Vec::new();
    canonical(fields, None, &mut |piece| text.extend_from_slice(piece));
    String::from_utf8(text).unwrap()
}

#[test]
fn our_signatures_are_those_of_the_vectors() {
    let file = vectors!("sign_request");
    let mut modern = 0;
    for vector in list(&file, "vectors") {
        let id = str_of(vector, "id");
        let mut fields = notes(&vector["fields"]);
        fields.remove("certId");
        let signed = rsa(vector).sign(&fields).unwrap();
        if fields["version"] == "5.0.0" {
            // The SHA-1 generation: we never make its signature, whatever a message says of its version.
            assert_ne!(signed["signature"], str_of(vector, "signature"), "{id}");
            continue;
        }
        modern += 1;
        assert_eq!(signed["signature"], str_of(vector, "signature"), "{id}");
        assert_eq!(text_of(&signed), str_of(vector, "canonical"), "{id}");
        assert_eq!(digest_hex(&signed, None), str_of(vector, "digest_hex"), "{id}");
        let mut expected = notes(&vector["signed_fields"]);
        expected.insert("signature".into(), str_of(vector, "signature").into());
        assert_eq!(signed, expected, "{id}");
        if let Some(body) = vector["wire_body"].as_str() {
            let ours = encode_pairs(signed.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            let read = |body: &str| decode_pairs(body.as_bytes()).unwrap().into_iter().collect::<Notes>();
            assert_eq!(read(&ours), read(body), "{id}");
        }
    }
    assert!(modern >= 10);
}

fn hash(vector: &Value) -> Hash {
    if str_of(vector, "signMethod") == "11" { Hash::Sha256 } else { Hash::Sm3 }
}

fn verifier(vector: &Value) -> Verifier {
    Verifier::Key { hash: hash(vector), secrets: vec![Zeroizing::new(str_of(vector, "secureKey").into())] }
}

#[test]
fn secure_key_signatures_are_those_of_the_vectors() {
    let file = vectors!("sign_secure_key");
    for vector in list(&file, "vectors") {
        let id = str_of(vector, "id");
        let signer = Signer::Key { hash: hash(vector), secret: Zeroizing::new(str_of(vector, "secureKey").into()) };
        let signed = signer.sign(&notes(&vector["fields"])).unwrap();
        assert_eq!(signed["signature"], str_of(vector, "signature"), "{id}");
        assert_eq!(text_of(&signed), str_of(vector, "canonical"), "{id}");
        assert!(!signed.contains_key("certId"), "{id}");
        assert_eq!(verifier(vector).check(&signed, None, Second(0)), Ok(()), "{id}");
    }
    for vector in list(&file, "negative") {
        let mut fields = notes(&vector["fields"]);
        fields.insert("signature".into(), str_of(vector, "signature").into());
        assert!(verifier(vector).check(&fields, None, Second(0)).is_err(), "{}", str_of(vector, "id"));
    }
}

/// The account that a vector's trust and mode describe.
fn account_of(vector: &Value) -> Account {
    let trust = vector["trust"].as_array().unwrap();
    let published = trust[0].as_str().unwrap().starts_with("published");
    let is_test = vector["mode"] == "test";
    let tree = with(json!({
        "mer_id": vector["fields"]["merId"], "root_certificate": cert(trust[0].as_str().unwrap()),
        "middle_certificate": cert(trust[1].as_str().unwrap()), "allow_sha1_chain": published, "allow_test_signer": is_test,
    }));
    opened(&tree, is_test).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn is_accepted(vector: &Value) -> bool {
    let account = account_of(vector);
    let now = Second::from_rfc3339(str_of(vector, "clock")).unwrap();
    let env = Env { now, entropy: [0; 32], notify_url: "" };
    let body = str_of(vector, "body");
    if str_of(vector, "kind") == "sync_response" {
        return wire::answer(&account, &HttpReply::new(200, &[], body), &env).is_ok();
    }
    let raw = RawCallback { verb: Verb::Post, target: "/notify/up-main", headers: &Headers::default(), body: body.as_bytes() };
    UnionPay { account: Arc::new(account) }.callback(&raw, &env).is_ok()
}

#[test]
fn messages_are_believed_exactly_when_the_vectors_say_so() {
    let file = vectors!("verify_message");
    let (mut yes, mut no) = (0, 0);
    for vector in list(&file, "vectors") {
        let expected = vector["expect"]["accept"].as_bool().unwrap();
        assert_eq!(is_accepted(vector), expected, "{}", str_of(vector, "id"));
        if expected { yes += 1 } else { no += 1 }
    }
    assert!(yes >= 10 && no >= 12, "{yes} {no}");
}

#[test]
fn the_chain_and_the_name_are_judged_as_the_vectors_say() {
    let file = vectors!("verify_message");
    let mut judged = 0;
    for vector in list(&file, "vectors") {
        let Some(leaf) = vector["fields"]["signPubKeyCert"].as_str() else { continue };
        let Verifier::Chain(trust) = account_of(vector).verifier else { panic!("not a chain") };
        let now = Second::from_rfc3339(str_of(vector, "clock")).unwrap();
        let expected = vector["expect"]["chain"] == true && vector["expect"]["cn"] == true;
        // Twice: what is remembered is judged as what is new.
        for _ in 0..2 {
            assert_eq!(trust.leaf(leaf, now).is_ok(), expected, "{}", str_of(vector, "id"));
        }
        judged += 1;
    }
    assert!(judged >= 25);
}

#[test]
fn the_two_decoders_read_the_fields_of_the_vectors() {
    let file = vectors!("verify_message");
    for vector in list(&file, "vectors") {
        let id = str_of(vector, "id");
        let body = str_of(vector, "body");
        let read = match str_of(vector, "kind") {
            "sync_response" => split(body).unwrap(),
            _ => decode_pairs(body.as_bytes()).unwrap().into_iter().collect(),
        };
        assert_eq!(read, notes(&vector["fields"]), "{id}");
        assert_eq!(text_of(&read), str_of(vector, "canonical"), "{id}");
    }
}

#[test]
fn answers_are_split_as_the_official_parser_splits_them() {
    let file = vectors!("parse_sync_body");
    for vector in list(&file, "vectors") {
        assert_eq!(split(str_of(vector, "raw")), Some(notes(&vector["fields"])), "{}", str_of(vector, "id"));
    }
}

#[test]
fn an_answer_that_names_a_field_twice_is_none() {
    for text in ["a=1&a=1", "a=1&b=2&a=3", "=1", "a=1&=2", "a=1&a="] {
        assert_eq!(split(text), None, "{text}");
    }
    // An unbalanced bracket swallows the rest (pack 1.6): the fields after it are gone, and with them the signature.
    assert_eq!(split("respMsg=[x&respCode=00&signature=y").unwrap().len(), 1);
    let flood: Vec<String> = (0..200).map(|n| format!("n{n}=1")).collect();
    assert_eq!(split(&flood.join("&")), None);
}

#[test]
fn encrypted_fields_of_the_vectors_are_read_and_ours_too() {
    let file = vectors!("encryption");
    for vector in list(&file, "vectors") {
        let own = key(str_of(vector, "key"));
        let plain = decrypt(&own, str_of(vector, "ciphertext"), Padding::Pkcs1, |_| true);
        assert_eq!(plain.as_deref().map(String::as_str), Some(str_of(vector, "plaintext")), "{}", str_of(vector, "id"));
        assert!(decrypt(&own, str_of(vector, "ciphertext"), Padding::Pkcs1, |text| text.len() == 3).is_none());
    }
    let sealed = encrypt(&cert("sandbox_a.upenc"), "6216261000000000018", Padding::Pkcs1).unwrap();
    let read = decrypt(&key("sandbox_a.upenc"), &sealed, Padding::Pkcs1, |text| text.bytes().all(|b| b.is_ascii_digit()));
    assert_eq!(read.as_deref().map(String::as_str), Some("6216261000000000018"));
    for broken in ["", "AAAA", "not base64!", &"A".repeat(344)] {
        // Noise under a key may come out as noise (implicit rejection): the shape is what is judged.
        assert!(decrypt(&key("sandbox_a.upenc"), broken, Padding::Pkcs1, |text| text.len() == 19 && text.starts_with("62")).is_none());
    }
    assert_eq!(encrypt(&cert("sandbox_a.upenc"), &"1".repeat(300), Padding::Pkcs1), None);
    assert_eq!(encrypt("no certificate", "1", Padding::Pkcs1), None);
}

#[test]
fn customer_information_of_the_vectors_is_plain_base64_in_braces() {
    let file = vectors!("encryption");
    for vector in list(&file, "customerInfo") {
        assert_eq!(STANDARD.encode(str_of(vector, "inner")), str_of(vector, "customerInfo"));
    }
}

#[test]
fn serials_are_decimal_of_any_length() {
    let ids = ["published_merchant_2015", "published_merchant_2021", "published_test_root", "published_test_middle", "published_test_enc"];
    for id in ids.into_iter().chain(["sandbox_a.root", "sandbox_a.upsign", "sandbox_a.upenc"]) {
        assert_eq!(crate::keys::cert_id(&cert(id)).as_deref(), Ok(pem(id, "cert_id").as_str()), "{id}");
    }
}
