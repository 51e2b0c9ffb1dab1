//! Where is this payer's money? One box for whatever the caller holds, or a list by filters; both stand in the address. The cases, which
//! only a person can finish, are the same rows.

use super::page::{Page, href, moment, rows, text, yuan};
use super::visit::Visit;
use super::words::{Word, state};
use crate::http::App;
use crate::http::errors::Reply;
use crate::http::ops::cases::{CASES, cases as read_cases};
use crate::http::ops::search::{PARAMS, search};
use axum::extract::State;
use serde_json::Value;

const STATUSES: [&str; 5] = ["pending", "paid", "failed", "closed", "reversed"];

pub async fn orders(State(app): State<App>, visit: Visit) -> Reply {
    let found = search(&app.gateway, visit.door.params(PARAMS)).await?;
    let mut page = Page::of(&visit, Word::Orders);
    form(&mut page, &visit);
    if let Some(searched) = found.get("searched").filter(|searched| !searched.is_null()) {
        page.raw("<p class=\"note\">").word(Word::SearchedAmong).text(&moment(searched, "/from")).raw(" – ");
        page.text(&moment(searched, "/to")).raw("</p>");
        if searched.get("whole").is_some_and(|whole| *whole == false) {
            page.raw("<p class=\"say\">").word(Word::SearchedPart).raw("</p>");
        }
    }
    table(&mut page, found.get("data").map(rows).unwrap_or_default());
    page.next(&visit.door, "/console/orders", PARAMS, text(&found, "/next_cursor"));
    Ok(page.end())
}

pub async fn cases(State(app): State<App>, visit: Visit) -> Reply {
    let found = read_cases(&app.gateway, visit.door.params(CASES)).await?;
    let mut page = Page::of(&visit, Word::Cases);
    page.note(Word::HeadSuspended);
    table(&mut page, found.get("data").map(rows).unwrap_or_default());
    page.next(&visit.door, "/console/cases", CASES, text(&found, "/next_cursor"));
    Ok(page.end())
}

/// Begins the form with its one box; a button ends it.
pub fn search_box(page: &mut Page, filled: &str) {
    page.raw("<form class=\"find\" role=\"search\" action=\"/console/orders\"><label class=\"wide\">").word(Word::SearchHint);
    page.raw(" <input name=\"q\" autocomplete=\"off\" value=\"").text(filled).raw("\"></label>");
}

fn form(page: &mut Page, visit: &Visit) {
    let asked = |name: &str| visit.door.asked(name).unwrap_or_default();
    let filled = |page: &mut Page, name: &'static str, label: Word, kind: &'static str| {
        page.raw("<label>")
            .word(label)
            .raw(" <input type=\"")
            .raw(kind)
            .raw("\" name=\"")
            .raw(name)
            .raw("\" autocomplete=\"off\" value=\"");
        page.text(&asked(name)).raw("\"></label>");
    };
    search_box(page, &asked("q"));
    filled(page, "merchant", Word::Merchant, "text");
    let chosen = asked("status");
    page.raw("<label>").word(Word::Status).raw(" <select name=\"status\"><option value=\"\">").word(Word::Any).raw("</option>");
    for status in STATUSES {
        page.raw("<option value=\"").raw(status).raw(if chosen == status { "\" selected>" } else { "\">" }).state(status).raw("</option>");
    }
    page.raw("</select></label>");
    filled(page, "created_from", Word::From, "date");
    filled(page, "created_to", Word::To, "date");
    page.button(Word::Search);
}

fn table(page: &mut Page, found: &[Value]) {
    if found.is_empty() {
        page.note(Word::Nothing);
        return;
    }
    let columns = [Word::Created, Word::Numbers, Word::Merchant, Word::Subject, Word::Amount, Word::Status, Word::Account, Word::PaidAt];
    page.table(Word::Orders, &columns);
    for order in found {
        let id = text(order, "/id");
        page.raw("<tr>").cell(&moment(order, "/created_at")).raw("<td><code>").link(&href(&format!("/console/orders/{id}"), &[]), id);
        page.raw("</code><br><code>").text(text(order, "/merchant_order_no")).raw("</code>");
        for number in ["/channel_order_no", "/channel_trade_no"].map(|path| text(order, path)).into_iter().filter(|n| !n.is_empty()) {
            page.raw("<br><code>").text(number).raw("</code>");
        }
        if let Some(hit) = order.get("hit").and_then(Value::as_str) {
            page.raw("<br><span class=\"tag\">").word(Word::Hit).raw(" ").state(hit).raw("</span>");
        }
        page.raw("</td>").cell(text(order, "/merchant")).cell(text(order, "/subject")).number(&yuan(order, "/amount"));
        page.raw("<td><span class=\"tag ").text(text(order, "/status")).raw("\">").state(text(order, "/status")).raw("</span>");
        if order.get("suspended").is_some_and(|suspended| *suspended == true) {
            page.raw(" <span class=\"tag failed\">").word(Word::Suspended).raw("</span>");
        }
        page.raw("</td>").cell(text(order, "/account")).cell(&moment(order, "/paid_at")).raw("</tr>");
    }
    page.table_end();
}

/// Where an order stands, in one sentence.
pub fn headline(told: &Value, lang: crate::http::lang::Lang) -> String {
    let attempts = told.get("attempts").map(rows).unwrap_or_default();
    let word = |word: Word| word.of(lang);
    let any = |test: fn(&Value) -> bool| attempts.iter().any(test);
    let late = any(|attempt| attempt.get("late").is_some_and(|late| *late == true));
    let mut line = match text(told, "/order/status") {
        "paid" => format!("{}{} {}", word(Word::HeadPaid), yuan(told, "/order/paid_amount"), moment(told, "/order/paid_at")),
        _ if late => word(Word::HeadLate).to_owned(),
        "failed" => format!("{}{}", word(Word::HeadFailed), text(told, "/order/failure/message")),
        "closed" => word(Word::HeadClosed).to_owned(),
        "reversed" => word(Word::HeadReversed).to_owned(),
        _ if told.pointer("/order/suspended").is_some_and(|suspended| *suspended == true) => word(Word::HeadSuspended).to_owned(),
        _ if any(|attempt| attempt.get("undo").is_some_and(|undo| !undo.is_null())) => word(Word::HeadUndoing).to_owned(),
        _ if any(|attempt| matches!(text(attempt, "/status"), "unknown" | "sending")) => word(Word::HeadUnknown).to_owned(),
        _ if attempts.is_empty() => word(Word::HeadChoosing).to_owned(),
        _ => word(Word::HeadWaiting).to_owned(),
    };
    if let Some(notice) = told.get("notifications").map(rows).unwrap_or_default().last() {
        let (status, tries) = (state(text(notice, "/status"), lang), super::page::int(notice, "/tries").unwrap_or_default());
        line.push_str(&format!(" · {}{status} ({} {tries}", word(Word::HeadNotice), word(Word::Tries)));
        let next = moment(notice, "/next_at");
        line.push_str(&if next.is_empty() { ")".to_owned() } else { format!(", {} {next})", word(Word::NextTry)) });
    }
    line
}
