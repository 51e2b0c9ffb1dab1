//! Counters and the entries behind them. An entry is appended once and never changed; a counter is the sum of its entries, kept so that
//! nobody has to add them up.

use crate::domain::OrderId;
use crate::domain::life::{Broken, broken};
use sluice_contract::Millis;
use std::collections::BTreeMap;

/// One counter: a rule, a window, a subject. Sorted so that the counters of a window lie together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CounterKey {
    pub limit: String,
    /// Milliseconds; 0 for windows that never end.
    pub start: i64,
    pub subject: String,
    /// The merchant whose unpaid reservations this counts (`open_share`); empty: everybody's, which is the rule's own counter.
    pub holder: String,
}

/// A counter that a command may move; a rolling one is brought up to the command's time first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    pub key: CounterKey,
    pub rolling_ms: Option<i64>,
}

/// What a counter holds, in fen or orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    pub reserved: i64,
    pub confirmed: i64,
    /// Of both, what stands above the limit because it could not be refused.
    pub overrun: i64,
    /// The max in force when something was last reserved: `reserved + confirmed - overrun <= cap` at every commit.
    pub cap: i64,
    /// A rolling window begins behind this time; what was confirmed up to it has left. It never goes back.
    pub edge: i64,
}

impl Counter {
    /// What stands against the max.
    #[must_use]
    pub const fn used(&self) -> i64 {
        self.reserved.saturating_add(self.confirmed).saturating_sub(self.overrun)
    }
}

/// A part of a counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub reserved: i64,
    pub confirmed: i64,
    pub over_reserved: i64,
    pub over_confirmed: i64,
}

impl Share {
    #[must_use]
    pub const fn minus(self, other: Share) -> Share {
        Share {
            reserved: self.reserved.saturating_sub(other.reserved),
            confirmed: self.confirmed.saturating_sub(other.confirmed),
            over_reserved: self.over_reserved.saturating_sub(other.over_reserved),
            over_confirmed: self.over_confirmed.saturating_sub(other.over_confirmed),
        }
    }
}

/// How an entry came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Reserve,
    Confirm,
    Release,
    Restore,
}

impl Step {
    pub const ALL: [Step; 4] = [Step::Reserve, Step::Confirm, Step::Release, Step::Restore];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Step::Reserve => "reserve",
            Step::Confirm => "confirm",
            Step::Release => "release",
            Step::Restore => "restore",
        }
    }
}

/// One movement, appended in the transaction of the transition that caused it. Its key allows each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub order_id: OrderId,
    pub attempt_seq: u32,
    pub step: Step,
    /// The refund that restores; 0 for the other steps.
    pub refund_seq: u32,
    pub key: CounterKey,
    pub at: Millis,
    /// Rolling windows: the time that it leaves them by.
    pub counts_at: Option<Millis>,
    pub share: Share,
}

/// Some counters, by key: what one command works on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters(pub BTreeMap<CounterKey, Counter>);

impl Counters {
    pub fn get(&self, order_id: &OrderId, key: &CounterKey) -> Result<Counter, Broken> {
        self.0.get(key).copied().ok_or_else(|| broken(order_id, format!("the counter of limit {} was not loaded", key.limit)))
    }

    /// Adds an entry to its counter. What has left a rolling window stays out.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Broken> {
        let wrong = || broken(&entry.order_id, format!("limit {}: {} would leave its counter below 0", entry.key.limit, entry.step.word()));
        let counter = self.0.get_mut(&entry.key).ok_or_else(wrong)?;
        let left = entry.counts_at.is_some_and(|at| at.0 <= counter.edge);
        let share = if left { Share { confirmed: 0, over_confirmed: 0, ..entry.share } } else { entry.share };
        let sum = |old: i64, more: i64| old.checked_add(more).filter(|sum| *sum >= 0).ok_or_else(wrong);
        counter.reserved = sum(counter.reserved, share.reserved)?;
        counter.confirmed = sum(counter.confirmed, share.confirmed)?;
        counter.overrun = sum(counter.overrun, share.over_reserved.saturating_add(share.over_confirmed))?;
        if counter.used() > counter.cap {
            return Err(broken(&entry.order_id, format!("limit {}: {} used of {}", entry.key.limit, counter.used(), counter.cap)));
        }
        Ok(())
    }
}
