//! Refunds of both families, and asking about them (pack §1.6 reject, §1.7 merrefund). How a refund is split: `parts`.

use crate::check::Fields;
use crate::fail::{Fail, Family, Snag};
use crate::options::RefundFate;
use crate::parts::Parts;
use crate::reply::{Answer, Body, LIST, Told};
use crate::sim::{IcbcSim, Timer};
use crate::wire::Asked;
use sluice_contract::{Fen, Millis};
use sluice_simkit::{RefundState, State};

/// A refund that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Refunding {
    pub(crate) number: String,
    parts: Parts,
    status: RefundState,
    /// The bank's number: 30 digits.
    bank_no: String,
    at: Millis,
    fate: RefundFate,
}

impl IcbcSim {
    pub(crate) fn reject(&mut self, asked: &Asked, now: Millis) -> Answer {
        let fields = Fields(&asked.biz);
        let number = self.meant(asked, Family::A)?;
        let refund_no = fields.number("reject_no", "_-")?.to_owned();
        fields.text("oper_id", 32)?;
        self.refund(&number, &refund_no, fields.fen("reject_amt")?, now)?;
        let (told, body) = self.refund_told(&refund_no, Family::A)?;
        Ok(Told { snag: told, body })
    }

    pub(crate) fn mer_refund(&mut self, asked: &Asked, now: Millis) -> Answer {
        let fields = Fields(&asked.biz);
        let number = self.meant(asked, Family::B)?;
        let refund_no = fields.number("outtrx_serial_no", "_-")?.to_owned();
        fields.one_of("trnsc_ccy", &["001"], true)?;
        fields.text("mer_acct", 34)?;
        self.refund(&number, &refund_no, fields.fen("ret_total_amt")?, now)?;
        let (told, body) = self.refund_told(&refund_no, Family::B)?;
        Ok(Told { snag: told, body })
    }

    /// Every refund of the order, or the one whose number is told: a list as text.
    pub(crate) fn reject_query(&self, asked: &Asked) -> Answer {
        let fields = Fields(&asked.biz);
        let number = self.meant(asked, Family::A)?;
        let wanted = fields.text("reject_no", 35)?;
        let mine = self.refunds.iter().filter(|(no, r)| r.number == number && wanted.is_none_or(|wanted| wanted == no.as_str()));
        let items: Vec<String> = mine.map(|(no, refund)| item(no, refund).text(false)).collect();
        let mut body = Body::default();
        body.put("out_trade_no", &number);
        body.put("order_id", self.orders.get(&number).map_or("", |order| &order.order_id));
        body.put(LIST, &format!("[{}]", items.join(",")));
        Ok(Told::from(body))
    }

    pub(crate) fn refund_query(&self, asked: &Asked) -> Answer {
        let fields = Fields(&asked.biz);
        let number = self.meant(asked, Family::B)?;
        let refund_no = fields.number("outtrx_serial_no", "_-")?;
        if self.refunds.get(refund_no).is_none_or(|refund| refund.number != number) {
            return Err(Snag::NoBankOrder.into());
        }
        let (_, mut body) = self.refund_told(refund_no, Family::B)?;
        let status = self.refunds.get(refund_no).map(|refund| refund.status);
        body.put(
            "pay_status",
            match status {
                Some(RefundState::Succeeded) => "0",
                Some(RefundState::Failed) => "1",
                _ => "2",
            },
        );
        Ok(Told::from(body))
    }

    /// Books it. A number that was used is refused whoever used it: whether a repeat would be safe is not known (pack §1.8).
    fn refund(&mut self, number: &str, refund_no: &str, amount: Fen, now: Millis) -> Result<(), Fail> {
        if self.refunds.contains_key(refund_no) {
            return Err(Snag::RefundExists.into());
        }
        let (order, entry) = self.entry(number).ok_or(Snag::NoOrder)?;
        let paid = match entry.status {
            State::Paid => order.settled.as_ref().map(|settled| settled.parts.clone()).unwrap_or_default(),
            State::Reversed if entry.charges > 0 => return Err(Snag::AllRefunded.into()),
            _ => return Err(Snag::State.into()),
        };
        let (left, total) = (entry.remaining(), entry.total);
        if !left.is_positive() {
            return Err(Snag::AllRefunded.into());
        }
        if amount > left {
            return Err(Snag::TooMuch.into());
        }
        if !self.funded {
            return Err(Snag::NoFunds.into());
        }
        let mut back = Parts::default();
        for refund in self.refunds.values().filter(|r| r.number == number && r.status != RefundState::Failed) {
            back.add_all(&refund.parts);
        }
        let parts = paid.split(&back, amount, total);
        self.ledger.refund(number, refund_no, amount, now).map_err(|_| Snag::TooMuch)?;
        let bank_no = format!("{}{}{}", order_tail(number), now.second().compact(), self.draw.digits(12));
        let fate = self.refund_fate;
        let refunding = Refunding { number: number.to_owned(), parts, status: RefundState::Pending, bank_no, at: now, fate };
        self.refunds.insert(refund_no.to_owned(), refunding);
        match fate {
            RefundFate::Success => self.end_refund(refund_no),
            RefundFate::Pending | RefundFate::Fail => {
                let when = now.plus_ms(self.paced(self.options.refund_delay_ms));
                self.timers.at(when, Timer::RefundEnds(refund_no.to_owned()));
            }
            RefundFate::Stuck => {}
        }
        Ok(())
    }

    pub(crate) fn end_refund(&mut self, refund_no: &str) {
        let Some(refund) = self.refunds.get_mut(refund_no) else { return };
        let status = if refund.fate == RefundFate::Fail { RefundState::Failed } else { RefundState::Succeeded };
        if self.ledger.settle(&refund.number, refund_no, status).is_ok() {
            refund.status = status;
        }
    }

    /// The members of a refund's answer; 00070038 while it is not done.
    fn refund_told(&self, refund_no: &str, family: Family) -> Result<(Snag, Body), Snag> {
        let refund = self.refunds.get(refund_no).ok_or(Snag::System)?;
        let order = self.orders.get(&refund.number).ok_or(Snag::System)?;
        let mut body = Body::default();
        body.put("out_trade_no", &refund.number);
        body.put("order_id", &order.order_id);
        match family {
            Family::A => {
                body.put("reject_no", refund_no);
                refund.parts.refund_block(&mut body);
                refund.parts.refund_discounts(&mut body);
                body.put("cust_id", "");
                body.put("card_no", "");
            }
            Family::B => {
                body.put("intrx_serial_no", &refund.bank_no);
                body.put("outtrx_serial_no", refund_no);
                refund.parts.refund_block(&mut body);
                body.fen("settlement_refund_amt", refund.parts.get(crate::parts::Part::Cash));
                refund.parts.refund_third(&mut body);
                body.put("refund_time", &refund.at.second().compact());
                body.put("pay_type", order.pay_type());
            }
        }
        let snag = if refund.status == RefundState::Pending { Snag::RefundPending } else { Snag::Ok };
        Ok((snag, body))
    }
}

/// 0 doubtful, 1 done, 2 failed (pack §1.6).
fn item(refund_no: &str, refund: &Refunding) -> Body {
    let mut body = Body::default();
    body.put("reject_no", refund_no);
    body.put("icbc_reject_sq", &refund.bank_no);
    body.put(
        "reject_status",
        match refund.status {
            RefundState::Pending => "0",
            RefundState::Succeeded => "1",
            RefundState::Failed => "2",
        },
    );
    refund.parts.refund_block(&mut body);
    refund.parts.refund_discounts(&mut body);
    body
}

/// Four digits of the number, so that the bank's refund number has thirty.
fn order_tail(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    format!("{:0>4}", digits.get(digits.len().saturating_sub(4)..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::order_tail;

    #[test]
    fn a_refund_number_of_the_bank_has_thirty_digits() {
        assert_eq!(["A1", "AB", "ORDER12345"].map(order_tail), ["0001", "0000", "2345"]);
    }
}
