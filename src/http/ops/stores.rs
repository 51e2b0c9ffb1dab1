//! A merchant's stores (门店), with what each account calls them.

use super::change::{change, merchant, new_id};
use super::gate::Who;
use crate::domain::merchant::{StoreMap, StoreRecord};
use crate::domain::store_code;
use crate::flow::{Code, Gateway, MerchantEntry, Refused};
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
    let rows: Vec<Value> = merchant(&app, &id)?.stores.iter().map(|store| row(&app.gateway, store)).collect();
    Ok(ok(&json!({"data": rows})))
}

/// A store with the addresses of its page and of the sheet to be printed.
fn row(gateway: &Gateway, store: &StoreRecord) -> Value {
    let mut row = json!(store);
    if let (Some(fields), Some(code)) = (row.as_object_mut(), &store.code) {
        let url = gateway.door_url(code);
        fields.insert("sheet_url".into(), format!("{url}/sheet.svg").into());
        fields.insert("page_url".into(), url.into());
    }
    row
}

/// Make or change a store
///
/// `paused`: its page takes no payments. `code`: a printed code that is to be this store's from now on; without one it keeps its own, or is
/// given one.
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
    new_id("store", &store)?;
    let _one_at_a_time = app.changes.lock().await;
    let known = stored(merchant(&app, &id)?.as_ref(), &store);
    let asked = asked(&app, &id, &store, known.as_ref(), &body::json(&headers, &bytes)?)?;
    put(&app, &who, "store.put", asked).await
}

/// Give a store another code
///
/// The old one opens nothing from now on: print the new sheet.
#[utoipa::path(post, path = "/ops/v1/merchants/{id}/stores/{store}/code", operation_id = "opsRenewStoreCode", tag = "ops",
    params(("id" = String, Path, description = "The merchant's id"), ("store" = String, Path, description = "The store's id")),
    responses((status = 200, description = "The store with its new code", body = Value)))]
pub async fn renew_code(State(app): State<App>, who: Who, Path((id, store)): Path<(String, String)>) -> Reply {
    let _one_at_a_time = app.changes.lock().await;
    let known = stored(merchant(&app, &id)?.as_ref(), &store);
    let known = known.ok_or_else(|| Fail::new(Code::NotFound, "this merchant has no such store"))?;
    put(&app, &who, "store.code", StoreRecord { code: Some(store_code::new(app.gateway.random())), ..known }).await
}

fn stored(merchant: &MerchantEntry, store: &str) -> Option<StoreRecord> {
    merchant.stores.iter().find(|known| known.id == store).cloned()
}

async fn put(app: &App, who: &Who, act: &str, store: StoreRecord) -> Reply {
    let doc = serde_json::to_value(&store).map_err(|e| Refused::inner(e.to_string()))?;
    let put = vec![Record { kind: "store".into(), id: format!("{}\n{}", store.merchant_id, store.id), doc: Some(doc.clone()) }];
    change(app, who, put, act, &format!("{}/{}", store.merchant_id, store.id), doc).await?;
    Ok(ok(&row(&app.gateway, &store)))
}

fn asked(app: &App, merchant_id: &str, store: &str, known: Option<&StoreRecord>, body: &Value) -> Result<StoreRecord, Fail> {
    let reader = Reader::root("body", body);
    let text = |field, max| reader.text_of(field, 1, max).map(str::to_owned);
    let own = || known.and_then(|known| known.code.clone()).or_else(|| Some(store_code::new(app.gateway.random())));
    let row = StoreRecord {
        merchant_id: merchant_id.to_owned(),
        id: store.to_owned(),
        name: text("name", 256),
        address: text("address", 512),
        area_code: text("area_code", 32),
        map: map(app, &reader),
        code: code(app, &reader, merchant_id, store).or_else(own),
        paused: reader.flag("paused").unwrap_or(false),
    };
    reader.finish();
    body::refuse(&reader)?;
    Ok(row)
}

/// A code as it is printed somewhere. One that opens another store's page is that store's until it is given up there.
fn code(app: &App, reader: &Reader<'_>, merchant_id: &str, store: &str) -> Option<String> {
    let text = reader.text("code")?;
    let Some(code) = store_code::read(text) else {
        reader.problem("code", "must be the 12 letters and digits of a code of this gateway; leave it out to be given one");
        return None;
    };
    let is_others = app.gateway.directory.load().store_codes.get(&code).is_some_and(|(m, s)| m != merchant_id || s != store);
    if is_others {
        reader.problem("code", "is another store's: give that store a new one first");
    }
    Some(code)
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
