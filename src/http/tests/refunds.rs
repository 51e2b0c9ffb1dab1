//! Refunds.

use super::stage::{Call, OTHER, order, stage};
use serde_json::json;

#[tokio::test]
async fn a_refund_is_made_once_and_read_three_ways() {
    let stage = stage();
    let id = stage.paid_order("A").await;
    stage.says("refunded");
    let path = format!("/v1/orders/{id}/refunds");
    let body = r#"{"merchant_refund_no":"RF-1","amount":300,"reason":"坏了"}"#;
    let first = stage.post(&path, body).await;
    assert_eq!(first.status, 201);
    let refund = first.json();
    assert_eq!((refund["status"].as_str(), refund["amount"].as_i64()), (Some("succeeded"), Some(300)));
    let again = stage.post(&path, r#"{"reason":"坏了","amount":300,"merchant_refund_no":"RF-1"}"#).await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replay")), (200, "true"));
    assert_eq!(again.json(), refund);
    assert_eq!(stage.post(&path, &body.replace("300", "301")).await.code(), "REFUND_CONFLICT");
    let refund_id = refund["id"].as_str().unwrap();
    assert_eq!(stage.get(&format!("/v1/refunds/{refund_id}")).await.json(), refund);
    for list in [path.as_str(), "/v1/refunds?merchant_refund_no=RF-1"] {
        assert_eq!(stage.get(list).await.json()["data"], json!([refund]), "{list}");
    }
    assert_eq!(stage.get("/v1/refunds?merchant_refund_no=RF-2").await.json()["data"], json!([]));
    assert_eq!(stage.get("/v1/refunds").await.fields(), ["merchant_refund_no"]);
    let order = stage.get(&format!("/v1/orders/{id}?expand=refunds")).await.json();
    assert_eq!((order["refunded_amount"].as_i64(), &order["refunds"][0]), (Some(300), &refund));

    let foreign = format!("/v1/refunds/{refund_id}");
    let got = stage.signed(Call { key: OTHER, ..stage.call("GET", &foreign, "") }).await;
    assert_eq!((got.status.as_u16(), got.code().as_str()), (404, "REFUND_NOT_FOUND"));
    let got = stage.signed(Call { key: OTHER, ..stage.call("GET", "/v1/refunds?merchant_refund_no=RF-1", "") }).await;
    assert_eq!(got.json()["data"], json!([]));
}

#[tokio::test]
async fn a_refund_that_cannot_be_is_refused_before_anything_moves() {
    let stage = stage();
    let id = stage.paid_order("A").await;
    let path = format!("/v1/orders/{id}/refunds");
    let too_much = stage.post(&path, r#"{"merchant_refund_no":"R","amount":1281}"#).await;
    assert_eq!((too_much.status.as_u16(), too_much.code().as_str()), (422, "REFUND_EXCEEDS_PAID"));
    assert_eq!(too_much.fields(), ["amount"]);
    let bad = stage.post(&path, &format!(r#"{{"merchant_refund_no":"a/b","amount":"1","reason":"{}","x":1}}"#, "x".repeat(81))).await;
    assert_eq!(bad.fields(), ["merchant_refund_no", "amount", "reason", "x"]);
    let unpaid = {
        stage.says("waiting");
        stage.post("/v1/orders", &order("B")).await.json()["id"].as_str().unwrap().to_owned()
    };
    let unpaid_path = format!("/v1/orders/{unpaid}/refunds");
    let nonce = "a-nonce-used-again".to_owned();
    let call = || Call { nonce: nonce.clone(), ..stage.call("POST", &unpaid_path, r#"{"merchant_refund_no":"R","amount":1}"#) };
    assert_eq!(stage.signed(call()).await.code(), "INVALID_STATE");
    assert_eq!(stage.signed(call()).await.code(), "NONCE_REUSED", "a refusal spends the nonce too");
    for odd in ["R", "x", &id] {
        assert_eq!(stage.get(&format!("/v1/refunds/{odd}")).await.code(), "REFUND_NOT_FOUND");
    }
}
