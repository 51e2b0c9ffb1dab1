//! A merchant's keys: two live ones at most, the one in use and the one it is changed to. A secret is shown once, when it is made.

use super::change::{change, merchant, new_id, record, records, sealed};
use super::gate::Who;
use crate::flow::{Code, Refused};
use crate::http::App;
use crate::http::body;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::{json as answer, ok};
use crate::store::Record;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use sluice_contract::fields::parse_json;
use sluice_contract::{Millis, Reader};

const LIVE_MAX: usize = 2;
/// How long a key stays under debugging.
const DEBUG_S: i64 = 24 * 60 * 60;
const DEBUG_UNTIL: &str = "debug_until_ms";

fn is_of(doc: &Value, merchant_id: &str) -> bool {
    doc.get("merchant_id").and_then(Value::as_str) == Some(merchant_id)
}

fn is_live(doc: &Value) -> bool {
    doc.get("enabled").and_then(Value::as_bool).unwrap_or(false)
}

/// List a merchant's keys
#[utoipa::path(get, path = "/ops/v1/merchants/{id}/keys", operation_id = "opsListKeys", tag = "ops",
    params(("id" = String, Path, description = "The merchant's id")),
    responses((status = 200, description = "Keys without their secrets", body = Value)))]
pub async fn list_keys(State(app): State<App>, _: Who, Path(id): Path<String>) -> Reply {
    merchant(&app, &id)?;
    let all = records(&app.gateway, "key").await?;
    let rows = all.iter().filter(|(_, doc)| is_of(doc, &id));
    let now = app.gateway.now();
    let until = |doc: &Value| doc.get(DEBUG_UNTIL).and_then(Value::as_i64).map(Millis).filter(|until| now < *until);
    let row = |(key_id, doc): &(String, Value)| json!({"id": key_id, "live": is_live(doc), "debug_until": until(doc).map(Millis::rfc3339)});
    let data: Vec<Value> = rows.map(row).collect();
    Ok(ok(&json!({"data": data})))
}

/// Make a key
///
/// Answers its secret, this once. `id` may be chosen; without one it is made.
#[utoipa::path(post, path = "/ops/v1/merchants/{id}/keys", operation_id = "opsCreateKey", tag = "ops", request_body = Option<Value>,
    params(("id" = String, Path, description = "The merchant's id")),
    responses((status = 201, description = "The key with its secret", body = Value)))]
pub async fn create_key(State(app): State<App>, who: Who, Path(id): Path<String>, bytes: Bytes) -> Reply {
    merchant(&app, &id)?;
    let key_id = chosen_id(&bytes)?.unwrap_or_else(|| format!("k_{}", hex::encode(app.gateway.random::<8>())));
    new_id("id", &key_id)?;
    let _one_at_a_time = app.changes.lock().await;
    let all = records(&app.gateway, "key").await?;
    if all.iter().any(|(known, _)| *known == key_id) {
        return Err(Fail::new(Code::InvalidState, "a key of this id exists or existed: choose another id"));
    }
    if all.iter().filter(|(_, doc)| is_of(doc, &id) && is_live(doc)).count() >= LIVE_MAX {
        return Err(Fail::new(Code::InvalidState, "the merchant has two live keys: revoke one first"));
    }
    let secret = hex::encode(app.gateway.random::<32>());
    let doc = json!({"merchant_id": id, "sealed": sealed(&app.gateway, "merchant_key", &secret)?, "enabled": true});
    let put = vec![Record { kind: "key".into(), id: key_id.clone(), doc: Some(doc) }];
    change(&app, &who, put, "key.create", &key_id, json!({"merchant": id})).await?;
    Ok(answer(StatusCode::CREATED, &json!({"id": key_id, "merchant": id, "secret": secret, "live": true})))
}

fn chosen_id(bytes: &[u8]) -> Result<Option<String>, Fail> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let tree = parse_json(bytes).map_err(|problem| Refused::fields(vec![problem]))?;
    let reader = Reader::root("body", &tree);
    let id = reader.text("id").map(str::to_owned);
    reader.finish();
    body::refuse(&reader)?;
    Ok(id)
}

/// Revoke a key
///
/// At once: the next request signed with it is `UNKNOWN_KEY`. Its id is never given again.
#[utoipa::path(delete, path = "/ops/v1/merchants/{id}/keys/{key}", operation_id = "opsRevokeKey", tag = "ops",
    params(("id" = String, Path, description = "The merchant's id"), ("key" = String, Path, description = "The key's id")),
    responses((status = 200, description = "The revoked key", body = Value)))]
pub async fn revoke_key(State(app): State<App>, who: Who, Path((id, key)): Path<(String, String)>) -> Reply {
    merchant(&app, &id)?;
    let _one_at_a_time = app.changes.lock().await;
    let mut doc = key_record(&app, &id, &key).await?;
    if let Some(fields) = doc.as_object_mut() {
        fields.insert("enabled".into(), Value::Bool(false));
    }
    let put = vec![Record { kind: "key".into(), id: key.clone(), doc: Some(doc) }];
    change(&app, &who, put, "key.revoke", &key, json!({"merchant": id})).await?;
    Ok(ok(&json!({"id": key, "merchant": id, "live": false})))
}

/// Debug a key
///
/// For 24 hours a wrong signature under this key is answered with hints in `signature_debug`; `{"on": false}` ends it. It changes nothing
/// of what is accepted. In the sandbox hints always come.
#[utoipa::path(put, path = "/ops/v1/merchants/{id}/keys/{key}/debug", operation_id = "opsDebugKey", tag = "ops", request_body = Value,
    params(("id" = String, Path, description = "The merchant's id"), ("key" = String, Path, description = "The key's id")),
    responses((status = 200, description = "The key, and until when", body = Value)))]
pub async fn debug_key(
    State(app): State<App>,
    who: Who,
    Path((id, key)): Path<(String, String)>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Reply {
    merchant(&app, &id)?;
    let on = is_on(&headers, &bytes)?;
    let _one_at_a_time = app.changes.lock().await;
    let mut doc = key_record(&app, &id, &key).await?;
    if !is_live(&doc) {
        return Err(Fail::new(Code::InvalidState, "the key was revoked: nothing is signed with it"));
    }
    let until = on.then(|| app.gateway.now().plus_s(DEBUG_S));
    if let Some(fields) = doc.as_object_mut() {
        fields.insert(DEBUG_UNTIL.into(), json!(until.map(|until| until.0)));
    }
    let put = vec![Record { kind: "key".into(), id: key.clone(), doc: Some(doc) }];
    let shown = until.map(Millis::rfc3339);
    change(&app, &who, put, "key.debug", &key, json!({"merchant": id, "until": shown})).await?;
    Ok(ok(&json!({"id": key, "merchant": id, "live": true, "debug_until": shown})))
}

fn is_on(headers: &HeaderMap, bytes: &[u8]) -> Result<bool, Fail> {
    let tree = body::json(headers, bytes)?;
    let reader = Reader::root("body", &tree);
    let on = reader.flag("on");
    if reader.raw("on").is_none() {
        reader.missing("on");
    }
    reader.finish();
    body::refuse(&reader)?;
    Ok(on.unwrap_or(false))
}

async fn key_record(app: &App, merchant_id: &str, key: &str) -> Result<Value, Fail> {
    let doc = record(&app.gateway, "key", key).await?.filter(|doc| is_of(doc, merchant_id));
    doc.ok_or_else(|| Fail::new(Code::NotFound, "this merchant has no such key"))
}
