//! Risk control before the limits: the operators' block list, and what stays with an order of its decision.

use crate::harness::limits::{Rule, books_hold, uses, with_rules};
use crate::harness::{World, order, with};
use serde_json::{Value, json};

const PAYER: &str = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";

fn jsapi(amount: i64) -> Value {
    with(order("wechat_jsapi", amount), json!({"payer": {"openid": PAYER, "customer_id": "customer-1"}, "client_ip": "203.0.113.7"}))
}

async fn block(world: &World, body: Value) -> String {
    let blocked = world.ops.call("POST", "/ops/v1/blocks", Some(&body)).await.expect(200);
    let shown = blocked.to_string();
    assert!(!shown.contains(PAYER) && !shown.contains("customer-1"), "{shown}");
    blocked["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_blocked_is_refused_before_anything_is_stored_or_counted() {
    let world = with_rules(&[Rule::new("all", &[], "count", "day").max(100)]).start();
    let known = jsapi(100);
    let stored = world.demo.place(&known).await;
    let code = with(order("wechat_barcode", 100), json!({"auth_code": "130000000000000001"}));
    let cases = [
        (json!({"kind": "payer", "value": PAYER, "reason": "stolen card"}), jsapi(100)),
        (json!({"kind": "customer", "value": "customer-1", "merchant": "m_demo", "reason": "abuse"}), jsapi(100)),
        (json!({"kind": "ip", "value": "203.0.113.7", "reason": "a farm"}), jsapi(100)),
        (json!({"kind": "auth_code_prefix", "value": "13000000", "reason": "a test device"}), code),
    ];
    for (entry, order) in cases {
        let id = block(&world, entry.clone()).await;
        let before = uses(&world, "all").await;
        let refused = world.demo.post("/v1/orders", &order).await.refused(422, "RISK_REFUSED");
        assert_eq!(refused["retryable"], json!(false));
        let list = format!("/v1/orders?merchant_order_no={}", order["merchant_order_no"].as_str().unwrap());
        assert_eq!(world.demo.get(&list).await.expect(200)["data"], json!([]), "{entry}");
        assert_eq!(uses(&world, "all").await, before, "{entry}");
        // What is stored is answered, whoever has been blocked since.
        let again = world.demo.post("/v1/orders", &known).await;
        assert_eq!((again.status, again.expect(200)["id"].clone()), (200, stored["id"].clone()), "{entry}");
        let listed = world.ops.get("/ops/v1/blocks").await.expect(200);
        assert!(listed["data"].as_array().unwrap().iter().any(|b| b["id"] == json!(id) && b["reason"] == entry["reason"]), "{listed}");
        world.ops.call("DELETE", &format!("/ops/v1/blocks/{id}"), None).await.expect(200);
        world.ops.call("DELETE", &format!("/ops/v1/blocks/{id}"), None).await.expect(404);
        if entry["kind"] != "auth_code_prefix" {
            world.demo.place(&jsapi(100)).await;
        }
    }
    // The same customer id of another merchant is somebody else.
    block(&world, json!({"kind": "customer", "value": "customer-1", "merchant": "m_other", "reason": "theirs"})).await;
    let placed = world.demo.place(&jsapi(100)).await;
    let told = world.ops.get(&format!("/ops/v1/orders/{}", placed["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(told["risk"], json!({"decision": "allow", "by": "block_list"}));
    books_hold(&world).await;
    let log = world.gateway_log();
    assert!(log.contains("risk control refused an order") && !log.contains(PAYER) && !log.contains("customer-1"));
}

#[tokio::test]
async fn a_block_that_cannot_be_read_is_refused_by_name() {
    let world = World::shared();
    for (body, field) in [
        (json!({"kind": "dog", "value": "1", "reason": "r"}), "kind"),
        (json!({"kind": "ip", "value": "1.2.3", "reason": "r"}), "value"),
        (json!({"kind": "auth_code_prefix", "value": "x3", "reason": "r"}), "value"),
        (json!({"kind": "customer", "value": "c", "reason": "r"}), "merchant"),
        (json!({"kind": "payer", "value": "p"}), "reason"),
        (json!({"kind": "payer", "value": "p", "reason": "r", "wings": 2}), "wings"),
    ] {
        let answer = world.ops.call("POST", "/ops/v1/blocks", Some(&body)).await;
        assert!(answer.fields().contains(field), "{body}: {}", answer.text());
        answer.refused(400, "INVALID_REQUEST");
    }
}
