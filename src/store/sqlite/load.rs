//! Loads every row a batch names, in key order, inside its transaction.

use super::read::{NOTICE_COLUMNS, Reading, notice};
use crate::domain::OrderId;
use crate::store::StoreError;
use crate::store::command::{Command, Kind, Outcome};
use crate::store::view::{ClaimRow, Held, Keys, View};
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
    Ok(view)
}

pub const fn kind(kind: Kind) -> i64 {
    match kind {
        Kind::Order => 0,
        Kind::Refund => 1,
    }
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
        Command::ClaimNotices { now, limit, lease_until, busy } => claim_notices(conn, now.0, *limit, lease_until.0, busy),
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

/// A share for every merchant that is not busy, oldest first, so that one merchant's backlog cannot fill a whole claim.
const CLAIM_NOTICES: &str = "WITH due AS (SELECT * FROM notices WHERE next_at <= ?1 AND merchant_id NOT IN (SELECT value FROM json_each(?3)) \
    ORDER BY next_at LIMIT 512), \
    ranked AS (SELECT *, ROW_NUMBER() OVER (PARTITION BY merchant_id ORDER BY next_at, event_id) AS place FROM due) \
    SELECT event_id, order_id, merchant_id, kind, at, data, status, tries, next_at, last FROM ranked \
    WHERE place <= 8 ORDER BY next_at, event_id LIMIT ?2";

fn claim_notices(conn: &Connection, now_ms: i64, limit: u32, lease_until_ms: i64, busy: &[String]) -> Result<Outcome, StoreError> {
    let busy = serde_json::to_string(busy).unwrap_or_default();
    let mut statement = conn.prepare_cached(CLAIM_NOTICES)?;
    let mut rows = statement.query(params![now_ms, limit, busy])?;
    let mut notices = Vec::new();
    while let Some(row) = rows.next()? {
        notices.push(notice(row)?);
    }
    let mut lease = conn.prepare_cached("UPDATE notices SET next_at = ?2 WHERE event_id = ?1")?;
    for notice in &notices {
        lease.execute(params![notice.event_id, lease_until_ms])?;
    }
    Ok(Outcome::Notices(notices))
}
