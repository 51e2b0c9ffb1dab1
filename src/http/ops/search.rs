//! Search: one box for whatever a caller holds. A number that names an order, of ours or of the merchant's, is looked up; the channel's own
//! number, and an amount with a time, are looked for among the attempts of that time, the newest so many. What was not looked at is said.

use super::gate::Who;
use super::orders::row;
use super::wanted::{Wanted, wanted};
use crate::domain::OrderId;
use crate::domain::life::Life;
use crate::flow::{Gateway, Refused};
use crate::http::App;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::{list, ok};
use crate::http::params::Params;
use crate::store::desk::HITS_MAX;
use crate::store::{Answer, Kind, Query, Sought};
use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};
use sluice_contract::{Fen, Millis};

/// An order is made so long before it is paid, mostly.
const MADE_BEFORE_MS: i64 = 30 * 60 * 1000;

/// Search orders
///
/// `q` is an order id, a channel order number, a refund id, an event id, a merchant's own number of an order or refund, a channel's trade
/// number, or an amount in yuan with a time: `12.80 14:30` (a quarter of an hour around it), `12.80 昨天 下午`, `¥12.80 2026-11-23`; an
/// amount alone is of the last 24 hours. `searched` says among what was looked, where it was not looked up; `whole` is false where
/// older payments of that time were left out. `hit` of a row says what of it was meant.
#[utoipa::path(get, path = "/ops/v1/orders", operation_id = "opsSearchOrders", tag = "ops",
    params(
        ("q" = Option<String>, Query, description = "What names an order, or an amount with a time"),
        ("merchant" = Option<String>, Query, description = "Only this merchant's"),
        ("status" = Option<String>, Query, description = "Only orders of this status"),
        ("created_from" = Option<String>, Query, description = "RFC 3339, inclusive"),
        ("created_to" = Option<String>, Query, description = "RFC 3339, exclusive"),
        ("limit" = Option<u32>, Query, description = "1 to 100, 20 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "Newest first", body = Value)))]
pub async fn search_orders(State(app): State<App>, _: Who, uri: Uri) -> Reply {
    Ok(ok(&search(&app.gateway, Params::of(&uri, PARAMS)).await?))
}

pub const PARAMS: &[&str] = &["q", "merchant", "status", "created_from", "created_to", "limit", "cursor"];

/// A page of orders, or what the box found.
pub async fn search(gateway: &Gateway, mut params: Params) -> Result<Value, Fail> {
    let merchant = params.text("merchant").map(str::to_owned).filter(|id| !id.is_empty());
    let filter = list::filter(&mut params, merchant.clone());
    let asked = params.text("q").and_then(|q| wanted(q, gateway.now()));
    params.check()?;
    let Some(asked) = asked else {
        let (lives, next_cursor) = list::page(gateway, filter).await?;
        let data: Vec<Value> = lives.iter().map(row).collect();
        return Ok(json!({"data": data, "next_cursor": next_cursor, "searched": null}));
    };
    let mut found = match asked {
        Wanted::Number(number) => by_number(gateway, merchant.as_deref(), &number).await?,
        Wanted::Money { fen, from, to } => by_amount(gateway, fen, from, to).await?,
    };
    found.hits.retain(|(life, _)| merchant.as_ref().is_none_or(|m| *m == life.order.merchant_id));
    let data: Vec<Value> = found.hits.iter().map(|(life, hit)| hit_row(life, hit)).collect();
    Ok(json!({"data": data, "next_cursor": null, "searched": found.searched}))
}

#[derive(Default)]
struct Found {
    hits: Vec<(Life, &'static str)>,
    searched: Option<Value>,
}

fn hit_row(life: &Life, hit: &str) -> Value {
    let mut row = row(life);
    if let Some(fields) = row.as_object_mut() {
        fields.insert("hit".into(), hit.into());
    }
    row
}

async fn by_number(gateway: &Gateway, merchant: Option<&str>, number: &str) -> Result<Found, Fail> {
    let named = [
        (OrderId::parse(number), "id"),
        (OrderId::of_attempt(number).map(|(id, _)| id), "channel_order_no"),
        (OrderId::of_refund(number).map(|(id, _)| id), "refund"),
        (OrderId::of_event(number).map(|(id, _)| id), "event"),
    ];
    let mut ids: Vec<(OrderId, &'static str)> = named.into_iter().filter_map(|(id, hit)| Some((id?, hit))).collect();
    if ids.is_empty() {
        ids = of_merchants(gateway, merchant, number).await?;
    }
    let mut hits = Vec::new();
    for (id, hit) in ids {
        hits.extend(gateway.life(&id).await?.map(|life| (life, hit)));
    }
    if hits.is_empty() { by_trade_no(gateway, number).await } else { Ok(Found { hits, searched: None }) }
}

/// Two merchants may use the same number.
async fn of_merchants(gateway: &Gateway, merchant: Option<&str>, number: &str) -> Result<Vec<(OrderId, &'static str)>, Fail> {
    let directory = gateway.directory.load_full();
    let mut ids: Vec<(OrderId, &'static str)> = Vec::new();
    for merchant_id in directory.merchants.keys().filter(|id| merchant.is_none_or(|m| m == *id)) {
        let order = list::claimed(gateway, merchant_id, Kind::Order, number.to_owned()).await?;
        ids.extend(order.as_deref().and_then(OrderId::parse).map(|id| (id, "merchant_order_no")));
        let refund = list::claimed(gateway, merchant_id, Kind::Refund, number.to_owned()).await?;
        ids.extend(refund.as_deref().and_then(OrderId::of_refund).map(|(id, _)| (id, "merchant_refund_no")));
    }
    ids.dedup_by(|a, b| a.0 == b.0);
    Ok(ids)
}

/// No index leads from a channel's number to an order: it would take random keys with every payment. Channels write the day into their
/// numbers; without one, the last 24 hours are looked through.
async fn by_trade_no(gateway: &Gateway, number: &str) -> Result<Found, Fail> {
    let Some((from, to)) = super::wanted::day_of_trade_no(number, gateway.now()) else { return Ok(Found::default()) };
    let sought = Sought { from, to, amount: None, trade_no: Some(number.to_owned()) };
    let (lives, searched) = sought_in(gateway, sought, "channel_trade_no").await?;
    let told = |life: &Life| life.attempts.iter().any(|a| a.notes.channel_trade_no.as_deref() == Some(number));
    let hits = lives.into_iter().filter(told).map(|life| (life, "channel_trade_no")).collect();
    Ok(Found { hits, searched: Some(searched) })
}

async fn by_amount(gateway: &Gateway, fen: Fen, from: Millis, to: Millis) -> Result<Found, Fail> {
    let sought = Sought { from: from.plus_ms(-MADE_BEFORE_MS), to, amount: Some(fen), trade_no: None };
    let (lives, searched) = sought_in(gateway, sought, "amount").await?;
    let within = |at: &Millis| *at >= from && *at < to;
    let then = |life: &Life| within(&life.order.created_at) || life.order.paid_at.as_ref().is_some_and(within);
    let hit = |life: Life| {
        let of_order = life.order.amount == fen;
        let of_payer = life.attempts.iter().any(|a| a.notes.payer_amount == Some(fen));
        let word = if of_order { Some("amount") } else { of_payer.then_some("payer_amount") };
        word.map(|word| (life, word))
    };
    Ok(Found { hits: lives.into_iter().filter(then).filter_map(hit).collect(), searched: Some(searched) })
}

async fn sought_in(gateway: &Gateway, sought: Sought, by: &str) -> Result<(Vec<Life>, Value), Fail> {
    let (from, to) = (sought.from.rfc3339(), sought.to.rfc3339());
    let Answer::Sought { found, whole } = gateway.store.read(Query::Sought(sought)).await? else {
        return Err(Refused::inner("an unexpected answer to Sought").into());
    };
    let whole = whole && found.len() < HITS_MAX;
    let Answer::Lives(mut lives) = gateway.store.read(Query::Named(found)).await? else {
        return Err(Refused::inner("an unexpected answer to Named").into());
    };
    lives.sort_unstable_by(|a, b| b.order.id.cmp(&a.order.id));
    Ok((lives, json!({"by": by, "from": from, "to": to, "whole": whole})))
}
