//! Reverses (撤销) a barcode order, whatever its outcome: an unpaid one ends reversed, a paid one gets its remainder refunded.

use super::{Code, Gateway, Refused};
use crate::domain::OrderStatus;
use crate::domain::life::{Intent, Life, RefundOrigin, Undo};
use crate::domain::refund::NewRefund;
use crate::store::{Command, Outcome};
use sluice_contract::Fen;

impl Gateway {
    /// `POST …/reverse`: takes the wish and answers the order as it stands; the worker goes on no earlier than the channel allows.
    pub async fn reverse(&self, life: Life) -> Result<Life, Refused> {
        if !life.order.is_barcode() {
            return Err(Refused::new(Code::InvalidState, "only barcode orders are reversed; close an unpaid order, refund a paid one"));
        }
        match life.order.status() {
            OrderStatus::Pending => self.reverse_pending(life).await,
            OrderStatus::Paid => self.reverse_paid(life).await,
            OrderStatus::Reversed => Ok(life),
            other => Err(Refused::new(Code::InvalidState, format!("the order is {}; there is nothing to reverse", other.word()))),
        }
    }

    async fn reverse_pending(&self, life: Life) -> Result<Life, Refused> {
        let (order_id, now) = (life.order.id.clone(), self.now());
        let mut due_at = now;
        for attempt in life.attempts.iter().filter(|a| a.status().is_open()) {
            let account = self.account_of(attempt)?;
            let profile = self.method_profile(&account, attempt)?;
            due_at = due_at.max(self.pace.reverse_at(profile.reverse.as_ref(), attempt, now));
        }
        self.change(Command::Wish { order_id, intent: Intent::MerchantReverse, verb: Undo::Reverse, at: now, due_at }).await
    }

    /// A paid order stays paid; what is left of it goes back as a refund.
    async fn reverse_paid(&self, life: Life) -> Result<Life, Refused> {
        let left =
            life.winning().and_then(|a| a.captured.minus(a.refunded)).and_then(|left| life.winning().and_then(|a| left.minus(a.refunding)));
        let Some(amount) = left.filter(|left| *left > Fen::ZERO) else { return Ok(life) };
        let new = self.new_refund(&life, amount, RefundOrigin::Reversal)?;
        let command =
            Command::RequestRefund { nonce: None, order_id: life.order.id.clone(), new: Box::new(NewRefund { send_now: false, ..new }) };
        match self.submit(command).await? {
            Outcome::RefundCreated { life, .. } => Ok(*life),
            // Somebody refunded in between: the money is on its way already.
            _ => Ok(self.life(&life.order.id).await?.unwrap_or(life)),
        }
    }
}
