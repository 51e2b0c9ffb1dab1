//! The payer's pages. `GET /pay/{token}` is the order's page: the cashier where the payer chooses, else its code, in the end its receipt;
//! `POST` takes a choice; `GET …/state` tells a page that is shown whether another one is due. `GET|POST /return/{token}` is where channels
//! send browsers back: never proof, a query at most; `GET /identified/…` where they send back whom they have identified. [`store`] is a
//! store's own page, whose orders go on to theirs.
//!
//! Rendered here whole, plain URLs, nothing from any other host; all of it works without a script. What a page shows is our own state
//! ([`screen`]), whatever a bridge or a browser says.

mod agent;
mod back;
mod choose;
mod identified;
mod pay;
mod qr;
mod render;
mod returned;
mod screen;
mod state;
pub mod store;
mod words;

pub use choose::choose;
pub use identified::identified;
pub use pay::pay;
pub use returned::returned;
pub use state::state;

pub(super) use qr::Drawn;

use super::App;
use super::errors::Fail;
use super::lang::Lang;
use super::params::value_of;
use crate::domain::life::Life;
use crate::flow::{Code, Gateway};
use agent::Agent;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use std::sync::Arc;

/// How long a browser waits for a channel at most; what was begun goes on.
const WAIT_MS: i64 = 3_000;

/// Who looks at the page, as far as his request tells.
#[derive(Clone, Copy, Debug)]
struct Viewer {
    agent: Agent,
    lang: Lang,
}

impl Viewer {
    fn of(headers: &HeaderMap, query: Option<&str>) -> Viewer {
        Viewer { agent: Agent::of(headers), lang: Lang::of(headers, query) }
    }
}

async fn order_of(gateway: &Gateway, token: &str) -> Result<Option<Life>, Fail> {
    match gateway.order_of_page(token) {
        Some(id) => Ok(gateway.life(&id).await?),
        None => Ok(None),
    }
}

async fn known_order_of(gateway: &Gateway, token: &str) -> Result<Life, Fail> {
    order_of(gateway, token).await?.ok_or_else(|| Fail::new(Code::NotFound, "there is no such page"))
}

/// What every answer about an order's page carries.
fn guarded(mut response: Response, policy: &str) -> Response {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(policy) {
        headers.insert("content-security-policy", value);
    }
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    // WeChat's H5 page wants to know the site that sends the payer; the token stays with us.
    headers.insert("referrer-policy", HeaderValue::from_static("origin"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}

/// One query about the attempt that may have been paid, at most once in ten seconds per order. Its failure is nobody's here: the schedule
/// asks again.
async fn ask_once(app: &App, life: Life) {
    let Some(seq) = life.attempts.iter().rev().find(|a| a.status().is_open()).map(|a| a.seq) else { return };
    if !app.in_flight.may_ask_on_return(life.order.id.as_str()) {
        return;
    }
    let gateway = Arc::clone(&app.gateway);
    let work = async move {
        if let Err(refused) = gateway.query_attempt(&life, seq).await {
            tracing::info!(order = %life.order.id, why = refused.detail, "a payer's return could not ask the channel");
        }
    };
    wait_for(app, work).await;
}

/// Runs work to its end; the browser waits for a while at most.
async fn wait_for(app: &App, work: impl Future<Output = ()> + Send + 'static) {
    tokio::select! {
        () = app.run(tracing::Instrument::in_current_span(work)) => {}
        () = app.gateway.clock.sleep_ms(WAIT_MS) => {}
    }
}
