//! `POST /pay/{token}`: the payer chooses a method, or says that he has paid. Answered by a redirect to the page, which shows what came of
//! it, or to a channel's page that must know him first; so nothing is sent again by going back or reloading.

use super::back::{arrival, detoured, is_from_our_page, said_of, to_page};
use super::{Viewer, ask_once, known_order_of, value_of, wait_for};
use crate::domain::OrderStatus;
use crate::domain::life::Life;
use crate::flow::Code;
use crate::flow::cashier::{Arrival, is_for_pages};
use crate::http::App;
use crate::http::body;
use crate::http::errors::{Fail, Reply};
use axum::extract::{Path, Request, State};
use axum::response::Response;
use sluice_contract::Method;
use std::sync::{Arc, Mutex, PoisonError};

pub async fn choose(State(app): State<App>, Path(token): Path<String>, request: Request) -> Reply {
    let (parts, sent) = request.into_parts();
    if !is_from_our_page(&parts.headers, &app.gateway.public_url) {
        return Err(Fail::new(Code::Forbidden, "this form belongs to our own page"));
    }
    let life = known_order_of(&app.gateway, &token).await?;
    let viewer = Viewer::of(&parts.headers, parts.uri.query());
    let bytes = body::read(&app, &parts.headers, sent).await?;
    let form = std::str::from_utf8(&bytes).ok();
    match value_of(form, "method").and_then(Method::from_word).filter(|method| is_for_pages(*method)) {
        Some(method) => choose_and_show(&app, viewer, life, method, arrival(&app, &parts)).await,
        None if value_of(form, "paid").is_some() && life.order.status() == OrderStatus::Pending => {
            ask_once(&app, life).await;
            to_page(&app, &token, viewer.lang, "confirm")
        }
        None => to_page(&app, &token, viewer.lang, ""),
    }
}

/// Makes a choice, or sends the payer to where he is known first.
pub(super) async fn choose_and_show(app: &App, viewer: Viewer, life: Life, method: Method, arrival: Arrival) -> Result<Response, Fail> {
    let token = app.gateway.page_token(&life.order.id);
    match app.gateway.detour(&life, method, &arrival) {
        Ok(Some(detour)) => return detoured(app, &detour),
        Ok(None) => {}
        Err(refused) => return to_page(app, &token, viewer.lang, said_of(&refused)),
    }
    let (gateway, said) = (Arc::clone(&app.gateway), Arc::new(Mutex::new("")));
    let says = Arc::clone(&said);
    wait_for(app, async move {
        let chosen = gateway.choose(life, method, &arrival).await;
        *says.lock().unwrap_or_else(PoisonError::into_inner) = chosen.err().map_or("", |refused| said_of(&refused));
    })
    .await;
    let told = *said.lock().unwrap_or_else(PoisonError::into_inner);
    to_page(app, &token, viewer.lang, told)
}
