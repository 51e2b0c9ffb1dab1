//! A statement for a spreadsheet (RFC 4180): UTF-8 with a byte order mark, CRLF, amounts in 元, Beijing's time.
//!
//! A text that a spreadsheet would compute, round or take for a date stands behind an apostrophe, and so does one that begins with an
//! apostrophe: whoever reads the file by program takes one leading apostrophe away and has the text again. Amounts, counts and times are
//! bare, below zero too, so that a column can be added up.

use super::show::{Asked, Till};
use super::{Booking, Kind, Period, Sums, Tally};
use crate::domain::RefundOrigin;
use crate::domain::show;
use serde_json::Value;
use sluice_contract::Fen;

/// A spreadsheet takes a file without it for one in the machine's own code page.
pub const MARK: &str = "\u{feff}";

/// The language of headers and of the words in the columns 类型 and 退款来源.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    Chinese,
    English,
}

/// A title in both languages.
type Title = (&'static str, &'static str);

const COLUMNS: &[Title] = &[
    ("类型", "kind"),
    ("时间", "time"),
    ("平台订单号", "order_id"),
    ("商户订单号", "merchant_order_no"),
    ("平台退款单号", "refund_id"),
    ("商户退款单号", "merchant_refund_no"),
    ("退款来源", "origin"),
    ("渠道订单号", "channel_order_no"),
    ("渠道流水号", "channel_trade_no"),
    ("渠道", "channel"),
    ("渠道账户", "account"),
    ("支付方式", "method"),
    ("钱包", "wallet"),
    ("金额(元)", "amount (CNY)"),
    ("用户实付(元)", "payer_amount (CNY)"),
    ("优惠(元)", "discounts (CNY)"),
    ("手续费(元)", "fee (CNY)"),
    ("净额(元)", "net (CNY)"),
    ("清算日", "settle_date"),
    ("门店", "store"),
    ("操作员", "operator_id"),
    ("商品", "subject"),
    ("附加数据", "metadata"),
];

const SUMS: &[Title] = &[
    ("支付笔数", "payments"),
    ("支付金额(元)", "paid (CNY)"),
    ("用户实付(元)", "payer_paid (CNY)"),
    ("优惠(元)", "discounts (CNY)"),
    ("其中迟到重复笔数", "late_payments"),
    ("其中迟到重复金额(元)", "late_paid (CNY)"),
    ("退款笔数", "refunds"),
    ("退款金额(元)", "refunded (CNY)"),
    ("手续费(元)", "fee (CNY)"),
    ("退回手续费(元)", "fee_refunded (CNY)"),
    ("净额(元)", "net (CNY)"),
    ("无费率笔数", "payments_without_fee"),
];

const ABOUT: &[Title] = &[
    ("对账期间", "period"),
    ("商户", "merchant"),
    ("生成时间", "generated_at"),
    ("版本", "version"),
    ("是否完整", "complete"),
    ("是否生产", "livemode"),
];

impl Language {
    #[must_use]
    pub fn from_word(word: &str) -> Option<Language> {
        match word {
            "zh" => Some(Language::Chinese),
            "en" => Some(Language::English),
            _ => None,
        }
    }

    const fn of(self, (chinese, english): Title) -> &'static str {
        match self {
            Language::Chinese => chinese,
            Language::English => english,
        }
    }
}

/// Writes one line, cell by cell.
struct Pen<'a> {
    out: &'a mut String,
    is_first: bool,
}

impl Pen<'_> {
    fn on(out: &mut String) -> Pen<'_> {
        Pen { out, is_first: true }
    }

    /// What nobody outside has written.
    fn bare(&mut self, cell: &str) -> &mut Self {
        if !std::mem::replace(&mut self.is_first, false) {
            self.out.push(',');
        }
        if cell.contains([',', '"', '\r', '\n']) || cell.trim() != cell {
            self.out.push('"');
            self.out.push_str(&cell.replace('"', "\"\""));
            self.out.push('"');
        } else {
            self.out.push_str(cell);
        }
        self
    }

    fn text(&mut self, cell: &str) -> &mut Self {
        if is_misread(cell) { self.bare(&format!("'{cell}")) } else { self.bare(cell) }
    }

    fn maybe(&mut self, cell: Option<&str>) -> &mut Self {
        self.text(cell.unwrap_or_default())
    }

    fn money(&mut self, fen: Option<Fen>) -> &mut Self {
        self.bare(&fen.map(Fen::to_yuan).unwrap_or_default())
    }

    fn titles(&mut self, titles: &[Title], language: Language) -> &mut Self {
        for title in titles {
            self.bare(language.of(*title));
        }
        self
    }

    fn end(&mut self) {
        self.out.push_str("\r\n");
    }
}

/// Whether a spreadsheet would make something else of the text: a formula, a rounded number, a number without its zeros, a date.
fn is_misread(text: &str) -> bool {
    let starts = text.trim_start().chars().next();
    let first = text.chars().next();
    if matches!(starts, Some('=' | '+' | '-' | '@' | '\'' | '＝' | '＋' | '－' | '＠')) || matches!(first, Some('\t' | '\r' | '\n')) {
        return true;
    }
    let is_plain = text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    let could_be_one = text.bytes().all(|b| b.is_ascii_digit() || b"eE.,-/: ".contains(&b)) && text.bytes().any(|b| b.is_ascii_digit());
    could_be_one && !is_plain
}

/// The byte order mark, and the titles of the lines where there are any.
pub fn head(out: &mut String, asked: &Asked<'_>, language: Language) {
    out.push_str(MARK);
    if asked.has_lines() {
        Pen::on(out).titles(COLUMNS, language).end();
    }
}

/// One line.
pub fn row(out: &mut String, line: &Booking, till: &Till, language: Language) {
    let Booking { order, attempt, refund } = line;
    let notes = &attempt.notes;
    let settle_date = refund.as_ref().map_or(&notes.settle_date, |refund| &refund.notes.settle_date);
    let metadata = if order.facts.metadata.is_empty() { String::new() } else { Value::Object(order.facts.metadata.clone()).to_string() };
    Pen::on(out)
        .bare(language.of(kind(line.kind())))
        .bare(&line.at().second().plain())
        .text(order.id.as_str())
        .text(&order.merchant_order_no)
        .maybe(refund.as_ref().map(|refund| order.id.refund_id(refund.seq)).as_deref())
        .maybe(refund.as_ref().and_then(|refund| refund.merchant_refund_no.as_deref()))
        .bare(refund.as_ref().map_or("", |refund| language.of(origin(refund.origin))))
        .text(&order.id.attempt_number(attempt.seq))
        .maybe(notes.channel_trade_no.as_deref())
        .text(&attempt.channel)
        .text(&attempt.account)
        .bare(attempt.method.word())
        .bare(notes.wallet.map_or("", |wallet| wallet.word()))
        .money(Some(line.amount()))
        .money(line.payer_amount())
        .money(line.discounts())
        .money(line.fee())
        .money(line.net())
        .bare(settle_date.as_deref().filter(|day| sluice_contract::Day::parse(day).is_some()).unwrap_or_default())
        .maybe(till.store.as_deref())
        .maybe(till.operator_id.as_deref())
        .text(&order.facts.subject)
        .text(&metadata)
        .end();
}

/// What stands behind the lines, or in their place where they are too many: sums by day and by merchant, then the summary.
pub fn tail(out: &mut String, asked: &Asked<'_>, tally: &Tally, language: Language) {
    if matches!(asked.period, Period::Month(_)) {
        Pen::on(out).titles(&[("日期", "day")], language).titles(SUMS, language).end();
        for day in asked.period.days(asked.now) {
            let mut pen = Pen::on(out);
            pen.bare(&day.to_string());
            sums(&mut pen, &tally.days.get(&day).copied().unwrap_or_default());
        }
    }
    if asked.merchant.is_none() {
        Pen::on(out).titles(&[("商户", "merchant")], language).titles(SUMS, language).end();
        for (merchant, of) in &tally.merchants {
            let mut pen = Pen::on(out);
            pen.text(merchant);
            sums(&mut pen, of);
        }
    }
    Pen::on(out).titles(&[("汇总", "summary"), ("渠道", "channel"), ("支付方式", "method")], language).titles(SUMS, language).end();
    for ((channel, method), of) in &tally.by {
        let mut pen = Pen::on(out);
        pen.bare("").text(channel).bare(method);
        sums(&mut pen, of);
    }
    let mut pen = Pen::on(out);
    pen.bare(language.of(("合计", "total"))).bare("").bare("");
    sums(&mut pen, &tally.totals);
    Pen::on(out).titles(ABOUT, language).end();
    let yes = |is: bool| language.of(if is { ("是", "yes") } else { ("否", "no") });
    Pen::on(out)
        .bare(&asked.period.name())
        .text(asked.merchant.unwrap_or_default())
        .bare(&asked.now.second().plain())
        .text(&tally.version())
        .bare(yes(asked.period.is_complete(asked.now)))
        .bare(yes(asked.livemode))
        .end();
}

fn sums(pen: &mut Pen<'_>, of: &Sums) {
    let count = |count: i64| count.to_string();
    pen.bare(&count(of.payments)).money(Some(of.paid)).money(Some(of.payer)).money(Some(of.discounts));
    pen.bare(&count(of.late)).money(Some(of.late_paid)).bare(&count(of.refunds)).money(Some(of.refunded));
    pen.money(Some(of.fee)).money(Some(of.fee_refunded)).money(of.net()).bare(&count(of.without_fee)).end();
}

const fn kind(kind: Kind) -> Title {
    match kind {
        Kind::Payment => ("支付", "payment"),
        Kind::Late => ("迟到支付", "late"),
        Kind::Duplicate => ("重复支付", "duplicate"),
        Kind::Refund => ("退款", "refund"),
    }
}

const fn origin(origin: RefundOrigin) -> Title {
    let chinese = match origin {
        RefundOrigin::Merchant => "商户退款",
        RefundOrigin::LatePayment => "迟到退回",
        RefundOrigin::DuplicatePayment => "重复退回",
        RefundOrigin::Reversal => "撤销退回",
    };
    (chinese, show::origin(origin))
}

#[cfg(test)]
mod tests {
    use super::{Pen, is_misread};

    fn cell(text: &str) -> String {
        let mut out = String::new();
        Pen::on(&mut out).text(text);
        out
    }

    /// What a reader of the file makes of it: the quotes gone, one apostrophe gone.
    fn read(cell: &str) -> String {
        let inner = cell.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).map(|quoted| quoted.replace("\"\"", "\""));
        let inner = inner.unwrap_or_else(|| cell.to_owned());
        inner.strip_prefix('\'').map_or(inner.clone(), str::to_owned)
    }

    #[test]
    fn nothing_is_computed_rounded_or_taken_for_a_date() {
        let formulas =
            ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "－1", "=HYPERLINK(\"http://x\",\"y\")", "-", "'x"];
        let numbers =
            ["1234567890123456", "007", "1E5", "12.50", "2026-11-25", "3-4", "3/4", "12:30", "1 000", "4200002156202611251234567890"];
        for text in formulas.iter().chain(&numbers) {
            assert!(is_misread(text), "{text:?}");
            let written = cell(text);
            assert!(written.starts_with('\'') || written.starts_with("\"'"), "{written}");
            assert_eq!(read(&written), *text);
        }
        let plain = ["", "0", "7", "123456789012345", "一箱苹果", "SO-1", "a=b", "A1B2", "{\"shop\":\"12\"}", "x,y", "说\"好\"", "E", ", "];
        for text in plain {
            assert!(!is_misread(text) && read(&cell(text)) == text, "{text:?} {}", cell(text));
        }
    }

    #[test]
    fn cells_are_quoted_where_a_reader_needs_it() {
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("a\"b"), "\"a\"\"b\"");
        assert_eq!(cell("a\r\nb"), "\"a\r\nb\"");
        assert_eq!(cell(" a"), "\" a\"");
        assert_eq!(cell("ab"), "ab");
    }
}
