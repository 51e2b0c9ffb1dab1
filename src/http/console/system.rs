//! Who changed what, and who is signed in?

use super::me::table as sessions_table;
use super::page::{Page, moment, rows, text};
use super::visit::Visit;
use super::words::Word;
use crate::http::App;
use crate::http::errors::Reply;
use crate::http::ops::audit::{PARAMS, lines};
use crate::http::ops::sessions::living;
use axum::extract::State;

pub async fn audit(State(app): State<App>, visit: Visit) -> Reply {
    let found = lines(&app.gateway, visit.door.params(PARAMS)).await?;
    let mut page = Page::of(&visit, Word::Audit);
    page.table(Word::Audit, &[Word::At, Word::Who, Word::Role, Word::What, Word::About, Word::Detail]);
    for line in found.get("data").map(rows).unwrap_or_default() {
        page.raw("<tr>").cell(&moment(line, "/at")).cell(text(line, "/who")).raw("<td>").state(text(line, "/role")).raw("</td>");
        page.cell(text(line, "/act")).cell(text(line, "/about")).raw("<td class=\"long\"><code>");
        page.text(&line.get("detail").map(ToString::to_string).unwrap_or_default()).raw("</code></td></tr>");
    }
    page.table_end().next(&visit.door, "/console/audit", PARAMS, text(&found, "/next_cursor"));
    Ok(page.end())
}

pub async fn sessions(State(app): State<App>, visit: Visit) -> Reply {
    let mut page = Page::of(&visit, Word::Sessions);
    sessions_table(&mut page, &visit, living(&app.gateway).await?.iter(), "/console/sessions");
    Ok(page.end())
}
