//! Sends due notifications. A merchant has at most a few in flight, so one that hangs holds up nobody else.

use super::{IDLE_MS, due, rest};
use crate::flow::Gateway;
use crate::store::{Command, Outcome};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A merchant with this many in flight gets no more until some end.
pub const MERCHANT_IN_FLIGHT_MAX: usize = 8;
/// Notifications in flight in all.
const IN_FLIGHT_MAX: usize = 512;
const CLAIM_MAX: u32 = 64;

type InFlight = Arc<Mutex<BTreeMap<String, usize>>>;

fn counts(in_flight: &InFlight) -> std::sync::MutexGuard<'_, BTreeMap<String, usize>> {
    in_flight.lock().unwrap_or_else(PoisonError::into_inner)
}

fn busy(in_flight: &InFlight) -> Vec<String> {
    counts(in_flight).iter().filter(|(_, n)| **n >= MERCHANT_IN_FLIGHT_MAX).map(|(id, _)| id.clone()).collect()
}

fn ended(in_flight: &InFlight, merchant_id: &str) {
    let mut counts = counts(in_flight);
    if let Some(n) = counts.get_mut(merchant_id) {
        *n = n.saturating_sub(1);
        if *n == 0 {
            counts.remove(merchant_id);
        }
    }
}

pub(super) async fn send(gateway: Arc<Gateway>, tasks: TaskTracker, stop: CancellationToken) {
    let in_flight = InFlight::default();
    let slots = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
    while rest(&gateway, &stop, IDLE_MS).await {
        loop {
            let now = gateway.now();
            if due(&gateway).await.1.is_none_or(|at| at > now) || stop.is_cancelled() {
                break;
            }
            let limit = CLAIM_MAX.min(u32::try_from(slots.available_permits()).unwrap_or(0));
            let command = Command::ClaimNotices { now, limit, lease_until: gateway.pace.lease_until(now), busy: busy(&in_flight) };
            let Ok(Outcome::Notices(notices)) = gateway.store.submit(command).await else { break };
            if notices.is_empty() {
                break;
            }
            for notice in notices {
                let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
                let counter = counts(&in_flight).get(&notice.merchant_id).copied().unwrap_or(0).saturating_add(1);
                counts(&in_flight).insert(notice.merchant_id.clone(), counter);
                let (gateway, in_flight) = (Arc::clone(&gateway), Arc::clone(&in_flight));
                tasks.spawn(async move {
                    if let Err(refused) = gateway.notify_merchant(&notice).await {
                        let why = refused.inner.unwrap_or(refused.detail);
                        tracing::warn!(event = notice.event_id, why, "a delivery could not be booked; it is tried again");
                    }
                    ended(&in_flight, &notice.merchant_id);
                    drop(slot);
                });
            }
        }
    }
}
