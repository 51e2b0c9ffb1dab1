//! Did the channel pay what we booked? Where money is missing or too much, one person proposes and another agrees.

use super::page::{Page, int, moment, rows, text, yuan};
use super::visit::Visit;
use super::words::Word;
use crate::http::App;
use crate::http::errors::Reply;
use crate::http::ops::discrepancies::{PARAMS, listed};
use axum::extract::State;
use serde_json::Value;

pub async fn discrepancies(State(app): State<App>, visit: Visit) -> Reply {
    let found = listed(&app.gateway, visit.door.params(PARAMS)).await?;
    let mut page = Page::of(&visit, Word::Reconcile);
    form(&mut page, &visit);
    let runs = found.get("runs").map(rows).unwrap_or_default();
    if !runs.is_empty() {
        page.heading(Word::Runs).table(Word::Runs, &[Word::Account, Word::Day, Word::At, Word::Status, Word::Matched, Word::Detail]);
        for run in runs {
            page.raw("<tr>").cell(text(run, "/account")).cell(text(run, "/day")).cell(&moment(run, "/at")).state_cell(text(run, "/state"));
            let count = |path: &str| int(run, path).unwrap_or_default();
            page.number(&format!("{} / {}", count("/matched"), count("/rows"))).cell(text(run, "/why")).raw("</tr>");
        }
        page.table_end();
    }
    page.heading(Word::Discrepancies);
    table(&mut page, &visit, &app, found.get("data").map(rows).unwrap_or_default());
    Ok(page.end())
}

fn form(page: &mut Page, visit: &Visit) {
    let asked = |name: &str| visit.door.asked(name).unwrap_or_default();
    page.raw("<form class=\"find\" action=\"/console/discrepancies\"><label>")
        .word(Word::Day)
        .raw(" <input type=\"date\" name=\"day\" value=\"");
    page.text(&asked("day")).raw("\"></label><label>").word(Word::Account).raw(" <input name=\"account\" autocomplete=\"off\" value=\"");
    page.text(&asked("account")).raw("\"></label><label>").word(Word::Status).raw(" <select name=\"status\"><option value=\"\">");
    page.word(Word::Any).raw("</option>");
    for status in ["open", "carried", "settled"] {
        page.raw("<option value=\"")
            .raw(status)
            .raw(if asked("status") == status { "\" selected>" } else { "\">" })
            .state(status)
            .raw("</option>");
    }
    page.raw("</select></label>").button(Word::Filter);
}

fn table(page: &mut Page, visit: &Visit, app: &App, found: &[Value]) {
    if found.is_empty() {
        page.note(Word::Nothing);
        return;
    }
    let may = visit.may("POST", "/ops/v1/discrepancies/{id}/settle");
    let columns = [Word::Day, Word::Account, Word::Kind, Word::ChannelNo, Word::Ours, Word::Theirs, Word::Gap, Word::Status, Word::Acts];
    page.table(Word::Discrepancies, &columns);
    for one in found {
        page.raw("<tr>").cell(text(one, "/day")).cell(text(one, "/account")).raw("<td>").state(text(one, "/kind")).raw("</td><td><code>");
        page.text(text(one, "/channel_order_no")).raw("</code></td>").number(&yuan(one, "/ours")).number(&yuan(one, "/theirs"));
        page.number(&yuan(one, "/gap")).state_cell(text(one, "/status")).raw("<td>");
        if let Some(by) = one.pointer("/proposal/by").and_then(Value::as_str) {
            page.raw("<p>").word(Word::ProposedBy).text(by).raw(" ").text(text(one, "/proposal/reason")).raw("</p>");
        }
        for settled in ["/settled_by", "/reason"].map(|path| text(one, path)).into_iter().filter(|text| !text.is_empty()) {
            page.raw("<p>").text(settled).raw("</p>");
        }
        if may && text(one, "/status") == "open" {
            let action = format!("/console/discrepancies/{}/settle", text(one, "/id"));
            page.form(&action, &hex::encode(app.gateway.random::<16>())).reason().button(Word::Settle);
        }
        page.raw("</td></tr>");
    }
    page.table_end();
}
