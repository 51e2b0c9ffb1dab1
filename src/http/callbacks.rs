//! `POST /notify/{account}`: a channel's callback, handed on byte for byte and answered in the channel's own words.

use super::App;
use super::body;
use super::errors::{Reply, Verbatim};
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use sluice_contract::{Headers, HttpReply, RawCallback, Verb};
use std::sync::Arc;
use tracing::Instrument;

/// Taken to its end even if the channel hangs up: what is verified is committed.
pub async fn callback(State(app): State<App>, Path(account): Path<String>, request: Request) -> Reply {
    let (parts, body) = request.into_parts();
    let bytes = body::read(&app, &parts.headers, body).await?;
    let verb = if parts.method == Method::POST { Verb::Post } else { Verb::Get };
    let target = parts.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
    let headers = lines(&parts.headers);
    let gateway = Arc::clone(&app.gateway);
    let work = async move {
        let raw = RawCallback { verb, target: &target, headers: &headers, body: &bytes };
        gateway.take_callback(&account, &raw).await
    };
    let reply = app.run(work.in_current_span()).await;
    Ok(verbatim(&reply))
}

fn lines(headers: &HeaderMap) -> Headers {
    Headers(headers.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect())
}

fn verbatim(reply: &HttpReply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Body::from(reply.bytes().to_vec())).into_response();
    for (name, value) in &reply.headers.0 {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response.extensions_mut().insert(Verbatim);
    response
}
