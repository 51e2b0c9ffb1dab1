//! What the router learns from: whether a channel answers, and how attempts end. Each node learns by itself; a new one begins with what the
//! books say of the last half hour.

use super::ask::{Answer, Asked};
use super::directory::Account;
use super::{Gateway, Refused};
use crate::domain::life::{Attempt, Life, Order};
use crate::domain::route::health::{Shown, Sign};
use crate::domain::route::memory::Segment;
use crate::domain::route::success::Reading;
use crate::domain::{AttemptStatus, Name, OrderStatus};
use crate::store::{Answer as Read, OrderFilter, Query};
use sluice_contract::{FailureCode, Fault, Method, Millis, Pay, WhyKind};
use std::sync::PoisonError;

/// What a new process looks back at.
const RECALL_MS: i64 = 30 * 60_000;
const RECALL_PAGES: usize = 20;
const PAGE: u32 = 100;

/// What this node knows of an account, for operators.
#[derive(Clone, Debug)]
pub struct Pulse {
    pub health: Shown,
    /// By method, as far as anything is known.
    pub success: Vec<(Method, Reading)>,
}

impl Gateway {
    #[must_use]
    pub fn pulse_of(&self, account: &Account) -> Pulse {
        let (now, directory) = (self.now(), self.directory.load());
        let (guard, taste) = (&directory.routing.guard, &directory.routing.taste);
        let memory = self.routing.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |method: &Method| Some((*method, memory.of_method(&account.id, *method, now, taste)?));
        Pulse { health: memory.health.shown(&account.id, now, guard), success: account.methods.iter().filter_map(read).collect() }
    }

    /// Takes what a payment call says of its channel: answered, or the channel's own fault. A decline is an answer.
    pub(super) fn felt(&self, account: &Account, asked: &Asked<Pay>) {
        if let Some(sign) = self.sign(asked, |pay| if let Pay::Unknown(why) = pay { Some(why.kind) } else { None }) {
            self.told(account, sign);
        }
    }

    /// The same of a question beside a payment. `unknown`: why an answer is none.
    pub(super) fn heard<T>(&self, account: &Account, asked: &Asked<T>, unknown: impl Fn(&T) -> Option<WhyKind>) {
        let Some(sign) = self.sign(asked, unknown) else { return };
        let guard = self.directory.load().routing.guard;
        self.routing.lock().unwrap_or_else(PoisonError::into_inner).health.asked(&account.id, sign, self.now(), &guard);
    }

    /// Whether its channel is believed dead: it answers neither payments nor questions.
    pub(super) fn is_mute(&self, account: &str) -> bool {
        self.directory.load().routing.guard.enabled && self.routing.lock().unwrap_or_else(PoisonError::into_inner).health.is_mute(account)
    }

    /// Until when the worker asks nothing there about an order whose question can be answered for good from `not_before` on.
    pub(super) fn mute_until(&self, account: &str, not_before: Millis) -> Option<Millis> {
        if !self.directory.load().routing.guard.enabled {
            return None;
        }
        self.routing.lock().unwrap_or_else(PoisonError::into_inner).health.mute_until(account, not_before, self.now())
    }

    fn sign<T>(&self, asked: &Asked<T>, unknown: impl Fn(&T) -> Option<WhyKind>) -> Option<Sign> {
        match &asked.answer {
            Answer::NotSent(_) | Answer::MaybeSent(_) => Some(Sign::Fault),
            Answer::Is(said) if unknown(said).is_some_and(is_fault) => Some(Sign::Fault),
            // Our own code refused: nothing was asked.
            Answer::Refused(_) => None,
            Answer::Is(_) => Some(Sign::Answered { ms: self.now().since_ms(asked.asked_at) }),
        }
    }

    fn told(&self, account: &Account, sign: Sign) {
        let now = self.now();
        let guard = self.directory.load().routing.guard;
        let turned = self.routing.lock().unwrap_or_else(PoisonError::into_inner).health.told(&account.id, sign, now, &guard);
        match turned {
            Some(true) => {
                self.metrics.breaker(&account.id, "opened");
                tracing::error!(account = %account.id, "ALARM: the channel of this account does not answer; orders go elsewhere");
            }
            Some(false) => {
                self.metrics.breaker(&account.id, "closed");
                tracing::warn!(account = %account.id, "the channel of this account answers again");
            }
            None => {}
        }
    }

    /// Takes what the lines just added to an order's trail say of its accounts.
    pub(super) fn learn(&self, life: &Life) {
        let ended =
            |kind: &str| matches!(kind, "order.paid" | "order.paid_late" | "attempt.failed" | "attempt.closed" | "attempt.abandoned");
        let told = life.events.iter().filter(|event| ended(&event.kind));
        let attempts = told.filter_map(|event| event.data.get("attempt")?.as_u64()).filter_map(|seq| u32::try_from(seq).ok());
        for attempt in attempts.filter_map(|seq| life.attempt(seq)) {
            self.ended(&life.order, attempt, self.now());
        }
    }

    fn ended(&self, order: &Order, attempt: &Attempt, at: Millis) {
        let Some(good) = verdict(order, attempt) else { return };
        let account = Name::from(attempt.account.as_str());
        let segment = Segment { account: &account, method: attempt.method, amount: order.amount };
        let directory = self.directory.load();
        self.routing.lock().unwrap_or_else(PoisonError::into_inner).ended(segment, good, at, &directory.routing.taste);
    }

    /// Learns from the newest orders of the books, oldest first.
    ///
    /// # Errors
    /// The books cannot be read.
    pub async fn recall(&self) -> Result<(), Refused> {
        let from = self.now().plus_ms(-RECALL_MS);
        let mut filter = OrderFilter { created_from: Some(from), limit: PAGE, ..OrderFilter::default() };
        let mut known = Vec::new();
        for _ in 0..RECALL_PAGES {
            let Read::Lives(lives) = self.store.read(Query::Orders(filter.clone())).await.map_err(Refused::from)? else { break };
            let Some(oldest) = lives.last() else { break };
            filter.before = Some(oldest.order.id.clone());
            known.extend(lives);
        }
        for life in known.iter().rev() {
            for attempt in &life.attempts {
                self.answered(attempt);
                self.ended(&life.order, attempt, attempt.ended_at.unwrap_or(attempt.at));
            }
        }
        Ok(())
    }

    /// Whether an attempt's channel answered the call, as the books have it.
    fn answered(&self, attempt: &Attempt) {
        let Some(ended_at) = attempt.notes.call_ended_at else { return };
        let unreachable = attempt.notes.failure.as_ref().is_some_and(|failure| failure.code == FailureCode::ChannelUnavailable);
        let silent = attempt.status() == AttemptStatus::Unknown && attempt.notes.declined.is_none();
        let sign = if unreachable || silent { Sign::Fault } else { Sign::Answered { ms: ended_at.since_ms(attempt.at) } };
        let guard = self.directory.load().routing.guard;
        self.routing.lock().unwrap_or_else(PoisonError::into_inner).health.told(&attempt.account, sign, ended_at, &guard);
    }
}

/// What is the channel's fault as far as we can tell.
const fn is_fault(why: WhyKind) -> bool {
    matches!(why, WhyKind::NoAnswer | WhyKind::Unreadable | WhyKind::BadSignature)
}

/// Whether an attempt speaks for its account: paid does; an account's own failure, and a code that died unpaid, speak against it. What
/// the payer or the merchant decided says nothing.
pub(super) fn verdict(order: &Order, attempt: &Attempt) -> Option<bool> {
    match attempt.status() {
        AttemptStatus::Succeeded => Some(true),
        AttemptStatus::Failed => {
            let fault = attempt.notes.failure.as_ref().map(|failure| failure.fault);
            (fault == Some(Fault::Account)).then_some(false)
        }
        AttemptStatus::Closed | AttemptStatus::Abandoned => {
            let accounts_own = attempt.notes.declined.as_ref().is_some_and(|failure| failure.fault == Fault::Account);
            let ended_at = if attempt.notes.choice.is_some() { attempt.ended_at } else { order.closed_at };
            let over = attempt.notes.choice.is_some() || order.status() == OrderStatus::Closed;
            let died = over && ended_at.is_some_and(|at| at >= attempt.expires_at(order));
            (accounts_own || died).then_some(false)
        }
        _ => None,
    }
}
