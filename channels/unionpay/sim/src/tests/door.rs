//! What is checked at the door: signatures, presence, formats, and what a refusal looks like.

use super::{APP, BACK, Client, FRONT, QUERY, code, encoded, split};
use crate::Options;
use crate::sign::SignMethod;
use sluice_contract::{Headers, Verb};
use sluice_simkit::{Api, Call, Fault, Simulator};

#[test]
fn a_signature_is_over_the_fields_as_they_came() {
    let mut client = Client::new();
    let good = client.sign(client.payment("01/07", "000000", "DOOR0001", 100, &[("orderDesc", "中文 +%&=")]));
    for (name, value) in [("txnAmt", "101"), ("certId", "1"), ("signature", "AAAA"), ("extra", "")] {
        let mut bad = good.clone();
        bad.insert(name.to_owned(), value.to_owned());
        let answer = client.post(BACK, &bad);
        assert_eq!((code(&answer), answer["orderId"].as_str()), ("11", "DOOR0001"), "{name}");
    }
    assert!(client.sim.ledger().get("DOOR0001").is_none());
    assert_eq!(code(&client.post(BACK, &good)), "00");
}

#[test]
fn what_is_missing_is_13_and_what_is_malformed_is_10() {
    let mut client = Client::new();
    let good = client.payment("01/07", "000000", "DOOR0002", 100, &[]);
    for name in ["txnAmt", "currencyCode", "backUrl", "orderId", "channelType", "accessType", "txnTime", "bizType"] {
        let mut bad = good.clone();
        bad.remove(name);
        let answer = client.send(BACK, bad);
        assert_eq!((code(&answer), answer["respMsg"].contains(name)), ("13", true), "{name}: {answer:?}");
    }
    let long = "9".repeat(33);
    let malformed = [
        ("txnAmt", "0"),
        ("txnAmt", "1.00"),
        ("txnAmt", "1000000000000"),
        ("txnAmt", "-1"),
        ("currencyCode", "840"),
        ("orderId", "SL-20260103-1"),
        ("orderId", "1234567"),
        ("orderId", &long),
        ("txnTime", "2026112309"),
        ("txnTime", "20261323090000"),
        ("txnTime", "20261123084459"),
        ("txnTime", "20261123091501"),
        ("payTimeout", "20261123090000"),
        ("backUrl", "ftp://x"),
        ("termId", "SMQ01"),
        ("encoding", "GBK"),
        ("version", "5.0.0"),
        ("accessType", "7"),
        ("channelType", "99"),
    ];
    for (name, value) in malformed {
        let mut bad = good.clone();
        bad.insert(name.to_owned(), value.to_owned());
        assert_eq!(code(&client.send(BACK, bad)), "10", "{name}={value}");
    }
    for (name, value, expected) in [("merId", "777290058110099", "31"), ("bizType", "000201", "32"), ("accessType", "2", "13")] {
        let mut bad = good.clone();
        bad.insert(name.to_owned(), value.to_owned());
        assert_eq!(code(&client.send(BACK, bad)), expected, "{name}={value}");
    }
    assert_eq!(code(&client.send(BACK, good)), "00", "nothing of it was booked");
}

#[test]
fn an_answer_is_not_percent_encoded_and_echoes_its_request() {
    let mut client = Client::new();
    let message =
        client.sign(client.payment("01/07", "000000", "DOOR0003", 100, &[("reqReserved", "a|b=="), ("payTimeout", "20261123091500")]));
    let reply = client.raw(BACK, &encoded(&message));
    let body = String::from_utf8(reply.bytes().to_vec()).unwrap();
    assert!(body.contains("-----BEGIN CERTIFICATE-----\r\n") && body.contains("respMsg=成功[0000000]") && body.contains("=="));
    assert!(!body.contains('%'));
    assert_eq!(reply.headers.get("content-type"), Some("text/html;charset=UTF-8"));
    let answer = split(&body);
    for name in [
        "version",
        "encoding",
        "bizType",
        "txnType",
        "txnSubType",
        "accessType",
        "merId",
        "orderId",
        "txnTime",
        "reqReserved",
        "signMethod",
    ] {
        assert_eq!(answer[name], message[name], "{name}");
    }
    assert!(!answer.contains_key("certId"), "the certificate itself travels");
}

#[test]
fn a_number_is_used_once_whatever_it_names() {
    let mut client = Client::new();
    assert_eq!(code(&client.apply("DOOR0004", 100)), "00");
    assert_eq!(code(&client.apply("DOOR0004", 100)), "12");
    let first = client.payment("01/07", "000000", "DOOR0004", 100, &[]);
    client.pass_s(3_600);
    assert_eq!(code(&client.send(BACK, first)), "12", "the same again, long after");
    assert_eq!(code(&client.apply("DOOR0004", 100)), "12", "another txnTime of the same day");
    let app = client.payment("01/01", "000201", "DOOR0004", 100, &[]);
    assert_eq!(code(&client.send(APP, app)), "12");
}

#[test]
fn secure_keys_are_answered_in_kind() {
    let mut client = Client::with(Options { sign_method: "11", ..Options::fixed(1) });
    assert!(client.sim.account_toml("http://127.0.0.1:7000").contains("secure_key = \"88888888\""));
    for (method, word) in [(SignMethod::Sha256Key, "11"), (SignMethod::Sm3Key, "12")] {
        let number = format!("DOOR00{word}");
        let mut message = client.payment("01/07", "000000", &number, 100, &[]);
        message.remove("certId");
        client.sim.keys.sign(method, crate::SignerKind::Good, &mut message, false);
        let reply = client.raw(BACK, &encoded(&message));
        let mut answer = split(std::str::from_utf8(reply.bytes()).unwrap());
        assert_eq!((code(&answer), answer["signMethod"].as_str()), ("00", word));
        assert!(!answer.contains_key("signPubKeyCert"));
        let signature = answer.remove("signature").unwrap();
        client.sim.keys.sign(method, crate::SignerKind::Good, &mut answer, false);
        assert_eq!(answer["signature"], signature);
        message.insert("txnAmt".to_owned(), "1".to_owned());
        let reply = client.raw(BACK, &encoded(&message));
        assert_eq!(code(&split(std::str::from_utf8(reply.bytes()).unwrap())), "11");
    }
}

#[test]
fn other_verbs_paths_and_bodies_get_no_signed_answer() {
    let mut client = Client::new();
    assert_eq!(client.raw("/gateway/api/nothing.do", "").status, 404);
    let get = Call { verb: Verb::Get, target: BACK.to_owned(), headers: Headers::default(), body: Vec::new() };
    assert_eq!(client.sim.serve(&get, client.now, None).status, 405);
    let message = client.sign(client.payment("01/07", "000000", "DOOR0005", 100, &[]));
    let twice = format!("{}&txnAmt=100", encoded(&message));
    let answer = split(std::str::from_utf8(client.raw(BACK, &twice).bytes()).unwrap());
    assert_eq!(code(&answer), "13", "a name that stands twice is no message");
    let json = Call { verb: Verb::Post, target: BACK.to_owned(), headers: Headers::default(), body: encoded(&message).into_bytes() };
    let reply = client.sim.serve(&json, client.now, None);
    assert_eq!(code(&split(std::str::from_utf8(reply.bytes()).unwrap())), "13", "no content type, no fields");
}

#[test]
fn faults_find_their_calls() {
    let mut client = Client::new();
    let id = client.paid("DOOR0006", 100);
    client.refund("DOORBACK1", 10, &id);
    let cases = [
        (BACK, client.payment("01/07", "000000", "DOOR0007", 1, &[]), Some(Api::Pay)),
        (APP, client.payment("01/01", "000201", "DOOR0007", 1, &[]), Some(Api::Pay)),
        (FRONT, client.payment("01/01", "000201", "DOOR0007", 1, &[]), Some(Api::Pay)),
        (QUERY, client.ask("00/00", "000000", "DOOR0006", &[]), Some(Api::Query)),
        (QUERY, client.ask("00/00", "000000", "DOORBACK1", &[]), Some(Api::QueryRefund)),
        (BACK, client.ask("04/00", "000000", "DOORBACK2", &[]), Some(Api::Refund)),
        (BACK, client.ask("31/00", "000000", "DOORBACK2", &[]), Some(Api::Refund)),
        (BACK, client.ask("99/01", "000000", "DOOR0006", &[]), Some(Api::Reverse)),
        (BACK, client.ask("95/00", "000000", "DOOR0008", &[]), None),
        ("/", client.ask("76/01", "000000", "DOOR0008", &[]), Some(Api::Bill)),
    ];
    for (path, message, api) in cases {
        let headers = Headers::new(&[("Content-Type", "application/x-www-form-urlencoded")]);
        let call = Call { verb: Verb::Post, target: path.to_owned(), headers, body: encoded(&message).into_bytes() };
        assert_eq!(client.sim.api_of(&call), api, "{path} {message:?}");
    }
}

#[test]
fn faults_that_the_simulator_plays() {
    let mut client = Client::new();
    client.paid("DOOR0009", 100);
    let query = client.sign(client.ask("00/00", "000000", "DOOR0009", &[]));
    let mut asked = |fault| {
        client.fault = Some(fault);
        let reply = client.raw(QUERY, &encoded(&query));
        let message = split(&String::from_utf8_lossy(reply.bytes()));
        (reply.status, client.verified(&message), message)
    };
    assert_eq!(asked(Fault::Error500).0, 500);
    assert!(!asked(Fault::Garbage).2.contains_key("respCode"));
    let (_, verified, message) = asked(Fault::BadSignature);
    assert!(!verified && message["origRespCode"] == "00");
    let (_, verified, message) = asked(Fault::WrongAmount);
    assert!(verified && message["txnAmt"] == "101" && message["settleAmt"] == "101");
    let (_, verified, message) = asked(Fault::WrongOrder);
    assert!(verified && message["orderId"] == "DOOR0000");
}

#[test]
fn an_answer_can_be_asked_for_beforehand() {
    let mut client = Client::new();
    client.hook("answer pay 04");
    assert_eq!(code(&client.apply("DOOR0010", 100)), "04");
    assert!(client.sim.ledger().get("DOOR0010").is_none());
    client.hook("answer pay 04 executed");
    assert_eq!(code(&client.apply("DOOR0010", 100)), "04");
    assert!(client.sim.ledger().get("DOOR0010").is_some());
    for (word, status, length) in [("spoil empty", 200, Some(0)), ("spoil truncated", 200, None), ("spoil 502", 502, None)] {
        client.hook(word);
        let query = client.sign(client.ask("00/00", "000000", "DOOR0010", &[]));
        let reply = client.raw(QUERY, &encoded(&query));
        assert!(reply.status == status && length.is_none_or(|length| reply.bytes().len() == length), "{word}");
        assert!(!client.verified(&split(&String::from_utf8_lossy(reply.bytes()))), "{word}");
    }
    for bad in ["nothing", "answer pay", "refund_fate maybe", "signer bad", "undo full"] {
        assert!(client.sim.hook(bad, client.now).is_err(), "{bad}");
    }
}
