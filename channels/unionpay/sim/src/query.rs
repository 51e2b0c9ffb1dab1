//! Queries of payments, refunds and undos: respCode is whether the query worked, origRespCode the state (pack §2.6).
//!
//! What the pack leaves open and a hook can change: an order nobody paid yet says 05, an expired one 01, a reversed one 46.

use crate::back::{Back, BackStatus};
use crate::fail::{Fail, message};
use crate::message::Ask;
use crate::order::{Order, month_day};
use crate::serve::{Answer, fields};
use crate::sign::Fields;
use crate::sim::UnionpaySim;
use sluice_contract::Millis;
use sluice_simkit::{Entry, State};

impl UnionpaySim {
    /// By number and the *original* txnTime (trap T8), or by queryId.
    pub(crate) fn query(&mut self, ask: &Ask<'_>, sub: &str, now: Millis) -> Answer {
        let number = if sub == "02" {
            self.serials.get(ask.digits("queryId", 20, 21)?).cloned().ok_or_else(|| Fail::of("34"))?
        } else {
            ask.number("orderId")?.to_owned()
        };
        let of_time = |txn_time: &str| sub == "02" || ask.get("txnTime") == Some(txn_time);
        if let Some(back) = self.backs.get(&number).filter(|back| of_time(&back.txn_time)).cloned() {
            return Ok(self.told_back(&number, &back));
        }
        if !self.orders.get(&number).is_some_and(|order| of_time(&order.txn_time)) {
            return Err(Fail::of("34"));
        }
        self.count_query(&number, now);
        let code = self.state_code(&number);
        if code == "34" {
            return Err(Fail::of("34"));
        }
        let mut out = self.told_payment(&number);
        out.insert("origRespCode".to_owned(), code.to_owned());
        out.insert("origRespMsg".to_owned(), message(code));
        Ok(out)
    }

    fn count_query(&mut self, number: &str, now: Millis) {
        let Some(left) = self.orders.get_mut(number).and_then(|order| order.queries_left.as_mut()) else { return };
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.capture(number, &[], "00", now);
        }
    }

    /// The state of a payment in the pack's codes.
    pub(crate) fn state_code(&self, number: &str) -> &'static str {
        let Some((order, entry)) = self.entry(number) else { return "34" };
        let settled = order.settled.as_ref().map_or("00", |settled| settled.code);
        match entry.status {
            State::Paid => settled,
            // Late money that UnionPay returned by itself still says that it came late.
            State::Reversed if settled == "42" => "42",
            State::Reversed => self.reversed_shows,
            State::Failed => order.failure.unwrap_or("01"),
            State::Closed => order.failure.unwrap_or(self.expired_shows),
            State::Created => order.failure.unwrap_or(self.unpaid_shows),
            State::Paying => order.pending,
        }
    }

    /// What query answers and notices say of a payment, its state aside.
    pub(crate) fn told_payment(&mut self, number: &str) -> Fields {
        let Some((order, entry)) = self.entry(number) else { return Fields::new() };
        let mut out = payment(order, entry);
        let (paid, method) = (order.settled.is_some(), order.sign_method);
        if paid {
            let card = self.card(method);
            out.insert("accNo".to_owned(), card);
            out.insert("payCardType".to_owned(), "01".to_owned());
        }
        out
    }

    pub(crate) fn told_back(&self, number: &str, back: &Back) -> Fields {
        let code = back.status.code();
        let amount = back.amount.0.to_string();
        let mut out = fields([
            ("orderId", number.to_owned()),
            ("txnTime", back.txn_time.clone()),
            ("txnType", back.kind.to_owned()),
            ("txnSubType", "00".to_owned()),
            ("txnAmt", amount.clone()),
            ("currencyCode", "156".to_owned()),
            ("queryId", back.trace.query_id.clone()),
            ("traceNo", back.trace.number.clone()),
            ("traceTime", back.trace.time()),
            ("origRespCode", code.to_owned()),
            ("origRespMsg", message(code)),
        ]);
        if back.status == BackStatus::Success {
            out.append(&mut fields([
                ("settleAmt", amount),
                ("settleCurrencyCode", "156".to_owned()),
                ("settleDate", month_day(back.settle_day())),
            ]));
        }
        if let Some(reserved) = &back.req_reserved {
            out.insert("reqReserved".to_owned(), reserved.clone());
        }
        out
    }
}

fn payment(order: &Order, entry: &Entry) -> Fields {
    let mut out = fields([
        ("orderId", entry.out_trade_no.clone()),
        ("txnTime", order.txn_time.clone()),
        ("txnType", "01".to_owned()),
        ("txnSubType", order.product.sub_type().to_owned()),
        ("txnAmt", entry.total.0.to_string()),
        ("currencyCode", "156".to_owned()),
    ]);
    if let Some(trace) = &order.trace {
        out.append(&mut fields([
            ("queryId", trace.query_id.clone()),
            ("traceNo", trace.number.clone()),
            ("traceTime", trace.time()),
            ("issuerIdentifyMode", "0".to_owned()),
        ]));
    }
    if let Some(day) = order.settle_day() {
        out.append(&mut fields([
            ("settleAmt", entry.total.0.to_string()),
            ("settleCurrencyCode", "156".to_owned()),
            ("settleDate", month_day(day)),
        ]));
    }
    if let Some(reserved) = &order.req_reserved {
        out.insert("reqReserved".to_owned(), reserved.clone());
    }
    out
}
