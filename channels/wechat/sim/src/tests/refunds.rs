//! §13 "Refund".

use super::{Client, code, told};
use crate::{Options, RefundFate};
use serde_json::{Value, json};
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy};
use sluice_simkit::{Outcome, RefundState, Scan, Simulator};

const REFUNDS: &str = "/v3/refund/domestic/refunds";

impl Client {
    fn refund(&mut self, number: &str, refund_number: &str, amount: i64, total: i64) -> (u16, Value) {
        let body = json!({
            "out_trade_no": number, "out_refund_no": refund_number, "reason": "r", "notify_url": "http://127.0.0.1/notify/wx/refund",
            "amount": {"refund": amount, "total": total, "currency": "CNY"},
        });
        self.post(REFUNDS, &body)
    }
}

#[test]
fn accepted_then_processing_then_success_with_a_callback() {
    let mut client = Client::new();
    client.paid("REFD0001", 100);
    client.due();
    let (status, accepted) = client.refund("REFD0001", "R1", 30, 100);
    assert_eq!((status, accepted["status"].as_str()), (200, Some("PROCESSING")));
    assert!(accepted.get("success_time").is_none());
    assert_eq!(client.refund("REFD0001", "R1", 30, 100).1["refund_id"], accepted["refund_id"], "the same number is the same refund");
    assert_eq!(code(&client.refund("REFD0001", "R1", 31, 100)), (400, "INVALID_REQUEST"));
    client.pass_ms(1_000);
    let (_, done) = client.get(&format!("{REFUNDS}/R1"));
    assert_eq!((done["status"].as_str(), done["amount"]["payer_refund"].as_i64()), (Some("SUCCESS"), Some(30)));
    assert!(done.get("success_time").is_some());
    assert_eq!(client.state("REFD0001"), "REFUND");
    let (event, plain) = told(&client.due()[0]);
    assert_eq!((event.as_str(), plain["refund_status"].as_str()), ("REFUND.SUCCESS", Some("SUCCESS")));
    assert_eq!((plain["out_refund_no"].as_str(), plain["mchid"].as_str()), (Some("R1"), Some(crate::MCHID)));
    assert!(plain.get("appid").is_none());
    assert_eq!(code(&client.get(&format!("{REFUNDS}/R9"))), (404, "RESOURCE_NOT_EXISTS"));
}

#[test]
fn closed_frees_the_money_and_abnormal_waits_for_a_person() {
    let mut client = Client::new();
    client.paid("FATE0001", 100);
    client.due();
    client.sim.set_refund_fate(RefundFate::Closed);
    client.refund("FATE0001", "R1", 100, 100);
    client.pass_ms(60_000);
    assert_eq!(told(&client.due()[0]).0, "REFUND.CLOSED");
    client.sim.set_refund_fate(RefundFate::Abnormal);
    assert_eq!(client.refund("FATE0001", "R2", 100, 100).0, 200, "the closed one took nothing");
    client.pass_ms(60_000);
    assert_eq!(told(&client.due()[0]).0, "REFUND.ABNORMAL");
    let states: Vec<RefundState> = client.entry("FATE0001").refunds.iter().map(|r| r.status).collect();
    assert_eq!(states, [RefundState::Failed, RefundState::Pending]);
    let id = client.get(&format!("{REFUNDS}/R2")).1["refund_id"].as_str().unwrap().to_owned();
    let apply = json!({"out_refund_no": "R2", "type": "MERCHANT_BANK_CARD"});
    assert_eq!(client.post(&format!("{REFUNDS}/{id}/apply-abnormal-refund"), &apply).1["status"], "PROCESSING");
    client.pass_ms(1_000);
    assert_eq!(client.get(&format!("{REFUNDS}/R2")).1["status"], "SUCCESS");
}

#[test]
fn the_rules_of_amount_pace_count_and_window() {
    let mut client = Client::new();
    client.native("RULE0001", 100);
    assert_eq!(code(&client.refund("RULE0001", "R1", 1, 100)), (400, "INVALID_REQUEST"), "not paid");
    assert_eq!(code(&client.refund("NOPE0001", "R1", 1, 100)), (404, "RESOURCE_NOT_EXISTS"));
    client.sim.scan(&Scan::of("RULE0001", Outcome::Pay), client.now).unwrap();
    assert_eq!(client.refund("RULE0001", "R1", 1, 99).1["detail"]["field"], "/amount/total");
    assert_eq!(code(&client.refund("RULE0001", "R1", 101, 100)), (400, "INVALID_REQUEST"));
    client.sim.set_merchant_funds(false);
    assert_eq!(code(&client.refund("RULE0001", "R1", 1, 100)), (403, "NOT_ENOUGH"));
    client.sim.set_merchant_funds(true);
    for n in 1..=50 {
        assert_eq!(client.refund("RULE0001", &format!("R{n}"), 1, 100).0, 200, "{n}: the same number after the top-up, then others");
        assert_eq!(code(&client.refund("RULE0001", "Rx", 1, 100)), (429, "FREQUENCY_LIMITED"));
        client.pass_ms(60_000);
    }
    assert_eq!(code(&client.refund("RULE0001", "R51", 1, 100)), (400, "INVALID_REQUEST"), "the fifty-first");
    client.paid("RULE0002", 100);
    assert_eq!(code(&client.refund("RULE0002", "R1", 1, 100)), (400, "INVALID_REQUEST"), "the number is another order's");
    client.pass_ms(365 * 86_400_000 + 1);
    assert_eq!(code(&client.refund("RULE0002", "R60", 1, 100)), (400, "INVALID_REQUEST"), "after 365 days");
    assert_eq!(client.sim.ledger().audit(), Ok(()));
}

#[test]
fn fast_divides_the_gap_and_the_time_a_refund_takes() {
    let mut client = Client::with(Options { fast: 100, ..Options::fixed(1) });
    client.paid("QUICK001", 100);
    client.refund("QUICK001", "R1", 1, 100);
    client.pass_ms(10);
    assert_eq!(client.entry("QUICK001").refunds[0].status, RefundState::Succeeded);
    client.pass_ms(590);
    assert_eq!(client.refund("QUICK001", "R2", 1, 100).0, 200);
}

#[test]
fn coupons_go_back_in_proportion_and_add_up() {
    let mut client = Client::new();
    client.native("COUPON01", 100);
    let discounts = [
        Discount { kind: DiscountKind::Coupon, funded_by: FundedBy::Channel, amount: Fen(7) },
        Discount { kind: DiscountKind::Merchant, funded_by: FundedBy::Merchant, amount: Fen(4) },
    ];
    client.sim.scan(&Scan { discounts: &discounts, ..Scan::of("COUPON01", Outcome::Pay) }, client.now).unwrap();
    let shown = client.query("COUPON01").1;
    assert_eq!((shown["amount"]["total"].as_i64(), shown["amount"]["payer_total"].as_i64()), (Some(100), Some(89)));
    let types: Vec<_> = shown["promotion_detail"].as_array().unwrap().iter().map(|p| p["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["CASH", "NOCASH"]);
    let mut back = Vec::new();
    for (n, amount) in [(1, 33), (2, 33), (3, 34)] {
        let amount = client.refund("COUPON01", &format!("R{n}"), amount, 100).1["amount"].clone();
        let of = |name: &str| amount[name].as_i64().unwrap();
        assert_eq!(of("payer_refund") + of("discount_refund"), of("refund"));
        back.push(of("payer_refund"));
        client.pass_ms(60_000);
    }
    assert_eq!((back[0], back.iter().sum::<i64>()), (29, 89), "33 × 89 ÷ 100 rounded; all of it in the end");
}
