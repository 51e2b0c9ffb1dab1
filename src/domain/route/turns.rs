//! Turns (轮询): smooth weighted round robin. Every order gives each account its weight in credit, and who serves pays the sum of all
//! weights. Whole cycles are exact, and no account is ever a whole order away from its share of the orders so far: among those that are
//! owed something whoever must be served soonest goes first (Tijdeman's rule for the chairman assignment problem). Where the richest
//! simply goes first, as is usual, many small accounts beside two large ones wait for more than an order.
//!
//! Each set of accounts that can serve takes its own turns: shares are exact among those who are there. A turn is taken when it is
//! decided, so that two orders at once get two turns, and put right when another account served the order in the end, or none did.

use crate::domain::Name;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An account that had no room for its turns gets so many orders of them back; what it missed beyond that is the others' for good. Else a
/// day on which its limit was used up would be followed by one on which it takes every order.
const CATCH_UP_MAX: i64 = 10;
/// More sets than a sane configuration has; the ones not used for longest go first.
const ROWS_MAX: usize = 4_096;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    rows: BTreeMap<u64, Row>,
    clock: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    of: Arc<[(Name, u32)]>,
    credit: Vec<i64>,
    used: u64,
}

/// One order's turn: which account has it, among which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Names the rule, the accounts and their weights.
    pub key: u64,
    /// Accounts with their weights, in the rule's order.
    pub of: Arc<[(Name, u32)]>,
    /// Whose turn it is, by its place in `of`.
    pub picked: usize,
}

impl Turns {
    /// What each would have to its credit now, before anybody pays.
    #[must_use]
    pub fn credits(&self, key: u64, of: &[(Name, u32)]) -> Vec<i64> {
        let known = self.rows.get(&key).map_or(&[][..], |row| &row.credit);
        let credit =
            |(place, (_, weight)): (usize, &(Name, u32))| known.get(place).copied().unwrap_or_default().saturating_add(i64::from(*weight));
        of.iter().enumerate().map(credit).collect()
    }

    /// The accounts of a key with their weights, if they have taken turns before.
    #[must_use]
    pub fn among(&self, key: u64) -> Option<Arc<[(Name, u32)]>> {
        self.rows.get(&key).map(|row| Arc::clone(&row.of))
    }

    /// Whose turn it is, and who comes after: places in `of`, by what everybody has to his credit.
    #[must_use]
    pub fn in_order(credits: &[i64], of: &[(Name, u32)]) -> Vec<usize> {
        let weight = |at: usize| of.get(at).map_or(0, |(_, weight)| i128::from(*weight));
        let total: i128 = (0..of.len()).map(weight).sum();
        let scale = i128::try_from(of.len()).unwrap_or(i128::MAX).saturating_mul(2).saturating_sub(2);
        let owed = |at: usize| credits.get(at).map_or(0, |credit| i128::from(*credit)).saturating_mul(scale);
        // How far it is from having to be served, in orders by its weight.
        let slack = |at: usize| scale.saturating_sub(1).saturating_mul(total).saturating_sub(owed(at));
        let mut order: Vec<usize> = (0..of.len()).collect();
        order.sort_by(|a, b| {
            let soonest = slack(*a).saturating_mul(weight(*b)).cmp(&slack(*b).saturating_mul(weight(*a)));
            (owed(*a) < total).cmp(&(owed(*b) < total)).then(soonest)
        });
        order
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
        let weight = |place: usize| turn.of.get(place).map_or(0, |(_, weight)| i64::from(*weight));
        let total: i64 = (0..turn.of.len()).map(weight).sum();
        let back = |place: usize, credit: i64| credit.saturating_add(if place == turn.picked { total } else { 0 });
        let known = self.rows.get(&turn.key).map_or(&[][..], |row| &row.credit);
        // Whoever has that much to catch up is not there: it neither gains by this order nor pays for it.
        let is_away = |place: usize, credit: i64| {
            served.is_some_and(|served| served != place) && back(place, credit) >= total.saturating_mul(CATCH_UP_MAX)
        };
        let away: i64 = known.iter().enumerate().filter(|(place, credit)| is_away(*place, **credit)).map(|(place, _)| weight(place)).sum();
        self.change(turn, |place, credit| {
            let given = if served.is_none() || is_away(place, credit) { weight(place) } else { 0 };
            let paid = if served == Some(place) { total.saturating_sub(away) } else { 0 };
            back(place, credit).saturating_sub(given).saturating_sub(paid)
        });
    }

    fn change(&mut self, turn: &Turn, to: impl Fn(usize, i64) -> i64) {
        self.clock = self.clock.saturating_add(1);
        if self.rows.len() >= ROWS_MAX && !self.rows.contains_key(&turn.key) {
            let oldest = self.rows.iter().min_by_key(|(_, row)| row.used).map(|(key, _)| *key);
            oldest.map(|key| self.rows.remove(&key));
        }
        let row = self.rows.entry(turn.key).or_insert_with(|| Row { of: Arc::clone(&turn.of), credit: vec![0; turn.of.len()], used: 0 });
        row.used = self.clock;
        for (place, credit) in row.credit.iter_mut().enumerate() {
            *credit = to(place, *credit);
        }
    }
}
