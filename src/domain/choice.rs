//! The payer's choice: an order may leave its method to its payer, who chooses on our page for each attempt anew. Such an order outlives
//! its attempts: it ends when it is paid, when its time is over or when its merchant wants it.

use super::candidate::Candidate;
use super::life::{Attempt, Life, Order};
use super::state::OrderStatus;
use serde::{Deserialize, Serialize};
use sluice_contract::{Method, Millis};

/// The word of an order whose payer chooses the method.
pub const CASHIER: &str = "cashier";

/// What an attempt has of its own where the payer chose its method; else all of this is the order's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// When its code dies. Where no close can be confirmed, soon: until then it may stand beside the payer's next choice.
    pub expires_at: Millis,
    /// The sealed `PayOrder`, with what only the payer's arrival told.
    pub sealed: Vec<u8>,
}

impl Order {
    /// The merchant scans the payer's code.
    #[must_use]
    pub fn is_barcode(&self) -> bool {
        self.method.is_some_and(Method::is_barcode)
    }

    /// The method's word, of a payer's choice too.
    #[must_use]
    pub fn method_word(&self) -> &'static str {
        self.method.map_or(CASHIER, Method::word)
    }
}

impl Attempt {
    /// When its code dies by itself.
    #[must_use]
    pub fn expires_at(&self, order: &Order) -> Millis {
        self.notes.choice.as_ref().map_or(order.expires_at, |choice| choice.expires_at)
    }

    /// What placing it at its channel takes, sealed.
    #[must_use]
    pub fn sealed<'a>(&'a self, order: &'a Order) -> &'a [u8] {
        self.notes.choice.as_ref().map_or(&order.sealed, |choice| &choice.sealed)
    }
}

impl Life {
    /// The end of an attempt is not the order's: its payer may choose again.
    #[must_use]
    pub fn outlives_attempts(&self, at: Millis) -> bool {
        let order = &self.order;
        order.method.is_none() && order.status == OrderStatus::Pending && order.intent.is_none() && at < order.expires_at
    }

    /// Whether the payer may choose a method now, for the attempt of this number. What was abandoned does not stand in the way: its code
    /// dies soon, and what is paid with it beside the next one is given back.
    #[must_use]
    pub fn may_choose(&self, seq: u32, at: Millis) -> bool {
        let next = self.attempts.last().map_or(1, |a| a.seq.saturating_add(1));
        self.outlives_attempts(at) && !self.has_open_attempt() && next == seq
    }

    /// Opens the attempt of a payer's choice; answers whether it was still to be made.
    pub fn choose(&mut self, candidate: &Candidate, seq: u32, at: Millis) -> bool {
        let may = self.may_choose(seq, at);
        if may {
            self.open_attempt(candidate, at);
        }
        may
    }
}
