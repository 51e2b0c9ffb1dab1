//! `POST /q/{code}`: the order of one load of the page. Sent again, by a second tap, a reload or after a crash, it leads to the same order.

use super::page::{Fault, Form};
use super::{Viewer, offer_in, show};
use crate::domain::life::Life;
use crate::domain::typed;
use crate::flow::cashier::Arrival;
use crate::flow::store_page::{Door, Load, Offer, Typed};
use crate::flow::{Code, Refused};
use crate::http::App;
use crate::http::body;
use crate::http::errors::{Fail, Reply};
use crate::http::pages::back::{arrival, is_from_our_page, said_of, to_page};
use crate::http::pages::choose::choose_and_show;
use crate::store::{ClaimKey, Kind};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;

const NOTE_CHARS_MAX: usize = 30;

pub async fn order(State(app): State<App>, Path(code): Path<String>, request: Request) -> Reply {
    let (parts, sent) = request.into_parts();
    if !is_from_our_page(&parts.headers, &app.gateway.public_url) {
        return Err(Fail::new(Code::Forbidden, "this form belongs to our own page"));
    }
    let viewer = Viewer::of(&parts.headers, parts.uri.query());
    let bytes = body::read(&app, &parts.headers, sent).await?;
    let Some(door) = app.gateway.door(&code) else { return show(&app, viewer, None, StatusCode::NOT_FOUND, Form::default()) };
    let form = Form::read(&bytes);
    // Another store's, or made up: the payer looks at a fresh page and types again.
    let Some(load) = app.gateway.load(&door, &form.load) else { return again(&app, viewer, door, form.anew(Fault::Stale)) };
    let arrival = arrival(&app, &parts);
    let key = ClaimKey { merchant_id: door.merchant.merchant.id.clone(), kind: Kind::Order, number: load.number.clone() };
    let _turn = app.in_flight.turn(key, app.gateway.clock.as_ref()).await;
    let placed = match app.gateway.order_of_load(&door, &load).await? {
        Some(life) => Ok(life),
        None => place(&app, viewer, &door, &load, &form, &arrival).await?,
    };
    match placed {
        Ok(life) => go_on(&app, viewer, life, arrival).await,
        Err(fault) => again(&app, viewer, door, fault_of(form, fault)),
    }
}

/// `Ok(Err(…))`: what the payer can mend.
async fn place(app: &App, viewer: Viewer, door: &Door, load: &Load, form: &Form, arrival: &Arrival) -> Result<Result<Life, Fault>, Fail> {
    if !door.is_open() || !app.gateway.is_fresh(load) {
        return Ok(Err(Fault::Stale));
    }
    if !app.in_flight.may_order(arrival.client_ip.as_deref().unwrap_or_default(), &door.code) {
        return Ok(Err(Fault::Often));
    }
    let Some(offer) = offer_in(app, viewer.agent, door)? else { return Ok(Err(Fault::Unavailable)) };
    let typed = match typed_of(form, &offer) {
        Ok(typed) => typed,
        Err(fault) => return Ok(Err(fault)),
    };
    let (gateway, door, load, arrival) = (Arc::clone(&app.gateway), door.clone(), load.clone(), arrival.clone());
    let placed = app.run(async move { gateway.place_of_load(&door, &load, &typed, &arrival).await }).await;
    Ok(placed.map(|placed| placed.life).map_err(|refused| refused_of(&refused)))
}

fn typed_of(form: &Form, offer: &Offer) -> Result<Typed, Fault> {
    let amount = typed::amount(&form.amount).map_err(Fault::Amount)?;
    if amount < offer.amount_min {
        return Err(Fault::Below(offer.amount_min));
    }
    if amount > offer.amount_max {
        return Err(Fault::Above(offer.amount_max));
    }
    let note = form.note.trim();
    if note.chars().count() > NOTE_CHARS_MAX || note.chars().any(char::is_control) {
        return Err(Fault::Note);
    }
    Ok(Typed { amount, note: (!note.is_empty()).then(|| note.to_owned()) })
}

/// Nothing is stored and nothing was charged.
fn refused_of(refused: &Refused) -> Fault {
    match said_of(refused) {
        "limit" => Fault::Limit,
        "busy" => Fault::Busy,
        _ => Fault::Unavailable,
    }
}

fn fault_of(form: Form, fault: Fault) -> Form {
    match fault {
        Fault::Stale => form.anew(Fault::Stale),
        fault => Form { fault: Some(fault), ..form },
    }
}

fn again(app: &App, viewer: Viewer, door: Door, form: Form) -> Reply {
    show(app, viewer, Some(door), StatusCode::UNPROCESSABLE_ENTITY, form)
}

/// In an app that pays in one way the payer need not choose it.
async fn go_on(app: &App, viewer: Viewer, life: Life, arrival: Arrival) -> Result<Response, Fail> {
    let first = match viewer.agent.is_an_app() && life.attempts.is_empty() {
        true => app.gateway.ways(&life, viewer.agent.ways(), &arrival)?.first().copied(),
        false => None,
    };
    match first {
        Some(method) => choose_and_show(app, viewer, life, method, arrival).await,
        None => to_page(app, &app.gateway.page_token(&life.order.id), viewer.lang, ""),
    }
}
