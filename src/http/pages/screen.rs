//! What an order's page shows now: one screen, read from the order alone. The browser is never believed, whatever its bridge says.

use crate::domain::life::{Attempt, Life};
use crate::domain::{AttemptStatus, OrderStatus, RefundStatus};
use sluice_contract::{Action, Failure, Millis};

#[derive(Clone, Debug, PartialEq)]
pub enum Screen<'a> {
    /// `failed`: the last way, definitely.
    Choose {
        failed: Option<&'a Failure>,
    },
    /// A code, a link, a form or a bridge that lives.
    Act {
        attempt: &'a Attempt,
        action: &'a Action,
    },
    /// The channel is being asked for it.
    Preparing,
    /// The way that was left is being closed at its channel.
    Closing,
    /// Nothing to pay with, and the end is not known.
    Confirming,
    Paid,
    /// `None`: why, nobody knows, or it is not the payer's affair.
    Failed(Option<&'a Failure>),
    Closed {
        expired: bool,
    },
    Reversed,
    /// Paid after it had ended.
    Late,
}

impl Screen<'_> {
    pub fn of(life: &Life, now: Millis) -> Screen<'_> {
        let order = &life.order;
        let late = life.attempts.iter().any(|a| a.late && a.status() == AttemptStatus::Succeeded);
        match order.status() {
            OrderStatus::Paid => Screen::Paid,
            _ if late => Screen::Late,
            OrderStatus::Failed => Screen::Failed(order.failure.as_ref()),
            OrderStatus::Closed => Screen::Closed { expired: order.closed_at.is_some_and(|at| at >= order.expires_at) },
            OrderStatus::Reversed => Screen::Reversed,
            OrderStatus::Pending => pending(life, now),
        }
    }

    /// The word by which a page that is shown learns that another one is due.
    pub const fn word(&self) -> &'static str {
        match self {
            Screen::Choose { .. } => "choose",
            Screen::Act { .. } => "act",
            Screen::Preparing => "preparing",
            Screen::Closing => "closing",
            Screen::Confirming => "confirming",
            Screen::Paid => "paid",
            Screen::Failed(_) => "failed",
            Screen::Closed { .. } => "closed",
            Screen::Reversed => "reversed",
            Screen::Late => "late",
        }
    }

    /// Whether something may still change while the payer looks on.
    pub const fn waits(&self) -> bool {
        matches!(self, Screen::Choose { .. } | Screen::Act { .. } | Screen::Preparing | Screen::Closing | Screen::Confirming)
    }
}

fn pending(life: &Life, now: Millis) -> Screen<'_> {
    let order = &life.order;
    if order.intent.is_some() || now >= order.expires_at {
        return Screen::Confirming;
    }
    let last = life.attempts.last();
    let choose = || match order.method {
        None => Screen::Choose { failed: last.filter(|a| a.status() == AttemptStatus::Failed).and_then(|a| a.notes.failure.as_ref()) },
        Some(_) => Screen::Confirming,
    };
    let Some(attempt) = last.filter(|a| a.status().is_open()) else { return choose() };
    if attempt.undo.is_some() {
        return Screen::Closing;
    }
    let lives = attempt.notes.action_expires_at.is_none_or(|at| now < at);
    match &attempt.notes.action {
        Some(Action::None | Action::Wait { .. }) | None => Screen::Preparing,
        Some(action) if lives => Screen::Act { attempt, action },
        // The same way again brings a fresh code.
        Some(_) => choose(),
    }
}

/// Changes with everything that a payer should see, and with nothing else.
pub fn key(life: &Life, now: Millis) -> String {
    let refunds = |status: RefundStatus| life.refunds.iter().filter(|refund| refund.status() == status).count();
    format!(
        "{}-{}-{}-{}-{}",
        Screen::of(life, now).word(),
        life.attempts.len(),
        life.refunds.len(),
        refunds(RefundStatus::Succeeded),
        refunds(RefundStatus::Failed)
    )
}

/// Until when a code that the payer left may still be paid.
pub fn left_until(life: &Life) -> Option<Millis> {
    let left = life.attempts.iter().filter(|a| a.status() == AttemptStatus::Abandoned);
    left.map(|a| a.expires_at(&life.order)).max().filter(|_| life.order.status() == OrderStatus::Pending)
}
