//! The document: pinned, and true of what is answered.

use super::stage::stage;
use crate::config::Role;
use crate::domain::{OrderStatus, RefundStatus};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn the_document_is_the_one_we_publish() {
    let now = format!("{:#}\n", crate::http::openapi_document());
    let pinned = include_str!("../openapi.snapshot.json");
    if now != pinned {
        let file = std::env::temp_dir().join("sluice-openapi.json");
        std::fs::write(&file, &now).unwrap();
        panic!("the API changed. If that is meant: cp {} src/http/openapi.snapshot.json", file.display());
    }
}

#[tokio::test]
async fn it_is_served_and_names_every_code_and_event() {
    let stage = stage();
    let document = stage.plain("GET", "/openapi.json", "").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["components"]["schemas"]["ErrorCode"]["enum"].as_array().unwrap().len(), crate::flow::Code::ALL.len());
    assert_eq!(document["webhooks"].as_object().unwrap().len(), 8);
    let mut references = Vec::new();
    collect(&document, &mut references);
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

#[test]
fn the_words_of_a_status_are_those_of_the_books() {
    let document = crate::http::openapi_document();
    let orders: Vec<&str> = OrderStatus::ALL.iter().map(|s| s.word()).collect();
    let refunds: Vec<&str> = RefundStatus::ALL.iter().map(|s| s.word()).collect();
    assert_eq!(document["components"]["schemas"]["OrderStatus"]["enum"], serde_json::json!(orders));
    assert_eq!(document["components"]["schemas"]["RefundStatus"]["enum"], serde_json::json!(refunds));
}

fn collect(tree: &Value, references: &mut Vec<String>) {
    match tree {
        Value::Object(fields) => {
            references.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|v| collect(v, references));
        }
        Value::Array(items) => items.iter().for_each(|v| collect(v, references)),
        _ => {}
    }
}

fn names<'a>(tree: &'a Value, pointer: &str) -> BTreeSet<&'a str> {
    tree.pointer(pointer).and_then(Value::as_object).map(|o| o.keys().map(String::as_str).collect()).unwrap_or_default()
}

#[tokio::test]
async fn answers_have_the_members_that_the_document_names() {
    let stage = stage();
    let document = crate::http::openapi_document();
    let id = stage.paid_order("A").await;
    stage.says("refunded");
    let refund = stage.post(&format!("/v1/orders/{id}/refunds"), r#"{"merchant_refund_no":"R","amount":1}"#).await.json();
    let order = stage.get(&format!("/v1/orders/{id}?expand=attempts,refunds,events")).await.json();
    let methods = stage.get("/v1/methods").await.json();
    let account = stage.ops(Role::Viewer, "GET", "/ops/v1/accounts", "").await.json()["data"][0].clone();
    let cases = [
        ("Order", &order),
        ("Refund", &refund),
        ("Attempt", &order["attempts"][0]),
        ("Route", &order["attempts"][0]["route"]),
        ("OpsAccount", &account),
        ("AccountOpening", &account["opening"]),
        ("AccountHealth", &account["health"]),
        ("AccountSuccess", &account["success"][0]),
        ("Event", &order["events"][0]),
        ("MethodRow", &methods["data"][0]),
        ("MethodAccount", &methods["data"][0]["accounts"][0]),
        ("WhoAmI", &stage.get("/v1/whoami").await.json()),
    ];
    for (schema, answer) in cases {
        assert_eq!(names(answer, ""), names(&document, &format!("/components/schemas/{schema}/properties")), "{schema}");
    }
    // Limits add members to the problems that are theirs.
    let problem = stage.get("/v1/nothing").await.json();
    let required = document["components"]["schemas"]["Problem"]["required"].as_array().cloned().unwrap_or_default();
    assert_eq!(names(&problem, ""), required.iter().filter_map(Value::as_str).collect(), "Problem");
}
