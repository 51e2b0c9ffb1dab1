//! Accounts: what they are, and the three switches. Off stops new attempts only; queries, callbacks, refunds and bills go on.

use super::change::change;
use super::gate::Who;
use crate::domain::merchant::AccountState;
use crate::flow::{Account, Code};
use crate::http::App;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::ok;
use crate::store::Record;
use axum::extract::{Path, State};
use serde_json::{Value, json};

/// List accounts
#[utoipa::path(get, path = "/ops/v1/accounts", operation_id = "opsListAccounts", tag = "ops",
    responses((status = 200, description = "Every account with its state, in file order", body = Value)))]
pub async fn list_accounts(State(app): State<App>, _: Who) -> Reply {
    let directory = app.gateway.directory.load_full();
    let data: Vec<Value> = directory.accounts.iter().map(|account| shown(account, account.state)).collect();
    Ok(ok(&json!({"data": data})))
}

fn shown(account: &Account, state: AccountState) -> Value {
    json!({
        "id": account.id, "channel": account.channel.profile().channel, "state": state, "sandbox": account.sandbox,
        "owner": account.owner, "methods": account.methods, "fee_rate": account.fee.as_ref().map(|fee| fee.rate), "fee": account.fee, "notify_url": account.notify_url,
    })
}

/// Switch an account
#[utoipa::path(post, path = "/ops/v1/accounts/{id}/{act}", operation_id = "opsSwitchAccount", tag = "ops",
    params(("id" = String, Path, description = "The account's id"), ("act" = String, Path, description = "enable, disable or drain")),
    responses((status = 200, description = "The account as it now is", body = Value)))]
pub async fn switch_account(State(app): State<App>, who: Who, Path((id, act)): Path<(String, String)>) -> Reply {
    let state = match act.as_str() {
        "enable" => AccountState::Enabled,
        "disable" => AccountState::Disabled,
        "drain" => AccountState::Draining,
        _ => return Err(Fail::new(Code::NotFound, "an account can be told enable, disable or drain")),
    };
    let directory = app.gateway.directory.load_full();
    let account = directory.account(&id).ok_or_else(|| Fail::new(Code::NotFound, "there is no such account"))?;
    let put = vec![Record { kind: "account_state".into(), id: id.clone(), doc: Some(json!({"state": state})) }];
    let detail = json!({"from": account.state, "to": state});
    change(&app, &who, put, &format!("account.{act}"), &id, detail).await?;
    Ok(ok(&shown(account, state)))
}
