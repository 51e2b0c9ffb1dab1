//! Loads every row a batch names, in key order, inside its transaction.

use super::Columns;
use super::read::{Reading, notice};
use crate::domain::OrderId;
use crate::domain::limit::{Counter, CounterKey};
use crate::store::StoreError;
use crate::store::bill_rows;
use crate::store::command::{Command, Outcome};
use crate::store::limit_rows;
use crate::store::rows::NOTICE_COLUMNS;
use crate::store::view::{ClaimRow, Held, Keys, View};
use crate::store::writes::kind;
use rusqlite::{Connection, OptionalExtension, params};

pub fn view(conn: &Connection, keys: &Keys) -> Result<View, StoreError> {
    let mut view = View::default();
    for key in &keys.claims {
        let mut statement =
            conn.prepare_cached("SELECT target, fingerprint FROM claims WHERE merchant_id = ?1 AND kind = ?2 AND number = ?3")?;
        let row = statement.query_row(params![key.merchant_id, kind(key.kind), key.number], |r| {
            Ok(ClaimRow { target: r.get(0)?, fingerprint: r.get(1)? })
        });
        if let Some(row) = row.optional()? {
            view.claims.insert(key.clone(), row);
        }
    }
    for nonce in &keys.nonces {
        // The window is 300 s either way, so the same nonce with another signed time is in this bucket or next to it.
        let mut statement = conn
            .prepare_cached("SELECT 1 FROM nonces WHERE bucket IN (?1 - 2, ?1 - 1, ?1, ?1 + 1, ?1 + 2) AND key_id = ?2 AND nonce = ?3")?;
        if statement.exists(params![nonce.bucket(), nonce.key_id, nonce.nonce])? {
            view.used_nonces.insert(nonce.name());
        }
    }
    let reading = Reading { conn };
    for id in &keys.orders {
        if let Some(life) = reading.life(id)? {
            view.lives.insert(id.clone(), Held { before: Some(life.clone()), now: life });
        }
    }
    for event_id in &keys.notices {
        let mut statement = conn.prepare_cached(&format!("SELECT {NOTICE_COLUMNS} FROM notices WHERE event_id = ?1"))?;
        let mut rows = statement.query(params![event_id])?;
        if let Some(row) = rows.next()? {
            view.notices.insert(event_id.clone(), notice(row)?);
        }
    }
    for (kind, id) in &keys.records {
        let mut statement = conn.prepare_cached("SELECT 1 FROM records WHERE kind = ?1 AND id = ?2")?;
        if statement.exists(params![kind, id])? {
            view.records.insert((kind.clone(), id.clone()));
        }
    }
    for (key, edge) in &keys.counters {
        let loaded = counter(conn, key)?;
        let behind = loaded.zip(*edge).filter(|(counter, edge)| edge.0 > counter.edge);
        let left = match behind {
            Some((counter, edge)) => left(conn, key, counter.edge, edge.0)?,
            None => (0, 0),
        };
        view.hold_counter(key.clone(), loaded, *edge, left);
    }
    bills(conn, keys, &mut view)?;
    Ok(view)
}

fn bills(conn: &Connection, keys: &Keys, view: &mut View) -> Result<(), StoreError> {
    for (account, day) in &keys.bills {
        let sql = format!("SELECT {} FROM bill_runs WHERE account = ?1 AND day = ?2", bill_rows::RUN_COLUMNS);
        let mut statement = conn.prepare_cached(&sql)?;
        let mut found = statement.query(params![account, day.to_string()])?;
        while let Some(row) = found.next()? {
            view.runs.insert((account.clone(), *day), bill_rows::run(&Columns(row))?);
        }
        let sql = format!("SELECT {} FROM discrepancies WHERE account = ?1 AND day = ?2", bill_rows::COLUMNS);
        let mut statement = conn.prepare_cached(&sql)?;
        let mut found = statement.query(params![account, day.to_string()])?;
        while let Some(row) = found.next()? {
            view.hold_discrepancy(bill_rows::stored(&Columns(row))?);
        }
    }
    for id in &keys.discrepancies {
        let mut statement = conn.prepare_cached(&format!("SELECT {} FROM discrepancies WHERE id = ?1", bill_rows::COLUMNS))?;
        let mut found = statement.query(params![id])?;
        while let Some(row) = found.next()? {
            view.hold_discrepancy(bill_rows::stored(&Columns(row))?);
        }
    }
    Ok(())
}

fn counter(conn: &Connection, key: &CounterKey) -> Result<Option<Counter>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT reserved, confirmed, overrun, cap, edge FROM limit_counters \
         WHERE limit_name = ?1 AND window_start = ?2 AND subject = ?3 AND holder = ?4",
    )?;
    let mut rows = statement.query(params![key.limit, key.start, key.subject, key.holder])?;
    let row = rows.next()?;
    Ok(row.map(|row| limit_rows::counter(&Columns(row), 0)).transpose()?)
}

/// What was confirmed in a rolling window between two times, and of it above the limit.
fn left(conn: &Connection, key: &CounterKey, from: i64, to: i64) -> Result<(i64, i64), StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT coalesce(sum(confirmed), 0), coalesce(sum(over_confirmed), 0) FROM limit_entries \
         WHERE limit_name = ?1 AND subject = ?2 AND holder = ?3 AND counts_at > ?4 AND counts_at <= ?5",
    )?;
    Ok(statement.query_row(params![key.limit, key.subject, key.holder, from, to], |r| Ok((r.get(0)?, r.get(1)?)))?)
}

/// Commands that name no rows beforehand: leases and pruning, done by one statement each in the batch's transaction.
pub fn scan(conn: &Connection, command: &Command) -> Result<Outcome, StoreError> {
    match command {
        Command::ClaimOrders { now, limit, lease_until } => {
            let mut statement = conn.prepare_cached("SELECT id FROM orders WHERE wake_at <= ?1 ORDER BY wake_at LIMIT ?2")?;
            let ids: Vec<String> = statement.query_map(params![now.0, limit], |r| r.get(0))?.collect::<Result<_, _>>()?;
            let mut lease = conn.prepare_cached("UPDATE orders SET wake_at = ?2 WHERE id = ?1")?;
            for id in &ids {
                lease.execute(params![id, lease_until.0])?;
            }
            Ok(Outcome::Orders(ids.iter().filter_map(|id| OrderId::parse(id)).collect()))
        }
        Command::ClaimNotices { .. } => claim_notices(conn, command),
        Command::PruneOrders { before, limit } => prune_orders(conn, before, *limit),
        Command::Recount { key, .. } => {
            recount(conn, key)?;
            Ok(Outcome::Done)
        }
        Command::PruneNonces { before_bucket } => {
            // A slice at a time: the writer is never held for long.
            conn.prepare_cached(
                "DELETE FROM nonces WHERE (bucket, key_id, nonce) IN (SELECT bucket, key_id, nonce FROM nonces WHERE bucket < ?1 LIMIT 2000)",
            )?
            .execute(params![before_bucket])?;
            Ok(Outcome::Done)
        }
        _ => Ok(Outcome::Done),
    }
}

fn recount(conn: &Connection, key: &CounterKey) -> Result<(), StoreError> {
    let named = params![key.limit, key.start, key.subject, key.holder];
    conn.prepare_cached("INSERT INTO limit_counters VALUES (?1, ?2, ?3, ?4, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING")?.execute(named)?;
    conn.prepare_cached(
        "UPDATE limit_counters SET reserved = d.entries_reserved, confirmed = d.entries_confirmed, overrun = d.entries_overrun, \
         cap = max(cap, d.entries_reserved + d.entries_confirmed - d.entries_overrun) FROM limit_drift d \
         WHERE limit_counters.limit_name = ?1 AND limit_counters.window_start = ?2 AND limit_counters.subject = ?3 \
         AND limit_counters.holder = ?4 AND d.limit_name = ?1 AND d.window_start = ?2 AND d.subject = ?3 AND d.holder = ?4",
    )?
    .execute(named)?;
    Ok(())
}

/// Oldest first; the ids of an order's events lie side by side.
const OVER: &str = "SELECT id FROM orders WHERE id < ?1 AND wake_at IS NULL AND suspended = 0 AND NOT EXISTS (SELECT 1 FROM notices \
    WHERE event_id BETWEEN 'evt_' || substr(id, 2, 24) || '0000' AND 'evt_' || substr(id, 2, 24) || 'ZZZZ' AND next_at IS NOT NULL) \
    ORDER BY id LIMIT ?2";

fn prune_orders(conn: &Connection, before: &OrderId, limit: u32) -> Result<Outcome, StoreError> {
    let mut statement = conn.prepare_cached(OVER)?;
    let ids: Vec<String> = statement.query_map(params![before.as_str(), limit], |r| r.get(0))?.collect::<Result<_, _>>()?;
    let removals = [
        "DELETE FROM notices WHERE event_id BETWEEN 'evt_' || substr(?1, 2, 24) || '0000' AND 'evt_' || substr(?1, 2, 24) || 'ZZZZ'",
        "DELETE FROM events WHERE order_id = ?1",
        "DELETE FROM refunds WHERE order_id = ?1",
        "DELETE FROM attempts WHERE order_id = ?1",
        "DELETE FROM orders WHERE id = ?1",
    ];
    for sql in removals {
        let mut statement = conn.prepare_cached(sql)?;
        ids.iter().try_for_each(|id| statement.execute(params![id]).map(|_| ()))?;
    }
    Ok(Outcome::Pruned(u32::try_from(ids.len()).unwrap_or(u32::MAX)))
}

/// Merchants with something waiting, found one by one in their index: whatever backlog a merchant has, it costs one look.
const NEXT_MERCHANT: &str = "SELECT MIN(merchant_id) FROM notices WHERE next_at IS NOT NULL AND merchant_id > ?1";

fn claim_notices(conn: &Connection, command: &Command) -> Result<Outcome, StoreError> {
    let Command::ClaimNotices { now, limit, lease_until, after, in_flight, each_max } = command else { return Ok(Outcome::Done) };
    let mut next = conn.prepare_cached(NEXT_MERCHANT)?;
    let mut due = conn.prepare_cached(&format!(
        "SELECT {NOTICE_COLUMNS} FROM notices WHERE merchant_id = ?1 AND next_at <= ?2 ORDER BY next_at, event_id LIMIT ?3"
    ))?;
    let mut lease = conn.prepare_cached("UPDATE notices SET next_at = ?2 WHERE event_id = ?1")?;
    let (mut notices, mut merchant, mut wrapped) = (Vec::new(), after.clone(), false);
    loop {
        let room = limit.saturating_sub(u32::try_from(notices.len()).unwrap_or(u32::MAX));
        let found: Option<String> = next.query_row(params![merchant], |r| r.get(0))?;
        match found {
            _ if room == 0 => break,
            Some(found) if !wrapped || found <= *after => merchant = found,
            None if !wrapped => {
                (merchant, wrapped) = (String::new(), true);
                continue;
            }
            _ => break,
        }
        let share = each_max.saturating_sub(in_flight.get(&merchant).copied().unwrap_or(0)).min(room);
        let mut rows = due.query(params![merchant, now.0, share])?;
        while let Some(row) = rows.next()? {
            notices.push(notice(row)?);
        }
    }
    for notice in &notices {
        lease.execute(params![notice.event_id, lease_until.0])?;
    }
    Ok(Outcome::Notices(notices))
}
