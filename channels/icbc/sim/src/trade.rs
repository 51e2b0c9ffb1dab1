//! Asking about an order, closing it, reversing it: each family in its own digits (pack §1.6, §1.7).

use crate::check::Fields;
use crate::fail::{Fail, Family, Snag};
use crate::order::{digit_a, digit_b};
use crate::party::{merchant, own_app, protocol};
use crate::reply::{Answer, Body, Told};
use crate::sim::IcbcSim;
use crate::wire::Asked;
use sluice_contract::{Millis, Wallet};
use sluice_simkit::{RefundState, State};

impl IcbcSim {
    pub(crate) fn query(&mut self, asked: &Asked, now: Millis) -> Answer {
        let number = self.meant(asked, Family::A)?;
        self.count_query(&number, now);
        let (order, entry) = self.entry(&number).ok_or(Snag::NoOrder)?;
        let mut body = Body::default();
        body.put("pay_status", digit_a(entry, self.options.wide_states));
        order.show_a(entry, &mut body);
        Ok(Told::from(body))
    }

    pub(crate) fn order_query(&mut self, asked: &Asked) -> Answer {
        let fields = Fields(&asked.biz);
        let number = self.meant(asked, Family::B)?;
        // 3 closes what a till in the cloud began: nothing here did. Without a word it is a query: nothing closes by omission.
        let flag = fields.one_of("deal_flag", &["0", "1", "2"], false)?.unwrap_or("0");
        if flag != "0" && self.state_of(&number) == Some(State::Created) {
            self.close(&number);
        }
        let (order, entry) = self.entry(&number).ok_or(Snag::NoBankOrder)?;
        let mut body = Body::default();
        body.put("pay_status", digit_b(entry.status));
        order.show_b(entry, &mut body);
        // While the payer may still pay, the answer is an error with state 2 (pack §1.8).
        let unpaid = matches!(entry.status, State::Created | State::Paying);
        Ok(Told { snag: if unpaid { Snag::ThirdUnpaid } else { Snag::Ok }, body })
    }

    /// pack §1.6: unpaid is undone, paid goes back whole; a second time is the same.
    pub(crate) fn reverse(&mut self, asked: &Asked, now: Millis) -> Answer {
        let fields = Fields(&asked.biz);
        let number = self.meant(asked, Family::A)?;
        fields.text("reject_no", 35)?;
        let entry = self.ledger.get(&number).ok_or(Snag::NoOrder)?.clone();
        if fields.text("reject_amt", 17)?.is_some() && fields.fen("reject_amt")? != entry.total {
            return Err(Fail::of("reject_amt", "must be the whole order"));
        }
        let undone = entry.status == State::Reversed;
        if !undone && self.options.reverse_same_day && entry.created_at.second().day() != now.second().day() {
            return Err(Snag::DayOver.into());
        }
        if entry.refunds.iter().any(|r| r.status != RefundState::Failed) {
            return Err(Snag::RefundExists.into());
        }
        if !undone {
            self.ledger.reverse(&number).map_err(|_| Snag::State)?;
            self.forget_links(&number);
        }
        let order = self.orders.get(&number).ok_or(Snag::NoOrder)?;
        let parts = order.settled.as_ref().map(|settled| settled.parts.clone()).unwrap_or_default();
        let mut body = Body::default();
        body.put("out_trade_no", &number);
        body.put("order_id", &order.order_id);
        body.put("reject_no", fields.text("reject_no", 35)?.unwrap_or_default());
        parts.refund_block(&mut body);
        parts.refund_discounts(&mut body);
        Ok(Told::from(body))
    }

    /// The order a request means, by number or by the bank's.
    pub(crate) fn meant(&self, asked: &Asked, family: Family) -> Result<String, Fail> {
        let fields = Fields(&asked.biz);
        let mer_id = merchant(&fields)?;
        protocol(&fields, &mer_id, false)?;
        own_app(&fields)?;
        fields.text("cust_id", 32)?;
        let (number, order_id) = (fields.text("out_trade_no", 35)?, fields.text("order_id", 35)?);
        if number.is_none() && order_id.is_none() {
            return Err(Fail::of("out_trade_no", "or order_id is missing"));
        }
        Ok(self.find(&mer_id, number, order_id, family)?)
    }

    /// A magic payer types the password while the merchant asks for the third time.
    fn count_query(&mut self, number: &str, now: Millis) {
        let Some(order) = self.orders.get_mut(number) else { return };
        let Some(left) = order.queries_to_pay.map(|left| left.saturating_sub(1)) else { return };
        order.queries_to_pay = Some(left);
        if left == 0 && self.state_of(number) == Some(State::Paying) {
            self.capture(number, Wallet::Icbc, &[], now);
        }
    }
}
