//! What the router remembers between orders: whose turn it is, who succeeds, who answers. One per process; nothing of it is needed to be
//! right about money, so it is not stored: a new process learns the recent past from the books.

use super::decision::Decision;
use super::health::Healths;
use super::sticky::{hash, mixed};
use super::success::{Reading, Taste, Window};
use super::turns::Turns;
use crate::domain::Name;
use sluice_contract::{Fen, Method, Millis};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub struct Memory {
    pub turns: Turns,
    pub health: Healths,
    /// By the hash of account and method.
    records: BTreeMap<u64, Recorded>,
}

/// How one account does with one method.
#[derive(Clone, Debug, Default)]
struct Recorded {
    whole: Window,
    /// By the size of the amount.
    bands: [Window; BANDS],
}

/// Bands of ten: below 1 yuan, below 10, below 100 … from 100,000 on.
const BANDS: usize = 7;
/// Accounts × methods that are kept. A platform has a few thousand.
const RECORDS_MAX: usize = 20_000;

impl Memory {
    /// A decision is acted on: its first tier's turn is taken, and an account that is being tried again is.
    pub fn begin(&mut self, decision: &Decision, now: Millis) {
        let Some(first) = decision.tiers.first() else { return };
        if let Some(turn) = &first.turn {
            self.turns.take(turn);
        }
        if let Some((_, line)) = decision.ranked().next() {
            self.health.probing(&line.account, now);
        }
    }

    /// What became of it: `served` is the account that took the order, if it was stored at all.
    pub fn settle(&mut self, decision: &Decision, served: Option<&str>) {
        let tier = served.and_then(|id| decision.ranked().find(|(_, line)| line.account == id)).map(|(tier, _)| tier);
        for (place, of) in decision.tiers.iter().enumerate() {
            let Some(turn) = &of.turn else { continue };
            if place == 0 {
                self.turns.settle(turn, served.filter(|_| tier == Some(0)));
            } else if tier == Some(place) {
                self.turns.take(turn);
                self.turns.settle(turn, served);
            }
        }
    }

    /// How an attempt ended, as far as that says something about its account.
    pub fn ended(&mut self, segment: Segment<'_>, good: bool, at: Millis, taste: &Taste) {
        let key = segment.key();
        if self.records.len() >= RECORDS_MAX && !self.records.contains_key(&key) {
            return;
        }
        let record = self.records.entry(key).or_default();
        record.whole.told(good, at.0, taste);
        if let Some(band) = record.bands.get_mut(segment.band()) {
            band.told(good, at.0, taste);
        }
    }

    /// What is known of an account and a method as a whole; `None`: nothing yet.
    #[must_use]
    pub fn of_method(&self, account: &Name, method: Method, now: Millis, taste: &Taste) -> Option<Reading> {
        let segment = Segment { account, method, amount: Fen::ZERO };
        self.records.get(&segment.key()).map(|record| record.whole.reading(now.0, taste))
    }

    /// What is known of a segment: the finer one where it has enough to say.
    #[must_use]
    pub fn reading(&self, segment: Segment<'_>, now: Millis, taste: &Taste) -> Reading {
        let Some(record) = self.records.get(&segment.key()) else { return Window::default().reading(now.0, taste) };
        let band = record.bands.get(segment.band()).map(|band| band.reading(now.0, taste));
        band.filter(|reading| reading.seen >= taste.seen_min).unwrap_or_else(|| record.whole.reading(now.0, taste))
    }
}

/// Orders that succeed or fail alike: one account, one method, one band of amounts.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    pub account: &'a Name,
    pub method: Method,
    pub amount: Fen,
}

impl Segment<'_> {
    fn key(&self) -> u64 {
        mixed(self.account.hash() ^ hash(&[self.method.word()]))
    }

    fn band(&self) -> usize {
        let digits = self.amount.0.max(1).ilog10();
        usize::try_from(digits.saturating_sub(1)).unwrap_or(usize::MAX).min(BANDS.saturating_sub(1))
    }
}
