//! Plays random commands to the engine and to the reference and compares what they hold. `SLUICE_CASES=10000` plays that many.

use super::books::Books;
use super::reference::Reference;
use super::told::{AMOUNT, failure, pay_told, refund_told, undo_told};
use super::words::{Back, Intent, Said, Undone, Verb};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sluice::domain::life::{Intent as RealIntent, Undo};
use sluice::domain::pay::{PayTold, Source};
use sluice::domain::refund::NewRefund;
use sluice::domain::undo::UndoTold;
use sluice::domain::{Candidate, Life, Order, OrderId, OrderStatus, RefundOrigin};
use sluice::store::{Answer, Command, Outcome, Query, StoreError};
use sluice_contract::{Fault, Fen, Millis};

#[derive(Clone, Debug)]
enum Op {
    Told { n: usize, said: Said, source: u8, stale: bool, fallback: bool },
    Wish(Intent),
    BeginUndo(usize),
    WantNext(usize),
    Undone { n: usize, said: Undone, fallback: bool },
    Abandon(usize),
    Refund { number: u8, amount: i64 },
    BeginRefund(usize),
    ToldRefund { k: usize, said: Back, queried: bool },
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        4 => Just(Said::Paid),
        1 => Just(Said::PaidOtherAmount),
        2 => Just(Said::Waiting),
        1 => Just(Said::Closed),
        1 => Just(Said::Reversed),
        2 => Just(Said::FailedByAccount),
        1 => Just(Said::FailedByPayer),
        1 => any::<bool>().prop_map(|is_final| Said::NotFound { is_final }),
        2 => Just(Said::Unknown),
        1 => Just(Said::Declined),
    ]
}

fn back() -> impl Strategy<Value = Back> {
    prop_oneof![
        Just(Back::Succeeded),
        Just(Back::Accepted),
        Just(Back::Failed),
        Just(Back::NoBalance),
        Just(Back::NotFound),
        Just(Back::Unknown)
    ]
}

fn undone() -> impl Strategy<Value = Undone> {
    prop_oneof![
        Just(Undone::Done),
        any::<bool>().prop_map(|is_final| Undone::NotFound { is_final }),
        Just(Undone::Paid),
        Just(Undone::Refused),
        Just(Undone::Busy),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let intent = prop_oneof![Just(Intent::Close), Just(Intent::Reverse), Just(Intent::Expiry)];
    let amount = prop_oneof![Just(6_000_i64), Just(4_000), Just(10_000), Just(1), 1..=10_001_i64];
    prop_oneof![
        6 => (0..3_usize, said(), 0..3_u8, prop::bool::weighted(0.2), any::<bool>())
            .prop_map(|(n, said, source, stale, fallback)| Op::Told { n, said, source, stale, fallback }),
        1 => intent.prop_map(Op::Wish),
        2 => (0..3_usize).prop_map(Op::BeginUndo),
        2 => (0..3_usize).prop_map(Op::WantNext),
        2 => (0..3_usize, undone(), any::<bool>()).prop_map(|(n, said, fallback)| Op::Undone { n, said, fallback }),
        1 => (0..3_usize).prop_map(Op::Abandon),
        4 => (0..5_u8, amount).prop_map(|(number, amount)| Op::Refund { number, amount }),
        2 => (0..4_usize).prop_map(Op::BeginRefund),
        3 => (0..4_usize, back(), any::<bool>()).prop_map(|(k, said, queried)| Op::ToldRefund { k, said, queried }),
    ]
}

/// The engine's side of one order's game.
struct Game<'a> {
    engine: &'a mut Books,
    id: OrderId,
    next: Candidate,
    barcode: bool,
    now: Millis,
}

impl Game<'_> {
    fn life(&self) -> Life {
        self.engine.life(&self.id).unwrap().unwrap()
    }

    fn verb(&self, intent: Intent) -> Verb {
        if intent == Intent::Reverse || (self.barcode && intent == Intent::Expiry) { Verb::Reverse } else { Verb::Close }
    }

    /// The command of an operation; `None` where it names something that is not there.
    fn command(&self, op: &Op, reference: &Reference) -> Option<Command> {
        let (order_id, at) = (self.id.clone(), self.now);
        let seq = |n: usize| (n < reference.attempts.len()).then(|| u32::try_from(n + 1).unwrap());
        let refund_seq = |k: usize| (k < reference.refunds.len()).then(|| u32::try_from(k + 1).unwrap());
        Some(match *op {
            Op::Told { n, said, source, stale, fallback } => {
                let source = [Source::Pay, Source::Query, Source::Callback][usize::from(source)];
                // An ended attempt ended at some time of this game: a stale question is from before it.
                let asked_at = if stale { Millis(0) } else { at };
                let fallback = if fallback { vec![self.next.clone()] } else { Vec::new() };
                Command::TakePay { order_id, told: Box::new(PayTold { asked_at, fallback, ..pay_told(seq(n)?, said, source, at) }) }
            }
            Op::Wish(intent) => {
                let verb = real_verb(self.verb(intent));
                Command::Wish { order_id, intent: real_intent(intent), verb, at, due_at: at }
            }
            Op::BeginUndo(n) => Command::BeginUndo { order_id, attempt_seq: seq(n)?, at, lease_until: at.plus_s(40) },
            Op::WantNext(n) => Command::WantNext { order_id, attempt_seq: seq(n)?, failure: failure(Fault::Account), at },
            Op::Undone { n, said, fallback } => {
                let verb = real_verb(reference.attempts.get(n)?.undo?);
                let fallback = if fallback { vec![self.next.clone()] } else { Vec::new() };
                Command::TakeUndone { order_id, told: Box::new(UndoTold { fallback, ..undo_told(seq(n)?, verb, said, at) }) }
            }
            Op::Abandon(n) => Command::Abandon { order_id, attempt_seq: seq(n)?, payable_until: at.plus_s(60), at },
            Op::Refund { number, amount } => {
                Command::RequestRefund { nonce: None, order_id, new: Box::new(self.new_refund(number, amount)) }
            }
            Op::BeginRefund(k) => Command::BeginRefund { order_id, refund_seq: refund_seq(k)?, at, lease_until: at.plus_s(40) },
            Op::ToldRefund { k, said, queried } => {
                Command::TakeRefund { order_id, told: Box::new(refund_told(refund_seq(k)?, said, queried, at)) }
            }
        })
    }

    fn new_refund(&self, number: u8, amount: i64) -> NewRefund {
        NewRefund {
            merchant_id: "m1".into(),
            merchant_refund_no: Some(format!("{}-{number}", self.id)),
            fingerprint: amount.to_be_bytes().to_vec(),
            attempt_seq: None,
            window_ms: i64::MAX,
            count_max: 1_000,
            ..NewRefund::automatic(1, Fen(amount), RefundOrigin::Merchant, self.now, 0)
        }
    }
}

fn real_verb(verb: Verb) -> Undo {
    if verb == Verb::Close { Undo::Close } else { Undo::Reverse }
}

fn real_intent(intent: Intent) -> RealIntent {
    match intent {
        Intent::Close => RealIntent::MerchantClose,
        Intent::Reverse => RealIntent::MerchantReverse,
        Intent::Expiry => RealIntent::Expiry,
    }
}

/// Plays an operation to the reference; answers whether the store has to refuse the command.
fn play(reference: &mut Reference, numbers: &mut Vec<(u8, i64)>, op: &Op, verb: impl Fn(Intent) -> Verb) -> bool {
    match *op {
        Op::Told { n, said, source, stale, fallback } => return !reference.told(n, said, source == 0, stale, fallback),
        Op::Wish(intent) => reference.wish(intent, verb(intent)),
        Op::BeginUndo(n) => reference.begin_undo(n),
        Op::WantNext(n) => reference.want_next(n),
        Op::Undone { n, said, fallback } => {
            let Some(verb) = reference.attempts[n].undo else { return false };
            reference.undone(n, verb, said, fallback);
        }
        Op::Abandon(n) => reference.abandon(n),
        Op::Refund { number, amount } => {
            let known = numbers.iter().any(|(n, _)| *n == number);
            if !known && reference.request_refund(amount) {
                numbers.push((number, amount));
            }
        }
        Op::BeginRefund(k) => reference.begin_refund(k),
        Op::ToldRefund { k, said, queried } => reference.told_refund(k, said, queried),
    }
    false
}

fn compare(life: &Life, reference: &Reference) -> Result<(), TestCaseError> {
    prop_assert_eq!(life.order.status().word(), reference.status, "the order's status");
    let winner = life.order.winner.map(|seq| usize::try_from(seq).unwrap() - 1);
    prop_assert_eq!(winner, reference.winner);
    prop_assert_eq!(life.attempts.len(), reference.attempts.len());
    for (n, (real, ours)) in life.attempts.iter().zip(&reference.attempts).enumerate() {
        prop_assert_eq!(real.status().word(), ours.status, "attempt {}", n + 1);
        prop_assert_eq!((real.captured.0, real.late), (ours.captured, ours.late), "attempt {}", n + 1);
        let sums = (reference.refunded(n), reference.refunding(n));
        prop_assert_eq!((real.refunded.0, real.refunding.0), sums, "sums of attempt {}", n + 1);
        prop_assert_eq!(real.undo, ours.undo.map(real_verb), "the undo of attempt {}", n + 1);
    }
    prop_assert_eq!(life.refunds.len(), reference.refunds.len());
    for (k, (real, ours)) in life.refunds.iter().zip(&reference.refunds).enumerate() {
        prop_assert_eq!((real.status().word(), real.amount.0), (ours.status, ours.amount), "refund {}", k + 1);
    }
    Ok(())
}

/// What the outbox holds, counted by kind, follows from what the rows say.
fn compare_notices(game: &Game<'_>, reference: &Reference) -> Result<(), TestCaseError> {
    let Ok(Answer::Notices(rows)) = game.engine.answer(&Query::NoticesOf(game.id.clone())) else {
        return Err(TestCaseError::fail("the outbox cannot be read"));
    };
    let count = |kind: &str| rows.iter().filter(|row| row.kind == kind).count();
    for status in OrderStatus::ALL.iter().filter(|s| s.is_end()) {
        prop_assert_eq!(count(&format!("order.{}", status.word())), usize::from(status.word() == reference.status));
    }
    let late = reference.attempts.iter().enumerate().filter(|(n, a)| a.late && reference.winner != Some(*n)).count();
    prop_assert_eq!(count("order.paid_late"), late);
    for status in ["succeeded", "failed"] {
        prop_assert_eq!(count(&format!("refund.{status}")), reference.refunds.iter().filter(|r| r.status == status).count());
    }
    Ok(())
}

fn game(engine: &mut Books, nth: u64, draft: &(Order, Vec<Candidate>), barcode: bool, ops: &[(Op, bool)]) -> Result<(), TestCaseError> {
    let (mut order, candidates) = draft.clone();
    let entropy = u128::from(nth).to_be_bytes();
    order.id = OrderId::new(order.created_at, entropy);
    order.merchant_order_no = format!("M{nth}");
    order.expires_at = order.created_at.plus_s(86_400);
    let mut game = Game { engine, id: order.id.clone(), next: candidates[1].clone(), barcode, now: order.created_at };
    let place = Command::PlaceOrder { nonce: None, order: Box::new(order), candidates };
    let placed = game.engine.apply(&[&place]);
    prop_assert!(matches!(placed.first(), Some(Ok(Outcome::Placed(_)))), "{placed:?}");
    let (mut reference, mut numbers) = (Reference::new(AMOUNT, barcode), Vec::new());
    let mut batch: Vec<(Command, bool)> = Vec::new();
    for (op, flush) in ops {
        game.now = game.now.plus_ms(1_000);
        if let Some(command) = game.command(op, &reference) {
            let verb = |intent| game.verb(intent);
            let refused = play(&mut reference, &mut numbers, op, verb);
            batch.push((command, refused));
        }
        if *flush {
            settle(&mut game, &mut batch)?;
            compare(&game.life(), &reference)?;
        }
    }
    settle(&mut game, &mut batch)?;
    compare(&game.life(), &reference)?;
    compare_notices(&game, &reference)
}

/// Commits what waits, in one batch: two commands of it see each other, and a refused one harms no other.
fn settle(game: &mut Game<'_>, batch: &mut Vec<(Command, bool)>) -> Result<(), TestCaseError> {
    if batch.is_empty() {
        return Ok(());
    }
    let commands: Vec<&Command> = batch.iter().map(|(command, _)| command).collect();
    let outcomes = game.engine.apply(&commands);
    for ((command, refused), outcome) in batch.iter().zip(&outcomes) {
        let broken = matches!(outcome, Err(StoreError::Broken(_)));
        prop_assert_eq!(broken, *refused, "{:?} -> {:?}", command, outcome);
        prop_assert!(outcome.is_ok() || broken, "{:?}", outcome);
    }
    batch.clear();
    Ok(())
}

#[test]
fn an_order_is_what_the_reference_says() {
    #[expect(clippy::disallowed_methods, reason = "the test's own parameter")]
    let cases = std::env::var("SLUICE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000);
    let drafts = [crate::world::draft(false), crate::world::draft(true)];
    let engine = std::cell::RefCell::new(Books::chosen());
    let nth = std::cell::Cell::new(0_u64);
    let ops = prop::collection::vec((op(), prop::bool::weighted(0.6)), 1..40);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let result = runner.run(&(any::<bool>(), ops), |(barcode, ops)| {
        nth.set(nth.get() + 1);
        game(&mut engine.borrow_mut(), nth.get(), &drafts[usize::from(barcode)], barcode, &ops)
    });
    if let Err(failed) = result {
        panic!("{failed}");
    }
}
