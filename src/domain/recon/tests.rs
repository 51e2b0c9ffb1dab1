//! Days of books against bills made from them, with differences planted on purpose: found exactly, whatever the order of the rows.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, reason = "in a test an unwrap is an assertion")]

use super::books::Books;
use super::discrepancy::{Found, Kind, Standing};
use super::matching::{Matching, Outcome};
use crate::domain::fee::Tariff;
use crate::domain::life::{Attempt, AttemptNotes, Refund, RefundNotes, RefundOrigin};
use crate::domain::{AttemptStatus, OrderId, PendingReason, RefundStatus};
use proptest::prelude::*;
use sluice_contract::{BillFate, BillKind, BillRow, Day, Fen, ListedBy, Method, Millis, Second, StatementRule};
use std::collections::{BTreeMap, BTreeSet};

const RULE: StatementRule =
    StatementRule { ready_at_s: 36_000, day_ends_at_s: 86_400, refunds_by: ListedBy::Begun, per_sub: false, sub_field: "sub_mchid" };

fn day() -> Day {
    Day::parse("2026-11-23").unwrap()
}

fn at(second_of_day: i64) -> Second {
    day().start().plus(second_of_day)
}

fn order(nth: u64, second_of_day: i64) -> OrderId {
    OrderId::new(at(second_of_day).millis(), u128::from(nth).to_be_bytes())
}

pub fn attempt(status: AttemptStatus, amount: i64, second_of_day: i64) -> Attempt {
    let at = at(second_of_day).millis();
    let done = status == AttemptStatus::Succeeded;
    Attempt {
        seq: 1,
        account: "a".into(),
        channel: "c".into(),
        method: Method::WechatNative,
        status,
        amount: Fen(amount),
        captured: if done { Fen(amount) } else { Fen::ZERO },
        refunded: Fen::ZERO,
        refunding: Fen::ZERO,
        late: false,
        at,
        next_at: None,
        queries: 0,
        undo: None,
        undo_sent_at: None,
        ended_at: done.then_some(at),
        suspended: false,
        notes: AttemptNotes { paid_at: done.then_some(at), fee: Tariff::flat("0.006"), ..AttemptNotes::default() },
    }
}

fn refund(status: RefundStatus, amount: i64, second_of_day: i64) -> Refund {
    let at = at(second_of_day).millis();
    Refund {
        seq: 1,
        attempt_seq: 1,
        merchant_refund_no: None,
        fingerprint: Vec::new(),
        amount: Fen(amount),
        status,
        pending_reason: PendingReason::Processing,
        origin: RefundOrigin::Merchant,
        at,
        sent_at: Some(at),
        sends: 1,
        next_at: None,
        queries: 0,
        version: 1,
        succeeded_at: (status == RefundStatus::Succeeded).then_some(at),
        notes: RefundNotes::default(),
    }
}

fn row(kind: BillKind, number: &str, amount: i64, second_of_day: i64) -> BillRow {
    let fee = Tariff::flat("0.006").and_then(|tariff| tariff.fee(Fen(amount)));
    BillRow {
        kind,
        number: number.to_owned(),
        refund_number: None,
        channel_trade_no: Some(format!("T{number}")),
        amount: Fen(amount),
        fee: fee.filter(|_| kind == BillKind::Payment),
        fate: BillFate::Done,
        state: "SUCCESS".into(),
        at: Some(at(second_of_day)),
        sub: Some(String::new()),
        own_discount: None,
    }
}

fn books() -> Books {
    Books::new("a", day(), &RULE, Millis(i64::MAX))
}

fn outcome(books: Books, rows: &[BillRow]) -> Outcome {
    let mut matching = Matching::new(books);
    rows.iter().for_each(|row| matching.take(row.clone()).unwrap());
    matching.place_strangers().unwrap();
    matching.finish(true)
}

fn kinds(outcome: &Outcome) -> Vec<(Kind, Standing, i64)> {
    outcome.found.iter().map(|found| (found.kind, found.standing, found.gap.0)).collect()
}

/// A day of books with the bill that agrees with it. `seeds`: an amount and what becomes of each order.
struct Made {
    payments: Vec<(OrderId, Attempt)>,
    refunds: Vec<(OrderId, Refund)>,
    named: Vec<(OrderId, Attempt)>,
    rows: Vec<BillRow>,
}

fn made(seeds: &[(i64, u8)]) -> Made {
    let mut made = Made { payments: Vec::new(), refunds: Vec::new(), named: Vec::new(), rows: Vec::new() };
    for (nth, (amount, fate)) in seeds.iter().enumerate() {
        let second = 3_600 + i64::try_from(nth).unwrap() * 30;
        let id = order(u64::try_from(nth).unwrap() + 1, second);
        let number = id.attempt_number(1);
        if fate % 4 == 3 {
            made.named.push((id, attempt(AttemptStatus::Reversed, *amount, second)));
            made.rows.extend([row(BillKind::Payment, &number, *amount, second), row(BillKind::Reversal, &number, *amount, second + 20)]);
            continue;
        }
        made.rows.push(row(BillKind::Payment, &number, *amount, second));
        if fate % 4 == 1 && *amount > 1 {
            let back = refund(RefundStatus::Succeeded, amount / 2, second + 60);
            made.rows.push(BillRow { refund_number: Some(id.refund_id(1)), ..row(BillKind::Refund, &number, amount / 2, second + 60) });
            made.refunds.push((id.clone(), back));
        }
        made.payments.push((id, attempt(AttemptStatus::Succeeded, *amount, second)));
    }
    made
}

impl Made {
    fn books(&self) -> Books {
        let mut books = books();
        self.payments.iter().for_each(|(id, attempt)| books.attempt(id, attempt));
        self.refunds.iter().for_each(|(id, refund)| books.refund(id, refund));
        self.named.iter().for_each(|(id, attempt)| books.learn(&life(id, attempt, None)));
        books
    }
}

pub fn life(id: &OrderId, attempt: &Attempt, refund: Option<&Refund>) -> crate::domain::Life {
    let mut life = crate::domain::tests::a_life();
    life.order.id = id.clone();
    life.attempts = vec![attempt.clone()];
    life.refunds = refund.into_iter().cloned().collect();
    life
}

/// Plants a difference on a payment's row; answers the number it is found under.
fn plant(rows: &mut Vec<BillRow>, number: &str, kind: Kind) -> String {
    let place = rows.iter().position(|row| row.kind == BillKind::Payment && row.number == number).unwrap();
    let row = rows[place].clone();
    match kind {
        Kind::MissingHere => {
            let ghost = format!("{}ZZ", &number[..25]);
            rows.push(BillRow { number: ghost.clone(), ..row });
            return ghost;
        }
        Kind::MissingThere => drop(rows.remove(place)),
        Kind::Amount => rows[place].amount = Fen(row.amount.0 + 1),
        Kind::Status => rows[place].fate = BillFate::Void,
        Kind::Duplicate => rows.push(row),
        Kind::Fee => rows[place].fee = row.fee.map(|fee| Fen(fee.0 + 1)),
        Kind::Merchant => rows[place].sub = Some("another".into()),
        Kind::UnknownRefund => {
            let unknown = format!("R{}ZZ", &number[1..25]);
            rows.push(BillRow { kind: BillKind::Refund, refund_number: Some(unknown.clone()), fee: None, ..row });
            return unknown;
        }
    }
    number.to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn what_is_planted_is_found_and_nothing_else_in_any_order_of_the_rows(
        seeds in prop::collection::vec((1_i64..10_000_000, any::<u8>()), 1..60),
        plants in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..8), 0..12),
        shuffle: u64,
    ) {
        let made = made(&seeds);
        prop_assert_eq!(kinds(&outcome(made.books(), &made.rows)), vec![], "a day that agrees is clean");
        let mut rows = made.rows.clone();
        let mut planted: BTreeSet<(Kind, String)> = BTreeSet::new();
        let mut taken = BTreeSet::new();
        for (index, kind) in plants {
            let kind = Kind::ALL[kind];
            let Some((id, _)) = (!made.payments.is_empty()).then(|| &made.payments[index.index(made.payments.len())]) else { continue };
            if taken.insert(id.clone()) {
                planted.insert((kind, plant(&mut rows, &id.attempt_number(1), kind)));
            }
        }
        let first = outcome(made.books(), &rows);
        let found: BTreeSet<(Kind, String)> = first.found.iter().map(|found| (found.kind, found.number.clone())).collect();
        prop_assert_eq!(&found, &planted);
        prop_assert_eq!(found.len(), first.found.len(), "each once");
        let mut mixed: Vec<(u64, BillRow)> = rows.into_iter().enumerate().map(|(n, row)| (mix(shuffle ^ u64::try_from(n).unwrap()), row)).collect();
        mixed.sort_by_key(|(place, _)| *place);
        let mixed: Vec<BillRow> = mixed.into_iter().map(|(_, row)| row).collect();
        prop_assert_eq!(outcome(made.books(), &mixed), first);
    }
}

fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (n ^ (n >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53)
}

#[test]
fn one_viewpoint_says_who_has_more() {
    let made = made(&[(1_000, 0), (1_000, 1)]);
    let gap = |nth: usize, kind: Kind| {
        let mut rows = made.rows.clone();
        plant(&mut rows, &made.payments[nth].0.attempt_number(1), kind);
        kinds(&outcome(made.books(), &rows))
    };
    for (kind, expected) in [
        (Kind::MissingHere, 1_000),
        (Kind::MissingThere, -1_000),
        (Kind::Amount, 1),
        (Kind::Status, -1_000),
        (Kind::Duplicate, 1_000),
        (Kind::Fee, -1),
        (Kind::UnknownRefund, -1_000),
        (Kind::Merchant, -1_000),
    ] {
        assert_eq!(gap(0, kind), [(kind, Standing::Open, expected)]);
    }
    // A refund that the channel did not make leaves the merchant more.
    let without: Vec<BillRow> = made.rows.iter().filter(|row| row.kind == BillKind::Payment).cloned().collect();
    assert_eq!(kinds(&outcome(made.books(), &without)), [(Kind::MissingThere, Standing::Open, 500)]);
}

#[test]
fn near_the_cut_a_payment_waits_for_the_other_bill() {
    let edge = |second: i64, before: bool| {
        let (id, paid) = (order(1, second), attempt(AttemptStatus::Succeeded, 100, second));
        let mut books = books();
        books.attempt(&id, &paid);
        let matching = Matching::new(books);
        (matching.wants_the_bill_before(), kinds(&matching.finish(before)))
    };
    assert_eq!(edge(86_340, true), (false, vec![(Kind::MissingThere, Standing::Carried, -100)]), "23:59");
    assert_eq!(edge(60, false), (true, vec![(Kind::MissingThere, Standing::Carried, -100)]), "00:01, and the bill before is not known");
    assert_eq!(edge(60, true), (true, vec![(Kind::MissingThere, Standing::Open, -100)]), "00:01, in neither bill");
    assert_eq!(edge(43_200, true), (false, vec![(Kind::MissingThere, Standing::Open, -100)]), "noon");
    assert_eq!(edge(100_000, true), (false, vec![]), "tomorrow's own");
    // What the neighbouring bill has is no difference.
    let (id, paid) = (order(1, 60), attempt(AttemptStatus::Succeeded, 100, 60));
    let mut books = books();
    books.attempt(&id, &paid);
    let mut matching = Matching::new(books);
    matching.take_before(&row(BillKind::Payment, &id.attempt_number(1), 100, -60));
    assert_eq!(kinds(&matching.finish(true)), []);
    // A row of this bill that our books have on the day after.
    let (id, paid) = (order(1, 86_460), attempt(AttemptStatus::Succeeded, 100, 86_460));
    let mut books = self::books();
    books.attempt(&id, &paid);
    assert_eq!(kinds(&outcome(books, &[row(BillKind::Payment, &id.attempt_number(1), 100, 86_399)])), []);
}

#[test]
fn a_clearing_day_that_ends_at_eleven_and_a_told_day_are_kept() {
    let rule = StatementRule { day_ends_at_s: 82_800, ..RULE };
    let missing = |second: i64, told: Option<&str>| {
        let mut paid = attempt(AttemptStatus::Succeeded, 100, second);
        paid.notes.settle_date = told.map(str::to_owned);
        let mut books = Books::new("a", day(), &rule, Millis(i64::MAX));
        books.attempt(&order(1, second), &paid);
        kinds(&Matching::new(books).finish(true)).first().map(|(_, standing, _)| *standing)
    };
    assert_eq!(missing(82_700, None), Some(Standing::Carried));
    assert_eq!(missing(82_700, Some("2026-11-23")), Some(Standing::Open), "the channel itself has told the day");
    assert_eq!(missing(82_700, Some("2026-11-24")), None);
    assert_eq!(missing(-3_200, None), Some(Standing::Open), "23:06 of the day before");
    assert_eq!(missing(85_000, None), None);
}

#[test]
fn a_lost_order_is_named_and_is_a_difference_only_if_it_stays_lost() {
    let id = order(1, 40_000);
    let rows = [row(BillKind::Payment, &id.attempt_number(1), 700, 40_000)];
    for status in [AttemptStatus::Unknown, AttemptStatus::Closed, AttemptStatus::Failed, AttemptStatus::Reversed, AttemptStatus::Abandoned]
    {
        let mut matching = Matching::new(books());
        rows.iter().for_each(|row| matching.take(row.clone()).unwrap());
        assert_eq!(matching.to_look_up(), BTreeSet::from([id.clone()]));
        matching.learn(&life(&id, &attempt(status, 700, 40_000), None));
        matching.place_strangers().unwrap();
        let lost: Vec<_> = matching.lost().into_iter().collect();
        assert_eq!(lost.iter().map(|lost| (&lost.order, lost.seq, lost.refund)).collect::<Vec<_>>(), [(&id, 1, false)], "{status:?}");
        let mut repaired = Matching::new(books());
        rows.iter().for_each(|row| repaired.take(row.clone()).unwrap());
        repaired.learn(&life(&id, &attempt(status, 700, 40_000), None));
        repaired.place_strangers().unwrap();
        repaired.learn(&life(&id, &attempt(AttemptStatus::Succeeded, 700, 40_000), None));
        assert_eq!((repaired.lost().len(), kinds(&repaired.finish(true))), (0, vec![]), "{status:?}");
        assert_eq!(kinds(&matching.finish(true)), [(Kind::Status, Standing::Open, 700)], "{status:?}");
    }
}

#[test]
fn refunds_are_matched_in_the_state_they_were_listed_in() {
    let id = order(1, 40_000);
    let (paid, number) = (attempt(AttemptStatus::Succeeded, 700, 40_000), id.attempt_number(1));
    let of = |fate, amount| BillRow { refund_number: Some(id.refund_id(1)), fate, ..row(BillKind::Refund, &number, amount, 40_100) };
    let says = |status, fate, amount| {
        let mut matching = Matching::new(books());
        matching.take(of(fate, amount)).unwrap();
        matching.learn(&life(&id, &paid, Some(&refund(status, 300, 40_100))));
        matching.place_strangers().unwrap();
        let (lost, found) = (matching.lost().len(), matching.finish(true));
        (lost, found.found.iter().filter(|f: &&Found| f.number.starts_with('R')).map(|f| (f.kind, f.gap.0)).collect::<Vec<_>>())
    };
    assert_eq!(says(RefundStatus::Succeeded, BillFate::Done, 300), (0, vec![]));
    assert_eq!(says(RefundStatus::Succeeded, BillFate::Open, 300), (0, vec![]), "listed on the day it was begun");
    assert_eq!(says(RefundStatus::Succeeded, BillFate::Void, 300), (0, vec![(Kind::Status, 300)]));
    assert_eq!(says(RefundStatus::Succeeded, BillFate::Done, 301), (0, vec![(Kind::Amount, -1)]));
    assert_eq!(says(RefundStatus::Pending, BillFate::Open, 300), (0, vec![]));
    assert_eq!(says(RefundStatus::Pending, BillFate::Done, 300), (1, vec![(Kind::Status, -300)]));
    assert_eq!(says(RefundStatus::Failed, BillFate::Void, 300), (0, vec![]));
    assert_eq!(says(RefundStatus::Failed, BillFate::Done, 300), (1, vec![(Kind::Status, -300)]));
}

#[test]
fn the_bill_of_another_day_is_refused() {
    let id = order(1, 40_000);
    let mut matching = Matching::new(books());
    let stray = row(BillKind::Payment, &id.attempt_number(1), 700, 40_000 - 86_400);
    assert!(matching.take(stray).unwrap_err().contains("another day"));
}

#[test]
fn the_bill_of_another_merchant_is_refused_and_a_single_stranger_is_not() {
    let compared = |ours: std::ops::Range<usize>, theirs: std::ops::Range<usize>| {
        let seeds = [(1_000, 0); 8];
        let (all, mut books) = (made(&seeds), books());
        all.payments[ours].iter().for_each(|(id, attempt)| books.attempt(id, attempt));
        let mut matching = Matching::new(books);
        all.rows[theirs].iter().for_each(|row| matching.take(row.clone()).unwrap());
        matching.place_strangers().unwrap();
        matching.is_of_this_account()
    };
    assert!(compared(0..4, 4..8).unwrap_err().contains("another merchant"));
    for (ours, theirs) in [(0..4, 3..8), (0..4, 4..6), (0..2, 4..8), (0..0, 0..8), (0..4, 0..0)] {
        assert_eq!(compared(ours.clone(), theirs.clone()), Ok(()), "{ours:?} {theirs:?}");
    }
}

fn run(at: i64) -> super::record::BillRun {
    let state = super::record::RunState::Done;
    super::record::BillRun { account: "a".into(), day: day(), at: Millis(at), state, why: None, rows: 2, matched: 0 }
}

#[test]
fn a_rerun_changes_nothing_and_a_persons_word_stands() {
    use super::record::{Stored, take};
    let made = made(&[(1_000, 0), (2_000, 0)]);
    let mut rows = made.rows.clone();
    plant(&mut rows, &made.payments[0].0.attempt_number(1), Kind::Amount);
    plant(&mut rows, &made.payments[1].0.attempt_number(1), Kind::MissingThere);
    let found = outcome(made.books(), &rows).found;
    let store = |rows: Vec<Stored>| -> BTreeMap<_, _> { rows.into_iter().map(|stored| (stored.key(), stored)).collect() };
    let first = store(take(&BTreeMap::new(), &run(1), &found));
    let second = store(take(&first, &run(2), &found));
    let plain = |all: &BTreeMap<_, Stored>| all.values().map(|s| (s.id(), s.found.clone(), s.first_seen)).collect::<Vec<_>>();
    assert_eq!((first.len(), plain(&first)), (2, plain(&second)));
    // A person settles one; the other comes right by itself, and breaks again.
    let mut settled = second;
    let one = settled.values_mut().find(|stored| stored.found.kind == Kind::Amount).unwrap();
    (one.found.standing, one.settled_by) = (Standing::Settled, Some("finance".into()));
    let stands = |all: &BTreeMap<_, Stored>| all.values().map(|s| (s.found.kind, s.found.standing)).collect::<BTreeSet<_>>();
    let mut gone = settled.clone();
    gone.extend(store(take(&settled, &run(3), &found[..0])));
    assert_eq!(stands(&gone), BTreeSet::from([(Kind::Amount, Standing::Settled), (Kind::MissingThere, Standing::Settled)]));
    let mut back = gone.clone();
    back.extend(store(take(&gone, &run(4), &found)));
    assert_eq!(stands(&back), BTreeSet::from([(Kind::Amount, Standing::Settled), (Kind::MissingThere, Standing::Open)]));
}

/// One person proposed to write off a fen; a later bill makes it ten thousand yuan. Nobody has agreed to that.
#[test]
fn a_write_off_is_of_the_sum_that_was_seen() {
    use super::record::{Settled, Stored, settle, take};
    let made = made(&[(1_000_000, 0)]);
    let number = made.payments[0].0.attempt_number(1);
    let found = |amount: i64| {
        let mut rows = made.rows.clone();
        rows.iter_mut().filter(|row| row.number == number).for_each(|row| row.amount = Fen(amount));
        outcome(made.books(), &rows).found
    };
    let (small, large) = (found(999_999), found(1));
    let seen = |known: Option<&Stored>, at: i64, found: &[Found]| {
        let known = known.map(|stored| (stored.key(), stored.clone())).into_iter().collect();
        take(&known, &run(at), found).into_iter().find(|stored| stored.found.kind == Kind::Amount).unwrap()
    };
    let first = seen(None, 1, &small);
    let stored = |said: Settled, done: bool| match said {
        Settled::Proposed(stored) if !done => Some(stored),
        Settled::Done(stored) if done => Some(stored),
        _ => None,
    };
    let proposed = stored(settle(&first, "li", "rounding", Millis(2)), false).unwrap();
    assert_eq!(seen(Some(&proposed), 3, &small).proposal, proposed.proposal, "the same sum again");
    let grown = seen(Some(&proposed), 3, &large);
    assert_eq!(grown.proposal, None);
    assert!(matches!(settle(&grown, "wang", "agreed", Millis(4)), Settled::Proposed(_)), "the second person's word is a first one now");
    let settled = stored(settle(&proposed, "wang", "agreed", Millis(4)), true).unwrap();
    assert_eq!(seen(Some(&settled), 5, &small).found.standing, Standing::Settled);
    assert_eq!(seen(Some(&settled), 5, &large).found.standing, Standing::Open);
}

/// A provider's bill has many sub-merchants: whose the money is stands beside who was named when the order was placed.
#[test]
fn a_payment_of_another_sub_merchant_is_a_difference_and_one_that_the_bill_does_not_tell_is_none() {
    let says = |bound: Option<&str>, told: Option<&str>, amount: i64| {
        let (id, mut paid) = (order(1, 40_000), attempt(AttemptStatus::Succeeded, 700, 40_000));
        paid.notes.sub = bound.map(|sub| ("sub_mchid".to_owned(), sub.to_owned())).into_iter().collect();
        let mut books = books();
        books.attempt(&id, &paid);
        kinds(&outcome(books, &[BillRow { sub: told.map(str::to_owned), ..row(BillKind::Payment, &id.attempt_number(1), amount, 40_000) }]))
    };
    let other = (Kind::Merchant, Standing::Open, -700);
    for (bound, told, found) in [
        (Some("s1"), Some("s1"), vec![]),
        (None, Some(""), vec![]),
        (Some("s1"), None, vec![]),
        (Some("s1"), Some("s2"), vec![other]),
        (Some("s1"), Some(""), vec![other]),
        (None, Some("s2"), vec![other]),
    ] {
        assert_eq!(says(bound, told, 700), found, "{bound:?} {told:?}");
    }
    // A discrepancy more, not one instead of another.
    assert_eq!(says(Some("s1"), Some("s2"), 701), [(Kind::Amount, Standing::Open, 1), other]);
}

/// The fee is on what reaches the merchant: by the bill's own word of discounts, or by ours, or on the whole where the bill is silent.
#[test]
fn a_discount_of_the_merchants_own_changes_the_fee_and_the_bill_has_the_last_word_on_it() {
    use sluice_contract::{Discount, DiscountKind, FundedBy};
    let says = |ours: i64, theirs: Option<i64>, fee: i64| {
        let (id, mut paid) = (order(1, 40_000), attempt(AttemptStatus::Succeeded, 100_000, 40_000));
        let own = Discount { kind: DiscountKind::Merchant, funded_by: FundedBy::Merchant, amount: Fen(ours) };
        paid.notes.discounts = (ours > 0).then_some(own).into_iter().collect();
        let mut books = books();
        books.attempt(&id, &paid);
        let row = row(BillKind::Payment, &id.attempt_number(1), 100_000, 40_000);
        kinds(&outcome(books, &[BillRow { fee: Some(Fen(fee)), own_discount: theirs.map(Fen), ..row }]))
    };
    let wrong = |gap| vec![(Kind::Fee, Standing::Open, gap)];
    for (ours, theirs, fee, found) in [
        (0, None, 600, vec![]),
        (20_000, None, 480, vec![]),
        (20_000, None, 600, vec![]),
        (0, Some(20_000), 480, vec![]),
        (20_000, Some(20_000), 480, vec![]),
        (0, Some(20_000), 600, wrong(-120)),
        (0, Some(0), 480, wrong(120)),
        (20_000, Some(0), 600, vec![]),
        (20_000, None, 481, wrong(-1)),
    ] {
        assert_eq!(says(ours, theirs, fee), found, "{ours} {theirs:?} {fee}");
    }
}

/// E7: six kinds at one per cent of a hundred thousand rows.
#[test]
fn six_kinds_at_one_per_cent_of_a_hundred_thousand_rows_are_all_found_and_none_invented() {
    let mut books = books();
    let mut rows = Vec::new();
    let mut planted = BTreeSet::new();
    for nth in 0..100_000_u64 {
        let second = 3_600 + i64::try_from(nth % 75_000).unwrap();
        let amount = 100 + i64::try_from(mix(nth) % 1_000_000).unwrap();
        let (id, number) = (order(nth, second), order(nth, second).attempt_number(1));
        books.attempt(&id, &attempt(AttemptStatus::Succeeded, amount, second));
        let row = row(BillKind::Payment, &number, amount, second);
        let kind = Kind::ALL[usize::try_from(nth / 7 % 6).unwrap()];
        if nth % 100 != 3 {
            rows.push(row);
            continue;
        }
        let mut own = vec![row];
        planted.insert((kind, plant(&mut own, &number, kind)));
        rows.extend(own);
    }
    assert_eq!(planted.len(), 1_000);
    assert_eq!(planted.iter().map(|(kind, _)| *kind).collect::<BTreeSet<_>>().len(), 6);
    let found: BTreeSet<(Kind, String)> = outcome(books, &rows).found.into_iter().map(|found| (found.kind, found.number)).collect();
    assert!(found == planted, "{} found, {} planted", found.len(), planted.len());
}
