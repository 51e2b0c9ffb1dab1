//! What every handler shares: the gateway, and what only HTTP needs beside it.

use super::identity::Guesses;
use super::in_flight::InFlight;
use super::signature_help::Refusals;
use super::spool::Spools;
use crate::config::{Finding, Operator};
use crate::flow::Gateway;
use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use ipnet::IpNet;
use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// Reads the config folder again; the findings when it is refused.
pub type Reload = Arc<dyn Fn() -> BoxFuture<'static, Result<(), Vec<Finding>>> + Send + Sync>;
/// Builds the directory anew after an operator's change.
pub type Refresh = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;
/// Runs after a handler panicked: the process can no longer be trusted and is to end.
pub type OnPanic = Arc<dyn Fn() + Send + Sync>;

/// The seam of a rate limit on merchants. There is none by default (CONTRACT section 5).
pub trait Limiter: Send + Sync {
    /// `Err`: seconds until the merchant may try again.
    fn check(&self, merchant_id: &str) -> Result<(), u32>;
}

/// One per process; cheap to clone.
pub type App = Arc<Shared>;

pub struct Shared {
    pub gateway: Arc<Gateway>,
    pub operators: ArcSwap<Vec<Operator>>,
    /// Whatever was begun for a merchant or a channel runs here to its end, even when the client has gone. Whoever ends the process
    /// closes it and waits.
    pub tasks: TaskTracker,
    pub reload: Reload,
    pub refresh: Refresh,
    pub on_panic: OnPanic,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The longest a client may take to send its body.
    pub body_deadline_ms: u64,
    pub limiter: Option<Arc<dyn Limiter>>,
    /// The address of the sandbox's phone, if one is known: payer pages of pretend orders link to it.
    pub phone: Option<String>,
    pub in_flight: InFlight,
    pub refusals: Refusals,
    pub spools: Spools,
    /// At the console's door.
    pub guesses: Guesses,
    /// One operator's change at a time: "at most two live keys" is read before it is written.
    pub changes: tokio::sync::Mutex<()>,
}

/// What `main` hands in.
pub struct AppParts {
    pub gateway: Arc<Gateway>,
    pub operators: Vec<Operator>,
    pub tasks: TaskTracker,
    pub reload: Reload,
    pub refresh: Refresh,
    pub on_panic: OnPanic,
    pub trusted_proxies: Vec<IpNet>,
    pub body_deadline_ms: u64,
    pub limiter: Option<Arc<dyn Limiter>>,
    /// Where long answers are kept until they are sent.
    pub spool_dir: PathBuf,
    pub phone: Option<String>,
}

/// Builds the shared state of the handlers.
#[must_use]
pub fn app(parts: AppParts) -> App {
    Arc::new(Shared {
        gateway: parts.gateway,
        operators: ArcSwap::from_pointee(parts.operators),
        tasks: parts.tasks,
        reload: parts.reload,
        refresh: parts.refresh,
        on_panic: parts.on_panic,
        trusted_proxies: parts.trusted_proxies,
        body_deadline_ms: parts.body_deadline_ms,
        limiter: parts.limiter,
        phone: parts.phone,
        in_flight: InFlight::default(),
        refusals: Refusals::default(),
        spools: Spools::new(parts.spool_dir),
        guesses: Guesses::default(),
        changes: tokio::sync::Mutex::new(()),
    })
}

impl Shared {
    /// Runs work that must not stop half-way when the client goes away. A panic in it goes on in the caller.
    pub async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        match self.tasks.spawn(work).await {
            Ok(done) => done,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Nobody aborts these tasks; the runtime itself is ending, and with it this caller.
            Err(_) => std::future::pending().await,
        }
    }

    /// The client's address: the last one that no trusted proxy has vouched for.
    #[must_use]
    pub fn client_ip(&self, peer: Option<IpAddr>, forwarded: Option<&str>) -> Option<IpAddr> {
        let trusted = |ip: &IpAddr| self.trusted_proxies.iter().any(|net| net.contains(ip));
        let peer = peer?;
        if !trusted(&peer) {
            return Some(peer);
        }
        let mut nearest = peer;
        for hop in forwarded.unwrap_or_default().rsplit(',') {
            let Ok(ip) = hop.trim().parse() else { break };
            nearest = ip;
            if !trusted(&ip) {
                break;
            }
        }
        Some(nearest)
    }
}
