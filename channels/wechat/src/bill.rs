//! The bill's text into rows (pack §9): leniently read, exactly counted.
//!
//! A plain header row names the columns; each value of a data row is prefixed with a backtick and joined by commas, so
//! rows are split on `` ,` `` and commas inside names survive. A second plain row begins the summary: it ends the data.

use sluice_contract::{BillKind, BillRow, Fen, Second};
use std::io::{BufRead, BufReader, Read};

/// Longer lines are not a bill.
const LINE_MAX_BYTES: u64 = 64 * 1024;

/// The summary's first column.
const SUMMARY: &str = "总交易单数";

/// Reads rows one by one, so that a bill of any size needs one line of memory.
pub(crate) struct Rows {
    lines: BufReader<Box<dyn Read + Send>>,
    columns: Vec<String>,
    done: bool,
}

impl Rows {
    pub(crate) fn new(text: Box<dyn Read + Send>) -> Rows {
        Rows { lines: BufReader::new(text), columns: Vec::new(), done: false }
    }

    /// The next line without its end, or `None` at the end of the file.
    fn line(&mut self) -> Result<Option<String>, String> {
        let mut line = Vec::new();
        let read = self.lines.by_ref().take(LINE_MAX_BYTES).read_until(b'\n', &mut line);
        if read.map_err(|e| format!("the bill cannot be read: {e}"))? == 0 {
            return Ok(None);
        }
        let is_whole = line.ends_with(b"\n") || u64::try_from(line.len()).is_ok_and(|length| length < LINE_MAX_BYTES);
        if !is_whole {
            return Err("the bill has a line of more than 64 KiB".into());
        }
        let line = String::from_utf8(line).map_err(|_| "the bill is not UTF-8".to_owned())?;
        Ok(Some(line.trim_end_matches(['\n', '\r']).trim_start_matches('\u{feff}').to_owned()))
    }

    fn advance(&mut self) -> Result<Option<BillRow>, String> {
        while let Some(line) = self.line()? {
            if line.is_empty() {
                continue;
            }
            match line.strip_prefix('`') {
                Some(values) => return row(&self.columns, values).map(Some),
                None if self.columns.is_empty() => self.columns = line.split(',').map(|name| name.trim().to_owned()).collect(),
                None if line.starts_with(SUMMARY) => return Ok(None),
                // A name with a line end in it, or a bill of another kind: never skipped in silence.
                None => return Err("the bill has a line that is neither a row nor the summary".into()),
            }
        }
        if self.columns.is_empty() { Err("the bill has no header row".into()) } else { Err("the bill ends without a summary".into()) }
    }
}

impl Iterator for Rows {
    type Item = Result<BillRow, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.advance().transpose();
        // A broken line makes the rest doubtful: one error, then the end.
        self.done = !matches!(next, Some(Ok(_)));
        next
    }
}

/// One data row. Amounts are yuan text and become fen exactly.
fn row(columns: &[String], values: &str) -> Result<BillRow, String> {
    let values: Vec<&str> = values.split(",`").collect();
    if values.len() != columns.len() {
        return Err(format!("a bill row has {} values for {} columns", values.len(), columns.len()));
    }
    let get = |name: &str| columns.iter().zip(&values).find(|(column, _)| *column == name).map(|(_, value)| value.trim());
    let need = |name: &str| get(name).ok_or_else(|| format!("the bill has no column {name}"));
    let money = |name: &str| {
        let text = need(name)?;
        Fen::from_yuan(text).ok_or_else(|| format!("{name} is no amount: {text}"))
    };
    // `0` and empty stand for "none".
    let id = |name: &str| get(name).filter(|text| !text.is_empty() && *text != "0").map(str::to_owned);
    let state = need("交易状态")?;
    let (kind, amount, state, refund_number) = match state {
        "SUCCESS" => (BillKind::Payment, money("订单金额")?, state, None),
        "REFUND" => (BillKind::Refund, money("申请退款金额")?, need("退款状态")?, id("商户退款单号")),
        "REVOKED" => (BillKind::Reversal, money("申请退款金额")?, state, None),
        other => return Err(format!("the bill has a row of an unlisted kind: {other}")),
    };
    Ok(BillRow {
        kind,
        number: need("商户订单号")?.to_owned(),
        refund_number,
        channel_trade_no: id("微信订单号"),
        amount,
        fee: Some(money("手续费")?),
        state: state.to_owned(),
        at: Second::from_local("%Y-%m-%d %H:%M:%S", need("交易时间")?),
    })
}
