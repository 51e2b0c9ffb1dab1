//! The rules of one order, tried in every order and at the edges.

mod choices;
mod versions;

use super::candidate::Candidate;
use super::life::{Attempt, Intent, Life, Order, OrderFacts, RefundOrigin, Undo};
use super::pay::{PayTold, Source};
use super::refund::{NewRefund, RefundRefused, RefundTold};
use super::undo::{UndoTold, Wish};
use super::{AttemptStatus, OrderId, OrderStatus, RefundStatus};
use serde_json::Value;
use sluice_contract::{
    Action, Failure, FailureCode, Fault, Fen, Handles, Method, Millis, Notes, Pay, Payment, Refund as Said, Refunded, Undone, Why, WhyKind,
};

pub const START: Millis = Millis(1_800_000_000_000);

fn candidate(account: &str) -> Candidate {
    Candidate {
        account: account.into(),
        channel: "wechat".into(),
        method: Method::WechatNative,
        choice: None,
        app_id: None,
        sub: Notes::new(),
        memo: Notes::new(),
        fee: super::fee::Tariff::flat("0.006"),
        passed: Vec::new(),
        route: Default::default(),
        asks: Vec::new(),
        not_checked: Vec::new(),
        next_at: START.plus_s(5),
    }
}

fn order_of(method: Option<Method>) -> Order {
    Order {
        id: OrderId::new(START, [7; 16]),
        merchant_id: "m".into(),
        merchant_order_no: "1".into(),
        fingerprint: vec![1],
        livemode: false,
        status: OrderStatus::Pending,
        amount: Fen(1000),
        method,
        facts: OrderFacts::default(),
        sealed: Vec::new(),
        created_at: START,
        expires_at: START.plus_s(900),
        account: String::new(),
        channel: String::new(),
        winner: None,
        intent: None,
        failure: None,
        paid_at: None,
        closed_at: None,
        version: 1,
        last_seq: 0,
    }
}

fn placed(method: Method) -> Life {
    Life::begin(order_of(Some(method)), Some(&candidate("a")))
}

pub fn a_life() -> Life {
    placed(Method::WechatNative)
}

pub fn told(said: Pay, source: Source, asked_s: i64, at_s: i64) -> PayTold {
    PayTold {
        attempt_seq: 1,
        said,
        source,
        asked_at: START.plus_s(asked_s),
        at: START.plus_s(at_s),
        next_at: START.plus_s(at_s + 5),
        undo_at: START.plus_s(at_s.max(15)),
        not_found_final: false,
        payable_until: START.plus_s(900),
        payer_sealed: None,
        action_expires_at: None,
        fallback: Vec::new(),
        refund_gap_ms: 60_000,
        counters: Vec::new(),
        inner: Value::Null,
    }
}

fn paid() -> Pay {
    Pay::Paid(Payment::of(Fen(1000)))
}

fn waiting() -> Pay {
    Pay::Waiting(Action::QrCode { content: "weixin://x".into() }, Handles::new())
}

fn undone(verb: Undo, said: Undone, at_s: i64) -> UndoTold {
    UndoTold {
        attempt_seq: 1,
        verb,
        said,
        at: START.plus_s(at_s),
        next_at: START.plus_s(at_s + 5),
        counters: Vec::new(),
        not_found_final: false,
        fallback: Vec::new(),
        inner: Value::Null,
    }
}

pub fn attempt(life: &Life) -> Attempt {
    life.attempts.first().cloned().unwrap_or_else(|| unreachable_attempt(life))
}

fn unreachable_attempt(life: &Life) -> Attempt {
    assert!(!life.attempts.is_empty(), "an order has an attempt");
    attempt(life)
}

fn refund_of(amount: i64, at_s: i64) -> NewRefund {
    NewRefund {
        send_now: true,
        window_ms: 86_400_000,
        count_max: 50,
        attempt_seq: None,
        ..NewRefund::automatic(1, Fen(amount), RefundOrigin::Merchant, START.plus_s(at_s), 60_000)
    }
}

/// Every order of the elements 0 to `n` − 1.
fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    orders(n - 1)
        .into_iter()
        .flat_map(|shorter| {
            (0..n).map(move |place| {
                let mut longer = shorter.clone();
                longer.insert(place, n - 1);
                longer
            })
        })
        .collect()
}

/// C5: the answers of one paid payment in all 120 orders. The channel took the money before any of them was spoken, so whatever
/// order they arrive in, the end is the same.
#[test]
fn the_end_is_the_same_in_every_order_of_the_answers() {
    let all = orders(5);
    assert_eq!(all.len(), 120);
    for order in all {
        let mut life = placed(Method::WechatNative);
        let _ = life.wish(Intent::MerchantClose, Undo::Close, START.plus_s(1), START.plus_s(1));
        for (step, event) in order.iter().enumerate() {
            let at_s = 10 + i64::try_from(step).unwrap_or(0);
            let done = match event {
                0 => life.take_pay(&told(waiting(), Source::Pay, 0, at_s)),
                1 => life.take_pay(&told(paid(), Source::Callback, at_s, at_s)),
                2 => life.take_pay(&told(paid(), Source::Query, 5, at_s)),
                3 => life.take_undone(&undone(Undo::Close, Undone::Paid, at_s)),
                _ => life.request_refund(&refund_of(1000, at_s)).map(|_| ()),
            };
            assert_eq!(done, Ok(()), "{order:?} at {event}");
            assert_eq!(life.check(), Ok(()), "{order:?} at {event}");
        }
        assert_eq!(life.order.status(), OrderStatus::Paid, "{order:?}");
        assert_eq!((attempt(&life).status(), attempt(&life).captured), (AttemptStatus::Succeeded, Fen(1000)), "{order:?}");
        assert_eq!(life.effects.iter().filter(|e| e.kind == "order.paid").count(), 1, "{order:?}");
    }
}

#[test]
fn a_time_out_is_never_a_failure() {
    let mut life = placed(Method::WechatNative);
    assert_eq!(life.take_pay(&told(Pay::Unknown(Why::new(WhyKind::NoAnswer, "x")), Source::Pay, 0, 1)), Ok(()));
    assert_eq!((life.order.status(), attempt(&life).status()), (OrderStatus::Pending, AttemptStatus::Unknown));
    assert!(life.wake_at().is_some(), "somebody owns it");
    assert_eq!(life.take_pay(&told(Pay::NotFound, Source::Query, 2, 3)), Ok(()));
    assert_eq!(life.order.status(), OrderStatus::Pending, "not found yet is no failure either");
}

#[test]
fn late_money_is_booked_told_and_sent_back_and_the_end_stays() {
    let mut life = placed(Method::WechatNative);
    let _ = life.wish(Intent::Expiry, Undo::Close, START.plus_s(900), START.plus_s(900));
    assert_eq!(life.begin_undo(1, START.plus_s(900), START.plus_s(940)), Ok(true));
    assert_eq!(life.take_undone(&undone(Undo::Close, Undone::Closed, 901)), Ok(()));
    assert_eq!(life.order.status(), OrderStatus::Closed);
    // An answer from before the close proves nothing: it makes us ask.
    assert_eq!(life.take_pay(&told(paid(), Source::Query, 899, 902)), Ok(()));
    assert_eq!((attempt(&life).status(), attempt(&life).next_at.is_some()), (AttemptStatus::Closed, true));
    assert_eq!(life.take_pay(&told(paid(), Source::Query, 903, 904)), Ok(()));
    assert_eq!((life.order.status(), attempt(&life).status(), attempt(&life).late), (OrderStatus::Closed, AttemptStatus::Succeeded, true));
    let refund = life.refunds.first().map(|r| (r.amount, r.origin, r.status()));
    assert_eq!(refund, Some((Fen(1000), RefundOrigin::LatePayment, RefundStatus::Pending)));
    let kinds: Vec<&str> = life.effects.iter().map(|e| e.kind.as_str()).collect();
    assert_eq!(kinds, ["order.closed", "order.paid_late"]);
}

#[test]
fn a_second_payment_of_an_order_is_returned() {
    let mut life = placed(Method::WechatNative);
    let refused = Failure { code: FailureCode::ChannelConfiguration, fault: Fault::Account, message: "no".into(), channel_code: None };
    let first = PayTold { fallback: vec![candidate("b")], ..told(Pay::Failed(refused), Source::Pay, 0, 1) };
    assert_eq!(life.take_pay(&first), Ok(()));
    assert_eq!((life.attempts.len(), life.order.status()), (2, OrderStatus::Pending), "only an account's own fault opens the next");
    assert_eq!(life.take_pay(&PayTold { attempt_seq: 2, ..told(paid(), Source::Query, 2, 3) }), Ok(()));
    assert_eq!(life.take_pay(&told(paid(), Source::Query, 4, 5)), Ok(()));
    assert_eq!((life.order.status(), life.order.winner), (OrderStatus::Paid, Some(2)));
    let refund = life.refunds.first().map(|r| (r.attempt_seq, r.amount, r.origin));
    assert_eq!(refund, Some((1, Fen(1000), RefundOrigin::DuplicatePayment)));
    assert_eq!(life.check(), Ok(()));
}

#[test]
fn who_opened_an_attempt_sends_it_and_nobody_else() {
    let mut life = placed(Method::WechatNative);
    assert_eq!(life.opened().map(|attempt| attempt.seq), Some(1));
    // As another flow reads it from the store.
    assert_eq!(Life { events: Vec::new(), ..life.clone() }.opened(), None);
    assert_eq!(life.take_pay(&told(waiting(), Source::Pay, 0, 1)), Ok(()));
    assert_eq!(life.opened(), None, "it was sent");
}

#[test]
fn a_hint_about_an_ended_attempt_outlives_the_question_that_was_under_way() {
    let mut life = placed(Method::WechatNative);
    assert_eq!(life.take_pay(&told(Pay::Closed, Source::Query, 1, 2)), Ok(()));
    life.ask_now(START.plus_s(10), "the channel hints at news");
    assert_eq!(life.take_pay(&told(Pay::Closed, Source::Query, 9, 11)), Ok(()));
    assert_eq!(attempt(&life).next_at, Some(START.plus_s(10)), "asked before the hint");
    assert_eq!(life.take_pay(&told(Pay::Closed, Source::Query, 12, 13)), Ok(()));
    assert_eq!(attempt(&life).next_at, None);
}

#[test]
fn nothing_is_booked_as_paid_while_a_reversal_is_under_way() {
    let mut life = placed(Method::WechatBarcode);
    assert_eq!(life.want_undone(1, Undo::Reverse, START.plus_s(45), START.plus_s(45), "late"), Ok(()));
    assert_eq!(life.begin_undo(1, START.plus_s(45), START.plus_s(85)), Ok(true));
    assert_eq!(life.take_pay(&told(paid(), Source::Pay, 0, 46)), Ok(()), "the pay call's own late answer");
    assert_eq!(life.take_pay(&told(paid(), Source::Query, 46, 46)), Ok(()));
    assert_eq!(life.order.status(), OrderStatus::Pending);
    assert_eq!(life.take_undone(&undone(Undo::Reverse, Undone::Closed, 47)), Ok(()));
    assert_eq!(life.order.status(), OrderStatus::Reversed);
    // What the channel says of it afterwards counts: it is late, and goes back.
    assert_eq!(life.take_pay(&told(paid(), Source::Query, 48, 48)), Ok(()));
    let returned = life.refunds.first().map(|r| (r.amount, r.origin));
    assert_eq!((attempt(&life).status(), life.order.status()), (AttemptStatus::Succeeded, OrderStatus::Reversed));
    assert_eq!(returned, Some((Fen(1000), RefundOrigin::LatePayment)));
}

#[test]
fn a_decline_becomes_a_failure_only_when_it_is_undone() {
    let mut life = placed(Method::WechatBarcode);
    let declined = Failure { code: FailureCode::InsufficientFunds, fault: Fault::Payer, message: "no".into(), channel_code: None };
    assert_eq!(life.take_pay(&told(Pay::Unknown(Why::declined(declined.clone())), Source::Pay, 0, 1)), Ok(()));
    assert_eq!((life.order.status(), attempt(&life).undo), (OrderStatus::Pending, Some(Undo::Reverse)));
    assert_eq!(life.begin_undo(1, START.plus_s(15), START.plus_s(55)), Ok(true));
    assert_eq!(life.take_undone(&undone(Undo::Reverse, Undone::Closed, 16)), Ok(()));
    assert_eq!((life.order.status(), life.order.failure.clone()), (OrderStatus::Failed, Some(declined)));
}

#[test]
fn a_merchants_reversal_of_money_that_cannot_be_undone_becomes_a_refund() {
    let mut life = placed(Method::WechatBarcode);
    assert_eq!(life.wish(Intent::MerchantReverse, Undo::Reverse, START.plus_s(1), START.plus_s(15)), Ok(Wish::Taken));
    assert_eq!(life.begin_undo(1, START.plus_s(15), START.plus_s(55)), Ok(true));
    assert_eq!(life.take_undone(&undone(Undo::Reverse, Undone::Paid, 16)), Ok(()));
    assert_eq!(life.take_pay(&told(paid(), Source::Query, 17, 18)), Ok(()));
    assert_eq!(life.order.status(), OrderStatus::Paid);
    assert_eq!(life.refunds.first().map(|r| (r.amount, r.origin)), Some((Fen(1000), RefundOrigin::Reversal)));
}

#[test]
fn a_hint_that_comes_while_a_question_is_under_way_is_asked_about_all_the_same() {
    let mut life = placed(Method::WechatNative);
    life.ask_now(START.plus_s(3), "the channel hints at news");
    assert_eq!(life.take_pay(&told(waiting(), Source::Query, 2, 4)), Ok(()));
    assert_eq!(life.wake_at(), Some(START.plus_s(3)), "the answer was older than the hint");
    assert_eq!(life.take_pay(&told(waiting(), Source::Query, 4, 5)), Ok(()));
    assert_eq!(life.wake_at(), Some(START.plus_s(10)));
}

#[test]
fn where_no_close_can_be_confirmed_the_attempt_is_watched_until_its_code_has_died() {
    let mut life = placed(Method::WechatNative);
    let _ = life.wish(Intent::MerchantClose, Undo::Close, START.plus_s(1), START.plus_s(1));
    assert_eq!(life.abandon(1, START.plus_s(900), START.plus_s(2)), Ok(()));
    assert_eq!((life.order.status(), attempt(&life).status()), (OrderStatus::Closed, AttemptStatus::Abandoned));
    assert_eq!(life.wake_at(), Some(START.plus_s(900)));
    // Not paid yet is no end while somebody can still pay.
    assert_eq!(life.take_pay(&told(waiting(), Source::Query, 899, 899)), Ok(()));
    assert_eq!(life.take_pay(&told(Pay::NotFound, Source::Query, 899, 901)), Ok(()));
    assert_eq!((attempt(&life).status(), life.wake_at()), (AttemptStatus::Abandoned, Some(START.plus_s(900))));
    let mut unpaid = life.clone();
    assert_eq!(unpaid.take_pay(&told(waiting(), Source::Query, 901, 901)), Ok(()));
    assert_eq!((attempt(&unpaid).status(), unpaid.wake_at()), (AttemptStatus::Closed, None));
    assert_eq!(life.take_pay(&told(paid(), Source::Query, 901, 901)), Ok(()));
    assert_eq!((life.order.status(), life.refunds.len()), (OrderStatus::Closed, 1));
}

/// Found by `model::every_state`: it stayed abandoned for ever, and kept what it held of the limits.
#[test]
fn a_definite_no_ends_what_was_abandoned() {
    let no = Failure { code: FailureCode::ChannelRefused, fault: Fault::Account, message: "no".into(), channel_code: None };
    for said in [Pay::Failed(no), Pay::Closed, Pay::Reversed] {
        let mut life = placed(Method::WechatNative);
        let _ = life.wish(Intent::MerchantClose, Undo::Close, START.plus_s(1), START.plus_s(1));
        assert_eq!(life.abandon(1, START.plus_s(900), START.plus_s(2)), Ok(()));
        assert_eq!(life.take_pay(&told(said, Source::Query, 3, 3)), Ok(()));
        assert_eq!((attempt(&life).status(), life.wake_at(), life.refunds.len()), (AttemptStatus::Closed, None, 0));
    }
}

#[test]
fn refunds_never_exceed_what_was_captured_and_keep_the_pace() {
    let mut life = placed(Method::WechatNative);
    assert_eq!(life.take_pay(&told(paid(), Source::Query, 1, 2)), Ok(()));
    assert_eq!(life.request_refund(&refund_of(600, 10)), Ok(Ok(1)));
    assert_eq!(life.request_refund(&refund_of(600, 10)), Ok(Err(RefundRefused::ExceedsPaid { refundable: Fen(400) })));
    assert_eq!(life.request_refund(&refund_of(400, 11)), Ok(Ok(2)));
    let second = life.refund(2).map(|r| (r.sent_at, r.next_at));
    assert_eq!(second, Some((None, Some(START.plus_s(70)))), "a minute after the first was sent");
    let done = RefundTold {
        refund_seq: 1,
        said: Said::Succeeded(Refunded::default()),
        at: START.plus_s(12),
        next_at: START.plus_s(60),
        queried: true,
        counters: Vec::new(),
        inner: Value::Null,
    };
    assert_eq!((life.take_refund(&done), life.take_refund(&done)), (Ok(()), Ok(())), "twice is once");
    assert_eq!((attempt(&life).refunded, attempt(&life).refunding), (Fen(600), Fen(400)));
    assert_eq!(life.check(), Ok(()));
    assert_eq!(life.effects.iter().filter(|e| e.kind == "refund.succeeded").count(), 1);
}

#[test]
fn a_refused_repeat_of_a_refund_proves_nothing_about_the_first() {
    let mut life = placed(Method::WechatNative);
    assert_eq!(life.take_pay(&told(paid(), Source::Query, 1, 2)), Ok(()));
    assert_eq!(life.request_refund(&refund_of(1000, 10)), Ok(Ok(1)));
    let answer = |said: Said, queried: bool, at_s: i64| RefundTold {
        refund_seq: 1,
        said,
        at: START.plus_s(at_s),
        next_at: START.plus_s(at_s + 5),
        queried,
        counters: Vec::new(),
        inner: Value::Null,
    };
    let refused = Failure { code: FailureCode::ChannelRefused, fault: Fault::Request, message: "used".into(), channel_code: None };
    assert_eq!(life.take_refund(&answer(Said::Unknown(Why::new(WhyKind::NoAnswer, "x")), false, 11)), Ok(()));
    assert_eq!(life.take_refund(&answer(Said::NotFound, true, 20)), Ok(()));
    assert_eq!(life.begin_refund(1, START.plus_s(21), START.plus_s(61)), Ok(true));
    assert_eq!(life.take_refund(&answer(Said::Failed(refused), false, 22)), Ok(()));
    assert_eq!(life.refund(1).map(super::Refund::status), Some(RefundStatus::Pending));
    assert_eq!(life.take_refund(&answer(Said::Succeeded(Refunded::default()), true, 30)), Ok(()));
    assert_eq!(life.refund(1).map(super::Refund::status), Some(RefundStatus::Succeeded));
}
