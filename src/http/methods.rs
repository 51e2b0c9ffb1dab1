//! `GET /v1/methods`: what this merchant can use now, and what each method asks for.

use super::App;
use super::errors::Reply;
use super::orders::ok;
use super::schema;
use super::signed::Caller;
use crate::domain::choice::CASHIER;
use crate::domain::route::{Need, Places, filter};
use crate::flow::cashier::is_for_pages;
use crate::flow::{Account, MerchantEntry};
use axum::extract::State;
use serde_json::{Value, json};
use sluice_contract::{Method, MethodProfile, Millis};
use std::sync::Arc;

/// What this merchant can use now
#[utoipa::path(
    get, path = "/v1/methods", operation_id = "listMethods", tag = "merchant",
    responses((status = 200, description = "Each method with the fields it requires", body = schema::MethodList))
)]
pub async fn list_methods(State(app): State<App>, caller: Caller) -> Reply {
    let directory = app.gateway.directory.load_full();
    let now = app.gateway.now();
    let mut data: Vec<Value> = Vec::new();
    let (mut barcode, mut cashier) = (false, false);
    for method in Method::ALL {
        let serving: Vec<_> = directory.accounts.iter().filter_map(|a| Some((a, serves(a, &caller.merchant, *method, now)?))).collect();
        if !serving.is_empty() {
            barcode |= method.is_barcode();
            cashier |= is_for_pages(*method);
            data.push(shown(*method, &serving));
        }
    }
    if barcode {
        data.push(json!({"method": "auto_barcode", "required": ["auth_code"], "required_one_of": [], "accounts": []}));
    }
    if cashier {
        data.push(json!({"method": CASHIER, "required": [], "required_one_of": [], "accounts": []}));
    }
    Ok(ok(&json!({"data": data})))
}

/// What the account could do for the merchant now: asked of the router itself, with an amount the account takes.
fn serves<'a>(account: &'a Account, merchant: &MerchantEntry, method: Method, now: Millis) -> Option<&'a MethodProfile> {
    let view = account.view();
    let need = Need { method, amount: view.amount_min, app_id: None, pinned: None, bindings: &merchant.bindings, now };
    let view = [view];
    let kept = filter::consider(&need, &Places::of(&view), &view).iter().all(|line| line.dropped.is_none());
    account.channel.profile().method(method).filter(|_| kept)
}

fn shown(method: Method, serving: &[(&Arc<Account>, &MethodProfile)]) -> Value {
    let first = serving.first().map(|(_, profile)| profile.required).unwrap_or_default();
    // Certain to be asked for, whichever account is chosen.
    let required: Vec<&str> = first.iter().copied().filter(|f| serving.iter().all(|(_, p)| p.required.contains(f))).collect();
    let accounts: Vec<Value> = serving.iter().map(|(account, profile)| of_account(account, profile)).collect();
    json!({
        "method": method, "required": required,
        "required_one_of": serving.first().map(|(_, p)| p.required_one_of).unwrap_or_default(), "accounts": accounts,
    })
}

fn of_account(account: &Account, profile: &MethodProfile) -> Value {
    let limits = account.channel.profile();
    json!({
        "account": account.id, "channel": limits.channel, "required": profile.required, "required_one_of": profile.required_one_of,
        "amount_min": limits.amount_min, "amount_max": limits.amount_max,
        "expires_in_min": profile.expires_in_min_s, "expires_in_max": profile.expires_in_max_s,
    })
}
