//! What an answer about a payment does to an order, whoever brought it: the pay call, a query or a callback.

use super::candidate::Candidate;
use super::life::{Broken, Intent, Life, RefundOrigin, Undo, broken};
use super::limit::Touched;
use super::refund::NewRefund;
use super::show;
use super::state::{AttemptStatus, OrderStatus};
use serde_json::{Value, json};
use sluice_contract::{Action, Failure, FailureCode, Fault, Handles, Millis, Pay, Payment, Why};

/// Who brought the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Pay,
    Query,
    Callback,
}

/// An answer of the channel and what the flow knows around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayTold {
    pub attempt_seq: u32,
    /// What was said. Payer ids are taken out: they are in `payer_sealed`.
    pub said: Pay,
    pub source: Source,
    /// When the question was sent; an answer from before an ending says nothing about after it.
    pub asked_at: Millis,
    pub at: Millis,
    /// When to look again if the attempt is still open then.
    pub next_at: Millis,
    /// When an undo may first be sent.
    pub undo_at: Millis,
    /// `NotFound` is a definite no here (profile and time say so).
    pub not_found_final: bool,
    /// "Not paid" is a definite no when it was asked for after this, even where no close was confirmed.
    pub payable_until: Millis,
    pub payer_sealed: Option<Vec<u8>>,
    pub action_expires_at: Option<Millis>,
    /// Where the order may go if this account took nothing: the first is taken, and only while the attempt is the newest.
    pub fallback: Vec<Candidate>,
    /// The counters that may move ([`Life::counters_of`]).
    pub counters: Vec<Touched>,
    /// Least time between two refunds of one payment, for a refund this may cause.
    pub refund_gap_ms: i64,
    /// The exchange, redacted, for the trail.
    pub inner: Value,
}

impl Life {
    /// Takes an answer. Anything that is no news changes nothing but the schedule.
    pub fn take_pay(&mut self, told: &PayTold) -> Result<(), Broken> {
        let seq = told.attempt_seq;
        let attempt = self.attempt_mut(seq)?;
        // The answer to a question may be older than what a hint has made due since: that stays due, also where the attempt has ended.
        let hinted = attempt.next_at.filter(|due| told.source == Source::Query && *due > told.asked_at && *due <= told.at);
        match told.source {
            Source::Pay => attempt.notes.call_ended_at = Some(told.at),
            Source::Query => attempt.queries = attempt.queries.saturating_add(1),
            Source::Callback => {}
        }
        match &told.said {
            Pay::Paid(payment) => self.book(payment, told)?,
            Pay::Waiting(action, handles) => self.wait(action, handles, told)?,
            Pay::Closed => self.end_attempt(seq, AttemptStatus::Closed, told.at, &told.inner, &told.fallback)?,
            Pay::Reversed => self.end_attempt(seq, AttemptStatus::Reversed, told.at, &told.inner, &told.fallback)?,
            Pay::Failed(failure) => self.fail_attempt(failure, told)?,
            Pay::NotFound if told.not_found_final => self.never_arrived(told)?,
            Pay::NotFound => self.look_again(told, "the channel does not know the number yet")?,
            Pay::Unknown(why) => self.not_known(why, told)?,
        }
        let attempt = self.attempt_mut(seq)?;
        if attempt.status != AttemptStatus::Succeeded {
            attempt.next_at = attempt.next_at.or(hinted);
        }
        self.undo_what_is_left_open(told.at);
        Ok(())
    }

    fn book(&mut self, payment: &Payment, told: &PayTold) -> Result<(), Broken> {
        let order_id = self.order.id.clone();
        let order_status = self.order.status;
        let attempt = self.attempt_mut(told.attempt_seq)?;
        if attempt.status == AttemptStatus::Succeeded {
            return Ok(());
        }
        let reversal_under_way = attempt.undo == Some(Undo::Reverse) && attempt.undo_sent_at.is_some();
        let answered_before_the_end = attempt.ended_at.is_some_and(|ended| told.asked_at <= ended);
        if reversal_under_way || answered_before_the_end {
            // The money may be on its way back at this moment: only what the channel says afterwards counts.
            attempt.next_at = Some(if reversal_under_way { attempt.next_at.unwrap_or(told.next_at) } else { told.next_at });
            let data = json!({"attempt": told.attempt_seq, "why": "a reversal or close was under way"});
            self.event(told.at, "attempt.paid_unsettled", data, Some(told.inner.clone()));
            return Ok(());
        }
        if payment.amount != attempt.amount {
            return Err(broken(&order_id, format!("a payment of {} was to be booked for {}", payment.amount, attempt.amount)));
        }
        let after_its_end = !attempt.status.is_open();
        let paid_at = self.believable_paid_at(payment.paid_at, told.at);
        let attempt = self.attempt_mut(told.attempt_seq)?;
        attempt.become_status(&order_id, AttemptStatus::Succeeded)?;
        attempt.captured = attempt.amount;
        attempt.late = after_its_end || order_status != OrderStatus::Pending;
        attempt.next_at = None;
        attempt.undo = None;
        attempt.suspended = false;
        attempt.ended_at = Some(told.at);
        attempt.notes.paid_at = Some(paid_at);
        note_payment(attempt, payment, told);
        if order_status == OrderStatus::Pending { self.win(payment, told) } else { self.return_late_money(payment, told) }
    }

    fn win(&mut self, payment: &Payment, told: &PayTold) -> Result<(), Broken> {
        self.order.winner = Some(told.attempt_seq);
        let account = self.attempt(told.attempt_seq).map(|a| (a.account.clone(), a.channel.clone()));
        if let Some((account, channel)) = account {
            (self.order.account, self.order.channel) = (account, channel);
        }
        self.order.paid_at = Some(self.believable_paid_at(payment.paid_at, told.at));
        self.end_order(OrderStatus::Paid, told.at)?;
        let trail = json!({"attempt": told.attempt_seq, "amount": payment.amount, "channel_trade_no": payment.channel_trade_no});
        let about = show::order(self);
        self.tell(told.at, "order.paid", trail, about);
        self.attach_inner(&told.inner);
        if self.order.intent.take() == Some(Intent::MerchantReverse) {
            let amount = self.order.amount;
            self.add_refund(&NewRefund::automatic(told.attempt_seq, amount, RefundOrigin::Reversal, told.at, told.refund_gap_ms))?;
        }
        Ok(())
    }

    /// Money after an end, or a second time: booked on its attempt, told, and sent back. The order's end stays.
    fn return_late_money(&mut self, payment: &Payment, told: &PayTold) -> Result<(), Broken> {
        let origin = if self.order.status == OrderStatus::Paid { RefundOrigin::DuplicatePayment } else { RefundOrigin::LatePayment };
        let amount = self.order.amount;
        let trail = json!({"attempt": told.attempt_seq, "amount": amount, "origin": origin});
        let about = show::order(self);
        self.tell(told.at, "order.paid_late", trail, about);
        self.attach_inner(&told.inner);
        if payment.channel_returns {
            self.event(told.at, "attempt.held", json!({"attempt": told.attempt_seq, "why": "the channel returns it itself"}), None);
            return Ok(());
        }
        self.add_refund(&NewRefund::automatic(told.attempt_seq, amount, origin, told.at, told.refund_gap_ms))?;
        Ok(())
    }

    fn wait(&mut self, action: &Action, handles: &Handles, told: &PayTold) -> Result<(), Broken> {
        let order_id = self.order.id.clone();
        let attempt = self.attempt_mut(told.attempt_seq)?;
        if !attempt.status.is_open() {
            attempt.next_at = None;
            return if attempt.status == AttemptStatus::Abandoned { self.abandoned_unpaid(told) } else { Ok(()) };
        }
        attempt.notes.handles.extend(handles.clone());
        attempt.next_at = look_at(attempt, told);
        let news =
            attempt.status != AttemptStatus::AwaitingPayer || (*action != Action::None && attempt.notes.action.as_ref() != Some(action));
        if *action != Action::None {
            attempt.notes.action = Some(action.clone());
            attempt.notes.action_expires_at = told.action_expires_at;
        }
        if attempt.status != AttemptStatus::AwaitingPayer && attempt.notes.declined.is_none() {
            attempt.become_status(&order_id, AttemptStatus::AwaitingPayer)?;
        }
        if news {
            self.event(told.at, "attempt.awaiting_payer", json!({"attempt": told.attempt_seq}), Some(told.inner.clone()));
        } else {
            self.event(told.at, "attempt.asked", json!({"attempt": told.attempt_seq, "answer": "not paid yet"}), Some(told.inner.clone()));
        }
        Ok(())
    }

    fn not_known(&mut self, why: &Why, told: &PayTold) -> Result<(), Broken> {
        let order_id = self.order.id.clone();
        let attempt = self.attempt_mut(told.attempt_seq)?;
        attempt.notes.last_unknown = Some(format!("{}: {}", why.kind.word(), why.note));
        if attempt.status == AttemptStatus::Succeeded {
            return Ok(());
        }
        attempt.next_at = look_at(attempt, told);
        if attempt.status.is_open() {
            if told.source == Source::Pay && attempt.status != AttemptStatus::Unknown {
                attempt.become_status(&order_id, AttemptStatus::Unknown)?;
            }
            if let Some(failure) = &why.declined {
                if attempt.status != AttemptStatus::Unknown {
                    attempt.become_status(&order_id, AttemptStatus::Unknown)?;
                }
                attempt.notes.declined = Some(failure.clone());
                if attempt.undo.is_none() {
                    attempt.undo = Some(Undo::Reverse);
                    attempt.next_at = Some(told.undo_at);
                }
            }
        }
        let data = json!({"attempt": told.attempt_seq, "why": why.kind});
        self.event(told.at, "attempt.unknown", data, Some(json!({"note": why.note, "exchange": told.inner})));
        Ok(())
    }

    fn look_again(&mut self, told: &PayTold, note: &str) -> Result<(), Broken> {
        let order_id = self.order.id.clone();
        let attempt = self.attempt_mut(told.attempt_seq)?;
        match attempt.status {
            AttemptStatus::Abandoned => return self.abandoned_unpaid(told),
            status if !status.is_open() => attempt.next_at = None,
            _ => {
                attempt.next_at = look_at(attempt, told);
                if attempt.status == AttemptStatus::Sending {
                    attempt.become_status(&order_id, AttemptStatus::Unknown)?;
                }
            }
        }
        let data = json!({"attempt": told.attempt_seq, "answer": note});
        self.event(told.at, "attempt.asked", data, Some(told.inner.clone()));
        Ok(())
    }

    /// Nobody has paid an abandoned attempt, and nobody will once its code has died; before that it is looked at once more.
    fn abandoned_unpaid(&mut self, told: &PayTold) -> Result<(), Broken> {
        if told.asked_at >= told.payable_until {
            return self.end_attempt(told.attempt_seq, AttemptStatus::Closed, told.at, &told.inner, &[]);
        }
        self.attempt_mut(told.attempt_seq)?.next_at = Some(told.payable_until);
        let data = json!({"attempt": told.attempt_seq, "answer": "not paid yet"});
        self.event(told.at, "attempt.asked", data, Some(told.inner.clone()));
        Ok(())
    }

    /// The channel never had the number and never will.
    fn never_arrived(&mut self, told: &PayTold) -> Result<(), Broken> {
        let attempt = self.attempt_mut(told.attempt_seq)?;
        let was_to_be_undone = attempt.undo.is_some() || attempt.status == AttemptStatus::Abandoned;
        if was_to_be_undone {
            let to = if attempt.undo == Some(Undo::Reverse) { AttemptStatus::Reversed } else { AttemptStatus::Closed };
            return self.end_attempt(told.attempt_seq, to, told.at, &told.inner, &told.fallback);
        }
        let failure = Failure {
            code: FailureCode::ChannelUnavailable,
            fault: Fault::Account,
            message: "the channel did not receive the payment".to_owned(),
            channel_code: None,
        };
        self.fail_attempt(&failure, told)
    }

    fn fail_attempt(&mut self, failure: &Failure, told: &PayTold) -> Result<(), Broken> {
        let order_id = self.order.id.clone();
        let attempt = self.attempt_mut(told.attempt_seq)?;
        if attempt.status == AttemptStatus::Abandoned {
            // Nobody can pay it any more: nothing is left to watch, and what it holds of the limits is free.
            return self.end_attempt(told.attempt_seq, AttemptStatus::Closed, told.at, &told.inner, &[]);
        }
        if !attempt.status.is_open() {
            attempt.next_at = None;
            return Ok(());
        }
        attempt.become_status(&order_id, AttemptStatus::Failed)?;
        attempt.notes.failure = Some(failure.clone());
        attempt.next_at = None;
        attempt.ended_at = Some(told.at);
        attempt.undo = None;
        attempt.suspended = false;
        let data = json!({"attempt": told.attempt_seq, "failure": failure});
        self.event(told.at, "attempt.failed", data, Some(told.inner.clone()));
        if self.order.status != OrderStatus::Pending || self.has_open_attempt() {
            return Ok(());
        }
        self.go_on_or_fail(told.attempt_seq, failure, told.at, &told.fallback)
    }

    /// Nothing of the order is open: the next account is tried, or the payer chooses again, or the order has failed. Only an account's own fault makes another one
    /// sensible, only while nobody wants the order undone, and only after the newest attempt, which the next one was chosen for.
    pub(super) fn go_on_or_fail(&mut self, seq: u32, failure: &Failure, at: Millis, fallback: &[Candidate]) -> Result<(), Broken> {
        let newest = self.attempts.last().is_some_and(|attempt| attempt.seq == seq);
        let may_go_on = failure.fault == Fault::Account && self.order.intent.is_none() && at < self.order.expires_at && newest;
        match fallback.first().filter(|_| may_go_on) {
            Some(next) => {
                self.open_attempt(next, at);
                Ok(())
            }
            None if self.outlives_attempts(at) => Ok(()),
            None => self.fail_order(failure.clone(), at),
        }
    }

    pub(super) fn fail_order(&mut self, failure: Failure, at: Millis) -> Result<(), Broken> {
        let trail = json!({"failure": failure});
        self.order.failure = Some(failure);
        self.end_order(OrderStatus::Failed, at)?;
        let about = show::order(self);
        self.tell(at, "order.failed", trail, about);
        Ok(())
    }

    /// Whatever can still take money for an order that has ended, or beside its winner, is to be undone now.
    fn undo_what_is_left_open(&mut self, at: Millis) {
        if self.order.status == OrderStatus::Pending {
            return;
        }
        let verb = if self.order.is_barcode() { Undo::Reverse } else { Undo::Close };
        for attempt in self.attempts.iter_mut().filter(|a| a.status.is_open() && a.undo.is_none()) {
            attempt.undo = Some(verb);
            attempt.next_at = Some(at);
        }
    }

    /// The exchange belongs to the line of the trail just written.
    fn attach_inner(&mut self, inner: &Value) {
        if let Some(event) = self.events.last_mut() {
            event.inner = Some(inner.clone());
        }
    }
}

/// When to look at an open attempt again. An undo keeps its own time: an answer that comes in between neither puts it off to the
/// slow rhythm of queries nor lets it go out before the channel allows. And what a hint made due while the question was under way stays
/// due: the answer may be older than the news.
fn look_at(attempt: &super::life::Attempt, told: &PayTold) -> Option<Millis> {
    match (attempt.undo, attempt.next_at) {
        (Some(_), Some(at)) => Some(at.max(told.undo_at)),
        (None, Some(at)) if at > told.asked_at && at <= told.at => Some(at),
        _ => Some(told.next_at),
    }
}

fn note_payment(attempt: &mut super::life::Attempt, payment: &Payment, told: &PayTold) {
    let notes = &mut attempt.notes;
    notes.handles.extend(payment.handles.clone());
    notes.channel_trade_no.clone_from(&payment.channel_trade_no);
    notes.wallet = payment.wallet;
    notes.payer_amount = payment.payer_amount;
    notes.discounts.clone_from(&payment.discounts);
    notes.settle_date.clone_from(&payment.settle_date);
    notes.payer_sealed.clone_from(&told.payer_sealed);
    notes.action = None;
    notes.action_expires_at = None;
}
