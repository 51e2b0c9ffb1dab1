//! The bill's text into rows (pack §9): leniently read, exactly counted.
//!
//! A plain header row names the columns; each value of a data row is prefixed with a backtick and joined by commas, so
//! rows are split on `` ,` `` and commas inside names survive. A second plain row begins the summary: it ends the data, and the row
//! behind it must be what the rows add up to.

use crate::config::Account;
use sluice_contract::{BillFate, BillKind, BillRow, Fen};
use sluice_kit::bill::{self, Cells, Lines, header};
use sluice_kit::text::plain;
use sluice_kit::wire::cut;
use std::io::{BufRead, BufReader, Read};

/// The summary's first column: how many rows there are. Real ones are written `45.0` too.
const SUMMARY: &str = "总交易单数";
/// And its sums of what was ordered and what was asked back.
const ORDERED: &str = "订单总金额";
const BACK: &str = "申请退款总金额";

/// Reads rows one by one, so that a bill of any size needs one line of memory.
pub(crate) fn rows(text: Box<dyn Read + Send>, account: &Account) -> impl Iterator<Item = Result<BillRow, String>> + Send + use<> {
    let mut sheet = Sheet { columns: Vec::new(), merchant: account.signer.mchid.clone(), rows: 0, ordered: Fen::ZERO, back: Fen::ZERO };
    bill::rows(BufReader::with_capacity(64 * 1024, text), move |lines| sheet.next(lines))
}

struct Sheet {
    columns: Vec<String>,
    /// Whose bill it must be.
    merchant: String,
    rows: u64,
    ordered: Fen,
    back: Fen,
}

impl Sheet {
    fn next(&mut self, lines: &mut Lines<impl BufRead>) -> Result<Option<BillRow>, String> {
        while let Some(line) = lines.line()? {
            let line = std::str::from_utf8(line).map_err(|_| "the bill is not UTF-8")?.trim_start_matches('\u{feff}');
            if line.is_empty() {
                continue;
            }
            match line.strip_prefix('`') {
                Some(values) => return self.counted(values).map(Some),
                None if self.columns.is_empty() => self.columns = header(line.split(',').map(str::trim))?,
                None if line.starts_with(SUMMARY) => {
                    let names = header(line.split(',').map(str::trim))?;
                    return self.sums(&names, lines).map(|()| None);
                }
                // A name with a line end in it, or a bill of another kind: never skipped in silence.
                None => return Err("the bill has a line that is neither a row nor the summary".into()),
            }
        }
        if self.columns.is_empty() { Err("the bill has no header row".into()) } else { Err("the bill ends without a summary".into()) }
    }

    fn counted(&mut self, values: &str) -> Result<BillRow, String> {
        let values: Vec<&str> = values.split(",`").map(str::trim).collect();
        let row = row(Cells::new(&self.columns, &values)?, &self.merchant)?;
        self.rows = self.rows.saturating_add(1);
        let sum = if row.kind == BillKind::Payment { &mut self.ordered } else { &mut self.back };
        *sum = sum.plus(row.amount).ok_or("the bill's amounts are out of range")?;
        Ok(row)
    }

    /// The bill's own count and sums, where it has them, are those of its rows.
    fn sums(&self, names: &[String], lines: &mut Lines<impl BufRead>) -> Result<(), String> {
        let line = lines.line()?.ok_or("the bill ends within its summary")?;
        let line = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix('`')).ok_or("the summary has no values")?;
        let values: Vec<&str> = line.split(",`").map(str::trim).collect();
        let told = Cells::new(names, &values)?;
        let count = told.need(SUMMARY)?;
        if count.strip_suffix(".0").unwrap_or(count).parse() != Ok(self.rows) {
            return Err(format!("the bill says it has {} rows, and it has {}", cut(count, 16), self.rows));
        }
        for (name, sum) in [(ORDERED, self.ordered), (BACK, self.back)] {
            if told.get(name).is_some() && told.yuan(name)? != sum {
                return Err(format!("{name} says {}, and the rows add up to {}", cut(told.need(name)?, 24), sum.to_yuan()));
            }
        }
        Ok(())
    }
}

/// One data row. Amounts are yuan text and become fen exactly.
fn row(row: Cells<'_, &str>, merchant: &str) -> Result<BillRow, String> {
    // `0` and empty stand for "none".
    let id = |name: &str| row.given(name).filter(|text| text != "0");
    if row.get("商户号").is_some_and(|named| named != merchant) {
        let named = cut(row.need("商户号")?, 32);
        return Err(format!("the row is of merchant {named} and not of {merchant}: it is the bill of another merchant"));
    }
    let state = row.need("交易状态")?;
    let (kind, amount, state, refund_number) = match state {
        "SUCCESS" => (BillKind::Payment, row.yuan("订单金额")?, state, None),
        "REFUND" => (BillKind::Refund, row.yuan("申请退款金额")?, row.need("退款状态")?, id("商户退款单号")),
        "REVOKED" => (BillKind::Reversal, row.yuan("申请退款金额")?, state, None),
        // A payment that the bill does not call taken: the books must say so too.
        "PAYERROR" | "CLOSED" | "NOTPAY" | "USERPAYING" => (BillKind::Payment, row.yuan("订单金额")?, state, None),
        other => return Err(format!("the bill has a row of an unlisted kind: {}", cut(other, 32))),
    };
    if amount.0 < 0 {
        return Err("the amount of a row is negative".to_owned());
    }
    let time = row.need("交易时间")?;
    Ok(BillRow {
        kind,
        number: row.given("商户订单号").ok_or("a bill row names no order of ours")?,
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
        at: Some(plain(time).ok_or_else(|| format!("交易时间 is no time: {}", cut(time, 32)))?),
        sub: row.get("特约商户号").map(|sub| if sub == "0" { String::new() } else { sub.to_owned() }),
        own_discount: None,
    })
}
