//! Refunds: states by wallet, numbers, rules, the split.

use super::{Client, told};
use serde_json::json;
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy, Wallet};
use sluice_simkit::{Outcome, RefundState, Scan, Simulator};

#[test]
fn wechat_answers_p_and_the_others_at_once() {
    let mut client = Client::new();
    for (number, wallet, first) in
        [("STATE001", Wallet::Wechat, "P"), ("STATE002", Wallet::Alipay, "S"), ("STATE003", Wallet::Unionpay, "S")]
    {
        client.paid(number, 100, Some(wallet));
        let refund = format!("R{number}");
        let answer = client.refund(number, &refund, 100, 30);
        assert_eq!((answer.get("refundState"), answer.get("refundAmt"), answer.get("refundDscAmt")), (first, "30", "0"));
        assert_eq!(client.query(number).get("tradeState"), "R");
        client.pass_ms(1_000);
        let shown = client.post("refundquery", json!({"cmbOrderId": answer.get("cmbOrderId")}));
        assert_eq!((shown.get("tradeState"), shown.get("orderId"), shown.get("endDate")), ("S", refund.as_str(), "20261123"));
    }
    assert_eq!(client.entry("STATE001").refunds[0].status, RefundState::Succeeded);
    assert_eq!(client.post("refundquery", json!({"orderId": "NOBODY"})).err(), "ORDERID_NOT_EXIST");
    assert_eq!(client.post("refundquery", json!({"cmbOrderId": "0"})).err(), "CMBORDERID_NOT_EXIST");
}

#[test]
fn the_same_number_is_the_same_refund() {
    let mut client = Client::new();
    client.paid("SAME0001", 100, Some(Wallet::Wechat));
    client.paid("SAME0002", 100, None);
    let first = client.refund("SAME0001", "RSAME1", 100, 40);
    let again = client.refund("SAME0001", "RSAME1", 100, 40);
    assert_eq!((first.biz == again.biz, client.entry("SAME0001").refunds.len()), (true, 1));
    assert_eq!(client.refund("SAME0001", "RSAME1", 100, 41).err(), "ORDERID_DUPLICATION");
    assert_eq!(client.refund("SAME0002", "RSAME1", 100, 40).err(), "ORDERID_DUPLICATION");
    assert_eq!(client.refund("SAME0001", "SAME0002", 100, 40).err(), "ORDERID_DUPLICATION", "payments and refunds share numbers");
    client.hook("merchant_funds none");
    assert_eq!(client.refund("SAME0002", "RSAME2", 100, 40).err(), "NOT_ENOUGH");
    client.hook("merchant_funds full");
    assert_eq!(client.refund("SAME0002", "RSAME2", 100, 40).get("refundState"), "S", "a refused number may be used again");
}

#[test]
fn every_rule_has_its_code() {
    let mut client = Client::new();
    client.apply("RULE0001", 100);
    assert_eq!(client.refund("RULE0001", "R1", 100, 1).err(), "TRADESTATE_NOT_LAWFUL");
    client.sim.scan(&Scan::of("RULE0001", Outcome::Pay), client.now).unwrap();
    assert_eq!(client.refund("NOBODY", "R1", 100, 1).err(), "ORDERID_NOT_EXIST");
    assert_eq!(client.refund("RULE0001", "R1", 101, 1).err(), "TXNAMT_ERROR");
    assert_eq!(client.refund("RULE0001", "R1", 100, 0).err(), "REFUNDAMT_ERROR");
    assert_eq!(client.refund("RULE0001", "R1", 100, 101).err(), "REFUNDAMT_ERROR");
    let parts = |more: serde_json::Value| {
        super::merged(json!({"orderId": "R1", "origOrderId": "RULE0001", "txnAmt": "100", "refundAmt": "8"}), more)
    };
    assert_eq!(client.post("refund", parts(json!({"refundOrigAmt": "10"}))).err(), "REFUNDAMT_ERROR");
    assert_eq!(client.post("refund", parts(json!({"refundOrigAmt": "10", "refundCouponAmt": "1"}))).err(), "REFUNDAMT_ERROR");
    assert_eq!(client.post("refund", parts(json!({"refundOrigAmt": "10", "refundCouponAmt": "2"}))).get("refundState"), "S");
    for n in 2..=50 {
        assert_eq!(client.refund("RULE0001", &format!("R{n}"), 100, 1).get("refundState"), "S");
    }
    assert_eq!(client.refund("RULE0001", "R51", 100, 1).err(), "TRADESTATE_NOT_LAWFUL", "fifty at most");
    client.paid("RULE0002", 100, None);
    client.hook("same_day_refunds on");
    client.pass_ms(86_400_000);
    assert_eq!(client.refund("RULE0002", "R99", 100, 1).err(), "TRADE_OVERDUE");
}

#[test]
fn the_parts_of_a_discounted_order_add_up() {
    let mut client = Client::new();
    client.apply("SPLIT001", 100);
    let off = [Discount { kind: DiscountKind::Coupon, funded_by: FundedBy::Channel, amount: Fen(33) }];
    client.sim.scan(&Scan { discounts: &off, ..Scan::of("SPLIT001", Outcome::Pay) }, client.now).unwrap();
    // 67 of 100 were the payer's: 10 → 6 (6.7 down), 50 → 33 (33.5 down), the last 40 → the rest.
    let parts = [("R1", 10, "4"), ("R2", 50, "17"), ("R3", 40, "12")];
    for (refund, amount, discount) in parts {
        assert_eq!(client.refund("SPLIT001", refund, 100, amount).get("refundDscAmt"), discount);
    }
    assert_eq!(client.entry("SPLIT001").remaining(), Fen::ZERO);
}

#[test]
fn a_failed_refund_gives_its_room_back_and_a_pending_one_waits() {
    let mut client = Client::new();
    client.paid("FATE0001", 100, Some(Wallet::Wechat));
    client.hook("refund_fate fail");
    assert_eq!(client.refund("FATE0001", "R1", 100, 100).get("refundState"), "P");
    client.pass_ms(1_000);
    assert_eq!(client.post("refundquery", json!({"orderId": "R1"})).get("tradeState"), "F");
    assert_eq!(client.query("FATE0001").get("tradeState"), "S");
    client.hook("refund_fate pending");
    assert_eq!(client.refund("FATE0001", "R2", 100, 100).get("refundState"), "P");
    client.pass_ms(600_000);
    assert_eq!(client.post("refundquery", json!({"orderId": "R2"})).get("tradeState"), "P");
    assert_eq!(client.hook("refund_release"), "1");
    assert_eq!(client.post("refundquery", json!({"orderId": "R2"})).get("tradeState"), "S");
    client.hook("refund_fate fail");
    client.paid("FATE0002", 100, None);
    assert_eq!(client.refund("FATE0002", "R3", 100, 100).get("refundState"), "F", "at once where there is no P");
}

#[test]
fn only_a_refund_that_succeeded_is_told_and_only_where_it_asked() {
    let mut client = Client::new();
    client.paid("TOLD0001", 100, Some(Wallet::Wechat));
    client.due();
    client.refund("TOLD0001", "R1", 100, 30);
    assert!(client.due().is_empty());
    client.pass_ms(1_000);
    let due = client.due();
    assert_eq!(
        (due.len(), due[0].url.as_str(), due[0].out_trade_no.as_str()),
        (1, "http://127.0.0.1:8080/notify/cmb-main/refund", "TOLD0001")
    );
    let biz = told(&due[0]);
    assert_eq!((biz["orderId"].as_str(), biz["refundAmt"].as_str(), biz.get("txnAmt")), (Some("R1"), Some("30"), None));
    client.hook("refund_fate fail");
    client.refund("TOLD0001", "R2", 100, 30);
    client.pass_ms(1_000);
    assert!(client.due().is_empty(), "failures are not told");
    client.hook("refund_fate success");
    client.post("refund", json!({"orderId": "R3", "origOrderId": "TOLD0001", "txnAmt": "100", "refundAmt": "1"}));
    client.pass_ms(1_000);
    assert!(client.due().is_empty(), "it named no address");
}
