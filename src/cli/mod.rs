//! One file per subcommand. Each answers `Ok` or one clear line.

pub mod check;
pub mod demo;
pub mod explain;
pub mod operator;
pub mod reconcile;
pub mod route_replay;
pub mod sandbox;
pub mod serve;
pub mod sign;
pub mod statement;
mod story;
mod story_books;
mod story_channels;
pub mod verify_webhook;

use crate::channels::CHANNELS;
use crate::config::{Finding, Settings, Strings};
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Why a subcommand ends with 1 or 2.
#[derive(Debug)]
pub enum Failed {
    Error(String),
    Usage(String),
    /// The command did its work and told what it found: exit code 3.
    Found,
}

impl From<String> for Failed {
    fn from(line: String) -> Failed {
        Failed::Error(line)
    }
}

/// Logs to stderr. `filter` is a tracing filter (`SLUICE_LOG`); by default our own information and others' warnings.
pub fn start_logs(format: &str, filter: Option<&str>) {
    let filter = tracing_subscriber::EnvFilter::new(filter.unwrap_or("warn,sluice=info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let started = if format == "json" { logs.json().try_init() } else { logs.with_ansi(false).try_init() };
    if started.is_err() {
        eprintln!("logs were started already");
    }
}

/// Reads a config folder, or every problem of it, one per line.
pub fn load(dir: &Path, strings: &dyn Strings) -> Result<Settings, Failed> {
    crate::config::load(dir, strings, CHANNELS).map_err(|findings| Failed::Error(lines(&findings)))
}

fn lines(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Cancels the token on SIGTERM or Ctrl-C.
pub(crate) async fn until_told_to_stop(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        return;
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        _ = terminate.recv() => stop.cancel(),
        _ = interrupt.recv() => stop.cancel(),
    }
}
