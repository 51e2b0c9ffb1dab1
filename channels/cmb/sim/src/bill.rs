//! The bill of a day from the ledger, today included, with planted differences: statementurl and the file behind its link.
//!
//! The pack has the call and not the columns, so the file is the sandbox's own and `account_toml` writes how to read it as
//! `statement_columns`, by the contract's names. A zip with one file `cmb_yyyyMMdd.csv`: UTF-8 without mark, CRLF, a heading,
//! then one row for each payment and each refund, in order of time. No cell has a comma or a quote.
//!
//! | field | column | cells |
//! |---|---|---|
//! | `kind` | 交易类型 | 支付, 退款 |
//! | `number` | 商户订单号 | the payment's number, in refund rows too |
//! | `refund_number` | 商户退款单号 | empty in payment rows |
//! | `channel_trade_no` | 平台订单号 | cmbOrderId, of the refund in refund rows |
//! | `amount` | 交易金额 | integer fen, positive |
//! | `fee` | 手续费 | integer fen, 0.6 % rounded half up; 0 in refund rows |
//! | `state` | 交易状态 | S, P, F |
//! | `at` | 交易时间 | yyyyMMddHHmmss: paid at, refund begun at |
//! | `merchant`, `sub_merchant` | 商户号, 子商户号 | merId, subMerId or empty |
//!
//! A day without rows has the heading alone.

use crate::account::MER_ID;
use crate::check::Fields;
use crate::fail::Snag;
use crate::order::{Order, Settled};
use crate::post::token;
use crate::refund::state_word;
use crate::route::{FILE, PREFIX};
use crate::sim::CmbSim;
use crate::wire::{Answer, other_number};
use serde_json::{Map, json};
use sluice_contract::{Body, Day, Fen, Headers, HttpReply, Millis};
use sluice_simkit::{Call, Complaint, Discrepancy, More, form, more};
use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// The contract's name of a field, the column it stands in.
pub(crate) const COLUMNS: [(&str, &str); 10] = [
    ("kind", "交易类型"),
    ("number", "商户订单号"),
    ("refund_number", "商户退款单号"),
    ("channel_trade_no", "平台订单号"),
    ("amount", "交易金额"),
    ("fee", "手续费"),
    ("state", "交易状态"),
    ("at", "交易时间"),
    ("merchant", "商户号"),
    ("sub_merchant", "子商户号"),
];
/// The words of the kind column, by the contract's.
pub(crate) const WORDS: [(&str, &str); 2] = [("payment", PAYMENT), ("refund", REFUND)];
const PAYMENT: &str = "支付";
const REFUND: &str = "退款";
/// How long a link lives is not in the pack.
const LINK_LIFE_S: i64 = 300;
const FEE_PPM: i64 = 6_000;

#[derive(Clone, Debug)]
struct Row {
    at: Millis,
    number: String,
    refund_number: Option<String>,
    cmb_order_id: String,
    sub_mer_id: String,
    amount: Fen,
    fee: Fen,
    state: &'static str,
}

#[derive(Default)]
pub(crate) struct Bills {
    files: BTreeMap<String, (Millis, Vec<u8>)>,
    planted: BTreeMap<(String, String), Discrepancy>,
}

impl CmbSim {
    pub(crate) fn statement_url(&mut self, fields: &Fields<'_>, call: &Call, now: Millis) -> Answer {
        fields.merchant()?;
        let day = fields.day("billDate")?;
        if fields.text("billType", 16)?.is_some_and(|kind| kind != "zip") {
            return Err(Snag::Undefined.about("billType must be zip"));
        }
        if fields.text("urlType", 16)?.is_some_and(|kind| kind != "inner") {
            return Err(Snag::Undefined.about("urlType must be inner"));
        }
        let name = format!("cmb_{}.csv", day.compact());
        let file = zipped(&name, &bill_text(&self.rows(day))).ok_or(Snag::System)?;
        let token = token(&mut self.draw);
        self.bills.files.retain(|_, (until, _)| *until >= now);
        self.bills.files.insert(token.clone(), (now.plus_s(LINK_LIFE_S), file));
        let mut out = Map::new();
        out.insert("merId".to_owned(), json!(MER_ID));
        out.insert("fileDownloadUrl".to_owned(), json!(format!("{}{PREFIX}{FILE}?token={token}", self.address(call))));
        Ok(out.into())
    }

    /// The link itself is the permission.
    pub(crate) fn download(&self, call: &Call, now: Millis) -> HttpReply {
        let query = call.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = form::pairs(query).unwrap_or_default();
        let token = pairs.iter().find(|(name, _)| name == "token").map_or("", |(_, value)| value.as_str());
        match self.bills.files.get(token).filter(|(until, _)| *until >= now) {
            Some((_, bytes)) => {
                let headers = Headers::new(&[("Content-Type", "application/zip")]);
                HttpReply { status: 200, headers, body: Body::Bytes(bytes.clone()) }
            }
            None => HttpReply::new(404, &[("Content-Type", "text/plain")], "the link is unknown or too old"),
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

    /// Payments by the day they were paid, refunds by the day they began.
    fn rows(&self, day: Day) -> Vec<Row> {
        let on = |at: Millis| at.second().day() == day;
        let mut rows = Vec::new();
        for (number, order) in &self.orders {
            let Some((entry, at)) = self.ledger.get(number).and_then(|e| e.paid_at.filter(|at| on(*at)).map(|at| (e, at))) else {
                continue;
            };
            rows.push(Row {
                at,
                number: number.clone(),
                refund_number: None,
                cmb_order_id: order.cmb_order_id.clone(),
                sub_mer_id: order.party.sub_mer_id.clone().unwrap_or_default(),
                amount: entry.total,
                fee: fee(entry.total),
                state: "S",
            });
        }
        for (refund_number, refund) in self.refunds.iter().filter(|(_, refund)| on(refund.at)) {
            let order = self.orders.get(&refund.number);
            rows.push(Row {
                at: refund.at,
                number: refund.number.clone(),
                refund_number: Some(refund_number.clone()),
                cmb_order_id: refund.cmb_order_id.clone(),
                sub_mer_id: order.and_then(|o| o.party.sub_mer_id.clone()).unwrap_or_default(),
                amount: refund.amount,
                fee: Fen::ZERO,
                state: state_word(refund.status),
            });
        }
        let mut rows = self.tampered(rows, day);
        rows.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.number.cmp(&b.number)));
        rows
    }

    /// Payments like one that was made.
    pub(crate) fn more(&mut self, value: &str) -> Option<()> {
        let (like, more) = more(value)?;
        let order = self.orders.get(like)?.clone();
        let settled = order.settled.clone()?;
        for More { number, total, at } in more {
            self.ledger.paid("cmb", &number, total, at).ok()?;
            let settled = Settled { at, discounts: Vec::new(), ..settled.clone() };
            let cmb_order_id = format!("00{number}");
            self.orders.insert(number, Order { cmb_order_id, at, settled: Some(settled), token: None, ..order.clone() });
        }
        Some(())
    }

    /// Plays the planted differences, seen from the gateway: `missing_here` is in the bill only.
    fn tampered(&self, rows: Vec<Row>, day: Day) -> Vec<Row> {
        let day = day.to_string();
        let mut out = Vec::with_capacity(rows.len());
        for row in rows {
            let planted = if row.refund_number.is_none() { self.bills.planted.get(&(day.clone(), row.number.clone())) } else { None };
            let more = |fen: Fen| Fen(fen.0.saturating_add(1));
            match planted {
                None => out.push(row),
                Some(Discrepancy::MissingThere) => {}
                Some(Discrepancy::Duplicate) => out.extend([row.clone(), row]),
                Some(Discrepancy::Amount) => out.push(Row { amount: more(row.amount), ..row }),
                Some(Discrepancy::Fee) => out.push(Row { fee: more(row.fee), ..row }),
                Some(Discrepancy::Status) => out.push(Row { state: "F", ..row }),
                Some(Discrepancy::MissingHere) => {
                    let ghost = Row { number: other_number(&row.number), cmb_order_id: other_number(&row.cmb_order_id), ..row.clone() };
                    out.extend([row, ghost]);
                }
            }
        }
        out
    }

    pub(crate) fn plant_in(&mut self, kind: Discrepancy, count: usize, day: Day) -> Result<Vec<String>, Complaint> {
        let date = day.to_string();
        let paid = self.orders.iter().filter(|(_, o)| o.settled.as_ref().is_some_and(|s| s.at.second().day() == day));
        let free = paid.map(|(number, _)| number.clone()).filter(|n| !self.bills.planted.contains_key(&(date.clone(), n.clone())));
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

fn fee(amount: Fen) -> Fen {
    Fen(amount.0.saturating_mul(FEE_PPM).saturating_add(500_000).checked_div(1_000_000).unwrap_or(0))
}

fn bill_text(rows: &[Row]) -> String {
    let heading: Vec<&str> = COLUMNS.iter().map(|(_, column)| *column).collect();
    let mut out = format!("{}\r\n", heading.join(","));
    for row in rows {
        let kind = if row.refund_number.is_some() { REFUND } else { PAYMENT };
        let cells = [
            kind,
            &row.number,
            row.refund_number.as_deref().unwrap_or_default(),
            &row.cmb_order_id,
            &row.amount.0.to_string(),
            &row.fee.0.to_string(),
            row.state,
            &row.at.second().compact(),
            MER_ID,
            &row.sub_mer_id,
        ];
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

fn zipped(name: &str, text: &str) -> Option<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    // No time of day: the same bytes in, the same bytes out.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).last_modified_time(zip::DateTime::default());
    writer.start_file(name, options).ok()?;
    writer.write_all(text.as_bytes()).ok()?;
    Some(writer.finish().ok()?.into_inner())
}
