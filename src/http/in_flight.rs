//! Requests that are still talking to a channel, by what they are about: a repeat waits for the first instead of racing it.

use crate::clock::Clock;
use crate::flow::place_order::REPLAY_WAIT_MS;
use crate::store::ClaimKey;
use moka::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Longer than any request: an entry that outlives its request is a leak, and ends here.
const LIFE_MAX: Duration = Duration::from_secs(300);
const ENTRIES_MAX: u64 = 100_000;
/// Orders of one address at one store's page in so long.
const ORDERED_MAX: u32 = 120;
const ORDERED_FOR: Duration = Duration::from_secs(60);

/// Who is at work on what in this process. A repeat at another node finds the order stored, and waits there (`flow::place_order`).
pub struct InFlight {
    at_work: Cache<ClaimKey, watch::Receiver<()>>,
    /// Orders whose payer has just come back.
    returned: Cache<String, ()>,
    /// How many orders an address has made lately at a store's page.
    ordered: Cache<(String, String), Arc<AtomicU32>>,
}

impl Default for InFlight {
    fn default() -> InFlight {
        InFlight {
            at_work: Cache::builder().max_capacity(ENTRIES_MAX).time_to_live(LIFE_MAX).build(),
            returned: Cache::builder().max_capacity(ENTRIES_MAX).time_to_live(Duration::from_secs(10)).build(),
            ordered: Cache::builder().max_capacity(ENTRIES_MAX).time_to_live(ORDERED_FOR).build(),
        }
    }
}

/// Being at work on something. Whoever waits is woken when it is dropped.
pub struct Turn<'a> {
    /// The first one's: its place in the cache, and the end that wakes the waiting.
    held: Option<(&'a InFlight, ClaimKey, watch::Sender<()>)>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some((in_flight, key, _)) = &self.held {
            in_flight.at_work.invalidate(key);
        }
    }
}

impl InFlight {
    /// The turn of the first comes at once, that of a repeat when the first is done or after five seconds.
    pub async fn turn(&self, key: ClaimKey, clock: &dyn Clock) -> Turn<'_> {
        let (end, wait) = watch::channel(());
        // `or_insert_with` and not `or_insert`: only the former lets exactly one of two at once be the first.
        let entry = self.at_work.entry(key.clone()).or_insert_with(|| wait);
        if entry.is_fresh() {
            return Turn { held: Some((self, key, end)) };
        }
        let mut first = entry.into_value();
        tokio::select! {
            _ = first.changed() => {}
            () = clock.sleep_ms(REPLAY_WAIT_MS) => {}
        }
        Turn { held: None }
    }

    /// Whether a returning browser may make us ask the channel: at most once in ten seconds per order.
    #[must_use]
    pub fn may_ask_on_return(&self, order_id: &str) -> bool {
        self.returned.entry(order_id.to_owned()).or_insert_with(|| ()).is_fresh()
    }

    /// Whether an address may make one more order at a store's page. A shop's guests often share one address; a program that fills the
    /// books does not stop at this many.
    #[must_use]
    pub fn may_order(&self, address: &str, code: &str) -> bool {
        let made = self.ordered.get_with((address.to_owned(), code.to_owned()), Arc::default);
        made.fetch_add(1, Ordering::Relaxed) < ORDERED_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::InFlight;
    use crate::clock::SystemClock;
    use crate::store::{ClaimKey, Kind};
    use futures_util::FutureExt;
    use std::sync::Barrier;

    /// Found under load: two of a hundred identical requests both thought they were the first.
    #[tokio::test]
    async fn of_many_at_once_exactly_one_is_the_first() {
        const THREADS: usize = 4;
        let (in_flight, barrier) = (InFlight::default(), Barrier::new(THREADS));
        let handle = tokio::runtime::Handle::current();
        for round in 0..2_000 {
            let key = ClaimKey { merchant_id: "m".into(), kind: Kind::Order, number: format!("N{round}") };
            let try_turn = || {
                let _clock_needs_it = handle.enter();
                barrier.wait();
                in_flight.turn(key.clone(), &SystemClock).now_or_never()
            };
            let turns: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(try_turn)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(turns.iter().flatten().count(), 1, "round {round}");
        }
    }
}
