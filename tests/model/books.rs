//! Both engines of the store behind one face, and the list of tests that each must pass.

use crate::harness::postgres::{Database, on_postgres};
use sluice::config::PostgresUrl;
use sluice::domain::{Life, OrderId};
use sluice::store::postgres::{self, Readers, Target};
use sluice::store::sqlite;
use sluice::store::{Answer, Command, Outcome, Query, StoreError};
use sluice_contract::Millis;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::runtime::Runtime;

/// An engine, and what it can be asked beside `apply`.
pub enum Books {
    Sqlite(Box<OnSqlite>),
    Postgres(Box<OnPostgres>),
}

pub struct OnSqlite {
    engine: sqlite::Engine,
    file: Option<File>,
}

/// A database file that is removed in the end.
pub struct File(pub PathBuf);

pub struct OnPostgres {
    runtime: Runtime,
    engine: postgres::Engine,
    readers: Readers,
    database: Database,
}

impl Books {
    /// Empty ones, on the engine that `SLUICE_STORE` chooses: `postgres`, or SQLite in memory.
    pub fn chosen() -> Books {
        if on_postgres() { Books::postgres().expect("SLUICE_POSTGRES must name a server") } else { Books::memory() }
    }

    pub fn memory() -> Books {
        Books::Sqlite(Box::new(OnSqlite { engine: sqlite::Engine::open(":memory:").unwrap(), file: None }))
    }

    /// Empty ones, in a file of their own.
    pub fn sqlite() -> Option<Books> {
        let file = sqlite_file();
        Some(Books::Sqlite(Box::new(OnSqlite { engine: sqlite::Engine::open(&file.0.to_string_lossy()).unwrap(), file: Some(file) })))
    }

    /// Empty ones, in a database of their own in the cluster that `SLUICE_POSTGRES` names, which `tests/run` starts; `None` without it.
    pub fn postgres() -> Option<Books> {
        let runtime = runtime();
        let database = Database::if_there_is_a_server()?;
        let (engine, readers) = runtime.block_on(open(&database));
        Some(Books::Postgres(Box::new(OnPostgres { runtime, engine, readers, database })))
    }

    /// The same books after a restart.
    pub fn reopen(&mut self) {
        match self {
            Books::Sqlite(on) => on.engine = sqlite::Engine::open(&on.path().to_string_lossy()).unwrap(),
            Books::Postgres(on) => (on.engine, on.readers) = on.runtime.block_on(open(&on.database)),
        }
    }

    pub fn apply(&mut self, batch: &[&Command]) -> Vec<Result<Outcome, StoreError>> {
        match self {
            Books::Sqlite(on) => on.engine.apply(batch),
            Books::Postgres(on) => on.runtime.block_on(on.engine.apply(batch)),
        }
    }

    pub fn answer(&self, query: &Query) -> Result<Answer, StoreError> {
        match self {
            Books::Sqlite(on) => on.engine.reading().answer(query),
            Books::Postgres(on) => on.runtime.block_on(on.readers.answer(query)),
        }
    }

    pub fn life(&self, id: &OrderId) -> Result<Option<Life>, StoreError> {
        match self.answer(&Query::Life(id.clone()))? {
            Answer::Life(life) => Ok(life.map(|life| *life)),
            other => panic!("{other:?}"),
        }
    }

    /// SQL of somebody who is not the gateway; the error's words.
    pub fn outside(&self, sql: &str) -> Result<(), String> {
        match self {
            Books::Sqlite(on) => rusqlite::Connection::open(on.path()).unwrap().execute_batch(sql).map_err(|e| e.to_string()),
            Books::Postgres(on) => on.database.execute(sql),
        }
    }
}

impl OnSqlite {
    fn path(&self) -> &Path {
        &self.file.as_ref().expect("these books are in memory only").0
    }
}

impl Drop for File {
    fn drop(&mut self) {
        for tail in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{tail}", self.0.display()));
        }
    }
}

pub fn sqlite_file() -> File {
    File(std::env::temp_dir().join(format!("sluice-model-{}.sqlite", name())))
}

async fn open(database: &Database) -> (postgres::Engine, Readers) {
    let target = target(database);
    target.migrate().await.unwrap();
    (postgres::Engine::new(target.clone()), Readers::new(&target).unwrap())
}

pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// The time of the server's own clock, near enough: both are this machine's.
#[expect(clippy::disallowed_methods, reason = "months are made by the server's clock")]
pub fn now() -> Millis {
    Millis(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap())
}

/// For measuring how long something took.
#[expect(clippy::disallowed_methods, reason = "the figure is in real time")]
pub fn clock() -> Instant {
    Instant::now()
}

/// One that no other test of any process has.
fn name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

pub fn target(database: &Database) -> Target {
    Target::new(&PostgresUrl { config: database.url().parse().unwrap(), root_cert: None }).unwrap()
}

/// Each test once on either engine. Without a server the second half says so.
macro_rules! on_both_engines {
    ($($test:ident)+) => {
        mod on_sqlite {
            $(#[test] fn $test() { super::$test(super::Books::sqlite().unwrap()); })+
        }
        mod on_postgres {
            $(#[test] fn $test() {
                match super::Books::postgres() {
                    Some(books) => super::$test(books),
                    None => println!("SKIPPED: SLUICE_POSTGRES names no server"),
                }
            })+
        }
    };
}
pub(super) use on_both_engines;
