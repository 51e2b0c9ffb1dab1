//! Orders as operators see them: found by any number that names one, shown with the inner trail, asked about at the channel.

use super::change::note;
use super::gate::Who;
use crate::domain::life::{Attempt, Life};
use crate::domain::limit::Entry;
use crate::domain::{Event, OrderId, show};
use crate::flow::{Code, Gateway, Refused};
use crate::http::App;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::{list, ok, one};
use crate::http::params::Params;
use crate::store::{Answer, Kind, Notice, Query};
use axum::extract::{Path, State};
use axum::http::Uri;
use serde_json::{Value, json};
use sluice_contract::Millis;

/// Search orders
///
/// `q` is an order id, a channel order number, a refund id, an event id, or a merchant's own number of an order or refund.
#[utoipa::path(get, path = "/ops/v1/orders", operation_id = "opsSearchOrders", tag = "ops",
    params(
        ("q" = Option<String>, Query, description = "A number that names an order"),
        ("merchant" = Option<String>, Query, description = "Only this merchant's"),
        ("status" = Option<String>, Query, description = "Only orders of this status"),
        ("created_from" = Option<String>, Query, description = "RFC 3339, inclusive"),
        ("created_to" = Option<String>, Query, description = "RFC 3339, exclusive"),
        ("limit" = Option<u32>, Query, description = "1 to 100, 20 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "Newest first", body = Value)))]
pub async fn search_orders(State(app): State<App>, _: Who, uri: Uri) -> Reply {
    let mut params = Params::of(&uri, &["q", "merchant", "status", "created_from", "created_to", "limit", "cursor"]);
    let merchant = params.text("merchant").map(str::to_owned);
    let filter = list::filter(&mut params, merchant.clone());
    let q = params.text("q").map(|q| q.trim().to_owned()).filter(|q| !q.is_empty());
    params.check()?;
    let (lives, next_cursor) = match q {
        Some(q) => (found(&app.gateway, merchant.as_deref(), &q).await?, None),
        None => list::page(&app.gateway, filter).await?,
    };
    let data: Vec<Value> = lives.iter().map(row).collect();
    Ok(ok(&json!({"data": data, "next_cursor": next_cursor})))
}

/// Every order a number names; two merchants may use the same one.
async fn found(gateway: &Gateway, merchant: Option<&str>, q: &str) -> Result<Vec<Life>, Fail> {
    let by_number = [OrderId::of_attempt(q), OrderId::of_refund(q), OrderId::of_event(q)].into_iter().flatten().map(|(id, _)| id).next();
    let mut ids: Vec<OrderId> = OrderId::parse(q).or(by_number).into_iter().collect();
    if ids.is_empty() {
        let directory = gateway.directory.load_full();
        for merchant_id in directory.merchants.keys().filter(|id| merchant.is_none_or(|m| m == *id)) {
            let order = list::claimed(gateway, merchant_id, Kind::Order, q.to_owned()).await?;
            ids.extend(order.as_deref().and_then(OrderId::parse));
            let refund = list::claimed(gateway, merchant_id, Kind::Refund, q.to_owned()).await?;
            ids.extend(refund.as_deref().and_then(OrderId::of_refund).map(|(id, _)| id));
        }
        ids.dedup();
    }
    let mut lives = Vec::new();
    for id in ids {
        lives.extend(gateway.life(&id).await?.filter(|life| merchant.is_none_or(|m| m == life.order.merchant_id)));
    }
    Ok(lives)
}

/// The order without payer ids, which only its merchant may see.
pub fn row(life: &Life) -> Value {
    let mut row = show::order(life);
    if let Some(fields) = row.as_object_mut() {
        fields.insert("merchant".into(), life.order.merchant_id.clone().into());
        fields.insert("suspended".into(), life.is_suspended().into());
        fields.insert("wake_at".into(), json!(life.wake_at().map(Millis::rfc3339)));
    }
    row
}

/// One order with everything that happened to it
#[utoipa::path(get, path = "/ops/v1/orders/{id}", operation_id = "opsGetOrder", tag = "ops",
    params(("id" = String, Path, description = "The order's id")),
    responses((status = 200, description = "Order, attempts, refunds, the inner trail and the notifications", body = Value)))]
pub async fn order_detail(State(app): State<App>, _: Who, Path(id): Path<String>) -> Reply {
    Ok(ok(&explained(&app.gateway, &id).await?))
}

/// The life of an order: what this call answers and `sluice explain` prints.
pub async fn explained(gateway: &Gateway, id: &str) -> Result<Value, Fail> {
    let id = OrderId::parse(id).ok_or_else(missing)?;
    let life = gateway.life(&id).await?.ok_or_else(missing)?;
    let Answer::Notices(notices) = gateway.store.read(Query::NoticesOf(id.clone())).await? else {
        return Err(Refused::inner("an unexpected answer to NoticesOf").into());
    };
    let Answer::Entries(entries) = gateway.store.read(Query::Entries(id.clone())).await? else {
        return Err(Refused::inner("an unexpected answer to Entries").into());
    };
    let trail: Vec<Value> = one::events(gateway, &id).await?.iter().map(inner_event).collect();
    let attempts: Vec<Value> = life.attempts.iter().map(|a| inner_attempt(&life, a)).collect();
    Ok(json!({
        "order": row(&life), "attempts": attempts, "refunds": one::refunds(&life), "trail": trail,
        "risk": life.order.facts.risk, "limit_entries": entries.iter().map(limit_entry).collect::<Vec<_>>(),
        "notifications": notices.iter().map(notice).collect::<Vec<_>>(),
    }))
}

fn missing() -> Refused {
    Refused::new(Code::OrderNotFound, "there is no such order")
}

fn limit_entry(entry: &Entry) -> Value {
    let share = &entry.share;
    json!({
        "at": entry.at.rfc3339(), "attempt": entry.attempt_seq, "step": entry.step.word(), "refund": entry.refund_seq, "limit": entry.key.limit,
        "subject": entry.key.subject, "holder": entry.key.holder, "window_start": entry.key.start, "reserved": share.reserved,
        "confirmed": share.confirmed, "overrun": share.over_reserved.saturating_add(share.over_confirmed),
    })
}

fn inner_event(event: &Event) -> Value {
    let mut line = show::event(event);
    if let Some(fields) = line.as_object_mut() {
        fields.insert("inner".into(), event.inner.clone().unwrap_or_default());
    }
    line
}

fn inner_attempt(life: &Life, attempt: &Attempt) -> Value {
    let mut line = show::attempt(&life.order, attempt);
    if let Some(fields) = line.as_object_mut() {
        fields.insert("seq".into(), attempt.seq.into());
        fields.insert("route".into(), attempt.notes.route.clone());
        fields.insert("queries".into(), attempt.queries.into());
        fields.insert("undo".into(), json!(attempt.undo));
        fields.insert("next_at".into(), json!(attempt.next_at.map(Millis::rfc3339)));
        fields.insert("last_unknown".into(), json!(attempt.notes.last_unknown));
    }
    line
}

/// A notification as operators see it.
#[must_use]
pub fn notice(notice: &Notice) -> Value {
    json!({
        "event_id": notice.event_id, "order_id": notice.order_id.as_str(), "merchant": notice.merchant_id, "type": notice.kind,
        "at": notice.at.rfc3339(), "status": notice.status, "tries": notice.tries, "next_at": notice.next_at.map(Millis::rfc3339),
        "last": notice.last,
    })
}

/// Ask the channel now
#[utoipa::path(post, path = "/ops/v1/orders/{id}/sync", operation_id = "opsSyncOrder", tag = "ops",
    params(("id" = String, Path, description = "The order's id")),
    responses((status = 200, description = "The order as it now stands", body = Value)))]
pub async fn sync_order(State(app): State<App>, who: Who, Path(id): Path<String>) -> Reply {
    let order_id = OrderId::parse(&id).ok_or_else(missing)?;
    let life = app.gateway.life(&order_id).await?.ok_or_else(missing)?;
    note(&app, &who, "order.sync", &id, json!({"status": life.order.status()})).await?;
    Ok(ok(&row(&app.gateway.sync(life).await?)))
}
