//! The bill's text into rows (pack §9): leniently read, exactly counted.
//!
//! A plain header row names the columns; each value of a data row is prefixed with a backtick and joined by commas, so
//! rows are split on `` ,` `` and commas inside names survive. A second plain row begins the summary: it ends the data.

use sluice_contract::{BillFate, BillKind, BillRow};
use sluice_kit::bill::{Cells, line, until_broken};
use sluice_kit::text::plain;
use std::io::{BufRead, BufReader, Read};

/// The summary's first column.
const SUMMARY: &str = "总交易单数";

/// Reads rows one by one, so that a bill of any size needs one line of memory.
pub(crate) fn rows(text: Box<dyn Read + Send>) -> impl Iterator<Item = Result<BillRow, String>> + Send {
    let (mut lines, mut columns) = (BufReader::new(text), Vec::new());
    until_broken(move || next(&mut lines, &mut columns))
}

fn next(lines: &mut impl BufRead, columns: &mut Vec<String>) -> Result<Option<BillRow>, String> {
    while let Some(line) = line(lines)? {
        let line = String::from_utf8(line).map_err(|_| "the bill is not UTF-8".to_owned())?;
        let line = line.trim_start_matches('\u{feff}');
        if line.is_empty() {
            continue;
        }
        match line.strip_prefix('`') {
            Some(values) => return row(columns, values).map(Some),
            None if columns.is_empty() => *columns = line.split(',').map(|name| name.trim().to_owned()).collect(),
            None if line.starts_with(SUMMARY) => return Ok(None),
            // A name with a line end in it, or a bill of another kind: never skipped in silence.
            None => return Err("the bill has a line that is neither a row nor the summary".into()),
        }
    }
    if columns.is_empty() { Err("the bill has no header row".into()) } else { Err("the bill ends without a summary".into()) }
}

/// One data row. Amounts are yuan text and become fen exactly.
fn row(columns: &[String], values: &str) -> Result<BillRow, String> {
    let values: Vec<String> = values.split(",`").map(|value| value.trim().to_owned()).collect();
    let row = Cells::new(columns, &values)?;
    // `0` and empty stand for "none".
    let id = |name: &str| row.given(name).filter(|text| text != "0");
    let state = row.need("交易状态")?;
    let (kind, amount, state, refund_number) = match state {
        "SUCCESS" => (BillKind::Payment, row.yuan("订单金额")?, state, None),
        "REFUND" => (BillKind::Refund, row.yuan("申请退款金额")?, row.need("退款状态")?, id("商户退款单号")),
        "REVOKED" => (BillKind::Reversal, row.yuan("申请退款金额")?, state, None),
        // A payment that the bill does not call taken: the books must say so too.
        "PAYERROR" | "CLOSED" | "NOTPAY" | "USERPAYING" => (BillKind::Payment, row.yuan("订单金额")?, state, None),
        other => return Err(format!("the bill has a row of an unlisted kind: {other}")),
    };
    Ok(BillRow {
        kind,
        number: row.need("商户订单号")?.to_owned(),
        refund_number,
        channel_trade_no: id("微信订单号"),
        amount,
        fee: Some(row.yuan("手续费")?),
        fate: match state {
            "SUCCESS" | "REVOKED" => BillFate::Done,
            // A refund's state is that of the day it was started.
            "PROCESSING" | "USERPAYING" => BillFate::Open,
            _ => BillFate::Void,
        },
        state: state.to_owned(),
        at: plain(row.need("交易时间")?),
    })
}
