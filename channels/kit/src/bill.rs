//! Bills: the file behind a link, its lines, its cells by column name. One broken line makes the rest doubtful: an error, then the end.

use crate::archive::{Limits, Unpacked, unzip};
use crate::outcome::unreadable;
use crate::wire::USER_AGENT;
use sluice_contract::{BillRow, Body, Exchange, Fen, Headers, HttpReply, HttpRequest, Into as Keep, Reading, Statement, Verb};
use std::fs::File;
use std::io::{BufRead, Read};

/// The most a packed bill may have; it is unpacked in memory, by [`Limits`].
pub const PACKED_MAX_BYTES: u64 = 64 << 20;
/// A bill may take its time.
pub const TIMEOUT_MS: u64 = 300_000;
/// Longer lines are not a bill.
const LINE_MAX_BYTES: u64 = 64 * 1024;

/// Fetches a zip from an address that the caller has allowed, with nothing of ours, and makes rows of the files that `wanted` names.
pub fn zip(
    url: &str,
    limits: Limits,
    wanted: fn(&[u8]) -> bool,
    rows: impl Fn(Vec<Unpacked>) -> Result<Statement, &'static str> + Send + Sync + 'static,
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
        let packed = bytes(&reply.body).ok_or("the file cannot be read or is too large")?;
        rows(unzip(&packed, limits, wanted)?)
    };
    Reading::Then(Exchange::new(request, move |reply, _| {
        Reading::Is(read(reply).unwrap_or_else(|note| Statement::Unknown(unreadable(note))))
    }))
}

fn bytes(body: &Body) -> Option<Vec<u8>> {
    let path = match body {
        Body::Bytes(bytes) => return Some(bytes.clone()),
        Body::File(path) => path,
    };
    let mut bytes = Vec::new();
    let read = File::open(path).ok()?.take(PACKED_MAX_BYTES.saturating_add(1)).read_to_end(&mut bytes).ok()?;
    u64::try_from(read).is_ok_and(|read| read <= PACKED_MAX_BYTES).then_some(bytes)
}

/// The next line without its end, or `None` at the end of the file. No byte of a GBK character is a line end.
///
/// # Errors
/// A line that no bill has, in words for an operator.
pub fn line(bill: &mut impl BufRead) -> Result<Option<Vec<u8>>, String> {
    let mut line = Vec::new();
    let read = bill.take(LINE_MAX_BYTES).read_until(b'\n', &mut line).map_err(|e| format!("the bill cannot be read: {e}"))?;
    if !line.ends_with(b"\n") && u64::try_from(read).is_ok_and(|read| read >= LINE_MAX_BYTES) {
        return Err("the bill has a line of more than 64 KiB".into());
    }
    let end = line.iter().rposition(|b| !matches!(b, b'\n' | b'\r')).map_or(0, |last| last.saturating_add(1));
    line.truncate(end);
    Ok((read > 0).then_some(line))
}

/// Rows until there are no more, or up to and with the first error.
pub fn until_broken(
    mut next: impl FnMut() -> Result<Option<BillRow>, String> + Send,
) -> impl Iterator<Item = Result<BillRow, String>> + Send {
    let mut done = false;
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        let next = next().transpose();
        done = !matches!(next, Some(Ok(_)));
        next
    })
}

/// A row's cells, found by the names of the header.
#[derive(Clone, Copy, Debug)]
pub struct Cells<'a> {
    columns: &'a [String],
    cells: &'a [String],
}

impl<'a> Cells<'a> {
    /// # Errors
    /// When there are not as many cells as columns.
    pub fn new(columns: &'a [String], cells: &'a [String]) -> Result<Cells<'a>, String> {
        if columns.len() != cells.len() {
            return Err(format!("a bill row has {} values for {} columns", cells.len(), columns.len()));
        }
        Ok(Cells { columns, cells })
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.columns.iter().zip(self.cells).find(|(column, _)| *column == name).map(|(_, cell)| cell.as_str())
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

    /// # Errors
    /// When the cell is no amount in yuan.
    pub fn yuan(&self, name: &str) -> Result<Fen, String> {
        Fen::from_yuan(self.need(name)?).ok_or_else(|| format!("{name} is no amount"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Cells, LINE_MAX_BYTES, line, until_broken};
    use sluice_contract::Fen;
    use std::io::Cursor;

    #[test]
    fn lines_lose_their_ends_and_an_endless_one_is_an_error() {
        let mut bill = Cursor::new(b"a\r\n\nb".to_vec());
        let mut next = || line(&mut bill);
        assert_eq!([next(), next(), next(), next()], [Ok(Some(b"a".to_vec())), Ok(Some(vec![])), Ok(Some(b"b".to_vec())), Ok(None)]);
        let length = usize::try_from(LINE_MAX_BYTES).unwrap_or(0);
        assert!(line(&mut Cursor::new(vec![b'x'; length])).is_err());
        assert!(line(&mut Cursor::new(vec![b'x'; length - 1])).is_ok());
    }

    #[test]
    fn the_first_error_is_the_last_row() {
        let mut calls = 0;
        let rows: Vec<_> = until_broken(|| {
            calls += 1;
            Err(format!("broken {calls}"))
        })
        .collect();
        assert_eq!(rows, [Err("broken 1".to_owned())]);
    }

    #[test]
    fn cells_are_found_by_name_and_counted() {
        let (columns, cells) = (["a".to_owned(), "b".to_owned()], ["1.50".to_owned(), String::new()]);
        let row = Cells::new(&columns, &cells);
        assert_eq!(row.as_ref().map(|row| (row.yuan("a"), row.given("b"), row.need("c").is_err())), Ok((Ok(Fen(150)), None, true)));
        assert!(Cells::new(&columns, &cells[..1]).is_err());
    }
}
