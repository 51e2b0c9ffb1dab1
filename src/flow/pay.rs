//! Pays the newest attempt of an order, and goes on to the next account when the first provably took nothing: by its own word, because
//! nothing was sent, or because it has been closed at its channel. A payment code that may have been charged stays where it is.

use super::ask::{Answer, Asked};
use super::directory::Account;
use super::place_order::OrderRequest;
use super::{Gateway, Refused, resolve};
use crate::domain::life::{Attempt, Life};
use crate::domain::pay::Source;
use crate::domain::{AttemptStatus, OrderStatus};
use crate::store::Command;
use sluice_contract::{Action, Failure, FailureCode, Fault, NotFoundFrom, Pay, PayOrder};

impl Gateway {
    /// `request`: as it was asked for, payment code included.
    pub(super) async fn pay(&self, mut life: Life, request: &OrderRequest, pay_order: &PayOrder) -> Result<Life, Refused> {
        // Every account once: none is tried twice.
        for _ in 0..=self.directory.load().accounts.len() {
            let Some(attempt) = life.opened() else { break };
            let (seq, account) = (attempt.seq, self.account_of(attempt)?);
            let asked = self.ask_to_pay(&life, attempt, &account, pay_order).await;
            crate::crash::point("paid_call.before_commit");
            life = self.book(&life, attempt, &account, asked, Source::Pay, Some(request)).await?;
            if life.attempts.last().is_some_and(|newest| newest.seq == seq) {
                life = self.move_on(life, seq, &account, request).await?;
            }
        }
        Ok(life)
    }

    /// Pays what a question or a close has just opened, for an order nobody waits for any more. A payment code is gone by then, and so
    /// such an order never goes on.
    pub(super) async fn carry_on(&self, life: Life) -> Result<Life, Refused> {
        if life.opened().is_none() {
            return Ok(life);
        }
        let request = self.request_of(&life)?;
        let pay_order = self.pay_order(&life)?;
        Box::pin(self.pay(life, &request, &pay_order)).await
    }

    async fn ask_to_pay(&self, life: &Life, attempt: &Attempt, account: &Account, pay_order: &PayOrder) -> Asked<Pay> {
        let directory = self.directory.load_full();
        let merchant = directory.merchant(&life.order.merchant_id).map(AsRef::as_ref);
        let order = resolve::at_account(merchant, pay_order, &account.id);
        let step = account.channel.pay(&attempt.reference(&life.order), &order, &self.env(account));
        let asked = self.ask(account, step).await;
        self.felt(account, &asked);
        asked
    }

    /// Whether the payer's code exists is not known, and nobody has seen it: it is closed at its channel, and only when that is certain
    /// the order goes to the next account. What cannot be settled now, the worker settles.
    async fn move_on(&self, life: Life, seq: u32, account: &Account, request: &OrderRequest) -> Result<Life, Refused> {
        let Some(attempt) = life.attempt(seq) else { return Ok(life) };
        let profile = self.method_profile(account, attempt)?;
        // What only the payer's arrival makes an order cannot be closed before: there a repeat brings the code.
        let can_close = profile.can_close && profile.not_found_from == NotFoundFrom::Call && !life.order.is_barcode();
        let unseen = attempt.status() == AttemptStatus::Unknown && attempt.undo.is_none() && no_action(attempt);
        let wanted = life.order.status() == OrderStatus::Pending && life.order.intent.is_none();
        if !can_close || !unseen || !wanted || self.onward(&life, Some(request))?.is_empty() {
            return Ok(life);
        }
        let (order_id, at) = (life.order.id.clone(), self.now());
        let life = self.change(Command::WantNext { order_id, attempt_seq: seq, failure: no_answer(), at }).await?;
        // A dead channel confirms nothing: the worker closes it when it answers again.
        if self.is_mute(&account.id) { Ok(life) } else { Ok(self.undo(&life, seq).await?.0) }
    }
}

/// Nobody has been given anything to pay with.
pub(super) fn no_action(attempt: &Attempt) -> bool {
    attempt.notes.action.as_ref().is_none_or(|action| *action == Action::None)
}

/// The failure of an account that did not answer, once it is certain that it took nothing.
fn no_answer() -> Failure {
    Failure {
        code: FailureCode::ChannelUnavailable,
        fault: Fault::Account,
        message: "the channel did not answer; nothing was taken".to_owned(),
        channel_code: None,
    }
}

impl Answer<Pay> {
    /// Whether it says that the account took nothing, for a reason that another account may not have.
    #[must_use]
    pub fn is_accounts_no(&self) -> bool {
        match self {
            Answer::Is(Pay::Failed(failure)) => failure.fault == Fault::Account,
            Answer::Is(Pay::NotFound | Pay::Closed) | Answer::NotSent(_) | Answer::Refused(_) => true,
            _ => false,
        }
    }
}
