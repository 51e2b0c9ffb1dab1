//! A merchant's stores (门店), with what each account calls them.

use super::change::{change, merchant, new_id};
use super::gate::Who;
use crate::domain::merchant::{StoreMap, StoreRecord};
use crate::flow::Refused;
use crate::http::App;
use crate::http::body;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::ok;
use crate::store::Record;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};
use sluice_contract::Reader;

/// List a merchant's stores
#[utoipa::path(get, path = "/ops/v1/merchants/{id}/stores", operation_id = "opsListStores", tag = "ops",
    params(("id" = String, Path, description = "The merchant's id")), responses((status = 200, description = "Stores", body = Value)))]
pub async fn list_stores(State(app): State<App>, _: Who, Path(id): Path<String>) -> Reply {
    Ok(ok(&json!({"data": merchant(&app, &id)?.stores})))
}

/// Make or change a store
#[utoipa::path(put, path = "/ops/v1/merchants/{id}/stores/{store}", operation_id = "opsPutStore", tag = "ops", request_body = Value,
    params(("id" = String, Path, description = "The merchant's id"), ("store" = String, Path, description = "The store's id")),
    responses((status = 200, description = "The store", body = Value)))]
pub async fn put_store(
    State(app): State<App>,
    who: Who,
    Path((id, store)): Path<(String, String)>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Reply {
    merchant(&app, &id)?;
    new_id("store", &store)?;
    let row = asked(&app, &id, &store, &body::json(&headers, &bytes)?)?;
    let doc = serde_json::to_value(&row).map_err(|e| Refused::inner(e.to_string()))?;
    let put = vec![Record { kind: "store".into(), id: format!("{id}\n{store}"), doc: Some(doc.clone()) }];
    change(&app, &who, put, "store.put", &format!("{id}/{store}"), doc.clone()).await?;
    Ok(ok(&doc))
}

fn asked(app: &App, merchant_id: &str, store: &str, body: &Value) -> Result<StoreRecord, Fail> {
    let reader = Reader::root("body", body);
    let text = |field, max| reader.text_of(field, 1, max).map(str::to_owned);
    let row = StoreRecord {
        merchant_id: merchant_id.to_owned(),
        id: store.to_owned(),
        name: text("name", 256),
        address: text("address", 512),
        area_code: text("area_code", 32),
        map: map(app, &reader),
    };
    reader.finish();
    body::refuse(&reader)?;
    Ok(row)
}

fn map(app: &App, reader: &Reader<'_>) -> Vec<StoreMap> {
    let directory = app.gateway.directory.load();
    let mut list: Vec<StoreMap> = Vec::new();
    for row in reader.tables("map") {
        let account = row.need_text("account").to_owned();
        if !account.is_empty() && directory.account(&account).is_none() {
            row.problem("account", "is no account of this gateway");
        }
        if list.iter().any(|known| known.account == account) {
            row.problem("account", "stands there twice");
        }
        let text = |field| row.text_of(field, 1, 64).map(str::to_owned);
        list.push(StoreMap { account, store_code: text("store_code"), term_id: text("term_id") });
        row.finish();
    }
    list
}
