//! `POST /v1/orders`.

use super::{json, parse};
use crate::http::App;
use crate::http::body;
use crate::http::errors::Reply;
use crate::http::schema;
use crate::http::signed::Caller;
use crate::store::{ClaimKey, Kind};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};

/// Place an order
///
/// The same `merchant_order_no` with the same content answers the same order with 200 and `Idempotent-Replay: true`; with other
/// content 409. Once the order is stored the answer is 201, whatever the channel said: its `status` and `failure` tell.
#[utoipa::path(
    post, path = "/v1/orders", operation_id = "createOrder", tag = "orders", request_body = schema::NewOrder,
    responses(
        (status = 201, description = "Stored", body = schema::Order),
        (status = 200, description = "The same request was stored before", body = schema::Order,
            headers(("Idempotent-Replay" = String, description = "`true`"))),
    )
)]
pub async fn create_order(State(app): State<App>, caller: Caller, headers: HeaderMap, bytes: Bytes) -> Reply {
    let body = body::json(&headers, &bytes)?;
    let request = parse::order(&body, &app.gateway, &caller.merchant)?;
    let key = ClaimKey { merchant_id: caller.merchant_id().to_owned(), kind: Kind::Order, number: request.merchant_order_no.clone() };
    let _turn = app.in_flight.turn(key, app.gateway.clock.as_ref()).await;
    let mut nonce = caller.take_nonce();
    let placed = app.gateway.place_order_spending(caller.merchant_id(), &request, &mut nonce).await;
    caller.put_back(nonce);
    let placed = placed?;
    let status = if placed.replay { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = json(status, &app.gateway.show(&placed.life));
    if placed.replay {
        response.headers_mut().insert("idempotent-replay", HeaderValue::from_static("true"));
    }
    Ok(response)
}
