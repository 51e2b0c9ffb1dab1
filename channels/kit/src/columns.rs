//! A bill as a table: what each line is, which word of which column tells a row's kind, and which columns tell our facts.
//!
//! The adapter says what a line is ([`Line`]) and gives the table ([`Columns`]); everything else is done here, once.

use crate::bill::{Cells, line};
use sluice_contract::{BillFate, BillKind, BillRow, Fen, Second};
use std::io::BufRead;

/// The bill's columns, by the channel's names.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// Whose word says what kind of row it is.
    pub kind: &'static str,
    pub kinds: &'static [Kind],
    pub number: &'static str,
    pub channel_trade_no: &'static str,
    /// What the merchant pays; `None` for a bill or a cell that does not tell.
    pub fee: Option<Amount>,
    pub at: &'static str,
    pub time: fn(&str) -> Option<Second>,
    /// The words that stand for "none" in a column of numbers, beside the empty one.
    pub none: &'static [&'static str],
}

/// What a kind's word means, and the columns that tell such a row.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub word: &'static str,
    pub is: BillKind,
    pub amount: Amount,
    pub refund_number: Option<&'static str>,
    pub state: &'static str,
}

/// A column in yuan, and how the file signs what is positive with us.
#[derive(Clone, Copy, Debug)]
pub enum Amount {
    Plus(&'static str),
    Minus(&'static str),
}

impl Amount {
    fn read(self, cells: Cells<'_>) -> Result<Fen, String> {
        match self {
            Amount::Plus(column) => cells.yuan(column),
            Amount::Minus(column) => Fen::ZERO.minus(cells.yuan(column)?).ok_or_else(|| format!("{column} is out of range")),
        }
    }

    const fn column(self) -> &'static str {
        match self {
            Amount::Plus(column) | Amount::Minus(column) => column,
        }
    }
}

impl Columns {
    /// One row. Amounts are exact; a row of ours is never negative.
    ///
    /// # Errors
    /// What does not fit, in words for an operator.
    pub fn row(&self, cells: Cells<'_>) -> Result<BillRow, String> {
        let given = |column: &str| cells.given(column).filter(|text| !self.none.contains(&text.as_str()));
        let word = cells.need(self.kind)?;
        let kind = self.kinds.iter().find(|kind| kind.word == word);
        let kind = kind.ok_or_else(|| format!("the bill has a row of an unlisted kind: {}", crate::wire::cut(word, 32)))?;
        let amount = kind.amount.read(cells)?;
        if amount.0 < 0 {
            return Err(format!("the amount of a {word} row has the wrong sign"));
        }
        let fee = self.fee.filter(|fee| cells.get(fee.column()).is_some());
        Ok(BillRow {
            kind: kind.is,
            number: given(self.number).ok_or("a bill row names no order of ours")?,
            refund_number: kind.refund_number.and_then(given),
            channel_trade_no: given(self.channel_trade_no),
            amount,
            fee: fee.map(|fee| fee.read(cells)).transpose()?,
            // Such a bill lists what was done.
            fate: BillFate::Done,
            state: cells.need(kind.state)?.to_owned(),
            at: (self.time)(cells.need(self.at)?),
        })
    }
}

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A title, a comment, an empty line.
    Aside,
    /// The names of the columns.
    Header(Vec<String>),
    Row(Vec<String>),
    /// The bill's own end: what follows is no row.
    End,
}

/// Trimmed pieces of a line.
#[must_use]
pub fn pieces(line: &str, between: &str) -> Vec<String> {
    line.split(between).map(|piece| piece.trim().to_owned()).collect()
}

/// A bill that is read line by line, so that one of any size needs one line of memory.
pub struct Sheet<R> {
    lines: R,
    decode: fn(&[u8]) -> Option<String>,
    table: &'static Columns,
    header: Option<Vec<String>>,
    begun: bool,
}

impl<R: BufRead> Sheet<R> {
    /// `decode` reads a line in the channel's encoding; a file that begins with the mark of UTF-8 is UTF-8, whatever else it should be.
    pub const fn new(lines: R, decode: fn(&[u8]) -> Option<String>, table: &'static Columns) -> Sheet<R> {
        Sheet { lines, decode, table, header: None, begun: false }
    }

    /// The next row, or `None` at the end. `sort` gets each line with the columns, which are none before the header.
    ///
    /// # Errors
    /// A line that does not fit, or a file without a header: the rest would be doubtful.
    pub fn row(&mut self, mut sort: impl FnMut(&str, &[String]) -> Result<Line, String>) -> Result<Option<BillRow>, String> {
        while let Some(mut line) = line(&mut self.lines)? {
            if !std::mem::replace(&mut self.begun, true) && line.starts_with(b"\xef\xbb\xbf") {
                self.decode = |line| String::from_utf8(line.to_vec()).ok();
                line.drain(..3);
            }
            let line = (self.decode)(&line).ok_or("the bill is not in its encoding")?;
            let columns = self.header.as_deref().unwrap_or_default();
            match sort(&line, columns)? {
                Line::Aside => {}
                Line::Header(names) => self.header = Some(names),
                Line::Row(cells) => return self.table.row(Cells::new(columns, &cells)?).map(Some),
                Line::End => break,
            }
        }
        if self.header.is_some() { Ok(None) } else { Err("the bill has no header row".into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Amount, Columns, Kind, Line, Sheet, pieces};
    use crate::text::compact;
    use sluice_contract::{BillKind, BillRow, Fen};
    use std::io::Cursor;

    const TABLE: Columns = Columns {
        kind: "kind",
        kinds: &[
            Kind { word: "in", is: BillKind::Payment, amount: Amount::Plus("sum"), refund_number: None, state: "kind" },
            Kind { word: "out", is: BillKind::Refund, amount: Amount::Minus("sum"), refund_number: Some("refund"), state: "kind" },
        ],
        number: "order",
        channel_trade_no: "theirs",
        fee: Some(Amount::Minus("fee")),
        at: "time",
        time: compact,
        none: &["0"],
    };

    fn rows(text: &str) -> Result<Vec<BillRow>, String> {
        let ascii = |line: &[u8]| if line.is_ascii() { String::from_utf8(line.to_vec()).ok() } else { None };
        let mut sheet = Sheet::new(Cursor::new(text.as_bytes()), ascii, &TABLE);
        let mut rows = Vec::new();
        let sort = |line: &str, columns: &[String]| {
            Ok(match line {
                "" => Line::Aside,
                "end" => Line::End,
                _ if columns.is_empty() => Line::Header(pieces(line, ",")),
                _ => Line::Row(pieces(line, ",")),
            })
        };
        while let Some(row) = sheet.row(sort)? {
            rows.push(row);
        }
        Ok(rows)
    }

    const HEAD: &str = "kind,order,refund,theirs,sum,fee,time";

    #[test]
    fn a_table_makes_rows_of_lines_and_knows_signs_and_none() {
        let text = format!("\n{HEAD}\nin, A1 ,,0,1.50,-0.01,20251123090000\nout,A1,R1,T,-1.00,0.00,x\nend\nnonsense");
        let rows = rows(&text).unwrap_or_default();
        let told: Vec<_> = rows.iter().map(|row| (row.kind, row.number.as_str(), row.amount, row.fee)).collect();
        assert_eq!(told, [(BillKind::Payment, "A1", Fen(150), Some(Fen(1))), (BillKind::Refund, "A1", Fen(100), Some(Fen(0)))]);
        let ids: Vec<_> =
            rows.iter().map(|row| (row.refund_number.as_deref(), row.channel_trade_no.as_deref(), row.at.is_some())).collect();
        assert_eq!(ids, [(None, None, true), (Some("R1"), Some("T"), false)]);
    }

    #[test]
    fn what_does_not_fit_is_an_error_and_a_mark_makes_it_utf8() {
        for (name, text) in [
            ("no header", String::new()),
            ("a short row", format!("{HEAD}\nin,A1")),
            ("no number", format!("{HEAD}\nin,,,,1.00,0.00,")),
            ("a kind that is not listed", format!("{HEAD}\nup,A1,,,1.00,0.00,")),
            ("a refund that pays", format!("{HEAD}\nout,A1,,,1.00,0.00,")),
            ("no amount", format!("{HEAD}\nin,A1,,,one,0.00,")),
            ("a column that is not there", "kind,order,refund,theirs,fee,time\nin,A1,,,0.00,".to_owned()),
            ("another encoding", format!("{HEAD}\nin,é,,,1.00,0.00,")),
        ] {
            assert!(rows(&text).is_err(), "{name}");
        }
        let told = rows(&format!("\u{feff}{HEAD}\nin,é,,,1.00,0.00,")).unwrap_or_default();
        assert_eq!(told.first().map(|row| row.number.as_str()), Some("é"));
        let without_fee = rows("kind,order,theirs,sum,time\nin,A1,T,1.00,").unwrap_or_default();
        assert_eq!(without_fee.first().map(|row| row.fee), Some(None));
    }
}
