//! Issues a fresh action under the same number, when the channel's code has died before the order.

use super::{Code, Gateway, Refused, resolve};
use crate::domain::life::Life;
use crate::domain::pay::Source;
use crate::domain::{AttemptStatus, OrderStatus};

impl Gateway {
    /// `POST …/action`. Only where the channel answers a repeat with the same order; the content sent is the same to the byte.
    pub async fn fresh_action(&self, life: Life) -> Result<Life, Refused> {
        if life.order.method.is_none() && life.order.status() == OrderStatus::Pending {
            // Its action is our page, which shows what lives.
            return Ok(life);
        }
        self.renew_action(life).await
    }

    /// The same for what a payer chose on our page.
    pub(super) async fn renew_action(&self, life: Life) -> Result<Life, Refused> {
        let state = |detail: &str| Refused::new(Code::InvalidState, detail);
        if life.order.status() != OrderStatus::Pending || life.order.intent.is_some() {
            return Err(state("the order no longer waits for a payment"));
        }
        if self.now() >= life.order.expires_at {
            return Err(state("the order has expired"));
        }
        let Some(attempt) = life.attempts.last().filter(|a| a.status().is_open()) else {
            return Err(state("the order has no open attempt"));
        };
        if attempt.undo.is_some() {
            return Err(Refused::new(Code::InProgress, "another account is being tried for this order; ask for the order again"));
        }
        let account = self.account_of(attempt)?;
        if !self.method_profile(&account, attempt)?.can_repeat {
            return Err(state("this method has no fresh action under the same number; close the order and place a new one"));
        }
        if attempt.status() == AttemptStatus::Sending && self.now() < attempt.at.plus_ms(self.pace.ms(40)) {
            return Err(Refused::new(Code::InProgress, "the first request to the channel is still under way"));
        }
        let directory = self.directory.load_full();
        let merchant = directory.merchant(&life.order.merchant_id).map(AsRef::as_ref);
        let pay_order = resolve::at_account(merchant, &self.pay_order(&life)?, &account.id);
        let step = account.channel.pay(&attempt.reference(&life.order), &pay_order, &self.env(&account));
        let asked = self.ask(&account, step).await;
        let attempt = attempt.clone();
        // A refusal of a repeat says nothing about the first request: the query finds out.
        let source = if asked.is_definite_failure() { Source::Query } else { Source::Pay };
        self.book(&life, &attempt, &account, asked.doubtful_if_failed(), source, None).await
    }
}
