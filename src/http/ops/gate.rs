//! Who may call what under `/ops/v1`: a bearer token names an operator, one table names the roles of every call. What the table does
//! not list is denied.

use crate::config::{Operator, Role};
use crate::flow::{Code, Refused};
use crate::http::App;
use crate::http::body;
use crate::http::errors::Fail;
use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use subtle::{Choice, ConstantTimeEq};
use tracing::Instrument;

const ALL: &[Role] = &[Role::Viewer, Role::Operator, Role::Finance, Role::Admin];
const ACT: &[Role] = &[Role::Operator, Role::Finance, Role::Admin];
const RUN: &[Role] = &[Role::Operator, Role::Admin];
const AUDIT: &[Role] = &[Role::Finance, Role::Admin];
const ADMIN: &[Role] = &[Role::Admin];

/// Method, route, and the roles that may call it.
pub const TABLE: &[(&str, &str, &[Role])] = &[
    ("GET", "/ops/v1/merchants", ALL),
    ("PUT", "/ops/v1/merchants/{id}", ADMIN),
    ("GET", "/ops/v1/merchants/{id}/keys", ALL),
    ("POST", "/ops/v1/merchants/{id}/keys", ADMIN),
    ("DELETE", "/ops/v1/merchants/{id}/keys/{key}", ADMIN),
    // It helps a merchant's engineer and accepts nothing more.
    ("PUT", "/ops/v1/merchants/{id}/keys/{key}/debug", RUN),
    ("GET", "/ops/v1/merchants/{id}/bindings", ALL),
    ("PUT", "/ops/v1/merchants/{id}/bindings/{account}", ADMIN),
    ("GET", "/ops/v1/merchants/{id}/stores", ALL),
    ("PUT", "/ops/v1/merchants/{id}/stores/{store}", ADMIN),
    ("POST", "/ops/v1/merchants/{id}/stores/{store}/code", ADMIN),
    ("GET", "/ops/v1/accounts", ALL),
    ("POST", "/ops/v1/accounts/{id}/{act}", RUN),
    ("POST", "/ops/v1/accounts/{id}/weight", RUN),
    // A question, whatever its verb.
    ("POST", "/ops/v1/routes/dry-run", ALL),
    ("GET", "/ops/v1/desk", ALL),
    ("GET", "/ops/v1/orders", ALL),
    ("GET", "/ops/v1/orders/{id}", ALL),
    ("POST", "/ops/v1/orders/{id}/sync", ACT),
    ("POST", "/ops/v1/orders/{id}/close", ACT),
    ("POST", "/ops/v1/orders/{id}/reverse", ACT),
    ("GET", "/ops/v1/cases", ALL),
    ("GET", "/ops/v1/policies", ALL),
    ("GET", "/ops/v1/notifications", ALL),
    ("POST", "/ops/v1/notifications/{event_id}/replay", ACT),
    ("GET", "/ops/v1/limits", ALL),
    ("PUT", "/ops/v1/limits/{name}", RUN),
    ("POST", "/ops/v1/limits/rebuild", RUN),
    ("GET", "/ops/v1/discrepancies", ALL),
    ("POST", "/ops/v1/discrepancies/{id}/settle", AUDIT),
    // To look at; who may take a file away, `statements` says.
    ("GET", "/ops/v1/statements", ALL),
    ("GET", "/ops/v1/blocks", ALL),
    ("POST", "/ops/v1/blocks", RUN),
    ("DELETE", "/ops/v1/blocks/{id}", RUN),
    ("GET", "/ops/v1/operators", ADMIN),
    ("POST", "/ops/v1/operators/{name}", ADMIN),
    ("PUT", "/ops/v1/operators/{name}", ADMIN),
    ("GET", "/ops/v1/sessions", ADMIN),
    ("POST", "/ops/v1/sessions/{id}/revoke", ADMIN),
    ("POST", "/ops/v1/reload", ADMIN),
    ("GET", "/ops/v1/audit", AUDIT),
];

/// The operator whose token came. Every handler under `/ops/v1` takes one.
#[derive(Clone, Debug)]
pub struct Who {
    pub name: String,
    pub role: Role,
}

impl<S: Sync> FromRequestParts<S> for Who {
    type Rejection = Fail;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Who, Fail> {
        parts.extensions.get::<Who>().cloned().ok_or_else(|| Refused::inner("a route of /ops/v1 outside its gate").into())
    }
}

/// The layer of everything under `/ops/v1`. What was let in runs to its end.
pub async fn gate(State(app): State<App>, request: Request, next: Next) -> Response {
    match let_in(&app, request).await {
        Ok(request) => {
            let shared = Arc::clone(&app);
            shared.run(next.run(request).in_current_span()).await
        }
        Err(fail) => fail.into_response(),
    }
}

async fn let_in(app: &App, request: Request) -> Result<Request, Fail> {
    let (mut parts, body) = request.into_parts();
    let token = parts.headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer ")).unwrap_or_default();
    let who = operator_of(&app.operators.load(), token);
    let who = who.ok_or_else(|| Fail::new(Code::UnknownKey, "no operator has this token; send Authorization: Bearer and the token"))?;
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    if route != super::NOWHERE && !may(who.role, parts.method.as_str(), route) {
        return Err(Fail::new(Code::Forbidden, format!("the role {} may not do this", who.role.word())));
    }
    let bytes = body::read(app, &parts.headers, body).await?;
    parts.extensions.insert(who);
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// Every operator's token is compared, and each in constant time: how long it takes tells nothing about any of them.
fn operator_of(operators: &[Operator], token: &str) -> Option<Who> {
    let mut found = None;
    for operator in operators {
        let same: Choice = operator.token.expose().as_bytes().ct_eq(token.as_bytes());
        if bool::from(same) {
            found = Some(Who { name: operator.name.clone(), role: operator.role });
        }
    }
    found
}

/// Denied unless listed. HEAD is GET without a body.
#[must_use]
pub fn may(role: Role, method: &str, route: &str) -> bool {
    let method = if method == "HEAD" { "GET" } else { method };
    TABLE.iter().any(|(m, r, roles)| *m == method && *r == route && roles.contains(&role))
}
