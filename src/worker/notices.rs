//! Sends due notifications. A merchant has at most a few in flight, so one that hangs holds up nobody else.

use super::{IDLE_MS, due, rest};
use crate::flow::Gateway;
use crate::store::{Command, Outcome};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A merchant with this many in flight gets no more until some end.
pub const MERCHANT_IN_FLIGHT_MAX: u32 = 16;
/// Notifications in flight in all.
const IN_FLIGHT_MAX: usize = 1024;
const CLAIM_MAX: u32 = 64;

/// What each merchant has in flight, and a word to the loop when a merchant has room again.
#[derive(Default)]
struct InFlight {
    counts: Mutex<BTreeMap<String, u32>>,
    room: Notify,
}

impl InFlight {
    fn counts(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u32>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begun(&self, merchant_id: &str) {
        let mut counts = self.counts();
        let count = counts.entry(merchant_id.to_owned()).or_default();
        *count = count.saturating_add(1);
    }

    /// Half of a merchant's share at a time: one claim and one commit then serve several.
    fn ended(&self, merchant_id: &str) {
        let mut counts = self.counts();
        let left = counts.get(merchant_id).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            counts.remove(merchant_id);
        } else {
            counts.insert(merchant_id.to_owned(), left);
        }
        if left <= MERCHANT_IN_FLIGHT_MAX / 2 {
            self.room.notify_one();
        }
    }
}

pub(super) async fn send(gateway: Arc<Gateway>, tasks: TaskTracker, stop: CancellationToken) {
    let in_flight = Arc::new(InFlight::default());
    let slots = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
    let mut last = String::new();
    while rest_or_room(&gateway, &stop, &in_flight).await {
        let now = gateway.now();
        if due(&gateway).await.1.is_none_or(|at| at > now) {
            continue;
        }
        let limit = CLAIM_MAX.min(u32::try_from(slots.available_permits()).unwrap_or(0));
        let command = Command::ClaimNotices {
            now,
            limit,
            lease_until: gateway.pace.lease_until(now),
            after: last.clone(),
            in_flight: in_flight.counts().clone(),
            each_max: MERCHANT_IN_FLIGHT_MAX,
        };
        let Ok(Outcome::Notices(notices)) = gateway.store.submit(command).await else { continue };
        if let Some(notice) = notices.last() {
            last.clone_from(&notice.merchant_id);
        }
        if limit > 0 && u32::try_from(notices.len()) == Ok(limit) {
            // A full claim: there may be more.
            in_flight.room.notify_one();
        }
        for notice in notices {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            in_flight.begun(&notice.merchant_id);
            let (gateway, in_flight) = (Arc::clone(&gateway), Arc::clone(&in_flight));
            tasks.spawn(async move {
                if let Err(refused) = gateway.notify_merchant(&notice).await {
                    let why = refused.inner.unwrap_or(refused.detail);
                    tracing::warn!(event = notice.event_id, why, "a delivery could not be booked; it is tried again");
                }
                in_flight.ended(&notice.merchant_id);
                drop(slot);
            });
        }
    }
}

/// False when the worker is to stop.
async fn rest_or_room(gateway: &Gateway, stop: &CancellationToken, in_flight: &InFlight) -> bool {
    tokio::select! {
        biased;
        going_on = rest(gateway, stop, IDLE_MS) => going_on,
        () = in_flight.room.notified() => true,
    }
}
