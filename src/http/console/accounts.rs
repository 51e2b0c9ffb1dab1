//! Which account can take money now, and why not?

use super::page::{Page, int, moment, rows, text};
use super::visit::Visit;
use super::words::Word;
use crate::domain::route::told::percent;
use crate::http::App;
use crate::http::errors::Reply;
use crate::http::ops::accounts::all;
use axum::extract::State;
use serde_json::Value;

const SWITCHES: &[(&str, Word, &str)] =
    &[("enable", Word::Enable, "enabled"), ("drain", Word::Drain, "draining"), ("disable", Word::Disable, "disabled")];

pub async fn accounts(State(app): State<App>, visit: Visit) -> Reply {
    let mut page = Page::of(&visit, Word::Accounts);
    let columns =
        [Word::Account, Word::Channel, Word::State, Word::Health, Word::Answers, Word::AnswerTime, Word::Success, Word::Weight, Word::Acts];
    page.table(Word::Accounts, &columns);
    for account in all(&app.gateway) {
        row(&mut page, &visit, &app, &account);
    }
    page.table_end();
    Ok(page.end())
}

fn row(page: &mut Page, visit: &Visit, app: &App, account: &Value) {
    page.raw("<tr>").cell(text(account, "/id")).cell(text(account, "/channel")).raw("<td>");
    page.raw("<span class=\"tag ").text(text(account, "/state")).raw("\">").state(text(account, "/state")).raw("</span>");
    let is = |path: &str, flag: bool| account.pointer(path).is_some_and(|told| *told == flag);
    for (shown, word) in [(is("/opening/is_open", false), Word::Shut), (is("/opening/is_paused", true), Word::Maintenance)] {
        if shown {
            page.raw("<br>").word(word);
        }
    }
    page.raw("</td><td><span class=\"tag ").text(text(account, "/health/state")).raw("\">").state(text(account, "/health/state"));
    page.raw("</span>");
    let until = moment(account, "/health/open_until");
    if !until.is_empty() {
        page.raw("<br>").word(Word::PassedOverUntil).raw(" ").text(&until);
    }
    let count = |path: &str| int(account, path).unwrap_or_default();
    page.raw("</td>").number(&format!("{} / {}", count("/health/answered"), count("/health/faults")));
    page.number(&int(account, "/health/answer_ms").map(|ms| format!("{ms} ms")).unwrap_or_default()).raw("<td>");
    for success in account.get("success").map(rows).unwrap_or_default() {
        let part = |path: &str| int(success, path).and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
        let share = format!("{} ({})", percent(part("/chance_ppm"), 1_000_000), part("/seen"));
        page.text(text(success, "/method")).raw(" ").text(&share).raw("<br>");
    }
    page.raw("</td>").number(&int(account, "/weight").map(|weight| weight.to_string()).unwrap_or_default()).raw("<td>");
    acts(page, visit, app, account);
    page.raw("</td></tr>");
}

fn acts(page: &mut Page, visit: &Visit, app: &App, account: &Value) {
    let (id, number) = (text(account, "/id"), || hex::encode(app.gateway.random::<16>()));
    if visit.may("POST", "/ops/v1/accounts/{id}/{act}") {
        for (act, word, _) in SWITCHES.iter().filter(|(_, _, state)| *state != text(account, "/state")) {
            page.form(&format!("/console/accounts/{id}/{act}"), &number()).button(*word);
        }
    }
    if visit.may("POST", "/ops/v1/accounts/{id}/weight") {
        page.raw("<details><summary>").word(Word::SetWeight).raw("</summary>");
        page.form(&format!("/console/accounts/{id}/weight"), &number());
        page.field("weight", Word::WeightHint, "inputmode=\"numeric\" maxlength=\"4\" size=\"6\" autocomplete=\"off\"").reason();
        page.button(Word::SetWeight).raw("</details>");
    }
}
