//! One's own sign-in: the password, and the sessions that are open under the name.

use super::gate::ME;
use super::page::{Page, back_to, moment, text};
use super::visit::{Form, Visit};
use super::words::Word;
use crate::flow::Refused;
use crate::http::App;
use crate::http::errors::Reply;
use crate::http::identity::operator;
use crate::http::ops::change::line;
use crate::http::ops::{operators, sessions};
use axum::extract::{Path, State};
use serde_json::{Value, json};

pub async fn page(State(app): State<App>, visit: Visit) -> Reply {
    let mut page = Page::of(&visit, Word::Me);
    if visit.password_once {
        page.raw("<p class=\"say\">").word(Word::MustChange).raw("</p>");
    }
    page.heading(Word::ChangePassword).raw("<form class=\"sign\" method=\"post\" action=\"/console/me/password\">");
    page.field("old", Word::OldPassword, "type=\"password\" required autocomplete=\"current-password\"");
    page.field("new", Word::NewPassword, "type=\"password\" required minlength=\"12\" autocomplete=\"new-password\"");
    page.button(Word::ChangePassword).heading(Word::YourSessions);
    let living = sessions::living(&app.gateway).await?;
    let own = living.iter().filter(|session| text(session, "/operator") == visit.who.name);
    table(&mut page, &visit, own, "/console/me/sessions");
    Ok(page.end())
}

/// Sessions, each with a button that ends it.
pub fn table<'a>(page: &mut Page, visit: &Visit, living: impl Iterator<Item = &'a Value>, path: &str) {
    page.table(Word::Sessions, &[Word::Operator, Word::Address, Word::Browser, Word::SignedInAt, Word::SeenAt, Word::Acts]);
    for session in living {
        let id = text(session, "/id");
        page.raw("<tr>").cell(text(session, "/operator")).cell(text(session, "/address")).cell(text(session, "/agent"));
        page.cell(&moment(session, "/created_at")).cell(&moment(session, "/seen_at")).raw("<td>");
        if id == visit.session {
            page.word(Word::ThisSession);
        } else {
            page.raw("<form class=\"act\" method=\"post\" action=\"").text(&format!("{path}/{id}/revoke")).raw("\">").button(Word::Revoke);
        }
        page.raw("</td></tr>");
    }
    page.table_end();
}

pub async fn revoke(State(app): State<App>, visit: Visit, Path(id): Path<String>) -> Reply {
    let own = sessions::living(&app.gateway).await?.iter().any(|s| text(s, "/id") == id && text(s, "/operator") == visit.who.name);
    if own {
        sessions::revoke(&app.gateway, &visit.who, &id).await?;
    }
    Ok(back_to(ME, "done"))
}

pub async fn password(State(app): State<App>, visit: Visit, given: Form) -> Reply {
    let name = &visit.who.name;
    // Whoever holds a session must not be free to guess the password behind it.
    if let Err(seconds) = app.guesses.take(name, visit.door.address, app.gateway.now()) {
        let refused = Refused::new(crate::flow::Code::RateLimited, "too many tries; wait a while");
        return Err(crate::http::errors::Fail { refused, retry_after_s: Some(seconds) });
    }
    let known = operator::find(&app.gateway, name).await?.ok_or_else(|| Refused::inner("an operator who is gone"))?;
    if !known.is_password(given.get("old")).await? {
        return Ok(back_to(ME, "wrong"));
    }
    app.guesses.was_right(name, visit.door.address);
    if given.get("new") == given.get("old") {
        return Err(Refused::field("new", "must be another password").into());
    }
    let person = known.with_password(&app.gateway, given.get("new")).await?;
    person.store(&app.gateway, line(&app.gateway, &visit.who, "password.change", name, json!({}))).await?;
    operators::put_out(&app.gateway, &visit.who, name, Some(&visit.session)).await?;
    Ok(back_to(ME, "password"))
}
