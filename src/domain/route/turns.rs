//! Turns (轮询): smooth weighted round robin. Every order gives each account its weight in credit, the richest serves and pays the sum of
//! all weights. Whole cycles are exact, and no account is ever a whole order away from its share of the orders so far.
//!
//! Each set of accounts that can serve takes its own turns: shares are exact among those who are there. A turn is taken when it is
//! decided, so that two orders at once get two turns, and put right when another account served the order in the end, or none did.

use std::collections::BTreeMap;

/// More sets than a sane configuration has; the ones not used for longest go first.
const ROWS_MAX: usize = 4_096;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    rows: BTreeMap<u64, Row>,
    clock: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    credit: Vec<i64>,
    used: u64,
}

/// One order's turn: which account has it, among which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Names the rule, the accounts and their weights.
    pub key: u64,
    /// Accounts with their weights, in the rule's order.
    pub of: Vec<(String, u32)>,
    /// Whose turn it is, by its place in `of`.
    pub picked: usize,
}

impl Turns {
    /// What each would have to its credit now, before anybody pays.
    #[must_use]
    pub fn credits(&self, key: u64, of: &[(String, u32)]) -> Vec<i64> {
        let known = self.rows.get(&key).map_or(&[][..], |row| &row.credit);
        let credit = |(place, (_, weight)): (usize, &(String, u32))| {
            known.get(place).copied().unwrap_or_default().saturating_add(i64::from(*weight))
        };
        of.iter().enumerate().map(credit).collect()
    }

    /// Takes the turn.
    pub fn take(&mut self, turn: &Turn) {
        let weights: Vec<i64> = turn.of.iter().map(|(_, weight)| i64::from(*weight)).collect();
        self.change(turn, |place, credit| {
            let paid = if place == turn.picked { weights.iter().sum() } else { 0 };
            credit.saturating_add(weights.get(place).copied().unwrap_or_default()).saturating_sub(paid)
        });
    }

    /// Puts a taken turn right: `served` is who served the order, `None`: it was never made, or somebody else served it.
    pub fn settle(&mut self, turn: &Turn, served: Option<&str>) {
        let served = served.and_then(|id| turn.of.iter().position(|(account, _)| account == id));
        if served == Some(turn.picked) {
            return;
        }
        let total: i64 = turn.of.iter().map(|(_, weight)| i64::from(*weight)).sum();
        self.change(turn, |place, credit| {
            let back = if place == turn.picked { total } else { 0 };
            let given = if served.is_none() { turn.of.get(place).map_or(0, |(_, weight)| i64::from(*weight)) } else { 0 };
            let paid = if served == Some(place) { total } else { 0 };
            credit.saturating_add(back).saturating_sub(given).saturating_sub(paid)
        });
    }

    fn change(&mut self, turn: &Turn, to: impl Fn(usize, i64) -> i64) {
        self.clock = self.clock.saturating_add(1);
        if self.rows.len() >= ROWS_MAX && !self.rows.contains_key(&turn.key) {
            let oldest = self.rows.iter().min_by_key(|(_, row)| row.used).map(|(key, _)| *key);
            oldest.map(|key| self.rows.remove(&key));
        }
        let row = self.rows.entry(turn.key).or_insert_with(|| Row { credit: vec![0; turn.of.len()], used: 0 });
        row.used = self.clock;
        for (place, credit) in row.credit.iter_mut().enumerate() {
            *credit = to(place, *credit);
        }
    }
}
