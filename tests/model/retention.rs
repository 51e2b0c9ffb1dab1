//! Old orders are put away, and only those with nothing left to do; and nobody waits for it longer than a second.

use super::books::{Books, now, on_both_engines, runtime};
use super::store::{order, paid, place};
use crate::harness::postgres::Database;
use serde_json::json;
use sluice::config::PostgresUrl;
use sluice::domain::months::{Month, keep_from};
use sluice::domain::{Life, OrderId, OrderStatus};
use sluice::store::postgres::PostgresStore;
use sluice::store::{Answer, Command, Delivery, Outcome, Query, Store};
use sluice_contract::Millis;
use std::time::Duration;

/// Longer than anything that is kept.
const LATER_MS: i64 = 15 * 31 * 86_400_000;
const KEEP_MONTHS: u32 = 13;

on_both_engines! {
    only_what_is_over_and_old_is_put_away
}

fn at(nth: u128, created_at: Millis) -> Command {
    let (mut order, mut candidates) = order(nth);
    order.id = OrderId::new(created_at, nth.to_be_bytes());
    (order.created_at, order.expires_at) = (created_at, created_at.plus_s(900));
    candidates.iter_mut().for_each(|candidate| candidate.next_at = created_at.plus_s(5));
    Command::PlaceOrder { nonce: None, order: Box::new(order), candidates }
}

fn told(life: &Life) -> Command {
    let event_id = life.effects[0].event_id.clone();
    Command::TakeDelivery { event_id, delivery: Delivery::Done, at: life.order.created_at, note: json!({}) }
}

fn only_what_is_over_and_old_is_put_away(mut books: Books) {
    let old = order(1).0.created_at;
    let new = old.plus_ms(LATER_MS);
    let ids: Vec<OrderId> = (1..=5).map(|nth| OrderId::new(if nth == 5 { new } else { old }, u128::to_be_bytes(nth))).collect();
    assert!(
        books
            .apply(&(1..=4).map(|nth| at(nth, old)).chain([at(5, new)]).collect::<Vec<_>>().iter().collect::<Vec<_>>())
            .iter()
            .all(Result::is_ok)
    );
    // 1 and 2 are paid and told, 3 is paid and its notification waits, 4 waits for its payer, 5 is paid and told, and new.
    for nth in [0, 1, 2, 4] {
        let outcome = books.apply(&[&paid(&ids[nth], 10_000, old)]).remove(0).unwrap();
        let Outcome::Life(life) = outcome else { panic!("{outcome:?}") };
        assert_eq!((life.order.status(), life.wake_at()), (OrderStatus::Paid, None));
        if nth != 2 {
            assert!(books.apply(&[&told(&life)])[0].is_ok());
        }
    }
    let prune = Command::PruneOrders { before: keep_from(new, KEEP_MONTHS), limit: 200 };
    assert!(matches!(books.apply(&[&prune])[0], Ok(Outcome::Pruned(2))));
    assert!(matches!(books.apply(&[&prune])[0], Ok(Outcome::Pruned(0))));
    let kept: Vec<bool> = ids.iter().map(|id| books.life(id).unwrap().is_some()).collect();
    assert_eq!(kept, [false, false, true, true, true]);
    for id in &ids[..2] {
        assert!(matches!(books.answer(&Query::Events(id.clone())), Ok(Answer::Events(events)) if events.is_empty()));
        assert!(matches!(books.answer(&Query::NoticesOf(id.clone())), Ok(Answer::Notices(notices)) if notices.is_empty()));
    }
    assert!(matches!(books.answer(&Query::NoticesOf(ids[2].clone())), Ok(Answer::Notices(notices)) if notices.len() == 1));
}

async fn postgres() -> Option<(Database, PostgresStore)> {
    let database = Database::if_there_is_a_server()?;
    let url = PostgresUrl { config: database.url().parse().unwrap(), root_cert: None };
    let store = PostgresStore::open(&url, || panic!()).await.unwrap();
    Some((database, store))
}

async fn paid_and_told(store: &PostgresStore, nth: u128, created_at: Millis) -> OrderId {
    let Ok(Outcome::Placed(life)) = store.submit(at(nth, created_at)).await else { panic!("not placed") };
    let Ok(Outcome::Life(life)) = store.submit(paid(&life.order.id, 10_000, created_at)).await else { panic!("not paid") };
    store.submit(told(&life)).await.unwrap();
    life.order.id.clone()
}

async fn is_there(store: &PostgresStore, id: &OrderId) -> bool {
    matches!(store.read(Query::Life(id.clone())).await, Ok(Answer::Life(Some(_))))
}

/// A month lies in partitions of its own, stays while one order in it is open, and is then dropped as a whole, in turns that give way to
/// whoever reads or writes.
#[test]
fn a_month_is_dropped_when_everything_in_it_is_over() {
    runtime().block_on(async {
        let Some((database, store)) = postgres().await else { return println!("SKIPPED: SLUICE_POSTGRES names no server") };
        let today = now();
        // This month is just old enough, the next one not.
        let later = Month::of(today).plus(14).begins();
        let first = paid_and_told(&store, 1, today).await;
        let Ok(Outcome::Placed(open)) = store.submit(at(2, today)).await else { panic!("not placed") };
        assert_eq!(database.count("SELECT count(*) FROM orders_other"), 0, "they lie in their month");
        assert!(!store.keep_house(later, None).await.unwrap(), "everything is kept if nothing is said");
        assert!(!store.keep_house(later, Some(KEEP_MONTHS)).await.unwrap());
        assert!(!is_there(&store, &first).await, "it went alone: another order of its month is open");
        assert!(is_there(&store, &open.order.id).await);
        store.submit(paid(&open.order.id, 10_000, today)).await.unwrap();
        let Ok(Answer::Notices(notices)) = store.read(Query::NoticesOf(open.order.id.clone())).await else { panic!("no notices") };
        let delivered =
            Command::TakeDelivery { event_id: notices[0].event_id.clone(), delivery: Delivery::Done, at: today, note: json!({}) };
        store.submit(delivered).await.unwrap();
        let third = paid_and_told(&store, 3, today).await;

        // Somebody reads and does not end: the drop gives up, and a writer that came behind it waits less than a second.
        let (reader, connection) = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        reader.batch_execute("BEGIN; SELECT count(*) FROM orders").await.unwrap();
        let writing = async {
            for nth in 10..60 {
                let placed = tokio::time::timeout(Duration::from_secs(1), store.submit(at(nth, later))).await;
                assert!(matches!(placed, Ok(Ok(Outcome::Placed(_)))), "a writer waited for the drop: {placed:?}");
            }
        };
        let (house, ()) = tokio::join!(store.keep_house(later, Some(KEEP_MONTHS)), writing);
        assert!(house.is_err_and(|e| e.to_string().contains("statement timeout")));
        assert!(is_there(&store, &third).await);
        reader.batch_execute("COMMIT").await.unwrap();

        assert!(store.keep_house(later, Some(KEEP_MONTHS)).await.unwrap(), "a whole month went");
        assert!(!is_there(&store, &third).await && !is_there(&store, &open.order.id).await);
        let left = format!("SELECT count(*) FROM pg_class WHERE relname LIKE '%_{}'", Month::of(today).name());
        assert_eq!(database.count(&left), 0);
    });
}

/// The longest that a slice holds the one writer of SQLite.
#[test]
fn a_slice_of_sqlite_is_short() {
    let mut books = Books::sqlite().unwrap();
    let old = order(1).0.created_at;
    for from in [0, 200] {
        let placed = (from..from + 200).map(place).collect::<Vec<_>>();
        for outcome in books.apply(&placed.iter().collect::<Vec<_>>()) {
            let Ok(Outcome::Placed(life)) = outcome else { panic!("{outcome:?}") };
            let Ok(Outcome::Life(life)) = books.apply(&[&paid(&life.order.id, 10_000, old)]).remove(0) else { panic!("not paid") };
            assert!(books.apply(&[&told(&life)])[0].is_ok());
        }
    }
    let prune = Command::PruneOrders { before: keep_from(old.plus_ms(LATER_MS), KEEP_MONTHS), limit: 200 };
    let began = super::books::clock();
    assert!(matches!(books.apply(&[&prune])[0], Ok(Outcome::Pruned(200))));
    let took = super::books::clock() - began;
    println!("200 orders were put away in {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
}
