//! What happens at a time: a queue in order of time, then of setting.

use sluice_contract::Millis;
use std::collections::BTreeMap;

/// `T` says what is to happen.
#[derive(Clone, Debug)]
pub struct Timers<T> {
    waiting: BTreeMap<(Millis, u64), T>,
    set: u64,
}

impl<T> Default for Timers<T> {
    fn default() -> Timers<T> {
        Timers { waiting: BTreeMap::new(), set: 0 }
    }
}

impl<T> Timers<T> {
    pub fn at(&mut self, when: Millis, what: T) {
        self.set = self.set.wrapping_add(1);
        self.waiting.insert((when, self.set), what);
    }

    #[must_use]
    pub fn next_at(&self) -> Option<Millis> {
        self.waiting.keys().next().map(|(when, _)| *when)
    }

    /// Takes the first one due by `now`, with the time it was set for.
    pub fn pop(&mut self, now: Millis) -> Option<(Millis, T)> {
        let first = self.waiting.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((when, _), what) = first.remove_entry();
        Some((when, what))
    }
}
