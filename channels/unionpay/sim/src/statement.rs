//! The statement (76) from the books, for any clearing day, today's included, with planted differences (pack §2.9).
//!
//! In the file: payments that were taken and not reversed, by the day they were taken, and refunds and undos that succeeded, by
//! the day they ended. What was reversed never reached clearing, so it has no row (our choice). Discounts: column 36 is C with
//! what others gave, D with what the merchant gave; column 37 is what left the payer's pocket. The ZME member is there and empty.
//!
//! Differences are planted on payments. The file knows no states, so `status` shows the payment as undone: its row says 31 and
//! names itself as the original.

use crate::back::{Back, BackStatus};
use crate::fail::Fail;
use crate::message::Ask;
use crate::order::{Order, Settled, Trace, clearing_day};
use crate::party::MER_ID;
use crate::serve::{Answer, fields, other_number};
use crate::sim::UnionpaySim;
use crate::zm::{packed, record};
use sluice_contract::{Day, Fen, Millis};
use sluice_simkit::{Complaint, Discrepancy, Entry, More, State, more};
use std::collections::BTreeMap;

/// Channel fee in parts per million: 0.60 %.
const FEE_PPM: i64 = 6_000;
/// Files are ready at 09:00 (our choice; the real time is UNCONFIRMED).
const READY_S: i64 = 9 * 3600;

/// By day and number.
pub(crate) type Planted = BTreeMap<(Day, String), Discrepancy>;

/// A row before it is bytes.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) trace: Trace,
    pub(crate) txn_type: &'static str,
    pub(crate) sub_type: &'static str,
    pub(crate) biz_type: String,
    pub(crate) number: String,
    pub(crate) amount: Fen,
    /// What of the amount is the merchant's: without the discounts it gave itself.
    pub(crate) base: Fen,
    pub(crate) fee: Fen,
    /// Others' discounts are positive, the merchant's own negative.
    pub(crate) discount: i64,
    pub(crate) payer_part: Fen,
    /// Trace and number of the payment that goes back.
    pub(crate) original: Option<(Trace, String)>,
    pub(crate) sub_merchant: Option<(String, String)>,
    pub(crate) term_id: Option<String>,
    pub(crate) reserved: Option<String>,
}

impl UnionpaySim {
    pub(crate) fn statement(&mut self, ask: &Ask<'_>, now: Millis) -> Answer {
        ask.fresh_time(now, self.options.time_window_s)?;
        if ask.digits("fileType", 2, 2)? != "00" {
            return Err(Fail::format("fileType"));
        }
        let day = latest(ask.digits("settleDate", 4, 4)?, clearing_day(now)).ok_or_else(|| Fail::format("settleDate"))?;
        let ready = day.plus(1).start().plus(READY_S).millis();
        let rows = self.rows(day);
        if (self.options.late_files && now < ready) || (self.empty_day_is_98 && rows.is_empty()) {
            return Err(Fail::of("98"));
        }
        let lines: Vec<u8> = rows.iter().flat_map(record).collect();
        let date = day.compact();
        let short = date.get(2..).unwrap_or_default();
        let members = [(format!("INN{short}88ZM_{MER_ID}"), lines), (format!("INN{short}88ZME_{MER_ID}"), Vec::new())];
        let content = packed(&members).ok_or_else(|| Fail::of("99"))?;
        Ok(fields([("fileName", format!("{MER_ID}_{date}.zip")), ("fileContent", content)]))
    }

    fn rows(&self, day: Day) -> Vec<Row> {
        let mut rows = Vec::new();
        for (number, order) in self.orders.iter().filter(|(_, order)| order.settle_day() == Some(day)) {
            let Some(entry) = self.ledger.get(number).filter(|entry| entry.status == State::Paid) else { continue };
            if let Some(row) = payment(order, entry) {
                self.tampered(row, day, &mut rows);
            }
        }
        let ended = self.backs.iter().filter(|(_, back)| back.status == BackStatus::Success && back.settle_day() == day);
        rows.extend(ended.filter_map(|(number, back)| self.back_row(number, back)));
        rows.sort_by(|a, b| (a.trace.at, &a.trace.number).cmp(&(b.trace.at, &b.trace.number)));
        rows
    }

    fn back_row(&self, out_number: &str, back: &Back) -> Option<Row> {
        let (order, entry) = self.entry(&back.number)?;
        let whole = payment(order, entry)?;
        let base = part(back.amount, whole.base, entry.total);
        Some(Row {
            trace: back.trace.clone(),
            txn_type: back.kind,
            sub_type: "00",
            biz_type: back.biz_type.clone(),
            number: out_number.to_owned(),
            amount: back.amount,
            base,
            // The fee comes back with the money.
            fee: fee(base),
            discount: part(back.amount, Fen(whole.discount), entry.total).0,
            payer_part: back.payer_part,
            original: Some((whole.trace, back.number.clone())),
            sub_merchant: order.sub_merchant.clone(),
            term_id: back.term_id.clone(),
            reserved: back.req_reserved.clone(),
        })
    }

    /// Payments like one that was made.
    pub(crate) fn more(&mut self, value: &str) -> Option<()> {
        let (like, more) = more(value)?;
        let order = self.orders.get(like)?.clone();
        let settled = order.settled.clone()?;
        for More { number, total, at } in more {
            self.ledger.paid("unionpay", &number, total, at).ok()?;
            let nth = self.orders.len();
            let trace = Trace { at, number: format!("{:06}", nth.checked_rem(1_000_000)?), query_id: format!("{nth:021}") };
            let settled = Settled { at, discounts: Vec::new(), ..settled.clone() };
            self.orders.insert(number, Order { trace: Some(trace), settled: Some(settled), ..order.clone() });
        }
        Some(())
    }

    /// Plays a planted difference, seen from the gateway: `missing_here` is in the file only.
    fn tampered(&self, row: Row, day: Day, out: &mut Vec<Row>) {
        let more = |fen: Fen| Fen(fen.0.saturating_add(1));
        match self.planted.get(&(day, row.number.clone())) {
            None => out.push(row),
            Some(Discrepancy::MissingThere) => {}
            Some(Discrepancy::Duplicate) => out.extend([row.clone(), row]),
            Some(Discrepancy::Amount) => out.push(Row { amount: more(row.amount), base: more(row.base), ..row }),
            Some(Discrepancy::Fee) => out.push(Row { fee: more(row.fee), ..row }),
            Some(Discrepancy::Status) => {
                let original = Some((row.trace.clone(), row.number.clone()));
                out.push(Row { txn_type: "31", sub_type: "00", original, ..row });
            }
            Some(Discrepancy::MissingHere) => {
                let mut ghost = Row { number: other_number(&row.number), ..row.clone() };
                ghost.trace.query_id = other_number(&ghost.trace.query_id);
                out.extend([row, ghost]);
            }
        }
    }

    /// The day is the clearing day, which ends at 23:00.
    pub(crate) fn plant_in(&mut self, kind: Discrepancy, count: usize, day: Day) -> Result<Vec<String>, Complaint> {
        let paid =
            self.orders.iter().filter(|(number, order)| order.settle_day() == Some(day) && self.state_of(number) == Some(State::Paid));
        let free = paid.map(|(number, _)| number.clone()).filter(|number| !self.planted.contains_key(&(day, number.clone())));
        // A ghost takes the place of a number that must be nobody's.
        let free = free.filter(|number| kind != Discrepancy::MissingHere || !self.is_used(&other_number(number)));
        let chosen: Vec<String> = free.take(count).collect();
        if chosen.len() < count {
            let text = format!("the clearing day has {} payments without a planted difference, not {count}", chosen.len());
            return Err(Complaint(text));
        }
        for number in &chosen {
            self.planted.insert((day, number.clone()), kind);
        }
        let shown = |number: String| if kind == Discrepancy::MissingHere { other_number(&number) } else { number };
        Ok(chosen.into_iter().map(shown).collect())
    }
}

fn payment(order: &Order, entry: &Entry) -> Option<Row> {
    let (trace, settled) = order.trace.clone().zip(order.settled.as_ref())?;
    let (own, others) = settled.given();
    let base = entry.total.minus(own)?;
    Some(Row {
        trace,
        txn_type: "01",
        sub_type: order.product.sub_type(),
        biz_type: order.biz_type.clone(),
        number: entry.out_trade_no.clone(),
        amount: entry.total,
        base,
        fee: fee(base),
        discount: others.0.saturating_sub(own.0),
        payer_part: entry.payer_total,
        original: None,
        sub_merchant: order.sub_merchant.clone(),
        term_id: order.term_id.clone(),
        reserved: order.req_reserved.clone(),
    })
}

/// Rounded half up.
fn fee(base: Fen) -> Fen {
    Fen(base.0.saturating_mul(FEE_PPM).saturating_add(500_000).checked_div(1_000_000).unwrap_or(0))
}

/// `amount × whole ÷ total`, rounded towards zero.
fn part(amount: Fen, whole: Fen, total: Fen) -> Fen {
    let product = i128::from(amount.0).saturating_mul(i128::from(whole.0));
    Fen(product.checked_div(i128::from(total.0)).and_then(|fen| i64::try_from(fen).ok()).unwrap_or(0))
}

/// MMDD has no year: the latest such day up to today's.
fn latest(month_day: &str, today: Day) -> Option<Day> {
    let year: i64 = today.compact().get(..4)?.parse().ok()?;
    let (month, date) = month_day.split_at_checked(2)?;
    // Nine years hold a 29 February.
    let days = (0..9).filter_map(|back| Day::parse(&format!("{:04}-{month}-{date}", year.saturating_sub(back))));
    days.into_iter().find(|day| *day <= today)
}
