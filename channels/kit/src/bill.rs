//! Bills: the file behind a link, its lines, its cells by column name. One broken line makes the rest doubtful: an error that names it,
//! then the end.

use crate::archive::{Limits, Member, members};
use crate::blob::Blob;
use crate::outcome::unreadable;
use crate::wire::USER_AGENT;
use sluice_contract::{BillRow, Exchange, Fen, Headers, HttpReply, HttpRequest, Into as Keep, Reading, Statement, Verb};
use std::io::{BufRead, Read};

/// The most a packed bill may have: it lies in a file.
pub const PACKED_MAX_BYTES: u64 = 512 << 20;
/// A bill may take its time.
pub const TIMEOUT_MS: u64 = 300_000;
/// Longer lines are not a bill.
const LINE_MAX_BYTES: u64 = 64 * 1024;

/// Fetches a zip from an address that the caller has allowed, with nothing of ours, and makes rows of the files that `wanted` names. They
/// are unpacked as they are read.
pub fn zip(
    url: &str,
    limits: Limits,
    wanted: fn(&[u8]) -> bool,
    rows: impl Fn(Vec<Member>) -> Result<Statement, &'static str> + Send + Sync + 'static,
) -> Reading<Statement> {
    let request = HttpRequest {
        api: "bill.file",
        verb: Verb::Get,
        url: url.to_owned(),
        headers: Headers::new(&[("User-Agent", USER_AGENT)]),
        body: Vec::new(),
        identity: None,
        into: Keep::File { max_bytes: PACKED_MAX_BYTES },
        timeout_ms: TIMEOUT_MS,
    };
    let read = move |reply: &HttpReply| {
        if reply.status != 200 {
            return Err("the file could not be fetched: ask for a new link");
        }
        let packed = Blob::of(&reply.body).map_err(|_| "the file cannot be read")?;
        rows(members(&packed, limits, wanted)?)
    };
    Reading::Then(Exchange::new(request, move |reply, _| {
        Reading::Is(read(reply).unwrap_or_else(|note| Statement::Unknown(unreadable(note))))
    }))
}

/// A bill's lines, one in memory at a time.
pub struct Lines<R> {
    bill: R,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub const fn of(bill: R) -> Lines<R> {
        Lines { bill, line: Vec::new(), number: 0 }
    }

    /// The next line without its end, or `None` at the end of the file. No byte of a GBK character is a line end.
    ///
    /// # Errors
    /// A line that no bill has, in words for an operator.
    pub fn line(&mut self) -> Result<Option<&[u8]>, String> {
        self.line.clear();
        self.number = self.number.saturating_add(1);
        let mut bounded = (&mut self.bill).take(LINE_MAX_BYTES);
        let read = bounded.read_until(b'\n', &mut self.line).map_err(|e| format!("the bill cannot be read: {e}"))?;
        if !self.line.ends_with(b"\n") && u64::try_from(read).is_ok_and(|read| read >= LINE_MAX_BYTES) {
            return Err("the bill has a line of more than 64 KiB".into());
        }
        if self.line.contains(&0) {
            return Err("the bill has a zero byte in a line of text".into());
        }
        let end = self.line.iter().rposition(|b| !matches!(b, b'\n' | b'\r')).map_or(0, |last| last.saturating_add(1));
        self.line.truncate(end);
        Ok((read > 0).then_some(self.line.as_slice()))
    }

    /// Of the line that [`Lines::line`] gave, from 1.
    pub const fn number(&self) -> u64 {
        self.number
    }
}

/// Rows until there are no more, or up to and with the first error, which names its line. `next` reads on and makes the next row.
pub fn rows<R: BufRead + Send>(
    bill: R,
    mut next: impl FnMut(&mut Lines<R>) -> Result<Option<BillRow>, String> + Send,
) -> impl Iterator<Item = Result<BillRow, String>> + Send {
    let (mut lines, mut done) = (Lines::of(bill), false);
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        let row = next(&mut lines).map_err(|why| format!("line {}: {why}", lines.number())).transpose();
        done = !matches!(row, Some(Ok(_)));
        row
    })
}

/// The header's names, if each stands there once: a column that is there twice tells two things.
///
/// # Errors
/// The name that is there twice.
pub fn header<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<String>, String> {
    let mut columns: Vec<String> = Vec::new();
    for name in names {
        if !name.is_empty() && columns.iter().any(|known| known == name) {
            return Err(format!("the bill has the column {name} twice"));
        }
        columns.push(name.to_owned());
    }
    Ok(columns)
}

/// A row's cells, found by the names of the header.
#[derive(Clone, Copy, Debug)]
pub struct Cells<'a, S> {
    columns: &'a [String],
    cells: &'a [S],
}

impl<'a, S: AsRef<str>> Cells<'a, S> {
    /// # Errors
    /// When there are not as many cells as columns.
    pub fn new(columns: &'a [String], cells: &'a [S]) -> Result<Cells<'a, S>, String> {
        if columns.len() != cells.len() {
            return Err(format!("a bill row has {} values for {} columns", cells.len(), columns.len()));
        }
        Ok(Cells { columns, cells })
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.columns.iter().zip(self.cells).find(|(column, _)| *column == name).map(|(_, cell)| cell.as_ref())
    }

    /// # Errors
    /// When the bill has no such column.
    pub fn need(&self, name: &str) -> Result<&'a str, String> {
        self.get(name).ok_or_else(|| format!("the bill has no column {name}"))
    }

    /// A cell that says something.
    #[must_use]
    pub fn given(&self, name: &str) -> Option<String> {
        self.get(name).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// An amount of money, exactly and as a bill writes it: digits and a point, a minus where the column has one.
    ///
    /// # Errors
    /// When the cell is no amount in yuan.
    pub fn yuan(&self, name: &str) -> Result<Fen, String> {
        Fen::from_yuan(self.need(name)?).ok_or_else(|| format!("{name} is no amount"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Cells, LINE_MAX_BYTES, Lines, header, rows};
    use sluice_contract::Fen;
    use std::io::Cursor;

    #[test]
    fn lines_lose_their_ends_and_an_endless_one_or_a_zero_is_an_error() {
        let mut lines = Lines::of(Cursor::new(b"a\r\n\nb".to_vec()));
        let mut next = || lines.line().map(|line| line.map(<[u8]>::to_vec));
        assert_eq!([next(), next(), next(), next()], [Ok(Some(b"a".to_vec())), Ok(Some(vec![])), Ok(Some(b"b".to_vec())), Ok(None)]);
        let length = usize::try_from(LINE_MAX_BYTES).unwrap_or(0);
        assert!(Lines::of(Cursor::new(vec![b'x'; length])).line().is_err());
        assert!(Lines::of(Cursor::new(vec![b'x'; length - 1])).line().is_ok());
        assert!(Lines::of(Cursor::new(b"a\0b\n".to_vec())).line().is_err());
    }

    #[test]
    fn the_first_error_names_its_line_and_is_the_last_row() {
        let read = rows(Cursor::new(b"a\nb\nc\n"), |lines| {
            while let Some(line) = lines.line()? {
                if line == b"b" {
                    return Err("broken".to_owned());
                }
            }
            Ok(None)
        });
        assert_eq!(read.collect::<Vec<_>>(), [Err("line 2: broken".to_owned())]);
    }

    #[test]
    fn cells_are_found_by_name_and_counted_and_no_name_stands_twice() {
        let (columns, cells) = (["a".to_owned(), "b".to_owned()], ["1.50", ""]);
        let row = Cells::new(&columns, &cells);
        assert_eq!(row.as_ref().map(|row| (row.yuan("a"), row.given("b"), row.need("c").is_err())), Ok((Ok(Fen(150)), None, true)));
        assert!(Cells::new(&columns, &cells[..1]).is_err());
        assert_eq!(header(["a", "", ""].into_iter()).map(|names| names.len()), Ok(3));
        assert!(header(["a", "b", "a"].into_iter()).is_err_and(|why| why.contains("column a twice")));
    }
}
