//! `GET /v1/statements`: what a merchant took and gave back in a day or a month. [`asked`] reads the query, [`answer`] makes the statement,
//! [`schema`] describes it; operators' calls use the same.

pub mod answer;
pub mod asked;
pub mod schema;

use super::App;
use super::errors::Reply;
use super::orders::ok;
use super::params::Params;
use super::signed::Caller;
use asked::{Asked, Format};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderName, Method, Uri};
use axum::response::{IntoResponse, Response};

/// Read a day's or a month's statement
///
/// A payment counts on the day it was paid, a refund on the day it succeeded; days are Beijing's. Every captured payment is a row, one that came late
/// or twice too, and its refund another: the rows of a day add up to what the channels' own books say.
///
/// A day has its rows, in pages as JSON, whole as CSV. A month has a line for each day. `version` names exactly these rows: a statement of a day that
/// is over changes only when news of it comes late, and then has another version.
///
/// CSV is UTF-8 with a byte order mark, CRLF, amounts in yuan, times at +08:00. A text that a spreadsheet would compute, round or take for a date begins
/// with an apostrophe, and so does one that began with an apostrophe; take one away when reading by program. Behind the rows come a summary by channel
/// and method, and a line with the period, the time of making, the version and whether it is complete.
#[utoipa::path(
    get, path = "/v1/statements", operation_id = "getStatement", tag = "statements",
    params(
        ("day" = Option<String>, Query, description = "`2026-11-25`; this or `month`. Today is not complete", pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
        ("month" = Option<String>, Query, description = "`2026-11`; this or `day`", pattern = "^[0-9]{4}-[0-9]{2}$"),
        ("format" = Option<String>, Query, description = "`json`, the default, or `csv`", pattern = "^(json|csv)$"),
        ("lang" = Option<String>, Query, description = "Of the CSV: `zh`, the default, or `en`", pattern = "^(zh|en)$"),
        ("limit" = Option<u32>, Query, description = "Rows of a day on a page: 1 to 1000, 100 by default", minimum = 1, maximum = 1000),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "The statement", content((schema::Statement = "application/json"), (String = "text/csv"))))
)]
pub async fn get_statement(State(app): State<App>, caller: Caller, method: Method, uri: Uri) -> Reply {
    let asked = asked::read(&app.gateway, Params::of(&uri, &asked::KNOWN), Some(caller.merchant_id().to_owned()))?;
    let _turn = app.spools.turn().await;
    if asked.format == Format::Json {
        return Ok(ok(&answer::page(&app.gateway, &asked).await?));
    }
    let (file, _) = answer::file(&app, &asked).await?;
    let mut response = as_file(&asked);
    // Of what HEAD asks, only the head is signed and sent.
    if method == Method::GET {
        response.extensions_mut().insert(file);
    }
    Ok(response)
}

/// A file's head, still without its body.
pub(super) fn as_file(asked: &Asked) -> Response {
    let headers: [(HeaderName, String); 3] = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", asked.file_name())),
        (HeaderName::from_static("x-content-type-options"), "nosniff".to_owned()),
    ];
    headers.into_response()
}
