//! The stored books from outside: a database for each test on PostgreSQL, and plain questions to either engine beside the gateway.
//!
//! `SLUICE_STORE=postgres` runs a suite on PostgreSQL, in the cluster that `SLUICE_POSTGRES` names; `tests/run` starts one.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// Whether this run is about PostgreSQL.
pub fn on_postgres() -> bool {
    std::env::var("SLUICE_STORE").is_ok_and(|word| word == "postgres")
}

/// A database that nobody else uses; removed in the end, unless the test fails: then it is evidence.
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// `None` where `SLUICE_POSTGRES` names no server.
    pub fn fresh() -> Option<Database> {
        std::env::var("SLUICE_POSTGRES").ok().map(|server| Database::of(&server))
    }

    /// In the server at this URL.
    pub fn of(server: &str) -> Database {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sluice_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        ask(server, &format!("CREATE DATABASE {name}")).expect("a new database");
        Database { server: server.to_owned(), name }
    }

    /// For this run: one if it is about PostgreSQL.
    pub fn chosen() -> Option<Database> {
        on_postgres().then(|| Database::fresh().expect("SLUICE_STORE is postgres: SLUICE_POSTGRES must name a server"))
    }

    /// The server's URL with this database.
    pub fn url(&self) -> String {
        format!("{}/{}", self.server.rsplit_once('/').expect("a database in the url").0, self.name)
    }

    pub fn books(&self) -> Books {
        Books::Postgres(self.url())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("left for reading: {}", self.url());
        } else {
            let _ = ask(&self.server, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

/// Where the books are, for whoever reads them beside the gateway.
#[derive(Clone, Debug)]
pub enum Books {
    File(PathBuf),
    Postgres(String),
}

impl Books {
    /// Every cell as text; the error's words.
    pub fn rows(&self, sql: &str) -> Result<Vec<Vec<String>>, String> {
        match self {
            Books::File(path) => in_file(path, sql).map_err(|e| e.to_string()),
            Books::Postgres(url) => ask(url, sql),
        }
    }

    /// One number; `None` while the books cannot be read.
    pub fn count(&self, sql: &str) -> Option<i64> {
        self.rows(sql).ok()?.first()?.first()?.parse().ok()
    }

    /// Everything that is stored, as text.
    pub fn dump(&self) -> String {
        let tables = ["orders", "attempts", "refunds", "events", "notices", "claims", "nonces", "records", "audit"];
        let rows = tables.iter().flat_map(|table| self.rows(&format!("SELECT * FROM {table}")).expect(table));
        rows.map(|row| row.join("\t")).collect::<Vec<_>>().join("\n")
    }
}

fn in_file(path: &Path, sql: &str) -> rusqlite::Result<Vec<Vec<String>>> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = rusqlite::Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(Duration::from_secs(2))?;
    let mut statement = conn.prepare(sql)?;
    let width = statement.column_count();
    let cell = |value: rusqlite::types::ValueRef<'_>| match value {
        rusqlite::types::ValueRef::Integer(n) => n.to_string(),
        rusqlite::types::ValueRef::Text(text) | rusqlite::types::ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    };
    let rows = statement.query_map([], |row| (0..width).map(|at| row.get_ref(at).map(cell)).collect())?;
    rows.collect()
}

/// On a connection and a thread of its own, because this is asked from inside and outside of runtimes.
fn ask(url: &str, sql: &str) -> Result<Vec<Vec<String>>, String> {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    let asked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await.map_err(|e| e.to_string())?;
            tokio::spawn(connection);
            let told = |e: tokio_postgres::Error| e.as_db_error().map_or_else(|| e.to_string(), |e| e.message().to_owned());
            let mut rows = Vec::new();
            for message in client.simple_query(&sql).await.map_err(told)? {
                if let SimpleQueryMessage::Row(row) = message {
                    rows.push((0..row.len()).map(|at| row.get(at).unwrap_or_default().to_owned()).collect());
                }
            }
            Ok(rows)
        })
    });
    asked.join().map_err(|_| "the question panicked".to_owned())?
}
