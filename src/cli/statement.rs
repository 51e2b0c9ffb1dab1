//! `statement`: a merchant's day or month from the store, as JSON or CSV on stdout. It reads and never writes, so it may run beside a serving
//! gateway.

use super::{Failed, load};
use crate::boot::sealer;
use crate::clock::{Clock, SystemClock};
use crate::config::{Settings, Strings};
use crate::domain::statement::csv::{self, Language};
use crate::domain::statement::show::{self, Asked};
use crate::domain::statement::{Booking, Period, Tally};
use crate::flow::Refused;
use crate::flow::statement::{Walk, Wanted, kept_from, refusal, till};
use crate::store::{Answer, Query, Reader, StoreError};
use serde_json::Value;
use std::io::Write;
use std::path::Path;

/// What is asked for.
pub struct Arguments {
    /// `None`: the sums of all.
    pub merchant: Option<String>,
    pub day: Option<String>,
    pub month: Option<String>,
    pub csv: bool,
    pub english: bool,
}

pub async fn run(dir: &Path, arguments: Arguments, strings: &(dyn Strings + Sync)) -> Result<(), Failed> {
    let period = period(&arguments)?;
    let settings = load(dir, strings)?;
    let now = SystemClock.now();
    let kept_from = kept_from(now, settings.store.keep_months);
    if let Some(why) = refusal(period, now, kept_from) {
        return Err(Failed::Error(format!("{} {why}", period.name())));
    }
    let wanted = Wanted { merchant_id: arguments.merchant, period, livemode: settings.livemode() };
    let asked = Asked { merchant: wanted.merchant_id.as_deref(), period, livemode: wanted.livemode, now, kept_from };
    let (url, sealer) = (&settings.store.url, sealer(&settings)?);
    let failed = |e: StoreError| Failed::Error(format!("{}: {e}", url.name()));
    let reader = Reader::open(url).map_err(failed)?;
    if let Some(id) = wanted.merchant_id.as_deref() {
        known(&settings, &reader, id).await?;
    }
    let language = if arguments.english { Language::English } else { Language::Chinese };
    let (mut walk, mut tally, mut text, mut rows) = (Walk::new(&wanted, None), Tally::default(), String::new(), Vec::new());
    if arguments.csv {
        csv::head(&mut text, &asked, language);
    }
    while let Some(query) = walk.ask() {
        let lines = walk.take(reader.answer(&query).await.map_err(failed)?).map_err(|refused| why(&refused))?;
        for (_, line) in &lines {
            tally.add(line).ok_or_else(|| Failed::Error("a sum is too large to be counted in fen".to_owned()))?;
            let told = |line: &Booking| till(&sealer, &line.order).map_err(|refused| why(&refused));
            match (asked.has_lines(), arguments.csv) {
                (false, _) => {}
                (true, true) => csv::row(&mut text, line, &told(line)?, language),
                (true, false) => rows.push(show::row(line, &told(line)?)),
            }
        }
        print(&mut text)?;
    }
    if arguments.csv {
        csv::tail(&mut text, &asked, &tally, language);
    } else {
        let mut document = show::document(&asked, Some(&tally));
        if let Some(fields) = document.as_object_mut().filter(|_| asked.has_lines()) {
            fields.insert("rows".to_owned(), Value::Array(rows));
        }
        text = format!("{document:#}\n");
    }
    print(&mut text)
}

/// An empty statement of somebody who does not exist would look like a day without trade.
async fn known(settings: &Settings, reader: &Reader, id: &str) -> Result<(), Failed> {
    let url = &settings.store.url;
    let stored = match reader.answer(&Query::Records { kind: "merchant".to_owned() }).await {
        Ok(Answer::Records(rows)) => rows.iter().any(|(known, _)| known == id),
        Ok(_) => false,
        Err(error) => return Err(Failed::Error(format!("{}: {error}", url.name()))),
    };
    if stored || settings.merchants.iter().any(|merchant| merchant.id == id) {
        return Ok(());
    }
    Err(Failed::Error(format!("--merchant: there is no merchant {id} in {} or merchants.toml", url.name())))
}

fn why(refused: &Refused) -> Failed {
    Failed::Error(refused.inner.clone().unwrap_or_else(|| refused.detail.clone()))
}

fn period(arguments: &Arguments) -> Result<Period, Failed> {
    let read = |name: &str, text: &str, read: fn(&str) -> Option<Period>, like: &str| {
        read(text).ok_or_else(|| Failed::Usage(format!("--{name} {text:?} is no {name}: write it as {like}")))
    };
    match (&arguments.day, &arguments.month) {
        (Some(day), None) => read("day", day, Period::day, "2026-11-25"),
        (None, Some(month)) => read("month", month, Period::month, "2026-11"),
        _ => Err(Failed::Usage("give --day 2026-11-25 or --month 2026-11".to_owned())),
    }
}

/// A reader that has seen enough closes the pipe.
fn print(text: &mut String) -> Result<(), Failed> {
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    text.clear();
    written.map_err(|error| Failed::Error(format!("the statement could not be written: {error}")))
}
