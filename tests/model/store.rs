//! What every engine of the store must do, asked through `apply` alone.

use serde_json::json;
use sluice::domain::pay::{PayTold, Source};
use sluice::domain::refund::NewRefund;
use sluice::domain::{Candidate, Order, OrderId, OrderStatus, RefundOrigin};
use sluice::store::sqlite::Engine;
use sluice::store::{Answer, Audit, ClaimKey, Command, Delivery, Kind, Nonce, NoticeStatus, Outcome, Query, Record, Sealer, StoreError};
use sluice_contract::{Fen, Millis, Pay, Payment};

fn engine() -> Engine {
    Engine::open(":memory:").unwrap()
}

fn order(nth: u128) -> (Order, Vec<Candidate>) {
    let (mut order, candidates) = crate::world::draft(false);
    order.id = OrderId::new(order.created_at, nth.to_be_bytes());
    order.merchant_order_no = format!("M{nth}");
    (order, candidates)
}

fn place(nth: u128) -> Command {
    let (order, candidates) = order(nth);
    Command::PlaceOrder { nonce: None, order: Box::new(order), candidates }
}

fn paid(id: &OrderId, amount: i64, at: Millis) -> Command {
    let told = PayTold {
        attempt_seq: 1,
        said: Pay::Paid(Payment::of(Fen(amount))),
        source: Source::Callback,
        asked_at: at,
        at,
        next_at: at.plus_s(5),
        undo_at: at,
        not_found_final: false,
        payer_sealed: None,
        action_expires_at: None,
        fallback: Vec::new(),
        refund_gap_ms: 0,
        inner: json!(null),
    };
    Command::TakePay { order_id: id.clone(), told: Box::new(told) }
}

fn refund(id: &OrderId, number: &str, amount: i64, at: Millis) -> Command {
    let new = NewRefund {
        merchant_id: "m1".into(),
        merchant_refund_no: Some(number.to_owned()),
        fingerprint: amount.to_be_bytes().to_vec(),
        ..NewRefund::automatic(1, Fen(amount), RefundOrigin::Merchant, at, 0)
    };
    Command::RequestRefund { nonce: None, order_id: id.clone(), new: Box::new(new) }
}

fn nonce(text: &str, timestamp_s: i64) -> Nonce {
    Nonce { key_id: "k1".into(), nonce: text.into(), timestamp_s }
}

/// A paid order in a fresh engine.
fn paid_order() -> (Engine, OrderId, Millis) {
    let mut engine = engine();
    let (order, _) = order(1);
    let (id, at) = (order.id.clone(), order.created_at.plus_s(1));
    let outcomes = engine.apply(&[&place(1), &paid(&id, 10_000, at)]);
    assert!(outcomes[0].is_ok(), "{outcomes:?}");
    // The order was placed in the same batch: a command that names it does not see it before the commit, or does; never half.
    if !matches!(outcomes[1], Ok(Outcome::Life(_))) {
        assert!(engine.apply(&[&paid(&id, 10_000, at)])[0].is_ok());
    }
    (engine, id, at)
}

#[test]
fn two_refunds_in_one_batch_see_each_other() {
    let (mut engine, id, at) = paid_order();
    let outcomes = engine.apply(&[&refund(&id, "F1", 6_000, at), &refund(&id, "F2", 6_000, at)]);
    assert!(matches!(outcomes[0], Ok(Outcome::RefundCreated { .. })), "{outcomes:?}");
    assert!(matches!(outcomes[1], Ok(Outcome::RefundRefused(_))), "{outcomes:?}");
    let life = engine.reading().life(&id).unwrap().unwrap();
    assert_eq!((life.refunds.len(), life.attempts[0].refunding), (1, Fen(6_000)));
}

#[test]
fn a_command_that_breaks_a_money_rule_fails_alone() {
    let (mut engine, id, at) = paid_order();
    let (other, _) = order(2);
    assert!(engine.apply(&[&place(2)])[0].is_ok());
    let batch = [refund(&id, "F1", 1_000, at), paid(&other.id, 9_999, at), refund(&id, "F2", 2_000, at), place(3)];
    let outcomes = engine.apply(&batch.iter().collect::<Vec<_>>());
    assert!(matches!(outcomes[1], Err(StoreError::Broken(_))), "{outcomes:?}");
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok() && outcomes[3].is_ok(), "{outcomes:?}");
    assert_eq!(engine.reading().life(&other.id).unwrap().unwrap().order.status(), OrderStatus::Pending);
    assert_eq!(engine.reading().life(&id).unwrap().unwrap().attempts[0].refunding, Fen(3_000));
}

#[test]
fn a_row_that_cannot_be_written_fails_alone() {
    let mut engine = engine();
    assert!(engine.apply(&[&place(1)])[0].is_ok());
    // Another number under an id that is taken: only the write can find out.
    let (mut twin, candidates) = order(1);
    twin.merchant_order_no = "other".into();
    let clash = Command::PlaceOrder { nonce: None, order: Box::new(twin), candidates };
    let outcomes = engine.apply(&[&place(2), &clash, &place(3)]);
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok(), "{outcomes:?}");
    assert!(matches!(outcomes[1], Err(StoreError::Failed(_))), "{outcomes:?}");
    let key = ClaimKey { merchant_id: "m1".into(), kind: Kind::Order, number: "other".into() };
    assert!(matches!(engine.reading().answer(&Query::Claim(key)), Ok(Answer::Claim(None))), "nothing of it was stored");
    for nth in [2, 3] {
        assert!(engine.reading().life(&order(nth).0.id).unwrap().is_some());
    }
}

#[test]
fn a_nonce_is_used_once_also_within_a_batch_and_under_another_time() {
    let mut engine = engine();
    let used = |text: &str, at| Command::UseNonce { nonce: nonce(text, at) };
    let outcomes = engine.apply(&[&used("a", 1_000), &used("a", 1_000), &used("b", 1_000)]);
    let reused: Vec<bool> = outcomes.iter().map(|o| matches!(o, Ok(Outcome::NonceReused))).collect();
    assert_eq!(reused, [false, true, false], "{outcomes:?}");
    let later = engine.apply(&[&used("a", 1_299), &used("c", 1_299)]);
    assert!(matches!(later[0], Ok(Outcome::NonceReused)), "{later:?}");
    assert!(matches!(later[1], Ok(Outcome::Done)), "{later:?}");
}

#[test]
fn a_number_names_one_order_for_ever() {
    let mut engine = engine();
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
    assert!(engine.reading().life(&order(7).0.id).unwrap().is_none());
}

#[test]
fn a_refund_number_names_one_refund_for_ever() {
    let (mut engine, id, at) = paid_order();
    let commands: Vec<Command> = (0..50).map(|_| refund(&id, "F1", 100, at)).chain([refund(&id, "F1", 200, at)]).collect();
    let outcomes = engine.apply(&commands.iter().collect::<Vec<_>>());
    assert!(matches!(outcomes[0], Ok(Outcome::RefundCreated { .. })));
    assert!(outcomes[1..50].iter().all(|o| matches!(o, Ok(Outcome::Replayed { .. }))), "{outcomes:?}");
    assert!(matches!(outcomes[50], Ok(Outcome::Conflict { .. })));
    assert_eq!(engine.reading().life(&id).unwrap().unwrap().refunds.len(), 1);
}

#[test]
fn a_leased_order_is_claimed_again_only_after_its_lease() {
    let mut engine = engine();
    assert!(engine.apply(&[&place(1)])[0].is_ok());
    let due = order(1).1[0].next_at;
    let claim = |engine: &mut Engine, now: Millis| {
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

#[test]
fn an_event_is_in_the_outbox_once_and_delivered_under_one_id() {
    let (mut engine, id, at) = paid_order();
    let again: Vec<Command> = (0..20).map(|_| paid(&id, 10_000, at.plus_s(1))).collect();
    assert!(engine.apply(&again.iter().collect::<Vec<_>>()).iter().all(Result::is_ok));
    let claim = |engine: &mut Engine, now: Millis, busy: &[&str]| {
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
    let row = engine.reading().answer(&Query::Notice(event_id.clone())).unwrap();
    assert!(matches!(&row, Answer::Notices(rows) if rows[0].status == NoticeStatus::Delivered && rows[0].next_at.is_none()), "{row:?}");
}

#[test]
fn the_trail_and_the_audit_log_cannot_be_changed() {
    let path = std::env::temp_dir().join(format!("sluice-append-only-{}.db", std::process::id()));
    let text = path.to_string_lossy().into_owned();
    let mut engine = Engine::open(&text).unwrap();
    let line = Audit { at: Millis(1), who: "ann".into(), role: "admin".into(), act: "test".into(), about: "x".into(), detail: json!({}) };
    let record = Record { kind: "merchant".into(), id: "m1".into(), doc: Some(json!({"name": "one"})) };
    let put = Command::PutRecords { records: vec![record.clone()], audit: vec![line], only_new: false };
    assert!(engine.apply(&[&place(1), &put]).iter().all(Result::is_ok));
    let seed = Record { doc: Some(json!({"name": "two"})), ..record };
    assert!(engine.apply(&[&Command::PutRecords { records: vec![seed], audit: Vec::new(), only_new: true }])[0].is_ok());
    let records = engine.reading().answer(&Query::Records { kind: "merchant".into() }).unwrap();
    assert!(matches!(&records, Answer::Records(rows) if rows[0].1["name"] == "one"), "{records:?}");
    let outside = rusqlite::Connection::open(&path).unwrap();
    for sql in ["UPDATE audit SET who = 'bob'", "DELETE FROM audit", "UPDATE events SET kind = 'other'"] {
        let refused = outside.execute(sql, []).unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
    let log = engine.reading().answer(&Query::AuditLog { before: None, limit: 10 }).unwrap();
    assert!(matches!(&log, Answer::AuditLog(lines) if lines.len() == 1 && lines[0].1.who == "ann"), "{log:?}");
    drop((outside, engine));
    for tail in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{text}{tail}"));
    }
}

#[test]
fn what_was_committed_is_there_when_the_file_is_opened_again() {
    let path = std::env::temp_dir().join(format!("sluice-reopen-{}.db", std::process::id()));
    let text = path.to_string_lossy().into_owned();
    let id = order(1).0.id;
    let before = {
        let mut engine = Engine::open(&text).unwrap();
        assert!(engine.apply(&[&place(1)])[0].is_ok());
        assert!(engine.apply(&[&paid(&id, 10_000, Millis(0))])[0].is_ok());
        engine.reading().life(&id).unwrap()
    };
    let engine = Engine::open(&text).unwrap();
    assert_eq!(engine.reading().life(&id).unwrap(), before);
    drop(engine);
    for tail in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{text}{tail}"));
    }
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
