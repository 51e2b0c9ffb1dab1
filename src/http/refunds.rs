//! Refunds: created under their order, read by id or by the merchant's own number.

use super::App;
use super::body;
use super::errors::{Fail, Reply};
use super::orders::{list, ok, one, parse_amount, parse_number, parse_plain};
use super::params::Params;
use super::schema;
use super::signed::Caller;
use crate::domain::life::Life;
use crate::domain::{OrderId, show};
use crate::flow::refund::RefundRequest;
use crate::flow::{Code, Refused};
use crate::store::{ClaimKey, Kind};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use serde_json::{Value, json};
use sluice_contract::Reader;

/// Refund an order
///
/// Without an order there is no refund. The number is unique per merchant; a repeat of the same content answers the same refund.
#[utoipa::path(
    post, path = "/v1/orders/{id}/refunds", operation_id = "createRefund", tag = "refunds", request_body = schema::NewRefund,
    params(("id" = String, Path, description = "The order's id")),
    responses(
        (status = 201, description = "Stored", body = schema::Refund),
        (status = 200, description = "The same request was stored before", body = schema::Refund,
            headers(("Idempotent-Replay" = String, description = "`true`"))),
    )
)]
pub async fn create_refund(State(app): State<App>, caller: Caller, Path(id): Path<String>, headers: HeaderMap, bytes: Bytes) -> Reply {
    let body = body::json(&headers, &bytes)?;
    let request = asked(&body)?;
    let key = ClaimKey { merchant_id: caller.merchant_id().to_owned(), kind: Kind::Refund, number: request.merchant_refund_no.clone() };
    let _turn = app.in_flight.turn(key, app.gateway.clock.as_ref()).await;
    let life = app.gateway.life_of(caller.merchant_id(), &id).await?;
    let mut nonce = caller.take_nonce();
    let placed = app.gateway.request_refund_spending(life, &request, &mut nonce).await;
    caller.put_back(nonce);
    let placed = placed?;
    let status = if placed.replay { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = super::orders::json(status, &shown(&placed.life, placed.refund_seq)?);
    if placed.replay {
        response.headers_mut().insert("idempotent-replay", HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn asked(body: &Value) -> Result<RefundRequest, Fail> {
    let reader = Reader::root("body", body);
    let request = RefundRequest {
        merchant_refund_no: parse_number(&reader, "merchant_refund_no"),
        amount: parse_amount(&reader),
        reason: parse_plain(&reader, "reason", 80),
    };
    reader.finish();
    body::refuse(&reader)?;
    Ok(request)
}

/// The refunds of an order
#[utoipa::path(
    get, path = "/v1/orders/{id}/refunds", operation_id = "listRefundsOfOrder", tag = "refunds",
    params(("id" = String, Path, description = "The order's id")),
    responses((status = 200, description = "Oldest first", body = schema::RefundList))
)]
pub async fn refunds_of_order(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Reply {
    let life = app.gateway.life_of(caller.merchant_id(), &id).await?;
    Ok(ok(&json!({"data": one::refunds(&life), "next_cursor": null})))
}

/// Read a refund
#[utoipa::path(
    get, path = "/v1/refunds/{id}", operation_id = "getRefund", tag = "refunds",
    params(("id" = String, Path, description = "The refund's id", pattern = "^R[0-9A-Z]{26}$")),
    responses((status = 200, description = "The refund", body = schema::Refund))
)]
pub async fn get_refund(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Reply {
    Ok(ok(&refund_of(&app, caller.merchant_id(), &id).await?))
}

/// Find a refund by the merchant's own number
#[utoipa::path(
    get, path = "/v1/refunds", operation_id = "findRefund", tag = "refunds",
    params(("merchant_refund_no" = String, Query, description = "The merchant's own number")),
    responses((status = 200, description = "One refund or none", body = schema::RefundList))
)]
pub async fn find_refund(State(app): State<App>, caller: Caller, uri: Uri) -> Reply {
    let mut params = Params::of(&uri, &["merchant_refund_no"]);
    let number = params.text("merchant_refund_no").map(str::to_owned);
    if number.is_none() {
        params.problem("merchant_refund_no", "is required");
    }
    params.check()?;
    let claimed = list::claimed(&app.gateway, caller.merchant_id(), Kind::Refund, number.unwrap_or_default()).await?;
    let mut data: Vec<Value> = Vec::new();
    if let Some(id) = claimed {
        data.push(refund_of(&app, caller.merchant_id(), &id).await?);
    }
    Ok(ok(&json!({"data": data, "next_cursor": null})))
}

fn missing() -> Refused {
    Refused::new(Code::RefundNotFound, "there is no such refund")
}

async fn refund_of(app: &App, merchant_id: &str, id: &str) -> Result<Value, Fail> {
    let (order_id, seq) = OrderId::of_refund(id).ok_or_else(missing)?;
    let life = app.gateway.life(&order_id).await?.filter(|life| life.order.merchant_id == merchant_id);
    shown(&life.ok_or_else(missing)?, seq)
}

fn shown(life: &Life, seq: u32) -> Result<Value, Fail> {
    let refund = life.refund(seq).ok_or_else(missing)?;
    Ok(show::refund(&life.order, refund))
}
