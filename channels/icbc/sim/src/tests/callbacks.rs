//! Pack §1.9: what is told, over which path it is signed, when it comes again, and what counts as taken.

use super::{CONSUMPTION, Client, NOTIFY, START, all_apps, signed, text, told, verified_by};
use crate::Options;
use serde_json::json;
use sluice_contract::HttpReply;
use sluice_simkit::{Delivery, Fault, Outcome, Scan, Simulator, form};

const PATH: &str = "//notify/icbc-main";
/// Seconds between tries: CMB's, from its pack.
const SCHEDULE: [i64; 15] = [15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600];

/// The acknowledgement of the pack, signed with or without the outer braces.
pub(crate) fn ack(msg_id: &str, code: &str, braces: bool) -> HttpReply {
    let inner = format!(
        "\"response_biz_content\":{{\"return_code\":{code},\"return_msg\":\"success\",\"msg_id\":\"{msg_id}\"}},\"sign_type\":\"RSA2\""
    );
    let sign = signed(&if braces { format!("{{{inner}}}") } else { inner.clone() });
    HttpReply::new(200, &[], format!("{{{inner},\"sign\":\"{sign}\"}}"))
}

/// Whether it does not come again after this answer.
fn taken(client: &mut Client, delivery: &Delivery, reply: Option<&HttpReply>) -> bool {
    client.sim.delivered(delivery.id, reply, client.now);
    client.pass_ms(86_400_000);
    client.due().is_empty()
}

#[test]
fn a_payment_is_told_over_the_path_as_it_was_registered() {
    let mut client = Client::new();
    client.paid("TELL0001", 1_000);
    let due = client.due();
    assert_eq!((due.len(), due[0].url.as_str()), (1, NOTIFY));
    let paid = told(&client, &due[0], PATH);
    let names = ["return_code", "out_trade_no", "total_amt", "payment_amt", "mer_id", "attach", "pay_time"];
    assert_eq!(text(&paid, &names), ["0", "TELL0001", "1000", "1000", crate::MER_ID, "a=1&b=二", "20261123"]);
    assert!(paid.get("pay_type").is_none(), "family A");
    let pairs: super::Pairs = form::pairs(std::str::from_utf8(&due[0].body).unwrap()).unwrap().into_iter().collect();
    assert_eq!(pairs["api"], super::GENERATE);
    let cleaned = super::string_to_sign("/notify/icbc-main", &pairs);
    assert!(!verified_by(&client.gateway_key(), &cleaned, &pairs["sign"]), "a cleaned path is another path");
}

#[test]
fn family_b_tells_more_and_failed_tries_too() {
    let mut client = Client::new();
    client.post(CONSUMPTION, &all_apps("FAIL0001", 77));
    client.sim.scan(&Scan::of("FAIL0001", Outcome::Decline), client.now).unwrap();
    let failed = client.due();
    let said = told(&client, &failed[0], PATH);
    assert_eq!(text(&said, &["return_code", "return_msg", "total_amt", "payment_amt"]), ["1", "交易失败", "77", "77"]);
    assert_eq!(client.order_query("FAIL0001", "0")["pay_status"], "2", "failed is not the end");
    assert!(client.scan("FAIL0001"));
    let paid = client.due();
    assert_eq!(text(&told(&client, &paid[0], PATH), &["return_code", "access_type", "pay_type"]), ["0", "6", ""]);
    for (number, name, value, count) in [("ONLY0001", "result_type", "1", 1), ("NONE0001", "notify_type", "AG", 0)] {
        let mut biz = all_apps(number, 77);
        biz[name] = json!(value);
        client.post(CONSUMPTION, &biz);
        client.sim.scan(&Scan::of(number, Outcome::Decline), client.now).unwrap();
        client.scan(number);
        assert_eq!(client.due().len(), count, "{name}");
    }
}

#[test]
fn only_the_signed_number_zero_about_this_message_is_an_acknowledgement() {
    let judge = |make: &dyn Fn(&str) -> Option<HttpReply>| {
        let mut client = Client::new();
        client.paid("ACK00001", 5);
        let delivery = client.due().remove(0);
        let said = told(&client, &delivery, PATH);
        let reply = make(said["msg_id"].as_str().unwrap());
        taken(&mut client, &delivery, reply.as_ref())
    };
    assert!(judge(&|id| Some(ack(id, "0", false))));
    assert!(judge(&|id| Some(ack(id, "0", true))), "some clients sign with the braces");
    let spoil = |id: &str, from: &str, to: &str| {
        let body = String::from_utf8(ack(id, "0", false).bytes().to_vec()).unwrap();
        assert!(body.contains(from));
        Some(HttpReply::new(200, &[], body.replace(from, to)))
    };
    assert!(!judge(&|id| spoil(id, "success", "Success")), "other words than were signed");
    assert!(!judge(&|id| spoil(id, "RSA2", "RSA")), "the other kind of signature");
    assert!(!judge(&|id| Some(ack(id, "\"0\"", false))), "0 is a number here");
    assert!(!judge(&|id| Some(ack(id, "-12345", false))));
    assert!(!judge(&|_| Some(ack("050200000000000000000000000", "0", false))), "about another message");
    assert!(!judge(&|id| Some(HttpReply { status: 500, ..ack(id, "0", false) })));
    assert!(!judge(&|_| Some(HttpReply::new(200, &[], "success"))));
    assert!(!judge(&|_| None));
}

#[test]
fn a_failed_one_comes_again_by_the_schedule() {
    let mut client = Client::new();
    client.paid("AGAIN001", 100);
    let mut ids = Vec::new();
    for wait_s in SCHEDULE {
        let due = client.due();
        assert_eq!(due.len(), 1);
        ids.push(told(&client, &due[0], PATH)["msg_id"].clone());
        client.sim.delivered(due[0].id, None, client.now);
        client.pass_ms(wait_s * 1000 - 1);
        assert!(client.due().is_empty(), "not before {wait_s} s");
        client.pass_ms(1);
    }
    assert_eq!(client.now.since_ms(START), SCHEDULE.iter().sum::<i64>() * 1000);
    assert!(ids.iter().all(|id| *id == ids[0]), "one message");
    let last = client.due();
    client.sim.delivered(last[0].id, None, client.now);
    client.pass_ms(86_400_000);
    assert!(client.due().is_empty(), "after the last try: no more");
    client.sim.resend("AGAIN001", client.now).unwrap();
    assert_eq!(client.due().len(), 1);
}

#[test]
fn fast_divides_the_schedule() {
    let mut client = Client::with(Options { fast: 100, ..Options::fixed(1) });
    client.paid("FAST0001", 100);
    let due = client.due();
    client.sim.delivered(due[0].id, None, client.now);
    assert_eq!(client.sim.next_at(), Some(client.now.plus_ms(150)));
}

#[test]
fn callbacks_may_be_encrypted_and_tell_odd_times() {
    let mut client = Client::with(Options { encrypted_callbacks: true, odd_times: true, ..Options::fixed(1) });
    client.paid("ODD00001", 100);
    let due = client.due();
    let pairs: super::Pairs = form::pairs(std::str::from_utf8(&due[0].body).unwrap()).unwrap().into_iter().collect();
    assert_eq!(pairs["encrypt_type"], "AES");
    let plain = crate::keys::decrypt(b"0123456789ABCDEF", &pairs["biz_content"]).unwrap();
    let said: serde_json::Value = serde_json::from_str(&plain).unwrap();
    assert_eq!(said["pay_time"], "20261229090000");
    assert!(verified_by(&client.gateway_key(), &super::string_to_sign(PATH, &pairs), &pairs["sign"]), "over what is sent");
}

#[test]
fn faults_on_purpose() {
    let mut client = Client::new();
    client.paid("FAULT001", 100);
    client.due();
    let one = |client: &mut Client, fault: Fault| {
        client.sim.resend("FAULT001", client.now).unwrap();
        client.sim.due(client.now, &mut || Some(fault))
    };
    let wrong = one(&mut client, Fault::WrongAmount);
    assert_eq!(told(&client, &wrong[0], PATH)["total_amt"], "101");
    let wrong = one(&mut client, Fault::WrongOrder);
    assert_eq!(told(&client, &wrong[0], PATH)["out_trade_no"], "FAULT000");
    let spoiled = one(&mut client, Fault::BadSignature).remove(0);
    let pairs: super::Pairs = form::pairs(std::str::from_utf8(&spoiled.body).unwrap()).unwrap().into_iter().collect();
    assert!(!verified_by(&client.gateway_key(), &super::string_to_sign(PATH, &pairs), &pairs["sign"]));
    assert!(one(&mut client, Fault::Garbage)[0].body.starts_with(b"<html>"));
    let two = one(&mut client, Fault::Duplicate);
    assert!(two.len() == 2 && two[0].body == two[1].body);
}
