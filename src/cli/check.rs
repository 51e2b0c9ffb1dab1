//! `check`: every problem of a config folder at once. `migrate`: brings the schema up to date.

use super::{Failed, load};
use crate::config::Strings;
use std::path::Path;

pub fn run(dir: &Path, strings: &dyn Strings) -> Result<(), Failed> {
    let settings = load(dir, strings)?;
    crate::boot::sealer(&settings).map_err(Failed::Error)?;
    let mode = if settings.livemode() { "live" } else { "sandbox" };
    settings.notes.iter().for_each(|note| println!("note: {note}"));
    let (accounts, merchants) = (settings.accounts.len(), settings.merchants.len());
    let (rules, limits) = (settings.routing.rules.len(), settings.limits.len());
    println!("ok: {accounts} accounts ({mode}), {merchants} merchants, {rules} rules, {limits} limits");
    Ok(())
}

pub async fn migrate(dir: &Path, strings: &(dyn Strings + Sync)) -> Result<(), Failed> {
    let url = load(dir, strings)?.store.url;
    crate::boot::open(&url, || std::process::abort()).await?;
    println!("ok: {} is up to date", url.name());
    Ok(())
}
