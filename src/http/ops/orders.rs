//! Orders as operators see them: shown with the inner trail, asked about at the channel, closed and reversed.

use super::change::{note, reason};
use super::gate::Who;
use crate::domain::life::{Attempt, Life, Undo};
use crate::domain::limit::Entry;
use crate::domain::{Event, OrderId, show};
use crate::flow::{Code, Gateway, Refused};
use crate::http::App;
use crate::http::body;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::{ok, one};
use crate::store::{Answer, Notice, Query};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};
use sluice_contract::{Millis, Reader};

/// What moves money, or stops it, is not done for "ok".
const REASON_CHARS_MIN: usize = 4;

/// The order without payer ids, which only its merchant may see.
pub fn row(life: &Life) -> Value {
    let mut row = show::order(life);
    if let Some(fields) = row.as_object_mut() {
        fields.insert("merchant".into(), life.order.merchant_id.clone().into());
        fields.insert("suspended".into(), life.is_suspended().into());
        fields.insert("channel_order_no".into(), json!(life.shown().map(|attempt| life.order.id.attempt_number(attempt.seq))));
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
    Ok(ok(&sync(&app, &who, &id).await?))
}

/// Asks the channel about whatever is not settled; the order as it now stands.
pub async fn sync(app: &App, who: &Who, id: &str) -> Result<Value, Fail> {
    let life = known(&app.gateway, id).await?;
    note(app, who, "order.sync", id, json!({"status": life.order.status()})).await?;
    Ok(row(&app.gateway.sync(life).await?))
}

async fn known(gateway: &Gateway, id: &str) -> Result<Life, Fail> {
    let order_id = OrderId::parse(id).ok_or_else(missing)?;
    Ok(gateway.life(&order_id).await?.ok_or_else(missing)?)
}

/// Close an unpaid order
///
/// At its channel first, then here; as `POST /v1/orders/{id}/close`.
#[utoipa::path(post, path = "/ops/v1/orders/{id}/close", operation_id = "opsCloseOrder", tag = "ops",
    params(("id" = String, Path, description = "The order's id")), request_body(content = Value, description = "`reason`, required"),
    responses((status = 200, description = "The order as it now stands", body = Value)))]
pub async fn close_order(State(app): State<App>, who: Who, Path(id): Path<String>, headers: HeaderMap, bytes: Bytes) -> Reply {
    Ok(ok(&undo(&app, &who, &id, Undo::Close, &body::json(&headers, &bytes)?).await?))
}

/// Reverse a barcode order
///
/// Whatever its outcome: an unpaid one ends reversed, of a paid one what is left goes back; as `POST /v1/orders/{id}/reverse`.
#[utoipa::path(post, path = "/ops/v1/orders/{id}/reverse", operation_id = "opsReverseOrder", tag = "ops",
    params(("id" = String, Path, description = "The order's id")), request_body(content = Value, description = "`reason`, required"),
    responses((status = 200, description = "The order as it stands; it is finished in the background", body = Value)))]
pub async fn reverse_order(State(app): State<App>, who: Who, Path(id): Path<String>, headers: HeaderMap, bytes: Bytes) -> Reply {
    Ok(ok(&undo(&app, &who, &id, Undo::Reverse, &body::json(&headers, &bytes)?).await?))
}

/// Closes or reverses an order; as it then stands. Who wanted it, and why, is written down before anything is asked for.
pub async fn undo(app: &App, who: &Who, id: &str, verb: Undo, asked: &Value) -> Result<Value, Fail> {
    let reason = why(asked)?;
    let life = known(&app.gateway, id).await?;
    let act = if verb == Undo::Close { "order.close" } else { "order.reverse" };
    note(app, who, act, id, json!({"status": life.order.status(), "reason": reason})).await?;
    Ok(row(&match verb {
        Undo::Close => app.gateway.close(life).await?,
        Undo::Reverse => app.gateway.reverse(life).await?,
    }))
}

fn why(asked: &Value) -> Result<String, Fail> {
    let reader = Reader::root("body", asked);
    let reason = reason(&reader);
    if !reason.is_empty() && reason.trim().chars().count() < REASON_CHARS_MIN {
        reader.problem("reason", format!("must have at least {REASON_CHARS_MIN} characters"));
    }
    reader.finish();
    body::refuse(&reader)?;
    Ok(reason)
}
