//! Reads channels, routing and limits again: all or nothing.

use super::change::note;
use super::gate::Who;
use crate::flow::{Code, Refused};
use crate::http::App;
use crate::http::errors::Reply;
use crate::http::orders::ok;
use axum::extract::State;
use serde_json::json;
use sluice_contract::Problem;

/// Reload the config
#[utoipa::path(post, path = "/ops/v1/reload", operation_id = "opsReload", tag = "ops",
    responses((status = 200, description = "In force", body = Value)))]
pub async fn reload(State(app): State<App>, who: Who) -> Reply {
    let reloaded = (app.reload)().await;
    note(&app, &who, "config.reload", "config", json!({"accepted": reloaded.is_ok()})).await?;
    match reloaded {
        Ok(()) => Ok(ok(&json!({"reloaded": true}))),
        Err(findings) => {
            let place = |file: &str, line: Option<usize>, key: &str| match line {
                Some(line) => format!("{file}:{line} {key}"),
                None => format!("{file} {key}"),
            };
            let problems = findings.iter().map(|f| Problem::new(place(&f.file, f.line, &f.key).trim(), f.reason.clone())).collect();
            let in_use = findings.iter().any(|f| f.reason.starts_with(Code::AccountInUse.facts().0));
            let refused = Refused::fields(problems);
            Err(if in_use { Refused { code: Code::AccountInUse, ..refused } } else { refused }.into())
        }
    }
}
