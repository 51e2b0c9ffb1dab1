//! The desk: what waits for a person now, and what today brought, by account. What `GET /console` opens with.

use super::gate::Who;
use super::{accounts, limits};
use crate::flow::{Gateway, Refused};
use crate::http::App;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::ok;
use crate::store::desk::{COUNT_MAX, TODAY_MAX};
use crate::store::{Answer, Desk, Query, Taken};
use axum::extract::State;
use serde_json::{Value, json};
use sluice_contract::{Fen, Millis};

/// Work that waits longer than this for its turn is overdue.
const OVERDUE_MS: i64 = 5 * 60 * 1000;

/// See what waits, and what today brought
///
/// `waiting` counts up to `counted_to`. Money is of orders made today and paid, of the newest so many where `whole` is false.
#[utoipa::path(get, path = "/ops/v1/desk", operation_id = "opsDesk", tag = "ops",
    responses((status = 200, description = "`waiting`, `today`, and `accounts` with their share of it", body = Value)))]
pub async fn desk(State(app): State<App>, _: Who) -> Reply {
    Ok(ok(&read(&app.gateway).await?))
}

pub async fn read(gateway: &Gateway) -> Result<Value, Fail> {
    let now = gateway.now();
    let since = now.second().day().start().millis();
    let asked = Desk { since, overdue_before: now.plus_ms(-OVERDUE_MS) };
    let Answer::Desk { parked, overdue, suspended, taken } = gateway.store.read(Query::Desk(asked)).await? else {
        return Err(Refused::inner("an unexpected answer to Desk").into());
    };
    let Answer::BillStandings(bills) = gateway.store.read(Query::BillStandings).await? else {
        return Err(Refused::inner("an unexpected answer to BillStandings").into());
    };
    let discrepancies = bills.iter().fold(0_i64, |sum, bill| sum.saturating_add(bill.open));
    let (limits, accounts) = (limits::all(gateway, limits::TOP).await?, accounts::all(gateway));
    Ok(json!({
        "waiting": {
            "overdue": overdue, "suspended": suspended, "parked": parked, "discrepancies": discrepancies,
            "limits": limits.iter().filter(|limit| is_near(limit)).count(), "accounts": accounts.iter().filter(|account| !is_well(account)).count(),
        },
        "counted_to": COUNT_MAX, "today": today(&taken, since),
        "accounts": accounts.iter().map(|account| row(account, &taken)).collect::<Vec<_>>(),
    }))
}

fn is_near(limit: &Value) -> bool {
    let uses = limit.get("use").and_then(Value::as_array).into_iter().flatten();
    uses.filter_map(|used| used.get("near")).any(|near| *near == true)
}

/// Switched on, and its channel answers.
pub fn is_well(account: &Value) -> bool {
    let is = |path: &str, word: &str| account.pointer(path).is_some_and(|told| *told == word);
    is("/state", "enabled") && is("/health/state", "well")
}

fn sums<'a>(taken: impl Iterator<Item = &'a Taken>) -> (i64, i64, Fen) {
    taken.fold((0, 0, Fen::ZERO), |(orders, paid, amount), row| {
        let orders = orders.saturating_add(row.orders);
        if row.status == "paid" {
            (orders, paid.saturating_add(row.orders), amount.plus(row.amount).unwrap_or(amount))
        } else {
            (orders, paid, amount)
        }
    })
}

fn today(taken: &[Taken], since: Millis) -> Value {
    let (orders, paid, amount) = sums(taken.iter());
    json!({"since": since.rfc3339(), "orders": orders, "paid": paid, "paid_amount": amount, "whole": orders < TODAY_MAX})
}

fn row(account: &Value, taken: &[Taken]) -> Value {
    let id = account.get("id").and_then(Value::as_str).unwrap_or_default();
    let (orders, paid, amount) = sums(taken.iter().filter(|row| row.account == id));
    json!({
        "id": id, "channel": account.get("channel"), "state": account.get("state"), "health": account.pointer("/health/state"),
        "orders": orders, "paid": paid, "paid_amount": amount,
    })
}
