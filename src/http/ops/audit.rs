//! The audit log: who changed what, newest first. Append-only: there is no call that changes it.

use super::gate::Who;
use crate::flow::{Gateway, Refused};
use crate::http::App;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::ok;
use crate::http::params::Params;
use crate::store::{Answer, Query};
use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};

/// Read the audit log
#[utoipa::path(get, path = "/ops/v1/audit", operation_id = "opsAuditLog", tag = "ops",
    params(("limit" = Option<u32>, Query, description = "1 to 100, 20 by default"), ("cursor" = Option<String>, Query, description = "`next_cursor`")),
    responses((status = 200, description = "Newest first", body = Value)))]
pub async fn audit_log(State(app): State<App>, _: Who, uri: Uri) -> Reply {
    Ok(ok(&lines(&app.gateway, Params::of(&uri, PARAMS)).await?))
}

pub const PARAMS: &[&str] = &["limit", "cursor"];

/// A page of the log.
pub async fn lines(gateway: &Gateway, mut params: Params) -> Result<Value, Fail> {
    let before = params.read("cursor", "must be the next_cursor of an earlier answer", |text| text.parse::<i64>().ok().filter(|n| *n > 0));
    let limit = params.limit();
    params.check()?;
    let Answer::AuditLog(mut lines) = gateway.store.read(Query::AuditLog { before, limit: limit.saturating_add(1) }).await? else {
        return Err(Refused::inner("an unexpected answer to AuditLog").into());
    };
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = lines.len() > wanted;
    lines.truncate(wanted);
    let next_cursor = lines.last().filter(|_| more).map(|(seq, _)| seq.to_string());
    let shown = |(seq, line): &(i64, crate::store::Audit)| {
        json!({
            "seq": seq, "at": line.at.rfc3339(), "who": line.who, "role": line.role, "act": line.act, "about": line.about, "detail": line.detail,
        })
    };
    Ok(json!({"data": lines.iter().map(shown).collect::<Vec<Value>>(), "next_cursor": next_cursor}))
}
