//! `check`: every problem of a config folder at once. `migrate`: brings the schema up to date.

use super::{Failed, load};
use crate::config::Strings;
use std::path::Path;

pub fn run(dir: &Path, strings: &dyn Strings) -> Result<(), Failed> {
    let settings = load(dir, strings)?;
    crate::boot::sealer(&settings).map_err(Failed::Error)?;
    let mode = if settings.livemode() { "live" } else { "sandbox" };
    println!("ok: {} accounts ({mode}), {} merchants", settings.accounts.len(), settings.merchants.len());
    Ok(())
}

pub fn migrate(dir: &Path, strings: &dyn Strings) -> Result<(), Failed> {
    let path = crate::boot::store_path(&load(dir, strings)?);
    crate::store::sqlite::Engine::open(&path).map_err(|e| format!("{path}: {e}"))?;
    println!("ok: {path} is up to date");
    Ok(())
}
