//! A state: the order as the store holds it, what is true at the channel, and what is on its way between the two.

use super::Rules;
use crate::model::told::AMOUNT;
use crate::model::words::{Back, Said, Undone};
use sluice::domain::{Attempt, AttemptStatus, Life, OrderStatus, RefundStatus};
use sluice::store::decide::decide;
use sluice::store::view::{Held, View};
use sluice::store::{Command, Outcome};
use sluice_contract::Millis;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::mem::discriminant;

/// Times the model knows: whatever ended, ended at `ENDED`; what was asked before that bears `BEFORE`, and what was asked since, `NOW`.
pub const BEFORE: i64 = 100;
pub const ENDED: i64 = 200;
pub const NOW: i64 = 300;
/// Nothing is forbidden for its age: what is due may happen now, and may as well happen later.
pub const FAR: i64 = 400;

/// What is true of an attempt at its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum There {
    Nothing,
    Unpaid,
    Paid,
    Closed,
    Returned,
}

/// Requests of one kind: one that somebody of ours waits for, and one that nobody waits for any more and that may still be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call<A> {
    pub flying: bool,
    pub stray: bool,
    pub answer: Option<A>,
}

impl<A> Call<A> {
    pub const NONE: Call<A> = Call { flying: false, stray: false, answer: None };

    pub fn is_waited_for(&self) -> bool {
        self.flying || self.answer.is_some()
    }

    /// Nothing of it can be executed any more.
    pub fn is_settled(&self) -> bool {
        !self.flying && !self.stray
    }

    /// Whoever waited is gone, or waits no longer.
    pub fn forget(&mut self) {
        self.stray |= self.flying;
        self.flying = false;
        self.answer = None;
    }

    /// The channel has executed it, or it was lost on its way: then nobody ever answers.
    pub fn executed(&mut self, stray: bool, answer: A) {
        if stray {
            self.stray = false;
        } else {
            self.flying = false;
            self.answer = Some(answer);
        }
    }
}

/// The answer to a question, as true as it was when it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    pub said: Said,
    /// The code had died before.
    pub dead: bool,
    /// The attempt ended after it was asked.
    pub stale: bool,
}

/// One attempt's side of the channel, with what is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Desk {
    pub there: There,
    /// Nobody can pay with the code any more.
    pub dead: bool,
    /// Callbacks of its payment that are still to come.
    pub callbacks: u8,
    pub pay: Call<Said>,
    pub undo: Call<Undone>,
    pub ask: Option<Asked>,
    /// A callback that was read and is not committed yet.
    pub read: Option<Asked>,
}

impl Desk {
    pub fn new() -> Desk {
        let pay = Call { flying: true, ..Call::NONE };
        Desk { there: There::Nothing, dead: false, callbacks: 0, pay, undo: Call::NONE, ask: None, read: None }
    }

    /// Money may still be taken with it.
    pub fn is_payable(&self) -> bool {
        !self.dead && (self.there == There::Unpaid || (self.there == There::Nothing && !self.pay.is_settled()))
    }
}

/// One refund's side of the channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Return {
    pub there: Back,
    pub call: Call<Back>,
    pub ask: Option<Back>,
}

#[derive(Clone, Debug)]
pub struct State {
    pub life: Life,
    pub desks: Vec<Desk>,
    pub returns: Vec<Return>,
    /// What merchants are told, counted by kind.
    pub told: BTreeMap<String, usize>,
    /// How the order first ended.
    pub end: Option<OrderStatus>,
    pub crashes: u8,
    /// Answers that may still be lost.
    pub losses: u8,
    /// How many of the merchant's refunds were asked for.
    pub asked: usize,
    /// What must never be.
    pub wrong: Option<String>,
}

impl State {
    pub fn begin(life: Life, rules: &Rules) -> State {
        let (desks, returns, told) = (vec![Desk::new()], Vec::new(), BTreeMap::new());
        let mut state =
            State { life, desks, returns, told, end: None, crashes: rules.crashes, losses: rules.losses, asked: 0, wrong: None };
        state.forget_times();
        state
    }

    pub fn attempts(&self) -> impl Iterator<Item = (&Attempt, &Desk)> {
        self.life.attempts.iter().zip(&self.desks)
    }

    /// What the payer has paid and not got back, by the channel's books.
    pub fn kept(&self, n: usize) -> i64 {
        let of = |there| {
            let refunds = self.life.refunds.iter().zip(&self.returns);
            refunds.filter(move |(r, back)| index(r.attempt_seq) == n && back.there == there).map(|(r, _)| r.amount.0).sum::<i64>()
        };
        if self.desks[n].there == There::Paid { AMOUNT - of(Back::Succeeded) - of(Back::Accepted) } else { 0 }
    }

    /// Lets the store decide, as either engine does; what it refuses must never be asked of it.
    pub fn commit(&mut self, command: &Command) -> Option<Outcome> {
        let id = self.life.order.id.clone();
        let open: Vec<AttemptStatus> = self.life.attempts.iter().map(Attempt::status).collect();
        let mut view = View::default();
        view.lives.insert(id.clone(), Held { before: None, now: self.life.clone() });
        let outcome = decide(&mut view, command);
        self.life = view.lives.remove(&id)?.now;
        for effect in self.life.effects.drain(..) {
            *self.told.entry(effect.kind).or_default() += 1;
        }
        for (n, was) in open.into_iter().enumerate() {
            let is = self.life.attempts[n].status();
            if was != is && !is.is_open() {
                let desk = &mut self.desks[n];
                desk.ask.iter_mut().chain(&mut desk.read).for_each(|asked| asked.stale = true);
            }
        }
        // Whoever stored an attempt sends its payment; whoever dies before, has it lost on its way.
        self.desks.resize_with(self.life.attempts.len(), Desk::new);
        self.returns.resize_with(self.life.refunds.len(), || Return { there: Back::NotFound, call: Call::NONE, ask: None });
        self.end = self.end.or(Some(self.life.order.status()).filter(|status| status.is_end()));
        self.forget_times();
        outcome.map_err(|broken| self.wrong = Some(broken.to_string())).ok()
    }

    /// What grows with time and decides nothing here.
    fn forget_times(&mut self) {
        let (now, ended) = (Some(Millis(NOW)), Some(Millis(ENDED)));
        self.life.events.clear();
        self.life.order.version = 1;
        self.life.order.last_seq = 0;
        for attempt in &mut self.life.attempts {
            attempt.queries = 0;
            attempt.next_at = attempt.next_at.and(now);
            attempt.ended_at = attempt.ended_at.and(ended);
        }
        for refund in &mut self.life.refunds {
            (refund.queries, refund.version, refund.sends) = (0, 1, refund.sends.min(2));
            refund.next_at = refund.next_at.and(now);
            refund.sent_at = refund.sent_at.and(now);
        }
    }

    /// Our process dies: nobody waits for anything any more.
    pub fn crash(&mut self) {
        self.crashes -= 1;
        for desk in &mut self.desks {
            desk.pay.forget();
            desk.undo.forget();
            (desk.ask, desk.read) = (None, None);
        }
        for back in &mut self.returns {
            back.call.forget();
            back.ask = None;
        }
    }

    /// Nothing is left to be done or to be heard of.
    pub fn is_at_rest(&self) -> bool {
        let quiet = |desk: &Desk| desk.pay.is_settled() && desk.undo.is_settled() && desk.callbacks == 0;
        self.life.wake_at().is_none()
            && self
                .desks
                .iter()
                .all(|d| quiet(d) && !d.pay.is_waited_for() && !d.undo.is_waited_for() && d.ask.is_none() && d.read.is_none())
            && self.returns.iter().all(|r| r.call == Call::NONE && r.ask.is_none())
    }

    /// What our side promises is done: the order has ended, every refund has.
    pub fn is_finished(&self) -> bool {
        self.life.order.status().is_end()
            && self.life.attempts.iter().all(|a| !a.status().is_open() && a.next_at.is_none())
            && self.life.refunds.iter().all(|r| r.status() != RefundStatus::Pending)
    }
}

pub fn index(seq: u32) -> usize {
    usize::try_from(seq).unwrap_or(1) - 1
}

/// Whatever the domain decides by, and nothing else: two states of the same key have the same future.
impl Hash for State {
    fn hash<H: Hasher>(&self, to: &mut H) {
        let order = &self.life.order;
        (order.status(), order.intent.map(|i| discriminant(&i)), order.winner, order.failure.is_some()).hash(to);
        for a in &self.life.attempts {
            (a.status(), a.undo.map(|u| discriminant(&u)), a.undo_sent_at.is_some(), a.next_at.is_some(), a.late, a.suspended).hash(to);
            (a.captured.0, a.refunded.0, a.refunding.0, a.ended_at.is_some()).hash(to);
            (a.notes.declined.as_ref().map(|failure| discriminant(&failure.fault)), a.notes.action.is_some()).hash(to);
        }
        for r in &self.life.refunds {
            (r.status(), r.pending_reason, r.amount.0, r.attempt_seq, r.sent_at.is_some(), r.sends, r.next_at.is_some()).hash(to);
            (discriminant(&r.origin), r.notes.refused.is_some()).hash(to);
        }
        (&self.desks, &self.returns, &self.told, self.end, self.crashes, self.losses, self.asked, &self.wrong).hash(to);
    }
}

impl PartialEq for State {
    fn eq(&self, other: &State) -> bool {
        let key = |state: &State| {
            let mut hasher = std::hash::DefaultHasher::new();
            state.hash(&mut hasher);
            hasher.finish()
        };
        key(self) == key(other)
    }
}
