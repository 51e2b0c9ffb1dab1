//! Callbacks: what they say, how they are signed, the schedule of V3.4.1, and what counts as taken (pack §2.5).

use super::{Client, START, ack, form, from_bank, text_of, told};
use crate::Options;
use sluice_contract::HttpReply;
use sluice_simkit::{Api, Booth, Delivery, Fault, Rule, Simulator};

/// Seconds between tries, from the pack's own list.
const SCHEDULE: [i64; 15] = [15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600];

#[test]
fn a_payment_is_told_in_a_signed_form_without_a_state() {
    let mut client = Client::new();
    client.paid("TELL0001", 100, None);
    let due = client.due();
    assert_eq!((due.len(), due[0].url.as_str()), (1, "http://127.0.0.1:8080/notify/cmb-main"));
    assert_eq!(due[0].headers.get("content-type"), Some("application/x-www-form-urlencoded;charset=UTF-8"));
    let biz = told(&due[0]);
    assert!(biz.get("tradeState").is_none());
    // The members of the vector `cmb-notify-1`.
    for name in ["merId", "orderId", "cmbOrderId", "userId", "txnAmt", "currencyCode", "payType", "txnTime", "endDate", "endTime", "dscAmt"]
    {
        assert!(biz[name].is_string(), "{name}");
    }
    let (members, _) = form(&due[0]);
    assert_eq!(members.keys().map(String::as_str).collect::<Vec<_>>(), ["biz_content", "encoding", "sign", "signMethod", "version"]);
}

#[test]
fn a_failed_one_comes_again_by_the_schedule_and_stops_when_taken() {
    let mut client = Client::new();
    client.paid("AGAIN001", 100, None);
    let mut bodies = Vec::new();
    for (n, wait_s) in SCHEDULE.into_iter().enumerate() {
        let due = client.due();
        assert_eq!(due.len(), 1, "try {n}");
        bodies.push(due[0].body.clone());
        let unsigned = HttpReply::new(200, &[], r#"{"returnCode":"SUCCESS","respCode":"SUCCESS"}"#);
        let refused = ack(|m| drop(m.insert("respCode".to_owned(), "FAIL".to_owned())));
        let replies = [None, Some(HttpReply::new(500, &[], "")), Some(unsigned), Some(refused)];
        client.sim.delivered(due[0].id, replies[n % 4].as_ref(), client.now);
        client.pass_ms(wait_s * 1000 - 1);
        assert!(client.due().is_empty(), "not before {wait_s} s");
        client.pass_ms(1);
    }
    assert_eq!(client.now.since_ms(START), (24 * 60 + 4) * 60_000);
    assert!(bodies.iter().all(|body| body == &bodies[0]), "the same words every time");
    let last = client.due();
    client.sim.delivered(last[0].id, None, client.now);
    client.pass_ms(86_400_000);
    assert!(client.due().is_empty(), "after the last try: no more");
    client.sim.resend("AGAIN001", client.now).unwrap();
    let resent = client.due();
    client.sim.delivered(resent[0].id, Some(&ack(|_| {})), client.now);
    client.pass_ms(86_400_000);
    assert!(client.due().is_empty(), "taken");
    assert!(client.sim.resend("NOBODY", client.now).is_err());
}

#[test]
fn fast_divides_the_schedule_and_next_at_knows_it() {
    let mut client = Client::with(Options { fast: 100, callback_delay_ms: 500, ..Options::fixed(1) });
    client.paid("FAST0001", 100, None);
    assert_eq!(client.sim.next_at(), Some(client.now.plus_ms(5)));
    client.pass_ms(5);
    let due = client.due();
    client.sim.delivered(due[0].id, None, client.now);
    assert_eq!(client.sim.next_at(), Some(client.now.plus_ms(150)));
}

fn one(client: &mut Client, fault: Fault) -> Vec<Delivery> {
    client.sim.resend("FAULT001", client.now).unwrap();
    client.sim.due(client.now, &mut || Some(fault))
}

#[test]
fn faults_on_purpose() {
    let mut client = Client::new();
    client.paid("FAULT001", 100, None);
    assert_eq!(told(&one(&mut client, Fault::WrongAmount)[0])["txnAmt"], "101");
    assert_eq!(told(&one(&mut client, Fault::WrongOrder)[0])["orderId"], "FAULT000");
    let (members, _) = form(&one(&mut client, Fault::BadSignature)[0]);
    assert!(!from_bank(&text_of(&members), &members["sign"]));
    let (members, biz) = form(&one(&mut client, Fault::Garbage)[0]);
    assert!(from_bank(&text_of(&members), &members["sign"]) && biz.starts_with("<html>"));
    let two = one(&mut client, Fault::Duplicate);
    assert_eq!((two.len(), two[0].body == two[1].body), (2, true));
}

#[test]
fn held_callbacks_wait_until_the_faults_are_cleared() {
    let mut client = Client::new();
    client.paid("HOLD0001", 100, None);
    let now = client.now;
    let mut booth = Booth::new(Box::new(client.sim), 1);
    booth.add(Rule { api: Api::Callback, fault: Fault::Hold, probability_ppm: 1_000_000, left: Some(1) });
    assert!(booth.due(now).is_empty() && booth.due(now.plus_s(3_600)).is_empty());
    booth.clear();
    assert_eq!(booth.due(now.plus_s(3_600)).len(), 1);
}
