//! The writer thread in front of the engine: takes what is there, commits once, and answers.

use super::{Engine, Reading, open_reader};
use crate::store::lanes::{Lanes, prune};
use crate::store::{Answer, Command, OnPanic, Outcome, Query, Store, StoreError, Ticket};
use sluice_contract::Millis;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// After this long without work the log is folded back into the database: at ordinary load it stays small, on the disk and to read through.
const REST: Duration = Duration::from_millis(250);

/// The embedded store of a running gateway.
pub struct SqliteStore {
    lanes: Arc<Lanes>,
    readers: Readers,
    writer: Option<std::thread::JoinHandle<()>>,
}

impl SqliteStore {
    pub fn open(path: &str, on_panic: OnPanic) -> Result<SqliteStore, StoreError> {
        let engine = Engine::open(path)?;
        let lanes = Arc::<Lanes>::default();
        let for_writer = Arc::clone(&lanes);
        let run = move || {
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| write_until_closed(engine, &for_writer)));
            if ended.is_err() {
                on_panic();
            }
        };
        let writer = std::thread::Builder::new().name("store-writer".into()).spawn(run).map_err(|e| StoreError::Failed(e.to_string()))?;
        Ok(SqliteStore { lanes, readers: Readers { path: path.to_owned(), idle: Mutex::default() }, writer: Some(writer) })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.lanes.close();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn write_until_closed(mut engine: Engine, lanes: &Lanes) {
    let mut rested = false;
    while let Some(batch) = lanes.take_or_rest(REST, rested) {
        rested = batch.is_empty();
        if rested {
            engine.checkpoint();
            continue;
        }
        let outcomes = engine.apply(&batch.commands());
        batch.answer(outcomes);
    }
}

impl Store for SqliteStore {
    fn submit(&self, command: Command) -> Ticket<'_, Outcome> {
        self.lanes.submit(command)
    }

    fn keep_house(&self, now: Millis, keep_months: Option<u32>) -> Ticket<'_, bool> {
        Box::pin(prune(&self.lanes, now, keep_months))
    }

    fn read(&self, query: Query) -> Ticket<'_, Answer> {
        // A point read takes a few microseconds: cheaper on this thread than a hand-over to another.
        let answer = self.readers.with(|conn| Reading { conn }.answer(&query));
        Box::pin(std::future::ready(answer))
    }
}

/// One question, one snapshot: an order and its attempts are never from before and after a commit.
fn snapshot<T>(conn: &rusqlite::Connection, read: impl FnOnce(&rusqlite::Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
    conn.prepare_cached("BEGIN")?.execute([])?;
    let answer = read(conn)?;
    conn.prepare_cached("COMMIT")?.execute([])?;
    Ok(answer)
}

/// Idle read-only connections. A reader is taken, used and put back; one is opened when none is idle.
struct Readers {
    path: String,
    idle: Mutex<Vec<rusqlite::Connection>>,
}

impl Readers {
    fn with<T>(&self, read: impl FnOnce(&rusqlite::Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let conn = match idle {
            Some(conn) => conn,
            None => open_reader(&self.path)?,
        };
        let answer = snapshot(&conn, read);
        if answer.is_ok()
            && let Ok(mut idle) = self.idle.lock()
            && idle.len() < 8
        {
            idle.push(conn);
        }
        answer
    }
}
