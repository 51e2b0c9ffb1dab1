//! `POST /v1/orders`: what is taken, what is refused, and that every bad field is named at once (D7, API3).

use crate::harness::{World, order, unique, with};
use serde_json::{Value, json};

#[tokio::test]
async fn a_new_order_has_every_field_of_the_contract() {
    let world = World::shared();
    let body = with(order("wechat_native", 1280), json!({"metadata": {"shop": "12"}, "client_ip": "203.0.113.7", "return_url": null}));
    let order = world.demo.place(&body).await;
    let id = order["id"].as_str().unwrap();
    assert!(id.len() == 27 && id.starts_with('P') && id.bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
    let expected = json!({
        "livemode": false, "merchant_order_no": body["merchant_order_no"], "status": "pending", "amount": 1280, "currency": "CNY",
        "subject": "一箱苹果", "method": "wechat_native", "wallet": null, "presented": "online", "account": "wx-main",
        "channel": "wechat", "paid_amount": 0, "payer_paid_amount": 0, "discounts": [], "refunded_amount": 0, "refunding_amount": 0,
        "settle_date": null, "payer": {}, "channel_trade_no": null, "failure": null, "paid_at": null, "closed_at": null,
        "metadata": {"shop": "12"},
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&order[name], value, "{name}");
    }
    assert_eq!(order["action"]["type"], "qr_code");
    assert!(order["action"]["content"].as_str().unwrap().starts_with("weixin://"));
    let fields = order.as_object().unwrap();
    for name in ["fee", "net_amount", "version", "receipt_url", "created_at", "expires_at"] {
        assert!(fields.contains_key(name), "{name}");
    }
    let time = |name: &str| order[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(time("expires_at").as_second() - time("created_at").as_second(), 900);
    assert_eq!(world.demo.order(id).await, order);
}

#[tokio::test]
async fn each_online_method_answers_its_own_action() {
    let world = World::shared();
    let payer = json!({"payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}});
    let h5 = json!({"client_ip": "203.0.113.7", "h5_type": "Wap"});
    for (method, more, action) in [
        ("wechat_native", json!({}), "qr_code"),
        ("wechat_jsapi", payer.clone(), "jsapi"),
        ("wechat_mini", payer, "jsapi"),
        ("wechat_app", json!({}), "app"),
        ("wechat_h5", h5, "redirect"),
    ] {
        let placed = world.demo.post("/v1/orders", &with(order(method, 100), more)).await;
        let placed = placed.expect(201);
        assert_eq!((&placed["status"], &placed["action"]["type"]), (&json!("pending"), &json!(action)), "{method}: {placed}");
    }
}

#[tokio::test]
async fn every_bad_field_is_named_at_once() {
    let world = World::shared();
    let bad = json!({
        "merchant_order_no": "has a space", "amount": -1, "currency": "USD", "subject": "", "expires_in": 5, "client_ip": "nowhere",
        "notify_url": "ftp://example.com/", "surprise": true, "payer": {"openid": 5, "friend": "x"}, "metadata": [],
    });
    let refused = world.demo.post("/v1/orders", &bad).await;
    let fields = refused.fields();
    refused.refused(400, "INVALID_REQUEST");
    for field in
        ["merchant_order_no", "amount", "currency", "subject", "expires_in", "client_ip", "notify_url", "surprise", "payer.openid", "payer.friend", "metadata", "method"]
    {
        assert!(fields.iter().any(|f| f == field), "{field} is not in {fields:?}");
    }
}

/// Each value alone: refused with the field's name, and nothing is stored.
#[tokio::test]
async fn wrong_types_and_ranges_are_refused_by_name() {
    let world = World::shared();
    let long = "长".repeat(128);
    let table: Vec<(&str, Vec<Value>)> = vec![
        ("amount", ["0", "-1", "1.5", "1e3", "\"100\"", "9223372036854775808", "10000000001", "null", "true", "[]", "{}"].map(parsed).into()),
        ("merchant_order_no", vec![json!(""), json!("a".repeat(65)), json!("a/b"), json!("订单"), json!(5), json!(null), json!("a\u{0}b")]),
        ("subject", vec![json!(""), json!(long), json!(5), json!(null), json!(["x"])]),
        ("method", vec![json!(""), json!("wechat"), json!("WECHAT_NATIVE"), json!(1), json!(null)]),
        ("currency", vec![json!("USD"), json!("cny"), json!(156)]),
        ("expires_in", ["0", "59", "604801", "-1", "1.5", "\"900\""].map(parsed).into()),
        ("client_ip", vec![json!("999.1.1.1"), json!("localhost"), json!(""), json!(5)]),
        ("payer", vec![json!("x"), json!([]), json!(5)]),
        ("account", vec![json!(5), json!("")]),
        ("auth_code", vec![json!(5), json!("")]),
        ("metadata", vec![json!("x"), json!([1])]),
        ("terminal", vec![json!("x"), json!(1)]),
        ("return_url", vec![json!("javascript:alert(1)"), json!("x"), json!(5)]),
        ("status", vec![json!("paid")]),
        ("id", vec![json!("P0")]),
        ("paid_amount", vec![json!(1)]),
        ("livemode", vec![json!(true)]),
    ];
    for (field, values) in table {
        for value in values {
            let body = with(order("wechat_native", 100), json!({ field: value }));
            let answer = world.demo.post("/v1/orders", &body).await;
            let fields = answer.fields();
            assert_eq!((answer.status, answer.code()), (400, "INVALID_REQUEST"), "{field} = {value}: {}", answer.text());
            assert!(fields.iter().any(|f| f.split('.').next() == Some(field)), "{field} = {value}: {fields:?}");
            if let Some(number) = body["merchant_order_no"].as_str().filter(|n| n.starts_with("SO-")) {
                let found = world.demo.get(&format!("/v1/orders?merchant_order_no={number}")).await.expect(200);
                assert_eq!(found["data"], json!([]), "{field} = {value}");
            }
        }
    }
}

/// JSON numbers that `json!` would not write.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn bodies_that_are_not_one_plain_json_object_are_refused() {
    let world = World::shared();
    let good = order("wechat_native", 100).to_string();
    let doubled = good.replacen('{', "{\"amount\":1,", 1);
    let deep = "[".repeat(60_000);
    let nan = good.replace("100", "NaN");
    let huge = good.replace("100", "1e999");
    for body in ["", "null", "[]", "5", "\"x\"", "{", &format!("{good}{good}"), &doubled, &deep, &nan, &huge, "{\"a\":\"\u{fffd}\\ud800\"}"] {
        let answer = world.demo.send(&world.demo.draft("POST", "/v1/orders", body.as_bytes().to_vec())).await;
        answer.refused(400, "INVALID_REQUEST");
    }
    let not_utf8 = [good.as_bytes(), &[0xff, 0xfe]].concat();
    world.demo.send(&world.demo.draft("POST", "/v1/orders", not_utf8)).await.refused(400, "INVALID_REQUEST");
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let mut draft = world.demo.draft("POST", "/v1/orders", good.clone().into_bytes());
        draft.content_type = content_type.map(str::to_owned);
        world.demo.send(&draft).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    let mut draft = world.demo.draft("POST", "/v1/orders", good.into_bytes());
    draft.content_type = Some("application/json; charset=utf-8".into());
    world.demo.send(&draft).await.expect(201);
}

#[tokio::test]
async fn a_body_above_64_kib_is_too_large_and_one_of_64_kib_is_read() {
    let world = World::shared();
    let body = |bytes: usize| {
        let mut text = order("wechat_native", 100).to_string();
        text.push_str(&" ".repeat(bytes - text.len()));
        text.into_bytes()
    };
    world.demo.send(&world.demo.draft("POST", "/v1/orders", body(64 * 1024))).await.expect(201);
    world.demo.send(&world.demo.draft("POST", "/v1/orders", body(64 * 1024 + 1))).await.refused(413, "BODY_TOO_LARGE");
    world.demo.send(&world.demo.draft("POST", "/v1/orders", body(1024 * 1024))).await.refused(413, "BODY_TOO_LARGE");
}

#[tokio::test]
async fn what_a_method_needs_is_named_and_what_nobody_serves_is_refused() {
    let world = World::shared();
    for (method, field) in
        [("wechat_jsapi", "payer.openid"), ("wechat_mini", "payer.openid"), ("wechat_h5", "h5_type"), ("wechat_barcode", "auth_code"), ("auto_barcode", "auth_code")]
    {
        let answer = world.demo.post("/v1/orders", &order(method, 100)).await;
        let fields = answer.fields();
        answer.refused(400, "INVALID_REQUEST");
        assert!(fields.contains(field), "{method}: {fields:?}");
    }
    let alipay = world.demo.post("/v1/orders", &with(order("alipay_qr", 100), json!({"account": "wx-main"}))).await;
    assert!(["METHOD_NOT_AVAILABLE", "INVALID_REQUEST"].contains(&alipay.code()) && alipay.status == 400, "{}", alipay.text());
    let unknown = with(order("auto_barcode", 100), json!({"auth_code": "999999999999999999"}));
    world.demo.post("/v1/orders", &unknown).await.refused(400, "UNKNOWN_AUTH_CODE");
    let pinned = with(order("wechat_native", 100), json!({"account": "nobody"}));
    let pinned = world.demo.post("/v1/orders", &pinned).await;
    assert!((400..500).contains(&pinned.status), "{}", pinned.text());
    let found = world.demo.get("/v1/methods").await.expect(200);
    let methods: Vec<&str> = found["data"].as_array().unwrap().iter().map(|m| m["method"].as_str().unwrap()).collect();
    assert!(methods.contains(&"wechat_native") && methods.contains(&"wechat_barcode"), "{methods:?}");
    let jsapi = found["data"].as_array().unwrap().iter().find(|m| m["method"] == "wechat_jsapi").unwrap();
    assert_eq!(jsapi["required"], json!(["payer.openid"]));
}

#[tokio::test]
async fn the_extremes_that_are_allowed_are_taken() {
    let world = World::shared();
    let longest = json!({"merchant_order_no": format!("{:_<64}", unique()), "subject": "苹".repeat(42), "expires_in": 604_800, "amount": 10_000_000_000_i64});
    let order = world.demo.place(&with(order("wechat_native", 1), longest)).await;
    assert_eq!(order["amount"], 10_000_000_000_i64);
    let time = |name: &str| order[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
    assert_eq!(time("expires_at") - time("created_at"), 604_800);
}
