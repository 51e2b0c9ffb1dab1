//! The statement's text into rows (pack §2.9): columns of fixed width in *bytes*, one separator byte between them, GBK.

use crate::dates::nearest;
use encoding_rs::GBK;
use sluice_contract::{BillFate, BillKind, BillRow, Day, Fen};
use sluice_kit::bill::{line, until_broken};
use sluice_kit::text::{is_alnum, is_digits};
use std::io::Cursor;

/// Widths of the columns up to the last we read; what follows is reserved and of any length.
pub(crate) const WIDTHS: [usize; 41] = [
    3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32, 13, 13, 12,
    2, 1, 32,
];

/// Column numbers as the pack counts them, from 1.
const TRACE_TIME: usize = 5;
const AMOUNT: usize = 7;
const QUERY_ID: usize = 10;
const ORDER_ID: usize = 12;
const FEE: usize = 16;
const TXN_TYPE: usize = 20;
const ORIG_ORDER_ID: usize = 41;

/// Reads rows one by one out of the unpacked text.
pub(crate) fn rows(text: Vec<u8>, day: Day) -> impl Iterator<Item = Result<BillRow, String>> + Send {
    let mut text = Cursor::new(text);
    until_broken(move || {
        while let Some(line) = line(&mut text)? {
            if !line.is_empty() {
                return row(&line, day).map(Some);
            }
        }
        Ok(None)
    })
}

/// A column's text, decoded after slicing: in characters the widths would slip (T13).
fn column(line: &[u8], number: usize) -> Result<String, String> {
    let index = number.saturating_sub(1);
    let start: usize = WIDTHS.iter().take(index).map(|width| width.saturating_add(1)).sum();
    let end = start.saturating_add(WIDTHS.get(index).copied().unwrap_or_default());
    let bytes = line.get(start..end).ok_or_else(|| format!("a statement row ends before column {number}"))?;
    let text = GBK.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(|text| text.trim().to_owned()).ok_or_else(|| format!("column {number} of a statement row is not GBK"))
}

fn row(line: &[u8], day: Day) -> Result<BillRow, String> {
    let order_id = number(line, ORDER_ID)?;
    let txn_type = column(line, TXN_TYPE)?;
    let (kind, number, refund_number) = match txn_type.as_str() {
        "01" => (BillKind::Payment, order_id, None),
        // A refund and an undo are orders of their own that name the payment.
        "04" | "31" => (BillKind::Refund, self::number(line, ORIG_ORDER_ID)?, Some(order_id)),
        // A reversal goes by the payment's own number.
        "99" => (BillKind::Reversal, order_id, None),
        other => return Err(format!("the statement has a row of an unlisted kind: {other}")),
    };
    let amount = digits(&column(line, AMOUNT)?, 12).ok_or("txnAmt of a statement row is no amount")?;
    Ok(BillRow {
        kind,
        number,
        refund_number,
        channel_trade_no: Some(column(line, QUERY_ID)?).filter(|id| !id.is_empty()),
        amount: Fen(amount),
        fee: fee(&column(line, FEE)?)?,
        // The statement lists what was cleared.
        fate: BillFate::Done,
        state: txn_type,
        at: nearest(day.start(), &column(line, TRACE_TIME)?),
    })
}

/// One of our numbers: a column that slipped holds something else.
fn number(line: &[u8], column_number: usize) -> Result<String, String> {
    let text = column(line, column_number)?;
    if is_alnum(&text, 8..=32) { Ok(text) } else { Err(format!("column {column_number} of a statement row is no order number")) }
}

/// `C` credits the merchant, `D` debits: what the merchant pays is positive.
fn fee(text: &str) -> Result<Option<Fen>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let signed = text.strip_prefix('D').and_then(|rest| digits(rest, 12));
    let signed = signed.or_else(|| text.strip_prefix('C').and_then(|rest| digits(rest, 12)).and_then(i64::checked_neg));
    signed.map(|fen| Some(Fen(fen))).ok_or_else(|| "the fee of a statement row is no signed amount".to_owned())
}

fn digits(text: &str, length: usize) -> Option<i64> {
    if is_digits(text, length..=length) { text.parse().ok() } else { None }
}
