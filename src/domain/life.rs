//! One order's life: the order with every attempt and refund tied to it. It is loaded whole, changed by pure functions and written back
//! in one transaction; nothing else in the system moves money or status.

use super::candidate::Candidate;
use super::choice::Choice;
use super::fee::Tariff;
use super::id::{OrderId, SEQ_MAX};
use super::limit::{Hold, NotChecked, Touched};
use super::state::{AttemptStatus, OrderStatus, PendingReason, RefundStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sluice_contract::{Action, Discount, Failure, Fen, Method, Millis, Notes, Second, Wallet};

/// A rule of [`Life::check`] that would be broken: the command fails, nothing is stored, an alarm is raised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{order_id}: {rule}")]
pub struct Broken {
    pub order_id: String,
    pub rule: String,
}

/// What T1 knows of the order and nothing changes later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFacts {
    pub subject: String,
    /// The method as asked for: `auto_barcode` stays visible here.
    pub method_asked: String,
    pub presented: String,
    /// The order's own notification address; `None`: the merchant's webhook.
    pub notify_url: Option<String>,
    pub return_url: Option<String>,
    pub receipt_url: String,
    /// How the payer proved who he is, as the merchant says; limits count by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_means: Option<String>,
    /// What risk control said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<super::risk::Decision>,
    pub metadata: Map<String, Value>,
}

/// What somebody wants of the whole order; kept until it is done, across crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    MerchantClose,
    MerchantReverse,
    Expiry,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub id: OrderId,
    pub merchant_id: String,
    pub merchant_order_no: String,
    /// SHA-256 of the parsed request: the same number with another one is a conflict.
    pub fingerprint: Vec<u8>,
    pub livemode: bool,
    pub(crate) status: OrderStatus,
    pub amount: Fen,
    /// `None`: the payer chooses, on our page (`choice`), for each attempt anew.
    pub method: Option<Method>,
    pub facts: OrderFacts,
    /// The sealed `PayOrder`: payer ids and what placing the order again needs.
    pub sealed: Vec<u8>,
    pub created_at: Millis,
    pub expires_at: Millis,
    pub account: String,
    pub channel: String,
    /// The attempt that paid.
    pub winner: Option<u32>,
    pub intent: Option<Intent>,
    pub failure: Option<Failure>,
    pub paid_at: Option<Millis>,
    pub closed_at: Option<Millis>,
    /// Grows by one with every stored change that is news ([`Life::count_change`]).
    pub version: i64,
    /// The last event's number.
    pub last_seq: u32,
}

/// How an attempt is to be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    Close,
    Reverse,
}

/// The part of an attempt that is looked at, not computed with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptNotes {
    pub app_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
    pub sub: Notes,
    pub memo: Notes,
    pub handles: Notes,
    pub action: Option<Action>,
    pub action_expires_at: Option<Millis>,
    pub failure: Option<Failure>,
    /// Declined, not yet undone: becomes the failure once the undoing is confirmed.
    pub declined: Option<Failure>,
    /// The account's price when the attempt was made.
    #[serde(default, alias = "fee_rate", skip_serializing_if = "Option::is_none")]
    pub fee: Option<Tariff>,
    pub route: Value,
    pub channel_trade_no: Option<String>,
    pub wallet: Option<Wallet>,
    pub payer_amount: Option<Fen>,
    pub discounts: Vec<Discount>,
    pub settle_date: Option<String>,
    pub payer_sealed: Option<Vec<u8>>,
    /// When the channel took the money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Millis>,
    /// What it holds of the limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
    /// Rules that could not be checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_checked: Vec<NotChecked>,
    /// When the newest pay call had its answer, or was given up: nothing of it is under way on our side after that.
    pub call_ended_at: Option<Millis>,
    /// What the channel said of it after it was booked paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contradicted: Option<AttemptStatus>,
    /// The last thing that could not be read, for operators.
    pub last_unknown: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub seq: u32,
    pub account: String,
    pub channel: String,
    pub method: Method,
    pub(crate) status: AttemptStatus,
    pub amount: Fen,
    pub captured: Fen,
    pub refunded: Fen,
    pub refunding: Fen,
    /// Succeeded after the order had ended, or beside another winner.
    pub late: bool,
    pub at: Millis,
    /// When somebody must look at it next.
    pub next_at: Option<Millis>,
    /// Queries so far: where on its schedule the attempt is.
    pub queries: u32,
    pub undo: Option<Undo>,
    /// The undo request may have been sent from here on.
    pub undo_sent_at: Option<Millis>,
    pub ended_at: Option<Millis>,
    /// Left to a person: nothing automatic will happen any more.
    pub suspended: bool,
    pub notes: AttemptNotes,
}

/// Why there is a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundOrigin {
    Merchant,
    LatePayment,
    DuplicatePayment,
    Reversal,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundNotes {
    pub reason: Option<String>,
    pub handles: Notes,
    pub payer_amount: Option<Fen>,
    pub settle_date: Option<String>,
    pub failure: Option<Failure>,
    /// A repeat was refused: definite once a query finds nothing.
    pub refused: Option<Failure>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    pub seq: u32,
    pub attempt_seq: u32,
    pub merchant_refund_no: Option<String>,
    pub fingerprint: Vec<u8>,
    pub amount: Fen,
    pub(crate) status: RefundStatus,
    pub pending_reason: PendingReason,
    pub origin: RefundOrigin,
    pub at: Millis,
    /// The request may have been sent from here on: query before anything else.
    pub sent_at: Option<Millis>,
    /// How often it was sent, always under the same number.
    pub sends: u32,
    pub next_at: Option<Millis>,
    pub queries: u32,
    pub version: i64,
    pub succeeded_at: Option<Millis>,
    pub notes: RefundNotes,
}

/// One line of the trail. `data` is for the merchant, `inner` for operators; neither holds a secret or a payer id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub seq: u32,
    pub at: Millis,
    pub kind: String,
    pub data: Value,
    pub inner: Option<Value>,
}

/// What a merchant is told: written in the transaction of the change it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    pub event_id: String,
    pub kind: String,
    pub at: Millis,
    /// The order or refund as it then stood; payer ids are filled in when it is sent.
    pub data: Value,
}

/// The line of the trail that says that an attempt was opened.
const SENDING: &str = "attempt.sending";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    pub order: Order,
    pub attempts: Vec<Attempt>,
    pub refunds: Vec<Refund>,
    /// Appended by this command.
    pub events: Vec<Event>,
    pub effects: Vec<Effect>,
}

impl Order {
    #[must_use]
    pub const fn status(&self) -> OrderStatus {
        self.status
    }
}

impl Attempt {
    #[must_use]
    pub const fn status(&self) -> AttemptStatus {
        self.status
    }

    /// What the channel is told of this attempt.
    #[must_use]
    pub fn reference(&self, order: &Order) -> sluice_contract::AttemptRef {
        sluice_contract::AttemptRef {
            number: order.id.attempt_number(self.seq),
            amount: self.amount,
            method: self.method,
            at: self.at.second(),
            expires_at: self.expires_at(order).second(),
            app_id: self.notes.app_id.clone(),
            sub: self.notes.sub.clone(),
            memo: self.notes.memo.clone(),
            handles: self.notes.handles.clone(),
        }
    }

    pub(super) fn become_status(&mut self, order: &OrderId, to: AttemptStatus) -> Result<(), Broken> {
        if !self.status.may_become(to) {
            return Err(broken(order, format!("attempt {} may not go from {} to {}", self.seq, self.status.word(), to.word())));
        }
        self.status = to;
        Ok(())
    }
}

impl Refund {
    #[must_use]
    pub const fn status(&self) -> RefundStatus {
        self.status
    }
}

impl Life {
    /// A new order with its first attempt, as T1 stores them; without one where the payer is to choose.
    #[must_use]
    pub fn begin(order: Order, first: Option<&Candidate>) -> Life {
        let at = order.created_at;
        let mut life = Life { order, attempts: Vec::new(), refunds: Vec::new(), events: Vec::new(), effects: Vec::new() };
        life.event(at, "order.created", json!({"amount": life.order.amount, "method": life.order.method_word()}), None);
        if let Some(first) = first {
            life.open_attempt(first, at);
        }
        life
    }

    /// Opens the next attempt, `sending`: its number exists before the first byte leaves.
    pub(super) fn open_attempt(&mut self, candidate: &Candidate, at: Millis) {
        let seq = self.attempts.last().map_or(1, |a| a.seq.saturating_add(1));
        self.order.account.clone_from(&candidate.account);
        self.order.channel.clone_from(&candidate.channel);
        let notes = AttemptNotes {
            app_id: candidate.app_id.clone(),
            choice: candidate.choice.clone(),
            sub: candidate.sub.clone(),
            memo: candidate.memo.clone(),
            fee: candidate.fee.clone(),
            route: candidate.route.record(&candidate.account, &candidate.passed),
            holds: candidate.asks.iter().map(|ask| ask.hold.clone()).collect(),
            not_checked: candidate.not_checked.clone(),
            ..AttemptNotes::default()
        };
        self.attempts.push(Attempt {
            seq,
            account: candidate.account.clone(),
            channel: candidate.channel.clone(),
            method: candidate.method,
            status: AttemptStatus::Sending,
            amount: self.order.amount,
            captured: Fen::ZERO,
            refunded: Fen::ZERO,
            refunding: Fen::ZERO,
            late: false,
            at,
            next_at: Some(candidate.next_at),
            queries: 0,
            undo: None,
            undo_sent_at: None,
            ended_at: None,
            suspended: false,
            notes,
        });
        let data = json!({"attempt": seq, "account": candidate.account, "channel_order_no": self.order.id.attempt_number(seq)});
        self.event(at, SENDING, data, None);
    }

    /// The attempt that this very change opened: whoever made the change sends it, and nobody else. Two senders of one number could not tell
    /// what "nothing was sent" of one of them means.
    #[must_use]
    pub fn opened(&self) -> Option<&Attempt> {
        let newest = self.attempts.last().filter(|attempt| attempt.status == AttemptStatus::Sending)?;
        let opens = |event: &Event| event.kind == SENDING && event.data.get("attempt").and_then(Value::as_u64) == Some(newest.seq.into());
        self.events.iter().any(opens).then_some(newest)
    }

    #[must_use]
    pub fn attempt(&self, seq: u32) -> Option<&Attempt> {
        self.attempts.iter().find(|a| a.seq == seq)
    }

    #[must_use]
    pub fn refund(&self, seq: u32) -> Option<&Refund> {
        self.refunds.iter().find(|r| r.seq == seq)
    }

    #[must_use]
    pub fn winning(&self) -> Option<&Attempt> {
        self.order.winner.and_then(|seq| self.attempt(seq))
    }

    /// The attempt whose facts the order shows: the winner, else the latest.
    #[must_use]
    pub fn shown(&self) -> Option<&Attempt> {
        self.winning().or(self.attempts.last())
    }

    #[must_use]
    pub fn has_open_attempt(&self) -> bool {
        self.attempts.iter().any(|a| a.status.is_open())
    }

    /// The counters that an answer about this attempt may move. What an attempt holds is fixed when it is opened, so they may be named
    /// from an order that was read earlier. `paid_at`: when it was paid, if the answer says so.
    #[must_use]
    pub fn counters_of(&self, attempt_seq: u32, paid_at: Option<Millis>) -> Vec<Touched> {
        let holds = self.attempt(attempt_seq).map_or(&[][..], |attempt| &attempt.notes.holds);
        holds.iter().flat_map(|hold| hold.keys(paid_at).map(|key| Touched { key, rolling_ms: hold.window.rolling_ms() })).collect()
    }

    pub(super) fn attempt_mut(&mut self, seq: u32) -> Result<&mut Attempt, Broken> {
        let order = self.order.id.clone();
        self.attempts.iter_mut().find(|a| a.seq == seq).ok_or_else(|| broken(&order, format!("there is no attempt {seq}")))
    }

    pub(super) fn refund_mut(&mut self, seq: u32) -> Result<&mut Refund, Broken> {
        let order = self.order.id.clone();
        self.refunds.iter_mut().find(|r| r.seq == seq).ok_or_else(|| broken(&order, format!("there is no refund {seq}")))
    }

    pub(super) fn end_order(&mut self, to: OrderStatus, at: Millis) -> Result<(), Broken> {
        if !self.order.status.may_become(to) {
            return Err(broken(&self.order.id, format!("an order may not go from {} to {}", self.order.status.word(), to.word())));
        }
        self.order.status = to;
        self.order.intent = self.order.intent.filter(|intent| *intent == Intent::MerchantReverse && to == OrderStatus::Paid);
        match to {
            OrderStatus::Paid => self.order.closed_at = None,
            _ => self.order.closed_at = Some(at),
        }
        Ok(())
    }

    /// Appends a line to the trail.
    pub fn event(&mut self, at: Millis, kind: &str, data: Value, inner: Option<Value>) {
        self.order.last_seq = self.order.last_seq.saturating_add(1);
        self.events.push(Event { seq: self.order.last_seq, at, kind: kind.to_owned(), data, inner });
    }

    /// A line of the trail that the merchant is told too, with what it is about as it now stands.
    pub(super) fn tell(&mut self, at: Millis, kind: &str, trail: Value, about: Value) {
        self.event(at, kind, trail, None);
        let event_id = self.order.id.event_id(self.order.last_seq);
        self.effects.push(Effect { event_id, kind: kind.to_owned(), at, data: about });
    }

    /// Somebody should ask the channel now, whatever the schedule says.
    pub fn ask_now(&mut self, at: Millis, why: &str) {
        let mut asked = false;
        for attempt in self.attempts.iter_mut().filter(|a| a.status != AttemptStatus::Succeeded) {
            attempt.next_at = Some(at);
            attempt.suspended = false;
            asked = true;
        }
        for refund in self.refunds.iter_mut().filter(|r| r.status == RefundStatus::Pending && r.sent_at.is_some()) {
            refund.next_at = Some(at);
            asked = true;
        }
        if asked {
            self.event(at, "order.ask_now", json!({"why": why}), None);
        }
    }

    /// What is due of an attempt is put off: nobody answers at its channel now.
    pub fn postpone(&mut self, seq: u32, at: Millis, until: Millis) -> Result<(), Broken> {
        let attempt = self.attempt_mut(seq)?;
        attempt.next_at = attempt.next_at.map(|due| if due <= at { until } else { due });
        Ok(())
    }

    /// When somebody must look at this order next; `None`: never again by itself. Derived, so that no job can be lost.
    #[must_use]
    pub fn wake_at(&self) -> Option<Millis> {
        let attempts = self.attempts.iter().filter(|a| !a.suspended).filter_map(|a| a.next_at);
        let refunds = self.refunds.iter().filter(|r| r.status == RefundStatus::Pending).filter_map(|r| r.next_at);
        let expiring = self.order.status == OrderStatus::Pending && self.order.intent.is_none() && !self.is_suspended();
        let expiry = expiring.then_some(self.order.expires_at);
        attempts.chain(refunds).chain(expiry).min()
    }

    /// A person has to act before this order can finish.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.attempts.iter().any(|a| a.suspended && a.status.is_open())
    }

    /// The money rules of one order, checked on every change before it is stored, in every build.
    pub fn check(&self) -> Result<(), Broken> {
        let fail = |rule: String| Err(broken(&self.order.id, rule));
        for attempt in &self.attempts {
            let spoken = attempt.refunded.plus(attempt.refunding);
            if attempt.refunded.0 < 0 || attempt.refunding.0 < 0 || spoken.is_none_or(|sum| sum > attempt.captured) {
                return fail(format!(
                    "attempt {}: refunded {} + refunding {} exceeds captured {}",
                    attempt.seq, attempt.refunded, attempt.refunding, attempt.captured
                ));
            }
            if attempt.captured.is_positive() != (attempt.status == AttemptStatus::Succeeded) {
                return fail(format!("attempt {} is {} with {} captured", attempt.seq, attempt.status.word(), attempt.captured));
            }
            let sum = |status: RefundStatus| -> i64 {
                self.refunds
                    .iter()
                    .filter(|r| r.attempt_seq == attempt.seq && r.status == status)
                    .map(|r| r.amount.0)
                    .fold(0, i64::saturating_add)
            };
            if sum(RefundStatus::Succeeded) != attempt.refunded.0 || sum(RefundStatus::Pending) != attempt.refunding.0 {
                return fail(format!("attempt {}: its refunds do not add up to its columns", attempt.seq));
            }
        }
        let won = self.winning().map(|a| (a.status, a.captured));
        let paid_rightly = won == Some((AttemptStatus::Succeeded, self.order.amount));
        if (self.order.status == OrderStatus::Paid) != paid_rightly {
            return fail(format!("the order is {} and its winning attempt is {won:?}", self.order.status.word()));
        }
        if self.attempts.len().max(self.refunds.len()) > usize::try_from(SEQ_MAX).unwrap_or(usize::MAX) {
            return fail("too many attempts or refunds".to_owned());
        }
        Ok(())
    }

    /// `paid_at`: the channel's time if it is near ours, else our commit (CONTRACT section 4).
    #[must_use]
    pub fn believable_paid_at(&self, told: Option<Second>, at: Millis) -> Millis {
        const NEAR_S: i64 = 300;
        let earliest = self.order.created_at.plus_s(-NEAR_S);
        let latest = at.plus_s(NEAR_S);
        told.map(Second::millis).filter(|paid| *paid >= earliest && *paid <= latest).unwrap_or(at)
    }
}

pub(super) fn broken(order: &OrderId, rule: impl Into<String>) -> Broken {
    Broken { order_id: order.to_string(), rule: rule.into() }
}
