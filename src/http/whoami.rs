//! `GET /v1/whoami`: the first call of every integration. It proves the signature and tells the clock's difference.

use super::App;
use super::errors::Reply;
use super::orders::ok;
use super::schema;
use super::signed::Caller;
use axum::extract::State;
use serde_json::json;
use sluice_contract::Second;

/// Who the key belongs to
#[utoipa::path(
    get, path = "/v1/whoami", operation_id = "whoami", tag = "merchant",
    responses((status = 200, description = "The signature verified", body = schema::WhoAmI))
)]
pub async fn whoami(State(app): State<App>, caller: Caller) -> Reply {
    let livemode = app.gateway.directory.load().livemode();
    let skew = Second(caller.signed_at).millis().since_ms(app.gateway.now());
    Ok(ok(&json!({"merchant": caller.merchant_id(), "key_id": caller.key_id, "livemode": livemode, "clock_skew_ms": skew})))
}
