//! §13 "Orders", "Validation".

use super::{Client, code, order};
use crate::{APP_ID, MCHID, MINI_APP_ID, Options};
use serde_json::{Value, json};
use sluice_contract::Verb;
use sluice_simkit::{Fault, Outcome, Scan, Simulator, State};

const DAY_MS: i64 = 86_400_000;

#[test]
fn the_same_again_is_the_same_order_and_a_difference_is_a_used_number() {
    let mut client = Client::new();
    let first = client.native("SAME0001", 100).1["code_url"].clone();
    let second = client.native("SAME0001", 100).1["code_url"].clone();
    assert_ne!(first, second, "placing again refreshes the code");
    assert!(client.sim.scan(&Scan::of(first.as_str().unwrap(), Outcome::Pay), client.now).is_err(), "the older code dies");
    assert_eq!(code(&client.native("SAME0001", 101)), (403, "OUT_TRADE_NO_USED"));
    let mut other = order("SAME0001", 100);
    other["attach"] = json!("a2");
    assert_eq!(code(&client.post("/v3/pay/transactions/native", &other)), (403, "OUT_TRADE_NO_USED"));
    assert_eq!(code(&client.post("/v3/pay/transactions/app", &order("SAME0001", 100))), (403, "OUT_TRADE_NO_USED"));
    assert!(client.sim.scan(&Scan::of(second.as_str().unwrap(), Outcome::Pay), client.now).unwrap().paid);
    assert_eq!(code(&client.native("SAME0001", 100)), (403, "OUT_TRADE_NO_USED"));
    assert_eq!(client.entry("SAME0001").charges, 1);
}

#[test]
fn each_product_answers_its_own_link_and_shows_its_type_when_paid() {
    let mut client = Client::new();
    for (kind, field, trade_type) in [("jsapi", "prepay_id", "JSAPI"), ("app", "prepay_id", "APP"), ("h5", "h5_url", "MWEB")] {
        let number = format!("KIND{kind}1");
        let mut body = order(&number, 7);
        body["payer"] = json!({"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"});
        body["scene_info"] = json!({"payer_client_ip": "14.17.22.32", "h5_info": {"type": "Wap"}});
        let (status, answer) = client.post(&format!("/v3/pay/transactions/{kind}"), &body);
        assert_eq!(status, 200, "{answer}");
        let content = json!({"package": format!("prepay_id={}", answer[field].as_str().unwrap())}).to_string();
        assert!(client.sim.scan(&Scan::of(&content, Outcome::Pay), client.now).unwrap().paid);
        let paid = client.query(&number).1;
        assert_eq!((paid["trade_type"].as_str(), paid["trade_state"].as_str()), (Some(trade_type), Some("SUCCESS")));
        assert_eq!(paid["attach"], "a1");
        let by_id = format!("/v3/pay/transactions/id/{}?mchid={MCHID}", paid["transaction_id"].as_str().unwrap());
        assert_eq!(client.get(&by_id).1, paid);
    }
    let jsapi = client.query("KINDjsapi1").1;
    assert_eq!(jsapi["payer"]["openid"], "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o");
}

#[test]
fn an_unpaid_query_shows_neither_transaction_nor_attach() {
    let mut client = Client::new();
    client.native("UNPAID01", 100);
    let shown = client.query("UNPAID01").1;
    assert_eq!(shown["trade_state"], "NOTPAY");
    assert_eq!(shown["amount"], json!({"total": 100, "currency": "CNY"}));
    for absent in ["transaction_id", "attach", "payer", "success_time"] {
        assert!(shown.get(absent).is_none(), "{absent}");
    }
    assert_eq!(code(&client.query("NOPE0001")), (404, "ORDER_NOT_EXIST"));
    assert_eq!(code(&client.get("/v3/pay/transactions/out-trade-no/UNPAID01?mchid=1")), (400, "PARAM_ERROR"));
}

#[test]
fn wrong_fields_are_named_by_pointer() {
    let mut client = Client::new();
    let cases: [(&str, Value); 14] = [
        ("/appid", json!(null)),
        ("/mchid", json!("1900000999")),
        ("/description", json!("")),
        ("/description", json!("长".repeat(128))),
        ("/description", json!("smile 😀")),
        ("/out_trade_no", json!("short")),
        ("/out_trade_no", json!("x".repeat(33))),
        ("/out_trade_no", json!("has space")),
        ("/amount/total", json!(0)),
        ("/amount/total", json!("100")),
        ("/amount/currency", json!("XYZ")),
        ("/notify_url", json!("http://127.0.0.1/notify?order=1")),
        ("/time_expire", json!("2026-11-23 10:00:00")),
        ("/attach", json!("x".repeat(129))),
    ];
    for (pointer, value) in cases {
        let mut body = order("VALID001", 100);
        body["time_expire"] = json!("2026-11-23T10:00:00+08:00");
        *body.pointer_mut(pointer).unwrap() = value.clone();
        let reply = client.post("/v3/pay/transactions/native", &body);
        assert_eq!(code(&reply), (400, "PARAM_ERROR"), "{pointer} {value}");
        assert_eq!((reply.1["detail"]["field"].as_str(), reply.1["detail"]["location"].as_str()), (Some(pointer), Some("body")));
    }
    let mut app = order("VALID001", 100);
    app["appid"] = json!("wx0000000000000000");
    assert_eq!(code(&client.post("/v3/pay/transactions/native", &app)), (400, "APPID_MCHID_NOT_MATCH"));
    assert_eq!(client.post("/v3/pay/transactions/h5", &order("VALID001", 100)).1["detail"]["field"], "/scene_info/payer_client_ip");
    assert_eq!(code(&client.send(Verb::Post, "/v3/pay/transactions/native", "{")), (400, "PARAM_ERROR"));
    assert_eq!(client.send(Verb::Get, "/v3/pay/transactions/native", "").0, 405);
    assert_eq!(client.sim.ledger().entries().count(), 0);
}

#[test]
fn addresses_are_strict_when_asked() {
    let mut client = Client::with(Options { strict_network: true, ..Options::fixed(1) });
    assert_eq!(client.native("STRICT01", 1).1["detail"]["field"], "/notify_url");
    let mut body = order("STRICT01", 1);
    body["notify_url"] = json!("https://127.0.0.1/notify");
    assert_eq!(client.post("/v3/pay/transactions/native", &body).1["detail"]["field"], "/notify_url");
    body["notify_url"] = json!("https://pay.example.com/notify");
    assert_eq!(client.post("/v3/pay/transactions/native", &body).0, 200);
    body["scene_info"] = json!({"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}});
    let h5 = client.post("/v3/pay/transactions/h5", &body);
    assert_eq!(h5.1["detail"]["field"], "/scene_info/payer_client_ip");
}

#[test]
fn an_openid_belongs_to_its_app() {
    let mut client = Client::new();
    let openid = client.sim.openid_of(APP_ID, "ann");
    let mut body = order("OPENID01", 1);
    body["payer"] = json!({"openid": openid});
    body["appid"] = json!(MINI_APP_ID);
    let reply = client.post("/v3/pay/transactions/jsapi", &body);
    assert_eq!((code(&reply), reply.1["detail"]["field"].as_str()), ((400, "PARAM_ERROR"), Some("/payer/openid")));
    body["appid"] = json!(APP_ID);
    assert_eq!(client.post("/v3/pay/transactions/jsapi", &body).0, 200);
}

#[test]
fn expiry_limits_payment_and_seven_days_close() {
    let mut client = Client::new();
    let mut body = order("EXPIRE01", 1);
    body["time_expire"] = json!("2026-11-23T09:10:00+08:00");
    let link = client.post("/v3/pay/transactions/native", &body).1["code_url"].as_str().unwrap().to_owned();
    client.pass_ms(600_001);
    assert!(client.sim.scan(&Scan::of(&link, Outcome::Pay), client.now).is_err());
    assert_eq!(client.state("EXPIRE01"), "NOTPAY", "expiry does not close");
    assert_eq!(code(&client.post("/v3/pay/transactions/native", &body)), (400, "INVALID_REQUEST"));
    client.pass_ms(7 * DAY_MS);
    assert_eq!(client.state("EXPIRE01"), "CLOSED");
}

#[test]
fn close_is_reentrant_and_ends_the_number() {
    let mut client = Client::new();
    let close = "/v3/pay/transactions/out-trade-no/CLOSE001/close";
    assert_eq!(code(&client.post(close, &json!({"mchid": MCHID}))), (404, "ORDER_NOT_EXIST"));
    let link = client.native("CLOSE001", 1).1["code_url"].as_str().unwrap().to_owned();
    assert_eq!(client.post(close, &json!({"mchid": MCHID})), (204, Value::Null));
    assert_eq!(client.post(close, &json!({"mchid": MCHID})).0, 204);
    assert_eq!(code(&client.native("CLOSE001", 1)), (400, "ORDER_CLOSED"));
    assert!(client.sim.scan(&Scan::of(&link, Outcome::Pay), client.now).is_err());
    client.paid("CLOSE002", 1);
    let paid = client.post("/v3/pay/transactions/out-trade-no/CLOSE002/close", &json!({"mchid": MCHID}));
    assert_eq!(code(&paid), (400, "INVALID_REQUEST"));
    assert_eq!(client.entry("CLOSE002").status, State::Paid);
}

#[test]
fn partner_orders_carry_both_merchants_and_answer_only_to_them() {
    let mut client = Client::new();
    let mut body = json!({
        "sp_appid": APP_ID, "sp_mchid": MCHID, "sub_mchid": "1900000109", "sub_appid": "wxd678efh567hg6999",
        "description": "d", "out_trade_no": "PARTNER1", "notify_url": "https://pay.example.com/n", "amount": {"total": 5},
        "payer": {"sub_openid": "oSub"},
    });
    assert_eq!(client.post("/v3/pay/partner/transactions/jsapi", &body).0, 200);
    client.sim.scan(&Scan::of("wechat:PARTNER1", Outcome::Pay), client.now).unwrap();
    let target = format!("/v3/pay/partner/transactions/out-trade-no/PARTNER1?sp_mchid={MCHID}&sub_mchid=");
    let shown = client.get(&format!("{target}1900000109")).1;
    assert_eq!((shown["sp_mchid"].as_str(), shown["payer"]["sub_openid"].as_str()), (Some(MCHID), Some("oSub")));
    assert_eq!(code(&client.get(&format!("{target}1900000110"))), (404, "ORDER_NOT_EXIST"));
    assert_eq!(code(&client.query("PARTNER1")), (404, "ORDER_NOT_EXIST"));
    body["out_trade_no"] = json!("PARTNER2");
    body["sub_mchid"] = json!("1900000777");
    assert_eq!(code(&client.post("/v3/pay/partner/transactions/jsapi", &body)), (403, "NO_AUTH"));
    body["sub_mchid"] = json!("1900000110");
    assert_eq!(code(&client.post("/v3/pay/partner/transactions/jsapi", &body)), (400, "APPID_MCHID_NOT_MATCH"));
    body.as_object_mut().unwrap().remove("sub_appid");
    assert_eq!(client.post("/v3/pay/partner/transactions/jsapi", &body).1["detail"]["field"], "/sub_appid");
}

#[test]
fn lies_of_a_query_are_validly_signed_and_change_no_books() {
    let mut client = Client::new();
    client.paid("LIES0001", 100);
    client.fault = Some(Fault::WrongAmount);
    assert_eq!(client.query("LIES0001").1["amount"]["total"], 101);
    client.fault = Some(Fault::WrongOrder);
    assert_eq!(client.query("LIES0001").1["out_trade_no"], "LIES0000");
    assert_eq!(client.entry("LIES0001").total.0, 100);
}
