//! `reconcile`: a day of the books against the channels' bills. It may run beside a serving gateway on the same store: with PostgreSQL it is
//! one more node; the embedded store takes its few short transactions in between the gateway's, under SQLite's own lock.

use super::{Failed, load};
use crate::boot::boot;
use crate::config::Strings;
use crate::domain::recon::{Stored, View, show};
use crate::flow::Account;
use crate::flow::reconcile::{NotReconciled, Reconciled};
use serde_json::{Value, json};
use sluice_contract::{Day, Fen};
use std::path::Path;
use std::sync::Arc;

/// How one account's day went.
struct Line {
    account: Arc<Account>,
    went: Result<Reconciled, NotReconciled>,
}

pub async fn run(dir: &Path, date: &str, only: Option<&str>, json: bool, strings: &(dyn Strings + Sync)) -> Result<(), Failed> {
    let day = Day::parse(date).ok_or_else(|| Failed::Usage(format!("--date {date:?} is no day: write it as 2026-11-23")))?;
    let settings = load(dir, strings)?;
    let listen = format!("http://{}", settings.http.listen);
    let booted = boot(dir, settings, &listen, 1, || std::process::abort()).await?;
    let accounts = booted.gateway.directory.load_full().accounts.clone();
    if let Some(only) = only.filter(|only| !accounts.iter().any(|account| account.id == *only)) {
        let known: Vec<&str> = accounts.iter().map(|account| account.id.as_str()).collect();
        return Err(Failed::Error(format!("--account {only}: channels.toml has no such account; it has {}", known.join(", "))));
    }
    let mut lines = Vec::new();
    for account in accounts.into_iter().filter(|account| only.is_none_or(|only| account.id == only)) {
        let went = booted.gateway.reconcile(&account, day).await;
        lines.push(Line { account, went });
    }
    if json {
        println!("{}", whole(day, &lines));
    } else {
        print(day, &lines);
    }
    let failed: Vec<String> = lines.iter().filter_map(Line::failed).collect();
    match (failed.is_empty(), lines.iter().any(|line| !line.open().is_empty())) {
        (false, _) => Err(Failed::Error(failed.join("\n"))),
        (true, true) => Err(Failed::Found),
        (true, false) => Ok(()),
    }
}

impl Line {
    fn open(&self) -> &[Stored] {
        self.went.as_ref().map_or(&[], |done| done.open.as_slice())
    }

    fn state(&self) -> &'static str {
        match &self.went {
            Ok(_) => "done",
            Err(NotReconciled::NoBill) => "no_bill",
            Err(NotReconciled::NotYet { .. }) => "not_yet",
            Err(NotReconciled::Refused(_)) => "refused",
            Err(NotReconciled::Store(_)) => "store_failed",
        }
    }

    /// Why it could not run, where that is a failure.
    fn failed(&self) -> Option<String> {
        let why = match self.went.as_ref().err()? {
            NotReconciled::NoBill => return None,
            NotReconciled::NotYet { ready_at } => format!("the channel has no bill of this day yet: it is ready by {}", ready_at.plain()),
            NotReconciled::Refused(why) => format!("the bill was refused, nothing was booked: {why}"),
            NotReconciled::Store(refused) => refused.inner.clone().unwrap_or_else(|| refused.detail.clone()),
        };
        Some(format!("{}: {why}", self.account.id))
    }
}

fn whole(day: Day, lines: &[Line]) -> Value {
    let account = |line: &Line| {
        let done = line.went.as_ref().ok();
        json!({
            "account": line.account.id, "channel": line.account.channel.profile().channel, "state": line.state(), "why": line.failed(),
            "rows": done.map(|done| done.run.rows), "matched": done.map(|done| done.run.matched),
            "repaired": done.map(|done| &done.repaired), "carried": done.map(|done| done.carried), "open": line.open().len(),
        })
    };
    let open = lines.iter().flat_map(|line| line.open().iter().map(|stored| shown(stored, line.account.channel.profile().channel)));
    json!({"date": day.to_string(), "accounts": lines.iter().map(account).collect::<Vec<_>>(), "discrepancies": open.collect::<Vec<_>>()})
}

fn shown(stored: &Stored, channel: &str) -> Value {
    let mut row = show::discrepancy(stored);
    if let Some(fields) = row.as_object_mut() {
        fields.insert("channel".to_owned(), json!(channel));
    }
    row
}

fn print(day: Day, lines: &[Line]) {
    println!("Bills of {day}\n");
    println!("  {:<16} {:<13} {:>9} {:>9} {:>6} {:>8} {:>9}", "account", "state", "rows", "agree", "open", "carried", "repaired");
    for line in lines {
        let number = |of: fn(&Reconciled) -> i64| line.went.as_ref().map_or_else(|_| "-".to_owned(), |done| of(done).to_string());
        let size = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let (carried, repaired) = match &line.went {
            Ok(done) => (size(done.carried).to_string(), size(done.repaired.len()).to_string()),
            Err(_) => ("-".to_owned(), "-".to_owned()),
        };
        let (rows, agree) = (number(|done| done.run.rows), number(|done| done.run.matched));
        println!("  {:<16} {:<13} {rows:>9} {agree:>9} {:>6} {carried:>8} {repaired:>9}", line.account.id, line.state(), line.open().len());
    }
    for stored in lines.iter().flat_map(Line::open) {
        let found = &stored.found;
        let side = match View::of(found.gap) {
            View::Surplus => "surplus 长款",
            View::Shortage => "shortage 短款",
            View::Even => "even",
        };
        let yuan = |fen: Option<Fen>| fen.map_or_else(|| "-".to_owned(), Fen::to_yuan);
        println!("\n  {} {} {}", stored.account, found.kind.word(), found.number);
        println!("    ours {} 元, bill {} 元: {side} {} 元", yuan(found.ours), yuan(found.theirs), found.gap.to_yuan());
        println!("    next: {}", found.kind.next_step());
    }
}
