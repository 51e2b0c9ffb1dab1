//! What happened to one order, in order, and who did what; with what may be done about it now.

use super::orders::headline;
use super::page::{Page, int, moment, rows, text, yuan};
use super::visit::Visit;
use super::words::Word;
use crate::domain::route::told;
use crate::http::App;
use crate::http::errors::Reply;
use crate::http::ops::orders::explained;
use axum::extract::{Path, State};
use serde_json::Value;

const ORDER: &str = "/ops/v1/orders/{id}";

pub async fn order(State(app): State<App>, visit: Visit, Path(id): Path<String>) -> Reply {
    let told = explained(&app.gateway, &id).await?;
    let mut page = Page::named(&visit, &format!("{} {id}", Word::Order.of(visit.door.lang)));
    page.raw("<p class=\"head\">").text(&headline(&told, visit.door.lang)).raw("</p>");
    facts(&mut page, &told);
    acts(&mut page, &visit, &app, &told);
    attempts(&mut page, told.get("attempts").map(rows).unwrap_or_default());
    refunds(&mut page, told.get("refunds").map(rows).unwrap_or_default());
    notices(&mut page, &visit, &app, told.get("notifications").map(rows).unwrap_or_default());
    trail(&mut page, told.get("trail").map(rows).unwrap_or_default());
    entries(&mut page, told.get("limit_entries").map(rows).unwrap_or_default());
    Ok(page.end())
}

fn facts(page: &mut Page, told: &Value) {
    let order = told.get("order").unwrap_or(&Value::Null);
    page.raw("<dl>").fact(Word::OrderId, text(order, "/id")).fact(Word::MerchantNo, text(order, "/merchant_order_no"));
    page.fact(Word::ChannelNo, text(order, "/channel_order_no")).fact(Word::TradeNo, text(order, "/channel_trade_no"));
    page.fact(Word::Merchant, text(order, "/merchant")).fact(Word::Subject, text(order, "/subject"));
    page.fact(Word::Amount, &yuan(order, "/amount"));
    if text(order, "/status") == "paid" {
        page.fact(Word::PayerPaid, &yuan(order, "/payer_paid_amount")).fact(Word::Fee, &yuan(order, "/fee"));
        page.fact(Word::Refunded, &yuan(order, "/refunded_amount"));
    }
    page.fact(Word::Method, text(order, "/method")).fact(Word::Account, text(order, "/account"));
    page.fact(Word::Created, &moment(order, "/created_at")).fact(Word::Expires, &moment(order, "/expires_at"));
    page.fact(Word::PaidAt, &moment(order, "/paid_at")).raw("</dl>");
    let risk = told.get("risk").filter(|risk| !risk.is_null()).map(ToString::to_string);
    if let Some(risk) = risk {
        page.raw("<dl>").fact(Word::Risk, &risk).raw("</dl>");
    }
}

/// What would be refused is not offered: by the role, and by where the order stands.
fn acts(page: &mut Page, visit: &Visit, app: &App, told: &Value) {
    let (id, status) = (text(told, "/order/id"), text(told, "/order/status"));
    let is_barcode = text(told, "/order/presented") == "barcode";
    let offered = |act: &str, fits: bool| fits && visit.may("POST", &format!("{ORDER}/{act}"));
    let number = || hex::encode(app.gateway.random::<16>());
    page.heading(Word::Acts);
    if offered("sync", true) {
        page.form(&format!("/console/orders/{id}/sync"), &number()).button(Word::AskChannel);
    }
    let undo = [
        ("close", Word::Close, status == "pending" && !is_barcode),
        ("reverse", Word::Reverse, is_barcode && matches!(status, "pending" | "paid")),
    ];
    for (act, word, fits) in undo {
        if offered(act, fits) {
            page.form(&format!("/console/orders/{id}/{act}"), &number()).reason();
            page.field("last4", Word::Retype, "required maxlength=\"4\" size=\"6\" autocomplete=\"off\"").button(word);
        }
    }
    page.note(Word::NoPaidButton);
}

fn attempts(page: &mut Page, attempts: &[Value]) {
    page.heading(Word::Attempts);
    if attempts.is_empty() {
        page.note(Word::Nothing);
        return;
    }
    let columns = [Word::Created, Word::Account, Word::Method, Word::Status, Word::Amount, Word::ChannelNo, Word::TradeNo, Word::Detail];
    page.table(Word::Attempts, &columns);
    for attempt in attempts {
        page.raw("<tr>").cell(&moment(attempt, "/created_at")).cell(text(attempt, "/account")).cell(text(attempt, "/method"));
        page.state_cell(text(attempt, "/status")).number(&yuan(attempt, "/amount")).cell(text(attempt, "/channel_order_no"));
        page.cell(text(attempt, "/channel_trade_no")).raw("<td>");
        for line in [text(attempt, "/failure/message"), text(attempt, "/last_unknown")].into_iter().filter(|line| !line.is_empty()) {
            page.raw("<p>").text(line).raw("</p>");
        }
        let next = moment(attempt, "/next_at");
        if !next.is_empty() {
            page.raw("<p>").word(Word::NextAsk).text(&next).raw("</p>");
        }
        page.raw("<details><summary>").word(Word::Why).raw("</summary><pre>");
        let lines = attempt.get("route").map(told::lines).unwrap_or_default();
        page.text(&lines.join("\n")).raw("</pre></details></td></tr>");
    }
    page.table_end();
}

fn refunds(page: &mut Page, refunds: &[Value]) {
    if refunds.is_empty() {
        return;
    }
    page.heading(Word::Refunds).table(Word::Refunds, &[Word::Created, Word::Numbers, Word::Kind, Word::Amount, Word::Status, Word::Reason]);
    for refund in refunds {
        page.raw("<tr>").cell(&moment(refund, "/created_at")).raw("<td><code>").text(text(refund, "/id")).raw("</code><br><code>");
        page.text(text(refund, "/merchant_refund_no")).raw("</code></td><td>").state(text(refund, "/origin")).raw("</td>");
        page.number(&yuan(refund, "/amount")).state_cell(text(refund, "/status")).raw("<td>").text(text(refund, "/reason"));
        page.raw(" ").text(text(refund, "/pending_reason")).raw(" ").text(text(refund, "/failure/message")).raw("</td></tr>");
    }
    page.table_end();
}

/// Notifications, each with a button that sends it again.
pub fn notices(page: &mut Page, visit: &Visit, app: &App, notices: &[Value]) {
    page.heading(Word::Notifications);
    if notices.is_empty() {
        page.note(Word::Nothing);
        return;
    }
    let may = visit.may("POST", "/ops/v1/notifications/{event_id}/replay");
    let columns = [Word::At, Word::Event, Word::Merchant, Word::Status, Word::Tries, Word::Last, Word::Acts];
    page.table(Word::Notifications, &columns);
    for notice in notices {
        let (event, order) = (text(notice, "/event_id"), text(notice, "/order_id"));
        page.raw("<tr>").cell(&moment(notice, "/at")).raw("<td>").text(text(notice, "/type")).raw("<br><code>").text(event);
        page.raw("</code><br><code>").link(&format!("/console/orders/{order}"), order).raw("</code></td>");
        page.cell(text(notice, "/merchant")).state_cell(text(notice, "/status"));
        page.number(&int(notice, "/tries").unwrap_or_default().to_string()).raw("<td class=\"long\"><code>");
        let last = notice.get("last").filter(|last| !last.is_null()).map(ToString::to_string);
        page.text(&last.unwrap_or_default()).raw("</code></td><td>");
        if may && matches!(text(notice, "/status"), "parked" | "delivered") {
            let number = hex::encode(app.gateway.random::<16>());
            page.form(&format!("/console/notifications/{event}/replay"), &number).raw("<input type=\"hidden\" name=\"order\" value=\"");
            page.text(if visit.door.uri.path().starts_with("/console/orders/") { order } else { "" }).raw("\">").button(Word::Replay);
        }
        page.raw("</td></tr>");
    }
    page.table_end();
}

/// As `sluice explain` prints it: every line, and under it what was said to the channel and what it answered.
fn trail(page: &mut Page, trail: &[Value]) {
    page.heading(Word::Trail).raw("<ol class=\"trail\">");
    for event in trail {
        page.raw("<li>").text(&moment(event, "/at")).raw(" <strong>").text(text(event, "/type")).raw("</strong> <code>");
        page.text(&event.get("data").map(ToString::to_string).unwrap_or_default()).raw("</code>");
        if let Some(inner) = event.get("inner").filter(|inner| !inner.is_null()) {
            let lines: Vec<String> = match inner {
                Value::Array(exchanges) => exchanges.iter().map(ToString::to_string).collect(),
                other => vec![other.to_string()],
            };
            page.raw("<details><summary>").word(Word::Inner).raw("</summary><pre>").text(&lines.join("\n")).raw("</pre></details>");
        }
        page.raw("</li>");
    }
    page.raw("</ol>");
}

fn entries(page: &mut Page, entries: &[Value]) {
    if entries.is_empty() {
        return;
    }
    let columns = [Word::At, Word::What, Word::Limit, Word::SubjectOf, Word::Reserved, Word::Confirmed, Word::Overrun];
    page.heading(Word::LimitEntries).table(Word::LimitEntries, &columns);
    for entry in entries {
        page.raw("<tr>").cell(&moment(entry, "/at")).cell(text(entry, "/step")).cell(text(entry, "/limit")).cell(text(entry, "/subject"));
        for path in ["/reserved", "/confirmed", "/overrun"] {
            page.number(&int(entry, path).unwrap_or_default().to_string());
        }
        page.raw("</tr>");
    }
    page.table_end();
}
