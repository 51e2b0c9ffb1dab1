//! Closes an unpaid order: at the channel first, then here. Also the one place where an undo (close or reversal) is sent.

use super::ask::Answer;
use super::{Code, Gateway, Refused};
use crate::domain::Candidate;
use crate::domain::OrderStatus;
use crate::domain::life::{Attempt, Intent, Life, Undo};
use crate::domain::undo::UndoTold;
use crate::store::{Command, Outcome};
use sluice_contract::{Fault, MethodProfile, Millis, NotFoundFrom, Undone, Why, WhyKind};

impl Gateway {
    /// `POST …/close`. The wish outlives us: what cannot be finished now, the worker finishes.
    pub async fn close(&self, life: Life) -> Result<Life, Refused> {
        match life.order.status() {
            OrderStatus::Pending => {}
            OrderStatus::Closed => return Ok(life),
            other => {
                return Err(Refused::new(Code::InvalidState, format!("the order is {}; only a pending order can be closed", other.word())));
            }
        }
        if life.order.is_barcode() {
            return Err(Refused::new(Code::InvalidState, "a barcode order is not closed but reversed: POST …/reverse"));
        }
        let (order_id, at) = (life.order.id.clone(), self.now());
        let mut life = self.change(Command::Wish { order_id, intent: Intent::MerchantClose, verb: Undo::Close, at, due_at: at }).await?;
        let mut rejected = None;
        for seq in open_attempts(&life) {
            (life, rejected) = self.undo(&life, seq).await?;
        }
        if life.order.status() == OrderStatus::Pending {
            // Not closed: because it is paid, because it will not, or because nobody answered. What the channel says now decides.
            life = self.sync(life).await?;
        }
        match (life.order.status(), rejected) {
            (OrderStatus::Closed, _) => Ok(life),
            (OrderStatus::Pending, Some(why)) => {
                Err(Refused::new(Code::ChannelRejected, format!("the channel will not close this order: {why}")))
            }
            (OrderStatus::Pending, None) => Err(Refused::new(
                Code::InProgress,
                "the channel has not confirmed the close yet; it is being finished, ask for the order again",
            )),
            (other, _) => Err(Refused::new(Code::InvalidState, format!("the order is {} by now and cannot be closed", other.word()))),
        }
    }

    /// Sends the undo an attempt is marked for, and books the answer. Answers why the channel refused, if it did.
    pub(super) async fn undo(&self, life: &Life, attempt_seq: u32) -> Result<(Life, Option<String>), Refused> {
        let Some(attempt) = life.attempt(attempt_seq) else { return Ok((life.clone(), None)) };
        let account = self.account_of(attempt)?;
        let profile = self.method_profile(&account, attempt)?;
        let (order_id, now) = (life.order.id.clone(), self.now());
        if attempt.undo == Some(Undo::Close) && !profile.can_close {
            return Ok((self.abandon(life, attempt_seq).await?, None));
        }
        let begin = Command::BeginUndo { order_id, attempt_seq, at: now, lease_until: self.pace.lease_until(now) };
        let Outcome::Begun { life, go } = self.submit(begin).await? else { return Ok((life.clone(), None)) };
        let Some((attempt, verb)) = life.attempt(attempt_seq).and_then(|a| a.undo.map(|verb| (a, verb))).filter(|_| go) else {
            return Ok((*life, None));
        };
        crate::crash::point("undo.before_send");
        let reference = attempt.reference(&life.order);
        let step = match verb {
            Undo::Close => account.channel.close(&reference, &self.env(&account)),
            Undo::Reverse => account.channel.reverse(&reference, &self.env(&account)),
        };
        let asked = self.ask(&account, step).await;
        self.heard(&account, &asked, |undone| if let Undone::Unknown(why) = undone { Some(why.kind) } else { None });
        crate::crash::point("undone.before_commit");
        let said = meaning(asked.answer);
        let rejected = match &said {
            Undone::Refused(failure) => Some(failure.message.clone()),
            _ => None,
        };
        let is_paid = said == Undone::Paid;
        let now = self.now();
        let not_found_final = self.pace.not_found_is_final(profile, attempt, attempt.expires_at(&life.order), asked.asked_at);
        // What only the payer's arrival makes an order cannot be closed before: the channel knows nothing, and its code lives on.
        let may_arrive = said == Undone::NotFound && profile.not_found_from == NotFoundFrom::Payer && !not_found_final;
        let unwaited = life.order.intent == Some(Intent::MerchantClose) || life.outlives_attempts(now);
        if may_arrive && verb == Undo::Close && unwaited {
            return Ok((self.abandon(&life, attempt_seq).await?, None));
        }
        let settled_at = self.settled_at(&life, attempt, profile).filter(|at| said == Undone::NotFound && *at > now);
        let again_at = settled_at.unwrap_or_else(|| now.plus_ms(self.undo_again_ms(attempt)));
        let fallback = self.fallback_after_close(&life, attempt, &said, not_found_final);
        let told = UndoTold {
            counters: life.counters_of(attempt_seq, None),
            attempt_seq,
            verb,
            said,
            at: now,
            next_at: again_at,
            not_found_final,
            fallback,
            inner: asked.inner,
        };
        let command = Command::TakeUndone { order_id: life.order.id.clone(), told: Box::new(told) };
        let life = self.change(command).await?;
        // What the query says is the truth that is booked.
        let life = if is_paid { self.query_attempt(&life, attempt_seq).await? } else { life };
        Ok((life, rejected))
    }

    /// Where an order goes once the attempt that stood in the way is closed.
    fn fallback_after_close(&self, life: &Life, attempt: &Attempt, said: &Undone, not_found_final: bool) -> Vec<Candidate> {
        let closed = *said == Undone::Closed || (*said == Undone::NotFound && not_found_final);
        let for_the_next = attempt.notes.declined.as_ref().is_some_and(|failure| failure.fault == Fault::Account);
        let wanted = closed && for_the_next && attempt.undo == Some(Undo::Close) && life.order.intent.is_none();
        if wanted { self.onward(life, None).unwrap_or_default() } else { Vec::new() }
    }

    /// Closes what the channel will not promise to be closed: its attempt is watched until its code has died. Asked first, so that what
    /// is paid already is paid; and asked after, because a hint of a payment may have come in between.
    async fn abandon(&self, life: &Life, attempt_seq: u32) -> Result<Life, Refused> {
        let asked = self.query_attempt(life, attempt_seq).await?;
        let open = asked.attempt(attempt_seq).filter(|a| a.status().is_open() && a.undo == Some(Undo::Close));
        let Some(attempt) = open else { return Ok(asked) };
        let account = self.account_of(attempt)?;
        let payable_until = self.pace.payable_until(self.method_profile(&account, attempt)?, attempt, attempt.expires_at(&asked.order));
        let (order_id, at) = (asked.order.id.clone(), self.now());
        let abandoned = self.change(Command::Abandon { order_id, attempt_seq, payable_until, at }).await?;
        self.query_attempt(&abandoned, attempt_seq).await
    }

    /// What the payer of a cashier order has left, or what has died, is to be closed at its channel; the order lives on.
    pub(super) async fn want_closed(&self, life: &Life, attempt_seq: u32, why: &'static str) -> Result<Life, Refused> {
        let (order_id, at) = (life.order.id.clone(), self.now());
        self.change(Command::WantUndone { order_id, attempt_seq, verb: Undo::Close, at, due_at: at, why }).await
    }

    /// From when a close for the next account's sake is answered for good, whatever the answer. Nobody hurries it: no payer has the code, and
    /// what the channel does not know before may still arrive.
    pub(super) fn settled_at(&self, life: &Life, attempt: &Attempt, profile: &MethodProfile) -> Option<Millis> {
        let for_the_next = attempt.notes.declined.is_some() && attempt.undo == Some(Undo::Close);
        for_the_next.then(|| self.pace.not_found_final_at(profile, attempt, attempt.expires_at(&life.order)).plus_ms(1))
    }

    /// How long to wait before the same undo is sent again: short while the payer stands at the till, long after an hour.
    fn undo_again_ms(&self, attempt: &Attempt) -> i64 {
        let age_ms = self.now().since_ms(attempt.at);
        if age_ms < self.pace.ms(300) {
            self.pace.ms(5)
        } else if age_ms < self.pace.ms(3600) {
            self.pace.ms(30)
        } else {
            self.pace.ms(600)
        }
    }
}

/// Attempts that may still take money.
pub(super) fn open_attempts(life: &Life) -> Vec<u32> {
    life.attempts.iter().filter(|a| a.status().is_open()).map(|a| a.seq).collect()
}

fn meaning(answer: Answer<Undone>) -> Undone {
    match answer {
        Answer::Is(said) => said,
        Answer::NotSent(note) | Answer::MaybeSent(note) => Undone::Unknown(Why::new(WhyKind::NoAnswer, note)),
        Answer::Refused(refusal) => Undone::Unknown(Why::new(WhyKind::Configuration, refusal.inner)),
    }
}
