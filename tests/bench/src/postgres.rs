//! The PostgreSQL server beside the gateway: a database for each subject, the server's processor time, and what it counted
//! (`pg_stat_statements`, which the cluster of `tests/postgres` has loaded).

use crate::meter;
use crate::subject::Done;
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

pub struct Server {
    url: String,
    postmaster: u32,
    made: std::cell::Cell<u32>,
}

/// What was counted for one database since it was made or last asked.
pub struct Counted {
    pub calls: f64,
    pub commits: f64,
    pub wal_bytes: f64,
    /// The statements with the most server time: calls, time in ms, text.
    pub top: Vec<(f64, f64, String)>,
}

async fn connect(url: &str) -> Done<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

impl Server {
    pub async fn new(url: &str) -> Done<Server> {
        let client = connect(url).await?;
        client.batch_execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").await?;
        let backend: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await?.get(0);
        let postmaster = meter::parent(u32::try_from(backend)?).ok_or("the server is not on this machine")?;
        Ok(Server { url: url.to_owned(), postmaster, made: std::cell::Cell::new(0) })
    }

    /// A new database; its URL.
    pub async fn database(&self, name: &str) -> Done<String> {
        self.made.set(self.made.get() + 1);
        let name = format!("bench_{}_{}_{}", std::process::id(), name.replace('-', "_"), self.made.get());
        connect(&self.url).await?.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let base = self.url.rsplit_once('/').ok_or("no database in the url")?.0;
        Ok(format!("{base}/{name}"))
    }

    pub async fn drop_database(&self, url: &str) -> Done {
        let name = url.rsplit_once('/').ok_or("no database in the url")?.1;
        Ok(connect(&self.url).await?.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?)
    }

    /// Processor time of the whole server, finished backends included.
    pub fn cpu(&self) -> Duration {
        meter::family(self.postmaster)
    }

    pub async fn reset(&self) -> Done {
        Ok(connect(&self.url).await?.batch_execute("SELECT pg_stat_statements_reset()").await?)
    }

    pub async fn counted(&self, url: &str) -> Done<Counted> {
        let client = connect(&self.url).await?;
        let name = url.rsplit_once('/').ok_or("no database in the url")?.1.to_owned();
        let of = "FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = $1";
        let sums = format!(
            "SELECT coalesce(sum(calls), 0)::float8, coalesce(sum(wal_bytes), 0)::float8, coalesce(sum(calls) FILTER (WHERE query = 'COMMIT'), 0)::float8 {of}"
        );
        let row = client.query_one(&sums, &[&name]).await?;
        let top = format!(
            "SELECT calls::float8, total_exec_time, left(regexp_replace(query, '\\s+', ' ', 'g'), 90) {of} ORDER BY total_exec_time DESC LIMIT 12"
        );
        let top = client.query(&top, &[&name]).await?.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        Ok(Counted { calls: row.get(0), wal_bytes: row.get(1), commits: row.get(2), top })
    }
}
