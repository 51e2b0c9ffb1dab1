//! Health, metrics, the OpenAPI document, request ids, and an orderly end (API9, A7).

use crate::harness::client::send;
use crate::harness::{Answer, World, order};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

async fn get(world: &World, path: &str) -> Answer {
    send(world.demo.http.get(format!("{}{path}", world.demo.base))).await.unwrap()
}

#[tokio::test]
async fn it_tells_that_it_lives_and_is_ready() {
    let world = World::shared();
    assert_eq!(get(&world, "/livez").await.status, 200);
    let ready = get(&world, "/readyz").await;
    assert_eq!(ready.status, 200, "{}", ready.text());
    assert!(!get(&world, "/livez").await.header("x-request-id").is_empty());
    let named = send(world.demo.http.get(format!("{}/v1/methods", world.demo.base)).header("x-request-id", "my-own-id-0001")).await.unwrap();
    assert_eq!(named.header("x-request-id"), "my-own-id-0001");
    for insane in ["short", &"x".repeat(65), "with space in it", "<script>alert(1)</script>"] {
        let answer = send(world.demo.http.get(format!("{}/livez", world.demo.base)).header("x-request-id", insane)).await.unwrap();
        assert_ne!(answer.header("x-request-id"), insane);
    }
}

#[tokio::test]
async fn metrics_count_orders_and_requests_without_naming_anybody() {
    let world = World::plan().start();
    let paid = world.paid(&order("wechat_native", 100)).await;
    let answer = send(world.demo.http.get(format!("{}/metrics", world.demo.base)).bearer_auth(&world.ops.token)).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    assert!(text.contains("http_server_request_duration_seconds_bucket"), "{text}");
    let paid_line = text.lines().find(|l| l.starts_with("sluice_orders_total") && l.contains("status=\"paid\"")).unwrap_or_else(|| panic!("{text}"));
    assert!(paid_line.contains("channel=\"wechat\"") && paid_line.contains("method=\"wechat_native\"") && paid_line.ends_with(" 1"), "{paid_line}");
    for secret in [paid["id"].as_str().unwrap(), paid["merchant_order_no"].as_str().unwrap(), "m_demo"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn the_openapi_document_lists_every_call_of_the_contract() {
    let world = World::shared();
    let api = get(&world, "/openapi.json").await.expect(200);
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    let told: BTreeSet<String> = api["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, operations)| operations.as_object().unwrap().keys().map(move |m| format!("{} {path}", m.to_uppercase())))
        .collect();
    for call in [
        "POST /v1/orders",
        "GET /v1/orders",
        "GET /v1/orders/{id}",
        "POST /v1/orders/{id}/sync",
        "POST /v1/orders/{id}/close",
        "POST /v1/orders/{id}/reverse",
        "POST /v1/orders/{id}/action",
        "POST /v1/orders/{id}/refunds",
        "GET /v1/orders/{id}/refunds",
        "GET /v1/orders/{id}/events",
        "GET /v1/refunds/{id}",
        "GET /v1/refunds",
        "GET /v1/methods",
    ] {
        assert!(told.contains(call), "{call} is not in {told:?}");
    }
    for (path, operations) in api["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(operation["responses"].as_object().is_some_and(|r| !r.is_empty()), "{method} {path}");
            assert!(operation["operationId"].is_string(), "{method} {path}");
        }
    }
}

/// SIGTERM: no new connections, what is in flight is finished and answered, exit 0 within ten seconds.
#[tokio::test]
async fn a_polite_end_finishes_what_is_in_flight() {
    let world = World::plan().start();
    world.control.faults("pay", "delay:1200", 1).await;
    let (merchant, body) = (world.demo.clone(), order("wechat_native", 100));
    let sent = body.clone();
    let in_flight = tokio::spawn(async move { merchant.post("/v1/orders", &sent).await });
    crate::harness::until("the request to reach the channel", || async { world.control.ledger().await.first().cloned() }).await;
    let began = Instant::now();
    world.gateway(|gateway| gateway.signal("TERM"));
    let answer = in_flight.await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let status = world.gateway(|gateway| gateway.wait(Duration::from_secs(12))).expect("it ends");
    assert!(status.success() && began.elapsed() < Duration::from_secs(11), "{status:?}");
    world.restart();
    assert_eq!(world.demo.post("/v1/orders", &body).await.expect(200)["id"], answer.json["id"]);
}

/// I1: every order that was answered is there after a crash, byte for byte.
#[tokio::test]
async fn every_answered_order_is_there_after_a_crash() {
    let world = World::plan().start();
    let mut known = Vec::new();
    for round in 0..3 {
        let placed = futures_util::future::join_all((0..20).map(|_| async { world.demo.place(&order("wechat_native", 100)).await })).await;
        known.extend(placed);
        world.kill_and_restart();
        for order in &known {
            assert_eq!(&world.demo.order(order["id"].as_str().unwrap()).await, order, "round {round}");
        }
    }
}
