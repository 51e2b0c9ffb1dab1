//! `GET /pay/{token}`: the order's page.

use super::agent::Agent;
use super::render::{self, Page, Said};
use super::screen::{self, Screen};
use super::words::Word;
use super::{Viewer, guarded, order_of, value_of};
use crate::flow::cashier::Arrival;
use crate::http::App;
use crate::http::errors::Reply;
use crate::http::lang::Lang;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Html, IntoResponse};
use sluice_contract::{Action, Method};

pub async fn pay(State(app): State<App>, Path(token): Path<String>, uri: Uri, headers: HeaderMap) -> Reply {
    let viewer = Viewer::of(&headers, uri.query());
    let nonce = hex::encode(app.gateway.random::<16>());
    let Some(life) = order_of(&app.gateway, &token).await? else {
        let page = (StatusCode::NOT_FOUND, Html(render::bad_link(viewer.lang, &nonce))).into_response();
        return Ok(guarded(page, &policy(&nonce, true)));
    };
    let now = app.gateway.now();
    let asked = |name: &str| value_of(uri.query(), name);
    let is = |name: &str| asked(name) == Some("1");
    let now_shown = Screen::of(&life, now);
    let acts = matches!(now_shown, Screen::Act { .. });
    let screen = match &now_shown {
        Screen::Act { .. } if is("choose") && life.order.method.is_none() => Screen::Choose { failed: None },
        _ => now_shown,
    };
    let choosing = matches!(screen, Screen::Choose { .. });
    let ways = |among: &[Method]| match choosing {
        true => app.gateway.ways(&life, among, &Arrival::default()),
        false => Ok(Vec::new()),
    };
    let page = Page {
        ways: ways(viewer.agent.ways())?,
        other_ways: ways(viewer.agent.other_ways())?,
        payee: payee(&app, &life.order.merchant_id),
        key: screen::key(&life, now),
        link: format!("{}/pay/{token}", app.gateway.public_url),
        confirming: acts && !choosing && is("confirm"),
        said: asked("said").and_then(Said::from_word),
        in_wrong_app: in_wrong_app(&screen, viewer.agent),
        nothing: if viewer.agent.shows_codes() { Word::NothingHere } else { Word::WrongApp },
        phone: app.phone.as_deref().filter(|_| !life.order.livemode),
        life: &life,
        token: &token,
        lang: viewer.lang,
        nonce: &nonce,
        screen,
    };
    Ok(guarded(Html(page.render()).into_response(), &policy(&nonce, life.order.livemode)))
}

/// Forms go to ourselves and to channels' pages; pretend channels have no TLS.
pub fn policy(nonce: &str, livemode: bool) -> String {
    let channels = if livemode { "https:" } else { "https: http:" };
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self' {channels}; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// Who is paid, by his registered name.
fn payee(app: &App, merchant_id: &str) -> String {
    app.gateway.directory.load().merchant(merchant_id).map(|known| known.merchant.name.clone()).unwrap_or_default()
}

/// A code that nobody could scan from this screen.
fn in_wrong_app(screen: &Screen<'_>, agent: Agent) -> bool {
    matches!(screen, Screen::Act { action: Action::QrCode { .. }, .. }) && !agent.shows_codes()
}

/// The other language, for the switch.
pub const fn other(lang: Lang) -> (Lang, &'static str) {
    match lang {
        Lang::Zh => (Lang::En, "English"),
        Lang::En => (Lang::Zh, "中文"),
    }
}
