//! Trade bills from the ledger, for any day, today included (pack §9), with planted differences.

use crate::fail::{Fail, Snag};
use crate::order::{BANK_TYPE, Order, Settled};
use crate::party::MCHID;
use crate::refund::Refunding;
use crate::route::param;
use crate::sim::WechatSim;
use crate::v3::{Answer, other_number};
use flate2::{Compression, GzBuilder};
use serde_json::json;
use sha1::{Digest, Sha1};
use sluice_contract::{Body, Day, Fen, Headers, HttpReply, Millis};
use sluice_simkit::{Call, Complaint, Discrepancy, Entry, More, more};
use std::collections::BTreeMap;
use std::io::Write;

/// A `download_url` is good for five minutes.
const LINK_LIFE_S: i64 = 300;
/// Channel fee in parts per million: 0.60 %.
const FEE_PPM: i64 = 6_000;

const HEAD: [&str; 14] = [
    "交易时间",
    "公众账号ID",
    "商户号",
    "特约商户号",
    "设备号",
    "微信订单号",
    "商户订单号",
    "用户标识",
    "交易类型",
    "交易状态",
    "付款银行",
    "货币种类",
    "应结订单金额",
    "代金券金额",
];
const REFUND_TIMES: [&str; 2] = ["退款申请时间", "退款成功时间"];
const REFUND: [&str; 6] = ["微信退款单号", "商户退款单号", "退款金额", "充值券退款金额", "退款类型", "退款状态"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    All,
    Success,
    Refund,
}

impl Kind {
    fn columns(self) -> Vec<&'static str> {
        let mut columns = HEAD.to_vec();
        if self == Kind::Refund {
            columns.extend(REFUND_TIMES);
        }
        if self != Kind::Success {
            columns.extend(REFUND);
        }
        columns.extend(["商品名称", "商户数据包", "手续费", "费率", "订单金额"]);
        if self != Kind::Success {
            columns.push("申请退款金额");
        }
        columns.push("费率备注");
        columns
    }
}

/// A row before it is text. Amounts in fen.
#[derive(Clone, Debug)]
struct Row {
    at: Millis,
    order: Order,
    number: String,
    state: &'static str,
    settlement: Fen,
    coupons: Fen,
    fee: Fen,
    total: Fen,
    back: Option<Back>,
}

/// The refund columns.
#[derive(Clone, Debug)]
struct Back {
    refund_id: String,
    refund_number: String,
    amount: Fen,
    coupons: Fen,
    status: &'static str,
    success_at: Option<Millis>,
}

#[derive(Default)]
pub(crate) struct Bills {
    files: BTreeMap<String, (Millis, Vec<u8>)>,
    planted: BTreeMap<(String, String), Discrepancy>,
}

impl WechatSim {
    pub(crate) fn trade_bill(&mut self, call: &Call, now: Millis) -> Answer {
        let given = param(&call.target, "bill_date").unwrap_or_default();
        let day = Day::parse(&given).ok_or_else(|| Fail::query("bill_date", &given, "Must be yyyy-MM-dd"))?;
        let kind = match param(&call.target, "bill_type").as_deref() {
            None | Some("ALL") => Kind::All,
            Some("SUCCESS") => Kind::Success,
            Some("REFUND") => Kind::Refund,
            Some(other) => return Err(Fail::query("bill_type", other, "Must be ALL, SUCCESS or REFUND")),
        };
        let gzip = match param(&call.target, "tar_type").as_deref() {
            None => false,
            Some("GZIP") => true,
            Some(other) => return Err(Fail::query("tar_type", other, "Must be GZIP")),
        };
        let sub = param(&call.target, "sub_mchid");
        let rows: Vec<Row> = self.rows(day).into_iter().filter(|row| in_bill(row, kind, sub.as_deref())).collect();
        if rows.is_empty() {
            return Err(Snag::NoStatement.into());
        }
        let text = self.bill_text(kind, &rows).into_bytes();
        let hash = hex::encode(Sha1::digest(&text));
        let file = if gzip { zipped(&text).ok_or(Snag::System)? } else { text };
        let token = self.draw.text(64);
        self.bills.files.retain(|_, (until, _)| *until >= now);
        self.bills.files.insert(token.clone(), (now.plus_s(LINK_LIFE_S), file));
        let tail = if gzip { "&tartype=gzip" } else { "" };
        let url = format!("{}/v3/billdownload/file?token={token}{tail}", self.address(call));
        Ok(Some(json!({"hash_type": "SHA1", "hash_value": hash, "download_url": url})))
    }

    /// The file itself: signed by the caller, not by us.
    pub(crate) fn download(&mut self, call: &Call, now: Millis) -> HttpReply {
        if let Err(fail) = self.authenticate(call, now) {
            return self.signed(fail.snag.status(), fail.json().to_string(), call, now, None);
        }
        let token = param(&call.target, "token").unwrap_or_default();
        match self.bills.files.get(&token).filter(|(until, _)| *until >= now) {
            Some((_, bytes)) => {
                let headers = Headers::new(&[("Content-Type", "application/octet-stream")]);
                HttpReply { status: 200, headers, body: Body::Bytes(bytes.clone()) }
            }
            None => {
                let fail = Fail::query("token", "", "Is unknown or older than 5 minutes");
                self.signed(400, fail.json().to_string(), call, now, None)
            }
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

    /// Everything of a day in order of time: payments, refunds by the day they began, reversals.
    fn rows(&self, day: Day) -> Vec<Row> {
        let on = |at: Millis| at.second().day() == day;
        let mut rows = Vec::new();
        for (number, order) in &self.orders {
            let (Some(entry), Some(settled)) = (self.ledger.get(number), &order.settled) else { continue };
            if on(settled.at) {
                rows.push(payment(order, entry, settled.at));
            }
            if let Some(revoked) = order.revoked.as_ref().filter(|r| on(r.at)) {
                rows.push(reversal(order, entry, &revoked.refund_id, revoked.at));
            }
        }
        for (out_refund_no, refund) in self.refunds.iter().filter(|(_, r)| on(r.created_at)) {
            if let Some((order, entry)) = self.entry(&refund.number) {
                rows.push(refund_row(order, entry, out_refund_no, refund));
            }
        }
        self.tamper(&mut rows, day);
        rows.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.number.cmp(&b.number)));
        rows
    }

    /// Plays the planted differences, seen from the gateway: `missing_here` is in the bill only.
    fn tamper(&self, rows: &mut Vec<Row>, day: Day) {
        let day = day.to_string();
        let mut out = Vec::with_capacity(rows.len());
        for row in rows.drain(..) {
            let planted = if row.state == "SUCCESS" { self.bills.planted.get(&(day.clone(), row.number.clone())) } else { None };
            match planted {
                None => out.push(row),
                Some(Discrepancy::MissingThere) => {}
                Some(Discrepancy::Duplicate) => out.extend([row.clone(), row]),
                Some(Discrepancy::Amount) => {
                    let more = |fen: Fen| Fen(fen.0.saturating_add(1));
                    out.push(Row { total: more(row.total), settlement: more(row.settlement), ..row });
                }
                Some(Discrepancy::Fee) => out.push(Row { fee: Fen(row.fee.0.saturating_add(1)), ..row }),
                Some(Discrepancy::Status) => out.push(Row { state: "PAYERROR", ..row }),
                Some(Discrepancy::MissingHere) => {
                    let mut ghost = row.clone();
                    ghost.number = other_number(&row.number);
                    if let Some(settled) = &mut ghost.order.settled {
                        settled.transaction_id = other_number(&settled.transaction_id);
                    }
                    out.extend([row, ghost]);
                }
            }
        }
        *rows = out;
    }

    pub(crate) fn plant_in(&mut self, kind: Discrepancy, count: usize, day: Day) -> Result<Vec<String>, Complaint> {
        let date = day.to_string();
        let paid = self.orders.iter().filter(|(_, o)| o.settled.as_ref().is_some_and(|s| s.at.second().day() == day));
        let free = paid.map(|(number, _)| number.clone()).filter(|n| !self.bills.planted.contains_key(&(date.clone(), n.clone())));
        // A ghost takes the place of a number that must be nobody's.
        let free = free.filter(|n| kind != Discrepancy::MissingHere || !self.orders.contains_key(&other_number(n)));
        let chosen: Vec<String> = free.take(count).collect();
        if chosen.len() < count {
            let text = format!("the day has {} payments without a planted difference, not {count}", chosen.len());
            return Err(Complaint(text));
        }
        for number in &chosen {
            self.bills.planted.insert((date.clone(), number.clone()), kind);
        }
        let shown = |n: String| if kind == Discrepancy::MissingHere { other_number(&n) } else { n };
        Ok(chosen.into_iter().map(shown).collect())
    }

    /// Payments like one that was made.
    pub(crate) fn more(&mut self, value: &str) -> Option<()> {
        let (like, more) = more(value)?;
        let order = self.orders.get(like)?.clone();
        let settled = order.settled.clone()?;
        for More { number, total, at } in more {
            self.ledger.paid("wechat", &number, total, at).ok()?;
            let settled = Settled { transaction_id: format!("42{number}"), at, promotions: Vec::new(), ..settled.clone() };
            self.orders.insert(number, Order { settled: Some(settled), links: Vec::new(), ..order.clone() });
        }
        Some(())
    }

    fn bill_text(&self, kind: Kind, rows: &[Row]) -> String {
        let end = if self.options.bill_crlf { "\r\n" } else { "\n" };
        let mut out = String::from(if self.options.bill_bom { "\u{feff}" } else { "" });
        let line = |out: &mut String, cells: &[String], mark: &str| {
            for (at, cell) in cells.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                out.push_str(mark);
                out.push_str(cell);
            }
            out.push_str(end);
        };
        let plain = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        line(&mut out, &plain(&kind.columns()), "");
        for row in rows {
            line(&mut out, &cells(row, kind), "`");
        }
        let (words, sums) = summary(kind, rows);
        line(&mut out, &plain(&words), "");
        line(&mut out, &sums, "`");
        out
    }
}

fn in_bill(row: &Row, kind: Kind, sub: Option<&str>) -> bool {
    let kind_fits = match kind {
        Kind::All => true,
        Kind::Success => row.back.is_none(),
        Kind::Refund => row.back.is_some(),
    };
    kind_fits && sub.is_none_or(|sub| row.order.parties.sub_mchid.as_deref() == Some(sub))
}

fn payment(order: &Order, entry: &Entry, at: Millis) -> Row {
    let settlement = order.settlement(entry.total);
    let fee = settlement.0.saturating_mul(FEE_PPM).saturating_add(500_000).checked_div(1_000_000).unwrap_or(0);
    Row {
        at,
        order: order.clone(),
        number: entry.out_trade_no.clone(),
        state: "SUCCESS",
        settlement,
        coupons: order.coupons(),
        fee: Fen(fee),
        total: entry.total,
        back: None,
    }
}

fn reversal(order: &Order, entry: &Entry, refund_id: &str, at: Millis) -> Row {
    let back = Back {
        refund_id: refund_id.to_owned(),
        refund_number: entry.out_trade_no.clone(),
        amount: entry.total,
        coupons: order.coupons(),
        status: "SUCCESS",
        success_at: Some(at),
    };
    returned(order, entry, "REVOKED", back, at)
}

fn refund_row(order: &Order, entry: &Entry, out_refund_no: &str, refund: &Refunding) -> Row {
    let back = Back {
        refund_id: refund.refund_id.clone(),
        refund_number: out_refund_no.to_owned(),
        amount: refund.amount,
        coupons: Fen(refund.settlement_refund.0.saturating_sub(refund.payer_refund.0).max(0)),
        status: refund.status.word(),
        success_at: refund.success_at,
    };
    returned(order, entry, "REFUND", back, refund.created_at)
}

fn returned(order: &Order, entry: &Entry, state: &'static str, back: Back, at: Millis) -> Row {
    let number = entry.out_trade_no.clone();
    let zero = Fen::ZERO;
    Row { at, order: order.clone(), number, state, settlement: zero, coupons: zero, fee: zero, total: zero, back: Some(back) }
}

/// A fee has five decimals in the file: `0.01000`.
fn fee_text(fee: Fen) -> String {
    format!("{}000", fee.to_yuan())
}

fn cells(row: &Row, kind: Kind) -> Vec<String> {
    let order = &row.order;
    let text = |t: &str| t.to_owned();
    let (transaction_id, openid) = order.settled.as_ref().map_or(("", ""), |s| (s.transaction_id.as_str(), s.openid.as_str()));
    let mut out = vec![
        row.at.second().plain(),
        order.parties.appid.clone(),
        text(MCHID),
        order.parties.sub_mchid.clone().unwrap_or_else(|| text("0")),
        order.device_id.clone().unwrap_or_default(),
        text(transaction_id),
        row.number.clone(),
        text(openid),
        text(order.product.trade_type()),
        text(row.state),
        text(BANK_TYPE),
        text("CNY"),
        row.settlement.to_yuan(),
        row.coupons.to_yuan(),
    ];
    if kind == Kind::Refund {
        out.push(row.at.second().plain());
        out.push(row.back.as_ref().and_then(|b| b.success_at).map_or_else(String::new, |at| at.second().plain()));
    }
    if kind != Kind::Success {
        out.extend(match &row.back {
            Some(b) => {
                let (id, number) = (b.refund_id.clone(), b.refund_number.clone());
                [id, number, b.amount.to_yuan(), b.coupons.to_yuan(), text("ORIGINAL"), text(b.status)]
            }
            None => [text("0"), text("0"), text("0.00"), text("0.00"), text(""), text("")],
        });
    }
    out.extend([
        order.description.clone(),
        order.attach.clone().unwrap_or_default(),
        fee_text(row.fee),
        text("0.60%"),
        row.total.to_yuan(),
    ]);
    if kind != Kind::Success {
        out.push(row.back.as_ref().map_or(Fen::ZERO, |b| b.amount).to_yuan());
    }
    out.push(String::new());
    out
}

fn summary(kind: Kind, rows: &[Row]) -> (Vec<&'static str>, Vec<String>) {
    let sum = |of: fn(&Row) -> i64| Fen(rows.iter().fold(0, |sum: i64, row| sum.saturating_add(of(row))));
    let count = rows.len().to_string();
    let settlement = sum(|r| r.settlement.0).to_yuan();
    let fee = fee_text(sum(|r| r.fee.0));
    let total = sum(|r| r.total.0).to_yuan();
    if kind == Kind::Success {
        return (vec!["总交易单数", "应结订单总金额", "手续费总金额", "订单总金额"], vec![count, settlement, fee, total]);
    }
    let back = sum(|r| r.back.as_ref().map_or(0, |b| b.amount.0)).to_yuan();
    let coupons = sum(|r| r.back.as_ref().map_or(0, |b| b.coupons.0)).to_yuan();
    let words = vec!["总交易单数", "应结订单总金额", "退款总金额", "充值券退款总金额", "手续费总金额", "订单总金额", "申请退款总金额"];
    (words, vec![count, settlement, back.clone(), coupons, fee, total, back])
}

fn zipped(bytes: &[u8]) -> Option<Vec<u8>> {
    // No modification time: the same bytes in, the same bytes out.
    let mut writer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    writer.write_all(bytes).ok()?;
    writer.finish().ok()
}
