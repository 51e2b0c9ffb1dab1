//! Notifications: the parked ones, and sending one again under the same id.

use super::change::line;
use super::gate::Who;
use crate::flow::{Code, Gateway, Refused};
use crate::http::App;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::ok;
use crate::http::params::Params;
use crate::store::{Answer, Command, NoticeStatus, Outcome, Query};
use axum::extract::{Path, State};
use axum::http::Uri;
use serde_json::{Value, json};

/// List notifications
#[utoipa::path(get, path = "/ops/v1/notifications", operation_id = "opsListNotifications", tag = "ops",
    params(
        ("status" = Option<String>, Query, description = "parked by default; waiting, delivered, kept"),
        ("merchant" = Option<String>, Query, description = "Only this merchant's"),
        ("limit" = Option<u32>, Query, description = "1 to 100, 20 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "Oldest first", body = Value)))]
pub async fn list_notifications(State(app): State<App>, _: Who, uri: Uri) -> Reply {
    Ok(ok(&listed(&app.gateway, Params::of(&uri, PARAMS)).await?))
}

pub const PARAMS: &[&str] = &["status", "merchant", "limit", "cursor"];

/// A page of notifications.
pub async fn listed(gateway: &Gateway, mut params: Params) -> Result<Value, Fail> {
    let status = params.read("status", "must be parked, waiting, delivered or kept", NoticeStatus::from_word);
    let limit = params.limit();
    let after = params.read("cursor", "must be the next_cursor of an earlier answer", |text| {
        crate::domain::OrderId::of_event(text).map(|_| text.to_owned())
    });
    let merchant_id = params.text("merchant").map(str::to_owned);
    params.check()?;
    let status = status.unwrap_or(NoticeStatus::Parked);
    let query = Query::Notices { merchant_id, status, after, limit: limit.saturating_add(1) };
    let Answer::Notices(mut notices) = gateway.store.read(query).await? else {
        return Err(Refused::inner("an unexpected answer to Notices").into());
    };
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = notices.len() > wanted;
    notices.truncate(wanted);
    let next_cursor = notices.last().filter(|_| more).map(|notice| notice.event_id.clone());
    let data: Vec<Value> = notices.iter().map(super::orders::notice).collect();
    Ok(json!({"data": data, "next_cursor": next_cursor}))
}

/// Send a notification again
///
/// Under the same event id, from the beginning of its schedule.
#[utoipa::path(post, path = "/ops/v1/notifications/{event_id}/replay", operation_id = "opsReplayNotification", tag = "ops",
    params(("event_id" = String, Path, description = "The event's id")),
    responses((status = 200, description = "It is due now", body = Value)))]
pub async fn replay_notification(State(app): State<App>, who: Who, Path(event_id): Path<String>) -> Reply {
    Ok(ok(&replay(&app.gateway, &who, &event_id).await?))
}

/// Makes a notification due now.
pub async fn replay(gateway: &Gateway, who: &Who, event_id: &str) -> Result<Value, Fail> {
    let audit = line(gateway, who, "notification.replay", event_id, json!({}));
    let at = gateway.now();
    match gateway.store.submit(Command::Replay { event_id: event_id.to_owned(), at, audit }).await? {
        Outcome::Missing => Err(Fail::new(Code::NotFound, "there is no such notification")),
        _ => Ok(json!({"event_id": event_id, "status": NoticeStatus::Waiting, "next_at": at.rfc3339()})),
    }
}
