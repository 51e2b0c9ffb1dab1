//! Is money coming in as it should, and what needs a person now?

use super::orders::search_box;
use super::page::{Page, int, rows, text, yuan};
use super::visit::Visit;
use super::words::Word;
use crate::http::App;
use crate::http::errors::Reply;
use crate::http::ops::desk;
use axum::extract::State;
use serde_json::Value;

/// What waits, and where it is seen.
const WAITING: &[(&str, Word, &str)] = &[
    ("/waiting/suspended", Word::Suspended, "/console/cases"),
    ("/waiting/overdue", Word::Overdue, "/console/orders?status=pending"),
    ("/waiting/parked", Word::Parked, "/console/notifications"),
    ("/waiting/discrepancies", Word::Discrepancies, "/console/discrepancies?status=open"),
    ("/waiting/limits", Word::NearLimits, "/console/limits"),
    ("/waiting/accounts", Word::Unwell, "/console/accounts"),
];

pub async fn today(State(app): State<App>, visit: Visit) -> Reply {
    let desk = desk::read(&app.gateway).await?;
    let mut page = Page::of(&visit, Word::Today);
    search_box(&mut page, "");
    page.button(Word::Search).heading(Word::WhatWaits).raw("<ul class=\"cards\">");
    let many = int(&desk, "/counted_to").unwrap_or(i64::MAX);
    for (path, word, to) in WAITING {
        let count = int(&desk, path).unwrap_or_default();
        page.raw("<li><a href=\"").raw(to).raw(if count > 0 { "\" class=\"hot\"><strong>" } else { "\"><strong>" });
        page.text(&count.to_string()).raw(if count >= many { "+</strong>" } else { "</strong>" }).word(*word).raw("</a></li>");
    }
    page.raw("</ul>").heading(Word::TakenToday).raw("<ul class=\"cards\">");
    card(&mut page, Word::TakenToday, &yuan(&desk, "/today/paid_amount"));
    card(&mut page, Word::PaidToday, &count(&desk, "/today/paid"));
    card(&mut page, Word::OrdersToday, &count(&desk, "/today/orders"));
    page.raw("</ul>").note(Word::OfOrdersMadeToday);
    if desk.pointer("/today/whole").is_some_and(|whole| *whole == false) {
        page.note(Word::NotWhole);
    }
    let columns = [Word::Account, Word::Channel, Word::State, Word::Health, Word::OrdersToday, Word::PaidToday, Word::TakenToday];
    page.heading(Word::Accounts).table(Word::Accounts, &columns);
    for account in desk.get("accounts").map(rows).unwrap_or_default() {
        page.raw("<tr>").cell(text(account, "/id")).cell(text(account, "/channel")).state_cell(text(account, "/state"));
        page.state_cell(text(account, "/health")).number(&count(account, "/orders")).number(&count(account, "/paid"));
        page.number(&yuan(account, "/paid_amount")).raw("</tr>");
    }
    page.table_end();
    Ok(page.end())
}

fn card(page: &mut Page, word: Word, text: &str) {
    page.raw("<li><div><strong>").text(text).raw("</strong>").word(word).raw("</div></li>");
}

fn count(of: &Value, path: &str) -> String {
    int(of, path).unwrap_or_default().to_string()
}
