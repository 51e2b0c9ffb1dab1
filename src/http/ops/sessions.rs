//! Who is signed in at the console, and ending it. A session's id names it and opens nothing.

use super::change::line;
use super::gate::Who;
use crate::flow::{Code, Gateway};
use crate::http::App;
use crate::http::errors::{Fail, Reply};
use crate::http::identity::{Session, session};
use crate::http::orders::ok;
use axum::extract::{Path, State};
use serde_json::{Value, json};

/// List sessions
#[utoipa::path(get, path = "/ops/v1/sessions", operation_id = "opsListSessions", tag = "ops",
    responses((status = 200, description = "Those that live, the last used first", body = Value)))]
pub async fn list_sessions(State(app): State<App>, _: Who) -> Reply {
    Ok(ok(&json!({"data": living(&app.gateway).await?})))
}

pub async fn living(gateway: &Gateway) -> Result<Vec<Value>, Fail> {
    Ok(session::living(gateway).await?.iter().map(shown).collect())
}

fn shown(session: &Session) -> Value {
    json!({
        "id": session.id, "operator": session.operator, "address": session.address, "agent": session.agent,
        "created_at": session.created_at.rfc3339(), "seen_at": session.seen_at.rfc3339(),
    })
}

/// End a session
#[utoipa::path(post, path = "/ops/v1/sessions/{id}/revoke", operation_id = "opsRevokeSession", tag = "ops",
    params(("id" = String, Path, description = "As the list names it")),
    responses((status = 200, description = "It opens nothing any more", body = Value)))]
pub async fn revoke_session(State(app): State<App>, who: Who, Path(id): Path<String>) -> Reply {
    revoke(&app.gateway, &who, &id).await?;
    Ok(ok(&json!({"id": id, "revoked": true})))
}

pub async fn revoke(gateway: &Gateway, who: &Who, id: &str) -> Result<(), Fail> {
    let known = session::living(gateway).await?.into_iter().find(|session| session.id == id);
    let session = known.ok_or_else(|| Fail::new(Code::NotFound, "there is no such session"))?;
    let audit = line(gateway, who, "session.revoke", &session.operator, json!({"sessions": 1, "address": session.address}));
    session::end(gateway, &[session.id], audit).await
}
