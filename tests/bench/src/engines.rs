//! The two engines side by side: what an order costs the gateway on either, and what it costs the PostgreSQL server.

use crate::postgres::{Counted, Server};
use crate::subject::{Done, Subject};
use crate::{Bench, UNASKED_S, drive};
use std::sync::Arc;
use std::time::Duration;

const CONNECTIONS: usize = 64;
/// Runs on each engine, in turn, so that a noisy minute hits both.
const ROUNDS: usize = 3;

/// One measured run on PostgreSQL, beside the gateway's own figures.
struct Served {
    orders: f64,
    server_cpu: Duration,
    counted: Counted,
}

impl Bench {
    pub async fn engines(&mut self, server: &Server) -> Done {
        println!("engines, WeChat native, {CONNECTIONS} connections, {ROUNDS} rounds in turn:");
        self.channel.can(true);
        let (mut embedded, mut shared, mut served) = (f64::MAX, f64::MAX, None);
        for round in 0..ROUNDS {
            embedded = embedded.min(self.on_sqlite(round).await?);
            let (ratio, run) = self.on_postgres(round, server).await?;
            if ratio < shared {
                (shared, served) = (ratio, Some(run));
            }
        }
        let Some(run) = served else { return Ok(()) };
        println!("    an order on PostgreSQL, {:.0} orders, the best round, by server time:", run.orders);
        for (calls, ms, text) in &run.counted.top {
            println!("      {:>7.3} calls {:>7.1} µs  {text}", calls / run.orders, ms * 1e3 / run.orders);
        }
        self.line("gateway's processor time of an order, PostgreSQL : SQLite", shared / embedded, "×", Some(1.15));
        self.line("commits of an order", run.counted.commits / run.orders, "", Some(1.0));
        self.line("statements of an order", run.counted.calls / run.orders, "", None);
        self.line("write-ahead log of an order", run.counted.wal_bytes / run.orders / 1024.0, "KiB", None);
        self.line("server's processor time of an order", run.server_cpu.as_secs_f64() * 1e6 / run.orders, "µs", None);
        Ok(())
    }

    async fn on_sqlite(&mut self, round: usize) -> Done<f64> {
        let mut subject = Subject::new(&self.binary, &format!("engines-{round}"), &self.account_toml, None)?;
        self.round(&mut subject, "SQLite").await.map(|(ratio, _)| ratio)
    }

    async fn on_postgres(&mut self, round: usize, server: &Server) -> Done<(f64, Served)> {
        let url = server.database(&format!("engines-{round}")).await?;
        let mut subject = Subject::new(&self.binary, &format!("engines-pg-{round}"), &self.account_toml, Some(&url))?;
        subject.start()?;
        subject.stop()?;
        server.reset().await?;
        let cpu = server.cpu();
        let (ratio, orders) = self.round(&mut subject, "PostgreSQL").await?;
        let served = Served { orders, server_cpu: server.cpu() - cpu, counted: server.counted(&url).await? };
        server.drop_database(&url).await?;
        Ok((ratio, served))
    }

    /// A warmed run on a subject of its own: processor time of an order in signatures, and how many orders there were, warming included.
    async fn round(&mut self, subject: &mut Subject, engine: &str) -> Done<(f64, f64)> {
        subject.start()?;
        let warm = subject.numbered(0..300);
        let warm = drive::run(subject.address(), Arc::new(warm), CONNECTIONS, None).await;
        let requests = subject.numbered(300..300 + (warm.rate() * self.seconds.min(UNASKED_S)) as u64);
        let (run, ratio, used) = self.measured(subject, requests, CONNECTIONS, None).await?;
        println!(
            "    {engine:<10} {:>6.0} orders/s, p50 {:?} p99 {:?}, {used:?} of the gateway's processor = {ratio:.2} signatures ({} runs), {:?}",
            run.rate(),
            run.percentile(50),
            run.percentile(99),
            run.done,
            crate::meter::threads(subject.pid())
        );
        subject.stop()?;
        Ok((ratio, (run.done + warm.done) as f64))
    }
}
