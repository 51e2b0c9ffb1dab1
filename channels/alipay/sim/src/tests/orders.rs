//! Pack §2.1, §2.2, §2.4, §2.6, §2.9: the life of an order by each way of paying but the barcode.

use super::{Client, START, code, order};
use crate::{MERCHANTS, Options, PID};
use serde_json::{Value, json};
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy, Headers, Verb, Wallet};
use sluice_simkit::{Call, Outcome, Scan, Simulator, State};

fn page(number: &str, product_code: &str) -> Value {
    let mut biz = order(number, "8.00");
    biz["product_code"] = json!(product_code);
    biz["time_expire"] = json!("2026-11-23 09:30:00");
    biz
}

#[test]
fn a_qr_code_is_no_trade_until_it_is_scanned() {
    let mut client = Client::new();
    let qr = client.precreate("QR1", "1.00")["qr_code"].as_str().unwrap().to_owned();
    assert_eq!(client.status("QR1"), "ACQ.TRADE_NOT_EXIST");
    let close = client.ask("alipay.trade.close", &json!({"out_trade_no": "QR1"}));
    assert_eq!(code(&close), ("40004", "ACQ.TRADE_NOT_EXIST"));
    assert_eq!(client.sim.waiting()[0].content, qr, "and lives on");
    assert!(!client.sim.scan(&Scan::of(&qr, Outcome::Abandon), client.now).unwrap().paid);
    assert_eq!(client.status("QR1"), "WAIT_BUYER_PAY");
    assert!(client.scan(&qr).unwrap());
    let node = client.query("QR1");
    assert_eq!((node["trade_status"].as_str(), node["send_pay_date"].as_str()), (Some("TRADE_SUCCESS"), Some("2026-11-23 09:00:00")));
    assert_eq!(node["trade_no"].as_str().unwrap().len(), 28);
    assert!(client.scan(&qr).is_err(), "paid once");
    assert_eq!(client.entry("QR1").charges, 1);
}

#[test]
fn a_repeated_precreate_is_the_documented_error_unless_told() {
    let mut client = Client::new();
    let first = client.precreate("AGAIN1", "1.00");
    assert_eq!(code(&client.precreate("AGAIN1", "1.00")).1, "ACQ.APPLY_PC_MERCHANT_CODE_ERROR");
    client.hook("precreate_again on");
    assert_eq!(client.precreate("AGAIN1", "1.00")["qr_code"], first["qr_code"]);
    assert_eq!(code(&client.precreate("AGAIN1", "1.01")).1, "ACQ.APPLY_PC_MERCHANT_CODE_ERROR");
    client.scan("AGAIN1").unwrap();
    assert_eq!(code(&client.precreate("AGAIN1", "1.00")).1, "ACQ.TRADE_HAS_SUCCESS");
}

#[test]
fn codes_and_trades_end_in_time() {
    let mut client = Client::new();
    let mut biz = order("TIME1", "1.00");
    biz["time_expire"] = json!("2026-11-23 09:10:00");
    client.ask("alipay.trade.precreate", &biz);
    client.precreate("TIME2", "1.00");
    client.sim.scan(&Scan::of("TIME2", Outcome::Abandon), client.now).unwrap();
    client.precreate("TIME3", "1.00");
    client.pass_ms(600_000);
    assert_eq!(client.sim.waiting().len(), 3, "the last moment is good");
    client.pass_ms(1);
    assert!(client.scan("TIME1").is_err());
    biz["out_trade_no"] = json!("TIME4");
    assert_eq!(code(&client.ask("alipay.trade.precreate", &biz)).1, "ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR");
    client.pass_ms(2 * 3_600_000);
    assert!(client.scan("TIME3").is_err(), "two hours, whatever the trade's own timeout");
    assert_eq!(client.status("TIME2"), "WAIT_BUYER_PAY");
    client.pass_ms(3_600_000);
    assert_eq!(client.status("TIME2"), "TRADE_CLOSED");
    assert_eq!(client.entry("TIME2").status, State::Closed);
}

#[test]
fn create_makes_a_trade_at_once_and_the_same_again_is_the_same() {
    let mut client = Client::new();
    let create = |client: &mut Client, number: &str, yuan: &str, name: &str, id: &str| {
        let mut biz = order(number, yuan);
        biz[name] = json!(id);
        client.ask("alipay.trade.create", &biz)
    };
    let first = create(&mut client, "JS1", "1.00", "buyer_id", "2088102146225135");
    assert_eq!(client.status("JS1"), "WAIT_BUYER_PAY");
    assert_eq!(create(&mut client, "JS1", "1.00", "buyer_id", "2088102146225135")["trade_no"], first["trade_no"]);
    assert_eq!(code(&create(&mut client, "JS1", "1.01", "buyer_id", "2088102146225135")).1, "ACQ.CONTEXT_INCONSISTENT");
    assert_eq!(code(&create(&mut client, "JS1", "1.00", "buyer_id", "2088102146225136")).1, "ACQ.CONTEXT_INCONSISTENT");
    assert!(client.scan(first["trade_no"].as_str().unwrap()).unwrap(), "the phone is handed tradeNO");
    assert_eq!(client.query("JS1")["buyer_user_id"], "2088102146225135");
    assert_eq!(code(&create(&mut client, "JS2", "1.00", "subject", "nobody")).1, "ACQ.INVALID_PARAMETER");
    assert_eq!(code(&create(&mut client, "JS2", "1.00", "buyer_id", PID)).1, "ACQ.BUYER_SELLER_EQUAL");
    assert_eq!(code(&create(&mut client, "JS2", "1.00", "buyer_id", "0open_id_of_somebody")).1, "ACQ.INVALID_PARAMETER");
    let told = client.hook(&format!("person {} ann", MERCHANTS[0].0));
    let foreign = told.split(' ').next_back().unwrap().to_owned();
    assert_eq!(code(&create(&mut client, "JS2", "1.00", "buyer_open_id", &foreign)).1, "ACQ.BUYER_NOT_EXIST");
    client.hook("payer_ids open_id");
    assert_eq!(code(&create(&mut client, "JS2", "1.00", "buyer_id", "2088102146225135")).1, "ACQ.INVALID_PARAMETER");
}

#[test]
fn pages_and_strings_are_nothing_until_the_payer_comes() {
    for (method, product_code, prefix) in [
        ("alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY", "http://127.0.0.1:9000/gateway.do?"),
        ("alipay.trade.wap.pay", "QUICK_WAP_WAY", "http://127.0.0.1:9000/gateway.do?"),
        ("alipay.trade.app.pay", "QUICK_MSECURITY_PAY", ""),
    ] {
        let mut client = Client::new();
        let string = format!("{prefix}{}", client.order_string(method, &page("PAGE1", product_code)));
        assert_eq!(client.status("PAGE1"), "ACQ.TRADE_NOT_EXIST");
        client.sim.scan(&Scan::of(&string, Outcome::Abandon), client.now).unwrap();
        // The page's QR was scanned; wap and app need the password or login first.
        let looked = if method == "alipay.trade.page.pay" { "WAIT_BUYER_PAY" } else { "ACQ.TRADE_NOT_EXIST" };
        assert_eq!(client.status("PAGE1"), looked, "{method}");
        client.pass_ms(20 * 60_000);
        assert!(client.scan(&string).unwrap(), "{method}: an old timestamp is no matter for a page");
        assert_eq!(client.entry("PAGE1").total, Fen(800));
        assert!(client.scan(&string).is_err());
        let forged = string.replace("8%2E00", "0%2E01");
        assert_ne!(forged, string);
        assert!(client.scan(&forged).unwrap_err().contains("isv.invalid-signature"));
        let late = client.order_string(method, &page("PAGE2", product_code));
        client.pass_ms(20 * 60_000);
        assert!(client.scan(&late).unwrap_err().contains("ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR"));
        assert_eq!(client.sim.ledger().entries().count(), 1);
    }
}

#[test]
fn a_browser_gets_a_page_and_an_error_page_in_gbk() {
    let mut client = Client::new();
    let mut open = |target: String| {
        let call = Call { verb: Verb::Get, target, headers: Headers::default(), body: Vec::new() };
        assert_eq!(client.sim.api_of(&call), None);
        client.raw(&call)
    };
    let biz = page("OPEN1", "FAST_INSTANT_TRADE_PAY");
    let string = Client::new().order_string("alipay.trade.page.pay", &biz);
    assert!(String::from_utf8(open(format!("/gateway.do?{string}")).bytes().to_vec()).unwrap().contains("OPEN1"));
    let refused = open(format!("/gateway.do?{string}x"));
    assert_eq!((refused.status, refused.headers.get("content-type")), (200, Some("text/html;charset=GBK")));
    assert!(encoding_rs::GBK.decode(refused.bytes()).0.contains("错误：40002"));
    assert_eq!(client.sim.waiting()[0].out_trade_no, "OPEN1", "an opened page waits on the phone");
    assert!(client.scan("OPEN1").unwrap());
}

#[test]
fn close_is_for_what_waits() {
    let mut client = Client::new();
    client.precreate("CLOSE1", "1.00");
    client.sim.scan(&Scan::of("CLOSE1", Outcome::Decline), client.now).unwrap();
    let close = |client: &mut Client| client.ask("alipay.trade.close", &json!({"out_trade_no": "CLOSE1"}));
    assert_eq!(code(&close(&mut client)).0, "10000");
    assert_eq!(code(&close(&mut client)).1, "ACQ.TRADE_STATUS_ERROR");
    assert!(client.scan("CLOSE1").is_err());
    assert_eq!(code(&client.precreate("CLOSE1", "1.00")).1, "ACQ.TRADE_HAS_CLOSE");
    client.paid("CLOSE2", "1.00");
    let trade_no = client.query("CLOSE2")["trade_no"].clone();
    // trade_no wins over a number that would be closed already.
    let both = client.ask("alipay.trade.close", &json!({"out_trade_no": "CLOSE1", "trade_no": trade_no}));
    assert_eq!(code(&both).1, "ACQ.REASON_TRADE_STATUS_INVALID");
}

#[test]
fn fields_are_checked() {
    let mut client = Client::new();
    for (name, value, expected) in [
        ("out_trade_no", json!("a b"), "ACQ.INVALID_PARAMETER"),
        ("out_trade_no", json!("x".repeat(65)), "ACQ.INVALID_PARAMETER"),
        ("total_amount", json!("0.00"), "ACQ.INVALID_PARAMETER"),
        ("total_amount", json!("1.001"), "ACQ.INVALID_PARAMETER"),
        ("total_amount", json!("100000000.01"), "ACQ.TOTAL_FEE_EXCEED"),
        ("subject", json!("a=b"), "ACQ.INVALID_PARAMETER"),
        ("body", json!("x".repeat(129)), "ACQ.INVALID_PARAMETER"),
        ("timeout_express", json!("1.5h"), "ACQ.INVALID_PARAMETER"),
        ("timeout_express", json!("16d"), "ACQ.INVALID_PARAMETER"),
        ("time_expire", json!("2026-11-23"), "ACQ.INVALID_PARAMETER"),
        ("product_code", json!("QUICK_WAP_WAY"), "ACQ.ACCESS_FORBIDDEN"),
        ("seller_id", json!("2088000000000999"), "ACQ.INVALID_RECEIVE_ACCOUNT"),
        ("goods_detail", json!([{"goods_id": "1"}]), "ACQ.INVALID_PARAMETER"),
        ("no_such_field", json!("1"), "ACQ.INVALID_PARAMETER"),
    ] {
        let mut biz = order("FIELD1", "1.00");
        biz[name] = value.clone();
        assert_eq!(code(&client.ask("alipay.trade.precreate", &biz)), ("40004", expected), "{name}: {value}");
    }
    let lenient = Options { strict_fields: false, ..Options::fixed(1) };
    let mut biz = order("FIELD-2", "1.00");
    biz["no_such_field"] = json!("1");
    assert_eq!(code(&Client::with(lenient).ask("alipay.trade.precreate", &biz)).0, "10000");
}

#[test]
fn discounts_stand_in_the_fields_of_their_kind() {
    let mut client = Client::new();
    client.precreate("OFF1", "100.00");
    let off = |kind, funded_by, fen| Discount { kind, funded_by, amount: Fen(fen) };
    let given = [
        off(DiscountKind::Coupon, FundedBy::Channel, 1000),
        off(DiscountKind::Merchant, FundedBy::Merchant, 500),
        off(DiscountKind::Points, FundedBy::Channel, 200),
        off(DiscountKind::Bank, FundedBy::Bank, 300),
    ];
    assert!(client.sim.scan(&Scan { wallet: Some(Wallet::Wechat), ..Scan::of("OFF1", Outcome::Pay) }, START).is_err());
    client.sim.scan(&Scan { discounts: &given, ..Scan::of("OFF1", Outcome::Pay) }, START).unwrap();
    let biz = json!({"out_trade_no": "OFF1", "query_options": ["voucher_detail_list", "mdiscount_amount"]});
    let node = client.ask("alipay.trade.query", &biz);
    for (name, yuan) in [
        ("total_amount", "100.00"),
        ("receipt_amount", "95.00"),
        ("buyer_pay_amount", "80.00"),
        ("point_amount", "2.00"),
        ("discount_amount", "13.00"),
        ("mdiscount_amount", "5.00"),
    ] {
        assert_eq!(node[name], yuan, "{name}");
    }
    let ways: Vec<&str> = node["fund_bill_list"].as_array().unwrap().iter().map(|b| b["fund_channel"].as_str().unwrap()).collect();
    assert_eq!(ways, ["ALIPAYACCOUNT", "COUPON", "MDISCOUNT", "POINT", "DISCOUNT"]);
    assert_eq!(node["voucher_detail_list"][1]["merchant_contribute"], "5.00");
    assert_eq!(client.entry("OFF1").payer_total, Fen(8000));
    client.precreate("OFF2", "1.00");
    let all = [off(DiscountKind::Points, FundedBy::Channel, 100)];
    client.sim.scan(&Scan { discounts: &all, ..Scan::of("OFF2", Outcome::Pay) }, START).unwrap();
    assert_eq!((client.query("OFF2")["buyer_pay_amount"].as_str(), client.sim.ledger().audit()), (Some("0.00"), Ok(())));
}
