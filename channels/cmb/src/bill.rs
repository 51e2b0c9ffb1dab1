//! The bill's text into rows, by the account's own mapping: which header names which fact, and which word names which kind.
//!
//! CSV in UTF-8 (with or without a mark) or GBK: what its first line with more than ASCII is written in, all of it must be. Lines before
//! the header are a title; after it every line is a row until the summary, which must come where the mapping has one.
//! A line that does not fit is an error and the end: the rest would be doubtful.

use sluice_contract::{BillFate, BillKind, BillRow, Fen, Reader, Second};
use sluice_kit::account::word;
use sluice_kit::bill::{self, Cells, Lines, header};
use sluice_kit::ensure::ensure;
use sluice_kit::text::{compact, plain};
use sluice_kit::wire::{cut, fen_text};
use std::borrow::Cow;
use std::io::BufRead;

/// The mapping. A fact without a header is not in the bill; number and amount must be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    number: String,
    amount: String,
    refund_number: Option<String>,
    channel_trade_no: Option<String>,
    /// Whose payment it was: the account's own merchant number, and the sub-merchant's.
    merchant: Option<String>,
    sub_merchant: Option<String>,
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
            merchant: text("merchant"),
            sub_merchant: text("sub_merchant"),
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

/// Reads the rows of a file one by one. `mer_id`: whose they must be.
pub(crate) fn rows(text: impl BufRead + Send, columns: Columns, mer_id: String) -> impl Iterator<Item = Result<BillRow, String>> + Send {
    let mut sheet = Sheet { columns, mer_id, header: None, encoding: None, begun: false };
    bill::rows(text, move |lines| sheet.next(lines))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Gbk,
}

struct Sheet {
    columns: Columns,
    mer_id: String,
    header: Option<Vec<String>>,
    /// Known from the first line that is more than ASCII.
    encoding: Option<Encoding>,
    begun: bool,
}

impl Sheet {
    fn next(&mut self, lines: &mut Lines<impl BufRead>) -> Result<Option<BillRow>, String> {
        while let Some(line) = lines.line()? {
            let marked = if self.begun { None } else { line.strip_prefix(b"\xEF\xBB\xBF") };
            self.begun = true;
            self.encoding = self.encoding.or(marked.map(|_| Encoding::Utf8));
            let line = decoded(marked.unwrap_or(line), &mut self.encoding)?;
            let cells = cells(&line);
            let Some(names) = &self.header else {
                let is_header = [&self.columns.number, &self.columns.amount].iter().all(|name| cells.iter().any(|cell| cell == *name));
                if is_header {
                    self.header = Some(header(cells.iter().map(Cow::as_ref))?);
                }
                continue;
            };
            if self.columns.summary.as_deref().zip(cells.first()).is_some_and(|(summary, first)| first.starts_with(summary)) {
                return Ok(None);
            }
            if cells.iter().any(|cell| !cell.is_empty()) {
                return row(&self.columns, &self.mer_id, Cells::new(names, &cells)?).map(Some);
            }
        }
        match (&self.header, &self.columns.summary) {
            (None, _) => Err("the bill has no header row with the mapped columns".into()),
            (_, Some(_)) => Err("the bill ends without its summary".into()),
            _ => Ok(None),
        }
    }
}

fn decoded<'l>(line: &'l [u8], encoding: &mut Option<Encoding>) -> Result<Cow<'l, str>, String> {
    let utf8 = std::str::from_utf8(line).ok();
    if line.is_ascii() {
        return Ok(Cow::Borrowed(utf8.unwrap_or_default()));
    }
    let chosen = *encoding.get_or_insert(if utf8.is_some() { Encoding::Utf8 } else { Encoding::Gbk });
    let text = match chosen {
        Encoding::Utf8 => utf8.map(Cow::Borrowed),
        Encoding::Gbk => encoding_rs::GBK.decode_without_bom_handling_and_without_replacement(line),
    };
    text.ok_or_else(|| "the bill is neither all in UTF-8 nor all in GBK".to_owned())
}

/// The cells of a line: commas inside double quotes are text, a doubled quote is one, and what spreadsheets are told by (a backtick or a
/// tab in front of digits) is dropped.
fn cells(line: &str) -> Vec<Cow<'_, str>> {
    if !line.contains('"') {
        return line.split(',').map(|cell| Cow::Borrowed(plain_cell(cell))).collect();
    }
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
    cells.iter().map(|cell| Cow::Owned(plain_cell(cell).to_owned())).collect()
}

fn plain_cell(cell: &str) -> &str {
    cell.trim().trim_start_matches('`')
}

fn row(columns: &Columns, mer_id: &str, cells: Cells<'_, Cow<'_, str>>) -> Result<BillRow, String> {
    // A mapped column must be there; an empty cell is no fact.
    let optional =
        |name: &Option<String>| name.as_deref().map(|name| cells.need(name)).transpose().map(|cell| cell.filter(|cell| !cell.is_empty()));
    let money = |text: &str| columns.money(text).ok_or_else(|| format!("no amount: {}", cut(text, 32)));
    if let Some(named) = optional(&columns.merchant)?.filter(|named| *named != mer_id) {
        return Err(format!("the row is of merchant {} and not of {mer_id}: it is the bill of another merchant", cut(named, 32)));
    }
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
    let amount = money(cells.need(&columns.amount)?)?;
    ensure(amount.0 >= 0, || "the amount of a bill row is negative".to_owned())?;
    let at = optional(&columns.at)?.map(|text| time(text).ok_or_else(|| format!("no time: {}", cut(text, 32)))).transpose()?;
    let sub = columns.sub_merchant.as_deref().map(|name| cells.need(name)).transpose()?;
    Ok(BillRow {
        kind,
        number: number.to_owned(),
        refund_number: refund_number.filter(|_| kind != BillKind::Payment).map(str::to_owned),
        channel_trade_no: optional(&columns.channel_trade_no)?.map(str::to_owned),
        amount,
        fee: optional(&columns.fee)?.map(money).transpose()?,
        // A reversal is listed because it was made; its word is the payment's new state.
        fate: if kind == BillKind::Reversal { BillFate::Done } else { columns.fate(optional(&columns.state)?) },
        state: optional(&columns.state)?.unwrap_or_default().to_owned(),
        at,
        sub: sub.map(str::to_owned),
        own_discount: None,
    })
}

/// Any of the forms that bills are written in.
fn time(text: &str) -> Option<Second> {
    compact(text).or_else(|| plain(text)).or_else(|| Second::from_rfc3339(text))
}
