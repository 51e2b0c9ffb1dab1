//! `GET /v1/orders/{id}/events`: the trail (操作轨迹).

use super::{ok, one};
use crate::domain::show;
use crate::http::App;
use crate::http::errors::Reply;
use crate::http::schema;
use crate::http::signed::Caller;
use axum::extract::{Path, State};
use serde_json::{Value, json};

/// The trail of an order
#[utoipa::path(
    get, path = "/v1/orders/{id}/events", operation_id = "listEvents", tag = "orders",
    params(("id" = String, Path, description = "The order's id")),
    responses((status = 200, description = "Oldest first", body = schema::EventList))
)]
pub async fn list_events(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Reply {
    let life = app.gateway.life_of(caller.merchant_id(), &id).await?;
    let events: Vec<Value> = one::events(&app.gateway, &life.order.id).await?.iter().map(show::event).collect();
    Ok(ok(&json!({"data": events, "next_cursor": null})))
}
