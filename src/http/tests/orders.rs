//! `/v1/orders`.

use super::stage::{BARE, Call, OTHER, Stage, order, stage};
use crate::domain::OrderId;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;

async fn refused(stage: &Stage, body: &str) -> Vec<String> {
    let got = stage.post("/v1/orders", body).await;
    assert_eq!((got.status.as_u16(), got.code().as_str()), (400, "INVALID_REQUEST"), "{body}");
    got.fields()
}

#[tokio::test]
async fn an_order_is_placed_read_and_listed() {
    let stage = stage();
    let placed = stage.post("/v1/orders", &order("SO-1")).await;
    assert_eq!(placed.status, 201);
    let placed = placed.json();
    assert_eq!(placed["action"]["type"], "qr_code");
    assert_eq!(placed["status"], "pending");
    let id = placed["id"].as_str().unwrap();
    assert_eq!(stage.get(&format!("/v1/orders/{id}")).await.json(), placed);
    let expanded = stage.get(&format!("/v1/orders/{id}?expand=attempts,refunds,events")).await.json();
    assert_eq!(expanded["attempts"][0]["status"], "awaiting_payer");
    assert_eq!(expanded["refunds"], json!([]));
    let events = stage.get(&format!("/v1/orders/{id}/events")).await.json();
    assert_eq!(expanded["events"], events["data"]);
    assert_eq!(events["data"][0]["type"], "order.created");
    for path in ["?merchant_order_no=SO-1", "?status=pending", "?created_from=2025-11-23T14:39:00+08:00&limit=5"] {
        assert_eq!(stage.get(&format!("/v1/orders{path}")).await.json()["data"], json!([placed]), "{path}");
    }
    for path in
        ["?merchant_order_no=SO-2", "?status=paid", "?created_to=2025-11-23T14%3A40%3A00%2B08%3A00", "?merchant_order_no=SO-1&status=paid"]
    {
        assert_eq!(stage.get(&format!("/v1/orders{path}")).await.json(), json!({"data": [], "next_cursor": null}), "{path}");
    }
}

#[tokio::test]
async fn every_bad_field_is_named_at_once() {
    let stage = stage();
    let body = r#"{"merchant_order_no":"a b","amount":0,"currency":"USD","subject":"","method":"cash","auth_code":"12x","expires_in":59,
        "client_ip":"1.2.3","notify_url":"https://10.0.0.1/","return_url":"javascript:1","payer":{"openid":1,"x":1},"terminal":{"ip":"y"},
        "metadata":{"a":[1]},"surprise":1}"#;
    let mut fields = refused(&stage, body).await;
    fields.sort();
    let expected = [
        "amount",
        "auth_code",
        "client_ip",
        "currency",
        "expires_in",
        "merchant_order_no",
        "metadata.a",
        "method",
        "notify_url",
        "payer.openid",
        "payer.x",
        "return_url",
        "subject",
        "surprise",
        "terminal.ip",
    ];
    assert_eq!(fields, expected);
    assert_eq!(refused(&stage, "{}").await, ["merchant_order_no", "amount", "subject", "method"]);
    assert_eq!(stage.far.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn odd_amounts_are_refused_by_name() {
    let stage = stage();
    for amount in ["0", "-1", "1.5", "1e3", "\"100\"", "9223372036854775808", "10000000001", "true", "null", "[]", "1.0"] {
        let body = order("A").replace("1280", amount);
        assert_eq!(refused(&stage, &body).await, ["amount"], "{amount}");
    }
    for text in ["NaN", "Infinity", "01", "0x10", "1_000", ""] {
        assert_eq!(refused(&stage, &order("A").replace("1280", text)).await, ["body"], "{text}");
    }
    let most = stage.post("/v1/orders", &order("A").replace("1280", "10000000000")).await;
    assert_eq!(most.status, 201);
}

#[tokio::test]
async fn duplicate_fields_and_other_shapes_are_refused() {
    let stage = stage();
    let twice = order("A").replace("\"amount\":1280", "\"amount\":1280,\"amount\":1280");
    let deep = order("A").replace("1280", &("[".repeat(500) + &"]".repeat(500)));
    for body in [twice.as_str(), deep.as_str(), "[]", "\"x\"", "null", "", "{} {}"] {
        assert_eq!(refused(&stage, body).await.first().map(String::as_str), Some("body"), "{body}");
    }
    let call = Call { content_type: "text/plain", ..stage.call("POST", "/v1/orders", "{}") };
    assert_eq!(stage.signed(call).await.code(), "UNSUPPORTED_MEDIA_TYPE");
    let order = order("A");
    let call = Call { content_type: "application/json; charset=utf-8", ..stage.call("POST", "/v1/orders", &order) };
    assert_eq!(stage.signed(call).await.status, 201);
}

#[tokio::test]
async fn metadata_and_urls_have_their_bounds() {
    let stage = stage();
    let with = |extra: &str| order("A").replace("}", &format!(",{extra}}}"));
    let many: Vec<String> = (0..17).map(|n| format!("\"k{n}\":1")).collect();
    for extra in [format!("\"metadata\":{{{}}}", many.join(",")), format!("\"metadata\":{{\"{}\":1}}", "k".repeat(65))] {
        assert_eq!(refused(&stage, &with(&extra)).await, ["metadata"], "{extra}");
    }
    assert_eq!(refused(&stage, &with(&format!("\"metadata\":{{\"k\":\"{}\"}}", "x".repeat(513)))).await, ["metadata.k"]);
    for url in ["http://example.com/x", "https://localhost/", "https://169.254.169.254/", "ftp://example.com", "https://user@example.com/"]
    {
        assert_eq!(refused(&stage, &with(&format!("\"notify_url\":\"{url}\""))).await, ["notify_url"], "{url}");
    }
    let bare = with("\"notify_url\":\"https://example.com/x\"");
    let got = stage.signed(Call { key: BARE, ..stage.call("POST", "/v1/orders", &bare) }).await;
    assert_eq!(got.fields(), ["notify_url"], "no secret signs it");
    assert_eq!(stage.post("/v1/orders", &bare).await.status, 201);
}

#[tokio::test]
async fn methods_that_are_not_there_are_told() {
    let stage = stage();
    for method in ["alipay_qr", "auto_barcode\",\"auth_code\":\"2812345678901234"] {
        let got = stage.post("/v1/orders", &order("A").replace("wechat_native", method)).await;
        assert_eq!((got.status.as_u16(), got.code().as_str()), (400, "METHOD_NOT_AVAILABLE"), "{method}");
    }
    let got = stage.post("/v1/orders", &order("A").replace("wechat_native", "auto_barcode\",\"auth_code\":\"9912345678901234")).await;
    assert_eq!(got.code(), "UNKNOWN_AUTH_CODE");
    assert_eq!(refused(&stage, &order("A").replace("wechat_native", "wechat_barcode")).await, ["auth_code"]);
    let methods = stage.get("/v1/methods").await.json();
    let words: Vec<&str> = methods["data"].as_array().unwrap().iter().map(|m| m["method"].as_str().unwrap()).collect();
    assert_eq!(words, ["wechat_native", "wechat_barcode", "auto_barcode", "cashier"]);
    assert_eq!(methods["data"][1]["required"], json!(["auth_code"]));
}

#[tokio::test]
async fn the_same_content_is_the_same_order_and_other_content_a_conflict() {
    let stage = stage();
    let first = stage.post("/v1/orders", &order("A")).await;
    let same = r#" { "method":"wechat_native", "subject":"一箱苹果","payer":{"openid":null}, "amount":1280,"merchant_order_no":"A","store":null} "#;
    let again = stage.post("/v1/orders", same).await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replay")), (200, "true"));
    assert_eq!(again.json(), first.json());
    assert_eq!(first.header("idempotent-replay"), "");
    let other = stage.post("/v1/orders", &order("A").replace("1280", "1281")).await;
    assert_eq!((other.status.as_u16(), other.code().as_str()), (409, "ORDER_CONFLICT"));
    let foreign_order = order("A");
    let foreign = stage.signed(Call { key: OTHER, ..stage.call("POST", "/v1/orders", &foreign_order) }).await;
    assert_eq!(foreign.status, 201, "numbers are per merchant");
    assert_eq!(stage.far.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn repeats_wait_for_the_first_that_still_talks_to_the_channel() {
    let stage = Arc::new(stage());
    stage.far.gate.forget_permits(1000);
    let send = || {
        let stage = Arc::clone(&stage);
        tokio::spawn(async move { stage.post("/v1/orders", &order("A")).await })
    };
    let calls: Vec<_> = (0..20).map(|_| send()).collect();
    while stage.far.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    stage.far.gate.add_permits(1000);
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    assert_eq!(answers.iter().filter(|a| a.status == 201).count(), 1);
    assert!(answers.iter().all(|a| a.json() == answers[0].json() && a.json()["action"]["type"] == "qr_code"));
    assert_eq!(stage.far.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_order_is_finished_though_its_client_has_gone() {
    let stage = Arc::new(stage());
    stage.far.gate.forget_permits(1000);
    let for_call = Arc::clone(&stage);
    let call = tokio::spawn(async move { for_call.post("/v1/orders", &order("A")).await });
    while stage.far.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    call.abort();
    assert!(call.await.is_err());
    stage.far.gate.add_permits(1000);
    stage.app.tasks.close();
    stage.app.tasks.wait().await;
    let found = stage.get("/v1/orders?merchant_order_no=A").await.json();
    assert_eq!(found["data"][0]["action"]["type"], "qr_code", "{found}");
}

#[tokio::test]
async fn another_merchants_order_looks_like_none() {
    let stage = stage();
    let id = stage.paid_order("A").await;
    let never = OrderId::new(sluice_contract::Millis(1), [1; 16]);
    let refund = r#"{"merchant_refund_no":"R","amount":1}"#;
    let paths = ["", "?expand=attempts", "/events", "/refunds"].map(|end| ("GET", end, ""));
    let acts = ["/sync", "/close", "/reverse", "/action"].map(|end| ("POST", end, ""));
    for (method, end, body) in paths.into_iter().chain(acts).chain([("POST", "/refunds", refund)]) {
        let mut answers: Vec<Value> = Vec::new();
        for id in [id.as_str(), never.as_str()] {
            let path = format!("/v1/orders/{id}{end}");
            let got = stage.signed(Call { key: OTHER, ..stage.call(method, &path, body) }).await;
            assert_eq!((got.status.as_u16(), got.code().as_str()), (404, "ORDER_NOT_FOUND"), "{method} {path}");
            let mut answer = got.json();
            answer["request_id"] = Value::Null;
            answers.push(answer);
        }
        assert_eq!(answers[0], answers[1], "{method} {end}");
    }
    let listed = stage.signed(Call { key: OTHER, ..stage.call("GET", "/v1/orders?merchant_order_no=A", "") }).await;
    assert_eq!(listed.json()["data"], json!([]));
    for odd in ["P", "x", "..", "%00", "%ff", &"P".repeat(300)] {
        let got = stage.get(&format!("/v1/orders/{odd}")).await;
        assert!(matches!(got.code().as_str(), "ORDER_NOT_FOUND" | "NOT_FOUND" | "INVALID_REQUEST"), "{odd}: {}", got.code());
    }
}

#[tokio::test]
async fn pages_of_the_list_join_without_gap() {
    let stage = stage();
    let mut placed = Vec::new();
    for number in ["A", "B", "C", "D", "E"] {
        stage.clock.0.fetch_add(1000, Ordering::SeqCst);
        placed.push(stage.post("/v1/orders", &order(number)).await.json()["id"].clone());
    }
    placed.reverse();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = stage.get(&format!("/v1/orders?limit=2{cursor}")).await.json();
        seen.extend(page["data"].as_array().unwrap().iter().map(|o| o["id"].clone()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, placed);
    for query in
        ["limit=0", "limit=101", "limit=x", "limit=-1", "cursor=x", "cursor=", "status=odd", "created_from=now", "who=1", "limit=1&limit=2"]
    {
        let got = stage.get(&format!("/v1/orders?{query}")).await;
        assert_eq!((got.status.as_u16(), got.fields().len()), (400, 1), "{query}");
    }
    let bad = stage.get(&format!("/v1/orders/{}?expand=secrets", placed[0].as_str().unwrap())).await;
    assert_eq!(bad.fields(), ["expand"]);
}

#[tokio::test]
async fn orders_are_closed_synced_and_not_reversed_when_they_should_not() {
    let stage = stage();
    let id = stage.post("/v1/orders", &order("A")).await.json()["id"].as_str().unwrap().to_owned();
    let act = |act: &str| format!("/v1/orders/{id}/{act}");
    assert_eq!(stage.post(&act("sync"), "{}").await.json()["status"], "pending");
    assert_eq!(stage.post(&act("action"), "").await.json()["action"]["type"], "qr_code");
    assert_eq!(stage.post(&act("sync"), r#"{"a":1}"#).await.fields(), ["a"]);
    assert_eq!(stage.post(&act("reverse"), "").await.code(), "INVALID_STATE");
    assert_eq!(stage.post(&act("close"), "").await.json()["status"], "closed");
    assert_eq!(stage.post(&act("close"), "").await.json()["status"], "closed", "closing twice is closing");
    assert_eq!(stage.post(&act("action"), "").await.code(), "INVALID_STATE");
}

/// A rule or a binding that changed in between must not make a retry of the till look like a second, refused order.
#[tokio::test]
async fn a_repeat_is_the_same_order_when_its_code_is_no_longer_recognised() {
    let stage = stage();
    let body = order("SO-TILL").replace("wechat_native", "auto_barcode\",\"auth_code\":\"134737690209713402");
    let placed = stage.post("/v1/orders", &body).await;
    assert_eq!(placed.status, 201);
    let now = stage.app.gateway.directory.load_full();
    let (accounts, merchants, keys) = (now.accounts.clone(), now.merchants.clone(), now.keys.clone());
    let codes = sluice_codes::payment::Rules(Vec::new());
    stage.app.gateway.directory.store(Arc::new(crate::flow::Directory { accounts, merchants, keys, codes, ..Default::default() }));
    let again = stage.post("/v1/orders", &body).await;
    assert_eq!((again.status.as_u16(), &again.json()["id"]), (200, &placed.json()["id"]));
    let other = stage.post("/v1/orders", &body.replace("SO-TILL", "SO-OTHER")).await;
    assert_eq!(other.code(), "UNKNOWN_AUTH_CODE");
}
