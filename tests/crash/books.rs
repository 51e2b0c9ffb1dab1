//! The books of a gateway, read beside it on either engine. Tests write plain SQL with `?1`; what they give is text, what they get is
//! whole numbers or text.

use super::rig::Done;
use crate::harness::postgres::connect;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

pub enum Books {
    Sqlite(PathBuf),
    Postgres(Served),
}

/// A database at a server, and the one connection that all questions share.
pub struct Served {
    url: String,
    client: Mutex<Option<Arc<Client>>>,
}

/// A reader in the middle of its transaction, for as long as this is kept.
#[expect(dead_code, reason = "held, not used: the transaction ends with its connection")]
pub enum LongReader {
    Sqlite(Connection),
    Postgres(Client),
}

impl Books {
    pub fn in_file(path: &Path) -> Books {
        Books::Sqlite(path.to_path_buf())
    }

    pub fn at(url: &str) -> Books {
        Books::Postgres(Served { url: url.to_owned(), client: Mutex::default() })
    }

    /// The first column of every row: whole numbers, or text.
    pub async fn column<T>(&self, sql: &str, given: &[&str]) -> Done<Vec<T>>
    where
        T: rusqlite::types::FromSql + for<'a> tokio_postgres::types::FromSql<'a>,
    {
        match self {
            Books::Sqlite(path) => {
                let conn = open(path)?;
                let mut statement = conn.prepare(sql)?;
                let rows = statement.query_map(rusqlite::params_from_iter(given), |row| row.get(0))?;
                Ok(rows.collect::<Result<_, _>>()?)
            }
            Books::Postgres(served) => {
                let given: Vec<&(dyn ToSql + Sync)> = given.iter().map(|text| -> &(dyn ToSql + Sync) { text }).collect();
                let rows = served.client().await?.query(&sql.replace('?', "$"), &given).await?;
                Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
            }
        }
    }

    pub async fn ints(&self, sql: &str, given: &[&str]) -> Done<Vec<i64>> {
        self.column(sql, given).await
    }

    pub async fn texts(&self, sql: &str, given: &[&str]) -> Done<Vec<String>> {
        self.column(sql, given).await
    }

    /// One number. `None`: the store cannot be read at this moment.
    pub async fn count(&self, sql: &str, given: &[&str]) -> Option<i64> {
        self.ints(sql, given).await.ok()?.first().copied()
    }

    /// Begins a transaction that reads, and never ends it.
    pub async fn long_reader(&self) -> Done<LongReader> {
        match self {
            Books::Sqlite(path) => {
                let conn = open(path)?;
                conn.execute_batch("BEGIN")?;
                conn.query_row("SELECT COUNT(*) FROM orders", [], |row| row.get::<_, i64>(0))?;
                Ok(LongReader::Sqlite(conn))
            }
            Books::Postgres(served) => {
                let client = connect(&served.url).await?;
                client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT COUNT(*) FROM orders").await?;
                Ok(LongReader::Postgres(client))
            }
        }
    }

    /// What no commit may leave behind and is there nevertheless.
    pub async fn broken(&self) -> Done<Vec<String>> {
        let mut found = Vec::new();
        for (what, sql) in BROKEN {
            let count = self.ints(sql, &[]).await?.first().copied();
            found.extend(count.filter(|n| *n != 0).map(|n| format!("{what}: {n}")));
        }
        Ok(found)
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(Duration::from_secs(2))?;
    Ok(conn)
}

impl Served {
    async fn client(&self) -> Done<Arc<Client>> {
        let mut kept = self.client.lock().await;
        if let Some(client) = kept.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(connect(&self.url).await?);
        *kept = Some(Arc::clone(&client));
        Ok(client)
    }
}

/// What no commit may leave behind, as counts that must be zero.
const BROKEN: &[(&str, &str)] = &[
    ("an order without an attempt", "SELECT COUNT(*) FROM orders o WHERE NOT EXISTS (SELECT 1 FROM attempts a WHERE a.order_id = o.id)"),
    ("an attempt without an order", "SELECT COUNT(*) FROM attempts a WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = a.order_id)"),
    ("an order without its claim", "SELECT COUNT(*) FROM orders o WHERE NOT EXISTS (SELECT 1 FROM claims c WHERE c.target = o.id)"),
    ("a trail with a gap", "SELECT COUNT(*) FROM orders o WHERE last_seq != (SELECT COUNT(*) FROM events e WHERE e.order_id = o.id)"),
    ("an end that tells nobody", "SELECT COUNT(*) FROM orders o WHERE status != 'pending' AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.order_id = o.id AND n.kind = 'order.' || o.status)"),
    ("a notification of what is not so", "SELECT COUNT(*) FROM notices n JOIN orders o ON o.id = n.order_id WHERE n.kind IN ('order.paid', 'order.closed', 'order.failed', 'order.reversed') AND n.kind != 'order.' || o.status"),
    ("refunds beyond the capture", "SELECT COUNT(*) FROM attempts a WHERE captured < (SELECT COALESCE(SUM(amount), 0) FROM refunds r WHERE r.order_id = a.order_id AND r.attempt_seq = a.seq AND r.status != 'failed')"),
    ("sums that differ from their refunds", "SELECT COUNT(*) FROM attempts a WHERE refunded != (SELECT COALESCE(SUM(amount), 0) FROM refunds r WHERE r.order_id = a.order_id AND r.attempt_seq = a.seq AND r.status = 'succeeded')"),
    ("a live order that nobody tends", "SELECT COUNT(*) FROM orders WHERE status = 'pending' AND wake_at IS NULL AND suspended = 0"),
];
