//! `signature_debug` and its five limits (PEOPLE 5.3): no oracle, only what was sent, hints where they are allowed, nothing for
//! strangers, counted first.

use super::stage::{Call, Got, NOW, OTHER, SECRET, Stage, stage};
use crate::config::Role;
use crate::flow::Account;
use crate::http::signature_help::HELPED_PER_MINUTE;
use crate::merchant_auth::{Request as Signed, canonical, sign};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::Ordering;

const BODY: &str = r#"{"merchant_order_no":"A","amount":1280,"subject":"一箱苹果","method":"wechat_native","metadata":{"shop":"12","till":"3","clerk":"whoever"}}"#;

/// A request whose body is signed as a pretty printer would have written it.
fn reserialised(stage: &Stage) -> Request<Body> {
    let signed = BODY.replace(':', ": ").replace(",\"", ", \"");
    let mut request = stage.call("POST", "/v1/orders", &signed).request();
    *request.body_mut() = Body::from(BODY);
    request
}

fn debug(got: &Got) -> Value {
    assert_eq!((got.status.as_u16(), got.code().as_str()), (401, "BAD_SIGNATURE"));
    got.json()["signature_debug"].clone()
}

/// One live account in the place of the sandbox's: hints are for those who asked for them.
fn live(stage: &Stage) {
    stage.direct(|directory| {
        directory.accounts = vec![Arc::new(Account { sandbox: false, ..super::stage::account("wx-main") })];
    });
}

#[tokio::test]
async fn what_was_received_comes_back_and_nothing_that_is_ours() {
    let stage = stage();
    let request = reserialised(&stage);
    let header = request.headers().get("authorization").unwrap().to_str().unwrap().to_owned();
    let nonce = header.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let got = stage.send(request).await;
    let timestamp = (NOW / 1000).to_string();
    let signed = Signed { method: "POST", path_and_query: "/v1/orders", timestamp: &timestamp, nonce: &nonce, body: BODY.as_bytes() };
    let to_sign = String::from_utf8(canonical(&signed)).unwrap();
    let debug = debug(&got);
    assert_eq!(
        debug,
        json!({
            "method": "POST", "path_and_query": "/v1/orders", "timestamp": timestamp, "nonce": nonce, "body_bytes": BODY.len(),
            "body_sha256": hex::encode(Sha256::digest(BODY)), "string_to_sign_length": to_sign.len(),
            "string_to_sign_truncated": debug["string_to_sign_truncated"], "hints": ["body_reserialised"],
        })
    );
    let shown = debug["string_to_sign_truncated"].as_str().unwrap().replace("\\n", "\n");
    assert!(to_sign.starts_with(&shown) && shown.len() <= 160 && shown.len() < to_sign.len(), "{shown}");
    // Neither the right signature nor any part of it, nor the secret, nor another's.
    let answer = String::from_utf8(got.bytes).unwrap();
    let right = sign(SECRET, &signed);
    for part in [&right[..16], &right[16..32], &right[48..], &SECRET[..16], &OTHER.1[..16], "whsec"] {
        assert!(!answer.contains(part), "{part} in {answer}");
    }
    assert!(got.headers.get("sluice-signature").is_none());
}

#[tokio::test]
async fn a_header_in_a_wrong_alphabet_is_explained_too() {
    let stage = stage();
    let spoil = |from: &str, to: &str| {
        let mut request = stage.call("GET", "/v1/orders", "").request();
        let header = request.headers().get("authorization").unwrap().to_str().unwrap().replace(from, to);
        request.headers_mut().insert("authorization", header.parse().unwrap());
        request
    };
    let seconds = format!("timestamp=\"{}\"", NOW / 1000);
    let got = stage.send(spoil(&seconds, &format!("timestamp=\"{NOW}\""))).await;
    assert_eq!(debug(&got)["hints"], json!(["timestamp_in_ms"]));
    let upper = stage.send(spoil("signature=\"", "signature=\"A")).await;
    assert_eq!(debug(&upper)["hints"], json!([]), "65 digits are no signature in upper case");
    for header in ["Bearer x", "SLUICE-HMAC-SHA256 key_id=k_demo", "SLUICE-HMAC-SHA256 key_id=\"k_demo\""] {
        let request = Request::get("/v1/orders").header("authorization", header).body(Body::empty()).unwrap();
        assert_eq!(debug(&stage.send(request).await), Value::Null, "{header}");
    }
}

/// Limit 4. Not even whether the rest was right: the answer is the same to the byte but for its request id.
#[tokio::test]
async fn an_unknown_key_is_told_nothing() {
    let stage = stage();
    let mut told = Vec::new();
    for (secret, body) in [(SECRET, BODY), (SECRET, ""), (OTHER.1, BODY), ("", "[")] {
        let got = stage.send(Call { key: ("k_nobody", secret), ..stage.call("POST", "/v1/orders", body) }.request()).await;
        let mut problem = got.json();
        problem["request_id"] = Value::Null;
        told.push(problem);
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((told[0]["code"].as_str(), told[0].get("signature_debug")), (Some("UNKNOWN_KEY"), None));
    let mut malformed = Call { key: ("k_nobody", SECRET), ..stage.call("GET", "/v1/orders", "") }.request();
    let header = malformed.headers().get("authorization").unwrap().to_str().unwrap().replace("nonce=\"", "nonce=\" ");
    malformed.headers_mut().insert("authorization", header.parse().unwrap());
    assert_eq!(debug(&stage.send(malformed).await), Value::Null);
    assert!(!metrics(&stage).await.contains("sluice_bad_signatures_total 1"), "a stranger was counted");
}

async fn metrics(stage: &Stage) -> String {
    String::from_utf8(stage.plain("GET", "/metrics", "").await.bytes).unwrap()
}

/// Limit 3: live, the string only; with `debug` on, hints for a day.
#[tokio::test]
async fn live_keys_have_hints_only_while_an_operator_says_so() {
    let stage = stage();
    live(&stage);
    assert_eq!(debug(&stage.send(reserialised(&stage)).await)["hints"], json!([]));
    let created = stage.ops(Role::Admin, "POST", "/ops/v1/merchants/m_demo/keys", "").await.json();
    let (id, secret) = (created["id"].as_str().unwrap().to_owned(), created["secret"].as_str().unwrap().to_owned());
    let path = format!("/ops/v1/merchants/m_demo/keys/{id}/debug");
    let hints = async |stage: &Stage| {
        // An operator's change builds the directory anew, with the sandbox's account in it.
        let directory = stage.app.gateway.directory.load_full();
        let key = Arc::clone(&directory.keys[&id]);
        stage.direct(|fresh| {
            fresh.accounts = vec![Arc::new(Account { sandbox: false, ..super::stage::account("wx-main") })];
            fresh.keys.insert(id.clone(), key);
        });
        let at = stage.clock.0.load(Ordering::SeqCst) / 1000;
        let mut request = Call { key: (&id, &secret), at, ..stage.call("POST", "/v1/orders", BODY) }.request();
        *request.body_mut() = Body::from(format!("{BODY} "));
        debug(&stage.send(request).await)["hints"].clone()
    };
    assert_eq!(hints(&stage).await, json!([]));
    let on = stage.ops(Role::Operator, "PUT", &path, r#"{"on":true}"#).await.json();
    assert_eq!(on["debug_until"], "2025-11-24T14:40:00.000+08:00", "24 hours from now");
    assert_eq!(hints(&stage).await, json!(["body_reserialised"]));
    stage.clock.0.fetch_add(24 * 3_600_000, Ordering::SeqCst);
    assert_eq!(hints(&stage).await, json!([]), "it goes off by itself");
    stage.ops(Role::Operator, "PUT", &path, r#"{"on":true}"#).await;
    assert_eq!(stage.ops(Role::Operator, "PUT", &path, r#"{"on":false}"#).await.json()["debug_until"], Value::Null);
    assert_eq!(hints(&stage).await, json!([]));
    let audit = stage.ops(Role::Finance, "GET", "/ops/v1/audit", "").await.json().to_string();
    assert_eq!(audit.matches("key.debug").count(), 3, "{audit}");
}

#[tokio::test]
async fn who_may_switch_it_and_what_it_needs() {
    let stage = stage();
    let id = stage.ops(Role::Admin, "POST", "/ops/v1/merchants/m_demo/keys", "").await.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/ops/v1/merchants/m_demo/keys/{id}/debug");
    for (role, status) in [(Role::Viewer, 403), (Role::Finance, 403), (Role::Operator, 200), (Role::Admin, 200)] {
        assert_eq!(stage.ops(role, "PUT", &path, r#"{"on":true}"#).await.status, status, "{role:?}");
    }
    for body in ["{}", r#"{"on":1}"#, r#"{"on":true,"for":"ever"}"#, "[]"] {
        assert_eq!(stage.ops(Role::Admin, "PUT", &path, body).await.code(), "INVALID_REQUEST", "{body}");
    }
    let other = path.replace("m_demo", "m_other");
    assert_eq!(stage.ops(Role::Admin, "PUT", &other, r#"{"on":true}"#).await.code(), "NOT_FOUND", "another merchant's key");
    stage.ops(Role::Admin, "DELETE", path.trim_end_matches("/debug"), "").await;
    assert_eq!(stage.ops(Role::Admin, "PUT", &path, r#"{"on":true}"#).await.code(), "INVALID_STATE");
}

/// Limit 5: counted before anything is tried, alarmed, and bounded; the next minute is a new one. What is right goes through all the time.
#[tokio::test]
async fn help_is_bounded_per_key_and_minute() {
    let stage = stage();
    for serial in 1..=HELPED_PER_MINUTE + 5 {
        let explained = debug(&stage.send(reserialised(&stage)).await) != Value::Null;
        assert_eq!(explained, serial <= HELPED_PER_MINUTE, "{serial}");
    }
    let other = stage.call("GET", "/v1/orders", "");
    assert_ne!(debug(&stage.send(Call { key: (OTHER.0, SECRET), ..other }.request()).await), Value::Null, "another key has its own count");
    assert_eq!(stage.get("/v1/orders").await.status, 200);
    let counted = format!("sluice_bad_signatures_total {}", HELPED_PER_MINUTE + 6);
    assert!(metrics(&stage).await.contains(&counted), "{counted}");
    stage.clock.0.fetch_add(60_000, Ordering::SeqCst);
    assert_ne!(debug(&stage.send(reserialised(&stage)).await), Value::Null);
}

/// Trials describe a refusal: none of what they try is ever accepted, and the nonce stays unspent.
#[tokio::test]
async fn nothing_that_is_hinted_at_is_accepted() {
    let stage = stage();
    let request = || Call { nonce: "one-nonce-for-all-of-it".into(), ..stage.call("GET", "/v1/orders?limit=2&status=paid", "") };
    let good = request().request();
    for path in ["/v1/orders?status=paid&limit=2", "/v1/orders?limit=%32&status=paid"] {
        let mut moved = request().request();
        *moved.uri_mut() = path.parse().unwrap();
        assert_ne!(debug(&stage.send(moved).await)["hints"], json!([]), "{path}");
    }
    assert_eq!(stage.send(good).await.status, 200);
}
