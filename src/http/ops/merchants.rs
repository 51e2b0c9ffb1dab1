//! Merchants: listed, made and changed. Their webhook's secret is shown once, when it is made here.

use super::change::{change, new_id, record, sealed};
use super::gate::Who;
use crate::config::{check_prefer, webhook_key};
use crate::domain::Name;
use crate::domain::merchant::Merchant;
use crate::flow::MerchantEntry;
use crate::http::App;
use crate::http::body;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::ok;
use crate::outbound::check_url;
use crate::store::Record;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sluice_contract::Reader;

/// List merchants
#[utoipa::path(get, path = "/ops/v1/merchants", operation_id = "opsListMerchants", tag = "ops",
    responses((status = 200, description = "Every merchant, without secrets", body = Value)))]
pub async fn list_merchants(State(app): State<App>, _: Who) -> Reply {
    let directory = app.gateway.directory.load_full();
    let data: Vec<Value> = directory.merchants.values().map(|entry| shown(&app, entry)).collect();
    Ok(ok(&json!({"data": data})))
}

fn shown(app: &App, entry: &MerchantEntry) -> Value {
    let Merchant { id, name, enabled, webhook_url, prefer } = &entry.merchant;
    let directory = app.gateway.directory.load();
    let keys: Vec<&String> = directory.keys.iter().filter(|(_, key)| key.merchant_id == *id).map(|(key_id, _)| key_id).collect();
    let bindings: Vec<&Name> = entry.bindings.iter().map(|b| &b.account).collect();
    json!({
        "id": id, "name": name, "enabled": enabled, "webhook_url": webhook_url, "has_webhook_secret": entry.webhook_secret.is_some(),
        "live_keys": keys, "bindings": bindings, "prefer": prefer,
    })
}

/// Make or change a merchant
///
/// Name, enabled, `webhook_url` and `prefer` (its own order of accounts, before the platform's rules) are set as given. The webhook's secret stays unless `webhook_secret` gives another, or
/// `new_webhook_secret` is true: then one is made and answered, this once.
#[utoipa::path(put, path = "/ops/v1/merchants/{id}", operation_id = "opsPutMerchant", tag = "ops", request_body = Value,
    params(("id" = String, Path, description = "The merchant's id")), responses((status = 200, description = "The merchant", body = Value)))]
pub async fn put_merchant(State(app): State<App>, who: Who, Path(id): Path<String>, headers: HeaderMap, bytes: Bytes) -> Reply {
    new_id("id", &id)?;
    let _one_at_a_time = app.changes.lock().await;
    let before = record(&app.gateway, "merchant", &id).await?;
    let kept = before.as_ref().and_then(|doc| doc.get("webhook_sealed")).and_then(Value::as_str).map(str::to_owned);
    let asked = asked(&app, &id, &body::json(&headers, &bytes)?, kept.is_some())?;
    let merchant = &asked.merchant;
    let made = asked.new_secret.then(|| new_secret(&app));
    let given = asked.secret;
    let webhook_sealed = match made.as_ref().or(given.as_ref()) {
        Some(secret) => Some(sealed(&app.gateway, "webhook", secret)?),
        None => kept,
    };
    let doc = json!({
        "id": id, "name": merchant.name, "enabled": merchant.enabled, "webhook_url": merchant.webhook_url, "prefer": merchant.prefer,
        "webhook_sealed": webhook_sealed,
    });
    let records = vec![Record { kind: "merchant".into(), id: id.clone(), doc: Some(doc) }];
    let secret_changed = made.is_some() || given.is_some();
    let detail = json!({
        "name": merchant.name, "enabled": merchant.enabled, "webhook_url": merchant.webhook_url, "webhook_secret_changed": secret_changed,
        "prefer": merchant.prefer, "new": before.is_none(),
    });
    change(&app, &who, records, "merchant.put", &id, detail).await?;
    let mut answer = shown(&app, super::change::merchant(&app, &id)?.as_ref());
    if let (Some(fields), Some(secret)) = (answer.as_object_mut(), made) {
        fields.insert("webhook_secret".into(), secret.into());
    }
    Ok(ok(&answer))
}

/// What the body asks for.
struct Asked {
    merchant: Merchant,
    secret: Option<String>,
    new_secret: bool,
}

fn asked(app: &App, id: &str, body: &Value, has_secret: bool) -> Result<Asked, Fail> {
    let reader = Reader::root("body", body);
    let merchant = Merchant {
        id: id.to_owned(),
        name: reader.text_of("name", 1, 128).unwrap_or_default().to_owned(),
        enabled: reader.flag("enabled").unwrap_or(true),
        webhook_url: reader.text("webhook_url").map(str::to_owned),
        prefer: reader.texts("prefer").map(|list| list.into_iter().map(str::to_owned).collect()),
    };
    let directory = app.gateway.directory.load();
    reader.problems(check_prefer(merchant.prefer.as_deref().unwrap_or_default(), |id| directory.account(id).is_some()));
    if reader.raw("name").is_none() {
        reader.missing("name");
    }
    if let Some(Err(refused)) = merchant.webhook_url.as_deref().map(|url| check_url(url, app.gateway.notify_policy)) {
        reader.problem("webhook_url", refused.to_string());
    }
    let given = reader.text("webhook_secret").map(str::to_owned);
    if given.as_deref().is_some_and(|secret| webhook_key(secret).is_none()) {
        reader.problem("webhook_secret", "must be whsec_ and the base64 of 24 to 64 bytes");
    }
    let new_secret = reader.flag("new_webhook_secret").unwrap_or(false);
    if merchant.webhook_url.is_some() && given.is_none() && !new_secret && !has_secret {
        reader.problem("webhook_secret", "is required with webhook_url: give one, or set new_webhook_secret");
    }
    reader.finish();
    body::refuse(&reader)?;
    Ok(Asked { merchant, secret: given, new_secret })
}

fn new_secret(app: &App) -> String {
    format!("whsec_{}", STANDARD.encode(app.gateway.random::<32>()))
}
