//! What reconciliation found: to see it by day, and to settle it. Where money is missing or too much, one person proposes and another agrees.

use super::change::{line, reason};
use super::gate::Who;
use crate::domain::recon::{Settled, Standing, show};
use crate::flow::{Code, Gateway, Refused};
use crate::http::App;
use crate::http::body;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::ok;
use crate::http::params::Params;
use crate::store::{Answer, Command, DiscrepancyFilter, Outcome, Query};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use serde_json::{Value, json};
use sluice_contract::{Day, Reader};

/// List discrepancies
#[utoipa::path(get, path = "/ops/v1/discrepancies", operation_id = "opsListDiscrepancies", tag = "ops",
    params(("day" = Option<String>, Query, description = "The channel's settlement day, `2026-11-23`; with it the day's runs are told too"),
        ("account" = Option<String>, Query, description = "An account's id"),
        ("status" = Option<String>, Query, description = "open, carried or settled"),
        ("limit" = Option<u32>, Query, description = "1 to 100, 20 by default")),
    responses((status = 200, description = "`data` by account, day, kind and number; `runs` of the day", body = Value)))]
pub async fn list_discrepancies(State(app): State<App>, _: Who, uri: Uri) -> Reply {
    Ok(ok(&listed(&app.gateway, Params::of(&uri, PARAMS)).await?))
}

pub const PARAMS: &[&str] = &["day", "account", "status", "limit"];

/// The discrepancies that are asked for, and the day's runs.
pub async fn listed(gateway: &Gateway, mut params: Params) -> Result<Value, Fail> {
    let day = params.read("day", "must be a day such as 2026-11-23", Day::parse);
    let standing = params.read("status", "must be open, carried or settled", Standing::from_word);
    let (account, limit) = (params.text("account").map(str::to_owned), params.limit());
    params.check()?;
    let filter = DiscrepancyFilter { account: account.clone(), day, standing, limit };
    let Answer::Discrepancies(found) = gateway.store.read(Query::Discrepancies(filter)).await? else {
        return Err(Refused::inner("an unexpected answer to Discrepancies").into());
    };
    let runs = match day {
        Some(day) => match gateway.store.read(Query::BillRuns(day)).await? {
            Answer::BillRuns(runs) => runs,
            _ => return Err(Refused::inner("an unexpected answer to BillRuns").into()),
        },
        None => Vec::new(),
    };
    let runs = runs.iter().filter(|run| account.as_ref().is_none_or(|account| run.account == *account)).map(show::run);
    Ok(json!({"data": found.iter().map(show::discrepancy).collect::<Vec<_>>(), "runs": runs.collect::<Vec<_>>()}))
}

/// Settle a discrepancy, or propose to
#[utoipa::path(post, path = "/ops/v1/discrepancies/{id}/settle", operation_id = "opsSettleDiscrepancy", tag = "ops",
    params(("id" = String, Path, description = "As the list names it")),
    request_body(content = Value, description = "`reason`, required"),
    responses((status = 200, description = "As it now stands: with a `proposal` until another person has agreed, where money is concerned", body = Value)))]
pub async fn settle_discrepancy(State(app): State<App>, who: Who, Path(id): Path<String>, headers: HeaderMap, bytes: Bytes) -> Reply {
    Ok(ok(&settle(&app.gateway, &who, id, &body::json(&headers, &bytes)?).await?))
}

/// Settles a discrepancy, or proposes to; as it now stands.
pub async fn settle(gateway: &Gateway, who: &Who, id: String, asked: &Value) -> Result<Value, Fail> {
    let reason = why(asked)?;
    let audit = line(gateway, who, "discrepancy.settle", &id, json!({"reason": reason}));
    let command = Command::SettleDiscrepancy { id, by: who.name.clone(), reason, at: gateway.now(), audit };
    match gateway.store.submit(command).await? {
        Outcome::Settled(settled) => match *settled {
            Settled::Proposed(stored) | Settled::Done(stored) => Ok(show::discrepancy(&stored)),
            Settled::SamePerson => Err(Fail::new(Code::InvalidState, "you proposed this yourself: another person has to agree to it")),
            Settled::NotOpen(stored) => {
                let why = format!("it is {}: only what is open is settled", stored.found.standing.word());
                Err(Fail::new(Code::InvalidState, why))
            }
        },
        _ => Err(Fail::new(Code::NotFound, "there is no such discrepancy")),
    }
}

fn why(asked: &Value) -> Result<String, Fail> {
    let reader = Reader::root("body", asked);
    let reason = reason(&reader);
    reader.finish();
    body::refuse(&reader)?;
    Ok(reason)
}
