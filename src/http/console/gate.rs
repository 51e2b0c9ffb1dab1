//! The layer of everything under `/console`: no request from another site changes anything, nobody gets in without a session, and nobody
//! gets further than the calls of `/ops/v1` would let him: a page is the face of the call whose path it shares, and what has no such call
//! is denied. What leaves carries its headers, refusals too.

use super::page;
use super::visit::{Door, Visit, lang_of, set_lang, token_of};
use crate::flow::Code;
use crate::http::App;
use crate::http::body;
use crate::http::edge::{RequestId, client_of};
use crate::http::errors::Fail;
use crate::http::identity::{operator, session};
use crate::http::ops::gate::{Who, may};
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{HOST, ORIGIN, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::Arc;
use tracing::Instrument;

pub const SIGN_IN: &str = "/console/sign-in";
pub const ME: &str = "/console/me";
/// Where paths lead that no page has.
pub const NOWHERE: &str = "/console/{*rest}";

pub async fn gate(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let (lang, chosen) = lang_of(&parts.headers, &parts.uri);
    let door = Door {
        lang,
        nonce: hex::encode(app.gateway.random::<16>()),
        address: client_of(&app, &parts.extensions, &parts.headers),
        token: token_of(&app, &parts.headers),
        uri: parts.uri.clone(),
        sandbox: app.gateway.directory.load().accounts.iter().all(|account| account.sandbox),
    };
    let id = parts.extensions.get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let mut visit = None;
    let answered = match let_in(&app, &door, parts, body, &mut visit).await {
        Ok(Passed::In(request)) => {
            let shared = Arc::clone(&app);
            shared.run(next.run(*request).in_current_span()).await
        }
        Ok(Passed::Elsewhere(to)) => Redirect::to(&to).into_response(),
        Err(fail) => fail.into_response(),
    };
    let mut response = explained(&door, visit.as_ref(), &id, answered);
    guard(&door, &mut response);
    if let Some(cookie) = Some(set_lang(lang)).filter(|_| chosen).and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

enum Passed {
    In(Box<Request>),
    Elsewhere(String),
}

/// `whose`: the visitor, let in or not.
async fn let_in(app: &App, door: &Door, mut parts: Parts, body: Body, whose: &mut Option<Visit>) -> Result<Passed, Fail> {
    let safe = matches!(parts.method, Method::GET | Method::HEAD);
    if !safe && !is_ours(&parts.headers) {
        return Err(Fail::new(Code::Forbidden, "this request comes from another site"));
    }
    let bytes = body::read(app, &parts.headers, body).await?;
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    parts.extensions.insert(door.clone());
    if route != SIGN_IN {
        let Some(visit) = visitor(app, door).await? else {
            return Ok(Passed::Elsewhere(to_sign_in(&parts, safe)));
        };
        *whose = Some(visit.clone());
        let own = route == ME || route.starts_with("/console/me/") || route == "/console/sign-out";
        if visit.password_once && !own {
            return Ok(Passed::Elsewhere(ME.to_owned()));
        }
        if !own && route != NOWHERE && !may(visit.role(), parts.method.as_str(), &call_of(&route)) {
            return Err(Fail::new(Code::Forbidden, format!("the role {} may not do this", visit.role().word())));
        }
        parts.extensions.insert(visit.who.clone());
        parts.extensions.insert(visit);
    }
    Ok(Passed::In(Box::new(Request::from_parts(parts, Body::from(bytes)))))
}

/// The call that a page or act of the console is the face of.
pub fn call_of(route: &str) -> String {
    match route.strip_prefix("/console") {
        Some("") => "/ops/v1/desk".to_owned(),
        Some(rest) => format!("/ops/v1{rest}"),
        None => String::new(),
    }
}

/// Browsers say where a request comes from, by one header or the other; whoever says neither is no browser of ours.
fn is_ours(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text(ORIGIN.as_str()), text(HOST.as_str())) {
        (Some(site), _, _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, of)| of.eq_ignore_ascii_case(host)),
        _ => false,
    }
}

/// Whose session it is, by his record as it now stands.
async fn visitor(app: &App, door: &Door) -> Result<Option<Visit>, Fail> {
    let Some(token) = &door.token else { return Ok(None) };
    let Some(session) = session::find(&app.gateway, token).await? else { return Ok(None) };
    let person = operator::find(&app.gateway, &session.operator).await?.filter(|person| !person.disabled);
    Ok(person.map(|person| Visit {
        door: door.clone(),
        password_once: person.password_once,
        who: Who { name: person.name, role: person.role },
        session: session.id,
    }))
}

fn to_sign_in(parts: &Parts, safe: bool) -> String {
    let next = parts.uri.path_and_query().map(ToString::to_string).filter(|next| safe && next != "/console");
    next.map_or_else(|| SIGN_IN.to_owned(), |next| page::href(SIGN_IN, &[("next", &next)]))
}

/// A refusal as a page. What was refused for want of a session's rights and what broke look alike but for their words.
fn explained(door: &Door, visit: Option<&Visit>, id: &str, mut response: Response) -> Response {
    let Some(fail) = response.extensions_mut().remove::<Fail>() else { return response };
    let status = StatusCode::from_u16(fail.refused.code.facts().1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(inner) = &fail.refused.inner {
        tracing::warn!(request_id = id, code = fail.refused.code.facts().0, %inner, "a page was refused");
    }
    (status, page::refusal(door, visit, &fail, id)).into_response()
}

fn guard(door: &Door, response: &mut Response) {
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        door.nonce
    );
    let always = [
        ("content-security-policy", policy.as_str()),
        ("cache-control", "no-store"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        // With none at all, browsers that know no Sec-Fetch-Site would call our own forms foreign.
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ];
    for (name, value) in always {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
}
