//! Reconciliation beside a serving gateway: by its daily schedule, by hand, and by both at once over the same day.

use super::past::{Past, book, charge, payments, place, plant, store, today};
use super::reconcile::{KINDS, billed, day_of, paid, reconcile, unheard};
use crate::harness::client::send;
use crate::harness::process::Running;
use crate::harness::till::{Offer, id_of};
use crate::harness::{PATIENCE, World, until, within};
use serde_json::{Value, json};
use sluice_contract::Day;
use std::collections::{BTreeMap, BTreeSet};

/// Lets the schedule take the sandbox's accounts too, from the next start on.
fn compared_daily(world: &World) {
    crate::harness::world::edit(&world.dir, "channels.toml", |old| {
        old.lines().map(|line| if line.trim() == "sandbox = true" { "sandbox = true\nreconcile_daily = true\n" } else { line }.to_owned() + "\n").collect()
    });
}

/// The newest run of each account's day.
async fn runs(world: &World, day: Day) -> BTreeMap<String, Value> {
    let listed = world.ops.get(&format!("/ops/v1/discrepancies?day={day}&limit=100")).await.expect(200);
    listed["runs"].as_array().unwrap().iter().map(|run| (run["account"].as_str().unwrap().to_owned(), run.clone())).collect()
}

/// What is written down of an account's day: kind, number and status of each, and whether any is there twice.
async fn written(world: &World, account: &str, day: Day) -> (BTreeSet<(String, String, String)>, bool) {
    let listed = world.ops.get(&format!("/ops/v1/discrepancies?day={day}&account={account}&limit=100")).await.expect(200);
    let word = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
    let rows = listed["data"].as_array().unwrap();
    let set: BTreeSet<_> = rows.iter().map(|row| (word(row, "kind"), word(row, "channel_order_no"), word(row, "status"))).collect();
    let twice = set.len() != rows.len();
    (set, twice)
}

/// A gauge of an account, if it is told.
async fn gauge(world: &World, name: &str, account: &str) -> Option<i64> {
    let asked = world.demo.http.get(format!("{}/metrics", world.demo.base)).bearer_auth(&world.ops.token);
    let text = send(asked).await.unwrap().text();
    let begin = format!("{name}{{account=\"{account}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&begin)?.parse().ok())
}

struct Scene {
    world: World,
    offers: Vec<Offer>,
    /// A day whose bill is long ready.
    day: Day,
    /// In the channel's books, and waiting in ours, by account.
    lost: Vec<Past>,
    planted: BTreeMap<String, BTreeSet<(String, String)>>,
}

/// Two days ago every channel was paid forty times, and two of each kind of difference stand in its bill; WeChat was paid ten times more
/// that we never heard of. The gateway is down.
async fn two_days_ago() -> Scene {
    let world = World::plan().start();
    let (offers, day) = (billed(&world).await, today().plus(-2));
    let mut likes = Vec::new();
    for offer in &offers {
        likes.push(world.channel_number(id_of(&paid(&world, offer, 1_000).await)).await);
    }
    world.gateway(Running::kill);
    let (store, mut planted) = (store(&world).await, BTreeMap::new());
    let lost = payments(day, (50_000, 51_000), 10, 99);
    for (salt, (offer, like)) in offers.iter().zip(&likes).enumerate() {
        let made = payments(day, (20_000, 40_000), 40, u64::try_from(salt).unwrap() + 1);
        book(&store, offer, &made).await;
        charge(&world, offer, like, &made).await;
        let mut of_account = BTreeSet::new();
        for kind in KINDS {
            of_account.extend(plant(&world, offer, kind, 2, day).await.into_iter().map(|number| (kind.to_owned(), number)));
        }
        planted.insert(offer.account.clone(), of_account);
        if offer.channel == "wechat" {
            place(&store, offer, &lost).await;
            charge(&world, offer, like, &lost).await;
        }
    }
    Scene { world, offers, day, lost, planted }
}

impl Scene {
    /// Exactly what was planted is written down, each once and open, and what was lost is booked once and told once.
    async fn is_right(&self) {
        for (account, planted) in &self.planted {
            let (found, twice) = written(&self.world, account, self.day).await;
            let open: BTreeSet<_> = planted.iter().map(|(kind, number)| (kind.clone(), number.clone(), "open".to_owned())).collect();
            let standing: BTreeSet<_> = found.into_iter().filter(|(_, _, status)| status != "settled").collect();
            assert!(standing == open && !twice, "{account}: {standing:?} is not {open:?}");
        }
        for past in &self.lost {
            let id = past.order.to_string();
            let order = self.world.demo.until_status(&id, "paid").await;
            assert_eq!(order["paid_amount"], json!(past.amount), "{id}");
            let trail = self.world.demo.trail(&id).await;
            assert_eq!(trail.iter().filter(|kind| *kind == "order.paid").count(), 1, "{id}: {trail:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daily_schedule_compares_what_is_due_tells_the_gauges_and_books_what_was_lost() {
    let scene = two_days_ago().await;
    let (world, day) = (&scene.world, scene.day);
    compared_daily(world);
    world.restart();
    for offer in &scene.offers {
        let account = offer.account.as_str();
        let run = within(PATIENCE * 2, "the run of two days ago", || async { runs(world, day).await.remove(account) }).await;
        assert_eq!((&run["state"], &run["why"]), (&json!("done"), &Value::Null), "{run}");
        until("the gauge of what is open", || async { gauge(world, "sluice_discrepancies_open", account).await.filter(|open| *open == 12) }).await;
        let last_s = gauge(world, "sluice_bill_last_day_seconds", account).await.unwrap();
        assert!(last_s == day.start().0 || last_s == day.plus(1).start().0, "{account}: {last_s}");
        let age_s = gauge(world, "sluice_bill_age_seconds", account).await.unwrap();
        assert!((0..3 * 86_400).contains(&age_s), "{account}: {age_s}");
    }
    // What was missed before is made up for, and nothing is asked for before its time: bills of yesterday are ready at nine at the earliest.
    let before = within(PATIENCE * 2, "runs of three days ago", || async { Some(runs(world, day.plus(-1)).await).filter(|runs| runs.len() == 4) }).await;
    assert!(before.values().all(|run| run["state"] == "done" && run["rows"] == 0), "{before:?}");
    if crate::harness::unix_now() < today().start().0 + 8 * 3_600 {
        assert!(runs(world, day.plus(1)).await.is_empty());
    }
    assert_eq!(gauge(world, "sluice_bill_age_seconds", "icbc-main").await, None, "it gives no bills");
    scene.is_right().await;
    // A second look changes nothing: what is done is not due.
    let first = runs(world, day).await;
    world.kill_and_restart();
    until("the gauges after a restart", || gauge(world, "sluice_discrepancies_open", "wx-main")).await;
    assert_eq!(runs(world, day).await, first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schedule_and_two_commands_over_the_same_day_leave_each_row_once_and_book_what_was_lost_once() {
    let scene = two_days_ago().await;
    compared_daily(&scene.world);
    scene.world.restart();
    let (world, day) = (&scene.world, scene.day.to_string());
    std::thread::scope(|threads| {
        let accounts = scene.offers.iter().map(|offer| offer.account.as_str());
        for account in accounts.flat_map(|account| [account, account]) {
            let day = &day;
            threads.spawn(move || {
                let ran = reconcile(world, account, day);
                assert_eq!(ran.code, 3, "{account}: {}{}", ran.told, ran.stderr);
            });
        }
    });
    scene.is_right().await;
    for offer in &scene.offers {
        within(PATIENCE * 2, "the schedule's own run", || async { runs(world, scene.day).await.remove(&offer.account).filter(|run| run["state"] == "done") })
            .await;
    }
    scene.is_right().await;
}

/// The bill says that it was paid; the channel, asked, does not say so: nothing is booked on the bill's word alone.
#[tokio::test]
async fn what_the_channel_does_not_confirm_is_a_difference_and_is_not_booked() {
    let world = World::plan().start();
    for offer in billed(&world).await {
        let day = day_of(&paid(&world, &offer, 700).await);
        let unheard = unheard(&world, &offer).await;
        let number = world.channel_number(id_of(&unheard)).await;
        let ran = reconcile(&world, &offer.account, &day);
        let told = BTreeSet::from([("status".to_owned(), number.clone())]);
        assert_eq!((ran.code, ran.found(), &ran.told["accounts"][0]["repaired"]), (3, told, &json!([])), "{}: {}", offer.name(), ran.told);
        assert_eq!(world.demo.order(id_of(&unheard)).await["status"], "pending", "{}", offer.name());
        world.control.clear().await;
        world.demo.until_status(id_of(&unheard), "paid").await;
        reconcile(&world, &offer.account, &day).clean();
    }
}
