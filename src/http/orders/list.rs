//! `GET /v1/orders`: newest first.

use super::ok;
use crate::domain::life::Life;
use crate::domain::{OrderId, OrderStatus};
use crate::flow::{Gateway, Refused};
use crate::http::App;
use crate::http::errors::{Fail, Reply};
use crate::http::params::{Params, cursor_of};
use crate::http::schema;
use crate::http::signed::Caller;
use crate::store::{Answer, ClaimKey, Kind, OrderFilter, Query};
use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};

/// List orders
#[utoipa::path(
    get, path = "/v1/orders", operation_id = "listOrders", tag = "orders",
    params(
        ("merchant_order_no" = Option<String>, Query, description = "The merchant's own number"),
        ("status" = Option<schema::OrderStatus>, Query, description = "Only orders of this status"),
        ("created_from" = Option<String>, Query, description = "RFC 3339, inclusive"),
        ("created_to" = Option<String>, Query, description = "RFC 3339, exclusive"),
        ("limit" = Option<u32>, Query, description = "1 to 100, 20 by default", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "Newest first", body = schema::OrderList))
)]
pub async fn list_orders(State(app): State<App>, caller: Caller, uri: Uri) -> Reply {
    let mut params = Params::of(&uri, &["merchant_order_no", "status", "created_from", "created_to", "limit", "cursor"]);
    let filter = filter(&mut params, Some(caller.merchant_id().to_owned()));
    let number = params.text("merchant_order_no").map(str::to_owned);
    params.check()?;
    let (lives, next_cursor) = match number {
        Some(number) => (named(&app.gateway, caller.merchant_id(), number, &filter).await?, None),
        None => page(&app.gateway, filter).await?,
    };
    let data: Vec<Value> = lives.iter().map(|life| app.gateway.show(life)).collect();
    Ok(ok(&json!({"data": data, "next_cursor": next_cursor})))
}

/// The filter that a query's parameters describe.
pub fn filter(params: &mut Params, merchant_id: Option<String>) -> OrderFilter {
    OrderFilter {
        merchant_id,
        status: params.read("status", "must be pending, paid, failed, closed or reversed", OrderStatus::from_word),
        created_from: params.time("created_from"),
        created_to: params.time("created_to"),
        before: params.cursor(),
        cases_only: false,
        limit: params.limit(),
    }
}

/// One page and the cursor of the next.
pub async fn page(gateway: &Gateway, filter: OrderFilter) -> Result<(Vec<Life>, Option<String>), Fail> {
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let one_more = OrderFilter { limit: filter.limit.saturating_add(1), ..filter };
    let Answer::Lives(mut lives) = gateway.store.read(Query::Orders(one_more)).await? else {
        return Err(Refused::inner("an unexpected answer to Orders").into());
    };
    let more = lives.len() > limit;
    lives.truncate(limit);
    let next = lives.last().filter(|_| more).map(|life| cursor_of(life.order.id.as_str()));
    Ok((lives, next))
}

/// The one order of a merchant's number, if the other filters let it through.
async fn named(gateway: &Gateway, merchant_id: &str, number: String, filter: &OrderFilter) -> Result<Vec<Life>, Fail> {
    let Some(target) = claimed(gateway, merchant_id, Kind::Order, number).await? else { return Ok(Vec::new()) };
    let Some(id) = OrderId::parse(&target) else { return Ok(Vec::new()) };
    let life = gateway.life(&id).await?;
    let passes = |life: &Life| {
        filter.status.is_none_or(|s| s == life.order.status())
            && filter.created_from.is_none_or(|from| life.order.created_at >= from)
            && filter.created_to.is_none_or(|to| life.order.created_at < to)
            && filter.before.as_ref().is_none_or(|before| life.order.id < *before)
    };
    Ok(life.into_iter().filter(passes).collect())
}

/// What a merchant's number names.
pub async fn claimed(gateway: &Gateway, merchant_id: &str, kind: Kind, number: String) -> Result<Option<String>, Fail> {
    let key = ClaimKey { merchant_id: merchant_id.to_owned(), kind, number };
    match gateway.store.read(Query::Claim(key)).await? {
        Answer::Claim(target) => Ok(target),
        _ => Err(Refused::inner("an unexpected answer to Claim").into()),
    }
}
