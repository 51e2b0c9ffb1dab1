//! The door: name, password and code in one form, so that no answer tells which of them was wrong; and the way out.

use super::gate::SIGN_IN;
use super::page::{Page, back_to};
use super::visit::{Door, Form, Visit, set_session};
use super::words::Word;
use crate::config::Role;
use crate::http::App;
use crate::http::errors::Reply;
use crate::http::identity::operator::{Tried, sign_in as try_in};
use crate::http::identity::{Person, Session, session};
use crate::http::ops::change::{line, note};
use crate::http::ops::gate::Who;
use axum::extract::State;
use axum::http::header::{RETRY_AFTER, SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;
use sluice_contract::Millis;

const AGENT_CHARS_MAX: usize = 200;

pub async fn page(door: Door) -> Response {
    form(&door, None)
}

fn form(door: &Door, wrong: Option<&str>) -> Response {
    let mut page = Page::outside(door, Word::SignIn);
    if let Some(wrong) = wrong {
        page.raw("<p class=\"say\" role=\"alert\">").text(wrong).raw("</p>");
    }
    page.raw("<form class=\"sign\" method=\"post\" action=\"").raw(SIGN_IN).raw("\"><input type=\"hidden\" name=\"next\" value=\"");
    page.text(&door.asked("next").unwrap_or_default()).raw("\">");
    page.field("name", Word::Name, "required autofocus maxlength=\"64\" autocomplete=\"username\" autocapitalize=\"none\"");
    page.field("password", Word::Password, "type=\"password\" required autocomplete=\"current-password\"");
    page.field("code", Word::Code, "inputmode=\"numeric\" maxlength=\"9\" autocomplete=\"one-time-code\" aria-describedby=\"code-hint\"");
    page.raw("<span class=\"note\" id=\"code-hint\">").word(Word::CodeHint).raw("</span>");
    page.button(Word::SignIn);
    page.end()
}

pub async fn sign_in(State(app): State<App>, door: Door, headers: HeaderMap, given: Form) -> Reply {
    let tried = try_in(&app.gateway, &app.guesses, ["name", "password", "code"].map(|field| given.get(field)), door.address).await?;
    match tried {
        Tried::In(person) => let_in(&app, &door, &headers, &person, given.get("next")).await,
        Tried::Out(known) => {
            // What was typed as a name may be a password: it is written down only where it is a name.
            let who = known.map_or(Who { name: String::new(), role: Role::Viewer }, |person| Who { name: person.name, role: person.role });
            let address = door.address.map(|ip| ip.to_string());
            note(&app, &who, "sign_in.failed", address.as_deref().unwrap_or_default(), json!({"known": !who.name.is_empty()})).await?;
            Ok((StatusCode::FORBIDDEN, form(&door, Some(Word::WrongSignIn.of(door.lang)))).into_response())
        }
        Tried::TooOften(seconds) => {
            let text = format!("{}{}", Word::TooManyTries.of(door.lang), seconds.div_ceil(60));
            Ok((StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds.to_string())], form(&door, Some(&text))).into_response())
        }
    }
}

async fn let_in(app: &App, door: &Door, headers: &HeaderMap, person: &Person, next: &str) -> Reply {
    let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let address = door.address.map(|ip| ip.to_string()).unwrap_or_default();
    let new = Session {
        id: String::new(),
        operator: person.name.clone(),
        address: address.clone(),
        agent: agent.chars().take(AGENT_CHARS_MAX).collect(),
        created_at: app.gateway.now(),
        seen_at: Millis(0),
    };
    let who = Who { name: person.name.clone(), role: person.role };
    let audit = line(&app.gateway, &who, "sign_in", &person.name, json!({"address": address, "second_factor": person.has_codes()}));
    let token = session::open(&app.gateway, new, door.token.as_deref(), audit).await?;
    let to = if is_ours(next) { next } else { "/console" };
    Ok(([(SET_COOKIE, set_session(app, Some(&token)))], Redirect::to(to)).into_response())
}

/// Only a page of the console, and nothing that a browser could read as another host's address.
fn is_ours(next: &str) -> bool {
    let path = next.split('?').next().unwrap_or_default();
    let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_.-".contains(&b)) && !path.contains("//") && !path.contains("..");
    plain && (path == "/console" || path.starts_with("/console/")) && next.bytes().all(|b| b.is_ascii_graphic()) && path != SIGN_IN
}

pub async fn sign_out(State(app): State<App>, visit: Visit) -> Reply {
    let audit = line(&app.gateway, &visit.who, "sign_out", &visit.who.name, json!({}));
    session::end(&app.gateway, std::slice::from_ref(&visit.session), audit).await?;
    Ok(([(SET_COOKIE, set_session(&app, None))], back_to(SIGN_IN, "out")).into_response())
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn nobody_is_sent_to_another_site() {
        for ours in ["/console", "/console/orders?q=12.80+14%3A30", "/console/orders/P0"] {
            assert!(is_ours(ours), "{ours}");
        }
        let theirs = [
            "",
            "//evil.example",
            "/console//evil",
            "/console/..//evil",
            "https://evil.example/console",
            "/consoles",
            "/\\evil",
            "/console\\x",
        ];
        for next in theirs.into_iter().chain(["/console/\t/evil", "/console/sign-in", "/pay/x", "/console/../pay"]) {
            assert!(!is_ours(next), "{next}");
        }
    }
}
