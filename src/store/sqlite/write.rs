//! Writes what a batch changed: one net row per key, each by a conditional statement whose row count is checked. The conditions repeat
//! what `decide` has already judged on the locked rows; if one of them ever misses, the batch is rolled back.

use super::load::kind;
use crate::domain::life::{Attempt, Life, Order, Refund};
use crate::store::StoreError;
use crate::store::command::Notice;
use crate::store::decide::notices_of;
use crate::store::rows::{json, word};
use crate::store::view::{Held, View};
use rusqlite::{Connection, params};
use sluice_contract::Millis;

pub fn view(conn: &Connection, view: &View) -> Result<(), StoreError> {
    for nonce in &view.new_nonces {
        let mut statement = conn.prepare_cached("INSERT INTO nonces (bucket, key_id, nonce) VALUES (?1, ?2, ?3)")?;
        statement.execute(params![nonce.bucket(), nonce.key_id, nonce.nonce])?;
    }
    for held in view.lives.values() {
        life(conn, held)?;
    }
    for key in &view.new_claims {
        let Some(row) = view.claims.get(key) else { continue };
        let mut statement =
            conn.prepare_cached("INSERT INTO claims (merchant_id, kind, number, target, fingerprint) VALUES (?1, ?2, ?3, ?4, ?5)")?;
        statement.execute(params![key.merchant_id, kind(key.kind), key.number, row.target, row.fingerprint])?;
    }
    for event_id in &view.changed_notices {
        if let Some(notice) = view.notices.get(event_id) {
            update_notice(conn, notice)?;
        }
    }
    for record in &view.put_records {
        match &record.doc {
            Some(doc) => conn
                .prepare_cached(
                    "INSERT INTO records (kind, id, doc) VALUES (?1, ?2, ?3) ON CONFLICT (kind, id) DO UPDATE SET doc = excluded.doc",
                )?
                .execute(params![record.kind, record.id, json(doc)])?,
            None => conn.prepare_cached("DELETE FROM records WHERE kind = ?1 AND id = ?2")?.execute(params![record.kind, record.id])?,
        };
    }
    for line in &view.audits {
        let mut statement = conn.prepare_cached("INSERT INTO audit (at, who, role, act, about, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        statement.execute(params![line.at.0, line.who, line.role, line.act, line.about, json(&line.detail)])?;
    }
    Ok(())
}

fn one(changed: usize, what: &str) -> Result<(), StoreError> {
    if changed == 1 { Ok(()) } else { Err(StoreError::Failed(format!("{what}: {changed} rows changed where one was expected"))) }
}

fn life(conn: &Connection, held: &Held) -> Result<(), StoreError> {
    let now = &held.now;
    match &held.before {
        None => insert_order(conn, now)?,
        Some(before) if before == now => return Ok(()),
        Some(before) => update_order(conn, now, &before.order)?,
    }
    let before = held.before.as_ref();
    for attempt in &now.attempts {
        match before.and_then(|b| b.attempt(attempt.seq)) {
            None => insert_attempt(conn, now, attempt)?,
            Some(old) if old == attempt => {}
            Some(old) => update_attempt(conn, now, attempt, old)?,
        }
    }
    for refund in &now.refunds {
        match before.and_then(|b| b.refund(refund.seq)) {
            None => insert_refund(conn, now, refund)?,
            Some(old) if old == refund => {}
            Some(old) => update_refund(conn, now, refund, old)?,
        }
    }
    for event in &now.events {
        let mut statement =
            conn.prepare_cached("INSERT INTO events (order_id, seq, at, kind, data, inner) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        statement.execute(params![
            now.order.id.as_str(),
            event.seq,
            event.at.0,
            event.kind,
            json(&event.data),
            event.inner.as_ref().map(json)
        ])?;
    }
    for notice in notices_of(now) {
        insert_notice(conn, &notice)?;
    }
    Ok(())
}

fn ms(at: Option<Millis>) -> Option<i64> {
    at.map(|at| at.0)
}

const INSERT_ORDER: &str = "INSERT INTO orders (id, merchant_id, merchant_order_no, fingerprint, livemode, amount, method, facts, sealed, \
    created_at, expires_at, status, account, channel, winner, intent, failure, paid_at, closed_at, version, last_seq, suspended, wake_at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)";

fn insert_order(conn: &Connection, life: &Life) -> Result<(), StoreError> {
    let o = &life.order;
    conn.prepare_cached(INSERT_ORDER)?.execute(params![
        o.id.as_str(),
        o.merchant_id,
        o.merchant_order_no,
        o.fingerprint,
        o.livemode,
        o.amount.0,
        o.method.word(),
        json(&o.facts),
        o.sealed,
        o.created_at.0,
        o.expires_at.0,
        o.status().word(),
        o.account,
        o.channel,
        o.winner,
        o.intent.as_ref().map(word),
        o.failure.as_ref().map(json),
        ms(o.paid_at),
        ms(o.closed_at),
        o.version,
        o.last_seq,
        life.is_suspended(),
        ms(life.wake_at()),
    ])?;
    Ok(())
}

/// The guard: only from the version and status that were loaded, and only along an edge of the table (`decide` moved it so).
const UPDATE_ORDER: &str = "UPDATE orders SET status = ?4, account = ?5, channel = ?6, winner = ?7, intent = ?8, failure = ?9, paid_at = ?10, \
    closed_at = ?11, version = ?12, last_seq = ?13, suspended = ?14, wake_at = ?15 WHERE id = ?1 AND version = ?2 AND status = ?3";

fn update_order(conn: &Connection, life: &Life, before: &Order) -> Result<(), StoreError> {
    let o = &life.order;
    let changed = conn.prepare_cached(UPDATE_ORDER)?.execute(params![
        o.id.as_str(),
        before.version,
        before.status().word(),
        o.status().word(),
        o.account,
        o.channel,
        o.winner,
        o.intent.as_ref().map(word),
        o.failure.as_ref().map(json),
        ms(o.paid_at),
        ms(o.closed_at),
        o.version,
        o.last_seq,
        life.is_suspended(),
        ms(life.wake_at()),
    ])?;
    one(changed, "order")
}

const INSERT_ATTEMPT: &str = "INSERT INTO attempts (order_id, seq, account, channel, status, amount, captured, refunded, refunding, late, at, \
    next_at, queries, undo, undo_sent_at, ended_at, suspended, notes) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";

fn insert_attempt(conn: &Connection, life: &Life, a: &Attempt) -> Result<(), StoreError> {
    conn.prepare_cached(INSERT_ATTEMPT)?.execute(params![
        life.order.id.as_str(),
        a.seq,
        a.account,
        a.channel,
        a.status().word(),
        a.amount.0,
        a.captured.0,
        a.refunded.0,
        a.refunding.0,
        a.late,
        a.at.0,
        ms(a.next_at),
        a.queries,
        a.undo.as_ref().map(word),
        ms(a.undo_sent_at),
        ms(a.ended_at),
        a.suspended,
        json(&a.notes),
    ])?;
    Ok(())
}

/// The refund headroom is guarded here once more, inside the statement.
const UPDATE_ATTEMPT: &str = "UPDATE attempts SET status = ?6, captured = ?7, refunded = ?8, refunding = ?9, late = ?10, next_at = ?11, \
    queries = ?12, undo = ?13, undo_sent_at = ?14, ended_at = ?15, suspended = ?16, notes = ?17 \
    WHERE order_id = ?1 AND seq = ?2 AND status = ?3 AND refunded = ?4 AND refunding = ?5 AND ?8 + ?9 <= ?7 AND ?7 <= amount";

fn update_attempt(conn: &Connection, life: &Life, a: &Attempt, before: &Attempt) -> Result<(), StoreError> {
    let changed = conn.prepare_cached(UPDATE_ATTEMPT)?.execute(params![
        life.order.id.as_str(),
        a.seq,
        before.status().word(),
        before.refunded.0,
        before.refunding.0,
        a.status().word(),
        a.captured.0,
        a.refunded.0,
        a.refunding.0,
        a.late,
        ms(a.next_at),
        a.queries,
        a.undo.as_ref().map(word),
        ms(a.undo_sent_at),
        ms(a.ended_at),
        a.suspended,
        json(&a.notes),
    ])?;
    one(changed, "attempt")
}

const INSERT_REFUND: &str = "INSERT INTO refunds (order_id, seq, attempt_seq, merchant_refund_no, fingerprint, amount, status, pending_reason, \
    origin, at, sent_at, sends, next_at, queries, version, succeeded_at, notes) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";

fn insert_refund(conn: &Connection, life: &Life, r: &Refund) -> Result<(), StoreError> {
    conn.prepare_cached(INSERT_REFUND)?.execute(params![
        life.order.id.as_str(),
        r.seq,
        r.attempt_seq,
        r.merchant_refund_no,
        r.fingerprint,
        r.amount.0,
        r.status().word(),
        r.pending_reason.word(),
        word(&r.origin),
        r.at.0,
        ms(r.sent_at),
        r.sends,
        ms(r.next_at),
        r.queries,
        r.version,
        ms(r.succeeded_at),
        json(&r.notes),
    ])?;
    Ok(())
}

const UPDATE_REFUND: &str = "UPDATE refunds SET status = ?5, pending_reason = ?6, sent_at = ?7, sends = ?8, next_at = ?9, queries = ?10, \
    version = ?11, succeeded_at = ?12, notes = ?13 WHERE order_id = ?1 AND seq = ?2 AND status = ?3 AND version = ?4";

fn update_refund(conn: &Connection, life: &Life, r: &Refund, before: &Refund) -> Result<(), StoreError> {
    let changed = conn.prepare_cached(UPDATE_REFUND)?.execute(params![
        life.order.id.as_str(),
        r.seq,
        before.status().word(),
        before.version,
        r.status().word(),
        r.pending_reason.word(),
        ms(r.sent_at),
        r.sends,
        ms(r.next_at),
        r.queries,
        r.version,
        ms(r.succeeded_at),
        json(&r.notes),
    ])?;
    one(changed, "refund")
}

const INSERT_NOTICE: &str = "INSERT INTO notices (event_id, order_id, merchant_id, kind, at, data, status, tries, next_at, last) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL)";

fn insert_notice(conn: &Connection, n: &Notice) -> Result<(), StoreError> {
    conn.prepare_cached(INSERT_NOTICE)?.execute(params![
        n.event_id,
        n.order_id.as_str(),
        n.merchant_id,
        n.kind,
        n.at.0,
        json(&n.data),
        n.status.word(),
        n.tries,
        ms(n.next_at),
    ])?;
    Ok(())
}

fn update_notice(conn: &Connection, n: &Notice) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached("UPDATE notices SET status = ?2, tries = ?3, next_at = ?4, last = ?5 WHERE event_id = ?1")?;
    one(statement.execute(params![n.event_id, n.status.word(), n.tries, ms(n.next_at), n.last.as_ref().map(json)])?, "notification")
}
