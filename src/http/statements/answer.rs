//! A statement made: a page of it as JSON, or the whole of it as a file.

use super::asked::Asked;
use crate::domain::statement::{Booking, Place, Tally, csv, show};
use crate::flow::statement::{Walk, till};
use crate::flow::{Gateway, Refused};
use crate::http::App;
use crate::http::errors::Fail;
use crate::http::params::cursor_of;
use crate::http::spool::Spooled;
use serde_json::{Value, json};

/// The sums and the first lines of a day, or the lines behind a cursor without the sums, which take a walk over the whole day.
pub async fn page(gateway: &Gateway, asked: &Asked) -> Result<Value, Fail> {
    let shown = asked.shown();
    let mut tally = asked.behind.is_none().then(Tally::default);
    let mut page = Page { has_lines: shown.has_lines(), limit: asked.limit, rows: Vec::new(), last: None, is_over: false };
    let mut walk = Walk::new(&asked.wanted, asked.behind.clone());
    while let Some(lines) = gateway.stride(&mut walk).await? {
        for (place, line) in lines {
            page.take(gateway, place, &line)?;
            if let Some(tally) = &mut tally {
                tally.add(&line).ok_or_else(too_large)?;
            }
        }
        if tally.is_none() && page.is_over {
            break;
        }
        breathe().await;
    }
    let mut document = show::document(&shown, tally.as_ref());
    if let Some(fields) = document.as_object_mut().filter(|_| page.has_lines) {
        fields.insert("next_cursor".to_owned(), json!(page.last.filter(|_| page.is_over).map(|place| cursor_of(&place.text()))));
        fields.insert("rows".to_owned(), Value::Array(page.rows));
    }
    Ok(document)
}

/// Lets whoever waits for this thread go first: a store that answers at once never makes anybody wait, and so would never give way.
async fn breathe() {
    tokio::task::yield_now().await;
}

fn too_large() -> Refused {
    Refused::inner("a statement's sum is too large to be counted in fen")
}

/// The lines of one page.
struct Page {
    has_lines: bool,
    limit: usize,
    rows: Vec<Value>,
    /// Where the newest of them stands.
    last: Option<Place>,
    /// There is a line behind them.
    is_over: bool,
}

impl Page {
    fn take(&mut self, gateway: &Gateway, place: Place, line: &Booking) -> Result<(), Fail> {
        if !self.has_lines || self.rows.len() >= self.limit {
            self.is_over = self.has_lines;
            return Ok(());
        }
        self.rows.push(show::row(line, &till(&gateway.sealer, &line.order)?));
        self.last = Some(place);
        Ok(())
    }
}

/// The whole statement in a file, and how many payments and refunds are on it.
pub async fn file(app: &App, asked: &Asked) -> Result<(Spooled, i64), Fail> {
    let gateway = &app.gateway;
    let (shown, language) = (asked.shown(), asked.language);
    let (mut spool, mut tally, mut text) = (app.spools.open().await?, Tally::default(), String::new());
    csv::head(&mut text, &shown, language);
    let mut walk = Walk::new(&asked.wanted, None);
    while let Some(lines) = gateway.stride(&mut walk).await? {
        for (_, line) in &lines {
            tally.add(line).ok_or_else(too_large)?;
            if shown.has_lines() {
                csv::row(&mut text, line, &till(&gateway.sealer, &line.order)?, language);
            }
        }
        spool.write(&text).await?;
        text.clear();
        breathe().await;
    }
    csv::tail(&mut text, &shown, &tally, language);
    spool.write(&text).await?;
    Ok((spool.done().await?, tally.totals.payments.saturating_add(tally.totals.refunds)))
}
