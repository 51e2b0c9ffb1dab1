//! Which edges of the transition tables the worlds take, counted by the watch at every commit. No channel can take all: one that confirms
//! every close abandons nothing. All of them together must.

use super::setting;
use sluice::domain::{AttemptStatus, OrderStatus, RefundStatus};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// Every edge that may ever be stored, in the words of the watch.
fn every_edge() -> BTreeSet<String> {
    let edge = |of: &str, from: &str, to: &str| format!("{of} {from} -> {to}");
    let orders = OrderStatus::EDGES.iter().map(|(from, to)| edge("order", from.word(), to.word()));
    let attempts = AttemptStatus::EDGES.iter().map(|(from, to)| edge("attempt", from.word(), to.word()));
    let refunds = RefundStatus::EDGES.iter().map(|(from, to)| edge("refund", from.word(), to.word()));
    orders.chain(attempts).chain(refunds).collect()
}

/// What no world takes, and why.
const NEVER: &[(&str, &str)] = &[(
    "attempt reversed -> succeeded",
    "needs a channel that charges a code minutes after it never heard of it: the pretend ones let codes die before; src/domain/tests has it",
)];

/// What each channel's worlds have taken in this run.
static TAKEN: Mutex<BTreeMap<String, BTreeSet<String>>> = Mutex::new(BTreeMap::new());

/// Prints what a channel's worlds took, and, when it is the last of all channels, judges all of them together.
pub fn report(channel: &str, seen: &BTreeMap<String, u64>) {
    let every = every_edge();
    let taken: BTreeSet<String> = every.iter().filter(|edge| seen.contains_key(*edge)).cloned().collect();
    println!("{channel}: edges taken {} of {}, not taken: {:?}", taken.len(), every.len(), every.difference(&taken).collect::<Vec<_>>());
    let of_all = {
        let mut all = TAKEN.lock().unwrap();
        all.insert(channel.to_owned(), taken);
        (all.len() == sluice::channels::CHANNELS.len()).then(|| all.values().flatten().cloned().collect::<BTreeSet<_>>())
    };
    // Asked for a few seeds, nobody expects everything of them.
    let Some(of_all) = of_all else { return };
    let is_possible = |edge: &&String| NEVER.iter().all(|(never, _)| never != edge);
    let missing: Vec<_> = every.difference(&of_all).filter(is_possible).collect();
    println!("all channels: edges taken {} of {}, not taken: {missing:?}, never: {NEVER:?}", of_all.len(), every.len());
    assert!(missing.is_empty() || setting("SLUICE_SEEDS").is_some(), "no world of any channel takes {missing:?}");
}
