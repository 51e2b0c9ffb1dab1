//! A bill of a million rows of each channel that has bills, as its pretend channel makes and signs it, read by the adapter and matched with
//! a million payments: rows a second of one core, and the most memory that it took.
//!
//! The bill is made here and written down reply by reply; what is measured happens in a process of its own, which has never held it.

use crate::Bench;
use crate::adapters::{Desk, NOW};
use crate::meter::{memory_mib, thread_cpu};
use crate::subject::Done;
use serde_json::{Value, json};
use sluice::channels::{CHANNELS, Listed};
use sluice::domain::OrderId;
use sluice::domain::recon::{Books, Matching};
use sluice::store::rows::{self, Row, Unreadable};
use sluice_contract::{
    Body, Day, Exchange, Fen, Headers, HttpReply, Into as Keep, Millis, Reading, Second, Statement, StatementRule, Step,
};
use sluice_simkit::{Outcome, Scan};
use std::path::{Path, PathBuf};
use std::process::Command;

const ROWS: u64 = 1_000_000;
/// Payments that the pretend channel is given at once.
const AT_ONCE: u64 = 10_000;
/// The word under which this program measures one channel.
pub const CHILD: &str = "reconcile-one";

impl Bench {
    pub fn reconcile(&mut self) -> Done {
        println!("reconcile, {ROWS} rows of each channel's bill and as many payments:");
        for listed in CHANNELS {
            let mut desk = Desk::open(listed)?;
            let Some(rule) = desk.channel.profile().statement else { continue };
            let dir = std::env::temp_dir().join(format!("sluice-bench-bill-{}-{}", listed.name, std::process::id()));
            std::fs::create_dir_all(&dir)?;
            charge(&mut desk, &rule)?;
            write_down(&mut desk, &dir)?;
            drop(desk);
            let measured = Command::new(std::env::current_exe()?).args([CHILD, listed.name]).arg(&dir).output()?;
            std::fs::remove_dir_all(&dir)?;
            if !measured.status.success() {
                return Err(format!("{}: {}", listed.name, String::from_utf8_lossy(&measured.stderr)).into());
            }
            let told: Value = serde_json::from_slice(&measured.stdout)?;
            let number = |name: &str| told[name].as_f64().unwrap_or(f64::MAX);
            println!(
                "    {}: {:.0} rows a second; our side packed in {:.1} s",
                listed.name,
                ROWS as f64 / number("read_s"),
                number("load_s")
            );
            self.line(&format!("{}: a million rows checked, unpacked, parsed and matched", listed.name), number("read_s"), "s", Some(5.0));
            self.line(&format!("{}: memory it took at the most", listed.name), number("mib"), "MiB", Some(200.0));
        }
        Ok(())
    }
}

fn day() -> Day {
    NOW.second().day().plus(-1)
}

/// Within the channel's own day, whenever it ends.
fn order(nth: u64) -> (OrderId, Second) {
    let at = day().start().plus(i64::try_from(nth % 78_000).unwrap_or_default() + 3_600);
    (OrderId::new(at.millis(), u128::from(nth).to_be_bytes()), at)
}

fn amount(nth: u64) -> i64 {
    i64::try_from(nth % 100_000).unwrap_or_default() + 100
}

/// One payment is really made; the million are like it.
fn charge(desk: &mut Desk, rule: &StatementRule) -> Done {
    let (attempt, order_text, nth) = desk.attempt()?;
    let Step::Send(exchange) = desk.channel.pay(&attempt, &order_text, &desk.env(nth)) else { return Err("no order was sent".into()) };
    desk.served(&exchange.request);
    desk.sim.scan(&Scan::of(&attempt.number, Outcome::Pay), NOW).map_err(|why| why.0)?;
    if rule.day_ends_at_s < 82_800 {
        return Err("the payments lie outside the channel's day".into());
    }
    for from in (0..ROWS).step_by(usize::try_from(AT_ONCE)?) {
        let one = |nth: u64| format!("{}:{}:{}", order(nth).0.attempt_number(1), amount(nth), order(nth).1.millis().0);
        let list: Vec<String> = (from..from + AT_ONCE).map(one).collect();
        desk.sim.hook(&format!("more {} {}", attempt.number, list.join(",")), NOW).map_err(|why| why.0)?;
    }
    Ok(())
}

fn head(dir: &Path, nth: usize) -> PathBuf {
    dir.join(format!("reply-{nth}.json"))
}

fn body(dir: &Path, nth: usize) -> PathBuf {
    dir.join(format!("reply-{nth}.body"))
}

/// Asks the pretend channel for the bill and keeps its answers.
fn write_down(desk: &mut Desk, dir: &Path) -> Done {
    let mut step = desk.channel.statement(day(), None, &desk.env(1));
    for nth in 0.. {
        let Step::Send(exchange) = &step else { return Err("the bill is not asked for".into()) };
        let reply = desk.served(&exchange.request);
        std::fs::write(head(dir, nth), json!({"status": reply.status, "headers": reply.headers.0}).to_string())?;
        std::fs::write(body(dir, nth), reply.bytes())?;
        match exchange.read(&reply, &desk.env(1)) {
            Reading::Then(next) => step = Step::Send(next),
            Reading::Is(Statement::Rows(_)) => return Ok(()),
            other => return Err(format!("{other:?}").into()),
        }
    }
    Ok(())
}

/// The replies that were written down, as the HTTP room would hand them over.
fn replay(exchange: &Exchange<Statement>, dir: &Path, nth: usize) -> Done<HttpReply> {
    let told: Value = serde_json::from_slice(&std::fs::read(head(dir, nth))?)?;
    let file = body(dir, nth);
    let body = match exchange.request.into {
        Keep::Memory { .. } => Body::Bytes(std::fs::read(file)?),
        Keep::File { .. } => Body::File(file),
    };
    let status = u16::try_from(told["status"].as_u64().unwrap_or_default())?;
    Ok(HttpReply { status, headers: Headers(serde_json::from_value(told["headers"].clone())?), body })
}

/// In a process of its own: reads and matches a channel's bill, and prints what it took.
pub fn measure(channel: &str, dir: &Path) -> Done {
    let listed: &Listed = CHANNELS.iter().find(|listed| listed.name == channel).ok_or("no such channel")?;
    let desk = Desk::open(listed)?;
    // The most from here on.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let before = memory_mib(std::process::id(), "VmRSS:");
    let began = thread_cpu();
    let mut matching = Matching::new(books(desk.channel.profile().statement.ok_or("a bill")?)?);
    let loaded = thread_cpu();
    let mut step = desk.channel.statement(day(), None, &desk.env(1));
    let mut bill = None;
    for nth in 0.. {
        let Step::Send(exchange) = &step else { return Err("the bill is not asked for".into()) };
        match exchange.read(&replay(exchange, dir, nth)?, &desk.env(1)) {
            Reading::Then(next) => step = Step::Send(next),
            Reading::Is(Statement::Rows(rows)) => {
                bill = Some(rows);
                break;
            }
            other => return Err(format!("{other:?}").into()),
        }
    }
    for row in bill.ok_or("no rows")? {
        matching.take(row?)?;
    }
    let outcome = matching.finish(true);
    let read = thread_cpu() - loaded;
    if (outcome.rows, outcome.matched, outcome.found.len()) != (ROWS, ROWS, 0) {
        return Err(format!("{} rows, {} matched, {} found", outcome.rows, outcome.matched, outcome.found.len()).into());
    }
    let mib = memory_mib(std::process::id(), "VmHWM:") - before;
    println!("{}", json!({"read_s": read.as_secs_f64(), "load_s": (loaded - began).as_secs_f64(), "mib": mib}));
    Ok(())
}

/// A paid attempt as the store has it.
struct Paid {
    amount: i64,
    at: Millis,
    notes: String,
}

impl Row for Paid {
    fn text(&self, column: usize) -> Result<String, Unreadable> {
        Ok(match column {
            1 => "bench".to_owned(),
            2 => "any".to_owned(),
            3 => "succeeded".to_owned(),
            _ => self.notes.clone(),
        })
    }
    fn text_or_null(&self, _: usize) -> Result<Option<String>, Unreadable> {
        Ok(None)
    }
    fn int(&self, column: usize) -> Result<i64, Unreadable> {
        Ok(match column {
            0 => 1,
            4 | 5 => self.amount,
            9 => self.at.0,
            _ => 0,
        })
    }
    fn int_or_null(&self, column: usize) -> Result<Option<i64>, Unreadable> {
        Ok((column == 14).then_some(self.at.0))
    }
    fn bytes(&self, _: usize) -> Result<Vec<u8>, Unreadable> {
        Ok(Vec::new())
    }
}

fn books(rule: StatementRule) -> Done<Books> {
    let mut books = Books::new("bench", day(), &rule, NOW);
    let first = rows::attempt(&Paid { amount: 1, at: Millis(0), notes: notes() })?;
    for nth in 0..ROWS {
        let (id, at) = order(nth);
        let mut attempt = first.clone();
        (attempt.amount, attempt.captured) = (Fen(amount(nth)), Fen(amount(nth)));
        (attempt.at, attempt.ended_at, attempt.notes.paid_at) = (at.millis(), Some(at.millis()), Some(at.millis()));
        books.attempt(&id, &attempt);
    }
    Ok(books)
}

fn notes() -> String {
    json!({"app_id": null, "sub": {}, "memo": {}, "handles": {}, "action": null, "action_expires_at": null, "failure": null, "declined": null,
        "fee": "0.006", "route": null, "channel_trade_no": null, "wallet": null, "payer_amount": null, "discounts": [],
        "settle_date": null, "payer_sealed": null, "call_ended_at": null, "last_unknown": null})
    .to_string()
}
