//! The router, asked what it would do.

use super::gate::Who;
use super::schema;
use crate::flow::dry_run::{DryRun, Room};
use crate::flow::{MerchantEntry, Refused};
use crate::http::App;
use crate::http::body;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::{ok, parse};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};
use sluice_contract::{Millis, Reader};
use std::sync::Arc;

/// What an order is called that is none.
const NUMBER: &str = "DRY-RUN";

/// Ask where an order would go
///
/// Decides as `POST /v1/orders` would at this moment at this node, and leaves no trace: no order, no reservation, no turn taken, nothing
/// counted. Fields are checked as there. `explored` tells that chance had a part in it.
#[utoipa::path(post, path = "/ops/v1/routes/dry-run", operation_id = "opsDryRun", tag = "ops", request_body = schema::DryRunOrder,
    responses((status = 200, description = "The decision; without an account, what the merchant would be told", body = schema::DryRun)))]
pub async fn dry_run(State(app): State<App>, _: Who, headers: HeaderMap, bytes: Bytes) -> Reply {
    let mut body = body::json(&headers, &bytes)?;
    let merchant = take_merchant(&app, &mut body)?;
    let request = parse::order(&body, &app.gateway, &merchant)?;
    let run = app.gateway.dry_run(&merchant, &request).await?;
    Ok(ok(&shown(&run)))
}

/// Takes the merchant out of the body and puts in what an order must have and a question need not: what is left is an order.
fn take_merchant(app: &App, body: &mut Value) -> Result<Arc<MerchantEntry>, Fail> {
    let reader = Reader::root("body", body);
    let found = app.gateway.directory.load().merchant(reader.need_text("merchant")).cloned();
    body::refuse(&reader)?;
    let merchant = found.ok_or_else(|| Refused::field("merchant", "is no known merchant; GET /ops/v1/merchants lists them"))?;
    if let Some(fields) = body.as_object_mut() {
        fields.remove("merchant");
        for name in ["merchant_order_no", "subject"] {
            let given = fields.entry(name).or_insert(Value::Null);
            if given.is_null() {
                *given = NUMBER.into();
            }
        }
    }
    Ok(merchant)
}

fn shown(run: &DryRun) -> Value {
    let mut shown = run.decision.record(run.chosen.as_deref().unwrap_or_default(), &[]);
    let accounts = |places: &[usize]| -> Vec<&str> {
        places.iter().filter_map(|place| run.decision.considered.get(*place)).map(|line| line.account.as_str()).collect()
    };
    let tiers = run.decision.tiers.iter();
    let tiers = tiers.map(|tier| json!({"rule": tier.rule, "strategy": tier.strategy, "accounts": accounts(&tier.places)}));
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("chosen".into(), json!(run.chosen));
        fields.insert("method".into(), json!(run.method));
        fields.insert("tiers".into(), tiers.collect());
        fields.insert("limits".into(), run.rooms.iter().map(room).collect());
        fields.insert("refused".into(), run.refused.as_ref().map(refusal).unwrap_or_default());
    }
    shown
}

fn room(room: &Room) -> Value {
    let start = (room.key.start > 0).then(|| Millis(room.key.start).rfc3339());
    json!({
        "account": room.account, "limit": room.key.limit, "subject": room.key.subject, "holder": room.key.holder, "window_start": start,
        "max": room.max, "left": room.left,
    })
}

fn refusal(refused: &Refused) -> Value {
    let (code, status, _) = refused.code.facts();
    let mut shown = json!({"code": code, "status": status, "detail": refused.detail, "errors": refused.errors});
    if let Some(fields) = shown.as_object_mut() {
        fields.extend(refused.members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    shown
}
