//! What the gateway does with every kind of answer, by account and method: the table that the code itself decides by.

use super::gate::Who;
use crate::flow::policy::policies;
use crate::http::App;
use crate::http::errors::Reply;
use crate::http::orders::ok;
use axum::extract::State;
use serde_json::{Value, json};

/// Policies
///
/// For every account, its methods and the verbs of its channel: what each kind of answer leads to, when the channel is asked, and when a
/// person has to act. Times in seconds.
#[utoipa::path(get, path = "/ops/v1/policies", operation_id = "opsListPolicies", tag = "ops",
    responses((status = 200, description = "By account", body = Value)))]
pub async fn list_policies(State(app): State<App>, _: Who) -> Reply {
    let directory = app.gateway.directory.load_full();
    let account = |account: &std::sync::Arc<crate::flow::Account>| {
        let profile = account.channel.profile();
        json!({"account": account.id, "channel": profile.channel, "policies": policies(profile, app.gateway.pace)})
    };
    let data: Vec<Value> = directory.accounts.iter().map(account).collect();
    Ok(ok(&json!({"data": data})))
}
