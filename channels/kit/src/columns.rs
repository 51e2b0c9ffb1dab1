//! A bill as a table: what each line is, which word of which column tells a row's kind, and which columns tell our facts.
//!
//! The adapter says what a line is ([`Line`]) and gives the table ([`Columns`]); everything else is done here, once.

use crate::bill::{Cells, Lines, header};
use sluice_contract::{BillFate, BillKind, BillRow, Fen, Second};
use std::borrow::Cow;
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
    fn read<S: AsRef<str>>(self, cells: &Cells<'_, S>) -> Result<Fen, String> {
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
    pub fn row<S: AsRef<str>>(&self, cells: Cells<'_, S>) -> Result<BillRow, String> {
        let given = |column: &str| cells.given(column).filter(|text| !self.none.contains(&text.as_str()));
        let word = cells.need(self.kind)?;
        let kind = self.kinds.iter().find(|kind| kind.word == word);
        let kind = kind.ok_or_else(|| format!("the bill has a row of an unlisted kind: {}", crate::wire::cut(word, 32)))?;
        let amount = kind.amount.read(&cells)?;
        if amount.0 < 0 {
            return Err(format!("the amount of a {word} row has the wrong sign"));
        }
        let fee = self.fee.filter(|fee| cells.get(fee.column()).is_some());
        // A row that slipped by a cell holds something else there.
        let at = given(self.at).map(|text| (self.time)(&text).ok_or_else(|| format!("{} is no time", self.at))).transpose()?;
        Ok(BillRow {
            kind: kind.is,
            number: given(self.number).ok_or("a bill row names no order of ours")?,
            refund_number: kind.refund_number.and_then(given),
            channel_trade_no: given(self.channel_trade_no),
            amount,
            fee: fee.map(|fee| fee.read(&cells)).transpose()?,
            // Such a bill lists what was done.
            fate: BillFate::Done,
            state: cells.need(kind.state)?.to_owned(),
            at,
            sub: None,
            own_discount: None,
        })
    }
}

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'l> {
    /// A title, a comment, an empty line.
    Aside,
    /// The names of the columns.
    Header(Vec<&'l str>),
    Row(Vec<&'l str>),
    /// The bill's own end: what follows is no row.
    End,
}

/// Trimmed pieces of a line.
#[must_use]
pub fn pieces<'l>(line: &'l str, between: &str) -> Vec<&'l str> {
    line.split(between).map(str::trim).collect()
}

/// A line in a channel's encoding as text.
pub type Decode = for<'l> fn(&'l [u8]) -> Option<Cow<'l, str>>;

/// A bill that is read line by line.
pub struct Sheet {
    decode: Decode,
    table: &'static Columns,
    header: Option<Vec<String>>,
    begun: bool,
}

impl Sheet {
    /// `decode` reads a line in the channel's encoding; a file that begins with the mark of UTF-8 is UTF-8, whatever else it should be.
    #[must_use]
    pub const fn new(decode: Decode, table: &'static Columns) -> Sheet {
        Sheet { decode, table, header: None, begun: false }
    }

    /// The next row, or `None` at the end. `sort` gets each line with the columns, which are none before the header.
    ///
    /// # Errors
    /// A line that does not fit, or a file without a header: the rest would be doubtful.
    pub fn row<R: BufRead>(
        &mut self,
        lines: &mut Lines<R>,
        mut sort: impl for<'l> FnMut(&'l str, &[String]) -> Result<Line<'l>, String>,
    ) -> Result<Option<BillRow>, String> {
        while let Some(mut line) = lines.line()? {
            if !std::mem::replace(&mut self.begun, true)
                && let Some(rest) = line.strip_prefix(b"\xef\xbb\xbf")
            {
                self.decode = |line| std::str::from_utf8(line).ok().map(Cow::Borrowed);
                line = rest;
            }
            let line = (self.decode)(line).ok_or("the bill is not in its encoding")?;
            let columns = self.header.as_deref().unwrap_or_default();
            match sort(&line, columns)? {
                Line::Aside => {}
                Line::Header(names) => self.header = Some(header(names.into_iter())?),
                Line::Row(cells) => return self.table.row(Cells::new(columns, &cells)?).map(Some),
                Line::End => break,
            }
        }
        if self.header.is_some() { Ok(None) } else { Err("the bill has no header row".into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Amount, Columns, Decode, Kind, Line, Sheet, pieces};
    use crate::text::compact;
    use sluice_contract::{BillKind, BillRow, Fen};
    use std::borrow::Cow;
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
        let ascii: Decode = |line| std::str::from_utf8(line).ok().filter(|text| text.is_ascii()).map(Cow::Borrowed);
        let mut sheet = Sheet::new(ascii, &TABLE);
        crate::bill::rows(Cursor::new(text.as_bytes()), move |lines| sheet.row(lines, sorted)).collect()
    }

    fn sorted<'l>(line: &'l str, columns: &[String]) -> Result<Line<'l>, String> {
        Ok(match line {
            "" => Line::Aside,
            "end" => Line::End,
            _ if columns.is_empty() => Line::Header(pieces(line, ",")),
            _ => Line::Row(pieces(line, ",")),
        })
    }

    const HEAD: &str = "kind,order,refund,theirs,sum,fee,time";

    #[test]
    fn a_table_makes_rows_of_lines_and_knows_signs_and_none() {
        let text = format!("\n{HEAD}\nin, A1 ,,0,1.50,-0.01,20251123090000\nout,A1,R1,T,-1.00,0.00,\nend\nnonsense");
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
            ("no time", format!("{HEAD}\nin,A1,,,1.00,0.00,noon")),
            ("a column that is there twice", format!("{HEAD},sum\nin,A1,,,1.00,0.00,,1.00")),
            ("an exponent", format!("{HEAD}\nin,A1,,,1e3,0.00,")),
            ("an amount with a comma", format!("{HEAD}\nin,A1,,,1,234.56,0.00,")),
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
