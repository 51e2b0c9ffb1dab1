//! `/ops/v1`.

use super::stage::{Call, order, stage};
use crate::config::Role;
use crate::http::ops::gate::TABLE;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

const ROLES: [Role; 4] = [Role::Viewer, Role::Operator, Role::Finance, Role::Admin];

#[tokio::test]
async fn every_call_knows_its_roles() {
    let stage = stage();
    for (method, route, roles) in TABLE {
        let path = route.replace("{id}", "m_nobody").replace("{key}", "k").replace("{account}", "a").replace("{store}", "s");
        let path = path.replace("{act}", "enable").replace("{event_id}", "evt_1");
        for role in ROLES {
            let got = stage.ops(role, method, &path, "{}").await;
            assert_eq!(got.status == 403, !roles.contains(&role), "{method} {path} {}: {}", role.word(), got.status);
            assert_ne!(got.status, 405, "{method} {path} is in the table and nowhere else");
        }
        assert_eq!(stage.plain(method, &path, "{}").await.code(), "UNKNOWN_KEY", "{method} {path}");
    }
}

#[tokio::test]
async fn what_is_documented_is_in_the_table_and_the_other_way_round() {
    let document = crate::http::openapi_document();
    let mut documented: Vec<(String, String)> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/ops/")) {
        documented.extend(item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    let mut listed: Vec<(String, String)> = TABLE.iter().map(|(m, r, _)| ((*m).to_owned(), (*r).to_owned())).collect();
    documented.sort();
    listed.sort();
    assert_eq!(documented, listed);
}

#[tokio::test]
async fn tokens_that_are_nearly_right_are_wrong() {
    let stage = stage();
    let good = super::stage::token(Role::Admin);
    for header in [good.clone(), format!("Bearer {good}x"), format!("Bearer {}", &good[1..]), format!("bearer {good}"), "Bearer ".into()] {
        let request = axum::http::Request::get("/ops/v1/accounts").header("authorization", header.clone());
        let got = stage.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(got.status, 401, "{header}");
    }
    assert_eq!(stage.ops(Role::Admin, "GET", "/ops/v1/nothing", "").await.status, 404);
    assert_eq!(stage.ops(Role::Admin, "PATCH", "/ops/v1/accounts", "").await.status, 403, "what the table does not list is denied");
}

#[tokio::test]
async fn a_merchant_is_made_gets_keys_and_loses_one() {
    let stage = stage();
    let admin = |method: &'static str, path: &'static str, body: &'static str| stage.ops(Role::Admin, method, path, body);
    let bad = admin("PUT", "/ops/v1/merchants/m_new", r#"{"webhook_url":"http://10.0.0.1","x":1}"#).await;
    assert_eq!(bad.fields(), ["name", "webhook_url", "webhook_secret", "x"]);
    let body = r#"{"name":"新店","webhook_url":"https://shop.example.com/hook","new_webhook_secret":true}"#;
    let made = admin("PUT", "/ops/v1/merchants/m_new", body).await.json();
    assert!(made["webhook_secret"].as_str().unwrap().starts_with("whsec_"));
    let again = admin("PUT", "/ops/v1/merchants/m_new", r#"{"name":"新店","webhook_url":"https://shop.example.com/hook"}"#).await.json();
    assert_eq!((&again["webhook_secret"], &again["has_webhook_secret"]), (&Value::Null, &json!(true)), "shown once, kept");

    let path = "/ops/v1/merchants/m_new/keys";
    let first = admin("POST", path, r#"{"id":"k_new"}"#).await;
    assert_eq!(first.status, 201);
    let secret = first.json()["secret"].as_str().unwrap().to_owned();
    assert_eq!(admin("POST", path, r#"{"id":"k_new"}"#).await.code(), "INVALID_STATE");
    assert_eq!(admin("POST", path, "").await.status, 201);
    assert_eq!(admin("POST", path, "").await.code(), "INVALID_STATE", "two live keys at most");
    let call = || Call { key: ("k_new", &secret), ..stage.call("GET", "/v1/whoami", "") };
    assert_eq!(stage.signed(call()).await.json()["merchant"], "m_new");
    assert_eq!(admin("DELETE", "/ops/v1/merchants/m_new/keys/k_new", "").await.status, 200);
    assert_eq!(stage.send(call().request()).await.code(), "UNKNOWN_KEY");
    assert_eq!(admin("DELETE", "/ops/v1/merchants/m_other/keys/k_new", "").await.status, 404);
    let listed = String::from_utf8(admin("GET", path, "").await.bytes).unwrap();
    assert!(!listed.contains(&secret) && listed.contains("k_new"));
    assert_eq!(admin("POST", path, r#"{"id":"k_new"}"#).await.code(), "INVALID_STATE", "an id is never given again");

    let audit = admin("GET", "/ops/v1/audit", "").await.json();
    let acts: Vec<&str> = audit["data"].as_array().unwrap().iter().map(|l| l["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["key.revoke", "key.create", "key.create", "merchant.put", "merchant.put"]);
    let text = audit.to_string();
    assert!(!text.contains(&secret) && !text.contains(made["webhook_secret"].as_str().unwrap()));
    assert_eq!((audit["data"][0]["who"].as_str(), audit["data"][0]["role"].as_str()), (Some("admin"), Some("admin")));
}

#[tokio::test]
async fn accounts_bindings_and_stores_are_changed_with_a_line_each() {
    let stage = stage();
    let drained = stage.ops(Role::Operator, "POST", "/ops/v1/accounts/wx-main/drain", "").await;
    assert_eq!(drained.json()["state"], "draining");
    assert_eq!(stage.ops(Role::Operator, "POST", "/ops/v1/accounts/wx-main/remove", "").await.status, 404);
    assert_eq!(stage.ops(Role::Operator, "POST", "/ops/v1/accounts/nobody/drain", "").await.status, 404);
    let path = "/ops/v1/merchants/m_demo/bindings/wx-main";
    assert_eq!(stage.ops(Role::Admin, "PUT", path, r#"{"methods":["wechat_native"]}"#).await.status, 200);
    assert_eq!(stage.ops(Role::Admin, "PUT", path, r#"{"methods":["alipay_qr"],"sub":{"a":1}}"#).await.fields(), ["sub.a", "methods"]);
    let path = "/ops/v1/merchants/m_demo/stores/s1";
    let store = r#"{"name":"一店","map":[{"account":"wx-main","store_code":"7"}]}"#;
    assert_eq!(stage.ops(Role::Admin, "PUT", path, store).await.json()["map"][0]["store_code"], "7");
    let bad = r#"{"map":[{"account":"nobody"}]}"#;
    assert_eq!(stage.ops(Role::Admin, "PUT", path, bad).await.fields(), ["map[0].account"]);
    assert_eq!(stage.ops(Role::Admin, "POST", "/ops/v1/reload", "").await.json(), json!({"reloaded": true}));
    assert_eq!(stage.ops(Role::Viewer, "GET", "/ops/v1/limits", "").await.json(), json!([]));
    let audit = stage.ops(Role::Finance, "GET", "/ops/v1/audit?limit=2", "").await.json();
    assert_eq!((audit["data"][0]["act"].as_str(), audit["data"][1]["act"].as_str()), (Some("config.reload"), Some("store.put")));
    let next = audit["next_cursor"].as_str().unwrap();
    let rest = stage.ops(Role::Finance, "GET", &format!("/ops/v1/audit?cursor={next}"), "").await.json();
    let acts: Vec<&str> = rest["data"].as_array().unwrap().iter().map(|l| l["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["binding.put", "account.drain"]);
}

#[tokio::test]
async fn an_order_is_found_by_every_number_and_shown_with_its_trail() {
    let stage = stage();
    let id = stage.paid_order("SO-1").await;
    stage.says("refunded");
    let refund = stage.post(&format!("/v1/orders/{id}/refunds"), r#"{"merchant_refund_no":"RF-1","amount":1}"#).await.json();
    let channel_no = id.replacen('P', "A", 1);
    let channel_no = format!("{}01", &channel_no[..25]);
    for q in [id.as_str(), &channel_no, refund["id"].as_str().unwrap(), "SO-1", "RF-1"] {
        let found = stage.ops(Role::Viewer, "GET", &format!("/ops/v1/orders?q={q}"), "").await.json();
        assert_eq!(found["data"][0]["id"], id.as_str(), "{q}");
        assert_eq!(found["data"][0]["merchant"], "m_demo");
    }
    assert_eq!(stage.ops(Role::Viewer, "GET", "/ops/v1/orders?q=nothing", "").await.json()["data"], json!([]));
    assert_eq!(stage.ops(Role::Viewer, "GET", "/ops/v1/orders?merchant=m_other", "").await.json()["data"], json!([]));
    let detail = stage.ops(Role::Viewer, "GET", &format!("/ops/v1/orders/{id}"), "").await.json();
    assert_eq!(detail["attempts"][0]["channel_order_no"], channel_no.as_str());
    assert_eq!(detail["refunds"][0]["id"], refund["id"]);
    assert!(detail["trail"].as_array().unwrap().iter().any(|line| !line["inner"].is_null()), "{detail}");
    let told: Vec<&str> = detail["notifications"].as_array().unwrap().iter().map(|n| n["type"].as_str().unwrap()).collect();
    assert_eq!(told, ["order.paid", "refund.succeeded"]);
    assert_eq!(stage.ops(Role::Viewer, "GET", "/ops/v1/orders/P1", "").await.code(), "ORDER_NOT_FOUND");
    assert_eq!(stage.ops(Role::Viewer, "GET", "/ops/v1/cases", "").await.json(), json!({"data": [], "bills": [], "next_cursor": null}));
}

#[tokio::test]
async fn what_a_person_has_to_look_at_is_listed_with_its_evidence_and_what_may_be_done() {
    let stage = stage();
    let refunded = stage.paid_order("CASE-1").await;
    stage.says("payee cannot");
    stage.post(&format!("/v1/orders/{refunded}/refunds"), r#"{"merchant_refund_no":"RF-2","amount":1}"#).await;
    stage.says("waiting");
    stage.clock.0.fetch_add(1_000, Ordering::SeqCst);
    let unknown = stage.post("/v1/orders", &order("CASE-2")).await.json()["id"].as_str().unwrap().to_owned();
    let sync = format!("/ops/v1/orders/{unknown}/sync");
    assert_eq!(stage.ops(Role::Viewer, "GET", "/ops/v1/cases?kind=unknown", "").await.json()["data"], json!([]), "its time is not over");
    stage.clock.0.fetch_add(86_400_000, Ordering::SeqCst);
    stage.says("nonsense");
    assert_eq!(stage.ops(Role::Operator, "POST", &sync, "").await.json()["status"], "pending", "never failed by exhaustion");
    let found = stage.ops(Role::Viewer, "GET", "/ops/v1/cases", "").await.json();
    let (first, second) = (&found["data"][0], &found["data"][1]);
    assert_eq!((&first["id"], &second["id"], &found["data"][2]), (&json!(unknown), &json!(refunded), &Value::Null));
    let (first, second) = (&first["cases"][0], &second["cases"][0]);
    assert_eq!((&first["kind"], &second["kind"]), (&json!("unknown"), &json!("suspended")));
    assert_eq!(first["evidence"]["attempt"]["last_unknown"], "unlisted: a word nobody knows");
    assert_eq!((&first["next_steps"], &second["next_steps"]), (&json!(["sync", "reconcile"]), &json!(["ask_payee", "sync"])));
    assert_eq!(second["evidence"]["refund"]["amount"], 1);
    let only = |kind: &str| format!("/ops/v1/cases?kind={kind}");
    assert_eq!(stage.ops(Role::Viewer, "GET", &only("suspended"), "").await.json()["data"].as_array().unwrap().len(), 1);
    assert_eq!(stage.ops(Role::Viewer, "GET", &only("late"), "").await.json()["data"], json!([]));
    assert_eq!(stage.ops(Role::Viewer, "GET", &only("other"), "").await.fields(), ["kind"]);
    // What is known at last is no case any more.
    stage.says("closed");
    assert_eq!(stage.ops(Role::Operator, "POST", &sync, "").await.json()["status"], "closed");
    assert_eq!(stage.ops(Role::Viewer, "GET", &only("unknown"), "").await.json()["data"], json!([]));
}

#[tokio::test]
async fn the_policies_of_every_account_are_told() {
    let policies = stage().ops(Role::Viewer, "GET", "/ops/v1/policies", "").await.json();
    let of_native = &policies["data"][0]["policies"][0];
    assert_eq!((&policies["data"][0]["account"], &of_native["methods"][0]), (&json!("wx-main"), &json!("wechat_native")));
    let pay = of_native["verbs"].as_array().unwrap().iter().find(|verb| verb["verb"] == "pay").unwrap();
    let no_answer = pay["answers"].as_array().unwrap().iter().find(|line| line["heard"] == "no answer").unwrap();
    assert!(no_answer["then"].as_str().unwrap().contains("the attempt is unknown; asked again "), "{no_answer}");
}

#[tokio::test]
async fn an_operator_asks_the_channel_and_replays_a_notification() {
    let stage = stage();
    let id = stage.post("/v1/orders", &order("A")).await.json()["id"].as_str().unwrap().to_owned();
    stage.says("paid");
    let synced = stage.ops(Role::Operator, "POST", &format!("/ops/v1/orders/{id}/sync"), "").await.json();
    assert_eq!(synced["status"], "paid");
    let waiting = stage.ops(Role::Viewer, "GET", "/ops/v1/notifications?status=waiting", "").await.json();
    let event_id = waiting["data"][0]["event_id"].as_str().unwrap().to_owned();
    assert_eq!(stage.ops(Role::Viewer, "GET", "/ops/v1/notifications", "").await.json()["data"], json!([]), "none is parked");
    let replayed = stage.ops(Role::Operator, "POST", &format!("/ops/v1/notifications/{event_id}/replay"), "").await;
    assert_eq!(replayed.json()["event_id"], event_id.as_str());
    assert_eq!(stage.ops(Role::Operator, "POST", "/ops/v1/notifications/evt_1/replay", "").await.status, 404);
    let audit = stage.ops(Role::Admin, "GET", "/ops/v1/audit", "").await.json();
    let acts: Vec<&str> = audit["data"].as_array().unwrap().iter().map(|l| l["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["notification.replay", "order.sync"]);
}
