//! Cases: what only a person can finish or explain, with the evidence and what may be done next.

use super::gate::Who;
use super::orders::row;
use crate::domain::case::{Case, CaseKind};
use crate::domain::life::Life;
use crate::domain::recon::{Standing, show};
use crate::flow::{Gateway, Refused};
use crate::http::App;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::{list, ok};
use crate::http::params::Params;
use crate::store::{Answer, DiscrepancyFilter, OrderFilter, Query};
use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};
use sluice_contract::Millis;

/// Cases
///
/// What a person has to look at. `unknown`: the channel has not told an outcome long after it should be known. `late`: money after an
/// order's end, or a second time, is kept. `mismatch`: the channel contradicts what is booked, or its bill does. `suspended`: nothing
/// automatic is left to try. Each names its evidence and the next steps that are allowed.
#[utoipa::path(get, path = "/ops/v1/cases", operation_id = "opsListCases", tag = "ops",
    params(
        ("kind" = Option<String>, Query, description = "unknown, late, mismatch or suspended"),
        ("limit" = Option<u32>, Query, description = "Orders on a page: 1 to 100, 20 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor`"),
    ),
    responses((status = 200, description = "`data`: orders with their `cases`, newest first. `bills`: discrepancies that stand open, on the first page", body = Value)))]
pub async fn list_cases(State(app): State<App>, _: Who, uri: Uri) -> Reply {
    Ok(ok(&cases(&app.gateway, Params::of(&uri, CASES)).await?))
}

pub const CASES: &[&str] = &["kind", "limit", "cursor"];

/// A page of orders with their cases; on the first one, what bills contradict.
pub async fn cases(gateway: &Gateway, mut params: Params) -> Result<Value, Fail> {
    let kind = params.read("kind", "must be unknown, late, mismatch or suspended", CaseKind::from_word);
    let filter = OrderFilter { cases_only: true, before: params.cursor(), limit: params.limit(), ..OrderFilter::default() };
    params.check()?;
    let wanted = |of: CaseKind| kind.is_none_or(|kind| kind == of);
    let bills = if filter.before.is_none() && wanted(CaseKind::Mismatch) { mismatches(gateway).await? } else { Vec::new() };
    let (lives, next_cursor) = list::page(gateway, filter).await?;
    let data: Vec<Value> = lives.iter().filter_map(|life| shown(life, &wanted)).collect();
    Ok(json!({"data": data, "bills": bills, "next_cursor": next_cursor}))
}

/// The order with those of its cases that are wanted.
fn shown(life: &Life, wanted: &impl Fn(CaseKind) -> bool) -> Option<Value> {
    let cases: Vec<Value> = life.cases().iter().filter(|case| wanted(case.kind)).map(|case| line(life, case)).collect();
    let mut shown = row(life);
    shown.as_object_mut().filter(|_| !cases.is_empty())?.insert("cases".to_owned(), cases.into());
    Some(shown)
}

fn line(life: &Life, case: &Case) -> Value {
    let number = &life.order.id;
    let attempt = life.attempt(case.attempt_seq).map(|a| {
        json!({
            "number": number.attempt_number(a.seq), "account": a.account, "status": a.status(), "captured": a.captured,
            "refunded": a.refunded, "refunding": a.refunding, "undo": a.undo, "queries": a.queries,
            "next_at": a.next_at.map(Millis::rfc3339), "last_unknown": a.notes.last_unknown, "contradicted": a.notes.contradicted,
        })
    });
    let refund = case.refund_seq.and_then(|seq| life.refund(seq)).map(|r| {
        json!({
            "number": number.refund_id(r.seq), "amount": r.amount, "pending_reason": r.pending_reason, "sends": r.sends,
            "queries": r.queries, "next_at": r.next_at.map(Millis::rfc3339),
        })
    });
    json!({
        "kind": case.kind, "since": case.since.rfc3339(), "why": case.why, "evidence": {"attempt": attempt, "refund": refund},
        "next_steps": case.steps,
    })
}

/// What a bill says and the books do not, as far as nobody has settled it.
async fn mismatches(gateway: &Gateway) -> Result<Vec<Value>, Fail> {
    let filter = DiscrepancyFilter { standing: Some(Standing::Open), limit: 100, ..DiscrepancyFilter::default() };
    let Answer::Discrepancies(found) = gateway.store.read(Query::Discrepancies(filter)).await? else {
        return Err(Refused::inner("an unexpected answer to Discrepancies").into());
    };
    let line = |stored| {
        json!({
            "kind": CaseKind::Mismatch, "why": "the channel's bill and our books disagree", "evidence": show::discrepancy(stored),
            "next_steps": ["reconcile", "settle_discrepancy"],
        })
    };
    Ok(found.iter().map(line).collect())
}
