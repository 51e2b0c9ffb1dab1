//! Whose server does not answer? The parked ones first: nobody sends them any more unless a person does.

use super::order::notices;
use super::page::{Page, rows, text};
use super::visit::Visit;
use super::words::Word;
use crate::http::App;
use crate::http::errors::Reply;
use crate::http::ops::notifications::{PARAMS, listed};
use axum::extract::State;

pub async fn notifications(State(app): State<App>, visit: Visit) -> Reply {
    let found = listed(&app.gateway, visit.door.params(PARAMS)).await?;
    let mut page = Page::of(&visit, Word::Notifications);
    let chosen = visit.door.asked("status").filter(|status| !status.is_empty()).unwrap_or_else(|| "parked".to_owned());
    page.raw("<form class=\"find\" action=\"/console/notifications\"><label>").word(Word::Status).raw(" <select name=\"status\">");
    for status in ["parked", "waiting", "delivered", "kept"] {
        page.raw("<option value=\"").raw(status).raw(if chosen == status { "\" selected>" } else { "\">" }).state(status).raw("</option>");
    }
    page.raw("</select></label><label>").word(Word::Merchant).raw(" <input name=\"merchant\" autocomplete=\"off\" value=\"");
    page.text(&visit.door.asked("merchant").unwrap_or_default()).raw("\"></label>").button(Word::Filter);
    notices(&mut page, &visit, &app, found.get("data").map(rows).unwrap_or_default());
    page.next(&visit.door, "/console/notifications", PARAMS, text(&found, "/next_cursor"));
    Ok(page.end())
}
