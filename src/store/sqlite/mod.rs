//! The embedded engine: one writer on one connection, group commit, WAL with `synchronous=FULL`. Readers have connections of their own.
//!
//! [`Engine::apply`] is synchronous and needs no thread, so the seeded world calls it inline; [`writer`] puts a thread and two lanes
//! in front of it for the gateway.

mod load;
mod read;
mod write;
pub mod writer;

pub use read::Reading;
pub use writer::SqliteStore;

use super::command::{Command, Outcome};
use super::decide::fold;
use super::view::Keys;
use super::{StoreError, rows};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::Path;

mod embedded {
    refinery::embed_migrations!("src/store/migrations/sqlite");
}

/// SQLite below this has a WAL bug that can lose commits (sqlite.org/wal.html, "the WAL-reset bug").
const SQLITE_MIN: i32 = 3_051_003;

/// The one read-write connection.
pub struct Engine {
    conn: Connection,
    path: String,
    spelled: write::Spelled,
}

fn failed(error: &rusqlite::Error) -> StoreError {
    StoreError::Failed(error.to_string())
}

impl Engine {
    /// Opens or creates the database and brings its schema up to date. `path` may be `:memory:`.
    pub fn open(path: &str) -> Result<Engine, StoreError> {
        if rusqlite::version_number() < SQLITE_MIN {
            return Err(StoreError::Failed(format!("SQLite {} is too old: at least 3.51.3 is needed", rusqlite::version())));
        }
        let mut conn = Connection::open(Path::new(path)).map_err(|e| failed(&e))?;
        prepare(&conn).map_err(|e| failed(&e))?;
        let mode: String = conn.query_row("PRAGMA journal_mode", [], |r| r.get(0)).map_err(|e| failed(&e))?;
        let sync: i64 = conn.query_row("PRAGMA synchronous", [], |r| r.get(0)).map_err(|e| failed(&e))?;
        if (mode != "wal" && mode != "memory") || sync != 2 {
            return Err(StoreError::Failed(format!("journal_mode is {mode} and synchronous {sync}: wal and 2 (FULL) are needed")));
        }
        // Grouped: one transaction. Else a migration and the note that it was done are two, and dying between them leaves a store that no
        // start can open.
        embedded::migrations::runner().set_grouped(true).run(&mut conn).map_err(|e| StoreError::Failed(format!("migration: {e}")))?;
        Ok(Engine { conn, path: path.to_owned(), spelled: write::Spelled::default() })
    }

    /// Carries out a batch in one transaction and answers in the order given. If the batch as a whole cannot be written, each
    /// command runs alone, so that one bad command harms no other.
    pub fn apply(&mut self, batch: &[&Command]) -> Vec<Result<Outcome, StoreError>> {
        match self.try_batch(batch) {
            Ok(outcomes) => outcomes,
            Err(StoreError::Unknown(detail)) => {
                let reopened = Engine::open(&self.path);
                if let Ok(engine) = reopened {
                    *self = engine;
                }
                batch.iter().map(|_| Err(StoreError::Unknown(detail.clone()))).collect()
            }
            Err(error) if batch.len() == 1 => vec![Err(error)],
            Err(_) => batch.iter().flat_map(|command| self.apply(&[command])).collect(),
        }
    }

    fn try_batch(&mut self, batch: &[&Command]) -> Result<Vec<Result<Outcome, StoreError>>, StoreError> {
        let transaction = self.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| failed(&e))?;
        let mut view = load::view(&transaction, &Keys::of(batch))?;
        let outcomes = fold(&mut view, batch, |_, command| load::scan(&transaction, command));
        write::view(&transaction, &mut self.spelled, &view)?;
        // A COMMIT that fails with an IO error may still be in the WAL: the caller reads by key before anything else.
        transaction.commit().map_err(|e| match e.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DiskFull) => failed(&e),
            _ => StoreError::Unknown(e.to_string()),
        })?;
        Ok(outcomes)
    }

    /// A reader on the same connection, for the seeded world and for `:memory:`.
    #[must_use]
    pub const fn reading(&self) -> Reading<'_> {
        Reading { conn: &self.conn }
    }

    /// Folds the WAL back into the database when nobody is waiting.
    pub fn checkpoint(&self) {
        let _ = self.conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    }
}

fn prepare(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", "ON")?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "cache_size", -16_000)?;
    // The writer checkpoints when it rests; this is the backstop under sustained load (64 MiB of WAL).
    conn.pragma_update(None, "wal_autocheckpoint", 16_000)?;
    conn.busy_timeout(std::time::Duration::from_secs(5))?;
    keep_plans(conn)?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// A prepared statement keeps its plan. Without this the bundled SQLite, built with STAT4, plans anew whenever an indexed column is
/// compared to another value than last time (sqlite.org/c3ref/prepare.html, point 3): 38 % of a callback's processor time.
fn keep_plans(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}

/// A read-only connection.
pub fn open_reader(path: &str) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let conn = Connection::open_with_flags(Path::new(path), flags).map_err(|e| failed(&e))?;
    conn.pragma_update(None, "query_only", "ON").map_err(|e| failed(&e))?;
    conn.pragma_update(None, "cache_size", -4_000).map_err(|e| failed(&e))?;
    conn.busy_timeout(std::time::Duration::from_secs(5)).map_err(|e| failed(&e))?;
    keep_plans(&conn).map_err(|e| failed(&e))?;
    conn.set_prepared_statement_cache_capacity(32);
    Ok(conn)
}

impl From<rows::Unreadable> for StoreError {
    fn from(error: rows::Unreadable) -> StoreError {
        StoreError::Failed(error.to_string())
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        failed(&error)
    }
}

/// A SQLite row as [`rows::Row`] reads it.
struct Columns<'a, 'b>(&'a rusqlite::Row<'b>);

impl Columns<'_, '_> {
    fn get<T: rusqlite::types::FromSql>(&self, column: usize) -> Result<T, rows::Unreadable> {
        self.0.get(column).map_err(|e| rows::Unreadable { what: "column", detail: e.to_string() })
    }
}

impl rows::Row for Columns<'_, '_> {
    fn text(&self, column: usize) -> Result<String, rows::Unreadable> {
        self.get(column)
    }
    fn text_or_null(&self, column: usize) -> Result<Option<String>, rows::Unreadable> {
        self.get(column)
    }
    fn int(&self, column: usize) -> Result<i64, rows::Unreadable> {
        self.get(column)
    }
    fn int_or_null(&self, column: usize) -> Result<Option<i64>, rows::Unreadable> {
        self.get(column)
    }
    fn bytes(&self, column: usize) -> Result<Vec<u8>, rows::Unreadable> {
        self.get(column)
    }
}
