//! Pack §1.5, §5.

use super::{Client, NOTIFY, START, order, told};
use crate::Options;
use serde_json::json;
use sluice_contract::HttpReply;
use sluice_simkit::{Api, Booth, Fault, Outcome, Rule, Scan, Simulator};

/// Seconds between sends, from the pack's own list.
const SCHEDULE: [i64; 7] = [240, 600, 600, 3_600, 7_200, 21_600, 54_000];

fn said(text: &str) -> HttpReply {
    HttpReply::new(200, &[], text)
}

#[test]
fn a_payment_is_told_with_the_fields_of_the_real_sample() {
    let mut client = Client::new();
    client.paid("TELL1", "1.00");
    let due = client.due();
    assert_eq!((due.len(), due[0].url.as_str()), (1, NOTIFY));
    let fields = told(&due[0]);
    for name in [
        "gmt_create",
        "charset",
        "seller_email",
        "subject",
        "sign",
        "buyer_id",
        "invoice_amount",
        "notify_id",
        "fund_bill_list",
        "notify_type",
        "trade_status",
        "receipt_amount",
        "buyer_pay_amount",
        "sign_type",
        "app_id",
        "seller_id",
        "gmt_payment",
        "notify_time",
        "version",
        "out_trade_no",
        "total_amount",
        "trade_no",
        "auth_app_id",
        "buyer_logon_id",
        "point_amount",
    ] {
        assert!(fields[name].as_str().is_some_and(|v| !v.is_empty()), "{name}: {fields}");
    }
    assert_eq!(fields["fund_bill_list"], "[{\"amount\":\"1.00\",\"fundChannel\":\"ALIPAYACCOUNT\"}]");
    assert_eq!((fields["trade_status"].as_str(), fields["passback_params"].as_str()), (Some("TRADE_SUCCESS"), Some("p%3D1")));
    assert_eq!(fields.get("refund_fee"), None);
}

#[test]
fn only_the_seven_bytes_stop_it_and_the_id_stays() {
    let mut client = Client::new();
    client.paid("AGAIN1", "1.00");
    let mut ids = Vec::new();
    let wrong = ["fail", "\"success\"", "SUCCESS", "success\n", "", "<b>success</b>", "{}"];
    for (n, wait_s) in SCHEDULE.into_iter().enumerate() {
        let due = client.due();
        assert_eq!(due.len(), 1, "send {n}");
        ids.push(told(&due[0])["notify_id"].clone());
        client.sim.delivered(due[0].id, Some(&said(wrong[n])), client.now);
        client.pass_ms(wait_s * 1000 - 1);
        assert!(client.due().is_empty(), "not before {wait_s} s");
        client.pass_ms(1);
    }
    assert!(ids.iter().all(|id| *id == ids[0]));
    let last = client.due();
    let redirect = HttpReply::new(302, &[], "success");
    client.sim.delivered(last[0].id, Some(&redirect), client.now);
    client.pass_ms(7 * 86_400_000);
    assert!(client.due().is_empty(), "eight sends");
    client.sim.resend("AGAIN1", client.now).unwrap();
    let again = client.due();
    client.sim.delivered(again[0].id, Some(&said("success")), client.now);
    client.pass_ms(7 * 86_400_000);
    assert!(client.due().is_empty(), "taken");
}

#[test]
fn fast_divides_the_schedule_and_eager_resends_come_first() {
    let mut client = Client::with(Options { fast: 100, immediate_resends: true, ..Options::fixed(1) });
    client.paid("FAST1", "1.00");
    assert_eq!(client.sim.next_at(), Some(client.now));
    for _ in 0..4 {
        let due = client.due();
        client.sim.delivered(due[0].id, None, client.now);
    }
    assert_eq!(client.sim.next_at(), Some(client.now.plus_ms(2_400)));
}

#[test]
fn a_partial_refund_tells_the_trade_again_and_a_full_one_only_where_closing_is_told() {
    let mut client = Client::new();
    let mut wap = order("WAP1", "1.00");
    wap["product_code"] = json!("QUICK_WAP_WAY");
    let string = client.order_string("alipay.trade.wap.pay", &wap);
    client.scan(&string).unwrap();
    client.paid("QR1", "1.00");
    assert_eq!(client.due().len(), 2);
    for (number, closes) in [("QR1", false), ("WAP1", true)] {
        client.refund(number, "R1", "0.40");
        let fields = told(&client.due()[0]);
        assert_eq!((fields["trade_status"].as_str(), fields["out_biz_no"].as_str()), (Some("TRADE_SUCCESS"), Some("R1")));
        assert_eq!((fields["refund_fee"].as_str(), fields["total_amount"].as_str()), (Some("0.40"), Some("1.00")));
        assert!(fields["gmt_refund"].as_str().unwrap().starts_with("2026-11-23 09:00:"));
        client.pass_ms(3_000);
        client.refund(number, "R2", "0.60");
        let due = client.due();
        assert_eq!(due.len(), usize::from(closes), "{number}");
        if closes {
            let fields = told(&due[0]);
            assert_eq!((fields["trade_status"].as_str(), fields["refund_fee"].as_str()), (Some("TRADE_CLOSED"), Some("1.00")));
            assert!(fields["gmt_close"].is_string());
        }
    }
}

#[test]
fn closing_and_finishing_are_told_of_wap_and_app_only() {
    let mut client = Client::new();
    for (number, method, product_code, tells) in [
        ("END1", "alipay.trade.wap.pay", "QUICK_WAP_WAY", true),
        ("END2", "alipay.trade.app.pay", "QUICK_MSECURITY_PAY", true),
        ("END3", "alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY", false),
    ] {
        let mut biz = order(number, "1.00");
        biz["product_code"] = json!(product_code);
        biz["timeout_express"] = json!("5m");
        let string = client.order_string(method, &biz);
        client.sim.scan(&Scan::of(&string, Outcome::Decline), client.now).unwrap();
        client.pass_ms(300_000);
        let due = client.due();
        assert_eq!(due.len(), usize::from(tells), "{method}");
        if tells {
            let fields = told(&due[0]);
            assert_eq!(
                (fields["trade_status"].as_str(), fields.get("gmt_payment"), fields.get("refund_fee")),
                (Some("TRADE_CLOSED"), None, None)
            );
        }
        biz["out_trade_no"] = json!(format!("{number}F"));
        let string = client.order_string(method, &biz);
        client.scan(&string).unwrap();
        client.due();
        client.hook(&format!("finish {number}F"));
        assert_eq!((client.due().len(), client.status(&format!("{number}F")).as_str()), (usize::from(tells), "TRADE_FINISHED"));
    }
}

fn one(client: &mut Client, fault: Fault) -> Vec<sluice_simkit::Delivery> {
    client.sim.resend("FAULT1", client.now).unwrap();
    client.sim.due(client.now, &mut || Some(fault))
}

#[test]
fn faults_on_purpose() {
    let mut client = Client::new();
    client.paid("FAULT1", "1.00");
    assert_eq!(told(&one(&mut client, Fault::WrongAmount)[0])["total_amount"], "1.01");
    assert_eq!(told(&one(&mut client, Fault::WrongOrder)[0])["out_trade_no"], "FAULT0");
    assert!(one(&mut client, Fault::Garbage)[0].body.starts_with(b"<html>"));
    let spoiled = one(&mut client, Fault::BadSignature).remove(0);
    assert!(std::panic::catch_unwind(|| told(&spoiled)).is_err());
    let two = one(&mut client, Fault::Duplicate);
    assert_eq!((two.len(), told(&two[0]) == told(&two[1])), (2, true));
    client.hook("odd other_app");
    assert_ne!(told(&one(&mut client, Fault::Duplicate)[0])["app_id"], crate::APP_ID);
    client.hook("odd other_seller");
    assert_ne!(told(&one(&mut client, Fault::Duplicate)[0])["seller_id"], crate::PID);
}

#[test]
fn held_notices_wait_until_the_faults_are_cleared() {
    let mut client = Client::new();
    client.paid("HOLD1", "1.00");
    let mut booth = Booth::new(Box::new(client.sim), 1);
    booth.add(Rule { api: Api::Callback, fault: Fault::Hold, probability_ppm: 1_000_000, left: Some(1) });
    assert!(booth.due(START).is_empty() && booth.due(START.plus_s(600)).is_empty());
    booth.clear();
    assert_eq!(booth.due(START.plus_s(600)).len(), 1);
}
