//! What will run out, and when?

use super::page::{Page, int, moment, rows, text, yuan};
use super::visit::Visit;
use super::words::Word;
use crate::http::App;
use crate::http::errors::Reply;
use crate::http::ops::limits::{TOP, all};
use axum::extract::State;
use serde_json::Value;

pub async fn limits(State(app): State<App>, visit: Visit) -> Reply {
    let mut page = Page::of(&visit, Word::Limits);
    let limits = all(&app.gateway, TOP).await?;
    if limits.is_empty() {
        page.note(Word::Nothing);
    }
    for limit in &limits {
        page.raw("<h2>").text(text(limit, "/name")).raw(" ");
        page.raw("<span class=\"tag\">").state(text(limit, "/window")).raw("</span>");
        if limit.get("suspended").is_some_and(|suspended| *suspended == true) {
            page.raw(" <span class=\"tag failed\">").word(Word::SuspendedLimit).raw("</span>");
        }
        page.raw("</h2>");
        used(&mut page, limit);
    }
    Ok(page.end())
}

fn used(page: &mut Page, limit: &Value) {
    let subjects = limit.get("use").map(rows).unwrap_or_default();
    if subjects.is_empty() {
        page.note(if text(limit, "/window") == "transaction" { Word::PerOrder } else { Word::Nothing });
        return;
    }
    let is_count = text(limit, "/measure") == "count";
    let shown = |of: &Value, path: &str| if is_count { int(of, path).map(|n| n.to_string()).unwrap_or_default() } else { yuan(of, path) };
    let columns =
        [Word::SubjectOf, Word::Window, Word::Used, Word::Confirmed, Word::Reserved, Word::Overrun, Word::Left, Word::Max, Word::RunsOut];
    page.table(Word::Limits, &columns);
    for of in subjects {
        page.raw("<tr>").cell(text(of, "/subject")).cell(&moment(of, "/window_start")).raw("<td>");
        let max = int(of, "/max").filter(|max| *max > 0);
        if let Some(max) = max {
            let used = max.saturating_sub(int(of, "/left").unwrap_or_default()).clamp(0, max).to_string();
            page.raw("<meter min=\"0\" max=\"").text(&max.to_string()).raw("\" value=\"").text(&used).raw("\" aria-label=\"");
            page.word(Word::Used).raw(" ").text(text(of, "/subject")).raw("\"></meter>");
        }
        if of.get("near").is_some_and(|near| *near == true) {
            page.raw(" <span class=\"tag failed\">").word(Word::NearLimits).raw("</span>");
        }
        page.raw("</td>");
        for path in ["/confirmed", "/reserved", "/overrun", "/left", "/max"] {
            page.number(&shown(of, path));
        }
        page.cell(&moment(of, "/exhausted_at")).raw("</tr>");
    }
    page.table_end();
}
