//! Tends one order that is due: the worker's whole agenda for it, read from the order itself. Every step is one exchange and one
//! commit, so dying between any two leaves an order that is due again.

use super::{Gateway, Refused};
use crate::domain::life::{Attempt, Intent, Life, Undo};
use crate::domain::{OrderId, OrderStatus, RefundStatus};
use crate::store::{Command, Outcome};
use sluice_contract::Millis;

/// More steps than any order needs at once; the rest is due again at once.
const STEPS_MAX: usize = 16;

/// The next thing to do for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Expire,
    Query(u32),
    /// The code of a payer's choice has died, and its order lives on.
    CodeDied(u32),
    /// Ask first, then undo.
    Undo(u32),
    GiveUp(u32),
    Suspend(u32),
    SendRefund(u32),
    QueryRefund(u32),
}

impl Gateway {
    /// Does whatever is due for an order now.
    pub async fn tend(&self, order_id: &OrderId) -> Result<(), Refused> {
        for _ in 0..STEPS_MAX {
            let Some(life) = self.life(order_id).await? else { return Ok(()) };
            let Some(due) = self.due(&life)? else { return Ok(()) };
            if let Some((attempt_seq, until)) = self.must_wait(&life, due)? {
                self.change(Command::Postpone { order_id: order_id.clone(), attempt_seq, at: self.now(), until }).await?;
                continue;
            }
            self.step(&life, due).await?;
        }
        Ok(())
    }

    fn due(&self, life: &Life) -> Result<Option<Due>, Refused> {
        let now = self.now();
        let is_due = |at: Option<Millis>| at.is_some_and(|at| at <= now);
        if let Some(attempt) = life.attempts.iter().find(|a| is_due(a.next_at) && !a.suspended) {
            return self.due_for(life, attempt, now).map(Some);
        }
        let refund = life.refunds.iter().find(|r| r.status() == RefundStatus::Pending && is_due(r.next_at));
        if let Some(refund) = refund {
            return Ok(Some(if refund.sent_at.is_some() { Due::QueryRefund(refund.seq) } else { Due::SendRefund(refund.seq) }));
        }
        let expired = life.order.status() == OrderStatus::Pending && life.order.intent.is_none() && now >= life.order.expires_at;
        Ok((expired && !life.is_suspended()).then_some(Due::Expire))
    }

    fn due_for(&self, life: &Life, attempt: &Attempt, now: Millis) -> Result<Due, Refused> {
        let seq = attempt.seq;
        if !attempt.status().is_open() {
            return Ok(Due::Query(seq));
        }
        let account = self.account_of(attempt)?;
        let rule = self.method_profile(&account, attempt)?.reverse;
        if attempt.undo == Some(Undo::Reverse)
            && let Some(rule) = rule
            && self.pace.reversal_is_too_late(&rule, attempt, now)
        {
            return Ok(Due::Suspend(seq));
        }
        if attempt.undo.is_some() {
            return Ok(Due::Undo(seq));
        }
        if life.outlives_attempts(now) && attempt.expires_at(&life.order) <= now {
            return Ok(Due::CodeDied(seq));
        }
        match rule {
            Some(rule) if self.pace.is_overdue(&rule, attempt, now) => Ok(Due::GiveUp(seq)),
            _ => Ok(Due::Query(seq)),
        }
    }

    /// An account whose channel answers nothing is asked by one order at a time: all others wait, or the questions about what it left open
    /// would keep it down; and asks about each when the answer will be the last.
    fn must_wait(&self, life: &Life, due: Due) -> Result<Option<(u32, Millis)>, Refused> {
        let (Due::Query(seq) | Due::Undo(seq) | Due::GiveUp(seq)) = due else { return Ok(None) };
        let Some(attempt) = life.attempt(seq) else { return Ok(None) };
        let account = self.account_of(attempt)?;
        let settled_at = self.settled_at(life, attempt, self.method_profile(&account, attempt)?);
        Ok(self.mute_until(&account.id, settled_at.unwrap_or(attempt.at)).map(|until| (seq, until)))
    }

    async fn step(&self, life: &Life, due: Due) -> Result<(), Refused> {
        let (order_id, now) = (life.order.id.clone(), self.now());
        match due {
            Due::Expire => {
                let verb = if life.order.is_barcode() { Undo::Reverse } else { Undo::Close };
                let due_at = life.attempts.iter().find(|a| a.status().is_open()).map_or(now, |a| self.undo_at(a, verb, now));
                self.change(Command::Wish { order_id, intent: Intent::Expiry, verb, at: now, due_at }).await?;
            }
            Due::CodeDied(seq) => {
                self.want_closed(life, seq, "its code has died").await?;
            }
            Due::Query(seq) => {
                self.query_attempt(life, seq).await?;
            }
            Due::GiveUp(seq) => {
                // One last look: only what is still open is undone.
                let life = self.query_attempt(life, seq).await?;
                if let Some(attempt) = life.attempt(seq).filter(|a| a.status().is_open()) {
                    let due_at = self.undo_at(attempt, Undo::Reverse, now);
                    let why = "no definite answer in time";
                    self.change(Command::WantUndone { order_id, attempt_seq: seq, verb: Undo::Reverse, at: now, due_at, why }).await?;
                }
            }
            Due::Undo(seq) => {
                // Before every try, not the first alone: the channel may have ended it by itself, and refuse to undo what has ended.
                let asked = self.query_attempt(life, seq).await?;
                if asked
                    .attempt(seq)
                    .is_some_and(|a| a.status().is_open() && a.undo.is_some() && a.next_at.is_some_and(|at| at <= self.now()))
                {
                    let (undone, _) = self.undo(&asked, seq).await?;
                    self.carry_on(undone).await?;
                }
            }
            Due::Suspend(seq) => {
                let asked = self.query_attempt(life, seq).await?;
                if asked.attempt(seq).is_some_and(|a| a.status().is_open()) {
                    tracing::error!(order = %order_id, "ALARM: an attempt can no longer be reversed and its outcome is unknown");
                    let why = "the channel no longer reverses it and does not tell its outcome";
                    self.change(Command::Suspend { order_id, attempt_seq: seq, at: now, why }).await?;
                }
            }
            Due::SendRefund(seq) => {
                let lease_until = self.pace.lease_until(now);
                let begun = self.submit(Command::BeginRefund { order_id, refund_seq: seq, at: now, lease_until }).await?;
                if let Outcome::Begun { life, go: true } = begun {
                    self.send_refund(&life, seq).await?;
                }
            }
            Due::QueryRefund(seq) => {
                self.query_refund(life, seq).await?;
            }
        }
        Ok(())
    }

    fn undo_at(&self, attempt: &Attempt, verb: Undo, now: Millis) -> Millis {
        let Ok(account) = self.account_of(attempt) else { return now };
        let rule = self.method_profile(&account, attempt).ok().and_then(|p| p.reverse);
        if verb == Undo::Reverse { self.pace.reverse_at(rule.as_ref(), attempt, now) } else { now }
    }
}
