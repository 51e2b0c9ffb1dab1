//! Closing and reversing: what somebody wants undone, what the channel says of it, and how the order then ends.

use super::candidate::Candidate;
use super::life::{Broken, Intent, Life, Undo};
use super::limit::Touched;
use super::show;
use super::state::{AttemptStatus, OrderStatus};
use serde_json::{Value, json};
use sluice_contract::{Failure, Millis, Undone};

/// An answer of the channel to a close or a reversal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoTold {
    pub attempt_seq: u32,
    pub verb: Undo,
    pub said: Undone,
    pub at: Millis,
    /// When to try or ask again.
    pub next_at: Millis,
    pub not_found_final: bool,
    /// Where the order may go once the attempt is undone, if it was undone for that.
    pub fallback: Vec<Candidate>,
    /// The counters that may move ([`Life::counters_of`]).
    pub counters: Vec<Touched>,
    pub inner: Value,
}

/// What became of somebody's wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// It is in force; the attempts to undo are marked.
    Taken,
    /// The order has ended already.
    TooLate,
}

impl Life {
    /// Somebody wants the order undone. Kept with the order until it is, across crashes.
    /// `due_at`: when the channel allows the undoing at the earliest. Where nothing is open, no channel has to be asked.
    pub fn wish(&mut self, intent: Intent, verb: Undo, at: Millis, due_at: Millis) -> Result<Wish, Broken> {
        if self.order.status != OrderStatus::Pending {
            return Ok(Wish::TooLate);
        }
        if self.order.intent == Some(intent) {
            return Ok(Wish::Taken);
        }
        // A merchant's reversal is the strongest wish: it also returns money that turns out to be taken.
        if self.order.intent != Some(Intent::MerchantReverse) {
            self.order.intent = Some(intent);
        }
        for attempt in self.attempts.iter_mut().filter(|a| a.status.is_open()) {
            attempt.undo.get_or_insert(verb);
            attempt.next_at = Some(due_at);
        }
        self.event(at, "order.undo_wanted", json!({"why": intent}), None);
        if !self.has_open_attempt() {
            self.end_and_tell(OrderStatus::Closed, "order.closed", at)?;
        }
        Ok(Wish::Taken)
    }

    /// An attempt that stayed open too long, or was declined, is to be reversed.
    pub fn want_undone(&mut self, seq: u32, verb: Undo, at: Millis, due_at: Millis, why: &str) -> Result<(), Broken> {
        let attempt = self.attempt_mut(seq)?;
        if attempt.status.is_open() && attempt.undo.is_none() {
            attempt.undo = Some(verb);
            attempt.next_at = Some(due_at);
            self.event(at, "attempt.undo_wanted", json!({"attempt": seq, "undo": verb, "why": why}), None);
        }
        Ok(())
    }

    /// An attempt that nobody can have paid is to be closed for the sake of the next account; the order fails like this if there is none.
    pub fn want_next(&mut self, seq: u32, failure: &Failure, at: Millis) -> Result<(), Broken> {
        let wanted = self.order.status == OrderStatus::Pending && self.order.intent.is_none();
        let attempt = self.attempt_mut(seq)?;
        if wanted && attempt.status == AttemptStatus::Unknown && attempt.undo.is_none() {
            attempt.undo = Some(Undo::Close);
            attempt.next_at = Some(at);
            attempt.notes.declined = Some(failure.clone());
            let data = json!({"attempt": seq, "undo": Undo::Close, "why": "the next account is to be tried"});
            self.event(at, "attempt.undo_wanted", data, None);
        }
        Ok(())
    }

    /// From this commit on the undo request may have been sent. `lease_until`: when somebody else looks, if we die.
    pub fn begin_undo(&mut self, seq: u32, at: Millis, lease_until: Millis) -> Result<bool, Broken> {
        let attempt = self.attempt_mut(seq)?;
        if !attempt.status.is_open() || attempt.undo.is_none() {
            return Ok(false);
        }
        attempt.undo_sent_at.get_or_insert(at);
        attempt.next_at = Some(lease_until);
        Ok(true)
    }

    /// Takes the channel's answer to a close or reversal.
    pub fn take_undone(&mut self, told: &UndoTold) -> Result<(), Broken> {
        let seq = told.attempt_seq;
        let ended = match told.verb {
            Undo::Close => AttemptStatus::Closed,
            Undo::Reverse => AttemptStatus::Reversed,
        };
        match &told.said {
            Undone::Closed | Undone::Returned => self.end_attempt(seq, ended, told.at, &told.inner, &told.fallback),
            Undone::NotFound if told.not_found_final => self.end_attempt(seq, ended, told.at, &told.inner, &told.fallback),
            Undone::Paid => self.not_undone(("answer", json!("the channel says paid")), told),
            Undone::Refused(failure) => self.not_undone(("failure", json!(failure)), told),
            Undone::Busy | Undone::NotFound | Undone::Unknown(_) => self.undo_later(told),
        }
    }

    /// The channel says paid, or refuses for good, which says nothing about paid or unpaid: certainly not undone, and the query that
    /// follows tells the rest. An expiry or a reversal stays wanted until then; a merchant's close is over.
    fn not_undone(&mut self, why: (&str, Value), told: &UndoTold) -> Result<(), Broken> {
        let by_merchant = self.order.intent == Some(Intent::MerchantClose);
        if by_merchant {
            self.order.intent = None;
        }
        let attempt = self.attempt_mut(told.attempt_seq)?;
        if attempt.status.is_open() {
            attempt.undo = attempt.undo.filter(|_| !by_merchant);
            attempt.undo_sent_at = None;
            attempt.next_at = Some(told.next_at);
        }
        let data = json!({"attempt": told.attempt_seq, "undo": told.verb, (why.0): why.1});
        self.event(told.at, "attempt.undo_refused", data, Some(told.inner.clone()));
        Ok(())
    }

    fn undo_later(&mut self, told: &UndoTold) -> Result<(), Broken> {
        let attempt = self.attempt_mut(told.attempt_seq)?;
        if attempt.status.is_open() {
            attempt.next_at = Some(told.next_at);
        }
        let note = match &told.said {
            Undone::Busy => "busy".to_owned(),
            Undone::Unknown(why) => format!("{}: {}", why.kind.word(), why.note),
            _ => "not found yet".to_owned(),
        };
        let data = json!({"attempt": told.attempt_seq, "undo": told.verb});
        self.event(told.at, "attempt.undo_unsettled", data, Some(json!({"note": note, "exchange": told.inner})));
        Ok(())
    }

    /// Where the channel cannot confirm a close: the order closes, the attempt is watched once more after its code has died.
    pub fn abandon(&mut self, seq: u32, payable_until: Millis, at: Millis) -> Result<(), Broken> {
        let order_id = self.order.id.clone();
        let attempt = self.attempt_mut(seq)?;
        if !attempt.status.is_open() {
            return Ok(());
        }
        attempt.become_status(&order_id, AttemptStatus::Abandoned)?;
        attempt.undo = None;
        attempt.next_at = Some(payable_until);
        attempt.ended_at = Some(at);
        self.event(at, "attempt.abandoned", json!({"attempt": seq, "payable_until": payable_until.rfc3339()}), None);
        self.end_order_if_nothing_is_open(seq, at, &[])
    }

    /// Nothing automatic is left to try: listed and alarmed until a person or reconciliation ends it. Never guessed.
    pub fn suspend(&mut self, seq: u32, at: Millis, why: &str) -> Result<(), Broken> {
        let attempt = self.attempt_mut(seq)?;
        if attempt.status.is_open() && !attempt.suspended {
            attempt.suspended = true;
            attempt.next_at = None;
            self.event(at, "attempt.suspended", json!({"attempt": seq, "why": why}), None);
        }
        Ok(())
    }

    /// The channel has told that this attempt will take no money. `fallback`: where the order may go.
    pub(super) fn end_attempt(
        &mut self,
        seq: u32,
        to: AttemptStatus,
        at: Millis,
        inner: &Value,
        fallback: &[Candidate],
    ) -> Result<(), Broken> {
        let order_id = self.order.id.clone();
        let attempt = self.attempt_mut(seq)?;
        if attempt.status == AttemptStatus::Succeeded {
            attempt.notes.contradicted = Some(to);
            let data = json!({"attempt": seq, "says": to, "booked": "succeeded"});
            self.event(at, "attempt.contradiction", data, Some(inner.clone()));
            return Ok(());
        }
        // What was abandoned only has to be over.
        let to = if attempt.status == AttemptStatus::Abandoned { AttemptStatus::Closed } else { to };
        if !attempt.status.may_become(to) {
            attempt.next_at = None;
            return Ok(());
        }
        attempt.become_status(&order_id, to)?;
        attempt.next_at = None;
        attempt.undo = None;
        attempt.suspended = false;
        attempt.ended_at = Some(at);
        let kind = if to == AttemptStatus::Reversed { "attempt.reversed" } else { "attempt.closed" };
        self.event(at, kind, json!({"attempt": seq}), Some(inner.clone()));
        self.end_order_if_nothing_is_open(seq, at, fallback)
    }

    fn end_order_if_nothing_is_open(&mut self, seq: u32, at: Millis, fallback: &[Candidate]) -> Result<(), Broken> {
        if self.order.status != OrderStatus::Pending || self.has_open_attempt() {
            return Ok(());
        }
        let ended = self.attempt(seq).map(|a| (a.status, a.notes.declined.clone()));
        let reverse_wanted = self.order.intent == Some(Intent::MerchantReverse);
        // Whoever closes an order while its next account is being made ready has it closed, not failed.
        let close_wanted = self.order.intent == Some(Intent::MerchantClose);
        match ended {
            Some((_, Some(declined))) if !reverse_wanted && !close_wanted => self.go_on_or_fail(seq, &declined, at, fallback),
            _ if self.outlives_attempts(at) => Ok(()),
            Some((AttemptStatus::Reversed, _)) => self.end_and_tell(OrderStatus::Reversed, "order.reversed", at),
            _ if reverse_wanted => self.end_and_tell(OrderStatus::Reversed, "order.reversed", at),
            _ => self.end_and_tell(OrderStatus::Closed, "order.closed", at),
        }
    }

    fn end_and_tell(&mut self, to: OrderStatus, kind: &str, at: Millis) -> Result<(), Broken> {
        let why = self.order.intent;
        self.end_order(to, at)?;
        let about = show::order(self);
        self.tell(at, kind, json!({"why": why}), about);
        Ok(())
    }
}
