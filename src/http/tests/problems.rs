//! The one form of errors, request ids, panics, health.

use super::stage::{order, stage};
use axum::body::Body;
use axum::http::Request;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn a_problem_has_every_member() {
    let stage = stage();
    let got = stage.post("/v1/orders", "{}").await;
    assert_eq!(got.header("content-type"), "application/problem+json");
    let problem = got.json();
    let members: BTreeSet<&str> = problem.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, BTreeSet::from(["type", "title", "status", "code", "detail", "request_id", "retryable", "errors"]));
    assert_eq!(problem["type"], "https://pay.example.com/errors/INVALID_REQUEST");
    assert_eq!(problem["status"], 400);
    assert_eq!(problem["request_id"], got.header("x-request-id"));
    assert_eq!(problem["retryable"], false);
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_any_other_replaced() {
    let stage = stage();
    let with = |id: &str| Request::get("/livez").header("x-request-id", id).body(Body::empty()).unwrap();
    assert_eq!(stage.send(with("shop-42.a_B-c")).await.header("x-request-id"), "shop-42.a_B-c");
    for odd in ["short", "has space in it", "<script>alert(1)</script>", &"x".repeat(65)] {
        let id = stage.send(with(odd)).await.header("x-request-id").to_owned();
        assert!(id != odd && id.len() == 24, "{odd} {id}");
    }
}

#[tokio::test]
async fn a_panic_is_a_problem_and_ends_the_process_through_its_hook() {
    let stage = stage();
    let call = order("A").replace("一箱苹果", "panic");
    let got = stage.send(stage.call("POST", "/v1/orders", &call).request()).await;
    assert_eq!((got.status.as_u16(), got.code().as_str()), (500, "INTERNAL"));
    assert_eq!(stage.panics.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn health_and_metrics_answer() {
    let stage = stage();
    assert_eq!(stage.plain("GET", "/livez", "").await.status, 200);
    let ready = stage.plain("GET", "/readyz", "").await;
    assert_eq!((ready.status.as_u16(), ready.json()["parts"]["store"].as_str()), (200, Some("ok")));
    stage.post("/v1/orders", &order("A")).await;
    stage.plain("GET", "/no/such/path", "").await;
    let text = String::from_utf8(stage.plain("GET", "/metrics", "").await.bytes).unwrap();
    for line in [
        r#"http_server_request_duration_seconds_count{http_route="/v1/orders",http_request_method="POST",http_response_status_code="201"} 1"#,
        r#"http_server_request_duration_seconds_count{http_route="unmatched",http_request_method="GET",http_response_status_code="404"} 1"#,
        r#"sluice_orders_total{channel="wechat",method="wechat_native",status="created"} 1"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn a_wrong_method_names_the_right_ones() {
    let stage = stage();
    let got = stage.plain("POST", "/livez", "").await;
    assert_eq!((got.status.as_u16(), got.code().as_str()), (405, "METHOD_NOT_ALLOWED"));
    assert!(got.header("allow").contains("GET"), "{:?}", got.headers);
}

#[test]
fn only_trusted_proxies_are_believed() {
    let stage = stage();
    let ip = |text: &str| text.parse().ok();
    let cases = [
        ("203.0.113.9", "1.1.1.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "garbage", "10.0.0.1"),
    ];
    for (peer, forwarded, client) in cases {
        assert_eq!(stage.app.client_ip(ip(peer), Some(forwarded)), ip(client), "{peer} {forwarded}");
    }
}
