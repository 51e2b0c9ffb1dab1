//! What one attempt holds of one limit. It is fixed with the attempt, so that confirm, release and restore go to the windows that were
//! reserved, whatever has become of the rule since.

use super::counter::{CounterKey, Share};
use super::rule::Measure;
use super::window::Window;
use crate::domain::life::{Attempt, Refund, RefundOrigin};
use crate::domain::{AttemptStatus, RefundStatus};
use serde::{Deserialize, Serialize};
use sluice_contract::Millis;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub limit: String,
    pub subject: String,
    /// Only the unpaid part counts, for this merchant's share; empty: the rule's own counter.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub holder: String,
    /// Fen, or 1 order.
    pub size: i64,
    /// In force when it was reserved or looked at.
    pub max: i64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub measure: Measure,
    pub window: Window,
    /// The windows it is reserved in while nobody knows better; none in post mode.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub starts: Vec<i64>,
    /// Counted in the window of the payment, not of the attempt.
    #[serde(default, skip_serializing_if = "is_default")]
    pub by_paid: bool,
    /// A merchant's refunds give nothing back.
    #[serde(default, skip_serializing_if = "is_default")]
    pub keeps: bool,
    /// The part that stands above the limit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub overrun: i64,
    /// When it was paid, where that decides the window.
    #[serde(default, skip_serializing_if = "is_default")]
    pub paid_at: Option<Millis>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Hold {
    #[must_use]
    pub fn key(&self, start: i64) -> CounterKey {
        CounterKey { limit: self.limit.clone(), start, subject: self.subject.clone(), holder: self.holder.clone() }
    }

    /// The window in which it counts once it is paid.
    #[must_use]
    pub fn paid_start(&self) -> i64 {
        match self.paid_at {
            Some(at) if self.by_paid => self.window.start_of(at),
            _ => self.starts.first().copied().unwrap_or_default(),
        }
    }

    /// Every counter that an end of the attempt may touch, a payment at `paid_at` included.
    pub fn keys(&self, paid_at: Option<Millis>) -> impl Iterator<Item = CounterKey> {
        let paid = self.by_paid.then(|| self.window.start_of(paid_at.or(self.paid_at).unwrap_or_default()));
        let paid = paid.filter(|start| (paid_at.is_some() || self.paid_at.is_some()) && !self.starts.contains(start));
        self.starts.iter().copied().chain(paid).map(|start| self.key(start))
    }

    /// The time by which it leaves a rolling window.
    #[must_use]
    pub fn counts_at(&self, attempt: &Attempt) -> Option<Millis> {
        self.window.rolling_ms().map(|_| self.paid_at.filter(|_| self.by_paid).unwrap_or(attempt.at))
    }

    /// What the attempt, as it is, takes of each window. The one place that says what a status means for a limit.
    #[must_use]
    pub fn shares(&self, attempt: &Attempt, refunds: &[Refund]) -> Vec<(i64, Share)> {
        let status = attempt.status();
        if status.is_open() || status == AttemptStatus::Abandoned {
            let held = Share { reserved: self.size, over_reserved: self.overrun, ..Share::default() };
            return self.starts.iter().map(|start| (*start, held)).collect();
        }
        if status != AttemptStatus::Succeeded || !self.holder.is_empty() {
            return Vec::new();
        }
        let given_back = self.given_back(attempt, refunds);
        let counted = Share {
            confirmed: self.size.saturating_sub(given_back),
            // What comes back first is what should not have been there.
            over_confirmed: self.overrun.saturating_sub(given_back).max(0),
            ..Share::default()
        };
        vec![(self.paid_start(), counted)]
    }

    /// Money that went back on its own account (late, twice, reversed) always gives its room back.
    fn given_back(&self, attempt: &Attempt, refunds: &[Refund]) -> i64 {
        let counts = |refund: &&Refund| {
            refund.attempt_seq == attempt.seq
                && refund.status() == RefundStatus::Succeeded
                && (!self.keeps || refund.origin != RefundOrigin::Merchant)
        };
        let fen = refunds.iter().filter(counts).map(|refund| refund.amount.0).fold(0_i64, i64::saturating_add);
        match self.measure {
            Measure::Amount => fen.min(self.size),
            Measure::Count => {
                if fen >= attempt.captured.0 {
                    self.size
                } else {
                    0
                }
            }
        }
    }
}
