//! A store's own page. `GET /q/{code}` asks for the amount, `POST` makes the order of that load of the page and goes on to its page;
//! `GET …/sheet.svg` is the code to be printed.

mod order;
mod page;
mod sheet;

pub use order::order;
pub use sheet::sheet;

use super::agent::Agent;
use super::pay::policy;
use super::{Viewer, guarded};
use crate::flow::store_page::{Door, Offer};
use crate::http::App;
use crate::http::errors::{Fail, Reply};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use page::{Form, Page, Shown};

/// The apps that a payer can be told to use.
const APPS: [Agent; 3] = [Agent::Wechat, Agent::Alipay, Agent::Unionpay];

pub async fn look(State(app): State<App>, Path(code): Path<String>, uri: Uri, headers: HeaderMap) -> Reply {
    let viewer = Viewer::of(&headers, uri.query());
    show(&app, viewer, app.gateway.door(&code), StatusCode::OK, Form::default())
}

/// The page as it now stands, with what was typed before.
fn show(app: &App, viewer: Viewer, door: Option<Door>, status: StatusCode, form: Form) -> Reply {
    let Some(door) = door else { return Ok(answer(app, viewer, None, Shown::Unknown, StatusCode::NOT_FOUND)) };
    if !door.is_open() {
        return Ok(answer(app, viewer, Some(&door), Shown::Paused, StatusCode::OK));
    }
    let Some(offer) = offer_in(app, viewer.agent, &door)? else {
        let mut apps = Vec::new();
        for agent in APPS {
            apps.extend(offer_in(app, agent, &door)?.map(|_| agent));
        }
        return Ok(answer(app, viewer, Some(&door), Shown::WrongApp(apps), StatusCode::OK));
    };
    let load = if form.load.is_empty() { app.gateway.new_load(&door) } else { form.load.clone() };
    Ok(answer(app, viewer, Some(&door), Shown::Amount { form: Form { load, ..form }, offer }, status))
}

/// What works in this app, and where nothing of it is offered, on this screen.
fn offer_in(app: &App, agent: Agent, door: &Door) -> Result<Option<Offer>, Fail> {
    let own = app.gateway.offer(door, agent.ways())?;
    if own.is_some() { Ok(own) } else { Ok(app.gateway.offer(door, agent.other_ways())?) }
}

fn answer(app: &App, viewer: Viewer, door: Option<&Door>, shown: Shown, status: StatusCode) -> Response {
    let nonce = hex::encode(app.gateway.random::<16>());
    let livemode = app.gateway.directory.load().accounts.iter().any(|account| !account.sandbox);
    let link = door.map(|door| app.gateway.door_url(&door.code)).unwrap_or_default();
    let page = Page { viewer, nonce: &nonce, door, link, shown, livemode, phone: app.phone.as_deref().filter(|_| !livemode) };
    guarded((status, Html(page.render())).into_response(), &policy(&nonce, livemode))
}
