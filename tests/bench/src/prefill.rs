//! Fills a store with finished orders through the engine and its commands, the gateway being down.

use crate::subject::Done;
use sluice::domain::pay::{PayTold, Source};
use sluice::domain::{Candidate, Life, Order, OrderId};
use sluice::store::sqlite::Engine;
use sluice::store::{Command, Delivery, Outcome, StoreError};
use sluice_contract::{Fen, Millis, Pay, Payment};
use std::path::Path;

/// What stays of an order's notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    Delivered,
    Waiting,
}

/// The numbers merchants give: most count or use the time; some draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    Ordered,
    Random,
}

impl Numbers {
    pub fn number(self, place: u64) -> String {
        match self {
            Numbers::Ordered => format!("SO-{place:012}"),
            Numbers::Random => {
                let mut x = place.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                format!("SO-{:016x}", x ^ (x >> 31))
            }
        }
    }
}

/// Copies of a template order, each placed and paid, in batches as the writer makes them.
pub fn prefill(database: &Path, template: &OrderId, from: u64, count: u64, numbers: Numbers, notice: Notice) -> Done {
    let mut engine = Engine::open(&database.to_string_lossy())?;
    let life = engine.reading().life(template)?.ok_or("the template is not in the store")?;
    let begun = crate::channel::now();
    for batch in (from..from + count).collect::<Vec<_>>().chunks(256) {
        let made: Vec<Order> = batch.iter().map(|place| copy(&life, *place, begun, numbers)).collect();
        apply(&mut engine, made.iter().map(|order| place(&life, order)).collect())?;
        let told = apply(&mut engine, made.iter().map(paid).collect())?;
        if notice == Notice::Delivered {
            let events = told.iter().filter_map(|outcome| if let Outcome::Life(life) = outcome { life.effects.first() } else { None });
            apply(&mut engine, events.map(|effect| delivered(&effect.event_id, begun)).collect())?;
        }
    }
    Ok(())
}

fn apply(engine: &mut Engine, commands: Vec<Command>) -> Result<Vec<Outcome>, StoreError> {
    engine.apply(&commands.iter().collect::<Vec<_>>()).into_iter().collect()
}

pub fn copy(life: &Life, place: u64, begun: Millis, numbers: Numbers) -> Order {
    // A thousand orders a second, all of them in the past of what is measured.
    let at = begun.plus_ms(i64::try_from(place).unwrap_or_default() - 100_000_000);
    let mut entropy = [0; 16];
    entropy[8..].copy_from_slice(&place.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    let number = numbers.number(place);
    let mut order = life.order.clone();
    order.id = OrderId::new(at, entropy);
    order.fingerprint = number.as_bytes().to_vec();
    order.merchant_order_no = number;
    (order.created_at, order.expires_at) = (at, at.plus_s(900));
    (order.version, order.last_seq) = (0, 0);
    order
}

pub fn place(life: &Life, order: &Order) -> Command {
    let attempt = &life.attempts[0];
    let candidate = Candidate {
        account: attempt.account.clone(),
        channel: attempt.channel.clone(),
        method: attempt.method,
        choice: None,
        app_id: attempt.notes.app_id.clone(),
        sub: attempt.notes.sub.clone(),
        memo: attempt.notes.memo.clone(),
        fee: attempt.notes.fee.clone(),
        passed: Vec::new(),
        route: Default::default(),
        asks: Vec::new(),
        not_checked: Vec::new(),
        next_at: order.created_at.plus_s(5),
    };
    Command::PlaceOrder { nonce: None, order: Box::new(order.clone()), candidates: vec![candidate] }
}

pub fn paid(order: &Order) -> Command {
    let payment = Payment {
        payer_amount: Some(Fen(1280)),
        channel_trade_no: Some(format!("42000{}", &order.id.as_str()[4..])),
        ..Payment::of(order.amount)
    };
    let at = order.created_at.plus_ms(1);
    let told = PayTold {
        attempt_seq: 1,
        said: Pay::Paid(payment),
        source: Source::Callback,
        asked_at: at,
        at,
        next_at: at,
        undo_at: at,
        not_found_final: false,
        payable_until: at,
        payer_sealed: Some(vec![7; 80]),
        action_expires_at: None,
        fallback: Vec::new(),
        refund_gap_ms: 60_000,
        counters: Vec::new(),
        inner: serde_json::json!([{"callback": "bench"}]),
    };
    Command::TakePay { order_id: order.id.clone(), told: Box::new(told) }
}

fn delivered(event_id: &str, at: Millis) -> Command {
    let note = serde_json::json!({"outcome": "ok", "status": 204, "ms": 2});
    Command::TakeDelivery { event_id: event_id.to_owned(), delivery: Delivery::Done, at, note }
}
