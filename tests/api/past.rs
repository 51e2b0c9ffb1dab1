//! Days of the past, put into the books and into the channel's at once: no test waits for a hundred thousand payers. The books get them
//! through the store's own commands, the channel by its simulator's hook `more`.

use crate::harness::World;
use crate::harness::till::Offer;
use serde_json::json;
use sluice::boot;
use sluice::config::{PostgresUrl, StoreUrl};
use sluice::domain::{Candidate, OrderId};
use sluice::store::{Command, Outcome, Store};
use sluice_contract::{Day, Fen, Millis, Second};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Commands that wait for the store at once; payments in one call of the hook.
const AT_ONCE: usize = 400;
const IN_ONE_CALL: usize = 5_000;

/// A payment of a past day.
#[derive(Clone, Debug)]
pub struct Past {
    pub order: OrderId,
    pub amount: i64,
    pub at: Millis,
}

impl Past {
    pub fn number(&self) -> String {
        self.order.attempt_number(1)
    }
}

/// Today's day at the channels.
pub fn today() -> Day {
    Second(crate::harness::unix_now()).day()
}

/// So many payments, spread evenly between two seconds of a day; `salt` keeps the numbers of two calls apart.
pub fn payments(day: Day, (from_s, to_s): (i64, i64), count: usize, salt: u64) -> Vec<Past> {
    let (from_ms, span_ms) = (day.start().plus(from_s).millis(), (to_s - from_s) * 1000);
    let one = |nth: usize| {
        let place = i64::try_from(nth).unwrap();
        let at = from_ms.plus_ms(span_ms * place / i64::try_from(count).unwrap());
        let unique = (u128::from(salt) << 32) | u128::try_from(nth).unwrap();
        Past { order: OrderId::new(at, unique.to_be_bytes()), amount: 100 + place * 7_919 % 1_000_003, at }
    };
    (0..count).map(one).collect()
}

/// The books of a world, beside its gateway or without.
pub async fn store(world: &World) -> Arc<dyn Store> {
    let url = match &world.database {
        Some(database) => StoreUrl::Postgres(Box::new(PostgresUrl { config: database.url().parse().unwrap(), root_cert: None })),
        None => StoreUrl::Sqlite(world.dir.join("sluice.sqlite")),
    };
    boot::open(&url, || {}).await.unwrap()
}

/// Submits them, some at a time; every one must be carried out.
async fn submit(store: &Arc<dyn Store>, commands: Vec<Command>) {
    let mut waiting = JoinSet::new();
    for command in commands {
        if waiting.len() >= AT_ONCE {
            waiting.join_next().await.unwrap().unwrap();
        }
        let store = Arc::clone(store);
        waiting.spawn(async move {
            let outcome = store.submit(command).await.unwrap();
            assert!(matches!(outcome, Outcome::Life(_) | Outcome::Placed(_)), "{outcome:?}");
        });
    }
    while let Some(done) = waiting.join_next().await {
        done.unwrap();
    }
}

/// Places them in the books, waiting for their payers, as orders of the demo merchant at an account.
pub async fn place(store: &Arc<dyn Store>, offer: &Offer, payments: &[Past]) {
    let (order, candidates) = crate::world::draft(false);
    let command = |past: &Past| {
        let mut order = order.clone();
        (order.id, order.created_at) = (past.order.clone(), past.at.plus_s(-2));
        order.expires_at = past.at.plus_s(3_600);
        (order.merchant_id, order.merchant_order_no) = ("m_demo".into(), past.order.to_string());
        (order.amount, order.channel) = (Fen(past.amount), offer.channel.clone());
        let candidate = Candidate { account: offer.account.clone(), channel: offer.channel.clone(), ..candidates[0].clone() };
        Command::PlaceOrder { nonce: None, order: Box::new(order), candidates: vec![candidate] }
    };
    submit(store, payments.iter().map(command).collect()).await;
}

/// Places them, and books them as paid.
pub async fn book(store: &Arc<dyn Store>, offer: &Offer, payments: &[Past]) {
    place(store, offer, payments).await;
    submit(store, payments.iter().map(|past| crate::model::paid(&past.order, past.amount, past.at)).collect()).await;
}

/// The channel has them too, each like one that was really made.
pub async fn charge(world: &World, offer: &Offer, like: &str, payments: &[Past]) {
    let control = world.control.at(&offer.channel);
    for some in payments.chunks(IN_ONE_CALL) {
        let list: Vec<String> = some.iter().map(|past| format!("{}:{}:{}", past.number(), past.amount, past.at.0)).collect();
        control.hook(&format!("more {like} {}", list.join(","))).await;
    }
}

/// Plants differences in the bill of a day; the numbers that they are about.
pub async fn plant(world: &World, offer: &Offer, kind: &str, count: usize, day: Day) -> Vec<String> {
    let asked = json!({"channel": offer.channel, "kind": kind, "count": count, "date": day.to_string()});
    let planted = world.control.plant_all(&asked).await;
    planted.as_array().unwrap().iter().map(|row| row["out_trade_no"].as_str().unwrap().to_owned()).collect()
}
