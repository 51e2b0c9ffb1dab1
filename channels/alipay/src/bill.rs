//! The detail file of a bill into rows (pack §2.10): GBK, comments with `#`, columns by name, cells that end with a TAB.
//! Leniently read, exactly counted: the file says itself whose it is, how many payments and refunds it holds, and what they come to.

use encoding_rs::{Encoding, GBK, UTF_8};
use sluice_contract::{BillKind, BillRow, Fen};
use sluice_kit::bill;
use sluice_kit::columns::{Amount, Columns, Kind, Line, Sheet, pieces};
use sluice_kit::wire::cut;
use std::io::BufRead;

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
/// What reaches the merchant: the column that the sums at the end are of.
const RECEIPT: &str = "商家实收（元）";

/// The column a comma may hide in: whether it is quoted there is UNCONFIRMED, so what is too much belongs to it.
const NAME: &str = "商品名称";

/// `…_业务明细.csv`, not `…_业务明细(汇总).csv`; the zip does not say that its names are GBK.
pub(crate) fn is_detail(name: &[u8]) -> bool {
    let ends = |encoding: &'static Encoding| encoding.decode_without_bom_handling(name).0.ends_with("业务明细.csv");
    ends(GBK) || ends(UTF_8)
}

/// Whose bill it must be: the account that its head names, where we know it, and the merchant it was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whose {
    pub(crate) account: Option<String>,
    pub(crate) sub: String,
}

/// Reads rows one by one. Counts and sums at the end are checked against what came before.
pub(crate) fn rows(file: impl BufRead + Send, whose: Whose) -> impl Iterator<Item = Result<BillRow, String>> + Send {
    let mut sheet = Sheet::new(|line| GBK.decode_without_bom_handling_and_without_replacement(line), &COLUMNS);
    let mut told = Told::default();
    bill::rows(file, move |lines| match sheet.row(lines, |line, columns| told.sorted(line, columns, &whose))? {
        Some(row) => {
            let sum = told.of(row.kind);
            sum.count = sum.count.saturating_add(1);
            Ok(Some(BillRow { sub: Some(whose.sub.clone()), ..row }))
        }
        None => told.payments.agrees("交易合计").and_then(|()| told.refunds.agrees("退款合计")).map(|()| None),
    })
}

/// What the bill says of its payments, or of its refunds, and what was seen of them.
#[derive(Debug, Default)]
struct Sum {
    promised: Option<u64>,
    receipts: Option<Fen>,
    count: u64,
    /// None without its column.
    receipt: Option<Fen>,
}

impl Sum {
    /// `6笔，商家实收共0.06元，…`, and of refunds `商家实收退款共-0.04元`.
    fn promise(&mut self, text: &str) {
        let Some((count, rest)) = text.trim_start_matches(['：', ':']).split_once('笔') else { return };
        self.promised = self.promised.or_else(|| count.trim().parse().ok());
        let sum = rest.split('，').find(|part| part.starts_with("商家实收")).and_then(|part| part.split_once('共')?.1.strip_suffix('元'));
        self.receipts = self.receipts.or_else(|| sum.and_then(Fen::from_yuan));
    }

    fn agrees(&self, name: &str) -> Result<(), String> {
        match self.promised {
            None => Err(format!("the bill ends without {name}")),
            Some(promised) if promised != self.count => Err(format!("{name} says {promised} rows, and there are {}", self.count)),
            Some(_) => match self.receipts.zip(self.receipt).filter(|(told, sum)| told != sum) {
                Some((told, sum)) => Err(format!("{name} says {} yuan, and the rows add up to {}", told.to_yuan(), sum.to_yuan())),
                None => Ok(()),
            },
        }
    }
}

#[derive(Debug, Default)]
struct Told {
    payments: Sum,
    refunds: Sum,
}

impl Told {
    const fn of(&mut self, kind: BillKind) -> &mut Sum {
        match kind {
            BillKind::Payment => &mut self.payments,
            BillKind::Refund | BillKind::Reversal => &mut self.refunds,
        }
    }

    /// What a line is. Among the comments are `账号：[…]`, `交易合计：6笔，…` and `退款合计：4笔，…`.
    fn sorted<'l>(&mut self, line: &'l str, columns: &[String], whose: &Whose) -> Result<Line<'l>, String> {
        if let Some(comment) = line.strip_prefix('#') {
            for (name, sum) in [("交易合计", &mut self.payments), ("退款合计", &mut self.refunds)] {
                comment.strip_prefix(name).into_iter().for_each(|text| sum.promise(text));
            }
            return is_of(comment, whose).map(|()| Line::Aside);
        }
        let mut cells = pieces(line, ",");
        if line.trim().is_empty() || columns.is_empty() {
            return Ok(if line.trim().is_empty() { Line::Aside } else { Line::Header(cells) });
        }
        // Commas too many are the product name's, which nobody reads.
        let many = cells.len().checked_sub(columns.len()).ok_or("a bill row has fewer values than columns")?;
        if let Some(at) = columns.iter().position(|column| column == NAME) {
            cells.drain(at..at.saturating_add(many));
        }
        self.add_receipt(columns, &cells)?;
        Ok(Line::Row(cells))
    }

    fn add_receipt(&mut self, columns: &[String], cells: &[&str]) -> Result<(), String> {
        let cell = |name: &str| columns.iter().position(|column| column == name).and_then(|at| cells.get(at));
        let Some(text) = cell(RECEIPT) else { return Ok(()) };
        let amount = Fen::from_yuan(text).ok_or_else(|| format!("{RECEIPT} is no amount"))?;
        let kind = if cell(KIND) == Some(&"退款") { BillKind::Refund } else { BillKind::Payment };
        let sum = &mut self.of(kind).receipt;
        *sum = Some(sum.unwrap_or_default().plus(amount).ok_or("the bill's amounts are out of range")?);
        Ok(())
    }
}

/// The head names an account: `账号：[20880000000000010156]`.
fn is_of(comment: &str, whose: &Whose) -> Result<(), String> {
    let named = comment.strip_prefix("账号").map(|rest| rest.trim_start_matches(['：', ':']).trim().trim_matches(['[', ']']));
    match named.zip(whose.account.as_deref()) {
        Some((named, account)) if named != account => {
            Err(format!("the bill is of account {} and not of {account}: it is the bill of another merchant", cut(named, 32)))
        }
        _ => Ok(()),
    }
}
