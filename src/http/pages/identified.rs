//! `GET /identified/{account}/{method}`: where a channel sends a payer back after silent authorisation. Answered by a redirect to the order's
//! page without the code, whatever came of it: there he pays, or chooses another way.

use super::back::{arrival, detoured, kept_states, said_of, to_page};
use super::pay::policy;
use super::{Viewer, guarded, render, value_of, wait_for};
use crate::flow::identify::Met;
use crate::http::App;
use crate::http::errors::Reply;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse};
use std::sync::{Arc, Mutex, PoisonError};

/// The page's word for a payer whom nobody knows.
const NOBODY: &str = "unidentified";

pub async fn identified(State(app): State<App>, Path((account, method)): Path<(String, String)>, request: Request) -> Reply {
    let (parts, _) = request.into_parts();
    let (viewer, query) = (Viewer::of(&parts.headers, None), parts.uri.query().unwrap_or_default().to_owned());
    let state = value_of(Some(&query), "state").unwrap_or_default();
    let read = |state: &str| app.gateway.returning(&account, &method, state);
    let (told, is_his) = (read(state), kept_states(&parts.headers).any(|kept| kept == state));
    // A state that was lost on the way: his browser knows whose page it was.
    let lost = told.is_none();
    let back = told.or_else(|| kept_states(&parts.headers).find_map(read));
    let life = match &back {
        Some(back) => app.gateway.life(&back.order_id).await?,
        None => None,
    };
    let Some((back, life)) = back.zip(life) else {
        let nonce = hex::encode(app.gateway.random::<16>());
        let page = (StatusCode::NOT_FOUND, Html(render::bad_link(viewer.lang, &nonce))).into_response();
        return Ok(guarded(page, &policy(&nonce, true)));
    };
    let token = app.gateway.page_token(&back.order_id);
    if lost || !is_his {
        return to_page(&app, &token, viewer.lang, NOBODY);
    }
    let (gateway, met) = (Arc::clone(&app.gateway), Arc::new(Mutex::new(None)));
    let (tell, arrival) = (Arc::clone(&met), arrival(&app, &parts));
    wait_for(&app, async move {
        let came = gateway.meet(&back, life, &query, &arrival).await;
        *tell.lock().unwrap_or_else(PoisonError::into_inner) = Some(came);
    })
    .await;
    let met = met.lock().unwrap_or_else(PoisonError::into_inner).take();
    match met {
        Some(Ok(Met::Again(detour))) => detoured(&app, &detour),
        Some(Ok(Met::Unknown)) => to_page(&app, &token, viewer.lang, NOBODY),
        Some(Err(refused)) => to_page(&app, &token, viewer.lang, said_of(&refused)),
        // Not done yet: the page goes on asking.
        Some(Ok(Met::Chosen | Met::Before)) | None => to_page(&app, &token, viewer.lang, ""),
    }
}
