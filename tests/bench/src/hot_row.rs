//! What one hot row costs on PostgreSQL: every new order also changes another one, which is its own in one run and the same for all in
//! the next. Two nodes, as the gateway's own store writes; one transaction per order would collapse tenfold here (STACK 2.3).

use crate::postgres::Server;
use crate::subject::{Done, Subject};
use crate::{Bench, prefill};
use sluice::config::PostgresUrl;
use sluice::domain::OrderId;
use sluice::store::postgres::PostgresStore;
use sluice::store::{Answer, Command, Outcome, Query, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const TASKS: usize = 128;
const ORDERS: usize = 12_000;
const ROUNDS: usize = 3;

impl Bench {
    pub async fn hot_row(&mut self, server: &Server) -> Done {
        println!("a hot row, two nodes over one PostgreSQL, {TASKS} callers, {ORDERS} orders that each change another one too:");
        let url = server.database("hot").await?;
        let mut subject = Subject::new(&self.binary, "hot", &self.account_toml, Some(&url))?;
        let template = self.template(&mut subject, None).await?;
        let open = || async {
            PostgresStore::open(&PostgresUrl { config: url.parse().map_err(|_| "url")?, root_cert: None }, || panic!())
                .await
                .map_err(|e| e.to_string())
        };
        let nodes: [Arc<dyn Store>; 2] = [Arc::new(open().await?), Arc::new(open().await?)];
        let Answer::Life(Some(life)) = nodes[0].read(Query::Life(template)).await? else { return Err("no template".into()) };
        let place = |nth: usize| {
            let order = prefill::copy(&life, nth as u64, crate::channel::now(), prefill::Numbers::Ordered);
            (order.id.clone(), prefill::place(&life, &order))
        };
        // The ones that are changed: as many as there are orders, and one for all.
        let cold: Vec<(OrderId, Command)> = (0..ORDERS).map(place).collect();
        let ids: Vec<OrderId> = cold.iter().map(|(id, _)| id.clone()).collect();
        run(&nodes, cold.into_iter().map(|(_, command)| vec![command]).collect()).await?;
        let (mut none, mut hot) = (Duration::MAX, Duration::MAX);
        let (mut none_cpu, mut hot_cpu) = (Duration::MAX, Duration::MAX);
        for round in 0..2 * ROUNDS {
            let first = ORDERS * (round + 1);
            let ask = |nth: usize| Command::AskNow {
                order_id: ids[if round % 2 == 0 { nth } else { 0 }].clone(),
                at: crate::channel::now(),
                why: "bench",
            };
            let work = (0..ORDERS).map(|nth| vec![place(first + nth).1, ask(nth)]).collect();
            let (cpu, took) = (server.cpu(), run(&nodes, work).await?);
            let cpu = server.cpu() - cpu;
            println!(
                "    {}: {:.0} orders/s, {:.0} µs of the server each",
                if round % 2 == 0 { "each its own" } else { "one for all " },
                ORDERS as f64 / took.as_secs_f64(),
                cpu.as_secs_f64() * 1e6 / ORDERS as f64
            );
            let (least, least_cpu) = if round % 2 == 0 { (&mut none, &mut none_cpu) } else { (&mut hot, &mut hot_cpu) };
            (*least, *least_cpu) = ((*least).min(took), (*least_cpu).min(cpu));
        }
        self.line("a hot row: time, one for all : each its own", hot.as_secs_f64() / none.as_secs_f64(), "×", Some(1.3));
        self.line("a hot row: server's processor time", hot_cpu.as_secs_f64() / none_cpu.as_secs_f64(), "×", Some(1.3));
        drop(nodes);
        server.drop_database(&url).await
    }
}

/// Each caller takes the next piece of work and does it step by step, on the one node or the other.
async fn run(nodes: &[Arc<dyn Store>; 2], work: Vec<Vec<Command>>) -> Done<Duration> {
    let (work, next, began) = (Arc::new(work), Arc::new(AtomicUsize::new(0)), Instant::now());
    let callers: Vec<_> = (0..TASKS)
        .map(|nth| {
            let (work, next, node) = (Arc::clone(&work), Arc::clone(&next), Arc::clone(&nodes[nth % 2]));
            tokio::spawn(async move {
                while let Some(steps) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for step in steps {
                        match node.submit(step.clone()).await {
                            Ok(Outcome::Placed(_) | Outcome::Life(_)) => {}
                            other => return Err(format!("{other:?}")),
                        }
                    }
                }
                Ok(())
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    Ok(began.elapsed())
}
