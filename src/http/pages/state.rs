//! `GET /pay/{token}/state`: whether what a page shows is still so. Read from our books; no channel is asked.

use super::{guarded, known_order_of, screen};
use crate::http::App;
use crate::http::errors::Reply;
use crate::http::orders::ok;
use axum::extract::{Path, State};
use serde_json::json;

pub async fn state(State(app): State<App>, Path(token): Path<String>) -> Reply {
    let life = known_order_of(&app.gateway, &token).await?;
    Ok(guarded(ok(&json!({"state": screen::key(&life, app.gateway.now())})), "default-src 'none'"))
}
