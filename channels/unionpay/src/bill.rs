//! The statement's text into rows (pack §2.9): columns of fixed width in *bytes*, one separator byte between them, GBK.

use crate::dates::nearest;
use encoding_rs::GBK;
use sluice_contract::{BillFate, BillKind, BillRow, Day, Fen};
use sluice_kit::bill;
use sluice_kit::ensure::ensure;
use sluice_kit::text::{is_alnum, is_digits};
use sluice_kit::wire::cut;
use std::borrow::Cow;
use std::io::BufRead;

/// Widths of the columns up to the last we read; what follows is reserved and of any length.
pub(crate) const WIDTHS: [usize; 41] = [
    3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32, 13, 13, 12,
    2, 1, 32,
];

/// Where each column begins.
const STARTS: [usize; 41] = starts();
/// A row has at least so many bytes: the last column may be cut at its blanks.
const LEAST: usize = STARTS[40];

/// Column numbers as the pack counts them, from 1.
const TRACE_TIME: usize = 5;
const AMOUNT: usize = 7;
const QUERY_ID: usize = 10;
const ORDER_ID: usize = 12;
const FEE: usize = 16;
const TXN_TYPE: usize = 20;
const MER_ID: usize = 28;
const SUB_MER_ID: usize = 30;
const DISCOUNT: usize = 36;
const PAYER_PART: usize = 37;
const ORIG_ORDER_ID: usize = 41;

#[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "counted by the compiler: a slip does not build")]
const fn starts() -> [usize; 41] {
    let (mut starts, mut at) = ([0; 41], 1);
    while at < 41 {
        starts[at] = starts[at - 1] + WIDTHS[at - 1] + 1;
        at += 1;
    }
    starts
}

/// Whose statement it must be, and of which day.
#[derive(Clone, Debug)]
pub(crate) struct Whose {
    pub(crate) day: Day,
    pub(crate) mer_id: String,
}

/// Reads rows one by one out of the text.
pub(crate) fn rows(text: impl BufRead + Send, whose: Whose) -> impl Iterator<Item = Result<BillRow, String>> + Send {
    let mut width = None;
    bill::rows(text, move |lines| {
        while let Some(line) = lines.line()? {
            if line.is_empty() {
                continue;
            }
            // All rows of a file have one width: one that is cut off is none.
            let first = *width.get_or_insert(line.len());
            ensure(line.len() == first && line.len() >= LEAST, || {
                format!("a statement row has {} bytes, and the first has {first}", line.len())
            })?;
            return row(line, &whose).map(Some);
        }
        Ok(None)
    })
}

/// A column's text, decoded after slicing: in characters the widths would slip (T13).
fn column(line: &[u8], number: usize) -> Result<Cow<'_, str>, String> {
    let index = number.saturating_sub(1);
    let start = STARTS.get(index).copied().unwrap_or_default();
    let end = start.saturating_add(WIDTHS.get(index).copied().unwrap_or_default());
    let bytes = line.get(start..end.min(line.len())).ok_or_else(|| format!("a statement row ends before column {number}"))?;
    let text = GBK.decode_without_bom_handling_and_without_replacement(bytes.trim_ascii());
    text.ok_or_else(|| format!("column {number} of a statement row is not GBK"))
}

fn row(line: &[u8], whose: &Whose) -> Result<BillRow, String> {
    let mer_id = column(line, MER_ID)?;
    ensure(mer_id == whose.mer_id.as_str(), || {
        format!("the row is of merchant {} and not of {}: it is the statement of another merchant", cut(&mer_id, 15), whose.mer_id)
    })?;
    let order_id = number(line, ORDER_ID)?;
    let txn_type = column(line, TXN_TYPE)?;
    let (kind, number, refund_number) = match txn_type.as_ref() {
        "01" => (BillKind::Payment, order_id, None),
        // A refund and an undo are orders of their own that name the payment.
        "04" | "31" => (BillKind::Refund, self::number(line, ORIG_ORDER_ID)?, Some(order_id)),
        // A reversal goes by the payment's own number.
        "99" => (BillKind::Reversal, order_id, None),
        other => return Err(format!("the statement has a row of an unlisted kind: {other}")),
    };
    let amount = digits(&column(line, AMOUNT)?, 12).map(Fen).ok_or("txnAmt of a statement row is no amount")?;
    let time = column(line, TRACE_TIME)?;
    Ok(BillRow {
        kind,
        number,
        refund_number,
        channel_trade_no: Some(column(line, QUERY_ID)?.into_owned()).filter(|id| !id.is_empty()),
        amount,
        fee: signed(&column(line, FEE)?, FEE)?.and_then(|fee| Fen::ZERO.minus(fee)),
        // The statement lists what was cleared.
        fate: BillFate::Done,
        at: Some(nearest(whose.day.start(), &time).ok_or_else(|| format!("traceTime of a statement row is no time: {time}"))?),
        sub: Some(column(line, SUB_MER_ID)?.into_owned()),
        own_discount: own_discount(line, kind, amount)?,
        state: txn_type.into_owned(),
    })
}

/// What the merchant gave of a payment: column 36 debits it. The pack names the columns and not their signs, so they are read as the fee's
/// are (UNCONFIRMED), and what left the payer's pocket must fit. A credit is what others gave: the merchant has that too.
fn own_discount(line: &[u8], kind: BillKind, amount: Fen) -> Result<Option<Fen>, String> {
    let (discount, payer) = (signed(&column(line, DISCOUNT)?, DISCOUNT)?, signed(&column(line, PAYER_PART)?, PAYER_PART)?);
    if kind != BillKind::Payment {
        return Ok(None);
    }
    let given = discount.map(|fen| fen.0.unsigned_abs());
    if given.is_some_and(|given| given > amount.0.unsigned_abs()) || payer.is_some_and(|payer| payer.0 < 0 || payer > amount) {
        return Err("the discount or the payer's part of a statement row is more than its amount".to_owned());
    }
    Ok(discount.map(|fen| Fen(fen.0.min(0).saturating_abs())))
}

/// One of our numbers: a column that slipped holds something else.
fn number(line: &[u8], column_number: usize) -> Result<String, String> {
    let text = column(line, column_number)?;
    if is_alnum(&text, 8..=32) {
        Ok(text.into_owned())
    } else {
        Err(format!("column {column_number} of a statement row is no order number"))
    }
}

/// `C` credits the merchant and is positive, `D` debits it.
fn signed(text: &str, column_number: usize) -> Result<Option<Fen>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let credit = text.strip_prefix('C').and_then(|rest| digits(rest, 12));
    let signed = credit.or_else(|| text.strip_prefix('D').and_then(|rest| digits(rest, 12)).and_then(i64::checked_neg));
    signed.map(|fen| Some(Fen(fen))).ok_or_else(|| format!("column {column_number} of a statement row is no signed amount"))
}

fn digits(text: &str, length: usize) -> Option<i64> {
    if is_digits(text, length..=length) { text.parse().ok() } else { None }
}
