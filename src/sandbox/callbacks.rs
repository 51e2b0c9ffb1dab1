//! Lets time pass for a simulator and carries its callbacks to the gateway, on the channel's own schedule.

use super::{Stand, now};
use crate::clock::{Clock, SystemClock};
use sluice_contract::HttpReply;
use sluice_simkit::Delivery;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often a simulator's clock moves.
const TICK_MS: i64 = 10;
/// What a channel reads of an acknowledgement.
const ACK_MAX: usize = 64 * 1024;

pub(super) async fn deliver(stand: Arc<Stand>, tasks: TaskTracker, stop: CancellationToken) {
    let Some(client) = client() else {
        tracing::error!("the sandbox has no HTTP client: no callback will travel");
        return;
    };
    while !stop.is_cancelled() {
        SystemClock.sleep_ms(TICK_MS).await;
        let due = {
            let mut booth = stand.booth();
            booth.sim.tick(now());
            booth.due(now())
        };
        for delivery in due {
            tasks.spawn(carry(Arc::clone(&stand), client.clone(), delivery));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the pretend channels' own way out, not the gateway's")]
pub(super) fn client() -> Option<reqwest::Client> {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    client.pool_idle_timeout(Duration::from_secs(20)).build().ok()
}

async fn carry(stand: Arc<Stand>, client: reqwest::Client, delivery: Delivery) {
    let reply = post(&client, &delivery).await;
    stand.booth().sim.delivered(delivery.id, reply.as_ref(), now());
}

async fn post(client: &reqwest::Client, delivery: &Delivery) -> Option<HttpReply> {
    let mut request = client.post(&delivery.url).timeout(Duration::from_millis(delivery.timeout_ms)).body(delivery.body.clone());
    for (name, value) in &delivery.headers.0 {
        request = request.header(name, value);
    }
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    let body = response.bytes().await.ok()?;
    Some(HttpReply::new(status, &[], body.get(..body.len().min(ACK_MAX)).unwrap_or_default().to_vec()))
}
