//! The room with the listener: what merchants, channels, payers and operators send in, one endpoint per file.
//!
//! A request passes [`edge`] (id, measurement, panics), then, under `/v1`, [`signed`] (signature, nonce, signed answer) or, under
//! `/ops/v1`, [`ops`] (token, role). A handler reads its input, calls one use case of [`crate::flow`], and shows what came of it;
//! refusals travel as [`errors::Fail`] and get their body at the edge. [`serve`] owns the sockets, [`openapi`] describes it all.
//!
//! **Invariant by absence:** nothing here decides about money or status, and no handler speaks to a channel.

pub mod app;
pub mod body;
pub mod callbacks;
pub mod console;
pub mod docs;
pub mod edge;
pub mod errors;
pub mod health;
mod html;
pub mod identity;
pub mod in_flight;
mod lang;
pub mod methods;
pub mod openapi;
pub mod ops;
pub mod orders;
pub mod pages;
pub mod params;
pub mod refunds;
pub mod schema;
pub mod serve;
pub mod signature_help;
pub mod signed;
pub mod spool;
pub mod statements;
#[cfg(test)]
mod tests;
pub mod whoami;

pub use app::{App, AppParts, Limiter, OnPanic, Refresh, Reload, app};
pub use serve::{Deadlines, serve};

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Everything on one listener.
pub fn router(app: App) -> Router {
    finished(&app, public(&app).merge(operators(&app)).merge(health()))
}

/// What merchants, channels and payers reach, when operators have a listener of their own.
pub fn public_router(app: App) -> Router {
    finished(&app, public(&app).merge(health()))
}

/// What only operators reach.
pub fn ops_router(app: App) -> Router {
    finished(&app, operators(&app).merge(health()))
}

/// The document of `/openapi.json`.
#[must_use]
pub fn openapi_document() -> serde_json::Value {
    let (_, mut api) = merchant_api().split_for_parts();
    api.merge(ops::api().split_for_parts().1);
    openapi::document(&api)
}

fn finished(app: &App, router: Router<App>) -> Router {
    router
        .fallback(errors::not_found)
        .method_not_allowed_fallback(errors::method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(app), edge::edge))
        .with_state(Arc::clone(app))
}

fn public(app: &App) -> Router<App> {
    let document: Arc<str> = openapi_document().to_string().into();
    let (merchants, _) = merchant_api().split_for_parts();
    let merchants = merchants
        .route("/v1", any(errors::not_found))
        .route("/v1/", any(errors::not_found))
        .route("/v1/{*rest}", any(errors::not_found))
        .method_not_allowed_fallback(errors::method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(app), signed::signed));
    Router::new()
        .merge(merchants)
        .route("/notify/{account}", post(callbacks::callback).get(callbacks::callback))
        .route("/notify/{account}/refund", post(callbacks::callback).get(callbacks::callback))
        .route("/pay/{token}", get(pages::pay).post(pages::choose))
        .route("/pay/{token}/state", get(pages::state))
        .route("/q/{code}", get(pages::store::look).post(pages::store::order))
        .route("/q/{code}/sheet.svg", get(pages::store::sheet))
        .route("/identified/{account}/{method}", get(pages::identified))
        .route("/return/{token}", get(pages::returned).post(pages::returned))
        .merge(docs::routes(app))
        .route("/openapi.json", get(move || openapi::answer(Arc::clone(&document))))
}

fn merchant_api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(orders::create::create_order, orders::list::list_orders))
        .routes(routes!(orders::one::get_order))
        .routes(routes!(orders::act::sync_order))
        .routes(routes!(orders::act::close_order))
        .routes(routes!(orders::act::reverse_order))
        .routes(routes!(orders::act::renew_action))
        .routes(routes!(orders::events::list_events))
        .routes(routes!(refunds::create_refund, refunds::refunds_of_order))
        .routes(routes!(refunds::get_refund))
        .routes(routes!(refunds::find_refund))
        .routes(routes!(methods::list_methods))
        .routes(routes!(statements::get_statement))
        .routes(routes!(whoami::whoami))
}

fn operators(app: &App) -> Router<App> {
    let (operators, _) = ops::api().split_for_parts();
    let operators = operators
        .route(ops::NOWHERE, any(errors::not_found))
        .method_not_allowed_fallback(errors::method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(app), ops::gate::gate));
    operators.merge(console::router(app)).route("/metrics", get(health::metrics))
}

fn health() -> Router<App> {
    Router::new().route("/livez", get(health::livez)).route("/readyz", get(health::readyz))
}
