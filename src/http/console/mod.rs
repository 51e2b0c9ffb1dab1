//! The operators' console: a face on the calls of `/ops/v1`, rendered here whole, nothing from any other host and no script at all.
//!
//! [`gate`] lets in; what a page shows and what a form does is what the call does whose path it shares, by the same function. A page hides
//! what the call would refuse, and refuses nothing itself.
//!
//! **Invariant by absence:** no page asks the store itself, and no form changes an order, a limit or an account but through its call. There
//! is no "set paid".

mod accounts;
mod acts;
mod gate;
mod limits;
mod me;
mod notifications;
mod order;
mod orders;
mod page;
mod reconcile;
mod sign_in;
mod system;
mod today;
mod visit;
mod words;

pub use gate::call_of;

use super::App;
use super::errors;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any, get, post};
use std::sync::Arc;

/// Every page and every form.
pub(super) fn routes() -> Vec<(&'static str, MethodRouter<App>)> {
    vec![
        (gate::SIGN_IN, get(sign_in::page).post(sign_in::sign_in)),
        ("/console/sign-out", post(sign_in::sign_out)),
        (gate::ME, get(me::page)),
        ("/console/me/password", post(me::password)),
        ("/console/me/sessions/{id}/revoke", post(me::revoke)),
        ("/console", get(today::today)),
        ("/console/orders", get(orders::orders)),
        ("/console/orders/{id}", get(order::order)),
        ("/console/orders/{id}/sync", post(acts::sync)),
        ("/console/orders/{id}/close", post(acts::close)),
        ("/console/orders/{id}/reverse", post(acts::reverse)),
        ("/console/cases", get(orders::cases)),
        ("/console/accounts", get(accounts::accounts)),
        ("/console/accounts/{id}/{act}", post(acts::switch)),
        ("/console/accounts/{id}/weight", post(acts::weigh)),
        ("/console/limits", get(limits::limits)),
        ("/console/notifications", get(notifications::notifications)),
        ("/console/notifications/{event_id}/replay", post(acts::replay)),
        ("/console/discrepancies", get(reconcile::discrepancies)),
        ("/console/discrepancies/{id}/settle", post(acts::settle)),
        ("/console/audit", get(system::audit)),
        ("/console/sessions", get(system::sessions)),
        ("/console/sessions/{id}/revoke", post(acts::revoke)),
        (gate::NOWHERE, any(errors::not_found)),
    ]
}

pub fn router(app: &App) -> Router<App> {
    let all = routes().into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods));
    all.method_not_allowed_fallback(errors::method_not_allowed).layer(from_fn_with_state(Arc::clone(app), gate::gate))
}
