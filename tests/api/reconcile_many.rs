//! E7 of the catalogue: a bill of many rows with six kinds of difference, one in a hundred of each, through the store and `sluice
//! reconcile`. All are found, none is invented, in time, and a second run changes nothing.
//!
//! `SLUICE_BILL_ROWS=100000` for the figure, `SLUICE_CHANNEL=…` for one channel.

use super::past::{book, charge, payments, plant, store, today};
use super::reconcile::{KINDS, Ran, billed, paid, reconcile};
use crate::harness::World;
use crate::harness::process::Running;
use crate::harness::till::{Offer, id_of};
use crate::model::books::clock;
use serde_json::Value;
use sluice::store::{Answer, DiscrepancyFilter, Query, Store};
use std::collections::BTreeSet;
use std::sync::Arc;

const ROWS: usize = 2_000;
/// How long a day may take.
const LIMIT_S: u64 = 60;

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Everything written down of an account, but when it was last looked at.
async fn written(store: &Arc<dyn Store>, account: &str) -> Vec<String> {
    let filter = DiscrepancyFilter { account: Some(account.to_owned()), limit: 1_000_000, ..DiscrepancyFilter::default() };
    match store.read(Query::Discrepancies(filter)).await.unwrap() {
        Answer::Discrepancies(all) => all.iter().map(|one| format!("{:?} {} {:?}", one.found, one.first_seen.0, one.settled_by)).collect(),
        other => panic!("{other:?}"),
    }
}

fn told<'a>(ran: &'a Ran, field: &str) -> &'a Value {
    &ran.told["accounts"][0][field]
}

/// One channel's day; the number of differences planted. `like`: a payment that was made there.
async fn judge(world: &World, store: &Arc<dyn Store>, offer: &Offer, like: &str, salt: u64) -> usize {
    let rows = setting("SLUICE_BILL_ROWS").map_or(ROWS, |rows| rows.parse().unwrap());
    let each = rows / 100;
    let day = today().plus(-1);
    // Up to the last second of the channel's day: what lies near the cut is no difference.
    let last_s = if offer.channel == "unionpay" { 82_800 } else { 86_400 };
    let made = payments(day, (600, last_s), rows, salt);
    book(store, offer, &made).await;
    charge(world, offer, like, &made).await;
    let mut planted = BTreeSet::new();
    for kind in KINDS {
        planted.extend(plant(world, offer, kind, each, day).await.into_iter().map(|number| (kind.to_owned(), number)));
    }
    assert_eq!(planted.len(), 6 * each);
    let started = clock();
    let first = reconcile(world, &offer.account, &day.to_string());
    let took = started.elapsed();
    let found = first.found();
    let (missed, invented) = (planted.difference(&found).count(), found.difference(&planted).count());
    let name = format!("E7 {}: {rows} payments, {} planted, {missed} missed, {invented} invented", offer.channel, planted.len());
    println!("{name}, {} ms", took.as_millis());
    assert_eq!((first.code, missed, invented), (3, 0, 0), "{name}: {}{}", told(&first, "state"), first.stderr);
    // Nothing else differs: of ours, all but the five kinds that are on a payment of ours agree.
    assert_eq!(told(&first, "matched"), &Value::from(rows - 5 * each), "{name}");
    assert!(took.as_secs() <= LIMIT_S, "{name}: {took:?}");
    let before = written(store, &offer.account).await;
    let again = reconcile(world, &offer.account, &day.to_string());
    assert_eq!((again.code, again.found().len()), (3, 6 * each));
    assert_eq!(written(store, &offer.account).await, before, "{name}: a rerun changes nothing");
    planted.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_kinds_at_one_per_cent_each_are_all_found_and_none_is_invented_and_a_rerun_changes_nothing() {
    let world = World::plan().start();
    let (only, mut likes, mut planted) = (setting("SLUICE_CHANNEL"), Vec::new(), 0);
    for offer in billed(&world).await {
        if only.as_deref().is_none_or(|only| only == offer.channel) {
            let like = world.channel_number(id_of(&paid(&world, &offer, 1_000).await)).await;
            likes.push((offer, like));
        }
    }
    // Nobody but the test writes in the books: an order that waits there would be asked about.
    world.gateway(Running::kill);
    let store = store(&world).await;
    for (salt, (offer, like)) in likes.iter().enumerate() {
        planted += judge(&world, &store, offer, like, u64::try_from(salt).unwrap() + 1).await;
    }
    println!("E7: {planted} planted, all found, none invented");
}
