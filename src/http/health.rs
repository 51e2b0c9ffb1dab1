//! `/livez`, `/readyz`, `/metrics`.

use super::App;
use crate::store::{Answer, Query};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::time::Duration;

const PING_MAX: Duration = Duration::from_secs(2);

/// The process answers.
pub async fn livez() -> Response {
    ([("content-type", "text/plain; charset=utf-8")], "ok\n").into_response()
}

/// The process can serve: names the part that fails.
pub async fn readyz(State(app): State<App>) -> Response {
    let ping = tokio::time::timeout(PING_MAX, app.gateway.store.read(Query::Ping)).await;
    let store = match &ping {
        Ok(Ok(Answer::Pong)) => "ok",
        Ok(_) => "failing",
        Err(_) => "slow",
    };
    let accounts = if app.gateway.directory.load().accounts.is_empty() { "none" } else { "ok" };
    if let Ok(Err(error)) = &ping {
        tracing::warn!(%error, "the store does not answer");
    }
    let ready = store == "ok";
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = if ready { "ready" } else { "not ready" };
    let missing: Vec<&str> = match store {
        "ok" => Vec::new(),
        "slow" => vec!["the store did not answer within 2 s"],
        _ => vec!["the store cannot be read and written; the log says why"],
    };
    let body = json!({"status": word, "parts": {"store": store, "accounts": accounts}, "missing": missing});
    (status, [("content-type", "application/json")], body.to_string()).into_response()
}

pub async fn metrics(State(app): State<App>) -> Response {
    ([("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")], app.gateway.metrics.text()).into_response()
}
