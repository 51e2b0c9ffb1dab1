//! The writer thread in front of the engine. It takes what is there (up to 256 commands), commits once, and answers; the batch size
//! follows the load by itself and no timer waits. Completions go before intake; intake is bounded and refused when full.

use super::{Engine, Reading, open_reader};
use crate::store::{Answer, Command, Outcome, Query, Store, StoreError, Ticket};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;

const BATCH_MAX: usize = 256;
/// Commands waiting at intake before the store says busy: about a second of work at full rate.
const INTAKE_MAX: usize = 4096;

/// After this long without work the log is folded back into the database: at ordinary load it stays small, on the disk and to read through.
const REST: Duration = Duration::from_millis(250);

type Reply = oneshot::Sender<Result<Outcome, StoreError>>;

#[derive(Default)]
struct Lanes {
    completions: VecDeque<(Command, Reply)>,
    intake: VecDeque<(Command, Reply)>,
    closed: bool,
}

struct Shared {
    lanes: Mutex<Lanes>,
    arrived: Condvar,
}

/// What runs when the process can no longer be trusted: the gateway exits and its supervisor restarts it.
pub type OnPanic = fn();

/// The embedded store of a running gateway.
pub struct SqliteStore {
    shared: Arc<Shared>,
    readers: Readers,
    writer: Option<std::thread::JoinHandle<()>>,
}

impl SqliteStore {
    pub fn open(path: &str, on_panic: OnPanic) -> Result<SqliteStore, StoreError> {
        let engine = Engine::open(path)?;
        let shared = Arc::new(Shared { lanes: Mutex::default(), arrived: Condvar::new() });
        let for_writer = Arc::clone(&shared);
        let run = move || {
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| write_until_closed(engine, &for_writer)));
            if ended.is_err() {
                on_panic();
            }
        };
        let writer = std::thread::Builder::new().name("store-writer".into()).spawn(run).map_err(|e| StoreError::Failed(e.to_string()))?;
        Ok(SqliteStore { shared, readers: Readers { path: path.to_owned(), idle: Mutex::default() }, writer: Some(writer) })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        if let Ok(mut lanes) = self.shared.lanes.lock() {
            lanes.closed = true;
        }
        self.shared.arrived.notify_all();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn write_until_closed(mut engine: Engine, shared: &Shared) {
    let mut rested = false;
    loop {
        let Some(batch) = next_batch(shared, rested) else { return };
        rested = batch.is_empty();
        if rested {
            engine.checkpoint();
            continue;
        }
        let commands: Vec<&Command> = batch.iter().map(|(command, _)| command).collect();
        let outcomes = engine.apply(&commands);
        for ((_, reply), outcome) in batch.into_iter().zip(outcomes) {
            if let Err(StoreError::Broken(rule)) = &outcome {
                tracing::error!(%rule, "a command would have broken a money rule and was refused");
            }
            // Nobody waits any more when the caller was cancelled; the commit stands.
            let _ = reply.send(outcome);
        }
    }
}

/// What is there; nothing, once, when there was nothing for a while; `None` when the store is closed.
fn next_batch(shared: &Shared, rested: bool) -> Option<Vec<(Command, Reply)>> {
    let mut lanes = shared.lanes.lock().ok()?;
    while lanes.completions.is_empty() && lanes.intake.is_empty() {
        if lanes.closed {
            return None;
        }
        if rested {
            lanes = shared.arrived.wait(lanes).ok()?;
            continue;
        }
        let (held, waited) = shared.arrived.wait_timeout(lanes, REST).ok()?;
        lanes = held;
        if waited.timed_out() {
            break;
        }
    }
    let finishing = lanes.completions.len().min(BATCH_MAX);
    let mut batch: Vec<_> = lanes.completions.drain(..finishing).collect();
    let beginning = lanes.intake.len().min(BATCH_MAX.saturating_sub(finishing));
    batch.extend(lanes.intake.drain(..beginning));
    Some(batch)
}

impl Store for SqliteStore {
    fn submit(&self, command: Command) -> Ticket<'_, Outcome> {
        let (reply, answer) = oneshot::channel();
        let queued = match self.shared.lanes.lock() {
            Err(_) => Err(StoreError::Busy),
            Ok(lanes) if lanes.closed => Err(StoreError::Busy),
            Ok(lanes) if command.is_intake() && lanes.intake.len() >= INTAKE_MAX => Err(StoreError::Busy),
            Ok(mut lanes) => {
                let lane = if command.is_intake() { &mut lanes.intake } else { &mut lanes.completions };
                lane.push_back((command, reply));
                Ok(())
            }
        };
        self.shared.arrived.notify_one();
        Box::pin(async move {
            queued?;
            answer.await.unwrap_or_else(|_| Err(StoreError::Unknown("the store stopped before it answered".into())))
        })
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
