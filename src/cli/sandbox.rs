//! `sandbox`: the pretend channels.

use super::{Failed, until_told_to_stop};
use crate::clock::{SystemChance, random};
use crate::sandbox::{Options, Sandbox, keep_in, start};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub async fn run(control: SocketAddr, write_config: Option<&Path>, keys: Option<PathBuf>, fast: u32) -> Result<(), Failed> {
    if let Some(folder) = keys {
        let named = folder.display().to_string();
        keep_in(folder).map_err(|e| Failed::Error(format!("{named}: {e}")))?;
    }
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let sandbox = start(Options { control, fast, seed: seed() }, None, &tasks, &stop).await?;
    if let Some(dir) = write_config {
        write(dir, "127.0.0.1:8080", &sandbox)?;
    }
    println!("ready http://{}", sandbox.control);
    until_told_to_stop(stop.clone()).await;
    stop.cancel();
    tasks.close();
    let _ = tokio::time::timeout(std::time::Duration::from_secs(2), tasks.wait()).await;
    Ok(())
}

/// A seed that differs from run to run: keys and codes are fresh.
pub(super) fn seed() -> u64 {
    u64::from_be_bytes(random(&SystemChance))
}

/// Writes the config folder that points at this sandbox.
pub(super) fn write(dir: &Path, listen: &str, sandbox: &Sandbox) -> Result<(), Failed> {
    let mut fill = |bytes: &mut [u8]| crate::clock::Chance::fill(&SystemChance, bytes);
    crate::config::write_sandbox(dir, listen, "sqlite:sluice.sqlite", &sandbox.account_tables(), &mut fill)
        .map_err(|e| Failed::Error(format!("{}: {e}", dir.display())))
}
