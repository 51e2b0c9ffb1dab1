//! Refunds: made against an attempt's captured money, guarded there, and followed to their end under one number.

use super::life::{Broken, Life, Refund, RefundNotes, RefundOrigin, broken};
use super::limit::Touched;
use super::show;
use super::state::{OrderStatus, PendingReason, RefundStatus};
use serde_json::{Value, json};
use sluice_contract::{Failure, Fen, Millis, Refund as Said, Refunded, Stuck};

/// A refund to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefund {
    /// `None`: the winning attempt.
    pub attempt_seq: Option<u32>,
    pub merchant_id: String,
    pub merchant_refund_no: Option<String>,
    pub fingerprint: Vec<u8>,
    pub amount: Fen,
    pub reason: Option<String>,
    pub origin: RefundOrigin,
    pub at: Millis,
    /// Who asks sends at once, if the pace allows: then it counts as sent from this commit on.
    pub send_now: bool,
    /// When to look again if the sender dies.
    pub lease_until: Millis,
    pub gap_ms: i64,
    pub window_ms: i64,
    pub count_max: u32,
}

impl NewRefund {
    /// A refund nobody asked for: late, duplicate or reversed money. The worker sends it.
    #[must_use]
    pub fn automatic(attempt_seq: u32, amount: Fen, origin: RefundOrigin, at: Millis, gap_ms: i64) -> NewRefund {
        NewRefund {
            attempt_seq: Some(attempt_seq),
            merchant_id: String::new(),
            merchant_refund_no: None,
            fingerprint: Vec::new(),
            amount,
            reason: None,
            origin,
            at,
            send_now: false,
            lease_until: at,
            gap_ms,
            window_ms: i64::MAX,
            count_max: u32::MAX,
        }
    }
}

/// Why a refund is not made. Nothing was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundRefused {
    NotPaid,
    ExceedsPaid { refundable: Fen },
    WindowPassed,
    TooMany { count_max: u32 },
}

/// An answer of the channel about a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundTold {
    pub refund_seq: u32,
    pub said: Said,
    pub at: Millis,
    pub next_at: Millis,
    /// The answer came from asking, not from sending.
    pub queried: bool,
    /// The counters that may move ([`Life::counters_of`]).
    pub counters: Vec<Touched>,
    pub inner: Value,
}

impl Life {
    /// Guards and stores a refund a merchant or operator asked for. Answers its number and whether to send it now.
    pub fn request_refund(&mut self, new: &NewRefund) -> Result<Result<u32, RefundRefused>, Broken> {
        let Some(winner) = self.order.winner.filter(|_| self.order.status == OrderStatus::Paid) else {
            return Ok(Err(RefundRefused::NotPaid));
        };
        let seq = new.attempt_seq.unwrap_or(winner);
        let Some(attempt) = self.attempt(seq) else { return Ok(Err(RefundRefused::NotPaid)) };
        if self.order.paid_at.is_some_and(|paid| new.at.since_ms(paid) > new.window_ms) {
            return Ok(Err(RefundRefused::WindowPassed));
        }
        let spoken = attempt.refunded.plus(attempt.refunding).ok_or_else(|| broken(&self.order.id, "refunds overflow"))?;
        let refundable = attempt.captured.minus(spoken).ok_or_else(|| broken(&self.order.id, "refunds overflow"))?;
        if new.amount > refundable {
            return Ok(Err(RefundRefused::ExceedsPaid { refundable }));
        }
        let tried = self.refunds.iter().filter(|r| r.attempt_seq == seq).count();
        if u32::try_from(tried).unwrap_or(u32::MAX) >= new.count_max {
            return Ok(Err(RefundRefused::TooMany { count_max: new.count_max }));
        }
        self.add_refund(&NewRefund { attempt_seq: Some(seq), ..new.clone() }).map(Ok)
    }

    pub(super) fn add_refund(&mut self, new: &NewRefund) -> Result<u32, Broken> {
        let seq = self.refunds.last().map_or(1, |r| r.seq.saturating_add(1));
        let attempt_seq = new.attempt_seq.unwrap_or(1);
        let send_at = self.earliest_refund(attempt_seq, new.at, new.gap_ms);
        let order_id = self.order.id.clone();
        let attempt = self.attempt_mut(attempt_seq)?;
        attempt.refunding = attempt.refunding.plus(new.amount).ok_or_else(|| broken(&order_id, "refunds overflow"))?;
        let at_once = new.send_now && send_at <= new.at;
        self.refunds.push(Refund {
            seq,
            attempt_seq,
            merchant_refund_no: new.merchant_refund_no.clone(),
            fingerprint: new.fingerprint.clone(),
            amount: new.amount,
            status: RefundStatus::Pending,
            pending_reason: if at_once { PendingReason::Processing } else { PendingReason::Queued },
            origin: new.origin,
            at: new.at,
            sent_at: at_once.then_some(new.at),
            sends: u32::from(at_once),
            next_at: Some(if at_once { new.lease_until } else { send_at }),
            queries: 0,
            version: 1,
            succeeded_at: None,
            notes: RefundNotes { reason: new.reason.clone(), ..RefundNotes::default() },
        });
        let data = json!({"refund": order_id.refund_id(seq), "amount": new.amount, "origin": new.origin, "attempt": attempt_seq});
        self.event(new.at, "refund.created", data, None);
        Ok(seq)
    }

    /// The channel's pace: never sooner than `gap_ms` after the last refund of this attempt was or will be sent.
    fn earliest_refund(&self, attempt_seq: u32, at: Millis, gap_ms: i64) -> Millis {
        let of_attempt = self.refunds.iter().filter(|r| r.attempt_seq == attempt_seq);
        let last = of_attempt.filter_map(|r| r.sent_at.or(if r.status == RefundStatus::Pending { r.next_at } else { None })).max();
        last.map_or(at, |last| last.plus_ms(gap_ms).max(at))
    }

    /// From this commit on the refund may have been sent.
    pub fn begin_refund(&mut self, seq: u32, at: Millis, lease_until: Millis) -> Result<bool, Broken> {
        let refund = self.refund_mut(seq)?;
        if refund.status != RefundStatus::Pending || refund.sent_at.is_some() {
            return Ok(false);
        }
        refund.sent_at = Some(at);
        refund.sends = refund.sends.saturating_add(1);
        refund.next_at = Some(lease_until);
        Ok(true)
    }

    /// Takes the channel's answer about a refund.
    pub fn take_refund(&mut self, told: &RefundTold) -> Result<(), Broken> {
        let refund = self.refund_mut(told.refund_seq)?;
        if told.queried {
            refund.queries = refund.queries.saturating_add(1);
        }
        if refund.status != RefundStatus::Pending {
            return Ok(());
        }
        refund.next_at = Some(told.next_at);
        match &told.said {
            Said::Succeeded(done) => self.refund_succeeded(done, told),
            // A repeated send that is refused proves nothing about the first one: ask, and believe the answer.
            Said::Failed(failure) if !told.queried && refund.sends > 1 => {
                refund.notes.refused = Some(failure.clone());
                self.refund_waits(told, PendingReason::Unknown, "a repeat was refused: asking")
            }
            Said::Failed(failure) => self.refund_failed(failure, told),
            Said::Accepted(handles) => {
                refund.notes.handles.extend(handles.clone());
                self.refund_waits(told, PendingReason::Processing, "accepted")
            }
            Said::Stuck(Stuck::MerchantBalance, note, handles) => {
                refund.notes.handles.extend(handles.clone());
                // Definitely not taken: the same number is sent again once there may be money.
                refund.sent_at = None;
                self.refund_waits(told, PendingReason::MerchantBalance, note)
            }
            Said::Stuck(Stuck::PayeeAccount, note, handles) => {
                refund.notes.handles.extend(handles.clone());
                self.refund_waits(told, PendingReason::PayeeAccount, note)
            }
            Said::NotFound if refund.notes.refused.is_some() => {
                let refused = refund.notes.refused.clone();
                refused.map_or(Ok(()), |failure| self.refund_failed(&failure, told))
            }
            Said::NotFound => {
                refund.sent_at = None;
                self.refund_waits(told, PendingReason::Queued, "never accepted: sent again under the same number")
            }
            Said::Unknown(why) => self.refund_waits(told, PendingReason::Unknown, &format!("{}: {}", why.kind.word(), why.note)),
        }
    }

    fn refund_succeeded(&mut self, done: &Refunded, told: &RefundTold) -> Result<(), Broken> {
        let order_id = self.order.id.clone();
        let paid_at = self.order.paid_at;
        let refund = self.refund_mut(told.refund_seq)?;
        refund.status = RefundStatus::Succeeded;
        refund.next_at = None;
        refund.notes.payer_amount = done.payer_amount;
        refund.notes.settle_date.clone_from(&done.settle_date);
        refund.notes.handles.extend(done.handles.clone());
        let earliest = paid_at.unwrap_or(refund.at);
        refund.succeeded_at = Some(done.at.map(|s| s.millis()).filter(|t| *t >= earliest && *t <= told.at.plus_s(300)).unwrap_or(told.at));
        let (amount, attempt_seq) = (refund.amount, refund.attempt_seq);
        let attempt = self.attempt_mut(attempt_seq)?;
        attempt.refunding = attempt.refunding.minus(amount).ok_or_else(|| broken(&order_id, "refunding underflow"))?;
        attempt.refunded = attempt.refunded.plus(amount).ok_or_else(|| broken(&order_id, "refunded overflow"))?;
        self.tell_refund("refund.succeeded", told)
    }

    fn refund_failed(&mut self, failure: &Failure, told: &RefundTold) -> Result<(), Broken> {
        let order_id = self.order.id.clone();
        let refund = self.refund_mut(told.refund_seq)?;
        refund.status = RefundStatus::Failed;
        refund.next_at = None;
        refund.notes.failure = Some(failure.clone());
        let (amount, attempt_seq) = (refund.amount, refund.attempt_seq);
        let attempt = self.attempt_mut(attempt_seq)?;
        attempt.refunding = attempt.refunding.minus(amount).ok_or_else(|| broken(&order_id, "refunding underflow"))?;
        self.tell_refund("refund.failed", told)
    }

    fn refund_waits(&mut self, told: &RefundTold, reason: PendingReason, note: &str) -> Result<(), Broken> {
        let refund = self.refund_mut(told.refund_seq)?;
        let news = refund.pending_reason != reason;
        refund.pending_reason = reason;
        let needs_somebody = matches!(reason, PendingReason::MerchantBalance | PendingReason::PayeeAccount);
        if news && needs_somebody {
            return self.tell_refund("refund.attention", told);
        }
        let data = json!({"refund": self.order.id.refund_id(told.refund_seq), "pending_reason": reason});
        self.event(told.at, "refund.asked", data, Some(json!({"note": note, "exchange": told.inner})));
        Ok(())
    }

    fn tell_refund(&mut self, kind: &str, told: &RefundTold) -> Result<(), Broken> {
        let refund = self.refund(told.refund_seq).ok_or_else(|| broken(&self.order.id, "the refund is gone"))?;
        let about = show::refund(&self.order, refund);
        let trail =
            json!({"refund": self.order.id.refund_id(told.refund_seq), "amount": refund.amount, "pending_reason": refund.pending_reason});
        self.tell(told.at, kind, trail, about);
        if let Some(event) = self.events.last_mut() {
            event.inner = Some(told.inner.clone());
        }
        Ok(())
    }
}
