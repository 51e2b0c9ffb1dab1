//! When an order is looked at next: rules that the world showed to matter, pinned down one by one.

use super::books::Books;
use super::told::pay_told;
use super::words::Said;
use sluice::domain::life::{Intent, Undo};
use sluice::domain::pay::{PayTold, Source};
use sluice::domain::{Life, OrderId};
use sluice::flow::Pace;
use sluice::store::Command;
use sluice_contract::{Method, Millis, ReverseRule};

fn placed(barcode: bool) -> (Books, OrderId, Millis) {
    let mut engine = Books::chosen();
    let (order, candidates) = crate::world::draft(barcode);
    let (id, at) = (order.id.clone(), order.created_at);
    assert!(engine.apply(&[&Command::PlaceOrder { nonce: None, order: Box::new(order), candidates }])[0].is_ok());
    (engine, id, at)
}

fn life(engine: &Books, id: &OrderId) -> Life {
    engine.life(id).unwrap().unwrap()
}

/// A query's answer "not paid yet", whose own schedule says: again in half an hour.
fn not_paid_yet(id: &OrderId, at: Millis, undo_at: Millis) -> Command {
    let told = PayTold { next_at: at.plus_s(1_800), undo_at, ..pay_told(1, Said::Waiting, Source::Query, at) };
    Command::TakePay { order_id: id.clone(), told: Box::new(told) }
}

/// World seed 58: a query beside the worker's close moved the attempt to the slow rhythm of queries, and after a crash an expired
/// order stayed open for half an hour.
#[test]
fn a_querys_answer_does_not_put_off_an_undo() {
    let (mut engine, id, start) = placed(false);
    let at = start.plus_s(900);
    let wish = Command::Wish { order_id: id.clone(), intent: Intent::Expiry, verb: Undo::Close, at, due_at: at };
    assert!(engine.apply(&[&wish, &not_paid_yet(&id, at.plus_s(1), at.plus_s(1))]).iter().all(Result::is_ok));
    assert_eq!(life(&engine, &id).wake_at(), Some(at.plus_s(1)), "the close is still due");
    let lease_until = at.plus_s(42);
    let begin = Command::BeginUndo { order_id: id.clone(), attempt_seq: 1, at: at.plus_s(2), lease_until };
    assert!(engine.apply(&[&begin, &not_paid_yet(&id, at.plus_s(3), at.plus_s(3))]).iter().all(Result::is_ok));
    assert_eq!(life(&engine, &id).wake_at(), Some(lease_until), "whoever sends the close keeps its lease, and no longer");
}

#[test]
fn a_querys_answer_does_not_send_a_reversal_before_the_channel_allows() {
    let (mut engine, id, start) = placed(true);
    let (at, earliest) = (start.plus_s(2), start.plus_s(15));
    let wish = Command::Wish { order_id: id.clone(), intent: Intent::MerchantReverse, verb: Undo::Reverse, at, due_at: earliest };
    assert!(engine.apply(&[&wish, &not_paid_yet(&id, at.plus_s(3), earliest)]).iter().all(Result::is_ok));
    assert_eq!(life(&engine, &id).wake_at(), Some(earliest));
    let hint = Command::AskNow { order_id: id.clone(), at: at.plus_s(4), why: "a hint" };
    assert!(engine.apply(&[&hint, &not_paid_yet(&id, at.plus_s(4), earliest)]).iter().all(Result::is_ok));
    assert_eq!(life(&engine, &id).wake_at(), Some(earliest), "a hint asks, and leaves the reversal its time");
}

/// I8: "no such order" is a definite no only when the request can no longer execute, whether or not we heard how the call ended.
#[test]
fn an_order_the_channel_does_not_know_yet_may_still_be_on_its_way() {
    let (engine, id, _) = placed(false);
    let life = life(&engine, &id);
    let channel = crate::world::profile("wechat");
    let profile = channel.method(Method::WechatNative).unwrap();
    let (pace, mut attempt, expires_at) = (Pace::new(1), life.attempts[0].clone(), life.order.expires_at);
    let grace_s = profile.not_found_final_after_s;
    assert!(grace_s > 0);
    let is_final = |attempt: &_, asked_at| pace.not_found_is_final(profile, attempt, expires_at, asked_at);
    // Nobody heard how the call ended: it may have run into its longest time-out.
    assert!(!is_final(&attempt, attempt.at.plus_s(1)));
    assert!(!is_final(&attempt, attempt.at.plus_s(35 + grace_s)));
    let called_until = attempt.at.plus_s(3);
    attempt.notes.call_ended_at = Some(called_until);
    assert!(!is_final(&attempt, called_until.plus_s(grace_s)));
    assert!(is_final(&attempt, expires_at.max(called_until).plus_s(36 + grace_s)));
}

/// UnionPay's clearing day ends at 23:00: a code charged at 23:30 can still be reversed all the next day.
#[test]
fn a_reversal_is_too_late_when_the_channels_own_day_is_over() {
    let (engine, id, _) = placed(true);
    let rule = ReverseRule { earliest_s: 0, window_s: 7 * 86_400, give_up_after_s: 60, day_ends_at_s: Some(82_800) };
    let mut attempt = life(&engine, &id).attempts[0].clone();
    let midnight = attempt.at.second().day().start();
    for (at_s, ends_s) in [(0, 82_800), (82_799, 82_800), (82_800, 169_200), (86_399, 169_200)] {
        attempt.at = midnight.plus(at_s).millis();
        let too_late = |s| Pace::new(1).reversal_is_too_late(&rule, &attempt, midnight.plus(s).millis());
        assert!(!too_late(ends_s - 1), "charged at second {at_s}");
        assert!(too_late(ends_s), "charged at second {at_s}");
    }
}
