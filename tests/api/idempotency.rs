//! One number, one order, whatever the client does (D1, I1, I2).

use crate::harness::{World, order, with};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Instant;

#[tokio::test]
async fn a_hundred_identical_requests_at_once_are_one_order() {
    let world = World::plan().start();
    for _ in 0..3 {
        let body = order("wechat_native", 1280);
        let answers = futures_util::future::join_all((0..100).map(|_| world.demo.post("/v1/orders", &body))).await;
        let ids: BTreeSet<String> = answers.iter().map(|a| a.json["id"].as_str().unwrap_or_else(|| panic!("{}", a.text())).to_owned()).collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        let created = answers.iter().filter(|a| a.status == 201).count();
        let replayed = answers.iter().filter(|a| a.status == 200 && a.header("idempotent-replay") == "true").count();
        assert_eq!((created, replayed), (1, 99));
        // Who came while the first still talked to the channel waited for it: all see the code.
        let contents: BTreeSet<String> = answers.iter().map(|a| a.json["action"]["content"].to_string()).collect();
        assert_eq!(contents.len(), 1, "{contents:?}");
        assert!(contents.first().unwrap().contains("weixin"));
    }
    assert_eq!(world.control.ledger().await.len(), 3);
}

#[tokio::test]
async fn the_same_content_written_otherwise_is_the_same_order() {
    let world = World::shared();
    let body = order("wechat_native", 1280);
    let first = world.demo.place(&body).await;
    let mut fields: Vec<(&String, &Value)> = body.as_object().unwrap().iter().collect();
    fields.reverse();
    let turned = fields.iter().map(|(name, value)| format!("  \"{name}\" : {value}")).collect::<Vec<_>>().join(",\n");
    let answer = world.demo.send(&world.demo.draft("POST", "/v1/orders", format!("{{{turned}}}").into_bytes())).await;
    assert_eq!(answer.header("idempotent-replay"), "true");
    assert_eq!(answer.expect(200)["id"], first["id"]);
}

#[tokio::test]
async fn the_same_number_with_one_field_changed_is_a_conflict_and_changes_nothing() {
    let world = World::shared();
    let body = with(order("wechat_native", 1280), json!({"metadata": {"a": "1"}}));
    let first = world.demo.place(&body).await;
    for change in [
        json!({"amount": 1281}),
        json!({"subject": "两箱苹果"}),
        json!({"method": "wechat_app"}),
        json!({"expires_in": 901}),
        json!({"metadata": {"a": "2"}}),
        json!({"metadata": {}}),
        json!({"client_ip": "203.0.113.8"}),
        json!({"account": "wx-main"}),
    ] {
        world.demo.post("/v1/orders", &with(body.clone(), change)).await.refused(409, "ORDER_CONFLICT");
    }
    assert_eq!(world.demo.order(first["id"].as_str().unwrap()).await, first);
    // Numbers are a merchant's own: another one may use it.
    let others = world.other.post("/v1/orders", &body).await.expect(201);
    assert_ne!(others["id"], first["id"]);
}

#[tokio::test]
async fn concurrent_requests_that_differ_make_one_order_and_conflicts() {
    let world = World::shared();
    let body = order("wechat_native", 100);
    let bodies: Vec<Value> = (0..40).map(|n| with(body.clone(), json!({"amount": 100 + n % 4}))).collect();
    let answers = futures_util::future::join_all(bodies.iter().map(|b| world.demo.post("/v1/orders", b))).await;
    let winner = answers.iter().find(|a| a.status == 201).expect("one is created").json["amount"].as_i64().unwrap();
    for (sent, answer) in bodies.iter().zip(&answers) {
        let same = sent["amount"].as_i64().unwrap() == winner;
        assert_eq!(answer.status == 409, !same, "{}", answer.text());
    }
    assert_eq!(answers.iter().filter(|a| a.status == 201).count(), 1);
}

#[tokio::test]
async fn a_repeat_during_a_slow_first_waits_and_answers_what_the_first_got() {
    let world = World::plan().start();
    world.control.faults("pay", "delay:1500", 1).await;
    let body = order("wechat_native", 100);
    let (first, second) = (world.demo.clone(), world.demo.clone());
    let began = Instant::now();
    let (one, two) = tokio::join!(first.post("/v1/orders", &body), second.post("/v1/orders", &body));
    assert!(began.elapsed().as_millis() >= 1500, "the fault did not strike");
    let statuses = BTreeSet::from([one.status, two.status]);
    assert_eq!(statuses, BTreeSet::from([200, 201]));
    assert_eq!(one.json["action"]["type"], "qr_code");
    assert_eq!(one.json["action"], two.json["action"]);
}

#[tokio::test]
async fn a_repeat_after_the_end_answers_the_order_as_it_stands() {
    let world = World::shared();
    let body = order("wechat_native", 1280);
    let paid = world.paid(&body).await;
    let again = world.demo.post("/v1/orders", &body).await.expect(200);
    assert_eq!(again, paid);
    assert_eq!(world.entry_of(paid["id"].as_str().unwrap()).await["charges"], 1);
}
