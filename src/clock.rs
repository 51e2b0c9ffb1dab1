//! Time and chance, the only two things in the world that may differ between two runs of the same facts. The gateway gets them handed
//! in; the seeded world hands in others.

use sluice_contract::Millis;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

pub trait Clock: Send + Sync {
    /// The wall clock: stored, signed and compared with other machines' times.
    fn now(&self) -> Millis;
    /// Sleeps for a length of time, by the monotonic clock: a wall clock that is set does not shorten or stretch it.
    fn sleep_ms(&self, ms: i64) -> Sleep<'_>;
}

pub trait Chance: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

/// Fresh random bytes.
#[must_use]
pub fn random<const N: usize>(chance: &dyn Chance) -> [u8; N] {
    let mut bytes = [0; N];
    chance.fill(&mut bytes);
    bytes
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        #[expect(clippy::disallowed_methods, reason = "this is the room of the clock")]
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Millis(since_epoch.ok().and_then(|d| i64::try_from(d.as_millis()).ok()).unwrap_or(0))
    }

    fn sleep_ms(&self, ms: i64) -> Sleep<'_> {
        let length = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
        #[expect(clippy::disallowed_methods, reason = "this is the room of the clock")]
        Box::pin(tokio::time::sleep(length))
    }
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness nothing may be signed, numbered or sealed: end rather than guess.
        #[expect(clippy::disallowed_methods, reason = "this is the room of chance")]
        if aws_lc_rs::rand::fill(bytes).is_err() {
            std::process::abort();
        }
    }
}
