//! The operators' calls. [`gate`] decides who may call what; [`change`] is the one way to change something: records and their audit
//! line in one command, then a fresh directory.

pub mod accounts;
pub mod audit;
pub mod bindings;
pub mod blocks;
pub mod cases;
pub mod change;
pub mod desk;
pub mod discrepancies;
pub mod gate;
pub mod keys;
pub mod limits;
pub mod merchants;
pub mod notifications;
pub mod operators;
pub mod orders;
pub mod policies;
pub mod reload;
pub mod routes;
pub mod schema;
pub mod search;
pub mod sessions;
pub mod statements;
pub mod stores;
pub mod wanted;

use super::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Where paths lead that no call has.
pub const NOWHERE: &str = "/ops/v1/{*rest}";

/// Every call, with its description.
pub fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(merchants::list_merchants))
        .routes(routes!(merchants::put_merchant))
        .routes(routes!(keys::list_keys, keys::create_key))
        .routes(routes!(keys::revoke_key))
        .routes(routes!(keys::debug_key))
        .routes(routes!(bindings::list_bindings))
        .routes(routes!(bindings::put_binding))
        .routes(routes!(stores::list_stores))
        .routes(routes!(stores::put_store))
        .routes(routes!(stores::renew_code))
        .routes(routes!(accounts::list_accounts))
        .routes(routes!(accounts::switch_account))
        .routes(routes!(accounts::weigh_account))
        .routes(routes!(routes::dry_run))
        .routes(routes!(desk::desk))
        .routes(routes!(search::search_orders))
        .routes(routes!(orders::order_detail))
        .routes(routes!(orders::sync_order))
        .routes(routes!(orders::close_order))
        .routes(routes!(orders::reverse_order))
        .routes(routes!(cases::list_cases))
        .routes(routes!(policies::list_policies))
        .routes(routes!(notifications::list_notifications))
        .routes(routes!(notifications::replay_notification))
        .routes(routes!(limits::list_limits))
        .routes(routes!(limits::rebuild_limits))
        .routes(routes!(limits::put_limit))
        .routes(routes!(discrepancies::list_discrepancies))
        .routes(routes!(discrepancies::settle_discrepancy))
        .routes(routes!(statements::ops_statement))
        .routes(routes!(blocks::list_blocks, blocks::put_block))
        .routes(routes!(blocks::delete_block))
        .routes(routes!(operators::list_operators))
        .routes(routes!(operators::make_operator, operators::put_operator))
        .routes(routes!(sessions::list_sessions))
        .routes(routes!(sessions::revoke_session))
        .routes(routes!(reload::reload))
        .routes(routes!(audit::audit_log))
}
