//! Orders that wait for the payer: forms, tn, QR codes, their life and their end.

use super::{APP, Client, FRONT, code, encoded};
use crate::Options;
use sluice_contract::Wallet;
use sluice_simkit::{Outcome, Scan, Simulator, State};

fn form(client: &Client, number: &str, business: &str, channel_type: &str) -> String {
    let more = [("channelType", channel_type), ("payTimeout", "20261123091500"), ("frontUrl", "https://shop.example/return?x=1&y=2")];
    let message = client.sign(client.payment("01/01", business, number, 12_800, &more));
    format!("http://127.0.0.1:7000{FRONT}?{}", encoded(&message))
}

#[test]
fn a_form_is_an_order_only_once_the_payer_arrives() {
    for (business, channel_type, method) in
        [("000201", "07", "unionpay_web"), ("000201", "08", "unionpay_wap"), ("000202", "07", "unionpay_b2b")]
    {
        let mut client = Client::new();
        let content = form(&client, "FORM0001", business, channel_type);
        let time = client.clock();
        assert_eq!(client.state("FORM0001", &time), ("34".to_owned(), String::new()));
        assert!(!client.scan(&content, Outcome::Abandon).unwrap().paid);
        assert_eq!(client.sim.waiting()[0].method, method);
        assert_eq!(client.state("FORM0001", &time), ("00".to_owned(), "05".to_owned()));
        assert!(client.scan(&content, Outcome::Pay).unwrap().paid, "the same form again is the same order");
        assert_eq!(client.state("FORM0001", &time), ("00".to_owned(), "00".to_owned()));
        assert!(client.scan(&content, Outcome::Pay).is_err(), "and paid once");
        assert_eq!(client.entry("FORM0001").charges, 1);
    }
}

#[test]
fn a_form_is_verified_when_it_arrives() {
    let mut client = Client::new();
    let content = form(&client, "FORM0002", "000201", "07");
    for bad in [content.replace("12800", "1"), content.replace("FORM0002", "FORM0003"), form(&client, "FORM0002", "000202", "08")] {
        assert!(client.scan(&bad, Outcome::Pay).is_err(), "{bad}");
    }
    client.pass_s(901);
    assert!(client.scan(&content, Outcome::Pay).unwrap_err().0.contains("10"), "txnTime is too old");
    assert_eq!(client.sim.ledger().entries().count(), 0);
}

#[test]
fn a_browser_may_post_the_form_itself() {
    let mut client = Client::new();
    let message = client.sign(client.payment("01/01", "000201", "FORM0004", 100, &[("channelType", "07")]));
    let page = client.raw(FRONT, &encoded(&message));
    assert!(String::from_utf8_lossy(page.bytes()).contains("unionpay:FORM0004"));
    assert!(client.scan("unionpay:FORM0004", Outcome::Pay).unwrap().paid);
}

#[test]
fn a_tn_is_paid_by_itself_in_an_order_string_or_by_the_number() {
    let mut client = Client::new();
    for (number, wrap) in [("APP00001", "{}"), ("APP00002", "{\"tn\":\"{}\",\"mode\":\"01\"}"), ("APP00003", "number")] {
        let message = client.payment("01/01", "000201", number, 100, &[]);
        let tn = client.send(APP, message)["tn"].clone();
        let content = if wrap == "number" { number.to_owned() } else { wrap.replace("{}", &tn) };
        assert!(client.scan(&content, Outcome::Pay).unwrap().paid, "{content}");
        assert_eq!(client.entry(number).status, State::Paid);
    }
    let wrong = client.payment("01/01", "000201", "APP00004", 100, &[("channelType", "07")]);
    assert_eq!(code(&client.send(APP, wrong)), "10");
}

#[test]
fn a_qr_code_pays_one_order_and_a_failed_try_is_not_its_end() {
    let mut client = Client::new();
    let qr = client.apply("QR000001", 100)["qrCode"].clone();
    assert!(qr.starts_with("https://qr.95516.com/00010000/"));
    let time = client.clock();
    assert!(client.sim.scan(&Scan { wallet: Some(Wallet::Wechat), ..Scan::of(&qr, Outcome::Pay) }, client.now).is_err());
    client.scan(&qr, Outcome::Decline).unwrap();
    let tried = client.query_at("QR000001", &time);
    assert_eq!(tried["origRespCode"], "01", "may still be paid");
    client.pass_s(5);
    assert!(client.sim.scan(&Scan { wallet: Some(Wallet::Icbc), ..Scan::of(&qr, Outcome::Pay) }, client.now).unwrap().paid);
    let answer = client.query_at("QR000001", &time);
    assert_eq!((answer["origRespCode"].as_str(), answer["txnAmt"].as_str(), answer["settleDate"].as_str()), ("00", "100", "1123"));
    assert_eq!((answer["traceTime"].as_str(), tried["traceTime"].as_str()), ("1123090005", "1123090000"), "each try has its own");
    assert!(client.scan(&qr, Outcome::Pay).is_err(), "the code is dead");
}

#[test]
fn a_query_needs_the_original_time_or_the_serial() {
    let mut client = Client::new();
    let id = client.paid("QR000002", 100);
    assert_eq!((id.len(), id.get(2..14)), (21, Some("261123090000")));
    let time = client.clock();
    client.pass_s(60);
    let now = client.clock();
    assert_eq!(client.state("QR000002", &now).0, "34");
    assert_eq!(client.state("QR000002", &time).1, "00");
    let by_serial = client.ask("00/02", "000000", "QR999999", &[("queryId", &id)]);
    let answer = client.send(super::QUERY, by_serial);
    assert_eq!((answer["orderId"].as_str(), answer["origRespCode"].as_str()), ("QR000002", "00"));
    assert_eq!(answer.get("traceNo").map(|no| id.contains(no.as_str())), Some(true));
}

#[test]
fn after_pay_timeout_nothing_is_paid_and_the_failure_is_final() {
    let mut client = Client::new();
    let time = client.clock();
    let message = client.payment("01/07", "000000", "QR000003", 100, &[("payTimeout", "20261123090500")]);
    let qr = client.send(super::BACK, message)["qrCode"].clone();
    client.pass_s(300);
    assert_eq!(client.state("QR000003", &time).1, "05", "the last second still counts");
    client.pass_s(1);
    assert!(client.scan(&qr, Outcome::Pay).is_err() && client.scan("QR000003", Outcome::Pay).is_err());
    assert_eq!((client.state("QR000003", &time).1.as_str(), client.entry("QR000003").status), ("01", State::Closed));
    client.hook("expired 34");
    assert_eq!(client.state("QR000003", &time).0, "34");
}

#[test]
fn late_money_is_42_and_goes_back_by_itself() {
    let mut client = Client::new();
    client.hook("late_money on");
    let time = client.clock();
    let content = form(&client, "FORM0005", "000202", "07");
    client.scan(&content, Outcome::Abandon).unwrap();
    client.pass_s(1_000);
    assert!(client.scan("FORM0005", Outcome::Pay).unwrap().paid);
    assert_eq!((client.state("FORM0005", &time).1.as_str(), client.entry("FORM0005").status), ("42", State::Paid));
    assert!(client.due().is_empty());
    client.pass_s(5 * 86_400);
    assert_eq!((client.state("FORM0005", &time).1.as_str(), client.entry("FORM0005").status), ("42", State::Reversed));
}

#[test]
fn the_same_seed_calls_and_times_give_the_same_bytes() {
    let run = |seed| {
        let mut client = Client::with(Options::fixed(seed));
        let mut bytes = Vec::new();
        let code = client.sim.issue_auth_code(sluice_simkit::Behaviour::Pay, sluice_contract::Fen(1_000), client.now);
        bytes.push(code.clone().into_bytes());
        for number in ["SEED0001", "SEED0002"] {
            let message = client.sign(client.payment("01/06", "000000", number, 10, &[("qrNo", &code)]));
            bytes.push(client.raw(super::BACK, &encoded(&message)).bytes().to_vec());
        }
        bytes.extend(client.due().into_iter().map(|delivery| delivery.body));
        bytes
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
    assert_eq!(run(7).len(), 4);
}
