//! §13 "Notify".

use super::{Client, START, told, verified};
use crate::{KeyMode, Options};
use serde_json::Value;
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy, HttpReply};
use sluice_simkit::{Api, Booth, Fault, Outcome, Rule, Scan, Simulator};

/// Seconds between tries, from the pack's own list.
const SCHEDULE: [i64; 15] = [15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600];

fn answer(status: u16) -> HttpReply {
    HttpReply::new(status, &[], "{\"code\":\"FAIL\",\"message\":\"later\"}")
}

#[test]
fn a_payment_is_told_encrypted_and_signed() {
    let mut client = Client::new();
    client.native("TELL0001", 100);
    let coupon = [Discount { kind: DiscountKind::Coupon, funded_by: FundedBy::Channel, amount: Fen(10) }];
    client.sim.scan(&Scan { discounts: &coupon, ..Scan::of("TELL0001", Outcome::Pay) }, client.now).unwrap();
    let due = client.due();
    assert_eq!((due.len(), due[0].url.as_str(), due[0].timeout_ms), (1, "http://127.0.0.1:8080/notify/wx-main", 5_000));
    let (event, plain) = told(&due[0]);
    assert_eq!(event, "TRANSACTION.SUCCESS");
    // The members of the vector `pay-success-direct`.
    let vector: Value = serde_json::from_str(PAY_SUCCESS_DIRECT).unwrap();
    let names = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&plain), names(&vector));
    assert_eq!(names(&plain["amount"]), names(&vector["amount"]));
    assert_eq!(names(&plain["promotion_detail"][0]), names(&vector["promotion_detail"][0]));
    assert_eq!((plain["out_trade_no"].as_str(), plain["amount"]["payer_total"].as_i64()), (Some("TELL0001"), Some(90)));
}

#[test]
fn a_failed_one_comes_again_by_the_schedule_and_stops_when_taken() {
    let mut client = Client::new();
    client.paid("AGAIN001", 100);
    let mut bodies = Vec::new();
    for (n, wait_s) in SCHEDULE.into_iter().enumerate() {
        let due = client.due();
        assert_eq!(due.len(), 1, "try {n}");
        bodies.push(due[0].body.clone());
        let reply = answer([500, 404, 302, 201][n % 4]);
        client.sim.delivered(due[0].id, Some(&reply).filter(|_| n % 5 != 0), client.now);
        assert!(client.due().is_empty());
        client.pass_ms(wait_s * 1000 - 1);
        assert!(client.due().is_empty(), "not before {wait_s} s");
        client.pass_ms(1);
    }
    assert_eq!(client.now.since_ms(START), (24 * 60 + 4) * 60_000);
    let id = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["id"].clone();
    assert!(bodies.iter().all(|body| id(body) == id(&bodies[0])), "one id for all tries");
    assert_ne!(bodies[0], bodies[1], "encrypted afresh");
    let last = client.due();
    client.sim.delivered(last[0].id, None, client.now);
    client.pass_ms(86_400_000);
    assert!(client.due().is_empty(), "after the last try: no more");
    client.sim.resend("AGAIN001", client.now).unwrap();
    let resent = client.due();
    client.sim.delivered(resent[0].id, Some(&answer(204)), client.now);
    client.pass_ms(86_400_000);
    assert!(client.due().is_empty(), "taken");
}

#[test]
fn fast_divides_the_schedule_and_next_at_knows_it() {
    let mut client = Client::with(Options { fast: 100, ..Options::fixed(1) });
    client.paid("FAST0001", 100);
    assert_eq!(client.sim.next_at(), Some(client.now));
    let due = client.due();
    client.sim.delivered(due[0].id, None, client.now);
    assert_eq!(client.sim.next_at(), Some(client.now.plus_ms(150)));
}

#[test]
fn a_probe_goes_first_and_the_true_one_follows() {
    let mut client = Client::with(Options { probe_callbacks: true, ..Options::fixed(1) });
    client.paid("PROBE001", 100);
    let probe = client.due().remove(0);
    assert!(probe.headers.get("wechatpay-signature").unwrap().starts_with("WECHATPAY/SIGNTEST/"));
    assert!(!verified(&probe.headers, &probe.body));
    client.sim.delivered(probe.id, Some(&answer(401)), client.now);
    assert_eq!(client.sim.probes_swallowed(), 0);
    assert_eq!(told(&client.due()[0]).0, "TRANSACTION.SUCCESS");
}

#[test]
fn a_probe_that_is_taken_is_counted() {
    let mut client = Client::with(Options { probe_callbacks: true, ..Options::fixed(1) });
    client.paid("PROBE001", 100);
    let probe = client.due().remove(0);
    client.sim.delivered(probe.id, Some(&answer(200)), client.now);
    assert_eq!(client.sim.probes_swallowed(), 1);
}

#[test]
fn the_current_platform_key_signs() {
    let mut client = Client::new();
    client.paid("ROTATE01", 100);
    client.sim.rotate_platform_key();
    let rotated = client.due().remove(0);
    assert_eq!(rotated.headers.get("wechatpay-serial"), Some("F5765756002FDD77"));
    told(&rotated);
    client.sim.set_key_mode(KeyMode::PublicKey);
    client.sim.resend("ROTATE01", client.now).unwrap();
    let switched = client.due().remove(0);
    assert!(switched.headers.get("wechatpay-serial").unwrap().starts_with("PUB_KEY_ID_"));
    told(&switched);
}

#[test]
fn it_may_come_before_the_answer_of_the_create_call() {
    let mut client = Client::with(Options { pay_on_create: true, ..Options::fixed(1) });
    assert_eq!(client.native("EARLY001", 100).0, 200);
    assert_eq!(told(&client.due()[0]).1["out_trade_no"], "EARLY001");
}

fn one(client: &mut Client, fault: Fault) -> Vec<sluice_simkit::Delivery> {
    client.sim.resend("FAULT001", client.now).unwrap();
    client.sim.due(client.now, &mut || Some(fault))
}

#[test]
fn faults_on_purpose() {
    let mut client = Client::new();
    client.paid("FAULT001", 100);
    assert_eq!(told(&one(&mut client, Fault::WrongAmount)[0]).1["amount"]["total"], 101);
    assert_eq!(told(&one(&mut client, Fault::WrongOrder)[0]).1["out_trade_no"], "FAULT000");
    let spoiled = one(&mut client, Fault::BadSignature).remove(0);
    assert!(!verified(&spoiled.headers, &spoiled.body));
    let garbage = one(&mut client, Fault::Garbage).remove(0);
    assert!(verified(&garbage.headers, &garbage.body) && serde_json::from_slice::<Value>(&garbage.body).is_err());
    let two = one(&mut client, Fault::Duplicate);
    assert_eq!((two.len(), told(&two[0]).1 == told(&two[1]).1), (2, true));
    for delivery in &two {
        client.sim.delivered(delivery.id, Some(&answer(200)), client.now);
    }
    assert!(one(&mut client, Fault::Delay { ms: 250 }).is_empty());
    client.pass_ms(250);
    assert_eq!(client.sim.due(client.now, &mut || Some(Fault::Delay { ms: 250 })).len(), 1, "a delay strikes once");
    assert!(one(&mut client, Fault::LoseRequest).is_empty());
    client.pass_ms(15_000);
    assert_eq!(client.due().len(), 1, "lost on the way: comes again");
    let deaf = one(&mut client, Fault::LoseResponse).remove(0);
    client.sim.delivered(deaf.id, Some(&answer(200)), client.now);
    client.pass_ms(15_000);
    assert_eq!(client.due().len(), 1, "its answer was lost: comes again");
}

#[test]
fn held_callbacks_wait_until_the_faults_are_cleared() {
    let mut client = Client::new();
    client.paid("HOLD0001", 100);
    let now = client.now;
    let mut booth = Booth::new(Box::new(client.sim), 1);
    booth.add(Rule { api: Api::Callback, fault: Fault::Hold, probability_ppm: 1_000_000, left: Some(1) });
    assert!(booth.due(now).is_empty());
    assert!(booth.due(now.plus_s(3_600)).is_empty());
    booth.clear();
    assert_eq!(booth.due(now.plus_s(3_600)).len(), 1);
}

/// The plaintext of the vector `pay-success-direct`.
const PAY_SUCCESS_DIRECT: &str = r#"{"transaction_id":"4200002681202506012345678901","amount":{"payer_total":90,"total":100,"currency":"CNY","payer_currency":"CNY"},"mchid":"1900000100","trade_state":"SUCCESS","bank_type":"CMB_DEBIT","promotion_detail":[{"amount":10,"wechatpay_contribute":10,"coupon_id":"109519","scope":"GLOBAL","merchant_contribute":0,"name":"单品惠-6","other_contribute":0,"currency":"CNY","stock_id":"931386","type":"NOCASH"}],"success_time":"2025-06-01T10:34:56+08:00","payer":{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},"out_trade_no":"SLUICE20250601000001","appid":"wxd678efh567hg6787","trade_state_desc":"支付成功","trade_type":"NATIVE","attach":"自定义数据"}"#;
