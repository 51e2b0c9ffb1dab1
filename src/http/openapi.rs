//! `GET /openapi.json`: OpenAPI 3.1, derived from the handlers. What no handler can say stands here: the signature, the one form of
//! errors, and the notifications.

use super::schema;
use crate::flow::Code;
use crate::merchant_auth::help::Hint;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;
use utoipa::{PartialSchema, ToSchema};

/// The events merchants are notified of (CONTRACT section 6).
pub const NOTIFICATIONS: &[&str] = &[
    "order.paid",
    "order.failed",
    "order.closed",
    "order.reversed",
    "order.paid_late",
    "refund.succeeded",
    "refund.failed",
    "refund.attention",
];

const SIGNATURE: &str = "`SLUICE-HMAC-SHA256 key_id=\"…\",timestamp=\"…\",nonce=\"…\",signature=\"…\"`: signature is the lower-case hex \
    HMAC-SHA256, under the secret's text, of METHOD, path and query as sent, timestamp, nonce and raw body, each ended by one line feed. \
    The timestamp lies within 300 s; a nonce of 16 to 64 letters, digits, _ or - is used once per key. Answers to verified requests carry \
    Sluice-Timestamp and Sluice-Signature over status, timestamp, the request's nonce and the raw body.";

/// The whole document.
#[must_use]
pub fn document(derived: &OpenApi) -> Value {
    let mut document = serde_json::to_value(derived).unwrap_or_default();
    put(&mut document, "openapi", json!("3.1.0"));
    put(
        &mut document,
        "info",
        json!({
            "title": "Sluice", "version": env!("CARGO_PKG_VERSION"), "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "One order API in front of WeChat Pay, Alipay, UnionPay and bank QR. Amounts are fen, currency is CNY.",
        }),
    );
    put(&mut document, "security", json!([{"merchant": []}]));
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        paths.iter_mut().for_each(|(path, item)| complete(path, item));
    }
    put(&mut document, "webhooks", webhooks());
    let mut schemas = Vec::new();
    schema::Problem::schemas(&mut schemas);
    schema::Notification::schemas(&mut schemas);
    schemas.push(("Problem".into(), schema::Problem::schema()));
    schemas.push(("Notification".into(), schema::Notification::schema()));
    let components = document.get_mut("components").and_then(Value::as_object_mut);
    if let Some(components) = components {
        components.insert("securitySchemes".into(), security());
        let known = components.entry("schemas").or_insert_with(|| json!({}));
        for (name, schema) in schemas {
            put(known, &name, serde_json::to_value(schema).unwrap_or_default());
        }
        let words: Vec<&str> = Code::ALL.iter().map(|code| code.facts().0).collect();
        put(known, "ErrorCode", json!({"type": "string", "enum": words}));
        let hints: Vec<&str> = Hint::ALL.iter().map(|hint| hint.word()).collect();
        put(known, "SignatureHint", json!({"type": "string", "enum": hints}));
    }
    document
}

fn put(tree: &mut Value, name: &str, value: Value) {
    if let Some(fields) = tree.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

fn security() -> Value {
    json!({
        "merchant": {"type": "apiKey", "in": "header", "name": "Authorization", "description": SIGNATURE},
        "operator": {"type": "http", "scheme": "bearer", "description": "An operator's token; its role decides what is allowed."},
    })
}

/// Every operation may answer a problem; operators' calls have another key.
fn complete(path: &str, item: &mut Value) {
    let problem = json!({
        "description": "A problem (RFC 9457)",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    let operations = item.as_object_mut().into_iter().flat_map(|item| item.values_mut());
    for operation in operations.filter(|o| o.get("responses").is_some()) {
        if let Some(responses) = operation.get_mut("responses") {
            put(responses, "default", problem.clone());
        }
        if path.starts_with("/ops/") {
            put(operation, "security", json!([{"operator": []}]));
        }
    }
}

fn webhooks() -> Value {
    let body = json!({"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Notification"}}}});
    let header =
        |name: &str, text: &str| json!({"name": name, "in": "header", "required": true, "description": text, "schema": {"type": "string"}});
    let headers = json!([
        header("webhook-id", "The event's id, the same on every retry"),
        header("webhook-timestamp", "Unix seconds of this try"),
        header("webhook-signature", "`v1,` and the base64 HMAC-SHA256 of id.timestamp.body"),
    ]);
    let mut webhooks = Map::new();
    for kind in NOTIFICATIONS {
        let operation = json!({
            "summary": kind, "operationId": format!("on_{}", kind.replace('.', "_")), "security": [], "parameters": headers, "requestBody": body,
            "responses": {"2XX": {"description": "Taken; anything else is tried again"}},
        });
        webhooks.insert((*kind).to_owned(), json!({"post": operation}));
    }
    Value::Object(webhooks)
}

/// Answers a text that was made once.
pub async fn answer(text: std::sync::Arc<str>) -> Response {
    ([("content-type", "application/json")], text.to_string()).into_response()
}
