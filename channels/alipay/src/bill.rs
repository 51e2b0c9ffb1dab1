//! The detail file of a bill into rows (pack §2.10): GBK, comments with `#`, columns by name, cells that end with a TAB.
//! Leniently read, exactly counted: the file says itself how many payments and refunds it holds.

use encoding_rs::{Encoding, GBK, UTF_8};
use sluice_contract::{BillKind, BillRow, Fen};
use sluice_kit::bill::{Cells, line, until_broken};
use std::io::Cursor;

/// The column a comma may hide in: whether it is quoted there is UNCONFIRMED, so what is too much belongs to it.
const NAME: &str = "商品名称";

/// `…_业务明细.csv`, not `…_业务明细(汇总).csv`; the zip does not say that its names are GBK.
pub(crate) fn is_detail(name: &[u8]) -> bool {
    let ends = |encoding: &'static Encoding| encoding.decode_without_bom_handling(name).0.ends_with("业务明细.csv");
    ends(GBK) || ends(UTF_8)
}

/// Reads rows one by one. Sums at the end are checked against what came before.
pub(crate) fn rows(file: Vec<u8>) -> impl Iterator<Item = Result<BillRow, String>> + Send {
    let has_bom = file.starts_with(b"\xef\xbb\xbf");
    let mut lines = Cursor::new(file);
    lines.set_position(if has_bom { 3 } else { 0 });
    let seen = Counts { payments: Some(0), refunds: Some(0) };
    let encoding = if has_bom { UTF_8 } else { GBK };
    let mut bill = Bill { lines, encoding, columns: Vec::new(), seen, promised: Counts::default() };
    until_broken(move || bill.advance())
}

struct Bill {
    lines: Cursor<Vec<u8>>,
    encoding: &'static Encoding,
    columns: Vec<String>,
    seen: Counts,
    promised: Counts,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    payments: Option<u64>,
    refunds: Option<u64>,
}

impl Bill {
    fn advance(&mut self) -> Result<Option<BillRow>, String> {
        while let Some(line) = line(&mut self.lines)? {
            let line = self.encoding.decode_without_bom_handling_and_without_replacement(&line).ok_or("the bill is not in its encoding")?;
            if let Some(comment) = line.strip_prefix('#') {
                self.note(comment);
            } else if line.trim().is_empty() {
                continue;
            } else if self.columns.is_empty() {
                self.columns = line.split(',').map(|name| name.trim().to_owned()).collect();
            } else {
                let row = row(&self.columns, &line)?;
                let count = if row.kind == BillKind::Payment { &mut self.seen.payments } else { &mut self.seen.refunds };
                *count = count.and_then(|n| n.checked_add(1));
                return Ok(Some(row));
            }
        }
        match self.promised {
            _ if self.columns.is_empty() => Err("the bill has no header row".into()),
            promised if promised == self.seen => Ok(None),
            Counts { payments: Some(_), refunds: Some(_) } => Err("the bill has not as many rows as it says".into()),
            _ => Err("the bill ends without its sums".into()),
        }
    }

    /// `交易合计：6笔，…` and `退款合计：4笔，…`.
    fn note(&mut self, comment: &str) {
        let count = |start: &str| {
            let rest = comment.strip_prefix(start)?.trim_start_matches(['：', ':']);
            rest.split_once('笔').and_then(|(digits, _)| digits.trim().parse::<u64>().ok())
        };
        self.promised.payments = self.promised.payments.or_else(|| count("交易合计"));
        self.promised.refunds = self.promised.refunds.or_else(|| count("退款合计"));
    }
}

/// One data row. Amounts are yuan text and become fen exactly; a refund's are negative in the file and positive here.
fn row(columns: &[String], line: &str) -> Result<BillRow, String> {
    let cells = cells(columns, line)?;
    let row = Cells::new(columns, &cells)?;
    let state = row.need("业务类型")?;
    let told = row.yuan("订单金额（元）")?;
    let (kind, amount) = match state {
        "交易" => (BillKind::Payment, Some(told)),
        "退款" => (BillKind::Refund, Fen::ZERO.minus(told)),
        other => return Err(format!("the bill has a row of an unlisted kind: {other}")),
    };
    let amount = amount.filter(|amount| amount.0 >= 0).ok_or_else(|| format!("the amount of a {state} row has the wrong sign"))?;
    let fee = match row.get("服务费（元）") {
        // Negative on payments: what the merchant pays is positive here.
        Some(_) => Some(Fen::ZERO.minus(row.yuan("服务费（元）")?).ok_or("服务费（元） is out of range")?),
        None => None,
    };
    Ok(BillRow {
        kind,
        number: row.given("商户订单号").ok_or("a bill row names no order of ours")?,
        refund_number: row.given("退款批次号/请求号").filter(|_| kind == BillKind::Refund),
        channel_trade_no: row.given("支付宝交易号"),
        amount,
        fee,
        state: state.to_owned(),
        at: crate::trade::time(row.need("完成时间")?),
    })
}

/// The cells of a row, trimmed. Commas too many are the product name's.
fn cells(columns: &[String], line: &str) -> Result<Vec<String>, String> {
    let mut cells: Vec<String> = line.split(',').map(|cell| cell.trim().to_owned()).collect();
    let many = cells.len().checked_sub(columns.len()).ok_or("a bill row has fewer values than columns")?;
    if many > 0 {
        let at = columns.iter().position(|column| column == NAME).ok_or("a bill row has more values than columns")?;
        let name: Vec<String> = cells.drain(at..=at.saturating_add(many)).collect();
        cells.insert(at, name.join(","));
    }
    Ok(cells)
}
