//! E1: a thousand orders at once against room for exactly a hundred. What fits is let in, never more, seen from outside all the while;
//! when they end, all the room is back. On PostgreSQL half of them go to a second node. `SLUICE_ROUNDS` rounds (1 if not said).

use crate::harness::client::{Answer, Merchant};
use crate::harness::limits::{Rule, all, books_hold, full, held, total, used, with_rules};
use crate::harness::postgres::on_postgres;
use crate::harness::world::Node;
use crate::harness::{World, order};
use futures_util::StreamExt;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const CROWD: usize = 1_000;
const FITS: i64 = 100;
/// Requests on their way at one time, each on a connection of its own.
const IN_FLIGHT: usize = 64;

fn rounds() -> usize {
    std::env::var("SLUICE_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// The gateway's doors: two of them on PostgreSQL.
struct Doors {
    world: World,
    node: Option<Node>,
}

impl Doors {
    fn open(rules: &[Rule]) -> Doors {
        let world = with_rules(rules).start();
        let node = on_postgres().then(|| world.node());
        Doors { world, node }
    }

    /// This merchant at the door whose turn it is.
    fn at(&self, merchant: &Merchant, turn: usize) -> Merchant {
        let second = self.node.as_ref().map(|node| node.demo.base.clone()).filter(|_| turn % 2 == 1);
        Merchant { base: second.unwrap_or_else(|| merchant.base.clone()), ..merchant.clone() }
    }

    /// All requests at once, while the limits are looked at again and again; the orders that were let in and those refused.
    async fn race(&self, requests: Vec<(Merchant, Value)>) -> (Vec<(Merchant, Value)>, Vec<(Value, Answer)>) {
        let done = AtomicBool::new(false);
        let racing = async {
            let sent = futures_util::stream::iter(requests.into_iter().enumerate().map(|(turn, (merchant, body))| {
                let merchant = self.at(&merchant, turn);
                async move {
                    let answer = merchant.post("/v1/orders", &body).await;
                    (merchant, body, answer)
                }
            }));
            let answers: Vec<_> = sent.buffer_unordered(IN_FLIGHT).collect().await;
            done.store(true, Ordering::Relaxed);
            answers
        };
        let looking = async {
            while !done.load(Ordering::Relaxed) {
                // Every look checks that no counter holds more than it may.
                all(&self.world).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let (answers, ()) = tokio::join!(racing, looking);
        let (taken, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, _, answer)| answer.status == 201);
        let taken = taken.into_iter().map(|(merchant, _, answer)| (merchant, answer.json)).collect();
        (taken, refused.into_iter().map(|(_, body, answer)| (body, answer)).collect())
    }

    /// Closes them all, each at the door it came in by.
    async fn close(&self, orders: Vec<(Merchant, Value)>) {
        let closing = futures_util::stream::iter(orders.into_iter().map(|(merchant, order)| async move {
            merchant.act(&format!("/v1/orders/{}/close", order["id"].as_str().unwrap())).await.expect(200);
        }));
        closing.buffer_unordered(16).collect::<()>().await;
    }
}

/// One measure: a hundred orders of a hundred fen each fit exactly.
async fn exactly_the_fitting_set(measure: &str) {
    let max = if measure == "amount" { FITS * 100 } else { FITS };
    let doors = Doors::open(&[Rule::new("race", &["account"], measure, "day").max(max)]);
    for round in 0..rounds() {
        let crowd = (0..CROWD).map(|_| (doors.world.demo.clone(), order("wechat_native", 100))).collect();
        let (taken, refused) = doors.race(crowd).await;
        assert_eq!((taken.len() as i64, refused.len() as i64), (FITS, CROWD as i64 - FITS), "round {round}");
        for (_, answer) in refused {
            full(answer, "race");
        }
        assert_eq!(used(&doors.world, "race", "wx-main").await, held(0, max, 0), "round {round}");
        books_hold(&doors.world).await;
        doors.close(taken).await;
        assert_eq!(used(&doors.world, "race", "wx-main").await, held(0, 0, 0), "round {round}");
        books_hold(&doors.world).await;
    }
    println!("{} races of {CROWD} orders for {FITS} places by {measure} judged: exactly {FITS} let in, all room back", rounds());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exactly_the_amounts_that_fit_are_let_in() {
    exactly_the_fitting_set("amount").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exactly_the_orders_that_fit_are_let_in() {
    exactly_the_fitting_set("count").await;
}

/// Two rules that overlap, with different room: the account's for 100 orders by amount, each of two merchants' for 60 by number, and
/// amounts of many sizes. An order is counted by both or by neither; what was refused would not have fitted.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_rules_are_taken_together_or_not_at_all() {
    const PER_MERCHANT: i64 = 60;
    let account = Rule::new("account", &["account"], "amount", "day").max(FITS * 100);
    let merchant = Rule::new("merchant", &["merchant"], "count", "day").max(PER_MERCHANT);
    let doors = Doors::open(&[account, merchant]);
    let (world, waves) = (&doors.world, 10);
    for round in 0..rounds() {
        let (mut open, mut refused) = (Vec::new(), Vec::new());
        for wave in 0..waves {
            let crowd = (0..CROWD / waves).map(|nth| {
                let merchant = if nth % 3 == 0 { &world.other } else { &world.demo };
                (merchant.clone(), order("wechat_native", 60 + (nth * 37 + wave * 11) as i64 % 81))
            });
            let (taken, turned_away) = doors.race(crowd.collect()).await;
            open.extend(taken);
            refused.extend(turned_away);
            // Between two waves nothing moves: both rules hold the same orders.
            let amount: i64 = open.iter().map(|(_, order)| order["amount"].as_i64().unwrap()).sum();
            let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
            open.iter().for_each(|(merchant, _)| *counts.entry(merchant.key_id.as_str()).or_default() += 1);
            assert_eq!(used(world, "account", "wx-main").await, held(0, amount, 0), "round {round}, wave {wave}");
            for (key, subject) in [("k_demo", "m_demo"), ("k_other", "m_other")] {
                let count = counts.get(key).copied().unwrap_or_default();
                assert_eq!(used(world, "merchant", subject).await, held(0, count, 0), "round {round}, wave {wave}");
            }
            books_hold(world).await;
        }
        // Room only shrank: whatever was refused by a rule has no room in it now either.
        let taken = total(world, "account").await.reserved;
        let room = [("k_demo", "m_demo"), ("k_other", "m_other")];
        let mut merchants_full = 0;
        for (_, subject) in room {
            merchants_full += i64::from(used(world, "merchant", subject).await.reserved == PER_MERCHANT);
        }
        assert!(!refused.is_empty());
        for (body, answer) in refused {
            match answer.json["limit"].as_str() {
                Some("account") => assert!(taken + body["amount"].as_i64().unwrap() > FITS * 100, "{body} would have fitted beside {taken}"),
                _ => assert!(merchants_full > 0, "{body} was refused for a merchant who has room"),
            }
            let rule = answer.json["limit"].as_str().unwrap_or_default().to_owned();
            full(answer, &rule);
        }
        doors.close(open).await;
        assert_eq!((total(world, "account").await, total(world, "merchant").await), (held(0, 0, 0), held(0, 0, 0)), "round {round}");
        books_hold(world).await;
    }
    println!("{} races of {CROWD} orders for two rules judged: none half taken, all room back", rounds());
}
