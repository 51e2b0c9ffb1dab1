//! From the changed view to the statements that write it, in the one order both engines keep.

use super::bill_rows::{self, PUT_DISCREPANCY, PUT_RUN};
use super::command::{Audit, ClaimKey, Kind, Nonce, Notice};
use super::decide::notices_of;
use super::limit_writes::{self, INSERT_COUNTER, INSERT_ENTRY, UPDATE_COUNTER};
use super::rows::{json, word};
use super::statement::Type::{Bytes, Int, Text};
use super::statement::{Cell, Column, Statement, Write};
use super::view::{ClaimRow, Held, View};
use crate::domain::life::{Attempt, Event, Life, Order, Refund};
use sluice_contract::Millis;
use std::collections::BTreeMap;

pub static INSERT_ORDER: Statement = Statement::Insert {
    table: "orders",
    columns: &[
        ("id", Text),
        ("merchant_id", Text),
        ("merchant_order_no", Text),
        ("fingerprint", Bytes),
        ("livemode", Int),
        ("amount", Int),
        ("method", Text),
        ("facts", Text),
        ("sealed", Bytes),
        ("created_at", Int),
        ("expires_at", Int),
        ("status", Text),
        ("account", Text),
        ("channel", Text),
        ("winner", Int),
        ("intent", Text),
        ("failure", Text),
        ("paid_at", Int),
        ("closed_at", Int),
        ("version", Int),
        ("last_seq", Int),
        ("suspended", Int),
        ("wake_at", Int),
    ],
};

/// Only from the version, line of the trail and status that were loaded, and only along an edge of the table (`decide` moved it so).
pub static UPDATE_ORDER: Statement = Statement::Update {
    table: "orders",
    keys: &[("id", Text)],
    guards: &[("version", Int), ("last_seq", Int), ("status", Text)],
    sets: &[
        ("status", Text),
        ("account", Text),
        ("channel", Text),
        ("winner", Int),
        ("intent", Text),
        ("failure", Text),
        ("paid_at", Int),
        ("closed_at", Int),
        ("version", Int),
        ("last_seq", Int),
        ("suspended", Int),
        ("wake_at", Int),
    ],
    also: None,
};

pub static INSERT_ATTEMPT: Statement = Statement::Insert {
    table: "attempts",
    columns: &[
        ("order_id", Text),
        ("seq", Int),
        ("account", Text),
        ("channel", Text),
        ("status", Text),
        ("amount", Int),
        ("captured", Int),
        ("refunded", Int),
        ("refunding", Int),
        ("late", Int),
        ("at", Int),
        ("next_at", Int),
        ("queries", Int),
        ("undo", Text),
        ("undo_sent_at", Int),
        ("ended_at", Int),
        ("suspended", Int),
        ("notes", Text),
        ("method", Text),
    ],
};

/// The refund headroom is guarded here once more, inside the statement.
pub static UPDATE_ATTEMPT: Statement = Statement::Update {
    table: "attempts",
    keys: &[("order_id", Text), ("seq", Int)],
    guards: &[("status", Text), ("refunded", Int), ("refunding", Int)],
    sets: &[
        ("status", Text),
        ("captured", Int),
        ("refunded", Int),
        ("refunding", Int),
        ("late", Int),
        ("next_at", Int),
        ("queries", Int),
        ("undo", Text),
        ("undo_sent_at", Int),
        ("ended_at", Int),
        ("suspended", Int),
        ("notes", Text),
    ],
    also: Some("{refunded} + {refunding} <= {captured} AND {captured} <= attempts.amount"),
};

pub static INSERT_REFUND: Statement = Statement::Insert {
    table: "refunds",
    columns: &[
        ("order_id", Text),
        ("seq", Int),
        ("attempt_seq", Int),
        ("merchant_refund_no", Text),
        ("fingerprint", Bytes),
        ("amount", Int),
        ("status", Text),
        ("pending_reason", Text),
        ("origin", Text),
        ("at", Int),
        ("sent_at", Int),
        ("sends", Int),
        ("next_at", Int),
        ("queries", Int),
        ("version", Int),
        ("succeeded_at", Int),
        ("notes", Text),
    ],
};

pub static UPDATE_REFUND: Statement = Statement::Update {
    table: "refunds",
    keys: &[("order_id", Text), ("seq", Int)],
    guards: &[("status", Text), ("version", Int)],
    sets: &[
        ("status", Text),
        ("pending_reason", Text),
        ("sent_at", Int),
        ("sends", Int),
        ("next_at", Int),
        ("queries", Int),
        ("version", Int),
        ("succeeded_at", Int),
        ("notes", Text),
    ],
    also: None,
};

pub static INSERT_EVENT: Statement = Statement::Insert {
    table: "events",
    columns: &[("order_id", Text), ("seq", Int), ("at", Int), ("kind", Text), ("data", Text), ("\"inner\"", Text)],
};

pub static INSERT_NOTICE: Statement = Statement::Insert {
    table: "notices",
    columns: &[
        ("event_id", Text),
        ("order_id", Text),
        ("merchant_id", Text),
        ("kind", Text),
        ("at", Int),
        ("data", Text),
        ("status", Text),
        ("tries", Int),
        ("next_at", Int),
    ],
};

pub static UPDATE_NOTICE: Statement = Statement::Update {
    table: "notices",
    keys: &[("event_id", Text)],
    guards: &[],
    sets: &[("status", Text), ("tries", Int), ("next_at", Int), ("last", Text)],
    also: None,
};

const CLAIM_COLUMNS: &[Column] = &[("merchant_id", Text), ("kind", Int), ("number", Text), ("target", Text), ("fingerprint", Bytes)];
pub static INSERT_CLAIM: Statement = Statement::Insert { table: "claims", columns: CLAIM_COLUMNS };
pub static INSERT_NONCE: Statement = Statement::Insert { table: "nonces", columns: &[("bucket", Int), ("key_id", Text), ("nonce", Text)] };
pub static PUT_RECORD: Statement = Statement::Put { table: "records", columns: &[("kind", Text), ("id", Text), ("doc", Text)], keys: 2 };
pub static REMOVE_RECORD: Statement = Statement::Remove { table: "records", keys: &[("kind", Text), ("id", Text)] };
pub static INSERT_AUDIT: Statement = Statement::Insert {
    table: "audit",
    columns: &[("at", Int), ("who", Text), ("role", Text), ("act", Text), ("about", Text), ("detail", Text)],
};

/// Every statement that [`writes`] may answer with, in its order.
pub static ALL: [&Statement; 17] = [
    &INSERT_ORDER,
    &UPDATE_ORDER,
    &INSERT_ATTEMPT,
    &UPDATE_ATTEMPT,
    &INSERT_REFUND,
    &UPDATE_REFUND,
    &INSERT_COUNTER,
    &UPDATE_COUNTER,
    &INSERT_ENTRY,
    &INSERT_EVENT,
    &INSERT_NOTICE,
    &UPDATE_NOTICE,
    &PUT_RECORD,
    &REMOVE_RECORD,
    &PUT_RUN,
    &PUT_DISCREPANCY,
    &INSERT_AUDIT,
];

pub(super) type Rows<'a> = Vec<Vec<Cell<'a>>>;

/// Everything but the claims and nonces, which an engine may have to take before it decides.
#[must_use]
pub fn writes(view: &View) -> Vec<Write<'_>> {
    let mut changes = Changes::default();
    for held in view.lives.values() {
        changes.life(held);
    }
    let changed = view.changed_notices.iter().filter_map(|id| view.notices.get(id));
    let (put, removed) = records(view);
    let (new_counters, counters) = limit_writes::counters(view);
    let rows = [
        changes.new_orders,
        changes.orders,
        changes.new_attempts,
        changes.attempts,
        changes.new_refunds,
        changes.refunds,
        new_counters,
        counters,
        view.entries.iter().map(limit_writes::entry).collect(),
        changes.events,
        changes.notices,
        changed.map(notice_changes).collect(),
        put,
        removed,
        bill_rows::runs(view),
        bill_rows::discrepancies(view),
        view.audits.iter().map(audit).collect(),
    ];
    ALL.into_iter().zip(rows).filter(|(_, rows)| !rows.is_empty()).map(|(statement, rows)| Write { statement, rows }).collect()
}

/// The merchants' numbers that the batch claimed.
#[must_use]
pub fn claims(view: &View) -> Write<'_> {
    let found = view.new_claims.iter().filter_map(|key| view.claims.get_key_value(key));
    Write { statement: &INSERT_CLAIM, rows: found.map(|(key, row)| claim(key, row)).collect() }
}

/// The nonces that the batch used.
#[must_use]
pub fn nonces(nonces: &[Nonce]) -> Write<'_> {
    Write { statement: &INSERT_NONCE, rows: nonces.iter().map(nonce).collect() }
}

fn claim<'a>(key: &'a ClaimKey, row: &'a ClaimRow) -> Vec<Cell<'a>> {
    let (merchant_id, number) = (key.merchant_id.as_str().into(), key.number.as_str().into());
    vec![merchant_id, kind(key.kind).into(), number, row.target.as_str().into(), row.fingerprint.as_slice().into()]
}

fn nonce(nonce: &Nonce) -> Vec<Cell<'_>> {
    vec![nonce.bucket().into(), nonce.key_id.as_str().into(), nonce.nonce.as_str().into()]
}

#[must_use]
pub const fn kind(kind: Kind) -> i64 {
    match kind {
        Kind::Order => 0,
        Kind::Refund => 1,
    }
}

#[derive(Default)]
struct Changes<'a> {
    new_orders: Rows<'a>,
    orders: Rows<'a>,
    new_attempts: Rows<'a>,
    attempts: Rows<'a>,
    new_refunds: Rows<'a>,
    refunds: Rows<'a>,
    events: Rows<'a>,
    notices: Rows<'a>,
}

impl<'a> Changes<'a> {
    fn life(&mut self, held: &'a Held) {
        let (now, before) = (&held.now, held.before.as_ref());
        match before {
            Some(before) if before == now => return,
            Some(before) => self.orders.push(order_changes(now, &before.order)),
            None => self.new_orders.push(new_order(now)),
        }
        let id = now.order.id.as_str();
        for attempt in &now.attempts {
            match before.and_then(|b| b.attempt(attempt.seq)) {
                Some(old) if old == attempt => {}
                Some(old) => self.attempts.push(attempt_changes(id, attempt, old)),
                None => self.new_attempts.push(new_attempt(id, attempt)),
            }
        }
        for refund in &now.refunds {
            match before.and_then(|b| b.refund(refund.seq)) {
                Some(old) if old == refund => {}
                Some(old) => self.refunds.push(refund_changes(id, refund, old)),
                None => self.new_refunds.push(new_refund(id, refund)),
            }
        }
        self.events.extend(now.events.iter().map(|event| new_event(id, event)));
        self.notices.extend(notices_of(now).iter().map(new_notice));
    }
}

/// One net row per key: the last word of the batch.
fn records(view: &View) -> (Rows<'_>, Rows<'_>) {
    let last: BTreeMap<(&str, &str), _> = view.put_records.iter().map(|r| ((r.kind.as_str(), r.id.as_str()), r.doc.as_ref())).collect();
    let (mut put, mut removed) = (Rows::new(), Rows::new());
    for ((kind, id), doc) in last {
        match doc {
            Some(doc) => put.push(vec![kind.into(), id.into(), json(doc).into()]),
            None => removed.push(vec![kind.into(), id.into()]),
        }
    }
    (put, removed)
}

fn ms(at: Option<Millis>) -> Cell<'static> {
    at.map(|at| at.0).into()
}

fn new_order(life: &Life) -> Vec<Cell<'_>> {
    let o = &life.order;
    let fixed = [
        o.id.as_str().into(),
        o.merchant_id.as_str().into(),
        o.merchant_order_no.as_str().into(),
        o.fingerprint.as_slice().into(),
        o.livemode.into(),
        o.amount.0.into(),
        o.method_word().into(),
        json(&o.facts).into(),
        o.sealed.as_slice().into(),
        o.created_at.0.into(),
        o.expires_at.0.into(),
    ];
    fixed.into_iter().chain(order_state(life)).collect()
}

fn order_changes<'a>(life: &'a Life, before: &'a Order) -> Vec<Cell<'a>> {
    let found = [life.order.id.as_str().into(), before.version.into(), before.last_seq.into(), before.status().word().into()];
    found.into_iter().chain(order_state(life)).collect()
}

/// What changes in an order's life.
fn order_state(life: &Life) -> [Cell<'_>; 12] {
    let o = &life.order;
    [
        o.status().word().into(),
        o.account.as_str().into(),
        o.channel.as_str().into(),
        o.winner.into(),
        o.intent.as_ref().map(word).into(),
        o.failure.as_ref().map(json).into(),
        ms(o.paid_at),
        ms(o.closed_at),
        o.version.into(),
        o.last_seq.into(),
        // Read as "a person has to look at it": what is suspended is one kind of that.
        life.has_cases().into(),
        ms(life.wake_at()),
    ]
}

fn new_attempt<'a>(order_id: &'a str, a: &'a Attempt) -> Vec<Cell<'a>> {
    vec![
        order_id.into(),
        a.seq.into(),
        a.account.as_str().into(),
        a.channel.as_str().into(),
        a.status().word().into(),
        a.amount.0.into(),
        a.captured.0.into(),
        a.refunded.0.into(),
        a.refunding.0.into(),
        a.late.into(),
        a.at.0.into(),
        ms(a.next_at),
        a.queries.into(),
        a.undo.as_ref().map(word).into(),
        ms(a.undo_sent_at),
        ms(a.ended_at),
        a.suspended.into(),
        json(&a.notes).into(),
        a.method.word().into(),
    ]
}

fn attempt_changes<'a>(order_id: &'a str, a: &'a Attempt, before: &'a Attempt) -> Vec<Cell<'a>> {
    vec![
        order_id.into(),
        a.seq.into(),
        before.status().word().into(),
        before.refunded.0.into(),
        before.refunding.0.into(),
        a.status().word().into(),
        a.captured.0.into(),
        a.refunded.0.into(),
        a.refunding.0.into(),
        a.late.into(),
        ms(a.next_at),
        a.queries.into(),
        a.undo.as_ref().map(word).into(),
        ms(a.undo_sent_at),
        ms(a.ended_at),
        a.suspended.into(),
        json(&a.notes).into(),
    ]
}

fn new_refund<'a>(order_id: &'a str, r: &'a Refund) -> Vec<Cell<'a>> {
    vec![
        order_id.into(),
        r.seq.into(),
        r.attempt_seq.into(),
        r.merchant_refund_no.as_deref().into(),
        r.fingerprint.as_slice().into(),
        r.amount.0.into(),
        r.status().word().into(),
        r.pending_reason.word().into(),
        word(&r.origin).into(),
        r.at.0.into(),
        ms(r.sent_at),
        r.sends.into(),
        ms(r.next_at),
        r.queries.into(),
        r.version.into(),
        ms(r.succeeded_at),
        json(&r.notes).into(),
    ]
}

fn refund_changes<'a>(order_id: &'a str, r: &'a Refund, before: &'a Refund) -> Vec<Cell<'a>> {
    vec![
        order_id.into(),
        r.seq.into(),
        before.status().word().into(),
        before.version.into(),
        r.status().word().into(),
        r.pending_reason.word().into(),
        ms(r.sent_at),
        r.sends.into(),
        ms(r.next_at),
        r.queries.into(),
        r.version.into(),
        ms(r.succeeded_at),
        json(&r.notes).into(),
    ]
}

fn new_event<'a>(order_id: &'a str, event: &'a Event) -> Vec<Cell<'a>> {
    let inner = event.inner.as_ref().map(json);
    vec![order_id.into(), event.seq.into(), event.at.0.into(), event.kind.as_str().into(), json(&event.data).into(), inner.into()]
}

/// A notice is made from the order's effects when it is written, so its cells are its own.
fn new_notice<'a>(n: &Notice) -> Vec<Cell<'a>> {
    vec![
        n.event_id.clone().into(),
        n.order_id.as_str().to_owned().into(),
        n.merchant_id.clone().into(),
        n.kind.clone().into(),
        n.at.0.into(),
        json(&n.data).into(),
        n.status.word().into(),
        n.tries.into(),
        ms(n.next_at),
    ]
}

fn notice_changes(n: &Notice) -> Vec<Cell<'_>> {
    vec![n.event_id.as_str().into(), n.status.word().into(), n.tries.into(), ms(n.next_at), n.last.as_ref().map(json).into()]
}

fn audit(line: &Audit) -> Vec<Cell<'_>> {
    vec![
        line.at.0.into(),
        line.who.as_str().into(),
        line.role.as_str().into(),
        line.act.as_str().into(),
        line.about.as_str().into(),
        json(&line.detail).into(),
    ]
}
