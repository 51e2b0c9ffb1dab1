//! Limits and their use. Empty: this build has no limit rules, `check` refuses a `limits.toml` that holds any.

use super::gate::Who;
use crate::http::errors::Reply;
use crate::http::orders::ok;
use serde_json::json;

/// List limits
#[utoipa::path(get, path = "/ops/v1/limits", operation_id = "opsListLimits", tag = "ops",
    responses((status = 200, description = "Each limit with its use", body = Vec<Value>)))]
pub async fn list_limits(_: Who) -> Reply {
    Ok(ok(&json!([])))
}
