//! Vectors of the primitives: AES-GCM, OAEP, front-end signatures, keys.

use super::{API_KEY, pem, signer_of, str_of, vectors};
use crate::{keys, sign};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sluice_kit::field::{self, Padding::OaepSha1};
use zeroize::Zeroizing;

#[test]
fn aead_vectors() {
    for vector in vectors!("aead") {
        let Ok(key) = <[u8; 32]>::try_from(str_of(&vector, "key").as_bytes()) else {
            // A 16-byte key is a test key: opening an account with it is refused (see `configs`).
            assert_eq!(vector["id"], "go-aes-16-byte-key");
            continue;
        };
        let aad = vector["associated_data"].as_str().unwrap_or_default();
        let plain = sign::open(&[Zeroizing::new(key)], str_of(&vector, "nonce"), aad, str_of(&vector, "ciphertext"));
        let wanted = vector["plaintext"].as_str().map(|text| text.as_bytes().to_vec());
        assert_eq!(plain, wanted, "{}", vector["id"]);
        assert_eq!(wanted.is_some(), str_of(&vector, "expect").starts_with("decrypt"), "{}", vector["id"]);
    }
}

#[test]
fn a_resource_under_the_former_key_still_opens() {
    let key = |text: &str| Zeroizing::new(<[u8; 32]>::try_from(text.as_bytes()).unwrap());
    let both = [key("b7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb"), key(API_KEY)];
    let open = |keys: &[sign::ApiKey]| sign::open(keys, "uluk4a9R25RW", "associatedData", "ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI=");
    assert_eq!(open(&both), Some(b"message".to_vec()));
    assert_eq!(open(&both[..1]), None);
    for nonce in ["", "short", "uluk4a9R25RWW", "uluk4a9R25R\u{e9}"] {
        assert_eq!(sign::open(&both, nonce, "associatedData", "ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI="), None);
    }
}

#[test]
fn oaep_vectors() {
    for vector in vectors!("oaep") {
        let key = str_of(&vector, "key_ref");
        let Some(ciphertext) = vector["ciphertext"].as_str() else {
            let too_long = str_of(&vector, "plaintext");
            assert_eq!(field::encrypt(&pem(key, "public_key_pem"), too_long, OaepSha1), None, "{}", vector["id"]);
            let (_, fits) = too_long.split_at(1);
            assert!(field::encrypt(&pem(key, "public_key_pem"), fits, OaepSha1).is_some());
            continue;
        };
        let plain = field::decrypt(&pem(key, "private_key_pem"), ciphertext, OaepSha1, |_| true);
        assert_eq!(plain.as_ref().map(|text| text.as_str()), vector["plaintext"].as_str(), "{}", vector["id"]);
    }
    let sealed = field::encrypt(&pem("platform", "public_key_pem"), "张三", OaepSha1).unwrap();
    assert_eq!(field::decrypt(&pem("platform", "private_key_pem"), &sealed, OaepSha1, |_| true).unwrap().as_str(), "张三");
    assert_eq!(field::decrypt(&pem("merchant", "private_key_pem"), &sealed, OaepSha1, |_| true), None);
}

#[test]
fn paysign_vectors() {
    for vector in vectors!("paysign") {
        let key = signer_of(str_of(&vector, "key_ref"));
        let signature = key.sign(str_of(&vector, "canonical").as_bytes()).unwrap();
        let given = vector["invoke"]["paySign"].as_str().or(vector["invoke"]["sign"].as_str());
        match given {
            Some(given) => assert_eq!(signature, given, "{}", vector["id"]),
            None => {
                assert_eq!(signature, str_of(&vector, "signature"));
                assert_ne!(signature, str_of(&vector, "signature_must_differ_from"), "{}", vector["id"]);
            }
        }
    }
}

#[test]
fn every_rsa_key_of_the_vectors_opens_and_its_certificate_has_its_serial() {
    for vector in vectors!("keys").into_iter().filter(|key| key["algorithm"] == "RSA") {
        if let Some(text) = vector["private_key_pem"].as_str() {
            assert!(sluice_kit::rsa::PrivateKey::read(text).is_ok(), "{}", vector["id"]);
        }
        if let Some(text) = vector["public_key_pem"].as_str() {
            assert!(keys::public_key(text).is_ok(), "{}", vector["id"]);
        }
        if let Some(text) = vector["certificate_pem"].as_str() {
            let (serial, key) = keys::certificate(text).unwrap_or_else(|e| panic!("{}: {e}", vector["id"]));
            assert_eq!(serial, str_of(&vector, "serial_no"));
            let (from, until) = key.validity();
            assert!(from < until && from.is_some());
        }
    }
}

#[test]
fn keys_of_another_kind_are_refused() {
    for text in
        [pem("sm2_merchant", "private_key_pem"), pem("merchant", "certificate_pem"), String::new(), "-----BEGIN PRIVATE KEY-----".into()]
    {
        assert!(sluice_kit::rsa::PrivateKey::read(&text).is_err());
    }
    for text in [pem("sm2_merchant", "public_key_pem"), pem("merchant", "private_key_pem"), pem("merchant", "certificate_pem")] {
        assert!(keys::public_key(&text).is_err());
    }
    for text in [pem("sm2_merchant", "certificate_pem"), pem("platform", "public_key_pem"), "garbage".into()] {
        assert!(keys::certificate(&text).is_err());
    }
}

#[test]
fn a_pkcs1_private_key_is_the_same_key() {
    // PKCS#8 of RSA is a 26-byte header and the PKCS#1 key; DER lengths of a 2048-bit key make that constant.
    let pkcs8 = pem("merchant", "private_key_pem");
    let base64: String = pkcs8.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(base64).unwrap();
    let pkcs1 = STANDARD.encode(&der[26..]);
    let lines: Vec<String> = pkcs1.as_bytes().chunks(64).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
    let text = format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n", lines.join("\n"));
    let key = sign::Signer { mchid: String::new(), serial_no: String::new(), key: sluice_kit::rsa::PrivateKey::read(&text).unwrap() };
    assert_eq!(key.sign(b"message").unwrap(), signer_of("merchant").sign(b"message").unwrap());
}
