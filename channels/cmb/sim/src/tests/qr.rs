//! Orders by QR: life, wallets, numbers, expiry, close, query.

use super::{Client, merged, order};
use crate::SUB_MERCHANTS;
use serde_json::json;
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy, Wallet};
use sluice_simkit::{Outcome, Scan, Simulator, State};

#[test]
fn an_order_is_made_scanned_paid_and_told() {
    let mut client = Client::new();
    let made = client.apply("QR000001", 1280);
    assert_eq!((made.get("orderId"), made.get("cmbOrderId").len(), made.get("txnTime")), ("QR000001", 24, "20261123090000"));
    assert_eq!(client.query("QR000001").err(), "UNPAIED_ORDER");
    let waiting = client.sim.waiting().remove(0);
    assert_eq!((waiting.content.as_str(), waiting.method.as_str(), waiting.total), (made.get("qrCode"), "cmb_qr", Fen(1280)));
    client.pass_ms(5_000);
    assert!(client.sim.scan(&Scan::of(&waiting.content, Outcome::Pay), client.now).unwrap().paid);
    let shown = client.query("QR000001");
    assert_eq!((shown.get("tradeState"), shown.get("payType"), shown.get("txnAmt"), shown.get("dscAmt")), ("S", "YL", "1280", "0"));
    assert_eq!((shown.get("endDate"), shown.get("endTime"), shown.get("mchReserved")), ("20261123", "090005", "r/1"));
    let by_theirs = json!({"cmbOrderId": made.get("cmbOrderId"), "orderId": "NOBODY"});
    assert_eq!(client.post("orderquery", by_theirs).get("orderId"), "QR000001", "their number wins");
    assert!(client.sim.waiting().is_empty());
    assert_eq!((client.entry("QR000001").status, client.entry("QR000001").charges), (State::Paid, 1));
}

#[test]
fn any_wallet_may_scan_but_then_only_that_one_pays() {
    let mut client = Client::new();
    let kinds = [(Wallet::Wechat, "WX"), (Wallet::Alipay, "ZF"), (Wallet::Unionpay, "YL"), (Wallet::Ecny, "EC"), (Wallet::Cmb, "YL")];
    for (n, (wallet, pay_type)) in kinds.into_iter().enumerate() {
        let number = format!("WALLET{n}");
        client.paid(&number, 10, Some(wallet));
        assert_eq!(client.query(&number).get("payType"), pay_type);
    }
    client.apply("HELD0001", 10);
    let scan = |wallet, outcome| Scan { wallet: Some(wallet), ..Scan::of("cmb:HELD0001", outcome) };
    assert!(!client.sim.scan(&scan(Wallet::Wechat, Outcome::Abandon), client.now).unwrap().paid);
    let looked = client.query("HELD0001");
    assert_eq!((looked.get("tradeState"), looked.get("payType")), ("P", "WX"));
    assert!(client.sim.scan(&scan(Wallet::Alipay, Outcome::Pay), client.now).is_err());
    assert!(client.sim.scan(&scan(Wallet::Wechat, Outcome::Pay), client.now).unwrap().paid);
    assert!(client.sim.scan(&scan(Wallet::Wechat, Outcome::Pay), client.now).is_err(), "twice");
    for content in ["https://qr.95516.com.evil.cn/03080000/x", "https://qr.95516.com/03080000/x", "wechat:HELD0001"] {
        assert!(client.sim.scan(&Scan::of(content, Outcome::Pay), client.now).is_err(), "{content}");
    }
}

#[test]
fn discounts_stand_in_dsc_amt_and_may_pay_for_all() {
    let mut client = Client::new();
    client.apply("DISC0001", 100);
    let off = |fen| [Discount { kind: DiscountKind::Coupon, funded_by: FundedBy::Bank, amount: Fen(fen) }];
    assert!(client.sim.scan(&Scan { discounts: &off(101), ..Scan::of("DISC0001", Outcome::Pay) }, client.now).is_err());
    client.sim.scan(&Scan { discounts: &off(100), ..Scan::of("DISC0001", Outcome::Pay) }, client.now).unwrap();
    let shown = client.query("DISC0001");
    assert_eq!((shown.get("dscAmt"), shown.get("txnAmt"), client.entry("DISC0001").payer_total), ("100", "100", Fen::ZERO));
    assert!(shown.get("promotionDetail").contains("\"fundedBy\":\"bank\""));
}

#[test]
fn a_number_is_used_once_and_what_it_is_tells_the_refusal() {
    let mut client = Client::new();
    client.apply("NUMBER01", 100);
    assert_eq!(client.apply("NUMBER01", 100).err(), "ORDERID_DUPLICATION");
    assert_eq!(client.apply("NUMBER01", 101).err(), "AMT_MISMATCHED_ORDER");
    client.sim.scan(&Scan::of("NUMBER01", Outcome::Pay), client.now).unwrap();
    assert_eq!(client.apply("NUMBER01", 100).err(), "ORDER_PAID");
    client.refund("NUMBER01", "REFUND01", 100, 1);
    assert_eq!(client.apply("REFUND01", 100).err(), "ORDERID_DUPLICATION");
    client.apply("NUMBER02", 100);
    client.post("close", json!({"origOrderId": "NUMBER02"}));
    assert_eq!(client.apply("NUMBER02", 100).err(), "ORDERID_INVALID");
    assert_eq!(client.entry("NUMBER01").charges, 1);
}

#[test]
fn an_order_expires_and_then_cannot_be_paid() {
    let mut client = Client::new();
    client.post("qrcodeapply", merged(order("EXPIRE01", 100), json!({"payValidTime": "60"})));
    client.apply("EXPIRE02", 100);
    assert_eq!(client.sim.next_at(), Some(client.now.plus_s(60)));
    client.pass_ms(60_000);
    assert_eq!(client.query("EXPIRE01").err(), "ORDERID_INVALID");
    assert!(client.sim.scan(&Scan::of("EXPIRE01", Outcome::Pay), client.now).is_err());
    assert_eq!(client.post("close", json!({"origOrderId": "EXPIRE01"})).get("closeState"), "C");
    client.pass_ms(839_999);
    assert_eq!(client.query("EXPIRE02").err(), "UNPAIED_ORDER");
    client.pass_ms(1);
    assert_eq!(client.query("EXPIRE02").err(), "ORDERID_INVALID", "900 s when it names none");
}

#[test]
fn close_ends_an_unpaid_order_and_refuses_a_paid_one() {
    let mut client = Client::new();
    let cmb_order_id = client.apply("CLOSE001", 100).get("cmbOrderId").to_owned();
    client.hook("undo_fate fail");
    assert_eq!(client.post("close", json!({"origOrderId": "CLOSE001"})).get("closeState"), "F");
    client.hook("undo_fate success");
    for _ in 0..2 {
        assert_eq!(client.post("close", json!({"origCmbOrderId": cmb_order_id})).get("closeState"), "C");
    }
    assert_eq!(client.query("CLOSE001").get("tradeState"), "C");
    client.paid("CLOSE002", 100, None);
    assert_eq!(client.post("close", json!({"origOrderId": "CLOSE002"})).err(), "ORDER_PAID");
    assert_eq!(client.post("cancel", json!({"origOrderId": "CLOSE001"})).err(), "NOT_ALLOWED");
    assert_eq!(client.post("close", json!({"origOrderId": "NOBODY"})).err(), "ORDERID_NOT_EXIST");
    assert_eq!(client.post("close", json!({"origCmbOrderId": "0"})).err(), "CMBORDERID_NOT_EXIST");
    assert_eq!(client.post("close", json!({})).err(), "UNDEFINED_PRAM");
}

#[test]
fn a_query_looks_back_fifteen_days_and_knows_what_it_does_not_know() {
    let mut client = Client::new();
    assert_eq!(client.query("NOBODY").err(), "CMBORDERID_NOT_EXIST");
    client.paid("OLD00001", 100, None);
    client.pass_ms(15 * 86_400_000);
    assert_eq!(client.query("OLD00001").get("tradeState"), "S");
    client.pass_ms(1);
    assert_eq!(client.query("OLD00001").err(), "ORDERID_NOT_EXIST");
}

#[test]
fn limits_have_their_own_codes() {
    let mut client = Client::new();
    client.hook("single_limit 100");
    assert_eq!(client.apply("LIMIT001", 101).err(), "TRADEAMOUNT_LIMITED");
    client.paid("LIMIT001", 100, None);
    client.hook("daily_quota 150");
    assert_eq!(client.apply("LIMIT002", 51).err(), "MCH_DAILY_QUOTA_EXCEED");
    client.pass_ms(86_400_000);
    client.paid("LIMIT002", 51, None);
}

#[test]
fn a_sub_merchant_is_said_again() {
    let mut client = Client::new();
    client.post("qrcodeapply", merged(order("SUB00001", 100), json!({"subMerId": SUB_MERCHANTS[0], "subStoreId": "S1"})));
    client.sim.scan(&Scan::of("SUB00001", Outcome::Pay), client.now).unwrap();
    let shown = client.query("SUB00001");
    assert_eq!((shown.get("subMerId"), shown.get("subStoreId")), (SUB_MERCHANTS[0], "S1"));
    assert_eq!(super::told(&client.due()[0])["subMerId"], SUB_MERCHANTS[0]);
}
