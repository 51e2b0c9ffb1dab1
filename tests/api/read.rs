//! Reading: one order and its expansions, lists with filters and cursors, the trail, methods.

use crate::harness::{World, order};
use serde_json::json;
use std::collections::BTreeSet;

#[tokio::test]
async fn a_list_pages_through_everything_once_newest_first() {
    let world = World::plan().start();
    let mut placed = Vec::new();
    for _ in 0..7 {
        placed.push(world.demo.place(&order("wechat_native", 100)).await["id"].as_str().unwrap().to_owned());
    }
    let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = world.demo.get(&format!("/v1/orders?limit=3{cursor}")).await.expect(200);
        seen.extend(page["data"].as_array().unwrap().iter().map(|o| o["id"].as_str().unwrap().to_owned()));
        pages += 1;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    placed.reverse();
    assert_eq!((seen, pages), (placed, 3));
    let foreign = world.other.get("/v1/orders?limit=100").await.expect(200);
    assert_eq!(foreign, json!({"data": [], "next_cursor": null}));
}

#[tokio::test]
async fn filters_narrow_a_list_by_status_time_and_number() {
    let world = World::plan().start();
    let paid = world.paid(&order("wechat_native", 100)).await;
    let pending = world.demo.place(&order("wechat_native", 100)).await;
    let ids = |page: &serde_json::Value| -> BTreeSet<String> {
        page["data"].as_array().unwrap().iter().map(|o| o["id"].as_str().unwrap().to_owned()).collect()
    };
    let one = |order: &serde_json::Value| BTreeSet::from([order["id"].as_str().unwrap().to_owned()]);
    assert_eq!(ids(&world.demo.get("/v1/orders?status=paid").await.expect(200)), one(&paid));
    assert_eq!(ids(&world.demo.get("/v1/orders?status=pending").await.expect(200)), one(&pending));
    assert!(ids(&world.demo.get("/v1/orders?status=closed").await.expect(200)).is_empty());
    let number = paid["merchant_order_no"].as_str().unwrap();
    assert_eq!(ids(&world.demo.get(&format!("/v1/orders?merchant_order_no={number}")).await.expect(200)), one(&paid));
    let at = pending["created_at"].as_str().unwrap().replace('+', "%2B");
    assert_eq!(ids(&world.demo.get(&format!("/v1/orders?created_from={at}")).await.expect(200)), one(&pending));
    assert_eq!(ids(&world.demo.get(&format!("/v1/orders?created_to={at}")).await.expect(200)), one(&paid));
}

#[tokio::test]
async fn parameters_that_mean_nothing_are_refused_by_name() {
    let world = World::shared();
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=1000000000", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("status=open", "status"),
        ("cursor=nonsense", "cursor"),
        ("created_from=yesterday", "created_from"),
        ("created_to=2026-02-30T00:00:00Z", "created_to"),
    ] {
        let answer = world.demo.get(&format!("/v1/orders?{query}")).await;
        assert_eq!(answer.fields(), BTreeSet::from([field.to_owned()]), "{query}: {}", answer.text());
        answer.refused(400, "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn expansions_show_attempts_refunds_and_the_trail() {
    let world = World::shared();
    let paid = world.paid(&order("wechat_native", 1000)).await;
    let id = paid["id"].as_str().unwrap();
    let body = json!({"merchant_refund_no": format!("{}-R", paid["merchant_order_no"].as_str().unwrap()), "amount": 10});
    let refund = world.demo.post(&format!("/v1/orders/{id}/refunds"), &body).await.expect(201);
    // What is compared below must stand still.
    world.demo.until_refund(refund["id"].as_str().unwrap(), "succeeded").await;
    let full = world.demo.expanded(id).await;
    let attempt = &full["attempts"][0];
    assert_eq!((&attempt["account"], &attempt["status"]), (&json!("wx-main"), &json!("succeeded")));
    assert_eq!((&attempt["captured_amount"], &attempt["late"]), (&json!(1000), &json!(false)));
    assert_eq!(attempt["channel_order_no"].as_str().unwrap().len(), 27);
    assert!(attempt["route"].is_object(), "the decision is kept: {attempt}");
    assert_eq!(full["refunds"][0]["id"], refund["id"]);
    let seqs: Vec<i64> = full["events"].as_array().unwrap().iter().map(|e| e["seq"].as_i64().unwrap()).collect();
    assert!(seqs.len() >= 3 && seqs.windows(2).all(|pair| pair[0] < pair[1]), "{seqs:?}");
    for event in full["events"].as_array().unwrap() {
        assert!(event["type"].is_string() && !event["data"].is_null(), "{event}");
        event["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    }
    assert_eq!(world.demo.get(&format!("/v1/orders/{id}?expand=attempts")).await.expect(200)["attempts"], full["attempts"]);
    world.demo.get(&format!("/v1/orders/{id}?expand=everything")).await.refused(400, "INVALID_REQUEST");
    assert_eq!(world.demo.trail(id).await.iter().filter(|kind| *kind == "order.paid").count(), 1);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let world = World::shared();
    for id in ["P00000000000000000000000000", "x", "R00000000000000000000000000", "P0000000000000000000000000%00"] {
        world.demo.get(&format!("/v1/orders/{id}")).await.refused(404, "ORDER_NOT_FOUND");
        world.demo.get(&format!("/v1/refunds/{id}")).await.refused(404, "REFUND_NOT_FOUND");
        for verb in ["sync", "close", "reverse", "action"] {
            world.demo.act(&format!("/v1/orders/{id}/{verb}")).await.refused(404, "ORDER_NOT_FOUND");
        }
    }
    assert_eq!(world.demo.get("/v1/nothing").await.status, 404);
    assert_eq!(world.demo.call("DELETE", "/v1/orders", None).await.status, 405);
}
