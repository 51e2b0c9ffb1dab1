//! The rows a batch works on: loaded and locked once, folded in memory, written back as one net row per key.

use super::command::{Audit, ClaimKey, Command, Kind, Nonce, Notice, Record};
use crate::domain::life::{Broken, Life};
use crate::domain::limit::{self, Counter, CounterKey, Counters, Entry, Touched};
use crate::domain::recon::{BillRun, Key, Stored};
use crate::domain::{Candidate, OrderId};
use serde_json::json;
use sluice_contract::{Day, Millis};
use std::collections::{BTreeMap, BTreeSet};

/// A merchant's number as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRow {
    /// The order's or refund's id.
    pub target: String,
    pub fingerprint: Vec<u8>,
}

/// Every key a batch names, each once and in order: the order in which an engine locks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    pub claims: BTreeSet<ClaimKey>,
    pub nonces: BTreeSet<Nonce>,
    pub orders: BTreeSet<OrderId>,
    pub notices: BTreeSet<String>,
    pub records: BTreeSet<(String, String)>,
    /// Counters, and for rolling windows the time up to which what was confirmed has left.
    pub counters: BTreeMap<CounterKey, Option<Millis>>,
    /// Accounts' days whose runs and discrepancies are wanted.
    pub bills: BTreeSet<(String, Day)>,
    /// Discrepancies by their ids.
    pub discrepancies: BTreeSet<String>,
}

impl Keys {
    #[must_use]
    pub fn of(batch: &[&Command]) -> Keys {
        let mut keys = Keys::default();
        for command in batch {
            keys.orders.extend(command.order_id().filter(|_| !matches!(command, Command::PlaceOrder { .. })).cloned());
            keys.nonces.extend(command.nonce().cloned());
            keys.claims.extend(claim_of(command));
            match command {
                Command::PlaceOrder { order, candidates, .. } => keys.reserve(candidates, order.created_at),
                Command::Choose { candidates, at, .. } => keys.reserve(candidates, *at),
                Command::TakePay { told, .. } => {
                    keys.reserve(&told.fallback, told.at);
                    keys.move_counters(&told.counters, told.at);
                }
                Command::TakeUndone { told, .. } => {
                    keys.reserve(&told.fallback, told.at);
                    keys.move_counters(&told.counters, told.at);
                }
                Command::TakeRefund { told, .. } => keys.move_counters(&told.counters, told.at),
                Command::Recount { key, .. } => {
                    keys.counters.entry(key.clone()).or_insert(None);
                }
                Command::TakeBill { run, .. } => {
                    // What is carried is written under the day after.
                    keys.bills.extend([run.day, run.day.plus(1)].map(|day| (run.account.clone(), day)));
                }
                Command::SettleDiscrepancy { id, .. } => {
                    keys.discrepancies.insert(id.clone());
                }
                Command::TakeDelivery { event_id, .. } | Command::Replay { event_id, .. } => {
                    keys.notices.insert(event_id.clone());
                }
                Command::PutRecords { records, .. } => {
                    keys.records.extend(records.iter().map(|r| (r.kind.clone(), r.id.clone())));
                }
                _ => {}
            }
        }
        keys
    }

    fn reserve(&mut self, candidates: &[Candidate], now: Millis) {
        for ask in candidates.iter().flat_map(|candidate| &candidate.asks) {
            ask.starts.iter().for_each(|start| self.counter(ask.hold.key(*start), ask.hold.window.rolling_ms(), now));
        }
    }

    fn move_counters(&mut self, counters: &[Touched], now: Millis) {
        counters.iter().for_each(|touched| self.counter(touched.key.clone(), touched.rolling_ms, now));
    }

    fn counter(&mut self, key: CounterKey, rolling_ms: Option<i64>, now: Millis) {
        let edge = rolling_ms.map(|ms| now.plus_ms(ms.saturating_neg()));
        let known = self.counters.entry(key).or_insert(edge);
        // One edge for a batch: a window never goes back.
        *known = edge.max(*known);
    }
}

/// The merchant's number a command claims.
#[must_use]
pub fn claim_of(command: &Command) -> Option<ClaimKey> {
    match command {
        Command::PlaceOrder { order, .. } => {
            Some(ClaimKey { merchant_id: order.merchant_id.clone(), kind: Kind::Order, number: order.merchant_order_no.clone() })
        }
        Command::RequestRefund { new, .. } => {
            let number = new.merchant_refund_no.clone()?;
            Some(ClaimKey { merchant_id: new.merchant_id.clone(), kind: Kind::Refund, number })
        }
        _ => None,
    }
}

/// An order as loaded and as it now stands; equal ones are not written.
#[derive(Clone, Debug)]
pub struct Held {
    pub before: Option<Life>,
    pub now: Life,
}

#[derive(Debug, Default)]
pub struct View {
    pub lives: BTreeMap<OrderId, Held>,
    pub claims: BTreeMap<ClaimKey, ClaimRow>,
    pub new_claims: BTreeSet<ClaimKey>,
    /// Used ones, by key id and nonce: the signed time does not make a nonce another one.
    pub used_nonces: BTreeSet<(String, String)>,
    pub new_nonces: Vec<Nonce>,
    pub notices: BTreeMap<String, Notice>,
    pub changed_notices: BTreeSet<String>,
    /// Records that exist.
    pub records: BTreeSet<(String, String)>,
    pub put_records: Vec<Record>,
    /// Counters as loaded (`None`: there was none) and as they now stand.
    pub counters: BTreeMap<CounterKey, (Option<Counter>, Counter)>,
    pub entries: Vec<Entry>,
    pub runs: BTreeMap<(String, Day), BillRun>,
    pub changed_runs: BTreeSet<(String, Day)>,
    pub discrepancies: BTreeMap<Key, Stored>,
    pub changed_discrepancies: BTreeSet<Key>,
    pub audits: Vec<Audit>,
}

impl View {
    /// A copy of one order to try a command on; kept only if the command succeeds.
    pub fn life(&mut self, id: &OrderId) -> Option<&mut Life> {
        self.lives.get_mut(id).map(|held| &mut held.now)
    }

    /// Takes a counter up as loaded. `left`: what was confirmed in a rolling window between its edge and `edge`, and above the limit of it.
    pub fn hold_counter(&mut self, key: CounterKey, loaded: Option<Counter>, edge: Option<Millis>, left: (i64, i64)) {
        let mut now = loaded.unwrap_or_default();
        if let Some(edge) = edge.filter(|edge| edge.0 > now.edge) {
            now.edge = edge.0;
            now.confirmed = now.confirmed.saturating_sub(left.0);
            now.overrun = now.overrun.saturating_sub(left.1);
        }
        self.counters.insert(key, (loaded, now));
    }

    /// A discrepancy as it is written down.
    pub fn hold_discrepancy(&mut self, stored: Stored) {
        self.discrepancies.insert(stored.key(), stored);
    }

    /// Writes a changed discrepancy.
    pub fn put_discrepancy(&mut self, stored: Stored) {
        self.changed_discrepancies.insert(stored.key());
        self.hold_discrepancy(stored);
    }

    /// Copies of some counters to try a command on.
    #[must_use]
    pub fn counters(&self, keys: impl IntoIterator<Item = CounterKey>) -> Counters {
        let known = |key: CounterKey| self.counters.get(&key).map(|(_, now)| (key, *now));
        Counters(keys.into_iter().filter_map(known).collect())
    }

    /// Moves the counters to what the changed order holds, all or nothing.
    pub fn settle(&mut self, before: Option<&Life>, after: &mut Life, at: Millis) -> Result<(), Broken> {
        let mut counters = self.counters(limit::settle::keys(before, after));
        let entries = limit::settle(before, after, &mut counters, at)?;
        for (key, now) in counters.0 {
            if let Some(held) = self.counters.get_mut(&key) {
                held.1 = now;
            }
        }
        for entry in entries.iter().filter(|entry| entry.key.holder.is_empty()) {
            let over = entry.share.over_reserved.saturating_add(entry.share.over_confirmed);
            if over <= 0 {
                continue;
            }
            after.event(at, "limit.overrun", json!({"limit": entry.key.limit, "attempt": entry.attempt_seq, "over": over}), None);
        }
        self.entries.extend(entries);
        Ok(())
    }
}
