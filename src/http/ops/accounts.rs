//! Accounts: what they are, how they do, the three switches and the weight. Off stops new attempts only; queries, callbacks, refunds and
//! bills go on.

use super::change::{change, reason};
use super::gate::Who;
use super::schema;
use crate::domain::fee::Tariff;
use crate::domain::merchant::AccountState;
use crate::domain::route::health::Shown;
use crate::domain::route::success::Reading;
use crate::domain::route::{DaySpan, Opening, Pause, RuleAccount};
use crate::flow::{Account, Code, Gateway};
use crate::http::App;
use crate::http::body;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::ok;
use crate::store::Record;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};
use sluice_contract::{Method, Millis, Reader};
use std::sync::Arc;

/// List accounts
///
/// Health and success are what the node that answers has seen itself.
#[utoipa::path(get, path = "/ops/v1/accounts", operation_id = "opsListAccounts", tag = "ops",
    responses((status = 200, description = "Every account with its switches, terms, health and success, in file order", body = schema::AccountList)))]
pub async fn list_accounts(State(app): State<App>, _: Who) -> Reply {
    Ok(ok(&json!({"data": all(&app.gateway)})))
}

/// Every account, in file order.
pub fn all(gateway: &Gateway) -> Vec<Value> {
    gateway.directory.load_full().accounts.iter().map(|account| shown(gateway, account)).collect()
}

fn shown(gateway: &Gateway, account: &Account) -> Value {
    let (view, pulse, fee) = (account.view(), gateway.pulse_of(account), account.fee.as_ref());
    json!({
        "id": account.id, "channel": view.channel, "state": account.state, "weight": account.weight, "sandbox": account.sandbox,
        "owner": account.owner, "methods": account.methods, "app_ids": account.app_ids, "amount_min": view.amount_min,
        "amount_max": view.amount_max, "fee_rate": fee.map(|fee| fee.rate), "fee": fee.map(tariff),
        "opening": opening(&account.opening, gateway.now()), "health": health(&pulse.health),
        "success": pulse.success.iter().map(success).collect::<Vec<_>>(), "notify_url": account.notify_url,
    })
}

fn tariff(fee: &Tariff) -> Value {
    let tiers = fee.tiers.iter().map(|tier| json!({"from": tier.from, "rate": tier.rate}));
    json!({"rate": fee.rate, "min": fee.min, "cap": fee.cap, "tiers": tiers.collect::<Vec<_>>()})
}

fn opening(opening: &Opening, now: Millis) -> Value {
    let pause = |pause: &Pause| match pause {
        Pause::Daily(span) => day_span(span),
        Pause::Once { from, to } => format!("{}/{}", from.rfc3339(), to.rfc3339()),
    };
    json!({
        "is_open": opening.is_open(now), "is_paused": opening.is_paused(now), "hours": opening.hours.iter().map(day_span).collect::<Vec<_>>(),
        "maintenance": opening.maintenance.iter().map(pause).collect::<Vec<_>>(),
    })
}

fn day_span(span: &DaySpan) -> String {
    let at = |minute: i64| format!("{:02}:{:02}", minute.div_euclid(60), minute.rem_euclid(60));
    format!("{}-{}", at(span.from_min), at(span.to_min))
}

fn health(health: &Shown) -> Value {
    json!({
        "state": health.state, "open_until": health.open_until.map(Millis::rfc3339), "answered": health.answered, "faults": health.faults,
        "answer_ms": health.answer_ms,
    })
}

fn success((method, reading): &(Method, Reading)) -> Value {
    json!({"method": method, "chance_ppm": reading.chance_ppm, "seen": reading.seen})
}

/// Switch an account
#[utoipa::path(post, path = "/ops/v1/accounts/{id}/{act}", operation_id = "opsSwitchAccount", tag = "ops",
    params(("id" = String, Path, description = "The account's id"), ("act" = String, Path, description = "enable, disable or drain")),
    responses((status = 200, description = "The account as it now is", body = schema::Account)))]
pub async fn switch_account(State(app): State<App>, who: Who, Path((id, act)): Path<(String, String)>) -> Reply {
    Ok(ok(&switch(&app, &who, &id, &act).await?))
}

/// Switches an account; the account as it now is.
pub async fn switch(app: &App, who: &Who, id: &str, act: &str) -> Result<Value, Fail> {
    let state = match act {
        "enable" => AccountState::Enabled,
        "disable" => AccountState::Disabled,
        "drain" => AccountState::Draining,
        _ => return Err(Fail::new(Code::NotFound, "an account can be told enable, disable, drain or weight")),
    };
    let account = known(app, id)?;
    let put = vec![Record { kind: "account_state".into(), id: id.to_owned(), doc: Some(json!({"state": state})) }];
    let detail = json!({"from": account.state, "to": state});
    change(app, who, put, &format!("account.{act}"), id, detail).await?;
    Ok(shown(&app.gateway, known(app, id)?.as_ref()))
}

/// Weigh an account
///
/// Stands before the weights of all rules, survives a reload of the files, and is in force at once. 0: no new order goes there.
#[utoipa::path(post, path = "/ops/v1/accounts/{id}/weight", operation_id = "opsWeighAccount", tag = "ops",
    params(("id" = String, Path, description = "The account's id")), request_body = schema::NewWeight,
    responses((status = 200, description = "The account as it now is", body = schema::Account)))]
pub async fn weigh_account(State(app): State<App>, who: Who, Path(id): Path<String>, headers: HeaderMap, bytes: Bytes) -> Reply {
    Ok(ok(&weigh(&app, &who, &id, &body::json(&headers, &bytes)?).await?))
}

/// Weighs an account; the account as it now is.
pub async fn weigh(app: &App, who: &Who, id: &str, asked: &Value) -> Result<Value, Fail> {
    let account = known(app, id)?;
    let (weight, reason) = weight(asked)?;
    let doc = weight.map(|weight| json!({"weight": weight}));
    let put = vec![Record { kind: "account_weight".into(), id: id.to_owned(), doc }];
    let detail = json!({"from": account.weight, "to": weight, "reason": reason});
    change(app, who, put, "account.weight", id, detail).await?;
    Ok(shown(&app.gateway, known(app, id)?.as_ref()))
}

fn weight(body: &Value) -> Result<(Option<i64>, String), Fail> {
    let reader = Reader::root("body", body);
    // Left out by mistake must not mean null, which takes the weight away.
    if body.is_object() && body.get("weight").is_none() {
        reader.problem("weight", "is required; null goes by the weights of the rules again");
    }
    let weight = reader.int("weight", 0..=i64::from(RuleAccount::WEIGHT_MAX));
    let reason = reason(&reader);
    reader.finish();
    body::refuse(&reader)?;
    Ok((weight, reason))
}

fn known(app: &App, id: &str) -> Result<Arc<Account>, Fail> {
    let found = app.gateway.directory.load().account(id).cloned();
    found.ok_or_else(|| Fail::new(Code::NotFound, "there is no such account"))
}
