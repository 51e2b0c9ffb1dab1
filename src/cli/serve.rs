//! `serve`: the gateway. Prints `ready` when it accepts; SIGTERM ends it in order, SIGHUP reloads.

use super::{Failed, load, until_told_to_stop};
use crate::boot::{Booted, boot, data_dir};
use crate::config::{Settings, Strings, check_fast};
use crate::flow::Gateway;
use crate::http;
use crate::store::{Answer, Query};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What is in flight when we are told to stop may take this long.
const DRAIN: Duration = Duration::from_secs(10);

/// How often a node looks for operators' changes at other nodes.
const FOLLOW_MS: i64 = 1_000;
const FOLLOW_LINES: u32 = 20;

/// Ends the process: after a panic nothing in memory can be trusted; the supervisor starts it again and the store knows everything.
fn end_process() {
    std::process::abort();
}

pub async fn run<S: Strings + Send + Sync + 'static>(
    dir: &Path,
    listen: Option<SocketAddr>,
    fast: Option<u32>,
    strings: S,
) -> Result<(), Failed> {
    let settings = load(dir, &strings)?;
    if let Some(n) = fast {
        check_fast(&settings, n).map_err(|finding| Failed::Error(finding.to_string()))?;
    }
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let manner = Manner { listen, fast: fast.unwrap_or(1), phone: None };
    let served = start(dir, settings, manner, Arc::new(strings), &tasks, &stop).await?;
    println!("ready http://{}", served.address);
    // Ends with the process: there is nothing in it to finish.
    tokio::spawn(reload_on_hangup(Arc::clone(&served.reload)));
    until_told_to_stop(stop.clone()).await;
    finish(&tasks, &stop).await;
    Ok(())
}

/// Stops accepting, finishes what is in flight, ten seconds at most.
pub(super) async fn finish(tasks: &TaskTracker, stop: &CancellationToken) {
    stop.cancel();
    tasks.close();
    if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
        tracing::warn!("something was still in flight after ten seconds; the store knows it and it is resumed at the next start");
    }
}

/// A gateway that accepts.
pub(super) struct Served {
    pub address: SocketAddr,
    pub reload: http::Reload,
    pub gateway: Arc<Gateway>,
}

/// How a gateway is started, beyond its settings.
pub(super) struct Manner {
    /// Instead of the settings' own address.
    pub listen: Option<SocketAddr>,
    /// Divides every waiting schedule.
    pub fast: u32,
    /// Where the sandbox's phone is, for the links of pages for trying.
    pub phone: Option<String>,
}

pub(super) async fn start(
    dir: &Path,
    settings: Settings,
    manner: Manner,
    strings: Arc<dyn Strings + Send + Sync>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Served, Failed> {
    let listen = manner.listen.unwrap_or(settings.http.listen);
    let bind =
        |address: SocketAddr| async move { TcpListener::bind(address).await.map_err(|e| Failed::Error(format!("listen {address}: {e}"))) };
    let listener = bind(listen).await?;
    let address = listener.local_addr().map_err(|e| Failed::Error(e.to_string()))?;
    let ops_listener = match settings.http.ops_listen {
        Some(ops) => Some(bind(ops).await?),
        None => None,
    };
    let booted = Arc::new(boot(dir, settings, &format!("http://{address}"), manner.fast, end_process).await?);
    let reload = reload_hook(&booted, &strings);
    let settings = booted.settings.load_full();
    let app = http::app(http::AppParts {
        gateway: Arc::clone(&booted.gateway),
        operators: settings.operators.clone(),
        tasks: tasks.clone(),
        reload: Arc::clone(&reload),
        refresh: refresh_hook(&booted),
        on_panic: Arc::new(end_process),
        trusted_proxies: settings.http.trusted_proxies.clone(),
        body_deadline_ms: settings.http.body_deadline_ms,
        limiter: None,
        spool_dir: data_dir(&settings.store.url),
        phone: manner.phone,
    });
    let deadlines = http::Deadlines { head_ms: settings.http.header_deadline_ms };
    match ops_listener {
        Some(ops) => {
            tasks.spawn(http::serve(listener, http::public_router(Arc::clone(&app)), deadlines, stop.clone()));
            tasks.spawn(http::serve(ops, http::ops_router(app), deadlines, stop.clone()));
        }
        None => {
            tasks.spawn(http::serve(listener, http::router(app), deadlines, stop.clone()));
        }
    }
    crate::worker::start(&booted.gateway, tasks, stop);
    tasks.spawn(follow_changes(Arc::clone(&booted), stop.clone()));
    Ok(Served { address, reload, gateway: Arc::clone(&booted.gateway) })
}

fn reload_hook(booted: &Arc<Booted>, strings: &Arc<dyn Strings + Send + Sync>) -> http::Reload {
    let (booted, strings) = (Arc::clone(booted), Arc::clone(strings));
    Arc::new(move || {
        let (booted, strings) = (Arc::clone(&booted), Arc::clone(&strings));
        Box::pin(async move { booted.reload(strings.as_ref()).await })
    })
}

fn refresh_hook(booted: &Arc<Booted>) -> http::Refresh {
    let booted = Arc::clone(booted);
    Arc::new(move || {
        let booted = Arc::clone(&booted);
        Box::pin(async move { booted.refresh().await })
    })
}

/// What an operator changes at another node, or the gateway itself (a binding whose token died), is in force here a second later: every
/// such change leaves a line in the audit log.
async fn follow_changes(booted: Arc<Booted>, stop: CancellationToken) {
    let newest = || async {
        // Some of the newest and not the one: a line may be committed after another that has a higher number.
        match booted.gateway.store.read(Query::AuditLog { before: None, limit: FOLLOW_LINES }).await {
            Ok(Answer::AuditLog(lines)) => Some(lines.iter().map(|(seq, _)| *seq).collect::<Vec<_>>()),
            _ => None,
        }
    };
    let mut known = None;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = booted.gateway.clock.sleep_ms(FOLLOW_MS) => {}
        }
        let Some(seen) = newest().await else { continue };
        if known.as_ref() != Some(&seen) {
            match booted.refresh().await {
                Ok(()) => known = Some(seen),
                Err(why) => tracing::warn!(why, "a change could not be read; it is tried again"),
            }
        }
    }
}

async fn reload_on_hangup(reload: http::Reload) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        match reload().await {
            Ok(()) => tracing::info!("the config was reloaded"),
            Err(findings) => findings.iter().for_each(|finding| tracing::error!("nothing was reloaded: {finding}")),
        }
    }
}
