//! Family B: one code for all apps, third parties' apps, and digits that mean the opposite.

use super::qr::discount;
use super::{CONSUME, CONSUMPTION, Client, all_apps, online, text};
use crate::MER_ID;
use serde_json::{Value, json};
use sluice_contract::{DiscountKind, FundedBy, Wallet};
use sluice_simkit::{Outcome, Scan, Simulator, State};

#[test]
fn zero_is_paid_and_two_is_not_known_yet() {
    let mut client = Client::new();
    let made = client.post(CONSUMPTION, &all_apps("ALL00001", 1_000));
    assert_eq!(text(&made, &["return_code", "supportAppType"]), ["0", "1111"]);
    let waiting = client.order_query("ALL00001", "0");
    assert_eq!(text(&waiting, &["return_code", "pay_status"]), ["20000002", "2"]);
    let scan = Scan { wallet: Some(Wallet::Alipay), ..Scan::of(made["codeUrl"].as_str().unwrap(), Outcome::Pay) };
    assert!(client.sim.scan(&scan, client.now).unwrap().paid);
    let paid = client.order_query("ALL00001", "0");
    assert_eq!(text(&paid, &["return_code", "pay_status", "pay_type", "total_amt", "payment_amt"]), ["0", "0", "10", "1000", "1000"]);
    assert_eq!((paid["pay_time"].as_str().unwrap().len(), paid["third_trade_no"].as_str().unwrap().len()), (14, 28));
    assert_eq!(client.order_query("ALL00001", "1")["pay_status"], "0", "a paid order does not close");
    assert_eq!(client.post(CONSUMPTION, &all_apps("ALL00001", 1_000))["return_code"], "00005031");
}

#[test]
fn the_bitmap_says_which_app_opens_the_code() {
    let mut client = Client::new();
    client.hook("support_apps 0010");
    assert_eq!(client.post(CONSUMPTION, &all_apps("BITS0001", 10))["supportAppType"], "0010");
    let with = |wallet| Scan { wallet, ..Scan::of("BITS0001", Outcome::Pay) };
    assert!(client.sim.scan(&with(Some(Wallet::Icbc)), client.now).is_err());
    assert!(client.sim.scan(&with(None), client.now).unwrap().paid);
    assert_eq!(client.order_query("BITS0001", "0")["pay_type"], "9", "the only app that opens it");
    assert!(client.sim.hook("support_apps 21", client.now).is_err());
}

#[test]
fn closing_is_a_query_with_a_flag() {
    let mut client = Client::new();
    client.post(CONSUMPTION, &all_apps("CLOSE001", 10));
    let call = client.call(super::ORDER_QUERY, &json!({"mer_id": MER_ID, "out_trade_no": "CLOSE001", "deal_flag": "1"}));
    assert_eq!(client.sim.api_of(&call), Some(sluice_simkit::Api::Close));
    let closed = client.order_query("CLOSE001", "1");
    assert_eq!(text(&closed, &["return_code", "pay_status"]), ["0", "1"]);
    assert_eq!(client.entry("CLOSE001").status, State::Closed);
    assert!(client.sim.scan(&Scan::of("CLOSE001", Outcome::Pay), client.now).is_err());
    assert_eq!(client.order_query("CLOSE001", "3")["return_code"], "400011");
    for (name, value) in [("icbc_appid", "1"), ("mer_prtcl_no", "0200010200020201"), ("mer_id", "020001020002")] {
        let mut biz = json!({"mer_id": MER_ID, "out_trade_no": "CLOSE001"});
        biz[name] = json!(value);
        let code = if name == "mer_id" { "12001081" } else { "400011" };
        assert_eq!(client.post(super::ORDER_QUERY, &biz)["return_code"], code, "{name}");
    }
    client.post(CONSUMPTION, &all_apps("CLOSE002", 10));
    let silent = json!({"mer_id": MER_ID, "out_trade_no": "CLOSE002"});
    assert_eq!(client.post(super::ORDER_QUERY, &silent)["pay_status"], "2", "nothing closes by omission");
    client.hook("begin CLOSE002");
    let busy = client.order_query("CLOSE002", "2");
    assert_eq!(text(&busy, &["return_code", "pay_status"]), ["20000002", "2"]);
    assert!(client.scan("CLOSE002"));
    assert!(client.sim.hook("begin CLOSE002", client.now).is_err());
}

#[test]
fn each_third_party_is_started_with_its_own_package() {
    let mut client = Client::new();
    let rows = [
        ("9", "5", "prepayid", "wechat_app"),
        ("9", "7", "package", "wechat_jsapi"),
        ("9", "9", "package", "wechat_mini"),
        ("10", "8", "tradeNO", "alipay_jsapi"),
        ("13", "5", "tn", "unionpay_app"),
    ];
    for (at, (pay_mode, access_type, member, method)) in rows.into_iter().enumerate() {
        let number = format!("ONLINE{at}");
        let made = client.post(CONSUME, &online(&number, 88, pay_mode, access_type));
        assert_eq!(text(&made, &["return_code", "total_amt", "pay_mode", "access_type"]), ["0", "88", pay_mode, access_type]);
        let package: Value = serde_json::from_str(made["wx_data_package"].as_str().unwrap()).unwrap();
        assert_eq!(client.sim.waiting()[0].method, method);
        assert!(client.scan(package[member].as_str().unwrap()), "{method}");
        let paid = client.order_query(&number, "0");
        assert_eq!(text(&paid, &["pay_status", "pay_type", "access_type"]), ["0", pay_mode, access_type]);
    }
    let wallet = Scan { wallet: Some(Wallet::Icbc), ..Scan::of("ONLINE9", Outcome::Pay) };
    client.post(CONSUME, &online("ONLINE9", 88, "9", "9"));
    assert!(client.sim.scan(&wallet, client.now).is_err(), "another app");
}

#[test]
fn discounts_of_third_parties_stand_in_their_fields() {
    let mut client = Client::new();
    client.post(CONSUMPTION, &all_apps("THIRD001", 1_000));
    client.post(CONSUMPTION, &all_apps("THIRD002", 1_000));
    let off = [
        discount(DiscountKind::Coupon, FundedBy::Channel, 10),
        discount(DiscountKind::Bank, FundedBy::Bank, 20),
        discount(DiscountKind::Merchant, FundedBy::Merchant, 30),
    ];
    for (number, wallet) in [("THIRD001", Wallet::Wechat), ("THIRD002", Wallet::Unionpay)] {
        let scan = Scan { discounts: &off, wallet: Some(wallet), ..Scan::of(number, Outcome::Pay) };
        client.sim.scan(&scan, client.now).unwrap();
    }
    let names = [
        "payment_amt",
        "third_party_coupon_amt",
        "third_party_discount_amt",
        "mer_disc_amt",
        "union_discount_amt",
        "union_mcht_discount_amt",
    ];
    assert_eq!(text(&client.order_query("THIRD001", "0"), &names), ["940", "10", "20", "30", "0", "0"]);
    assert_eq!(text(&client.order_query("THIRD002", "0"), &names), ["940", "10", "0", "0", "20", "30"]);
}

#[test]
fn fields_of_family_b_are_looked_at() {
    let mut client = Client::new();
    for (name, value) in [
        ("mer_prtcl_no", "0200010200020201"),
        ("mer_url", "http://pay.example.com:8443/n"),
        ("mer_url", "ftp://pay.example.com/n"),
        ("mer_url", ""),
        ("access_type", "8"),
        ("pay_mode", "11"),
        ("fee_type", "156"),
        ("orig_date_time", "2026-11-23 09:00:00"),
        ("open_id", ""),
        ("shop_appid", "wx0"),
        ("icbc_appid", "1"),
        ("total_fee", "0"),
        ("out_trade_no", "A-1"),
        ("notify_type", "XX"),
        ("pay_limit", "no_cash"),
    ] {
        let mut biz = online("FIELDB01", 100, "9", "9");
        biz[name] = json!(value);
        assert_eq!(client.post(CONSUME, &biz)["return_code"], "400011", "{name} {value}");
    }
    for (name, value) in [("access_type", "5"), ("cur_type", ""), ("order_date", "20261123"), ("credit_type", "1"), ("amount", "1.0")] {
        let mut biz = all_apps("FIELDB01", 100);
        biz[name] = json!(value);
        assert_eq!(client.post(CONSUMPTION, &biz)["return_code"], "400011", "{name} {value}");
    }
    let mut public = online("FIELDB01", 100, "9", "9");
    public["mer_url"] = json!("https://pay.example.com/n");
    assert_eq!(client.post(CONSUME, &public)["return_code"], "0");
}
