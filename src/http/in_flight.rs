//! Requests that are still talking to a channel, by what they are about: a repeat waits for the first instead of racing it.

use crate::clock::Clock;
use crate::store::ClaimKey;
use moka::sync::Cache;
use std::time::Duration;
use tokio::sync::watch;

/// How long a repeat waits for the first at most (CONTRACT section 4).
pub const WAIT_MAX_MS: i64 = 5_000;
/// Longer than any request: an entry that outlives its request is a leak, and ends here.
const LIFE_MAX: Duration = Duration::from_secs(300);
const ENTRIES_MAX: u64 = 100_000;

/// Who is at work on what. Of this process only: across processes the store's claim decides alone.
pub struct InFlight {
    at_work: Cache<ClaimKey, watch::Receiver<()>>,
    /// Orders whose payer has just come back.
    returned: Cache<String, ()>,
}

impl Default for InFlight {
    fn default() -> InFlight {
        InFlight {
            at_work: Cache::builder().max_capacity(ENTRIES_MAX).time_to_live(LIFE_MAX).build(),
            returned: Cache::builder().max_capacity(ENTRIES_MAX).time_to_live(Duration::from_secs(10)).build(),
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
        let entry = self.at_work.entry(key.clone()).or_insert(wait);
        if entry.is_fresh() {
            return Turn { held: Some((self, key, end)) };
        }
        let mut first = entry.into_value();
        tokio::select! {
            _ = first.changed() => {}
            () = clock.sleep_ms(WAIT_MAX_MS) => {}
        }
        Turn { held: None }
    }

    /// Whether a returning browser may make us ask the channel: at most once in ten seconds per order.
    #[must_use]
    pub fn may_ask_on_return(&self, order_id: &str) -> bool {
        self.returned.entry(order_id.to_owned()).or_insert(()).is_fresh()
    }
}
