//! SM2, SM3, SM4 and MD5 against the standards' vectors and the bank's own.

use super::{NOW, OTHER, attempt_of, direct, env, envelope_of, order, pair, public, request_of, signer, str_of, terminal, vectors};
use crate::chance::{Chance, Purpose};
use crate::keys::{BankKey, lenient};
use crate::sign::{self, Signer, fills_its_bytes};
use crate::terminal::sm4_cbc;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit};
use serde_json::{Value, json};
use sluice_contract::{Channel, Method, Second};
use sm2::dsa::signature::{RandomizedSigner, Verifier};
use sm2::dsa::{Signature, VerifyingKey};
use sm2::pke::{DecryptingKey, EncryptingKey, Mode};
use sm2::{NonZeroScalar, PublicKey};
use sm3::{Digest, Sm3};
use sm4::Sm4;
use zeroize::Zeroizing;

fn base64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

fn key_of(case: &Value) -> BankKey {
    BankKey::read(str_of(case, "public_key_spki_b64")).unwrap()
}

#[test]
fn sm3_vectors() {
    for case in vectors!("sm3") {
        assert_eq!(
            hex::encode(Sm3::digest(hex::decode(str_of(&case, "message_hex")).unwrap())),
            str_of(&case, "sm3_hex"),
            "{}",
            case["id"]
        );
    }
}

#[test]
fn sm4_vectors() {
    for case in vectors!("sm4") {
        let id = str_of(&case, "id");
        let key = hex::decode(str_of(&case, "key_hex")).unwrap();
        if str_of(&case, "mode") == "ECB-nopad" {
            let mut block = sm4::cipher::Block::<Sm4>::try_from(hex::decode(str_of(&case, "plaintext_hex")).unwrap().as_slice()).unwrap();
            Sm4::new_from_slice(&key).unwrap().encrypt_block(&mut block);
            assert_eq!(hex::encode(block), str_of(&case, "ciphertext_hex"), "{id}");
            continue;
        }
        let iv = hex::decode(str_of(&case, "iv_hex")).unwrap();
        let cipher = base64(str_of(&case, "ciphertext_b64"));
        let opened = cbc::Decryptor::<Sm4>::new_from_slices(&key, &iv).unwrap().decrypt_padded_vec::<Pkcs7>(&cipher).ok();
        if case["valid"] == true {
            let plain = str_of(&case, "plaintext_utf8").as_bytes();
            assert_eq!(opened.as_deref(), Some(plain), "{id}");
            let sealed = cbc::Encryptor::<Sm4>::new_from_slices(&key, &iv).unwrap().encrypt_padded_vec::<Pkcs7>(plain);
            assert_eq!(sealed, cipher, "{id}");
            if iv.iter().all(|byte| *byte == 0) {
                assert_eq!(sm4_cbc(&key, plain), Some(cipher), "{id}");
            }
        } else {
            assert!(opened.is_none_or(|plain| Some(plain.as_slice()) != case["expect_plaintext_utf8"].as_str().map(str::as_bytes)), "{id}");
        }
    }
}

#[test]
fn sm2_signature_vectors_in_both_forms() {
    for case in vectors!("sm2_sign_verify") {
        let id = str_of(&case, "id");
        let key = VerifyingKey::new(str_of(&case, "dist_id"), key_of(&case).public).unwrap();
        assert_eq!(hex::encode(&key.to_sec1_bytes()[1..]), str_of(&case, "public_key_xy_hex"), "{id}");
        let holds =
            |signature: Option<Signature>| signature.is_some_and(|s| key.verify(str_of(&case, "message_utf8").as_bytes(), &s).is_ok());
        assert_eq!(json!(holds(lenient(&base64(str_of(&case, "signature_der_b64"))))), case["valid"], "{id} DER");
        let rs = hex::decode(str_of(&case, "signature_rs_hex")).unwrap();
        assert_eq!(json!(holds(Signature::from_slice(&rs).ok())), case["valid"], "{id} r, s");
        // The account's own verifier knows one user id only.
        let ours = key_of(&case).verifies(str_of(&case, "message_utf8"), str_of(&case, "signature_der_b64"));
        assert_eq!(json!(ours), json!(case["valid"] == true || id == "gbt-wrong-id"), "{id}");
    }
}

#[test]
fn cmb_signature_vectors() {
    for case in vectors!("cmb_sm2_sign").into_iter().filter(|case| case["form_body"].is_null()) {
        let id = str_of(&case, "id");
        if let Some(params) = case["params"].as_object() {
            let members: Vec<(&str, &str)> = params.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
            assert_eq!(sign::text(members.iter().rev().copied().chain([("sign", "x")])), str_of(&case, "string_to_sign"), "{id}");
            let ours = signer_of(str_of(&case, "private_key_hex")).sign(str_of(&case, "string_to_sign"), &[1; 32]).unwrap();
            assert!(key_of(&case).verifies(str_of(&case, "string_to_sign"), &ours), "{id}");
        }
        let holds = key_of(&case).verifies(str_of(&case, "string_to_sign"), str_of(&case, "sign_b64_der"));
        assert_eq!(json!(holds), case["valid"], "{id}");
    }
}

fn signer_of(private: &str) -> Signer {
    Signer { app_id: String::new(), app_secret: Zeroizing::new(String::new()), key: Signer::key(private).unwrap() }
}

#[test]
fn apisign_vectors() {
    for case in vectors!("cmb_apisign") {
        let app_secret = Zeroizing::new(str_of(&case, "secret").to_owned());
        let signer = Signer { app_id: str_of(&case, "appid").to_owned(), app_secret, ..signer(OTHER) };
        let ours = signer.apisign(str_of(&case, "body_sign"), Second(str_of(&case, "timestamp").parse().unwrap()));
        assert_eq!(json!(ours == str_of(&case, "apisign")), case["valid"], "{}", case["id"]);
    }
}

/// What signing gives at the first try.
fn first_try(merchant: &Signer, text: &str, entropy: &[u8; 32]) -> Signature {
    RandomizedSigner::sign_with_rng(&merchant.key, &mut Chance::new(Purpose::Signature, entropy), text.as_bytes())
}

#[test]
fn signatures_that_are_too_short_are_made_again() {
    let (merchant, key) = (signer(OTHER), public(OTHER));
    let entropy = |seed: u64| std::array::from_fn(|index| if index < 8 { seed.to_be_bytes()[index] } else { 0 });
    // About one in 128.
    let short = (0..4000).map(entropy).find(|entropy| !fills_its_bytes(&first_try(&merchant, "message", entropy))).unwrap();
    let ours = merchant.sign("message", &short).unwrap();
    assert_ne!(lenient(&base64(&ours)), Some(first_try(&merchant, "message", &short)));
    for entropy in [short, [1; 32], [2; 32], [3; 32]] {
        let ours = merchant.sign("message", &entropy).unwrap();
        let der = base64(&ours);
        assert!((70..=72).contains(&der.len()) && ours.starts_with("ME"), "{ours}");
        assert!(fills_its_bytes(&lenient(&der).unwrap()));
        assert!(key.verifies("message", &ours) && !key.verifies("messages", &ours));
        assert_eq!(merchant.sign("message", &entropy).unwrap(), ours, "the same entropy, the same bytes");
    }
    assert_ne!(merchant.sign("message", &[1; 32]).unwrap(), merchant.sign("message", &[2; 32]).unwrap());
}

/// DER with `zeros` more zero bytes in front of both integers.
fn wide(signature: &Signature, zeros: usize) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let content = [vec![0; zeros], bytes.to_vec()].concat();
        [vec![0x02, u8::try_from(content.len()).unwrap()], content].concat()
    };
    let body = [integer(&signature.r_bytes()), integer(&signature.s_bytes())].concat();
    [vec![0x30, u8::try_from(body.len()).unwrap()], body].concat()
}

#[test]
fn der_with_more_zeros_is_read_and_nothing_else_is_forgiven() {
    let text = "message";
    let ours = signer(OTHER).sign(text, &[3; 32]).unwrap();
    let signature = lenient(&base64(&ours)).unwrap();
    for zeros in [1, 2, 5] {
        assert!(public(OTHER).verifies(text, &STANDARD.encode(wide(&signature, zeros))), "{zeros}");
    }
    let good = wide(&signature, 1);
    let mut negative = good.clone();
    negative[4] = 0x80;
    let mut tag = good.clone();
    tag[2] = 0x03;
    let mut long = good.clone();
    long[1] = 0x81;
    let broken =
        [vec![], vec![0x30], vec![0x30, 0], vec![0x30, 2, 0x02, 0], good[..good.len() - 1].to_vec(), [good.clone(), vec![0]].concat()];
    for bytes in broken.iter().chain([&negative, &tag, &long]) {
        assert_eq!(lenient(bytes), None, "{bytes:?}");
    }
    for text_form in ["", "!", &format!(" {ours}"), &ours.replace('=', "")] {
        assert!(text_form == ours || !public(OTHER).verifies(text, text_form), "{text_form}");
    }
}

#[test]
fn a_public_key_is_read_bare_wrapped_or_as_pem() {
    let bare = pair(OTHER).1;
    assert_eq!(bare.len(), 124);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n", &bare[..64], &bare[64..]);
    for text in [bare.clone(), format!("{}\n {}\n", &bare[..60], &bare[60..]), pem] {
        assert_eq!(BankKey::read(&text).map(|key| key.public).ok(), Some(public(OTHER).public), "{text}");
    }
    for text in ["", "x", &bare[..100], "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"] {
        assert!(BankKey::read(text).is_err(), "{text}");
    }
}

fn decrypting(case: &Value, mode: Mode) -> DecryptingKey {
    let scalar = NonZeroScalar::try_from(hex::decode(str_of(case, "private_key_hex")).unwrap().as_slice()).unwrap();
    DecryptingKey::new_with_mode(scalar, mode)
}

#[test]
fn sm2_encryption_vectors() {
    for case in vectors!("sm2_encrypt") {
        let id = str_of(&case, "id");
        let new = decrypting(&case, Mode::C1C3C2);
        let opened = new.decrypt_der(&base64(str_of(&case, "ciphertext_der_b64"))).ok();
        if case["valid"] == false {
            assert_eq!(opened, None, "{id}");
            continue;
        }
        let plain = str_of(&case, "plaintext_utf8").as_bytes();
        assert_eq!(opened.as_deref(), Some(plain), "{id}");
        assert_eq!(new.decrypt(&hex::decode(str_of(&case, "ciphertext_c1c3c2_hex")).unwrap()).unwrap(), plain, "{id}");
        let old = decrypting(&case, Mode::C1C2C3);
        if let Some(text) = case["ciphertext_c1c2c3_hex"].as_str() {
            assert_eq!(old.decrypt(&hex::decode(text).unwrap()).unwrap(), plain, "{id}");
        }
        let public: PublicKey = key_of(&case).public;
        let ours = EncryptingKey::new(public).encrypt_der(&mut Chance::new(Purpose::Envelope, &[5; 32]), plain).unwrap();
        assert_eq!(new.decrypt_der(&ours).unwrap(), plain, "{id}");
    }
}

#[test]
fn the_terminal_travels_encrypted_and_only_the_bank_opens_it() {
    let cmb = direct();
    let order = sluice_contract::PayOrder { terminal: Some(terminal()), ..order() };
    let attempt = attempt_of(&cmb, Method::CmbBarcode, &order);
    let step = cmb.pay(&attempt, &order, &env(NOW));
    let envelope = envelope_of(request_of(&step));
    let content: Value = serde_json::from_str(str_of(&envelope, "biz_content")).unwrap();
    let case = json!({"id": "bank", "private_key_hex": pair(super::BANK).0});
    let key = decrypting(&case, Mode::C1C3C2).decrypt_der(&base64(str_of(&envelope, "encryptKey"))).unwrap();
    assert!(key.len() == 16 && key.is_ascii(), "{key:?}");
    let cipher = base64(str_of(&content, "encryptTerminalInfo"));
    let plain = cbc::Decryptor::<Sm4>::new_from_slices(&key, &[0; 16]).unwrap().decrypt_padded_vec::<Pkcs7>(&cipher).unwrap();
    let told: Value = serde_json::from_slice(&plain).unwrap();
    assert_eq!(told, json!({"device_id": "T0000007", "device_type": "11", "location": "31.23/121.47"}));
    assert_eq!(content["termId"], "T0000007");
    assert!(!String::from_utf8_lossy(&request_of(&step).body).contains("31.23"));
    let mut other = env(NOW);
    other.entropy = [8; 32];
    let again = envelope_of(request_of(&cmb.pay(&attempt, &order, &other)));
    assert_ne!(again["encryptKey"], envelope["encryptKey"], "one SM4 key per request");
}

#[test]
fn streams_of_chance_differ_by_purpose_and_go_on() {
    let mut all: Vec<[u8; 40]> =
        [Purpose::Signature, Purpose::TerminalKey, Purpose::Envelope].map(|p| Chance::new(p, &[1; 32]).bytes()).into();
    let mut one = Chance::new(Purpose::Signature, &[1; 32]);
    let _ = one.bytes::<40>();
    all.push(one.bytes());
    all.push(Chance::new(Purpose::Signature, &[2; 32]).bytes());
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}
