//! The detail file of a bill into rows (pack §2.10): GBK, comments with `#`, columns by name, cells that end with a TAB.
//! Leniently read, exactly counted: the file says itself how many payments and refunds it holds.

use encoding_rs::{Encoding, GBK, UTF_8};
use sluice_contract::{BillKind, BillRow};
use sluice_kit::bill::until_broken;
use sluice_kit::columns::{Amount, Columns, Kind, Line, Sheet, pieces};
use std::io::Cursor;

/// A refund's amount and what the merchant pays for a payment are negative in the file.
const COLUMNS: Columns = Columns {
    kind: KIND,
    kinds: &[
        Kind { word: "交易", is: BillKind::Payment, amount: Amount::Plus(AMOUNT), refund_number: None, state: KIND },
        Kind {
            word: "退款", is: BillKind::Refund, amount: Amount::Minus(AMOUNT), refund_number: Some("退款批次号/请求号"), state: KIND
        },
    ],
    number: "商户订单号",
    channel_trade_no: "支付宝交易号",
    fee: Some(Amount::Minus("服务费（元）")),
    at: "完成时间",
    time: crate::trade::time,
    none: &[],
};
const KIND: &str = "业务类型";
const AMOUNT: &str = "订单金额（元）";

/// The column a comma may hide in: whether it is quoted there is UNCONFIRMED, so what is too much belongs to it.
const NAME: &str = "商品名称";

/// `…_业务明细.csv`, not `…_业务明细(汇总).csv`; the zip does not say that its names are GBK.
pub(crate) fn is_detail(name: &[u8]) -> bool {
    let ends = |encoding: &'static Encoding| encoding.decode_without_bom_handling(name).0.ends_with("业务明细.csv");
    ends(GBK) || ends(UTF_8)
}

/// Reads rows one by one. Sums at the end are checked against what came before.
pub(crate) fn rows(file: Vec<u8>) -> impl Iterator<Item = Result<BillRow, String>> + Send {
    let gbk = |line: &[u8]| GBK.decode_without_bom_handling_and_without_replacement(line).map(std::borrow::Cow::into_owned);
    let mut sheet = Sheet::new(Cursor::new(file), gbk, &COLUMNS);
    let (mut seen, mut promised) = ([0_u64; 2], [None; 2]);
    until_broken(move || match sheet.row(|line, columns| sorted(line, columns, &mut promised))? {
        Some(row) => {
            let [payments, refunds] = &mut seen;
            let count = if row.kind == BillKind::Payment { payments } else { refunds };
            *count = count.saturating_add(1);
            Ok(Some(row))
        }
        None if promised == seen.map(Some) => Ok(None),
        None if promised.contains(&None) => Err("the bill ends without its sums".into()),
        None => Err("the bill has not as many rows as it says".into()),
    })
}

/// What a line is. Among the comments are `交易合计：6笔，…` and `退款合计：4笔，…`.
fn sorted(line: &str, columns: &[String], promised: &mut [Option<u64>; 2]) -> Result<Line, String> {
    if let Some(comment) = line.strip_prefix('#') {
        for (name, count) in ["交易合计", "退款合计"].into_iter().zip(promised) {
            let told = comment.strip_prefix(name).and_then(|rest| rest.trim_start_matches(['：', ':']).split_once('笔'));
            *count = count.or_else(|| told?.0.trim().parse().ok());
        }
        return Ok(Line::Aside);
    }
    let mut cells = pieces(line, ",");
    if line.trim().is_empty() || columns.is_empty() {
        return Ok(if line.trim().is_empty() { Line::Aside } else { Line::Header(cells) });
    }
    // Commas too many are the product name's.
    let many = cells.len().checked_sub(columns.len()).ok_or("a bill row has fewer values than columns")?;
    if let Some(at) = columns.iter().position(|column| column == NAME) {
        let name: Vec<String> = cells.drain(at..=at.saturating_add(many)).collect();
        cells.insert(at, name.join(","));
    }
    Ok(Line::Row(cells))
}
