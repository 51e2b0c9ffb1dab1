//! Two that write at once: two gateways over one PostgreSQL, or two tasks before the one writer of SQLite. Whatever they meet in, an
//! order, a number, a nonce, a lease, one of them is first and the other sees it.

use super::books::{runtime, sqlite_file};
use super::store::{nonce, order, paid, place, refund};
use crate::harness::postgres::Database;
use sluice::config::PostgresUrl;
use sluice::domain::{Life, OrderId};
use sluice::store::postgres::PostgresStore;
use sluice::store::sqlite::SqliteStore;
use sluice::store::{Answer, ClaimKey, Command, Kind, Outcome, Query, Store};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Two stores over the same books.
pub struct Pair {
    nodes: [Arc<dyn Store>; 2],
    _books: Box<dyn std::any::Any>,
}

fn sqlite() -> Option<Pair> {
    let file = sqlite_file();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&file.0.to_string_lossy(), || panic!("the writer panicked")).unwrap());
    Some(Pair { nodes: [Arc::clone(&store), store], _books: Box::new(file) })
}

async fn postgres() -> Option<Pair> {
    let database = Database::if_there_is_a_server()?;
    let url = PostgresUrl { config: database.url().parse().unwrap(), root_cert: None };
    // Both bring the schema up to date at once.
    let (one, other) = tokio::join!(PostgresStore::open(&url, || panic!()), PostgresStore::open(&url, || panic!()));
    Some(Pair { nodes: [Arc::new(one.unwrap()), Arc::new(other.unwrap())], _books: Box::new(database) })
}

impl Pair {
    /// Submits to both nodes in turn, all at once; the outcomes in that order.
    async fn at_once(&self, commands: Vec<Command>) -> Vec<Outcome> {
        let begun: Vec<_> = commands
            .into_iter()
            .enumerate()
            .map(|(at, command)| {
                let node = Arc::clone(&self.nodes[at % 2]);
                tokio::spawn(async move { node.submit(command).await })
            })
            .collect();
        let mut outcomes = Vec::new();
        for task in begun {
            outcomes.push(task.await.unwrap().unwrap());
        }
        outcomes
    }

    async fn life(&self, id: &OrderId) -> Option<Life> {
        match self.nodes[1].read(Query::Life(id.clone())).await.unwrap() {
            Answer::Life(life) => life.map(|life| *life),
            other => panic!("{other:?}"),
        }
    }
}

macro_rules! on_both {
    ($($test:ident)+) => {
        mod on_sqlite {
            $(#[test] fn $test() { super::runtime().block_on(super::$test(super::sqlite().unwrap())); })+
        }
        mod on_postgres {
            $(#[test] fn $test() {
                super::runtime().block_on(async {
                    match super::postgres().await {
                        Some(pair) => super::$test(pair).await,
                        None => println!("SKIPPED: SLUICE_POSTGRES names no server"),
                    }
                });
            })+
        }
    };
}

on_both! {
    two_commands_on_one_order_see_each_other
    a_number_sent_to_two_nodes_names_one_order
    a_refund_number_sent_to_two_nodes_names_one_refund
    a_nonce_is_used_once
    no_order_is_leased_twice
}

/// 100 refunds of 3 % each on two nodes: 33 fit, and what was paid is booked once however often it is told.
async fn two_commands_on_one_order_see_each_other(pair: Pair) {
    let (placed, _) = order(1);
    let (id, at) = (placed.id.clone(), placed.created_at.plus_s(1));
    pair.at_once(vec![place(1)]).await;
    pair.at_once((0..20).map(|_| paid(&id, 10_000, at)).collect()).await;
    let outcomes = pair.at_once((0..100).map(|nth| refund(&id, &format!("F{nth}"), 300, at)).collect()).await;
    let created = outcomes.iter().filter(|o| matches!(o, Outcome::RefundCreated { .. })).count();
    let life = pair.life(&id).await.unwrap();
    assert_eq!((created, life.refunds.len(), life.attempts[0].refunding.0), (33, 33, 9_900));
    let events = match pair.nodes[0].read(Query::NoticesOf(id.clone())).await.unwrap() {
        Answer::Notices(notices) => notices.iter().filter(|n| n.kind == "order.paid").count(),
        other => panic!("{other:?}"),
    };
    assert_eq!(events, 1);
}

/// Each number goes to both nodes at once, once with the same content and once with another.
async fn a_number_sent_to_two_nodes_names_one_order(pair: Pair) {
    let twin = |nth: u128, other_content: bool| {
        let (mut twin, candidates) = order(nth + 1_000);
        twin.merchant_order_no = format!("M{nth}");
        if other_content {
            twin.fingerprint = vec![2; 32];
        }
        Command::PlaceOrder { nonce: None, order: Box::new(twin), candidates }
    };
    for other_content in [false, true] {
        let numbers = if other_content { 100..200 } else { 0..100_u128 };
        let outcomes = pair.at_once(numbers.clone().flat_map(|nth| [place(nth), twin(nth, other_content)]).collect()).await;
        for (nth, both) in numbers.zip(outcomes.chunks(2)) {
            let (winner, loser) = if matches!(both[0], Outcome::Placed(_)) { (&both[0], &both[1]) } else { (&both[1], &both[0]) };
            let Outcome::Placed(life) = winner else { panic!("neither was placed: {both:?}") };
            let id = life.order.id.to_string();
            match loser {
                Outcome::Replayed { target } => assert!(!other_content && *target == id, "{both:?}"),
                Outcome::Conflict { target } => assert!(other_content && *target == id, "{both:?}"),
                other => panic!("{other:?}"),
            }
            let key = ClaimKey { merchant_id: "m1".into(), kind: Kind::Order, number: format!("M{nth}") };
            assert!(matches!(pair.nodes[0].read(Query::Claim(key)).await, Ok(Answer::Claim(Some(target))) if target == id));
            let stored = [order(nth).0.id, order(nth + 1_000).0.id];
            assert_eq!((pair.life(&stored[0]).await.is_some() as u8) + (pair.life(&stored[1]).await.is_some() as u8), 1);
        }
    }
}

async fn a_refund_number_sent_to_two_nodes_names_one_refund(pair: Pair) {
    let (placed, _) = order(1);
    let (id, at) = (placed.id.clone(), placed.created_at.plus_s(1));
    pair.at_once(vec![place(1)]).await;
    pair.at_once(vec![paid(&id, 10_000, at)]).await;
    for nth in 0..20 {
        let number = format!("F{nth}");
        let outcomes = pair.at_once((0..20).map(|_| refund(&id, &number, 100, at)).collect()).await;
        let created = outcomes.iter().filter(|o| matches!(o, Outcome::RefundCreated { .. })).count();
        let replayed = outcomes.iter().filter(|o| matches!(o, Outcome::Replayed { .. })).count();
        assert_eq!((created, replayed), (1, 19), "{outcomes:?}");
    }
    assert_eq!(pair.life(&id).await.unwrap().attempts[0].refunding.0, 2_000);
}

async fn a_nonce_is_used_once(pair: Pair) {
    for nth in 0..50 {
        let used = Command::UseNonce { nonce: nonce(&format!("n{nth}"), 1_000) };
        let outcomes = pair.at_once(vec![used.clone(), used.clone(), used.clone(), used]).await;
        assert_eq!(outcomes.iter().filter(|o| matches!(o, Outcome::Done)).count(), 1, "{outcomes:?}");
    }
}

async fn no_order_is_leased_twice(pair: Pair) {
    pair.at_once((0..200).map(place).collect()).await;
    let now = order(1).1[0].next_at;
    let mut seen = BTreeSet::new();
    for _ in 0..10 {
        let claims = (0..8).map(|_| Command::ClaimOrders { now, limit: 7, lease_until: now.plus_s(40) });
        for outcome in pair.at_once(claims.collect()).await {
            let Outcome::Orders(ids) = outcome else { panic!("{outcome:?}") };
            for id in ids {
                assert!(seen.insert(id.clone()), "{id} was leased twice");
            }
        }
    }
    assert_eq!(seen.len(), 200);
}
