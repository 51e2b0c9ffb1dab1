//! Orders: one file per call. [`parse`] reads the body of a new one, [`one`] answers a single order, [`act`] holds the calls that change one.

pub mod act;
pub mod create;
pub mod events;
pub mod list;
pub mod one;
pub(super) mod parse;

pub(super) use parse::{amount as parse_amount, number as parse_number, plain as parse_plain};

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// A JSON answer.
pub(super) fn json(status: StatusCode, value: &Value) -> Response {
    (status, [("content-type", "application/json")], value.to_string()).into_response()
}

pub(super) fn ok(value: &Value) -> Response {
    json(StatusCode::OK, value)
}
