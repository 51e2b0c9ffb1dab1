//! A merchant's statement (对账单): what came in and what went back in a day or a month of the Shanghai calendar, line by line and in sum.
//!
//! A payment counts on the day it was paid, a refund on the day it succeeded, whatever day its order is of. Every captured attempt is a
//! line, the order's winner or not, so that the lines of a day add up to what the channels' own books say. Nothing on a line changes once
//! it is booked; what can still happen to a day that is over is a line more, and then its [`Tally::version`] is another one.
//!
//! Reading order: [`period`] is the calendar; [`Booking`] one line and what it is worth; [`sums`] adds lines up; [`show`] and [`csv`] are
//! how a statement is read. Where the lines are found: [`Place`] and `store::booked`.

pub mod csv;
pub mod period;
pub mod show;
pub mod sums;

#[cfg(test)]
mod tests;

pub use period::Period;
pub use sums::{Sums, Tally};

use super::OrderId;
use super::life::{Attempt, Order, Refund};
use super::show::{fee, fee_refunded};
use sluice_contract::{Fen, Millis};

/// An order that is paid within this time of its making is found by its id, which is its time; the others stand in an index of their own,
/// whose condition (`store/migrations`, V4) says the same number.
pub const SOON_MS: i64 = 86_400_000;
/// How far a channel's time of payment may lie from our clock and be believed (`Life::believable_paid_at`).
pub const NEAR_MS: i64 = 300_000;

/// What a line tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The payment that paid its order.
    Payment,
    /// Money that came after its order had ended unpaid.
    Late,
    /// Money that came for an order that was paid already.
    Duplicate,
    Refund,
}

/// One line: a captured attempt, or a refund of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    pub order: Order,
    pub attempt: Attempt,
    /// The line is this refund; `None`: the line is the payment.
    pub refund: Option<Refund>,
}

/// Where a walk over a period stands: behind which line of which part. The parts follow each other in this order; a line is in one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Orders that were paid soon, by their id.
    Soon(String),
    /// Orders that were paid long after their making, by the time they were paid and their id.
    Old(Millis, String),
    /// Late and duplicate money, by order and attempt.
    Late(String, u32),
    /// Refunds, by the time they succeeded, order and refund.
    Back(Millis, String, u32),
}

impl Place {
    /// Where a period's first part begins.
    #[must_use]
    pub fn first(period: Period) -> Place {
        Place::Soon(first_id(period.begins().plus_ms(-SOON_MS).plus_ms(-NEAR_MS)))
    }

    /// The part that follows this one, from its beginning.
    #[must_use]
    pub fn next_part(&self, period: Period) -> Option<Place> {
        match self {
            Place::Soon(_) => Some(Place::Old(period.begins(), String::new())),
            Place::Old(..) => Some(Place::Late(String::new(), 0)),
            Place::Late(..) => Some(Place::Back(period.begins(), String::new(), 0)),
            Place::Back(..) => None,
        }
    }

    /// The same part, behind this line of it.
    #[must_use]
    pub fn behind(&self, line: &Booking) -> Place {
        let order = line.order.id.to_string();
        match self {
            Place::Soon(_) => Place::Soon(order),
            Place::Old(..) => Place::Old(line.at(), order),
            Place::Late(..) => Place::Late(order, line.attempt.seq),
            Place::Back(..) => Place::Back(line.at(), order, line.refund.as_ref().map_or(0, |refund| refund.seq)),
        }
    }

    /// As it stands in a cursor.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Place::Soon(order) => format!("s.{order}"),
            Place::Old(at, order) => format!("o.{}.{order}", at.0),
            Place::Late(order, seq) => format!("l.{order}.{seq}"),
            Place::Back(at, order, seq) => format!("b.{}.{order}.{seq}", at.0),
        }
    }

    /// Reads [`Place::text`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Place> {
        let order = |text: &str| OrderId::parse(text).map(|id| id.to_string());
        let at = |text: &str| text.parse().ok().map(Millis);
        match text.split('.').collect::<Vec<_>>().as_slice() {
            ["s", id] => Some(Place::Soon(order(id)?)),
            ["o", ms, id] => Some(Place::Old(at(ms)?, order(id)?)),
            ["l", id, seq] => Some(Place::Late(order(id)?, seq.parse().ok()?)),
            ["b", ms, id, seq] => Some(Place::Back(at(ms)?, order(id)?, seq.parse().ok()?)),
            _ => None,
        }
    }
}

/// The id before that of every order of this moment.
#[must_use]
pub fn first_id(at: Millis) -> String {
    OrderId::new(Millis(at.0.max(0)), [0; 16]).to_string()
}

impl Booking {
    #[must_use]
    pub fn kind(&self) -> Kind {
        match (self.refund.is_some(), self.order.winner) {
            (true, _) => Kind::Refund,
            (false, Some(winner)) if winner == self.attempt.seq => Kind::Payment,
            (false, Some(_)) => Kind::Duplicate,
            (false, None) => Kind::Late,
        }
    }

    /// When it was paid, or given back.
    #[must_use]
    pub fn at(&self) -> Millis {
        if let Some(refund) = &self.refund {
            return refund.succeeded_at.unwrap_or(refund.at);
        }
        let of_order = self.order.paid_at.filter(|_| self.kind() == Kind::Payment);
        of_order.or(self.attempt.notes.paid_at).or(self.attempt.ended_at).unwrap_or(self.attempt.at)
    }

    /// What came in; below zero: what went back.
    #[must_use]
    pub fn amount(&self) -> Fen {
        self.refund.as_ref().map_or(self.attempt.captured, |refund| less(refund.amount))
    }

    /// What left the payer's pocket; below zero: what came back into it. `None`: the channel did not say of a refund.
    #[must_use]
    pub fn payer_amount(&self) -> Option<Fen> {
        match &self.refund {
            Some(refund) => refund.notes.payer_amount.map(less),
            None => Some(self.attempt.notes.payer_amount.unwrap_or(self.attempt.captured)),
        }
    }

    /// What others than the payer gave towards it. `None`: the sum is too large.
    #[must_use]
    pub fn discounts(&self) -> Option<Fen> {
        let given = if self.refund.is_some() { &[][..] } else { &self.attempt.notes.discounts };
        given.iter().try_fold(Fen::ZERO, |sum, discount| sum.plus(discount.amount))
    }

    /// What the channel keeps; below zero: what it gave back of it. `None`: its account has no tariff, or the channel did not say.
    #[must_use]
    pub fn fee(&self) -> Option<Fen> {
        self.refund.as_ref().map_or_else(|| fee(&self.attempt), |refund| fee_refunded(refund).map(less))
    }

    /// What is left of the amount after the fee. A payment without a tariff has none.
    #[must_use]
    pub fn net(&self) -> Option<Fen> {
        let fee = if self.refund.is_some() { Some(self.fee().unwrap_or(Fen::ZERO)) } else { self.fee() };
        self.amount().minus(fee?)
    }
}

fn less(fen: Fen) -> Fen {
    Fen(fen.0.saturating_neg())
}

impl Kind {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Payment => "payment",
            Kind::Late => "late",
            Kind::Duplicate => "duplicate",
            Kind::Refund => "refund",
        }
    }
}
