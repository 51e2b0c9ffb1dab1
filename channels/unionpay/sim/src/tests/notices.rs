//! Notices: what they say, how they are signed, when they come again.

use super::{Client, decoded};
use base64::{Engine, engine::general_purpose::STANDARD};
use rsa::pkcs8::DecodePrivateKey;
use rsa::{Pkcs1v15Encrypt, PrivateKey};
use sluice_contract::HttpReply;
use sluice_simkit::{Delivery, Fault, Outcome, Simulator};

fn landed(client: &mut Client, delivery: &Delivery, status: Option<u16>) {
    let reply = status.map(|status| HttpReply::new(status, &[], "ok"));
    client.sim.delivered(delivery.id, reply.as_ref(), client.now);
}

#[test]
fn a_payment_is_told_of_in_a_signed_form() {
    let mut client = Client::new();
    let id = client.paid("NEWS0001", 100);
    let delivery = client.due().remove(0);
    assert_eq!(delivery.url, "http://127.0.0.1:8080/notify/up-main?x=1");
    assert!(std::str::from_utf8(&delivery.body).unwrap().contains("BEGIN+CERTIFICATE-----%0D%0A"));
    let told = decoded(&delivery.body);
    assert!(client.verified(&told));
    let names =
        ["orderId", "txnAmt", "currencyCode", "respCode", "respMsg", "queryId", "txnType", "txnSubType", "txnTime", "settleDate", "merId"];
    let seen = names.map(|name| told[name].as_str());
    assert_eq!(seen, ["NEWS0001", "100", "156", "00", "success", &id, "01", "07", "20261123090000", "1123", crate::MER_ID]);
    let key = PrivateKey::from_pkcs8_pem(client.known("private_key")).unwrap();
    assert_eq!(key.decrypt(Pkcs1v15Encrypt, &STANDARD.decode(&told["accNo"]).unwrap()).unwrap(), b"6216***********0018");
}

#[test]
fn five_sends_one_two_four_and_five_minutes_apart() {
    let mut client = Client::new();
    client.paid("NEWS0002", 100);
    let mut times = Vec::new();
    let start = client.now;
    for _ in 0..1_000 {
        for delivery in client.due() {
            times.push(client.now.since_ms(start) / 1000);
            landed(&mut client, &delivery, Some(500));
        }
        client.pass_s(1);
    }
    assert_eq!(times, [0, 60, 180, 420, 720]);
    client.sim.resend("NEWS0002", client.now).unwrap();
    client.sim.set_fast(60);
    let again = client.due().remove(0);
    landed(&mut client, &again, Some(200));
    client.pass_s(9_999);
    assert!(client.due().is_empty(), "taken");
}

#[test]
fn silence_and_errors_are_no_answer_and_302_is_one() {
    let mut client = Client::new();
    for (number, status, again) in
        [("NEWS0003", None, 1), ("NEWS0004", Some(400), 1), ("NEWS0005", Some(302), 0), ("NEWS0006", Some(200), 0)]
    {
        client.paid(number, 100);
        let delivery = client.due().remove(0);
        landed(&mut client, &delivery, status);
        client.pass_s(60);
        let due = client.due();
        assert_eq!(due.len(), again, "{number}");
        due.iter().for_each(|delivery| landed(&mut client, delivery, Some(200)));
    }
}

#[test]
fn front_payments_are_told_of_on_success_only_and_barcodes_at_any_end() {
    let mut client = Client::new();
    let qr = client.apply("NEWS0007", 100)["qrCode"].clone();
    client.scan(&qr, Outcome::Decline).unwrap();
    assert!(client.due().is_empty());
    client.consume("NEWS0008", 100, "6299040000000000000");
    let told = decoded(&client.due()[0].body);
    assert_eq!((told["orderId"].as_str(), told["respCode"].as_str(), told.contains_key("settleDate")), ("NEWS0008", "64", false));
    client.consume("NEWS0009", 100, "6299120000000000000");
    assert_eq!(decoded(&client.due()[0].body)["respCode"], "A6");
}

#[test]
fn a_refund_is_told_of_by_its_own_number_and_names_no_payment() {
    let mut client = Client::new();
    let id = client.paid("NEWS0010", 100);
    client.due();
    client.refund("BACKNEWS1", 40, &id);
    client.hook("refund_fate fail");
    client.refund("BACKNEWS2", 60, &id);
    client.pass_s(1);
    let due = client.due();
    let told: Vec<_> = due.iter().map(|delivery| decoded(&delivery.body)).collect();
    assert!(told.iter().all(|told| client.verified(told) && told["txnType"] == "04" && !told.contains_key("origQryId")));
    let mut seen: Vec<_> = told.iter().map(|told| (told["orderId"].as_str(), told["respCode"].as_str(), told["txnAmt"].as_str())).collect();
    seen.sort_unstable();
    assert_eq!(seen, [("BACKNEWS1", "00", "40"), ("BACKNEWS2", "01", "60")]);
    assert_eq!(due[0].out_trade_no, "NEWS0010", "the control API knows it by the payment");
}

#[test]
fn faults_on_purpose() {
    let mut client = Client::new();
    client.paid("NEWS0019", 100);
    client.due();
    let mut one = |fault| {
        client.sim.resend("NEWS0019", client.now).unwrap();
        client.sim.due(client.now, &mut || Some(fault))
    };
    let amount = decoded(&one(Fault::WrongAmount)[0].body);
    let order = decoded(&one(Fault::WrongOrder)[0].body);
    let spoiled = decoded(&one(Fault::BadSignature)[0].body);
    let garbage = one(Fault::Garbage).remove(0);
    let two = one(Fault::Duplicate).len();
    let held = one(Fault::Hold).len();
    assert!(client.verified(&amount) && amount["txnAmt"] == "101");
    assert!(client.verified(&order) && order["orderId"] == "NEWS0010");
    assert!(!client.verified(&spoiled) && spoiled["txnAmt"] == "100");
    assert!(garbage.body.starts_with(b"<html>"));
    assert_eq!((two, held), (2, 0));
    client.sim.release();
    assert_eq!(client.due().len(), 1);
}

#[test]
fn it_may_come_before_the_answer_and_the_browser_brings_the_same_fields() {
    let mut client = Client::new();
    client.hook("pay_on_create on");
    client.apply("NEWS0012", 100);
    assert_eq!(decoded(&client.due()[0].body)["orderId"], "NEWS0012");
    let brought = decoded(client.hook("front_return NEWS0012").as_bytes());
    assert!(client.verified(&brought) && brought["respCode"] == "00");
}
