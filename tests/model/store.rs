//! What every engine of the store must do, asked through `apply` alone.

use super::books::{Books, on_both_engines};
use serde_json::json;
use sluice::domain::pay::{PayTold, Source};
use sluice::domain::refund::NewRefund;
use sluice::domain::{Candidate, Order, OrderId, OrderStatus, RefundOrigin};
use sluice::store::{
    Answer, Audit, ClaimKey, Command, Delivery, Kind, Nonce, NoticeStatus, OrderFilter, Outcome, Query, Record, Sealer, StoreError,
};
use sluice_contract::{Fen, Millis, Pay, Payment};

on_both_engines! {
    two_refunds_in_one_batch_see_each_other
    a_command_that_breaks_a_money_rule_fails_alone
    a_row_that_cannot_be_written_fails_alone
    a_nonce_is_used_once_also_within_a_batch_and_under_another_time
    a_number_names_one_order_for_ever
    a_refund_number_names_one_refund_for_ever
    a_leased_order_is_claimed_again_only_after_its_lease
    an_event_is_in_the_outbox_once_and_delivered_under_one_id
    the_trail_and_the_audit_log_cannot_be_changed
    what_was_committed_is_there_when_the_books_are_opened_again
    a_full_batch_loses_only_the_row_that_conflicts
    a_number_of_a_refused_command_is_free_for_the_next_in_the_same_batch
    orders_are_listed_newest_first_and_whole
}

pub fn order(nth: u128) -> (Order, Vec<Candidate>) {
    let (mut order, candidates) = crate::world::draft(false);
    order.id = OrderId::new(order.created_at, nth.to_be_bytes());
    order.merchant_order_no = format!("M{nth}");
    (order, candidates)
}

pub fn place(nth: u128) -> Command {
    let (order, candidates) = order(nth);
    Command::PlaceOrder { nonce: None, order: Box::new(order), candidates }
}

pub fn paid(id: &OrderId, amount: i64, at: Millis) -> Command {
    let told = PayTold {
        attempt_seq: 1,
        said: Pay::Paid(Payment::of(Fen(amount))),
        source: Source::Callback,
        asked_at: at,
        at,
        next_at: at.plus_s(5),
        undo_at: at,
        not_found_final: false,
        payable_until: at,
        payer_sealed: None,
        action_expires_at: None,
        fallback: Vec::new(),
        refund_gap_ms: 0,
        counters: Vec::new(),
        inner: json!(null),
    };
    Command::TakePay { order_id: id.clone(), told: Box::new(told) }
}

pub fn refund(id: &OrderId, number: &str, amount: i64, at: Millis) -> Command {
    let new = NewRefund {
        merchant_id: "m1".into(),
        merchant_refund_no: Some(number.to_owned()),
        fingerprint: amount.to_be_bytes().to_vec(),
        ..NewRefund::automatic(1, Fen(amount), RefundOrigin::Merchant, at, 0)
    };
    Command::RequestRefund { nonce: None, order_id: id.clone(), new: Box::new(new) }
}

pub fn nonce(text: &str, timestamp_s: i64) -> Nonce {
    Nonce { key_id: "k1".into(), nonce: text.into(), timestamp_s }
}

/// A paid order.
fn paid_order(engine: &mut Books) -> (OrderId, Millis) {
    let (order, _) = order(1);
    let (id, at) = (order.id.clone(), order.created_at.plus_s(1));
    let outcomes = engine.apply(&[&place(1), &paid(&id, 10_000, at)]);
    assert!(outcomes[0].is_ok(), "{outcomes:?}");
    // The order was placed in the same batch: a command that names it does not see it before the commit, or does; never half.
    if !matches!(outcomes[1], Ok(Outcome::Life(_))) {
        assert!(engine.apply(&[&paid(&id, 10_000, at)])[0].is_ok());
    }
    (id, at)
}

fn two_refunds_in_one_batch_see_each_other(mut engine: Books) {
    let (id, at) = paid_order(&mut engine);
    let outcomes = engine.apply(&[&refund(&id, "F1", 6_000, at), &refund(&id, "F2", 6_000, at)]);
    assert!(matches!(outcomes[0], Ok(Outcome::RefundCreated { .. })), "{outcomes:?}");
    assert!(matches!(outcomes[1], Ok(Outcome::RefundRefused(_))), "{outcomes:?}");
    let life = engine.life(&id).unwrap().unwrap();
    assert_eq!((life.refunds.len(), life.attempts[0].refunding), (1, Fen(6_000)));
}

fn a_command_that_breaks_a_money_rule_fails_alone(mut engine: Books) {
    let (id, at) = paid_order(&mut engine);
    let (other, _) = order(2);
    assert!(engine.apply(&[&place(2)])[0].is_ok());
    let batch = [refund(&id, "F1", 1_000, at), paid(&other.id, 9_999, at), refund(&id, "F2", 2_000, at), place(3)];
    let outcomes = engine.apply(&batch.iter().collect::<Vec<_>>());
    assert!(matches!(outcomes[1], Err(StoreError::Broken(_))), "{outcomes:?}");
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok() && outcomes[3].is_ok(), "{outcomes:?}");
    assert_eq!(engine.life(&other.id).unwrap().unwrap().order.status(), OrderStatus::Pending);
    assert_eq!(engine.life(&id).unwrap().unwrap().attempts[0].refunding, Fen(3_000));
}

fn a_row_that_cannot_be_written_fails_alone(mut engine: Books) {
    assert!(engine.apply(&[&place(1)])[0].is_ok());
    // Another number under an id that is taken: only the write can find out.
    let (mut twin, candidates) = order(1);
    twin.merchant_order_no = "other".into();
    let clash = Command::PlaceOrder { nonce: None, order: Box::new(twin), candidates };
    let outcomes = engine.apply(&[&place(2), &clash, &place(3)]);
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok(), "{outcomes:?}");
    assert!(matches!(outcomes[1], Err(StoreError::Failed(_))), "{outcomes:?}");
    let key = ClaimKey { merchant_id: "m1".into(), kind: Kind::Order, number: "other".into() };
    assert!(matches!(engine.answer(&Query::Claim(key)), Ok(Answer::Claim(None))), "nothing of it was stored");
    for nth in [2, 3] {
        assert!(engine.life(&order(nth).0.id).unwrap().is_some());
    }
}

fn a_nonce_is_used_once_also_within_a_batch_and_under_another_time(mut engine: Books) {
    let used = |text: &str, at| Command::UseNonce { nonce: nonce(text, at) };
    let outcomes = engine.apply(&[&used("a", 1_000), &used("a", 1_000), &used("b", 1_000)]);
    let reused: Vec<bool> = outcomes.iter().map(|o| matches!(o, Ok(Outcome::NonceReused))).collect();
    assert_eq!(reused, [false, true, false], "{outcomes:?}");
    let later = engine.apply(&[&used("a", 1_299), &used("c", 1_299)]);
    assert!(matches!(later[0], Ok(Outcome::NonceReused)), "{later:?}");
    assert!(matches!(later[1], Ok(Outcome::Done)), "{later:?}");
}

fn a_number_names_one_order_for_ever(mut engine: Books) {
    let again = || {
        let (mut order, candidates) = order(7);
        order.merchant_order_no = "M1".into();
        (order, candidates)
    };
    let (same, candidates) = again();
    let same = Command::PlaceOrder { nonce: None, order: Box::new(same), candidates };
    let (mut other, candidates) = again();
    other.fingerprint = vec![2; 32];
    let other = Command::PlaceOrder { nonce: None, order: Box::new(other), candidates };
    let first = order(1).0.id.to_string();
    let outcomes = engine.apply(&[&place(1), &same, &other]);
    assert!(matches!(&outcomes[1], Ok(Outcome::Replayed { target }) if *target == first), "{outcomes:?}");
    assert!(matches!(&outcomes[2], Ok(Outcome::Conflict { target }) if *target == first), "{outcomes:?}");
    let outcomes = engine.apply(&[&other, &same]);
    assert!(matches!(&outcomes[0], Ok(Outcome::Conflict { .. })), "{outcomes:?}");
    assert!(matches!(&outcomes[1], Ok(Outcome::Replayed { .. })), "{outcomes:?}");
    assert!(engine.life(&order(7).0.id).unwrap().is_none());
}

fn a_refund_number_names_one_refund_for_ever(mut engine: Books) {
    let (id, at) = paid_order(&mut engine);
    let commands: Vec<Command> = (0..50).map(|_| refund(&id, "F1", 100, at)).chain([refund(&id, "F1", 200, at)]).collect();
    let outcomes = engine.apply(&commands.iter().collect::<Vec<_>>());
    assert!(matches!(outcomes[0], Ok(Outcome::RefundCreated { .. })));
    assert!(outcomes[1..50].iter().all(|o| matches!(o, Ok(Outcome::Replayed { .. }))), "{outcomes:?}");
    assert!(matches!(outcomes[50], Ok(Outcome::Conflict { .. })));
    assert_eq!(engine.life(&id).unwrap().unwrap().refunds.len(), 1);
}

fn a_leased_order_is_claimed_again_only_after_its_lease(mut engine: Books) {
    assert!(engine.apply(&[&place(1)])[0].is_ok());
    let due = order(1).1[0].next_at;
    let claim = |engine: &mut Books, now: Millis| {
        let command = Command::ClaimOrders { now, limit: 10, lease_until: now.plus_s(40) };
        match engine.apply(&[&command]).remove(0) {
            Ok(Outcome::Orders(ids)) => ids.len(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(claim(&mut engine, due.plus_ms(-1)), 0);
    assert_eq!(claim(&mut engine, due), 1);
    assert_eq!(claim(&mut engine, due.plus_s(39)), 0);
    assert_eq!(claim(&mut engine, due.plus_s(40)), 1);
}

fn an_event_is_in_the_outbox_once_and_delivered_under_one_id(mut engine: Books) {
    let (id, at) = paid_order(&mut engine);
    let again: Vec<Command> = (0..20).map(|_| paid(&id, 10_000, at.plus_s(1))).collect();
    assert!(engine.apply(&again.iter().collect::<Vec<_>>()).iter().all(Result::is_ok));
    let claim = |engine: &mut Books, now: Millis, busy: &[&str]| {
        let in_flight = busy.iter().map(|m| ((*m).to_owned(), 8)).collect();
        let (lease_until, after) = (now.plus_s(40), String::new());
        match engine.apply(&[&Command::ClaimNotices { now, limit: 10, lease_until, after, in_flight, each_max: 8 }]).remove(0) {
            Ok(Outcome::Notices(notices)) => notices,
            other => panic!("{other:?}"),
        }
    };
    assert!(claim(&mut engine, at, &["m1"]).is_empty(), "a busy merchant gets no more");
    let notices = claim(&mut engine, at, &[]);
    assert_eq!(notices.iter().map(|n| n.kind.as_str()).collect::<Vec<_>>(), ["order.paid"]);
    assert!(claim(&mut engine, at.plus_s(39), &[]).is_empty());
    let event_id = notices[0].event_id.clone();
    let delivered = |delivery| Command::TakeDelivery { event_id: event_id.clone(), delivery, at, note: json!({}) };
    let later = at.plus_s(100);
    assert!(engine.apply(&[&delivered(Delivery::Again { at: later })])[0].is_ok());
    assert!(claim(&mut engine, at.plus_s(60), &[]).is_empty());
    assert_eq!(claim(&mut engine, later, &[])[0].event_id, event_id);
    assert!(engine.apply(&[&delivered(Delivery::Done), &delivered(Delivery::Again { at: later })]).iter().all(Result::is_ok));
    let row = engine.answer(&Query::Notice(event_id.clone())).unwrap();
    assert!(matches!(&row, Answer::Notices(rows) if rows[0].status == NoticeStatus::Delivered && rows[0].next_at.is_none()), "{row:?}");
}

fn the_trail_and_the_audit_log_cannot_be_changed(mut engine: Books) {
    let line = Audit { at: Millis(1), who: "ann".into(), role: "admin".into(), act: "test".into(), about: "x".into(), detail: json!({}) };
    let record = Record { kind: "merchant".into(), id: "m1".into(), doc: Some(json!({"name": "one"})) };
    let put = Command::PutRecords { records: vec![record.clone()], audit: vec![line], only_new: false };
    assert!(engine.apply(&[&place(1), &put]).iter().all(Result::is_ok));
    let seed = Record { doc: Some(json!({"name": "two"})), ..record };
    assert!(engine.apply(&[&Command::PutRecords { records: vec![seed], audit: Vec::new(), only_new: true }])[0].is_ok());
    let records = engine.answer(&Query::Records { kind: "merchant".into() }).unwrap();
    assert!(matches!(&records, Answer::Records(rows) if rows[0].1["name"] == "one"), "{records:?}");
    for sql in ["UPDATE audit SET who = 'bob'", "DELETE FROM audit", "UPDATE events SET kind = 'other'"] {
        let refused = engine.outside(sql).unwrap_err();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
    // On PostgreSQL the trail lies in pieces, which have names of their own.
    if engine.outside("SELECT kind FROM events_other").is_ok() {
        let refused = engine.outside("UPDATE events_other SET kind = 'other'").unwrap_err();
        assert!(refused.contains("append-only"), "{refused}");
    }
    let log = engine.answer(&Query::AuditLog { before: None, limit: 10 }).unwrap();
    assert!(matches!(&log, Answer::AuditLog(lines) if lines.len() == 1 && lines[0].1.who == "ann"), "{log:?}");
}

fn what_was_committed_is_there_when_the_books_are_opened_again(mut engine: Books) {
    let (id, _) = paid_order(&mut engine);
    let before = engine.life(&id).unwrap().unwrap();
    engine.reopen();
    assert_eq!(engine.life(&id).unwrap(), Some(before));
}

/// One of 256 cannot be written: the other 255 are, and nothing of the one.
fn a_full_batch_loses_only_the_row_that_conflicts(mut engine: Books) {
    assert!(engine.apply(&[&place(1)])[0].is_ok());
    let (mut twin, candidates) = order(1);
    twin.merchant_order_no = "other".into();
    let mut batch: Vec<Command> = (2..257).map(place).collect();
    batch.insert(100, Command::PlaceOrder { nonce: Some(nonce("n", 1_000)), order: Box::new(twin), candidates });
    let outcomes = engine.apply(&batch.iter().collect::<Vec<_>>());
    let failed: Vec<usize> = outcomes.iter().enumerate().filter(|(_, o)| o.is_err()).map(|(at, _)| at).collect();
    assert_eq!((outcomes.len(), failed), (256, vec![100]));
    assert!((2..257).all(|nth| engine.life(&order(nth).0.id).unwrap().is_some()));
    let key = ClaimKey { merchant_id: "m1".into(), kind: Kind::Order, number: "other".into() };
    assert!(matches!(engine.answer(&Query::Claim(key)), Ok(Answer::Claim(None))), "its number is free");
    let reused = engine.apply(&[&Command::UseNonce { nonce: nonce("n", 1_000) }]);
    assert!(matches!(reused[0], Ok(Outcome::Done)), "its nonce is unused: {reused:?}");
}

/// What is taken before it is decided is given back when the command is refused, and goes to the command that succeeds.
fn a_number_of_a_refused_command_is_free_for_the_next_in_the_same_batch(mut engine: Books) {
    let (id, at) = paid_order(&mut engine);
    let too_much = refund(&id, "F1", 10_001, at);
    let outcomes = engine.apply(&[&too_much, &refund(&id, "F1", 700, at), &refund(&id, "F2", 10_000, at)]);
    assert!(matches!(outcomes[0], Ok(Outcome::RefundRefused(_))), "{outcomes:?}");
    assert!(matches!(outcomes[1], Ok(Outcome::RefundCreated { .. })), "{outcomes:?}");
    assert!(matches!(outcomes[2], Ok(Outcome::RefundRefused(_))), "{outcomes:?}");
    let claim =
        |number: &str| match engine.answer(&Query::Claim(ClaimKey { merchant_id: "m1".into(), kind: Kind::Refund, number: number.into() }))
        {
            Ok(Answer::Claim(target)) => target,
            other => panic!("{other:?}"),
        };
    assert_eq!((claim("F1"), claim("F2")), (Some(id.refund_id(1)), None));
    let again = engine.apply(&[&refund(&id, "F1", 700, at), &refund(&id, "F1", 701, at), &refund(&id, "F2", 300, at)]);
    assert!(matches!(&again[0], Ok(Outcome::Replayed { target }) if *target == id.refund_id(1)), "{again:?}");
    assert!(matches!(&again[1], Ok(Outcome::Conflict { .. })), "{again:?}");
    assert!(matches!(&again[2], Ok(Outcome::RefundCreated { refund_seq: 2, .. })), "{again:?}");
}

/// Whatever filter: the newest first, page by page, each order whole.
fn orders_are_listed_newest_first_and_whole(mut engine: Books) {
    let (id, at) = paid_order(&mut engine);
    assert!(engine.apply(&[&refund(&id, "F1", 100, at), &refund(&id, "F2", 200, at), &place(2), &place(3)]).iter().all(Result::is_ok));
    let list = |filter: OrderFilter| match engine.answer(&Query::Orders(filter)) {
        Ok(Answer::Lives(lives)) => lives,
        other => panic!("{other:?}"),
    };
    let any = || OrderFilter { limit: 10, ..OrderFilter::default() };
    let mut ids: Vec<OrderId> = [1, 2, 3].map(|nth| order(nth).0.id).into();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    let found = list(OrderFilter { merchant_id: Some("m1".into()), ..any() });
    assert_eq!(found.iter().map(|life| life.order.id.clone()).collect::<Vec<_>>(), ids);
    for life in &found {
        assert_eq!(Some(life), engine.life(&life.order.id).unwrap().as_ref(), "listed as it is read alone");
    }
    let paid = list(OrderFilter { status: Some(OrderStatus::Paid), ..any() });
    assert_eq!(paid.iter().map(|life| (life.order.id.clone(), life.refunds.len())).collect::<Vec<_>>(), [(id, 2)]);
    let page = list(OrderFilter { before: Some(ids[0].clone()), limit: 1, ..any() });
    assert_eq!(page.iter().map(|life| &life.order.id).collect::<Vec<_>>(), [&ids[1]]);
    assert!(list(OrderFilter { merchant_id: Some("m2".into()), ..any() }).is_empty());
    assert!(list(OrderFilter { cases_only: true, ..any() }).is_empty());
    let created = found[0].order.created_at;
    assert_eq!(list(OrderFilter { created_from: Some(created), created_to: Some(created.plus_ms(1)), ..any() }).len(), 3);
    assert!(list(OrderFilter { created_to: Some(created), ..any() }).is_empty());
}

#[test]
fn payer_ids_and_payment_codes_are_not_readable_in_the_store() {
    let (order, _) = order(1);
    let plain = String::from_utf8_lossy(&order.sealed);
    assert!(!order.sealed.is_empty() && !plain.contains("Tea") && !plain.contains("subject"), "what the order holds is sealed");
    let (barcode, _) = crate::world::draft(true);
    let sealer = Sealer::new(&[("k1".to_owned(), [7; 32])]).unwrap();
    let opened = String::from_utf8(sealer.open("pay_order", &barcode.sealed).unwrap()).unwrap();
    assert!(opened.contains("Tea") && !opened.contains("130000000000000001"), "a payment code is not stored, not even sealed");
}
