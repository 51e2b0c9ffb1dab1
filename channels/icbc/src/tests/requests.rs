//! The bytes that go out: every verb's request is signed over its own path, read back and compared member by member.

use super::{
    AES, APP, CODE, MER, NOTIFY, NOW, NUMBER, PRTCL, REFUND, attempt, content_of, direct, env, exchange_of, family_b, field, form_of, icbc,
    notes, order, provider, refund_of, verifies,
};
use crate::{Icbc, sign};
use serde_json::{Value, json};
use sluice_contract::{Action, AttemptRef, Channel, Env, HttpRequest, Method, Pay, PayOrder, Second, Step, Store, Terminal, Verb};
use sluice_kit::aes::AesKey;
use sluice_kit::form::decode_pairs;

fn is_signed(request: &HttpRequest) {
    let form = form_of(request);
    let path = request.url.strip_prefix("https://gw.open.icbc.com.cn").unwrap();
    assert!(verifies(&sign::text(path, &form), field(&form, "sign")), "{}", request.api);
    assert_eq!(request.verb, Verb::Post);
    assert_eq!(request.headers.only("APIGW-VERSION"), Some("v2_20190522"));
    assert!(request.headers.only("Content-Type").unwrap().starts_with("application/x-www-form-urlencoded"));
    let expected = [("app_id", APP), ("format", "json"), ("charset", "UTF-8"), ("sign_type", "RSA2"), ("timestamp", "2026-11-23 06:01:00")];
    for (name, value) in expected {
        assert_eq!(field(&form, name), value, "{}", request.api);
    }
    assert_eq!(field(&form, "msg_id").len(), 32);
}

/// A step's request: signed, at this path, with this content.
fn asks<T: std::fmt::Debug>(step: &Step<T>, path: &str, content: Value) {
    let request = &exchange_of(step).request;
    is_signed(request);
    assert_eq!(request.url, format!("https://gw.open.icbc.com.cn{path}"));
    assert_eq!(content_of(step), content, "{path}");
}

fn pay(icbc: &Icbc, method: Method) -> Step<Pay> {
    icbc.pay(&attempt(icbc, method), &order(), &env(NOW))
}

fn paid_once(icbc: &Icbc, method: Method) -> AttemptRef {
    AttemptRef { handles: notes(&[("order_id", "O1")]), ..attempt(icbc, method) }
}

#[test]
fn family_a_places_its_orders() {
    let content = json!({
        "mer_id": MER, "store_code": "02000001", "out_trade_no": NUMBER, "order_amt": "1000", "trade_date": "20261123",
        "trade_time": "060100", "pay_expire": "900", "notify_url": NOTIFY, "notify_flag": "1", "sp_flag": "0",
        "tporder_create_ip": "203.0.113.7",
    });
    asks(&pay(&direct(), Method::IcbcQr), "/api/qrcode/V2/generate", content);
    let content = json!({
        "qr_code": CODE, "mer_id": MER, "out_trade_no": NUMBER, "order_amt": "1000", "trade_date": "20261123", "trade_time": "060100",
    });
    asks(&pay(&direct(), Method::IcbcBarcode), "/api/qrcode/V2/pay", content);
}

#[test]
fn family_b_places_its_orders() {
    let content = json!({
        "mer_id": MER, "mer_prtcl_no": PRTCL, "icbc_appid": APP, "out_trade_no": NUMBER, "access_type": "6", "cur_type": "001",
        "amount": "1000", "order_date": "2026-11-23 06:01:00", "goods_name": "一箱苹果 & 梨=1?", "body": "一箱苹果 & 梨=1?",
        "installment_times": "1", "credit_type": "2", "mer_url": NOTIFY, "notify_type": "HS", "result_type": "0", "expire_time": "900",
    });
    asks(&pay(&family_b(), Method::IcbcQr), "/api/cardbusiness/qrcode/consumption/V1", content);
    let purchase = |pay_mode: &str, access_type: &str, payer: Value| {
        let common = json!({
            "mer_id": MER, "mer_prtcl_no": PRTCL, "icbc_appid": APP, "shop_appid": "wx0000000000000000", "mer_acct": "6222020200001234567",
            "out_trade_no": NUMBER, "pay_mode": pay_mode, "access_type": access_type, "orig_date_time": "2026-11-23T06:01:00",
            "body": "一箱苹果 & 梨=1?", "fee_type": "001", "total_fee": "1000", "spbill_create_ip": "203.0.113.7", "mer_url": NOTIFY,
            "notify_type": "HS", "result_type": "0", "expire_time": "900", "return_url": "https://pay.example.com/return/abc",
            "decive_info": MER,
        });
        super::changed(common, payer)
    };
    let path = "/api/cardbusiness/aggregatepay/b2c/online/consumepurchase/V1";
    for (method, pay_mode, access_type, payer) in [
        (Method::WechatJsapi, "9", "7", json!({"open_id": "oTEST"})),
        (Method::WechatMini, "9", "9", json!({"open_id": "oTEST"})),
        (Method::WechatApp, "9", "5", json!({})),
        (Method::AlipayJsapi, "10", "8", json!({"union_id": "2088102146225135"})),
        (Method::UnionpayApp, "13", "5", json!({})),
    ] {
        asks(&pay(&direct(), method), path, purchase(pay_mode, access_type, payer));
    }
}

#[test]
fn queries_closes_and_reversals_name_the_order() {
    let (a, b) = (paid_once(&direct(), Method::IcbcBarcode), paid_once(&family_b(), Method::IcbcQr));
    asks(&direct().query(&a, &env(NOW)), "/api/qrcode/V2/query", json!({"mer_id": MER, "out_trade_no": NUMBER}));
    asks(&direct().reverse(&a, &env(NOW)), "/api/qrcode/V2/reverse", json!({"mer_id": MER, "out_trade_no": NUMBER, "order_id": "O1"}));
    let path = "/api/cardbusiness/aggregatepay/b2c/online/orderqry/V1";
    let content = |flag: &str| json!({"mer_id": MER, "out_trade_no": NUMBER, "deal_flag": flag, "icbc_appid": APP, "mer_prtcl_no": PRTCL});
    asks(&direct().query(&b, &env(NOW)), path, content("0"));
    asks(&direct().close(&b, &env(NOW)), path, content("1"));
}

#[test]
fn refunds_name_the_payment_and_themselves() {
    let (a, b) = (refund_of(paid_once(&direct(), Method::IcbcQr)), refund_of(paid_once(&direct(), Method::IcbcH5)));
    let content = json!({"mer_id": MER, "out_trade_no": NUMBER, "order_id": "O1", "reject_no": REFUND, "reject_amt": "400"});
    asks(&direct().refund(&a, &env(NOW)), "/api/qrcode/V2/reject", content);
    let content = json!({"mer_id": MER, "out_trade_no": NUMBER, "order_id": "O1", "reject_no": REFUND});
    asks(&direct().query_refund(&a, &env(NOW)), "/api/qrcode/reject/query/V3", content);
    let named = json!({"mer_id": MER, "out_trade_no": NUMBER, "outtrx_serial_no": REFUND, "icbc_appid": APP, "mer_prtcl_no": PRTCL});
    let content = super::changed(named.clone(), json!({"ret_total_amt": "400", "trnsc_ccy": "001", "mer_acct": "6222020200001234567"}));
    asks(&direct().refund(&b, &env(NOW)), "/api/cardbusiness/aggregatepay/b2c/online/merrefund/V1", content);
    asks(&direct().query_refund(&b, &env(NOW)), "/api/cardbusiness/aggregatepay/b2c/online/refundqry/V1", named);
}

#[test]
fn a_providers_requests_name_the_sub_merchant() {
    let content = content_of(&pay(&provider(), Method::IcbcQr));
    assert_eq!((&content["mer_id"], &content["store_code"]), (&json!("020001020002"), &json!("S2")));
    let content = content_of(&pay(&provider(), Method::WechatJsapi));
    assert_eq!((&content["mer_id"], &content["mer_prtcl_no"]), (&json!("020001020002"), &json!("0200010200020201")));
    assert_eq!(content.get("mer_acct"), None);
}

#[test]
fn what_is_frozen_is_sent_whatever_the_settings_say_now() {
    let mut old = attempt(&family_b(), Method::IcbcQr);
    old.memo.insert("mer_id".into(), "020001020009".into());
    let content = content_of(&direct().query(&old, &env(NOW)));
    assert_eq!((&content["mer_id"], &content["deal_flag"]), (&json!("020001020009"), &json!("0")), "family B's query, by the memo");
}

#[test]
fn an_attempt_without_a_family_is_never_guessed() {
    let mut lost = attempt(&direct(), Method::IcbcBarcode);
    lost.memo.remove("family");
    let refund = refund_of(lost.clone());
    assert!(matches!(direct().query(&lost, &env(NOW)), Step::Refused(_)));
    assert!(matches!(direct().pay(&lost, &order(), &env(NOW)), Step::Refused(_)));
    assert!(matches!(direct().reverse(&lost, &env(NOW)), Step::Refused(_)));
    assert!(matches!(direct().refund(&refund, &env(NOW)), Step::Refused(_)));
}

#[test]
fn the_expiry_counts_from_now_and_the_orders_time_stays() {
    let icbc = direct();
    let later = icbc.pay(&attempt(&icbc, Method::IcbcQr), &order(), &env(NOW.plus(60)));
    let content = content_of(&later);
    assert_eq!((&content["pay_expire"], &content["trade_time"]), (&json!("840"), &json!("060100")));
    assert!(matches!(icbc.pay(&attempt(&icbc, Method::IcbcQr), &order(), &env(NOW.plus(900))), Step::Refused(_)));
}

#[test]
fn the_stores_own_code_comes_first_and_the_terminal_is_named() {
    let store = Store { id: "s".into(), store_code: Some("S9".into()), term_id: Some("T1".into()), ..Store::default() };
    let order = PayOrder {
        store: Some(store),
        terminal: Some(Terminal { ip: Some("198.51.100.2".into()), ..Terminal::default() }),
        client_ip: None,
        ..order()
    };
    let icbc = provider();
    assert_eq!(content_of(&icbc.pay(&attempt(&icbc, Method::IcbcQr), &order, &env(NOW)))["store_code"], "S9");
    let content = content_of(&icbc.pay(&attempt(&icbc, Method::WechatApp), &order, &env(NOW)));
    assert_eq!((&content["decive_info"], &content["spbill_create_ip"]), (&json!("T1"), &json!("198.51.100.2")));
}

#[test]
fn an_encrypted_content_is_signed_as_ciphertext() {
    let icbc = icbc(json!({"encrypt_key": AES}));
    let step = pay(&icbc, Method::IcbcQr);
    let request = &exchange_of(&step).request;
    is_signed(request);
    let form = form_of(request);
    assert_eq!(field(&form, "encrypt_type"), "AES");
    let plain = AesKey::read(AES).unwrap().open(field(&form, "biz_content")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&plain).unwrap()["out_trade_no"], NUMBER);
}

#[test]
fn the_hosted_page_is_a_form_with_eight_names_in_its_address() {
    let Step::Done(Pay::Waiting(Action::Form { url, fields }, _)) = pay(&direct(), Method::IcbcH5) else { panic!("no form") };
    let (address, query) = url.split_once('?').unwrap();
    assert_eq!(address, "https://gw.open.icbc.com.cn/ui/aggregate/payment/request/V2");
    let mut form = decode_pairs(query.as_bytes()).unwrap();
    let mut names: Vec<&str> = form.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["app_id", "charset", "format", "msg_id", "sign", "sign_type", "timestamp"], "encrypt_type when it encrypts");
    assert_eq!(fields.keys().map(String::as_str).collect::<Vec<_>>(), ["biz_content", "notify_url", "return_url"]);
    form.extend(fields.clone());
    assert!(verifies(&sign::text("/ui/aggregate/payment/request/V2", &form), field(&form, "sign")));
    let content: Value = serde_json::from_str(&fields["biz_content"]).unwrap();
    assert_eq!((&content["out_trade_no"], &content["amount"], &content["mer_url"]), (&json!(NUMBER), &json!("1000"), &json!(NOTIFY)));
    let sealed = icbc(json!({"encrypt_key": AES, "h5_path": "/ui/other"}));
    let Step::Done(Pay::Waiting(Action::Form { url, fields }, _)) = pay(&sealed, Method::IcbcH5) else { panic!("no form") };
    assert!(url.starts_with("https://gw.open.icbc.com.cn/ui/other?") && url.contains("encrypt_type=AES"));
    assert!(!fields["biz_content"].contains(NUMBER));
}

#[test]
fn the_app_gets_all_parameters_and_where_they_go() {
    let Step::Done(Pay::Waiting(Action::App { mut params }, _)) = pay(&direct(), Method::IcbcApp) else { panic!("no app call") };
    let service = params.remove("service_url").unwrap();
    assert_eq!(service, "https://gw.open.icbc.com.cn/ui/aggregate/payment/request/V2");
    let form: Vec<(String, String)> = params.into_iter().collect();
    assert!(verifies(&sign::text("/ui/aggregate/payment/request/V2", &form), field(&form, "sign")));
}

#[test]
fn notices_go_to_port_443_or_80_except_from_a_sandbox() {
    let at = |notify_url| Env { notify_url, ..env(NOW) };
    let icbc = direct();
    let attempt = attempt(&icbc, Method::WechatApp);
    for (url, goes) in [
        ("https://a.b/n", true),
        ("https://a.b:443/n", true),
        ("http://a.b:80/n", true),
        ("https://a.b:8443/n", false),
        ("https://[::1]/n", true),
        ("http://[::1]:8080/n", false),
    ] {
        assert_eq!(matches!(icbc.pay(&attempt, &order(), &at(url)), Step::Send(_)), goes, "{url}");
    }
    let sandbox = super::opened(&super::credentials(), true, Some(crate::profile::METHODS)).unwrap();
    let sandbox = Icbc { account: std::sync::Arc::new(sandbox) };
    assert!(matches!(sandbox.pay(&attempt, &order(), &at("http://127.0.0.1:8080/n")), Step::Send(_)));
}

#[test]
fn message_ids_come_from_fresh_randomness_and_nothing_secret_is_printed() {
    let icbc = direct();
    let attempt = attempt(&icbc, Method::IcbcBarcode);
    let ids: Vec<String> = [1_u8, 2]
        .iter()
        .map(|seed| {
            let step = icbc.pay(&attempt, &order(), &Env { entropy: [*seed; 32], ..env(Second(NOW.0)) });
            field(&form_of(&exchange_of(&step).request), "msg_id").to_owned()
        })
        .collect();
    assert_ne!(ids[0], ids[1]);
    let printed = format!("{:?}", icbc.pay(&attempt, &order(), &env(NOW)));
    assert!(!printed.contains(CODE) && !printed.contains("sign"), "{printed}");
}
