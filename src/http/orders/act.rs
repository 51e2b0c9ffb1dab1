//! The calls that change one order: `sync`, `close`, `reverse`, `action`. Each takes nothing and answers the order as it then stands.

use super::ok;
use crate::http::App;
use crate::http::body;
use crate::http::errors::Reply;
use crate::http::schema;
use crate::http::signed::Caller;
use axum::body::Bytes;
use axum::extract::{Path, State};

/// Ask the channel now
#[utoipa::path(
    post, path = "/v1/orders/{id}/sync", operation_id = "syncOrder", tag = "orders", request_body = Option<schema::Nothing>,
    params(("id" = String, Path, description = "The order's id")),
    responses((status = 200, description = "The order as it now stands", body = schema::Order))
)]
pub async fn sync_order(State(app): State<App>, caller: Caller, Path(id): Path<String>, bytes: Bytes) -> Reply {
    body::nothing(&bytes)?;
    let life = app.gateway.life_of(caller.merchant_id(), &id).await?;
    Ok(ok(&app.gateway.show(&app.gateway.sync(life).await?)))
}

/// Close an unpaid order
///
/// At the channel first, then here. Where the channel cannot confirm a close the order closes, and a later payment is refunded.
#[utoipa::path(
    post, path = "/v1/orders/{id}/close", operation_id = "closeOrder", tag = "orders", request_body = Option<schema::Nothing>,
    params(("id" = String, Path, description = "The order's id")),
    responses((status = 200, description = "The closed order", body = schema::Order))
)]
pub async fn close_order(State(app): State<App>, caller: Caller, Path(id): Path<String>, bytes: Bytes) -> Reply {
    body::nothing(&bytes)?;
    let life = app.gateway.life_of(caller.merchant_id(), &id).await?;
    Ok(ok(&app.gateway.show(&app.gateway.close(life).await?)))
}

/// Reverse a barcode order (撤销)
#[utoipa::path(
    post, path = "/v1/orders/{id}/reverse", operation_id = "reverseOrder", tag = "orders", request_body = Option<schema::Nothing>,
    params(("id" = String, Path, description = "The order's id")),
    responses((status = 200, description = "The order as it stands; the reversal finishes in the background", body = schema::Order))
)]
pub async fn reverse_order(State(app): State<App>, caller: Caller, Path(id): Path<String>, bytes: Bytes) -> Reply {
    body::nothing(&bytes)?;
    let life = app.gateway.life_of(caller.merchant_id(), &id).await?;
    Ok(ok(&app.gateway.show(&app.gateway.reverse(life).await?)))
}

/// Issue a fresh action
///
/// Under the same number, when the channel's code has died before the order.
#[utoipa::path(
    post, path = "/v1/orders/{id}/action", operation_id = "renewAction", tag = "orders", request_body = Option<schema::Nothing>,
    params(("id" = String, Path, description = "The order's id")),
    responses((status = 200, description = "The order with its fresh action", body = schema::Order))
)]
pub async fn renew_action(State(app): State<App>, caller: Caller, Path(id): Path<String>, bytes: Bytes) -> Reply {
    body::nothing(&bytes)?;
    let life = app.gateway.life_of(caller.merchant_id(), &id).await?;
    Ok(ok(&app.gateway.show(&app.gateway.fresh_action(life).await?)))
}
