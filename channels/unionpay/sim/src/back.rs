//! Money on its way back: refunds (04), undos (31) and reversals (99) (pack §2.7).
//!
//! An undo is booked as a refund of the whole: it has a number of its own. Of a discounted payment, the payer's part of a
//! refund is its share in proportion, rounded down, and the last refund takes the rest; the books are gross.

use crate::fail::Fail;
use crate::hooks::Reversals;
use crate::message::Ask;
use crate::options::RefundFate;
use crate::order::{Order, Product, Trace, clearing_day};
use crate::post::News;
use crate::serve::{Answer, fields};
use crate::sign::{Fields, SignMethod};
use crate::sim::{Timer, UnionpaySim};
use sluice_contract::{Day, Fen, Millis};
use sluice_simkit::{Entry, RefundState, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BackStatus {
    Pending,
    Success,
    Failed,
}

impl BackStatus {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            BackStatus::Pending => "05",
            BackStatus::Success => "00",
            BackStatus::Failed => "01",
        }
    }
}

/// A refund or undo that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Back {
    /// The payment's number.
    pub(crate) number: String,
    /// 04 or 31.
    pub(crate) kind: &'static str,
    pub(crate) amount: Fen,
    /// What the payer gets; the rest goes back to who gave the discount.
    pub(crate) payer_part: Fen,
    pub(crate) biz_type: String,
    pub(crate) access_type: String,
    pub(crate) txn_time: String,
    pub(crate) back_url: String,
    pub(crate) req_reserved: Option<String>,
    pub(crate) term_id: Option<String>,
    pub(crate) sign_method: SignMethod,
    pub(crate) encoding: String,
    pub(crate) trace: Trace,
    pub(crate) status: BackStatus,
    pub(crate) ended_at: Millis,
    fate: RefundFate,
}

impl Back {
    /// In which file it stands: by its end, which the query tells.
    pub(crate) fn settle_day(&self) -> Day {
        clearing_day(self.ended_at)
    }
}

impl UnionpaySim {
    /// Accepts a refund or undo. 00 is accepted, not done (trap T5).
    pub(crate) fn give_back(&mut self, ask: &Ask<'_>, now: Millis) -> Answer {
        let own = |name: &str| ask.get(name).map(str::to_owned);
        ask.channel_type()?;
        let out_number = ask.number("orderId")?.to_owned();
        let amount = ask.amount()?;
        ask.currency(false)?;
        let back_url = ask.back_url()?;
        let (kind, undo) = if ask.get("txnType") == Some("31") { ("31", true) } else { ("04", false) };
        let term_id = ask.term_id()?;
        let number = self.original(ask, undo)?;
        if self.is_used(&out_number) {
            return Err(Fail::of("12"));
        }
        ask.fresh_time(now, self.options.time_window_s)?;
        self.check_back(ask, &number, amount, undo, now)?;
        let payer_part = self.payer_part(&number, amount);
        self.ledger.refund(&number, &out_number, amount, now).map_err(|_| Fail::of("36"))?;
        let trace = self.trace(&out_number, now);
        let query_id = trace.query_id.clone();
        let back = Back {
            number,
            kind,
            amount,
            payer_part,
            biz_type: own("bizType").unwrap_or_default(),
            access_type: own("accessType").unwrap_or_default(),
            txn_time: own("txnTime").unwrap_or_default(),
            back_url,
            req_reserved: own("reqReserved"),
            term_id,
            sign_method: own("signMethod").and_then(|word| SignMethod::from_word(&word)).unwrap_or(SignMethod::Certificate),
            encoding: own("encoding").unwrap_or_default(),
            trace,
            status: BackStatus::Pending,
            ended_at: now,
            fate: self.refund_fate,
        };
        if back.fate != RefundFate::Pending {
            let when = now.plus_ms(self.paced(self.options.refund_delay_ms));
            self.timers.at(when, Timer::RefundEnds(out_number.clone()));
        }
        self.backs.insert(out_number, back);
        Ok(fields([("queryId", query_id), ("txnAmt", amount.0.to_string())]))
    }

    /// The payment that is meant: origQryId must be a payment's; a refund may name number and time instead.
    fn original(&self, ask: &Ask<'_>, undo: bool) -> Result<String, Fail> {
        let by_serial = match ask.get("origQryId") {
            Some(id) => Some(self.serials.get(id).filter(|n| self.orders.contains_key(*n)).cloned().ok_or_else(|| Fail::of("35"))?),
            None => None,
        };
        let by_number = match (ask.get("origOrderId"), ask.get("origTxnTime")) {
            (Some(number), Some(time)) if !undo => {
                let found = self.orders.get(number).is_some_and(|order| order.txn_time == time);
                Some(if found { number.to_owned() } else { return Err(Fail::of("35")) })
            }
            _ => None,
        };
        match (by_serial, by_number) {
            (Some(one), Some(other)) if one != other => Err(Fail::of("36")),
            (Some(number), _) | (None, Some(number)) => Ok(number),
            (None, None) => Err(Fail::missing("origQryId")),
        }
    }

    fn check_back(&self, ask: &Ask<'_>, number: &str, amount: Fen, undo: bool, now: Millis) -> Result<(), Fail> {
        let (order, entry) = self.entry(number).ok_or_else(|| Fail::of("35"))?;
        let (Some(settled), State::Paid) = (&order.settled, entry.status) else { return Err(Fail::of("35")) };
        if !same_family(order, ask.must("bizType")?) {
            return Err(Fail::of("36"));
        }
        let standing = |kind: Option<&str>| {
            let of = self.backs.values().filter(|back| back.number == number && back.status != BackStatus::Failed);
            of.filter(|back| kind.is_none_or(|kind| kind == back.kind)).count()
        };
        if standing(Some("31")) > 0 || (undo && standing(None) > 0) {
            return Err(Fail::of("45"));
        }
        if undo {
            if !self.undo {
                return Err(Fail::of("32"));
            }
            if clearing_day(settled.at) != clearing_day(now) {
                return Err(Fail::of("35"));
            }
            if amount != entry.total {
                return Err(Fail::of("36"));
            }
        }
        let days = if order.product.is_qr() { self.options.qr_refund_days } else { self.options.refund_days };
        if now > settled.at.plus_s(days.saturating_mul(86_400)) {
            return Err(Fail::of("35"));
        }
        if amount > entry.remaining() {
            return Err(Fail::of("36"));
        }
        // The pack names no code for an empty merchant account: our choice is plain failure.
        if self.funded { Ok(()) } else { Err(Fail::of("01")) }
    }

    fn payer_part(&self, number: &str, amount: Fen) -> Fen {
        let Some(entry) = self.ledger.get(number) else { return amount };
        let standing = self.backs.values().filter(|back| back.number == number && back.status != BackStatus::Failed);
        let back = standing.fold(0_i64, |sum, back| sum.saturating_add(back.payer_part.0));
        let left = entry.payer_total.0.saturating_sub(back);
        Fen(if amount == entry.remaining() { left } else { share(amount, entry).min(left) })
    }

    pub(crate) fn end_back(&mut self, out_number: &str, now: Millis) {
        let Some(back) = self.backs.get_mut(out_number).filter(|back| back.status == BackStatus::Pending) else { return };
        let (status, booked) = match back.fate {
            RefundFate::Fail => (BackStatus::Failed, RefundState::Failed),
            _ => (BackStatus::Success, RefundState::Succeeded),
        };
        if self.ledger.settle(&back.number, out_number, booked).is_err() {
            return;
        }
        (back.status, back.ended_at) = (status, now);
        let (number, url) = (back.number.clone(), back.back_url.clone());
        let due = now.plus_ms(self.paced(self.options.notice_delay_ms));
        self.post.announce(&number, News::Back(out_number.to_owned()), url, now, due, &mut self.draw);
    }

    /// 99: the payment's own number and time, barcode only, same clearing day; once or often comes to the same.
    pub(crate) fn reversal(&mut self, ask: &Ask<'_>, now: Millis) -> Answer {
        ask.channel_type()?;
        let number = ask.number("orderId")?;
        let (order, entry) = self.entry(number).ok_or_else(|| Fail::of("35"))?;
        if ask.get("txnTime") != Some(order.txn_time.as_str()) || order.product != Product::Barcode {
            return Err(Fail::of("35"));
        }
        if clearing_day(entry.created_at) != clearing_day(now) {
            return Err(Fail::of("35"));
        }
        if entry.refunds.iter().any(|refund| refund.status != RefundState::Failed) {
            return Err(Fail::of("45"));
        }
        let moves = matches!(entry.status, State::Created | State::Paying | State::Paid);
        match self.reversals {
            Reversals::Off => return Err(Fail::of("32")),
            // Accepted, and nothing came of it: only a query tells.
            Reversals::Ignored => {}
            Reversals::On if moves => {
                if self.ledger.reverse(number).is_ok() {
                    self.forget(number);
                }
            }
            Reversals::On => {}
        }
        Ok(Fields::new())
    }
}

/// A refund speaks of the payment's family of products (pack §2): QR has its own, app orders may be of either.
fn same_family(order: &Order, biz_type: &str) -> bool {
    if order.product.is_qr() { biz_type == "000000" } else { biz_type == order.biz_type || biz_type == "000201" }
}

/// The payer's part in proportion, rounded down.
fn share(amount: Fen, entry: &Entry) -> i64 {
    let part = i128::from(amount.0).saturating_mul(i128::from(entry.payer_total.0));
    part.checked_div(i128::from(entry.total.0)).and_then(|fen| i64::try_from(fen).ok()).unwrap_or(0)
}
