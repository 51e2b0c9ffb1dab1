//! The worker: leases what is due and calls flow. It decides nothing; what is due is derived from each order, so nothing here can be
//! lost: a lease that ends without work makes the order due again.

mod bills;
mod notices;

use crate::flow::Gateway;
use crate::store::{Answer, Command, Nonce, OrderFilter, Outcome, Query};
use sluice_contract::{KeyHint, KeyItem, Millis};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use notices::MERCHANT_IN_FLIGHT_MAX;

/// Orders tended at once.
const TENDING_MAX: usize = 64;
/// How often an idle worker looks: one index read of a few microseconds.
const IDLE_MS: i64 = 25;
const HOUSEKEEPING_MS: i64 = 15_000;
const PRUNE_PAUSE_MS: i64 = 50;

/// Starts the worker's loops on the tracker; they end when `stop` is cancelled.
pub fn start(gateway: &Arc<Gateway>, tasks: &TaskTracker, stop: &CancellationToken) {
    tasks.spawn(tend_orders(Arc::clone(gateway), tasks.clone(), stop.clone()));
    tasks.spawn(notices::send(Arc::clone(gateway), tasks.clone(), stop.clone()));
    tasks.spawn(bills::reconcile(Arc::clone(gateway), stop.clone()));
    tasks.spawn(keep_house(Arc::clone(gateway), stop.clone()));
}

/// Sleeps, or answers false when the worker is to stop.
async fn rest(gateway: &Gateway, stop: &CancellationToken, ms: i64) -> bool {
    tokio::select! {
        biased;
        () = stop.cancelled() => false,
        () = gateway.clock.sleep_ms(ms) => true,
    }
}

async fn due(gateway: &Gateway) -> (Option<Millis>, Option<Millis>) {
    match gateway.store.read(Query::NextDue).await {
        Ok(Answer::Due { orders, notices }) => (orders, notices),
        _ => (None, None),
    }
}

async fn tend_orders(gateway: Arc<Gateway>, tasks: TaskTracker, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(TENDING_MAX));
    while rest(&gateway, &stop, IDLE_MS).await {
        loop {
            let now = gateway.now();
            if due(&gateway).await.0.is_none_or(|at| at > now) || stop.is_cancelled() {
                break;
            }
            let free = u32::try_from(slots.available_permits()).unwrap_or(0);
            if free == 0 {
                break;
            }
            let command = Command::ClaimOrders { now, limit: free, lease_until: gateway.pace.lease_until(now) };
            let Ok(Outcome::Orders(ids)) = gateway.store.submit(command).await else { break };
            if ids.is_empty() {
                break;
            }
            for id in ids {
                let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
                let gateway = Arc::clone(&gateway);
                tasks.spawn(async move {
                    if let Err(refused) = gateway.tend(&id).await {
                        // The order stays leased and is due again when the lease ends.
                        tracing::warn!(order = %id, why = refused.inner.unwrap_or(refused.detail), "an order could not be tended");
                    }
                    drop(slot);
                });
            }
        }
    }
}

async fn keep_house(gateway: Arc<Gateway>, stop: CancellationToken) {
    let mut renewed = BTreeMap::new();
    while rest(&gateway, &stop, HOUSEKEEPING_MS).await {
        let now = gateway.now();
        // Two windows of 300 s each way, and one bucket to spare.
        let before_bucket = now.second().0.div_euclid(Nonce::BUCKET_S).saturating_sub(3);
        let _ = gateway.store.submit(Command::PruneNonces { before_bucket }).await;
        put_away(&gateway, &stop).await;
        let overdue = due(&gateway).await.0.map_or(0, |at| now.since_ms(at).max(0));
        gateway.metrics.overdue_ms.set(overdue);
        let filter = OrderFilter { cases_only: true, limit: 1000, ..OrderFilter::default() };
        if let Ok(Answer::Lives(lives)) = gateway.store.read(Query::Orders(filter)).await {
            let suspended = lives.iter().filter(|life| life.is_suspended()).count();
            gateway.metrics.suspended.set(i64::try_from(suspended).unwrap_or(i64::MAX));
            gateway.metrics.cases.set(i64::try_from(lives.len()).unwrap_or(i64::MAX));
        }
        renew_keys(&gateway, &mut renewed, now).await;
        renew_tokens(&gateway, now).await;
    }
}

/// Puts old orders away, piece by piece, with time for the others in between.
async fn put_away(gateway: &Gateway, stop: &CancellationToken) {
    loop {
        match gateway.store.keep_house(gateway.now(), gateway.keep_months).await {
            Ok(true) if rest(gateway, stop, PRUNE_PAUSE_MS).await => {}
            Ok(_) => return,
            Err(why) => return tracing::warn!(%why, "the store's house could not be kept; it is tried again"),
        }
    }
}

/// Tokens are renewed this long before they end: a week is time enough for a person, should the channel refuse.
const TOKEN_MARGIN_S: i64 = 7 * 86_400;

/// Renews what was fetched with an end of its own (a merchant's authorisation) before that end comes.
async fn renew_tokens(gateway: &Gateway, now: Millis) {
    let directory = gateway.directory.load_full();
    let ending = |item: &KeyItem| item.until.is_some_and(|until| now >= until.plus(-TOKEN_MARGIN_S).millis());
    for (account, item) in gateway.kept_keys().await.unwrap_or_default().into_iter().filter(|(_, item)| ending(item)) {
        let Some(account) = directory.account(&account) else { continue };
        // A certificate ends too, and is renewed on its own rhythm.
        let is_token = directory.merchants.values().flat_map(|m| &m.bindings).any(|binding| {
            binding.account == account.id && binding.enabled && account.channel.sub_keys(&binding.sub).items.iter().any(|i| i.id == item.id)
        });
        if !is_token {
            continue;
        }
        if let Err(why) = gateway.renew_keys(account, &KeyHint { key_id: item.id.clone() }).await {
            tracing::warn!(account = %account.id, %why, "a merchant's token could not be renewed");
        }
    }
}

/// Renews platform keys on the channel's own rhythm, beside the renewals an unknown key asks for.
async fn renew_keys(gateway: &Gateway, renewed: &mut BTreeMap<String, Millis>, now: Millis) {
    for account in &gateway.directory.load_full().accounts {
        let Some(every_s) = account.channel.profile().renew_every_s else { continue };
        let last = *renewed.entry(account.id.to_string()).or_insert(now);
        if now.since_ms(last) < every_s.saturating_mul(1000) {
            continue;
        }
        renewed.insert(account.id.to_string(), now);
        if let Err(why) = gateway.renew_keys(account, &KeyHint { key_id: "scheduled".into() }).await {
            tracing::warn!(account = %account.id, %why, "platform keys could not be renewed");
        }
    }
}
