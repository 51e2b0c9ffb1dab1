//! `GET|POST /return/{token}`: where channels send browsers back. What they say in passing is not read.

use super::{ask_once, known_order_of};
use crate::domain::OrderStatus;
use crate::flow::Code;
use crate::http::App;
use crate::http::errors::{Fail, Reply};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::IntoResponse;

pub async fn returned(State(app): State<App>, Path(token): Path<String>) -> Reply {
    let life = known_order_of(&app.gateway, &token).await?;
    let to = life.order.facts.return_url.clone().unwrap_or_else(|| format!("{}/pay/{token}?confirm=1", app.gateway.public_url));
    if life.order.status() == OrderStatus::Pending {
        ask_once(&app, life).await;
    }
    let location = HeaderValue::from_str(&to).map_err(|_| Fail::new(Code::NotFound, "there is no such page"))?;
    Ok((StatusCode::SEE_OTHER, [("location", location), ("cache-control", HeaderValue::from_static("no-store"))]).into_response())
}
