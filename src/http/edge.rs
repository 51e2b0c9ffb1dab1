//! The outermost layer of every request: its id, its measurement, its panic.

use super::App;
use super::errors::{Fail, finish};
use crate::flow::Refused;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::time::Instant;
use tracing::Instrument;

/// Names the request in answers and logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The other end of the socket, put there by [`super::serve`].
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// A caller's own id, if it is one that can stand in logs: 8 to 64 of `[A-Za-z0-9_.-]`.
fn sane(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get("x-request-id")?.to_str().ok()?;
    let fits = (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    fits.then_some(text)
}

/// One of the methods that have a meaning here: a label must not be the caller's invention.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        _ => "_OTHER",
    }
}

/// Where the request comes from.
pub fn client_of(app: &App, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
    let peer = extensions.get::<Peer>().map(|p| p.0.ip());
    let forwarded = headers.get("x-forwarded-for").and_then(|v| v.to_str().ok());
    app.client_ip(peer, forwarded)
}

pub async fn edge(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = match sane(request.headers()) {
        Some(given) => RequestId(given.into()),
        None => RequestId(hex::encode(app.gateway.random::<12>()).into()),
    };
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("unmatched", MatchedPath::as_str);
    let method = method_label(request.method());
    let client = client_of(&app, request.extensions(), request.headers());
    let span = tracing::info_span!("request", %id, method, route, client = client.map(tracing::field::display));
    request.extensions_mut().insert(id.clone());
    let answered = AssertUnwindSafe(next.run(request).instrument(span.clone())).catch_unwind().await;
    let _in_span = span.enter();
    let answered = answered.unwrap_or_else(|_| {
        tracing::error!("ALARM: a handler panicked; the process ends after this answer");
        (app.on_panic)();
        Fail::from(Refused::inner("a handler panicked")).into_response()
    });
    let mut response = finish(&app, &id, answered);
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert("x-request-id", value);
    }
    let ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    app.gateway.metrics.request(route, method, response.status().as_u16(), ms);
    tracing::debug!(status = response.status().as_u16(), ms, "answered");
    response
}
