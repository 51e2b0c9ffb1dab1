//! The bill's text into rows, by the account's own mapping: which header names which fact, and which word names which kind.
//!
//! CSV in UTF-8 (with or without a mark) or GBK. Lines before the header are a title; after it every line is a row until the summary.
//! A line that does not fit is an error and the end: the rest would be doubtful.

use sluice_contract::{BillFate, BillKind, BillRow, Fen, Reader, Second};
use sluice_kit::account::word;
use sluice_kit::bill::{Cells, until_broken};
use sluice_kit::ensure::ensure;
use sluice_kit::text::{compact, plain};
use sluice_kit::wire::{cut, fen_text};

/// The mapping. A fact without a header is not in the bill; number and amount must be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    number: String,
    amount: String,
    refund_number: Option<String>,
    channel_trade_no: Option<String>,
    fee: Option<String>,
    state: Option<String>,
    /// The state column's words for done and under way; any other is neither.
    done: Option<String>,
    open: Option<String>,
    at: Option<String>,
    /// Without it a row with a refund number is a refund, any other a payment.
    kind: Option<String>,
    /// The kind column's words.
    words: Vec<(String, BillKind)>,
    in_yuan: bool,
    /// What the first cell of the summary begins with.
    summary: Option<String>,
}

impl Columns {
    /// Reads `statement_columns`.
    pub(crate) fn read(table: &Reader<'_>) -> Columns {
        let text = |field: &str| table.text_of(field, 1, 64).map(str::to_owned);
        let columns = Columns {
            number: table.need_text("number").to_owned(),
            amount: table.need_text("amount").to_owned(),
            refund_number: text("refund_number"),
            channel_trade_no: text("channel_trade_no"),
            fee: text("fee"),
            state: text("state"),
            done: text("done"),
            open: text("open"),
            at: text("at"),
            kind: text("kind"),
            words: BillKind::ALL.iter().map(|kind| (text(kind.word()).unwrap_or_else(|| kind.word().to_owned()), *kind)).collect(),
            in_yuan: word(table, "unit", &[("fen", false), ("yuan", true)], false),
            summary: text("summary"),
        };
        table.finish();
        columns
    }

    /// Without a column everything in the bill was done; the words are those of the query (section 2.4) unless the mapping has others.
    fn fate(&self, state: Option<&str>) -> BillFate {
        match state {
            None => BillFate::Done,
            Some(word) if word == self.done.as_deref().unwrap_or("S") => BillFate::Done,
            Some(word) if word == self.open.as_deref().unwrap_or("P") => BillFate::Open,
            Some(_) => BillFate::Void,
        }
    }

    fn money(&self, text: &str) -> Option<Fen> {
        if self.in_yuan { Fen::from_yuan(text) } else { fen_text(text) }
    }
}

/// All rows of a file, the first error last.
pub(crate) fn rows(bytes: &[u8], columns: &Columns) -> Vec<Result<BillRow, String>> {
    let Some(text) = decoded(bytes) else { return vec![Err("the bill is neither UTF-8 nor GBK".into())] };
    let mut lines = text.lines().map(cells).filter(|cells| cells.iter().any(|cell| !cell.is_empty()));
    let is_header = |cells: &Vec<String>| cells.contains(&columns.number) && cells.contains(&columns.amount);
    let Some(header) = lines.find(is_header) else { return vec![Err("the bill has no header row with the mapped columns".into())] };
    let is_summary =
        |cells: &Vec<String>| columns.summary.as_deref().zip(cells.first()).is_some_and(|(summary, first)| first.starts_with(summary));
    let mut lines = lines.take_while(|cells| !is_summary(cells));
    until_broken(|| lines.next().map(|cells| row(columns, &header, &cells)).transpose()).collect()
}

fn decoded(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some(text.to_owned());
    }
    encoding_rs::GBK.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned)
}

/// The cells of a line: commas inside double quotes are text, a doubled quote is one, and what spreadsheets are told by (a backtick or a
/// tab in front of digits) is dropped.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = quoted && c == '"' && chars.next_if_eq(&'"').is_some();
        match c {
            '"' if !escaped => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cells.last_mut().into_iter().for_each(|cell| cell.push(c)),
        }
    }
    cells.iter().map(|cell| cell.trim().trim_start_matches('`').to_owned()).collect()
}

fn row(columns: &Columns, header: &[String], cells: &[String]) -> Result<BillRow, String> {
    let cells = Cells::new(header, cells)?;
    // A mapped column must be there; an empty cell is no fact.
    let optional =
        |name: &Option<String>| name.as_deref().map(|name| cells.need(name)).transpose().map(|cell| cell.filter(|cell| !cell.is_empty()));
    let money = |text: &str| columns.money(text).ok_or_else(|| format!("no amount: {}", cut(text, 32)));
    let refund_number = optional(&columns.refund_number)?;
    let kind = match optional(&columns.kind)? {
        Some(word) => {
            let known = columns.words.iter().find(|(known, _)| known == word).map(|(_, kind)| *kind);
            known.ok_or_else(|| format!("the bill has a row of an unlisted kind: {}", cut(word, 32)))?
        }
        None if columns.kind.is_some() => return Err("a bill row has no kind".into()),
        None if refund_number.is_some() => BillKind::Refund,
        None => BillKind::Payment,
    };
    let number = cells.need(&columns.number)?;
    ensure(!number.is_empty(), || "a bill row has no order number".to_owned())?;
    Ok(BillRow {
        kind,
        number: number.to_owned(),
        refund_number: refund_number.filter(|_| kind != BillKind::Payment).map(str::to_owned),
        channel_trade_no: optional(&columns.channel_trade_no)?.map(str::to_owned),
        amount: money(cells.need(&columns.amount)?)?,
        fee: optional(&columns.fee)?.map(money).transpose()?,
        // A reversal is listed because it was made; its word is the payment's new state.
        fate: if kind == BillKind::Reversal { BillFate::Done } else { columns.fate(optional(&columns.state)?) },
        state: optional(&columns.state)?.unwrap_or_default().to_owned(),
        at: optional(&columns.at)?.and_then(time),
    })
}

/// Any of the forms that bills are written in.
fn time(text: &str) -> Option<Second> {
    compact(text).or_else(|| plain(text)).or_else(|| Second::from_rfc3339(text))
}
