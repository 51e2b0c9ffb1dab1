//! The pretend world: every channel's simulator behind sockets of its own, callbacks that really travel, and one control listener
//! (CONTRACT section 10). Simulators are sans-IO; this is the shell around them.

mod apps;
mod callbacks;
mod control;
mod kept_keys;
mod listener;
mod phone;
mod till;
mod till_page;

pub use kept_keys::keep_in;
pub use till::{Called, Counter, Lent};

use crate::channels::CHANNELS;
use crate::clock::{Clock, SystemClock};
use sluice_contract::Millis;
use sluice_simkit::{Booth, Codes};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// One pretend channel with where it listens.
pub struct Stand {
    pub channel: &'static str,
    pub base_url: String,
    booth: Mutex<Booth>,
    seen: std::sync::atomic::AtomicU64,
}

impl Stand {
    /// The simulator and its dice. Calls last microseconds, so a plain lock is right.
    pub fn booth(&self) -> MutexGuard<'_, Booth> {
        self.booth.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running sandbox.
pub struct Sandbox {
    pub control: SocketAddr,
    pub stands: Vec<Arc<Stand>>,
}

#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Where the control API listens; port 0 picks free ports for all.
    pub control: SocketAddr,
    pub fast: u32,
    pub seed: u64,
}

fn now() -> Millis {
    SystemClock.now()
}

/// Opens every listener and starts serving; ends when `stop` is cancelled.
/// `counter`: whose till stands beside the phone.
pub async fn start(options: Options, counter: Option<Lent>, tasks: &TaskTracker, stop: &CancellationToken) -> Result<Sandbox, String> {
    let bind = |address: SocketAddr| async move { TcpListener::bind(address).await.map_err(|e| format!("{address}: {e}")) };
    let control = bind(options.control).await?;
    let (mut stands, codes) = (Vec::new(), Codes::default());
    for (place, listed) in CHANNELS.iter().enumerate() {
        let offset = u16::try_from(place).unwrap_or(0).saturating_add(1);
        let port = if options.control.port() == 0 { 0 } else { options.control.port().saturating_add(offset) };
        let listener = bind(SocketAddr::new(options.control.ip(), port)).await?;
        let address = listener.local_addr().map_err(|e| e.to_string())?;
        let mut sim = (listed.sandbox)(options.seed);
        sim.set_fast(i64::from(options.fast.max(1)));
        sim.share_codes(codes.clone());
        let stand = Arc::new(Stand {
            channel: listed.name,
            base_url: format!("http://{address}"),
            booth: Mutex::new(Booth::new(sim, options.seed)),
            seen: std::sync::atomic::AtomicU64::new(0),
        });
        tasks.spawn(listener::serve(listener, Arc::clone(&stand), tasks.clone(), stop.clone()));
        tasks.spawn(callbacks::deliver(Arc::clone(&stand), tasks.clone(), stop.clone()));
        stands.push(stand);
    }
    let address = control.local_addr().map_err(|e| e.to_string())?;
    let mut router = control::router(stands.clone());
    // The apps reach this machine's pages: they are for whoever sits at it.
    if let Some(client) = callbacks::client().filter(|_| address.ip().is_loopback()) {
        router = router.merge(apps::router(Arc::new(stands.clone()), client));
    }
    if let Some(counter) = counter.filter(|_| address.ip().is_loopback()) {
        router = router.merge(till::router(counter, Arc::new(stands.clone())));
    }
    let until = stop.clone();
    tasks.spawn(async move {
        let served = axum::serve(control, router).with_graceful_shutdown(async move { until.cancelled().await }).await;
        if let Err(error) = served {
            tracing::error!(%error, "the sandbox's control listener ended");
        }
    });
    Ok(Sandbox { control: address, stands })
}

impl Sandbox {
    /// The `[[account]]` tables of a config that points here.
    #[must_use]
    pub fn account_tables(&self) -> Vec<String> {
        self.stands.iter().map(|stand| stand.booth().sim.account_toml(&stand.base_url)).collect()
    }
}
