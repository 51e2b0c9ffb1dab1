//! C5 of the catalogue, for every channel with its own words: the synchronous reply, the payment's callback, a query, the answer to a
//! close and a refund with its answer, in all 120 orders. The channel took the money before the first of them was spoken, so the end
//! is the same whatever comes first.

use super::kit::{paid_then_asked, refund_of};
use super::pair::Pair;
use crate::model::books::Books;
use serde_json::Value;
use sluice::channels::{CHANNELS, Listed};
use sluice::domain::life::{RefundOrigin, Undo};
use sluice::domain::pay::{PayTold, Source};
use sluice::domain::refund::{NewRefund, RefundTold};
use sluice::domain::undo::UndoTold;
use sluice::domain::{AttemptStatus, Life, OrderId, OrderStatus};
use sluice::store::Command;
use sluice_contract::{Fen, Millis, Pay, Refund, Says, Undone};

/// What the channel said of one paid order of ours, in its own words.
struct Said {
    reply: Pay,
    callback: Says,
    query: Pay,
    close: Undone,
    refund: Refund,
}

const REFUND_FEN: i64 = 300;

/// Lets a pair live through the order and keeps every meaning.
fn heard(listed: &Listed, number: &str, refund_number: &str, amount: Fen) -> Said {
    let mut pair = Pair::of(listed);
    let (mut attempt, reply) = paid_then_asked(&mut pair, number, amount);
    let callback = pair.callbacks().into_iter().next().map(|callback| callback.says).unwrap_or(Says::Ask);
    let query = pair.query(&mut attempt);
    let can_close = pair.channel.profile().method(attempt.method).is_some_and(|m| m.can_close);
    // Where the channel has no close, the gateway asks before it lets go of the order.
    let close = if can_close { pair.close(&attempt).unwrap() } else { Undone::Paid };
    let refund = pair.refund(&refund_of(&attempt, refund_number, REFUND_FEN, &pair)).unwrap();
    Said { reply, callback, query, close, refund }
}

fn pay(id: &OrderId, said: &Pay, source: Source, at: Millis) -> Command {
    let told = PayTold {
        attempt_seq: 1,
        said: said.clone(),
        source,
        asked_at: at,
        at,
        next_at: at.plus_s(60),
        undo_at: at,
        not_found_final: false,
        payable_until: at,
        payer_sealed: None,
        action_expires_at: None,
        fallback: Vec::new(),
        refund_gap_ms: 0,
        counters: Vec::new(),
        inner: Value::Null,
    };
    Command::TakePay { order_id: id.clone(), told: Box::new(told) }
}

/// The commands that one message leads to.
fn commands(id: &OrderId, said: &Said, event: usize, at: Millis, merchant_id: &str) -> Vec<Command> {
    let order_id = id.clone();
    match event {
        // Spoken before the payer came: asked for at the very beginning.
        0 => vec![pay(id, &said.reply, Source::Pay, at)],
        1 => match &said.callback {
            Says::Payment(paid) => vec![pay(id, paid, Source::Callback, at)],
            // A hint commits a question, and the question its answer.
            _ => vec![Command::AskNow { order_id, at, why: "a callback" }, pay(id, &said.query, Source::Query, at)],
        },
        2 => vec![pay(id, &said.query, Source::Query, at)],
        3 => {
            let told = UndoTold {
                attempt_seq: 1,
                verb: Undo::Close,
                said: said.close.clone(),
                at,
                next_at: at.plus_s(5),
                not_found_final: false,
                counters: Vec::new(),
                fallback: Vec::new(),
            inner: Value::Null,
            };
            let close = Command::TakeUndone { order_id, told: Box::new(told) };
            if said.close == Undone::Paid { vec![close, pay(id, &said.query, Source::Query, at)] } else { vec![close] }
        }
        _ => {
            let new = NewRefund {
                merchant_id: merchant_id.to_owned(),
                merchant_refund_no: Some("R-1".into()),
                attempt_seq: None,
                send_now: true,
                window_ms: 86_400_000,
                count_max: 50,
                ..NewRefund::automatic(1, Fen(REFUND_FEN), RefundOrigin::Merchant, at, 0)
            };
            let told =
                RefundTold { refund_seq: 1, said: said.refund.clone(), at, next_at: at.plus_s(60), queried: false, counters: Vec::new(), inner: Value::Null };
            vec![
                Command::RequestRefund { nonce: None, order_id: order_id.clone(), new: Box::new(new) },
                Command::TakeRefund { order_id, told: Box::new(told) },
            ]
        }
    }
}

/// Every order of the elements 0 to `n` − 1.
fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(n - 1);
    shorter.iter().flat_map(|list| (0..n).map(move |at| [&list[..at], &[n - 1], &list[at..]].concat())).collect()
}

fn ended(life: &Life) -> (OrderStatus, AttemptStatus, Fen, usize) {
    let attempt = &life.attempts[0];
    (life.order.status(), attempt.status(), attempt.captured, life.attempts.len())
}

#[test]
fn the_end_is_the_same_in_every_order_of_a_channels_answers() {
    let all = orders(5);
    assert_eq!(all.len(), 120);
    for listed in CHANNELS {
        let mut said: Option<Said> = None;
        for order in &all {
            let mut books = Books::memory();
            let (draft, candidates) = crate::world::draft(false);
            let (id, start, merchant, amount) = (draft.id.clone(), draft.created_at, draft.merchant_id.clone(), draft.amount);
            let place = Command::PlaceOrder { nonce: None, order: Box::new(draft), candidates };
            assert!(books.apply(&[&place])[0].is_ok());
            // The draft is the same each time, its number too: what was said of it is said of every one.
            let said = said.get_or_insert_with(|| heard(listed, &id.attempt_number(1), &id.refund_id(1), amount));
            for (step, event) in order.iter().enumerate() {
                let at = start.plus_s(10 + i64::try_from(step).unwrap());
                for command in commands(&id, said, *event, at, &merchant) {
                    // A refund before the payment is known is refused: nothing is sent, and nothing answered.
                    let refused = books.life(&id).unwrap().is_some_and(|life| life.refunds.is_empty());
                    if refused && matches!(command, Command::TakeRefund { .. }) {
                        continue;
                    }
                    let done = books.apply(&[&command]).remove(0);
                    assert!(done.is_ok(), "{} {order:?} at {event}: {done:?}", listed.name);
                }
            }
            let life = books.life(&id).unwrap().unwrap();
            let expected = (OrderStatus::Paid, AttemptStatus::Succeeded, amount, 1);
            assert_eq!(ended(&life), expected, "{} {order:?}", listed.name);
            let refunds: Vec<Fen> = life.refunds.iter().map(|r| r.amount).collect();
            assert!(refunds.is_empty() || refunds == [Fen(REFUND_FEN)], "{} {order:?}: {refunds:?}", listed.name);
        }
    }
}
