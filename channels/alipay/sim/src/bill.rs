//! Bills from the ledger, for any day, today included (pack §2.10), with planted differences.
//!
//! The format knows two kinds of rows, 交易 and 退款. A cancel that returned money is a 退款 whose request number is the
//! order's own; a planted `status` is such a row for a payment that stands.

use crate::check::Biz;
use crate::fail::{Fail, Snag};
use crate::gateway::{Answer, Asked};
use crate::order::{LOGON_ID, Order, Part, Settled, Sums};
use crate::sim::AlipaySim;
use crate::wire::other_number;
use crate::zipfile::zip;
use encoding_rs::GBK;
use serde_json::{Map, json};
use sluice_contract::{Body, Day, Fen, Headers, HttpReply, Millis};
use sluice_simkit::{Call, Complaint, Discrepancy, More, State, form, more};
use std::collections::BTreeMap;

/// A link is good for about 30 seconds.
const LINK_LIFE_S: i64 = 30;
/// Channel fee in parts per million: 0.60 %.
const FEE_PPM: i64 = 6_000;
/// What a day without rows answers: the live gateway's word; hooks choose the others that are documented.
pub(crate) const NO_BILL: &str = "isp.bill_not_exist";

const COLUMNS: &str = "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,\
    商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,\
    退款批次号/请求号,服务费（元）,分润（元）,备注";
const SUMMARY_COLUMNS: &str = "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,商家优惠（元）,卡消费金额（元）,\
    服务费（元）,分润（元）,实收净额（元）";

/// A row before it is text. Amounts in fen; those of a refund are negative when written.
#[derive(Clone, Debug)]
struct Row {
    at: Millis,
    created_at: Millis,
    order: Order,
    number: String,
    total: Fen,
    sums: Sums,
    /// What the merchant pays.
    fee: Fen,
    /// The refund's request number.
    back: Option<String>,
}

pub(crate) struct Bills {
    files: BTreeMap<String, (Millis, Vec<u8>)>,
    planted: BTreeMap<(String, String), Discrepancy>,
    pub(crate) no_bill: String,
}

impl Default for Bills {
    fn default() -> Bills {
        Bills { files: BTreeMap::new(), planted: BTreeMap::new(), no_bill: NO_BILL.to_owned() }
    }
}

impl AlipaySim {
    pub(crate) fn bill_url(&mut self, asked: &Asked, biz: &Biz<'_>, call: &Call, now: Millis) -> Answer {
        biz.only(&[&["bill_type", "bill_date", "smid"]])?;
        if biz.must("bill_type", 20)? != "trade" {
            return Err(Snag::BillType.into());
        }
        // Months are made by the real one, not here.
        let day = Day::parse(biz.must("bill_date", 15)?).ok_or(Snag::Arguments)?;
        let rows: Vec<Row> = self.rows(day).into_iter().filter(|row| row.order.party == asked.party).collect();
        if rows.is_empty() {
            return Err(Fail::new("40004", &self.bills.no_bill));
        }
        let account = format!("{}0156", asked.party.pid);
        let name = format!("{account}_{}_业务明细", day.compact());
        let head = |title: &str, dashes: &str| {
            let (from, to) = (day.start().plain(), day.plus(1).start().plain());
            format!("#支付宝{title}\n#账号：[{account}]\n#起始日期：[{}]   终止日期：[{}]\n#{dashes}\n", cn(&from), cn(&to))
        };
        let files = [
            (gbk(&format!("{name}.csv")), gbk(&detail_text(&rows, &head, now))),
            (gbk(&format!("{name}(汇总).csv")), gbk(&summary_text(&rows, &head, now))),
        ];
        let file = zip(&files).ok_or(Snag::System)?;
        let token = self.draw.text(40);
        self.bills.files.retain(|_, (until, _)| *until >= now);
        self.bills.files.insert(token.clone(), (now.plus_s(LINK_LIFE_S), file));
        let url = format!("{}/billdownload/file?token={token}&fileType=csv.zip", self.address(call));
        Ok(Map::from_iter([("bill_download_url".to_owned(), json!(url))]))
    }

    /// The file itself: a plain GET, signed by nobody.
    pub(crate) fn download(&self, call: &Call, now: Millis) -> HttpReply {
        let query = call.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = form::pairs(query).unwrap_or_default();
        let token = pairs.iter().find(|(name, _)| name == "token").map_or("", |(_, token)| token.as_str());
        match self.bills.files.get(token).filter(|(until, _)| *until >= now) {
            Some((_, bytes)) => {
                let headers = Headers::new(&[("Content-Type", "application/zip")]);
                HttpReply { status: 200, headers, body: Body::Bytes(bytes.clone()) }
            }
            None => HttpReply::new(403, &[("Content-Type", "text/html")], "<html><body>link expired</body></html>"),
        }
    }

    /// Where this client reaches us: by the `Host` it used, else by what it was told.
    fn address(&self, call: &Call) -> String {
        let told = self.base_url.lock().map_or_else(|_| String::new(), |base| base.clone());
        match call.headers.get("host") {
            Some(host) => format!("{}://{host}", told.split("://").next().unwrap_or("http")),
            None => told.trim_end_matches('/').to_owned(),
        }
    }

    /// Everything of a day in order of time.
    fn rows(&self, day: Day) -> Vec<Row> {
        let on = |at: Millis| at.second().day() == day;
        let mut rows = Vec::new();
        for (number, order) in &self.orders {
            let (Some(entry), Some(settled)) = (self.ledger.get(number), &order.settled) else { continue };
            let row = |at: Millis, total: Fen, sums: Sums, back: Option<String>| {
                let (order, number, created_at) = (order.clone(), number.clone(), entry.created_at);
                Row { at, created_at, order, number, total, sums, fee: fee(sums.receipt), back }
            };
            if on(settled.at) {
                rows.push(row(settled.at, entry.total, settled.whole(), None));
            }
            if let Some(at) = order.cancelled_at.filter(|at| on(*at) && entry.status == State::Reversed) {
                rows.push(row(at, entry.total, settled.whole(), Some(number.clone())));
            }
            for (out_request_no, refund) in self.of_order(number) {
                if let Some(at) = refund.done_at.filter(|at| on(*at)) {
                    rows.push(row(at, refund.amount, settled.sums(&refund.backs), Some(out_request_no.to_owned())));
                }
            }
        }
        self.tamper(&mut rows, day);
        rows.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.number.cmp(&b.number)).then_with(|| a.back.cmp(&b.back)));
        rows
    }

    /// Payments like one that was made.
    pub(crate) fn more(&mut self, value: &str) -> Option<()> {
        let (like, more) = more(value)?;
        let order = self.orders.get(like).filter(|order| order.settled.is_some())?.clone();
        for More { number, total, at } in more {
            self.ledger.paid("alipay", &number, total, at).ok()?;
            let settled = Some(Settled { at, parts: vec![Part::own(total)] });
            let trade_no = format!("20{number}");
            self.orders.insert(number, Order { settled, trade_no, ..order.clone() });
        }
        Some(())
    }

    /// Plays the planted differences, seen from the gateway: `missing_here` is in the bill only.
    fn tamper(&self, rows: &mut Vec<Row>, day: Day) {
        let day = day.to_string();
        let one_up = |fen: Fen| Fen(fen.0.saturating_add(1));
        let mut out = Vec::with_capacity(rows.len());
        for mut row in rows.drain(..) {
            let planted = if row.back.is_none() { self.bills.planted.get(&(day.clone(), row.number.clone())) } else { None };
            match planted {
                None => {}
                Some(Discrepancy::MissingThere) => continue,
                Some(Discrepancy::Duplicate) => out.push(row.clone()),
                Some(Discrepancy::Amount) => {
                    row.total = one_up(row.total);
                    row.sums.receipt = one_up(row.sums.receipt);
                }
                Some(Discrepancy::Fee) => row.fee = one_up(row.fee),
                Some(Discrepancy::Status) => out.push(Row { back: Some(row.number.clone()), ..row.clone() }),
                Some(Discrepancy::MissingHere) => {
                    let mut ghost = row.clone();
                    ghost.number = other_number(&row.number);
                    ghost.order.trade_no = other_number(&row.order.trade_no);
                    out.push(ghost);
                }
            }
            out.push(row);
        }
        *rows = out;
    }

    pub(crate) fn plant_in(&mut self, kind: Discrepancy, count: usize, day: Day) -> Result<Vec<String>, Complaint> {
        let date = day.to_string();
        let paid = self.orders.iter().filter(|(_, o)| o.settled.as_ref().is_some_and(|s| s.at.second().day() == day));
        // A payment that was cancelled has its 退款 already.
        let standing = paid.filter(|(_, o)| kind != Discrepancy::Status || o.cancelled_at.is_none());
        let free = standing.map(|(number, _)| number.clone()).filter(|n| !self.bills.planted.contains_key(&(date.clone(), n.clone())));
        // A ghost takes the place of a number that must be nobody's.
        let free = free.filter(|n| kind != Discrepancy::MissingHere || !self.orders.contains_key(&other_number(n)));
        let chosen: Vec<String> = free.take(count).collect();
        if chosen.len() < count {
            return Err(Complaint(format!("the day has {} payments without a planted difference, not {count}", chosen.len())));
        }
        for number in &chosen {
            self.bills.planted.insert((date.clone(), number.clone()), kind);
        }
        let shown = |n: String| if kind == Discrepancy::MissingHere { other_number(&n) } else { n };
        Ok(chosen.into_iter().map(shown).collect())
    }
}

fn fee(receipt: Fen) -> Fen {
    Fen(receipt.0.saturating_mul(FEE_PPM).saturating_add(500_000).checked_div(1_000_000).unwrap_or(0))
}

fn gbk(text: &str) -> Vec<u8> {
    GBK.encode(text).0.into_owned()
}

/// `2019-09-16 00:00:00` as the header writes it.
fn cn(plain: &str) -> String {
    let mut parts = plain.splitn(2, ' ');
    let day: Vec<&str> = parts.next().unwrap_or_default().split('-').collect();
    match day.as_slice() {
        [year, month, day] => format!("{year}年{month}月{day}日 {}", parts.next().unwrap_or_default()),
        _ => plain.to_owned(),
    }
}

/// Negative on refund rows.
fn signed(row: &Row, fen: Fen) -> Fen {
    if row.back.is_some() { Fen(fen.0.saturating_neg()) } else { fen }
}

fn cells(row: &Row) -> String {
    let (order, sums) = (&row.order, &row.sums);
    // Commas in a name: quoting is UNCONFIRMED (pack §2.10); here they become full-width.
    let name = order.subject.replace(',', "，").replace('"', "”");
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    let yuan = |fen: Fen| signed(row, fen).to_yuan();
    let paid_by_merchant = if sums.merchant.is_positive() { "商家优惠" } else { "" };
    let kind = if row.back.is_some() { "退款" } else { "交易" };
    // The fee is negative where the merchant pays it.
    let fee = Fen(signed(row, row.fee).0.saturating_neg()).to_yuan();
    let times = (row.created_at.second().plain(), row.at.second().plain());
    let (trade_no, number, back) = (&order.trade_no, &row.number, row.back.clone().unwrap_or_default());
    [
        format!(
            "{trade_no}\t,{number}\t,{kind}\t,{name},{},{},{}\t,\t,{}\t,{}\t",
            times.0,
            times.1,
            text(&order.store_id),
            text(&order.operator_id),
            text(&order.terminal_id)
        ),
        format!("{LOGON_ID}\t,{},{},{},{}", yuan(row.total), yuan(sums.receipt), yuan(sums.coupon), yuan(sums.point)),
        format!("{},{},{},{paid_by_merchant},0.00\t,0.00", yuan(sums.platform), yuan(sums.merchant), yuan(Fen::ZERO)),
        format!("{back}\t,{fee},0.00,"),
    ]
    .join(",")
}

fn total_of(rows: &[Row], of: impl Fn(&Row) -> Fen) -> Fen {
    Fen(rows.iter().fold(0, |sum: i64, row| sum.saturating_add(signed(row, of(row)).0)))
}

fn dashes(title: &str) -> String {
    format!("-----------------------------------------{title}----------------------------------------")
}

fn detail_text(rows: &[Row], head: &dyn Fn(&str, &str) -> String, now: Millis) -> String {
    let mut out = head("业务明细查询", &dashes("业务明细列表"));
    out.push_str(&format!("{COLUMNS}\n"));
    for row in rows {
        out.push_str(&format!("{}\n", cells(row)));
    }
    let (back, paid): (Vec<Row>, Vec<Row>) = rows.iter().cloned().partition(|row| row.back.is_some());
    out.push_str(&format!("#{}\n", dashes("业务明细列表结束")));
    for (label, sort, list) in [("交易", "", paid), ("退款", "退款", back)] {
        let (count, receipt, given) =
            (list.len(), total_of(&list, |r| r.sums.receipt).to_yuan(), total_of(&list, |r| r.sums.merchant).to_yuan());
        out.push_str(&format!("#{label}合计：{count}笔，商家实收{sort}共{receipt}元，商家优惠{sort}共{given}元\n"));
    }
    out.push_str(&format!("#导出时间：[{}]\n", cn(&now.second().plain())));
    out
}

fn summary_text(rows: &[Row], head: &dyn Fn(&str, &str) -> String, now: Millis) -> String {
    let back = rows.iter().filter(|row| row.back.is_some()).count();
    let paid = rows.len().saturating_sub(back);
    let sum = |of: fn(&Row) -> Fen| total_of(rows, of);
    let (total, receipt, platform, merchant) =
        (sum(|r| r.total), sum(|r| r.sums.receipt), sum(|r| r.sums.platform), sum(|r| r.sums.merchant));
    let fee = Fen(sum(|r| r.fee).0.saturating_neg());
    let net = receipt.plus(fee).unwrap_or(receipt);
    let words = [total, receipt, platform, merchant, Fen::ZERO, fee, Fen::ZERO, net].map(Fen::to_yuan).join(",");
    format!(
        "{}{SUMMARY_COLUMNS}\n合计\t,\t,{paid},{back},{words}\n#{}\n#导出时间：[{}]\n",
        head("业务汇总查询", &dashes("业务汇总列表")),
        dashes("业务汇总列表结束"),
        cn(&now.second().plain())
    )
}
