//! Refunds and their query (pack §2.7, §2.8, §6).
//!
//! How a partial refund splits (the official example): the payer's own money goes back first, then the discounts in the order
//! they were given; what the merchant gave flows to nobody, so `send_back_fee` leaves it out. Ledger amounts are gross.

use crate::check::{Biz, wrong};
use crate::fail::{Fail, Snag};
use crate::gateway::{Answer, Asked};
use crate::options::RefundFate;
use crate::order::{Order, all_back};
use crate::post::News;
use crate::sim::{AlipaySim, Timer};
use serde_json::{Map, Value, json};
use sluice_contract::{Fen, Millis};
use sluice_simkit::{Entry, RefundState, State};

/// At least three seconds between two refunds of one trade.
const GAP_MS: i64 = 3_000;
const FIELDS: &[&str] = &[
    "out_trade_no",
    "trade_no",
    "refund_amount",
    "out_request_no",
    "refund_reason",
    "refund_goods_detail",
    "refund_royalty_parameters",
    "query_options",
    "operator_id",
    "store_id",
    "terminal_id",
    "related_settle_confirm_no",
];

/// A refund that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Refunding {
    pub(crate) amount: Fen,
    /// What goes back of each part of the payment.
    pub(crate) backs: Vec<Fen>,
    pub(crate) done_at: Option<Millis>,
    reason: Option<String>,
}

impl AlipaySim {
    pub(crate) fn refund(&mut self, asked: &Asked, biz: &Biz<'_>, now: Millis) -> Answer {
        biz.only(&[FIELDS])?;
        let amount = biz.yuan("refund_amount")?.ok_or_else(|| wrong("refund_amount"))?;
        let reason = biz.owned("refund_reason", 256)?;
        let given = biz.text("out_request_no", 64)?;
        let number = self.meant(asked, biz)?;
        let out_request_no = given.unwrap_or(&number).to_owned();
        let key = (number.clone(), out_request_no.clone());
        if let Some(known) = self.refunds.get(&key) {
            return if known.amount == amount { self.refund_answer(&key, biz, false) } else { Err(Snag::Discordant.into()) };
        }
        let (order, entry) = self.entry(&number).ok_or(Snag::NoTrade)?;
        self.refundable(order, entry, amount, given.is_some(), now)?;
        if self.refund_fate == RefundFate::Fail {
            return Err(Snag::RefundNot.into());
        }
        if self.refund_fate == RefundFate::Lost {
            let mut out = self.names(&number);
            out.insert("fund_change".to_owned(), json!("N"));
            return Ok(out);
        }
        let backs = self.split(&number, order, amount);
        self.ledger.refund(&number, &out_request_no, amount, now).map_err(|_| Snag::RefundFee)?;
        self.refunds.insert(key.clone(), Refunding { amount, backs, done_at: None, reason });
        if self.refund_fate == RefundFate::Pending {
            let when = now.plus_ms(self.paced(self.options.refund_delay_ms));
            self.timers.at(when, Timer::RefundEnds(number, out_request_no));
            return self.refund_answer(&key, biz, false);
        }
        self.end_refund(&number, &out_request_no, now);
        self.refund_answer(&key, biz, true)
    }

    /// pack §3.3, §6.
    fn refundable(&self, order: &Order, entry: &Entry, amount: Fen, named: bool, now: Millis) -> Result<(), Fail> {
        match entry.status {
            State::Created | State::Paying => return Err(Snag::Status.into()),
            State::Paid if !all_back(entry) => {}
            _ => return Err(Snag::HasClose.into()),
        }
        if self.is_finished(order, now) {
            return Err(Snag::HasFinished.into());
        }
        if !named && amount != entry.total {
            return Err(Snag::RefundPartial.into());
        }
        if amount > entry.remaining() {
            return Err(Snag::RefundFee.into());
        }
        // UNCONFIRMED which code a second refund within three seconds gets; this one says: the same number again.
        if entry.refunds.iter().any(|r| now < r.at.plus_ms(self.paced(GAP_MS))) {
            return Err(Snag::System.into());
        }
        if self.funded { Ok(()) } else { Err(Snag::SellerBalance.into()) }
    }

    fn split(&self, number: &str, order: &Order, amount: Fen) -> Vec<Fen> {
        let parts = order.settled.iter().flat_map(|s| &s.parts);
        let booked: Vec<&Refunding> = self.of_order(number).map(|(_, refund)| refund).collect();
        let mut left = amount.0;
        let mut take = |(at, whole): (usize, Fen)| {
            let back = booked.iter().filter_map(|r| r.backs.get(at)).fold(0_i64, |sum, b| sum.saturating_add(b.0));
            let part = left.min(whole.0.saturating_sub(back)).max(0);
            left = left.saturating_sub(part);
            Fen(part)
        };
        parts.map(|p| p.amount).enumerate().map(&mut take).collect()
    }

    pub(crate) fn of_order(&self, number: &str) -> impl Iterator<Item = (&str, &Refunding)> {
        let number = number.to_owned();
        self.refunds.iter().filter(move |((of, _), _)| *of == number).map(|((_, out_request_no), refund)| (out_request_no.as_str(), refund))
    }

    /// What was given back by now.
    pub(crate) fn refunded(&self, number: &str) -> Fen {
        let entries = self.ledger.get(number).into_iter().flat_map(|e| &e.refunds);
        Fen(entries.filter(|r| r.status == RefundState::Succeeded).fold(0, |sum, r| sum.saturating_add(r.amount.0)))
    }

    pub(crate) fn end_refund(&mut self, number: &str, out_request_no: &str, now: Millis) {
        if self.ledger.settle(number, out_request_no, RefundState::Succeeded).is_err() {
            return;
        }
        if let Some(refund) = self.refunds.get_mut(&(number.to_owned(), out_request_no.to_owned())) {
            refund.done_at = Some(now);
        }
        let full = self.ledger.get(number).is_some_and(all_back);
        // A refund fires the trade's own notice again, where the product has one for the state it comes to (pack §5.4).
        if !full || self.orders.get(number).is_some_and(|o| o.product.tells_ends()) {
            let news = News::Refunded { out_request_no: out_request_no.to_owned(), refund_fee: self.refunded(number), full };
            self.announce(number, news, now);
        }
    }

    fn refund_answer(&self, key: &(String, String), biz: &Biz<'_>, changed: bool) -> Answer {
        let (refund, (order, entry)) = self.refunds.get(key).zip(self.entry(&key.0)).ok_or(Snag::System)?;
        let mut out = order.json(entry, self.options.payer_ids, |_| false);
        out.retain(|name, _| matches!(name.as_str(), "trade_no" | "out_trade_no" | "buyer_logon_id" | "buyer_user_id" | "buyer_open_id"));
        out.insert("fund_change".to_owned(), json!(if changed { "Y" } else { "N" }));
        out.insert("refund_fee".to_owned(), json!(self.refunded(&key.0).to_yuan()));
        if let Some(at) = refund.done_at {
            out.insert("gmt_refund_pay".to_owned(), json!(at.second().plain()));
        }
        details(order, refund, biz, &mut out);
        Ok(out)
    }

    pub(crate) fn refund_query(&self, asked: &Asked, biz: &Biz<'_>) -> Answer {
        biz.only(&[&["out_trade_no", "trade_no", "out_request_no", "query_options"]])?;
        let out_request_no = biz.text("out_request_no", 64)?.ok_or_else(|| wrong("out_request_no"))?;
        let bare = |fail: Fail| if fail == Snag::NoTrade.into() { Snag::NoTradeBare.into() } else { fail };
        let number = self.meant(asked, biz).map_err(bare)?;
        let (order, entry) = self.entry(&number).ok_or(Snag::NoTradeBare)?;
        // Not received, failed, or still under way: success without a word about it.
        let found = self.refunds.get(&(number.clone(), out_request_no.to_owned()));
        let Some((refund, done_at)) = found.and_then(|r| Some((r, r.done_at?))) else { return Ok(Map::new()) };
        let mut out = self.names(&number);
        let mut put = |name: &str, value: &str| {
            out.insert(name.to_owned(), json!(value));
        };
        put("out_request_no", out_request_no);
        put("total_amount", &entry.total.to_yuan());
        put("refund_amount", &refund.amount.to_yuan());
        put("refund_status", "REFUND_SUCCESS");
        if let Some(reason) = &refund.reason {
            put("refund_reason", reason);
        }
        if biz.asks_for("gmt_refund_pay") {
            put("gmt_refund_pay", &done_at.second().plain());
        }
        details(order, refund, biz, &mut out);
        Ok(out)
    }
}

/// The merchant's outflow and the ways the money went, when asked for.
fn details(order: &Order, refund: &Refunding, biz: &Biz<'_>, out: &mut Map<String, Value>) {
    let Some(settled) = order.settled.as_ref().filter(|_| biz.asks_for("refund_detail_item_list")) else { return };
    let ways = settled.parts.iter().zip(&refund.backs).filter(|(_, back)| back.is_positive());
    let list: Vec<Value> = ways.map(|(p, back)| json!({"fund_channel": p.fund_channel, "amount": back.to_yuan()})).collect();
    out.insert("refund_detail_item_list".to_owned(), json!(list));
    out.insert("send_back_fee".to_owned(), json!(settled.sums(&refund.backs).receipt.to_yuan()));
}
