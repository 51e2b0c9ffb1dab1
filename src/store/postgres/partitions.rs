//! Months as partitions: made ahead, dropped as a whole when everything in them is over and old enough.
//!
//! Each change waits for its tables' locks a moment only and is tried again at the next turn: whoever writes meanwhile waits no longer
//! than [`LOCK_MAX_MS`] and the few milliseconds of the change itself.

use crate::domain::OrderId;
use crate::domain::months::Month;
use crate::store::StoreError;
use deadpool_postgres::{ClientWrapper, Transaction};
use sluice_contract::Millis;
use std::collections::BTreeSet;
use tokio_postgres::Row;

/// Every table that is cut into months, in the order in which batches lock them.
const TABLES: [&str; 5] = ["orders", "attempts", "refunds", "notices", "events"];
/// The running month and those that are made ahead of it.
const AHEAD: i32 = 3;
const LOCK_MAX_MS: u32 = 400;
const TURN: &str = "SELECT pg_advisory_xact_lock(13081, 2)";
const MONTHS: &str = "SELECT substr(c.relname, 8) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
    WHERE i.inhparent = 'orders'::regclass AND c.relname <> 'orders_other'";

/// Makes the months of this time and ahead. The server's clock counts: it is the same for every gateway.
pub async fn make_ahead(client: &mut ClientWrapper) -> Result<(), StoreError> {
    let now = client.query_one("SELECT (extract(epoch FROM now()) * 1000)::bigint", &[]).await?;
    let this = Month::of(Millis(now.try_get(0)?));
    let present = months(client.query(MONTHS, &[]).await?)?;
    for month in (0..AHEAD).map(|ahead| this.plus(ahead)).filter(|month| !present.contains(month)) {
        // Rows that no month has yet are looked through when one is made: nobody may write them meanwhile.
        let turn = take_turn(client, &TABLES.map(|table| format!("{table}_other")).join(", ")).await?;
        // Another gateway may have made it while this one waited.
        if !months(turn.query(MONTHS, &[]).await?)?.contains(&month) {
            turn.batch_execute(&attach(month)).await?;
        }
        turn.commit().await?;
    }
    Ok(())
}

fn attach(month: Month) -> String {
    let (name, next) = (month.name(), month.plus(1));
    let one = |table: &str| {
        let (from, to) = (bound(table, &month.first_id()), bound(table, &next.first_id()));
        format!(
            "CREATE TABLE {table}_{name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS); \
             ALTER TABLE {table} ATTACH PARTITION {table}_{name} FOR VALUES FROM ('{from}') TO ('{to}');"
        )
    };
    TABLES.map(one).concat()
}

/// Drops the oldest month before `keep_from` in which nothing is left to do. Answers whether there was one.
pub async fn drop_one(client: &mut ClientWrapper, keep_from: &OrderId) -> Result<bool, StoreError> {
    let present = months(client.query(MONTHS, &[]).await?)?;
    for month in present.into_iter().filter(|month| month.plus(1).first_id() <= *keep_from) {
        let name = month.name();
        let open = format!(
            "SELECT EXISTS (SELECT FROM orders_{name} WHERE wake_at IS NOT NULL) OR EXISTS (SELECT FROM orders_{name} WHERE suspended = 1) \
             OR EXISTS (SELECT FROM notices_{name} WHERE next_at IS NOT NULL)"
        );
        // Asked before the lock, so that a month that stays open costs nobody anything, and under it, so that what is over stays over.
        if client.query_one(&open, &[]).await?.try_get(0)? {
            continue;
        }
        let tables = TABLES.map(|table| format!("{table}_{name}")).join(", ");
        let turn = take_turn(client, &format!("{}, {tables}", TABLES.map(|table| format!("ONLY {table}")).join(", "))).await?;
        if turn.query_one(&open, &[]).await?.try_get(0)? {
            continue;
        }
        turn.batch_execute(&format!("DROP TABLE {tables}")).await?;
        turn.commit().await?;
        tracing::info!(month = name, "a month of orders was dropped: everything in it was over and old enough");
        return Ok(true);
    }
    Ok(false)
}

fn months(rows: Vec<Row>) -> Result<BTreeSet<Month>, StoreError> {
    let mut months = BTreeSet::new();
    for row in rows {
        months.extend(Month::from_name(row.try_get(0)?));
    }
    Ok(months)
}

fn bound(table: &str, first: &OrderId) -> String {
    if table == "notices" { first.event_id(0) } else { first.to_string() }
}

/// One gateway at a time, with these tables to itself. They are locked at once and quickly or not at all: whoever comes behind the lock
/// waits for this statement, and no other one of the transaction waits.
async fn take_turn<'a>(client: &'a mut ClientWrapper, tables: &str) -> Result<Transaction<'a>, StoreError> {
    let transaction = client.transaction().await?;
    transaction.query_one(TURN, &[]).await?;
    transaction.batch_execute(&format!("SET LOCAL statement_timeout = {LOCK_MAX_MS}")).await?;
    transaction.batch_execute(&format!("LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")).await?;
    transaction.batch_execute("SET LOCAL statement_timeout = '30s'").await?;
    Ok(transaction)
}
