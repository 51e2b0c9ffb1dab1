//! Past orders under other rules: shares, cost, refusals.

use super::routing::{put, rule};
use super::stage::{Stage, account, order, stage};
use crate::domain::fee::Tariff;
use crate::domain::life::Life;
use crate::domain::route::{Dropped, Rule, Strategy};
use crate::domain::when::When;
use crate::flow::replay::{Replay, Row, Side, Tally};
use crate::flow::{Account, Directory, open_pay_order};
use crate::store::{Answer, OrderFilter, Query};
use sluice_contract::Fen;
use std::sync::Arc;

const ORDERS: usize = 50;

/// Fifty orders of 100.00 yuan at `wx-main`, every fifth of them paid.
async fn past(stage: &Stage) -> Vec<Life> {
    stage.direct(|directory| put(directory, vec![priced("wx-main", "0.006")], Vec::new()));
    for number in 0..ORDERS {
        stage.says("waiting");
        let body =
            order(&format!("SO-{number}")).replace("1280", "10000").replace("}", &format!(r#","payer":{{"customer_id":"c{number}"}}}}"#));
        let placed = stage.post("/v1/orders", &body).await.json();
        if number % 5 == 0 {
            stage.says("paid");
            let synced = stage.post(&format!("/v1/orders/{}/sync", placed["id"].as_str().unwrap()), "").await;
            assert_eq!(synced.json()["status"], "paid");
        }
    }
    let filter = OrderFilter { limit: 100, ..OrderFilter::default() };
    let Ok(Answer::Lives(lives)) = stage.app.gateway.store.read(Query::Orders(filter)).await else { panic!("no orders") };
    lives.into_iter().rev().collect()
}

fn priced(id: &str, rate: &str) -> Account {
    Account { fee: Tariff::flat(rate), ..account(id) }
}

fn replayed(stage: &Stage, lives: &[Life], accounts: Vec<Account>, rules: Vec<Rule>) -> (Tally, Vec<Row>) {
    stage.direct(|directory| put(directory, accounts, rules));
    let directory: Arc<Directory> = stage.app.gateway.directory.load_full();
    let mut replay = Replay::new(&directory);
    for life in lives {
        replay.take(life, open_pay_order(&stage.app.gateway.sealer, &life.order.sealed).ok().as_ref());
    }
    (replay.tally.clone(), replay.tally.rows(&directory))
}

const fn side(orders: u64, fee_fen: i64) -> Side {
    Side { orders, fee_fen, no_fee: 0 }
}

#[tokio::test]
async fn half_of_all_orders_would_have_gone_to_the_other_account() {
    let stage = stage();
    let lives = past(&stage).await;
    assert_eq!(lives.len(), ORDERS);
    let accounts = || vec![priced("wx-main", "0.006"), priced("wx-b", "0.002")];
    let (tally, rows) = replayed(&stage, &lives, accounts(), vec![rule(Strategy::RoundRobin, &[("wx-main", 1), ("wx-b", 1)])]);
    assert_eq!((tally.orders, tally.changed, tally.refused.len()), (50, 25, 0));
    let [main, other] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((main.then, main.new.orders, other.then, other.new.orders), (side(50, 600), 25, side(0, 0), 25));
    assert_eq!((main.success_then, main.success_new_ppm, other.success_new_ppm, other.unseen), ((10, 10), Some(1_000_000), None, 25));
    // Ten were paid: 60 fen each here, 20 there.
    assert_eq!(main.new.fee_fen / 60 + other.new.fee_fen / 20, 10);
    let (again, same) = replayed(&stage, &lives, accounts(), vec![rule(Strategy::RoundRobin, &[("wx-main", 1), ("wx-b", 1)])]);
    assert_eq!((again.changed, same), (25, rows));
    // The cheapest takes all; an account that is gone keeps its past.
    let (tally, rows) = replayed(&stage, &lives, accounts(), vec![rule(Strategy::LeastCost, &[])]);
    assert_eq!((tally.changed, rows[0].new, rows[1].new), (50, side(0, 0), side(50, 200)));
    let (_, rows) = replayed(&stage, &lives, vec![priced("wx-b", "0.002")], Vec::new());
    assert_eq!(
        rows.iter().map(|row| (row.account.as_str(), row.then.orders, row.new.orders)).collect::<Vec<_>>(),
        [("wx-b", 0, 50), ("wx-main", 50, 0)]
    );
}

#[tokio::test]
async fn orders_that_no_account_would_take_are_told_with_the_reason() {
    let stage = stage();
    let lives = past(&stage).await;
    let small = Account { amount_max: Some(Fen(9_999)), ..priced("wx-main", "0.006") };
    let (tally, rows) = replayed(&stage, &lives, vec![small, Account { methods: Vec::new(), ..account("wx-b") }], Vec::new());
    assert_eq!(tally.refused.into_iter().collect::<Vec<_>>(), [(vec![Dropped::AmountOutOfRange], 50)]);
    assert_eq!((tally.refused_paid, tally.changed, rows[0].new), (10, 0, side(0, 0)));
}

/// What the merchant told of the payer is sealed with the order and still decides.
#[tokio::test]
async fn a_rule_about_the_payer_is_asked_of_what_was_sealed() {
    let stage = stage();
    let lives = past(&stage).await;
    let picky = || Rule { when: When::parse(r#"payer.customer_id == "c7""#).unwrap(), ..rule(Strategy::Priority, &[("wx-b", 1)]) };
    let (tally, rows) = replayed(&stage, &lives, vec![priced("wx-main", "0.006"), priced("wx-b", "0.002")], vec![picky()]);
    assert_eq!((tally.changed, rows[1].new.orders), (1, 1));
    let directory = stage.app.gateway.directory.load_full();
    let mut blind = Replay::new(&directory);
    lives.iter().for_each(|life| blind.take(life, None));
    assert_eq!((blind.tally.orders, blind.tally.changed), (50, 0));
}
