//! `check`: every problem of a config folder at once. `migrate`: brings the schema up to date.

use super::{Failed, load};
use crate::config::{StoreUrl, Strings};
use crate::store::postgres::Target;
use crate::store::sqlite::Engine;
use std::path::Path;

pub fn run(dir: &Path, strings: &dyn Strings) -> Result<(), Failed> {
    let settings = load(dir, strings)?;
    crate::boot::sealer(&settings).map_err(Failed::Error)?;
    let mode = if settings.livemode() { "live" } else { "sandbox" };
    println!("ok: {} accounts ({mode}), {} merchants", settings.accounts.len(), settings.merchants.len());
    Ok(())
}

pub async fn migrate(dir: &Path, strings: &(dyn Strings + Sync)) -> Result<(), Failed> {
    let url = load(dir, strings)?.store.url;
    let migrated = match &url {
        StoreUrl::Sqlite(path) => Engine::open(&path.to_string_lossy()).map(|_| ()),
        StoreUrl::Postgres(url) => match Target::new(url) {
            Ok(target) => target.migrate().await,
            Err(error) => Err(error),
        },
    };
    migrated.map_err(|e| format!("{}: {e}", url.name()))?;
    println!("ok: {} is up to date", url.name());
    Ok(())
}
