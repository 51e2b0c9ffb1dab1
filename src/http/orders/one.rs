//! `GET /v1/orders/{id}`.

use super::ok;
use crate::domain::life::Life;
use crate::domain::{Event, OrderId, show};
use crate::flow::{Gateway, Refused};
use crate::http::App;
use crate::http::errors::{Fail, Reply};
use crate::http::params::Params;
use crate::http::schema;
use crate::http::signed::Caller;
use crate::store::{Answer, Query};
use axum::extract::{Path, State};
use axum::http::Uri;
use serde_json::{Value, json};

const EXPANSIONS: &[&str] = &["attempts", "refunds", "events"];

/// Read an order
#[utoipa::path(
    get, path = "/v1/orders/{id}", operation_id = "getOrder", tag = "orders",
    params(
        ("id" = String, Path, description = "The order's id", pattern = "^P[0-9A-Z]{26}$"),
        ("expand" = Option<String>, Query, description = "Any of attempts, refunds, events, separated by commas"),
    ),
    responses((status = 200, description = "The order", body = schema::Order))
)]
pub async fn get_order(State(app): State<App>, caller: Caller, Path(id): Path<String>, uri: Uri) -> Reply {
    let mut params = Params::of(&uri, &["expand"]);
    let expand = params.read("expand", "may name attempts, refunds and events, separated by commas", |text| {
        let words: Vec<String> = text.split(',').map(|w| w.trim().to_owned()).collect();
        words.iter().all(|w| EXPANSIONS.contains(&w.as_str())).then_some(words)
    });
    params.check()?;
    let expand = expand.unwrap_or_default();
    let life = app.gateway.life_of(caller.merchant_id(), &id).await?;
    let mut order = app.gateway.show(&life);
    let Some(fields) = order.as_object_mut() else { return Err(Refused::inner("an order that is no object").into()) };
    for word in expand {
        let value = match word.as_str() {
            "attempts" => attempts(&life),
            "refunds" => refunds(&life),
            _ => json!(events(&app.gateway, &life.order.id).await?.iter().map(show::event).collect::<Vec<_>>()),
        };
        fields.insert(word, value);
    }
    Ok(ok(&order))
}

/// The order's attempts as merchants see them.
#[must_use]
pub fn attempts(life: &Life) -> Value {
    life.attempts.iter().map(|a| show::attempt(&life.order, a)).collect()
}

/// The order's refunds as merchants see them.
#[must_use]
pub fn refunds(life: &Life) -> Value {
    life.refunds.iter().map(|r| show::refund(&life.order, r)).collect()
}

/// The trail, oldest first.
pub async fn events(gateway: &Gateway, id: &OrderId) -> Result<Vec<Event>, Fail> {
    match gateway.store.read(Query::Events(id.clone())).await? {
        Answer::Events(events) => Ok(events),
        _ => Err(Refused::inner("an unexpected answer to Events").into()),
    }
}
