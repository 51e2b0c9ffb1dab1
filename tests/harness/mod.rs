//! What every black-box test stands on: real processes, a merchant's own client and server, the sandbox's control API.
//!
//! Nothing here uses the gateway's code: signatures are made and checked a second time, from the contract's text.

pub mod client;
pub mod control;
pub mod inbox;
pub mod limits;
pub mod middle;
pub mod page;
pub mod payer;
pub mod postgres;
pub mod process;
pub mod sign;
pub mod tap;
pub mod till;
pub mod world;

pub use client::Answer;
pub use inbox::{Inbox, Manner};
pub use world::World;

use serde_json::{Value, json};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long anything may take that should happen by itself.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Unix seconds.
pub fn unix_now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// A text no other call in any process gets: merchant numbers, nonces.
pub fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("{nanos:x}{:x}x{:x}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Asks again until there is an answer. Past the deadline the test fails and tells what it waited for.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl FnMut() -> F) -> T {
    within(PATIENCE, what, ask).await
}

/// As [`until`], with a patience of its own.
pub async fn within<T, F: Future<Output = Option<T>>>(patience: Duration, what: &str, mut ask: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {patience:?} in vain for: {what}");
        // Not a wait for the condition but a pause between two questions.
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

/// A complete, correct order.
pub fn order(method: &str, amount: i64) -> Value {
    json!({"merchant_order_no": format!("SO-{}", unique()), "amount": amount, "currency": "CNY", "subject": "一箱苹果", "method": method})
}

/// The same with other fields: what a test is about.
pub fn with(mut body: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}
