//! A payer who chooses on our page: whatever is chosen, left, answered, paid late, abandoned, closed or expired, in any order.

use super::super::choice::Choice;
use super::{
    AttemptStatus, Candidate, Failure, FailureCode, Fault, Intent, Life, Method, OrderStatus, Pay, PayTold, RefundStatus, START, Source,
    Undo, UndoTold, Undone, Why, WhyKind, candidate, order_of, paid, told, undone, waiting,
};
use proptest::prelude::*;
use sluice_contract::Millis;

fn chosen(method: Method, at: Millis) -> Candidate {
    Candidate { method, choice: Some(Choice { expires_at: at.plus_s(180), sealed: vec![7] }), ..candidate("a") }
}

fn next_seq(life: &Life) -> u32 {
    life.attempts.last().map_or(1, |attempt| attempt.seq + 1)
}

fn declined() -> Failure {
    Failure { code: FailureCode::PayerDeclined, fault: Fault::Payer, message: "declined".into(), channel_code: None }
}

/// One thing that happens, about the attempt that is so many before the newest.
#[derive(Clone, Copy, Debug)]
enum Event {
    Choose(Method),
    Told(usize, Word),
    Left(usize),
    Closed(usize),
    Abandoned(usize),
    MerchantCloses,
    TimePasses(i64),
}

#[derive(Clone, Copy, Debug)]
enum Word {
    Waiting,
    Paid,
    Declined,
    Unknown,
    Closed,
}

fn event() -> impl Strategy<Value = Event> {
    let word = prop_oneof![Just(Word::Waiting), Just(Word::Paid), Just(Word::Declined), Just(Word::Unknown), Just(Word::Closed)];
    prop_oneof![
        4 => prop_oneof![Just(Method::WechatNative), Just(Method::AlipayQr)].prop_map(Event::Choose),
        4 => (0..3_usize, word).prop_map(|(back, word)| Event::Told(back, word)),
        2 => (0..3_usize).prop_map(Event::Left),
        2 => (0..3_usize).prop_map(Event::Closed),
        1 => (0..3_usize).prop_map(Event::Abandoned),
        1 => Just(Event::MerchantCloses),
        2 => (1..300_i64).prop_map(Event::TimePasses),
    ]
}

fn happen(life: &mut Life, event: Event, at_s: i64) {
    let at = START.plus_s(at_s);
    let seq_of = |life: &Life, back: usize| life.attempts.iter().rev().nth(back).map(|attempt| attempt.seq);
    match event {
        Event::Choose(method) => {
            let (seq, may) = (next_seq(life), life.may_choose(next_seq(life), at));
            assert_eq!(life.choose(&chosen(method, at), seq, at), may);
            assert!(!life.choose(&chosen(method, at), seq, at), "two tabs: the second of the same number opens nothing");
        }
        Event::Told(back, word) => {
            let Some(seq) = seq_of(life, back) else { return };
            let said = match word {
                Word::Waiting => waiting(),
                Word::Paid => paid(),
                Word::Declined => Pay::Failed(declined()),
                Word::Unknown => Pay::Unknown(Why::new(WhyKind::NoAnswer, "nothing")),
                Word::Closed => Pay::Closed,
            };
            assert_eq!(life.take_pay(&PayTold { attempt_seq: seq, ..told(said, Source::Query, at_s, at_s) }), Ok(()));
        }
        Event::Left(back) => {
            let Some(seq) = seq_of(life, back) else { return };
            assert_eq!(life.want_undone(seq, Undo::Close, at, at, "left"), Ok(()));
        }
        Event::Closed(back) => {
            let Some(seq) = seq_of(life, back) else { return };
            let answer = UndoTold { attempt_seq: seq, ..undone(Undo::Close, Undone::Closed, at_s) };
            assert_eq!(life.take_undone(&answer), Ok(()));
        }
        Event::Abandoned(back) => {
            let Some(seq) = seq_of(life, back) else { return };
            assert_eq!(life.abandon(seq, at.plus_s(300), at), Ok(()));
        }
        Event::MerchantCloses => assert!(life.wish(Intent::MerchantClose, Undo::Close, at, at).is_ok()),
        Event::TimePasses(_) => {}
    }
}

/// What is captured and not on its way back, by attempt.
fn kept(life: &Life) -> Vec<(u32, i64)> {
    let back = |seq: u32| -> i64 {
        let refunds = life.refunds.iter().filter(|r| r.attempt_seq == seq && r.status() != RefundStatus::Failed);
        refunds.map(|r| r.amount.0).sum()
    };
    let kept = life.attempts.iter().map(|a| (a.seq, a.captured.0 - back(a.seq)));
    kept.filter(|(_, kept)| *kept > 0).collect()
}

fn must_hold(life: &Life, wanted: bool, at: Millis) {
    assert_eq!(life.check(), Ok(()));
    let open = life.attempts.iter().filter(|a| a.status().is_open()).count();
    assert!(open <= 1, "{open} attempts are open");
    let kept = kept(life);
    assert!(
        kept.iter().all(|(seq, amount)| life.order.winner == Some(*seq) && *amount == 1000),
        "{kept:?} is kept, {:?} won",
        life.order.winner
    );
    if matches!(life.order.status(), OrderStatus::Closed | OrderStatus::Failed) {
        assert!(wanted || at >= life.order.expires_at, "the end of an attempt ended the order");
    }
    if life.order.status() == OrderStatus::Pending && open == 0 && !wanted && at < life.order.expires_at {
        assert!(life.may_choose(next_seq(life), at), "the payer may not choose again");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_payer_chooses_and_leaves_one_code_is_open_and_one_payment_is_kept(events in prop::collection::vec(event(), 1..24)) {
        let mut life = Life::begin(order_of(None), None);
        let (mut at_s, mut wanted, mut ended) = (1, false, OrderStatus::Pending);
        for event in events {
            at_s += if let Event::TimePasses(seconds) = event { seconds } else { 1 };
            wanted |= matches!(event, Event::MerchantCloses) && life.order.status() == OrderStatus::Pending;
            happen(&mut life, event, at_s);
            must_hold(&life, wanted, START.plus_s(at_s));
            prop_assert!(ended == OrderStatus::Pending || ended == life.order.status(), "an end was taken back");
            ended = life.order.status();
        }
        // The end of its time: closed where nobody has anything to pay with, and after the channel's word where somebody has.
        at_s = at_s.max(900);
        let at = START.plus_s(at_s);
        prop_assert!(life.wish(Intent::Expiry, Undo::Close, at, at).is_ok());
        for back in 0..life.attempts.len() {
            if life.attempts.iter().rev().nth(back).is_some_and(|a| a.status().is_open()) {
                happen(&mut life, Event::Closed(back), at_s);
            }
        }
        prop_assert!(life.order.status() != OrderStatus::Pending);
        must_hold(&life, true, at);
    }
}

#[test]
fn an_order_that_nobody_chose_anything_for_ends_by_our_own_clock() {
    let mut life = Life::begin(order_of(None), None);
    assert_eq!(life.wake_at(), Some(START.plus_s(900)));
    assert!(life.wish(Intent::Expiry, Undo::Close, START.plus_s(900), START.plus_s(900)).is_ok());
    assert_eq!((life.order.status(), life.order.closed_at, life.wake_at()), (OrderStatus::Closed, Some(START.plus_s(900)), None));
    assert_eq!(life.effects.iter().map(|effect| effect.kind.as_str()).collect::<Vec<_>>(), ["order.closed"]);
    assert!(!life.choose(&chosen(Method::WechatNative, START), 1, START.plus_s(1)), "what has ended takes no choice");
}

#[test]
fn a_code_that_was_left_and_is_paid_after_the_next_choice_wins_and_the_next_code_is_closed() {
    let mut life = Life::begin(order_of(None), None);
    happen(&mut life, Event::Choose(Method::AlipayQr), 1);
    happen(&mut life, Event::Left(0), 2);
    happen(&mut life, Event::Abandoned(0), 3);
    happen(&mut life, Event::Choose(Method::WechatNative), 4);
    happen(&mut life, Event::Told(1, Word::Paid), 5);
    let second = life.attempts.last().map(|a| (a.status(), a.undo));
    assert_eq!(
        (life.order.status(), life.order.winner, second),
        (OrderStatus::Paid, Some(1), Some((AttemptStatus::Sending, Some(Undo::Close))))
    );
    happen(&mut life, Event::Told(0, Word::Paid), 6);
    assert_eq!(life.refunds.iter().map(|r| (r.attempt_seq, r.amount.0)).collect::<Vec<_>>(), [(2, 1000)]);
}
