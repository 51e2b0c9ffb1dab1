//! Statements for operators: a merchant's as the merchant sees it, or the sums of all. Whoever may look may read it; a file that leaves the
//! house is for those who export (PEOPLE 2.5), and leaves a line in the audit log. Nobody's statement holds payer ids.

use super::change::{merchant, note};
use super::gate::Who;
use crate::config::Role;
use crate::flow::{Code, Refused};
use crate::http::App;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::ok;
use crate::http::params::Params;
use crate::http::statements::asked::{self, Format};
use crate::http::statements::{answer, as_file, schema};
use axum::extract::State;
use axum::http::{Method, Uri};
use serde_json::json;

/// Read a merchant's statement, or the sums of all
///
/// As `GET /v1/statements`. Without `merchant` a day and a month have a line for each merchant and no rows. CSV is for operators, finance and
/// administrators.
#[utoipa::path(get, path = "/ops/v1/statements", operation_id = "opsStatement", tag = "ops",
    params(
        ("merchant" = Option<String>, Query, description = "A merchant's id; without it the sums of all"),
        ("day" = Option<String>, Query, description = "`2026-11-25`; this or `month`"),
        ("month" = Option<String>, Query, description = "`2026-11`; this or `day`"),
        ("format" = Option<String>, Query, description = "`json`, the default, or `csv`"),
        ("lang" = Option<String>, Query, description = "Of the CSV: `zh`, the default, or `en`"),
        ("limit" = Option<u32>, Query, description = "Rows of a merchant's day on a page: 1 to 1000, 100 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "The statement", content((schema::Statement = "application/json"), (String = "text/csv")))))]
pub async fn ops_statement(State(app): State<App>, who: Who, method: Method, uri: Uri) -> Reply {
    let known: Vec<&str> = asked::KNOWN.into_iter().chain(["merchant"]).collect();
    let params = Params::of(&uri, &known);
    let of = params.text("merchant").map(str::to_owned);
    let asked = asked::read(&app.gateway, params, of.clone())?;
    if let Some(id) = &of {
        merchant(&app, id)?;
    }
    if asked.format == Format::Csv && who.role == Role::Viewer {
        return Err(Fail::new(Code::Forbidden, "the role viewer may look at a statement and not take it away: ask for format=json"));
    }
    let _turn = app.spools.turn().await;
    if asked.format == Format::Json {
        return Ok(ok(&answer::page(&app.gateway, &asked).await?));
    }
    let (file, lines) = answer::file(&app, &asked).await?;
    let period = asked.wanted.period.name();
    note(&app, &who, "statement.export", of.as_deref().unwrap_or("all"), json!({"period": period, "lines": lines})).await?;
    let mut response = as_file(&asked);
    if method == Method::GET {
        let body = file.plain(response.headers_mut()).await;
        *response.body_mut() = body.ok_or_else(|| Refused::inner("a long answer could not be read"))?;
    }
    Ok(response)
}
