//! A day of a hundred thousand payments of one merchant among a million orders, as a spreadsheet and as JSON, and a month: processor time of
//! a line, the gateway's memory, and what orders that come meanwhile notice of it. On both engines.

use crate::channel::now;
use crate::meter::{self, memory_mib};
use crate::postgres::Server;
use crate::prefill::{self, Numbers};
use crate::subject::{Done, Subject};
use crate::{Bench, drive};
use sluice::config::PostgresUrl;
use sluice::domain::{Life, OrderId};
use sluice::store::postgres::{self, Readers, Target};
use sluice::store::rows::{ATTEMPT_COLUMNS, ORDER_COLUMNS};
use sluice::store::{Answer, Command, Query, sqlite};
use sluice_contract::{Day, Millis};
use std::sync::Arc;
use std::time::Instant;

const DAYS: u64 = 10;
/// The merchant trades on the last three days; the statement is of the one in the middle, two days ago.
const OWN_DAYS: std::ops::Range<u64> = 7..10;
const DAY_MS: u64 = 86_400_000;
const BATCH: usize = 5_000;
/// What the gateway may take when it takes orders.
const MEMORY_MIB_MAX: f64 = 100.0;

/// One order to be copied out of the template's rows.
struct Copy {
    id: String,
    merchant: &'static str,
    number: String,
    at: i64,
}

fn day() -> Day {
    now().second().day().plus(-2)
}

/// A tenth of all orders on each of the merchant's days; the others' lie between them, evenly over all days.
fn copies(stored: u64) -> Vec<Copy> {
    let (begin, own) = (day().plus(-8).start().millis(), stored / 10);
    let others = stored - own * 3;
    let spread = |nth: u64, count: u64, from: u64, days: u64| begin.plus_ms((from * DAY_MS + nth * (days * DAY_MS) / count) as i64);
    let mine = (0..own * 3).map(|nth| ("m_demo", nth, spread(nth, own * 3, OWN_DAYS.start, 3)));
    let theirs = (0..others).map(|nth| ("m_other", own * 3 + nth, spread(nth, others, 0, DAYS)));
    let mut all: Vec<Copy> = mine.chain(theirs).map(|(merchant, nth, at)| copy(merchant, nth, at)).collect();
    all.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    all
}

fn copy(merchant: &'static str, nth: u64, at: Millis) -> Copy {
    let entropy = u128::from(nth.wrapping_mul(0x9E37_79B9_7F4A_7C15)).to_be_bytes();
    Copy { id: OrderId::new(at, entropy).to_string(), merchant, number: Numbers::Ordered.number(1_000_000 + nth), at: at.0 }
}

/// `INSERT … SELECT` of a template's row, with what is the copy's own in its place: id, merchant, number, time.
fn inserts(own: [&str; 4], from: &str) -> [String; 2] {
    let [id, merchant, number, at] = own;
    let select = |table: &str, columns: &str, key: &str| {
        let cells = columns.split(", ").map(str::trim).map(|column| match column {
            "id" | "order_id" => id.to_owned(),
            "merchant_id" => merchant.to_owned(),
            "merchant_order_no" => number.to_owned(),
            "created_at" | "at" => at.to_owned(),
            "expires_at" => format!("{at} + 900000"),
            "paid_at" | "ended_at" => format!("{at} + 60000"),
            other => format!("t.{other}"),
        });
        let cells = cells.collect::<Vec<_>>().join(", ");
        format!("INSERT INTO {table} ({columns}) SELECT {cells} FROM {table} t{from} WHERE t.{key} = TEMPLATE")
    };
    [select("orders", ORDER_COLUMNS, "id"), select("attempts", &format!("order_id, {ATTEMPT_COLUMNS}"), "order_id")]
}

fn begin(life: &Life) -> (OrderId, [Command; 2]) {
    // A number that no order of the runs has.
    let order = prefill::copy(life, 999_999, now(), Numbers::Ordered);
    (order.id.clone(), [prefill::place(life, &order), prefill::paid(&order)])
}

fn fill_sqlite(subject: &Subject, template: &OrderId, copies: &[Copy]) -> Done {
    let path = subject.database();
    let mut engine = sqlite::Engine::open(&path.to_string_lossy())?;
    let life = engine.reading().life(template)?.ok_or("the template is not in the store")?;
    let (paid, commands) = begin(&life);
    for command in &commands {
        engine.apply(&[command]).remove(0)?;
    }
    drop(engine);
    let mut conn = rusqlite::Connection::open(&path)?;
    conn.pragma_update(None, "synchronous", "OFF")?;
    let sql = inserts(["?1", "?2", "?3", "?4"], "").map(|sql| sql.replace("TEMPLATE", &format!("'{paid}'")));
    for batch in copies.chunks(BATCH) {
        let transaction = conn.transaction()?;
        for copy in batch {
            transaction.prepare_cached(&sql[0])?.execute((&copy.id, copy.merchant, &copy.number, copy.at))?;
            // The attempt has neither merchant nor number.
            let attempt = sql[1].replace("?4", "?2");
            transaction.prepare_cached(&attempt)?.execute((&copy.id, copy.at))?;
        }
        transaction.commit()?;
    }
    Ok(conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?)
}

async fn fill_postgres(url: &str, template: &OrderId, copies: &[Copy]) -> Done {
    let target = Target::new(&PostgresUrl { config: url.parse()?, root_cert: None })?;
    let readers = Readers::new(&target)?;
    let Answer::Life(Some(life)) = readers.answer(&Query::Life(template.clone())).await? else {
        return Err("the template is not in the store".into());
    };
    let (paid, commands) = begin(&life);
    let mut engine = postgres::Engine::new(target);
    for command in &commands {
        engine.apply(&[command]).await.remove(0)?;
    }
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    let running = tokio::spawn(connection);
    client.batch_execute("SET synchronous_commit = off").await?;
    let from = ", unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) u(id, merchant, number, at)";
    let sql = inserts(["u.id", "u.merchant", "u.number", "u.at"], from).map(|sql| sql.replace("TEMPLATE", &format!("'{paid}'")));
    for batch in copies.chunks(BATCH) {
        let ids: Vec<&str> = batch.iter().map(|copy| copy.id.as_str()).collect();
        let merchants: Vec<&str> = batch.iter().map(|copy| copy.merchant).collect();
        let numbers: Vec<&str> = batch.iter().map(|copy| copy.number.as_str()).collect();
        let times: Vec<i64> = batch.iter().map(|copy| copy.at).collect();
        for sql in &sql {
            client.execute(sql.as_str(), &[&ids, &merchants, &numbers, &times]).await?;
        }
    }
    // What the server's own keeper would have done in the course of ten days.
    client.batch_execute("VACUUM ANALYZE").await?;
    drop(client);
    Ok(running.await??)
}

impl Bench {
    pub async fn statements(&mut self, server: Option<&Server>) -> Done {
        let copies = copies(self.stored);
        println!("statements, a day of {} payments of one merchant among {} orders:", self.stored / 10, self.stored);
        self.channel.can(true);
        let mut subject = Subject::new(&self.binary, "statements", &self.account_toml, None)?;
        let template = self.template(&mut subject, None).await?;
        let began = Instant::now();
        fill_sqlite(&subject, &template, &copies)?;
        println!("    SQLite filled in {:.0?}", began.elapsed());
        self.stated(&mut subject, "SQLite", None).await?;
        let Some(server) = server else { return Ok(()) };
        let url = server.database("statements").await?;
        let mut subject = Subject::new(&self.binary, "statements-pg", &self.account_toml, Some(&url))?;
        let template = self.template(&mut subject, None).await?;
        let began = Instant::now();
        fill_postgres(&url, &template, &copies).await?;
        println!("    PostgreSQL filled in {:.0?}", began.elapsed());
        self.stated(&mut subject, "PostgreSQL", Some(server)).await?;
        server.drop_database(&url).await
    }

    async fn stated(&mut self, subject: &mut Subject, engine: &str, server: Option<&Server>) -> Done {
        subject.start()?;
        let warm = subject.numbered(0..200);
        drive::run(subject.address(), Arc::new(warm), 8, None).await;
        let lines = (self.stored / 10) as f64;
        let paths = [
            ("a day's CSV", format!("/v1/statements?day={}&format=csv", day()), lines),
            ("a day's first page", format!("/v1/statements?day={}", day()), lines),
            ("a day of nothing", format!("/v1/statements?day={}", day().plus(-30)), 1.0),
            ("the month's sums", format!("/v1/statements?month={}", &day().to_string()[..7]), lines * 3.0),
        ];
        for (what, path, lines) in paths {
            std::fs::write(format!("/proc/{}/clear_refs", subject.pid()), "5")?;
            let before = memory_mib(subject.pid(), "VmRSS:");
            let (cpu, theirs, began) = (meter::cpu(subject.pid()), server.map(Server::cpu), Instant::now());
            let body = fetch(subject, &path).await?;
            let (took, used) = (began.elapsed(), meter::cpu(subject.pid()) - cpu);
            let peak = memory_mib(subject.pid(), "VmHWM:");
            let of_server = server.zip(theirs).map(|(server, before)| server.cpu() - before);
            println!(
                "    {engine:<10} {what:<20} {:>9} bytes in {took:.2?}, processor {used:.2?}{}, memory {before:.0} MiB, {peak:.0} at the most",
                body.len(),
                of_server.map_or_else(String::new, |cpu| format!(" and the server's {cpu:.2?}")),
            );
            let signature = self.yardstick.one_signature();
            let each = used.as_secs_f64() / lines / signature.as_secs_f64();
            if what == "a day's CSV" {
                let found = body.split(|byte| *byte == b'\n').count();
                if found < lines as usize {
                    return Err(format!("{found} lines where {lines} were to be").into());
                }
                self.line(&format!("{engine}: a line of a day's CSV, in signatures"), each, "×", Some(0.25));
                self.line(&format!("{engine}: memory at the most, {before:.0} before"), peak, "MiB", Some(MEMORY_MIB_MAX));
            } else {
                self.line(&format!("{engine}: {what}, a line of it in signatures"), each, "×", None);
            }
        }
        self.beside(subject, engine).await?;
        subject.stop()
    }

    /// The latency of orders at a steady pace, alone and while statements are made one after the other.
    async fn beside(&mut self, subject: &mut Subject, engine: &str) -> Done {
        let path = format!("/v1/statements?day={}&format=csv", day());
        let alone = subject.numbered(1_000..1_200);
        let alone = drive::run(subject.address(), Arc::new(alone), 8, Some(60.0)).await;
        let meanwhile = subject.numbered(2_000..2_200);
        let run = drive::run(subject.address(), Arc::new(meanwhile), 8, Some(60.0));
        let request = subject.signed("GET", &path, "");
        let statement = raw(subject.address(), &request);
        let (run, stated) = tokio::join!(run, statement);
        stated?;
        println!(
            "    {engine:<10} orders at 60/s: p50 {:?} p99 {:?} alone, p50 {:?} p99 {:?} while a statement is made; {} of {} failed",
            alone.percentile(50),
            alone.percentile(99),
            run.percentile(50),
            run.percentile(99),
            run.bad,
            run.bad + run.done
        );
        if run.bad > 0 { Err("orders failed beside a statement".into()) } else { Ok(()) }
    }
}

async fn fetch(subject: &mut Subject, path: &str) -> Done<Vec<u8>> {
    let request = subject.signed("GET", path, "");
    raw(subject.address(), &request).await
}

async fn raw(address: std::net::SocketAddr, request: &[u8]) -> Done<Vec<u8>> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    let mut buffer = Vec::new();
    let status = drive::exchange(&mut stream, request, &mut buffer).await?;
    if status != 200 {
        return Err(format!("{status} {}", String::from_utf8_lossy(drive::body(&buffer))).into());
    }
    Ok(drive::body(&buffer).to_vec())
}
