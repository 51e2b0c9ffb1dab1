//! Certificates: the chain, the false signers, the encryption certificate, the account that is told.

use super::{BACK, Client, Message, encoded, split};
use crate::{KeySource, Options, UnionpaySim};
use base64::{Engine, engine::general_purpose::STANDARD};
use rsa::pkcs8::DecodePublicKey;
use rsa::{Pkcs1v15Encrypt, Pkcs1v15Sign, PublicKey};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use sluice_simkit::Simulator;

fn der(pem: &str) -> Vec<u8> {
    STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap()
}

/// What is signed, and the signature, of a certificate with a key of 2048 bits.
fn parts(pem: &str) -> (Vec<u8>, Vec<u8>) {
    let der = der(pem);
    let length = usize::from(u16::from_be_bytes([der[6], der[7]])) + 4;
    (der[4..4 + length].to_vec(), der[der.len() - 256..].to_vec())
}

/// The public key in a certificate: its SPKI, found by its head.
fn public(pem: &str) -> PublicKey {
    let der = der(pem);
    let head = [0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09];
    let at = der.windows(8).position(|w| w == head).unwrap();
    PublicKey::from_public_key_der(&der[at..at + 4 + 0x122]).unwrap()
}

fn signed_by(pem: &str, issuer: &str) -> &'static str {
    let (signed, signature) = parts(pem);
    let key = public(issuer);
    if key.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(&signed), &signature).is_ok() {
        "sha256"
    } else if key.verify(Pkcs1v15Sign::new::<Sha1>(), &Sha1::digest(&signed), &signature).is_ok() {
        "sha1"
    } else {
        "nobody"
    }
}

fn contains(pem: &str, text: &str) -> bool {
    der(pem).windows(text.len()).any(|w| w == text.as_bytes())
}

fn answered(client: &mut Client) -> Message {
    let query = client.sign(client.ask("00/00", "000000", "KEYS0001", &[]));
    split(&String::from_utf8_lossy(client.raw(super::QUERY, &encoded(&query)).bytes()))
}

#[test]
fn each_false_signer_differs_in_its_own_way() {
    for source in [KeySource::Fixed, KeySource::Fresh] {
        let mut client = Client::with(Options { keys: source, ..Options::fixed(1) });
        let middle = client.known("middle_certificate").to_owned();
        assert_eq!(signed_by(&middle, client.known("root_certificate")), "sha256");
        let unionpay = "041@SANDBOX@中国银联股份有限公司@";
        let signers = [
            ("good", "sha256", unionpay),
            ("expired", "sha256", unionpay),
            ("test_name", "sha256", "@00040000:SIGN@"),
            ("merchant", "sha256", ":SIGN@00000009"),
            ("foreign", "nobody", unionpay),
            ("sha1", "sha1", unionpay),
        ];
        for (kind, hash, name) in signers {
            client.hook(&format!("signer {kind}"));
            let pem = answered(&mut client)["signPubKeyCert"].clone();
            assert!(pem.contains("\r\n") && !pem.ends_with('\n'), "as real messages carry it");
            assert_eq!((signed_by(&pem, &middle), contains(&pem, name)), (hash, true), "{source:?} {kind}");
        }
    }
}

#[test]
fn a_whole_chain_may_be_sha1() {
    let mut client = Client::with(Options { sha1_chain: true, ..Options::fixed(1) });
    let middle = client.known("middle_certificate").to_owned();
    assert_eq!(signed_by(&middle, client.known("root_certificate")), "sha1");
    assert_eq!(signed_by(&answered(&mut client)["signPubKeyCert"], &middle), "sha1");
}

#[test]
fn the_encryption_certificate_is_told_changes_and_decrypts() {
    let mut client = Client::new();
    let ask = |client: &mut Client| {
        let message = client.ask("95/00", "000000", "KEYS0002", &[("certType", "01"), ("channelType", "07")]);
        client.send(BACK, message)
    };
    let first = ask(&mut client)["encryptPubKeyCert"].clone();
    assert_eq!(signed_by(&first, client.known("middle_certificate")), "sha256");
    let id = client.hook("rotate_encrypt");
    assert!(id.parse::<u64>().is_err() && id.parse::<u128>().is_ok(), "more than 64 bits");
    let second = ask(&mut client)["encryptPubKeyCert"].clone();
    assert_ne!(first, second);
    assert_eq!(signed_by(&second, client.known("middle_certificate")), "sha256");
    let mut padding = rsa_padding();
    let card = STANDARD.encode(public(&second).encrypt(&mut padding, Pkcs1v15Encrypt, b"6216261000000000018").unwrap());
    for (number, acc_no, cert_id, expected) in
        [("KEYS0003", card.as_str(), id.as_str(), "00"), ("KEYS0004", &card, "1", "10"), ("KEYS0005", "AAAA", &id, "10")]
    {
        let message = client.payment("01/07", "000000", number, 1, &[("accNo", acc_no), ("encryptCertId", cert_id)]);
        assert_eq!(super::code(&client.send(BACK, message)), expected, "{number}");
    }
}

/// Padding that needs no chance: a counter.
fn rsa_padding() -> impl rsa::rand_core::CryptoRng {
    struct Count(u8);
    impl rsa::rand_core::TryRng for Count {
        type Error = std::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(7)
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(7)
        }
        fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Self::Error> {
            for byte in to {
                self.0 = self.0.wrapping_add(1).max(1);
                *byte = self.0;
            }
            Ok(())
        }
    }
    impl rsa::rand_core::TryCryptoRng for Count {}
    Count(1)
}

#[test]
fn the_account_and_the_credentials_name_everything_a_client_needs() {
    let sim = UnionpaySim::open(Options { platform: true, ..Options::sandbox(1) });
    let table = sim.account_toml("http://127.0.0.1:7000/");
    for line in [
        "id = \"up-main\"",
        "base_url = \"http://127.0.0.1:7000\"",
        "access_type = \"2\"",
        "sign_method = \"01\"",
        "mer_id = \"777290058110048\"",
    ] {
        assert!(table.contains(line), "{line} in {table}");
    }
    for key in ["private_key", "certificate", "root_certificate", "middle_certificate", "encrypt_certificate"] {
        assert!(table.contains(&format!("\n{key} = '''\n-----BEGIN ")), "{key}");
    }
    let told = sim.credentials("http://127.0.0.1:7000");
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    assert_eq!(signed_by(&text("certificate"), &text("middle_certificate")), "sha256");
    let id: u128 = text("cert_id").parse().unwrap();
    let serial: Vec<u8> = id.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
    assert!(id > u128::from(u64::MAX) && der(&text("certificate")).windows(serial.len()).any(|w| w == serial));
    assert_eq!(told["sub_merchants"][0]["sub_mer_id"], crate::SUB_MERCHANT.0);
}
