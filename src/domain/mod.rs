//! Pure rules: what an order, an attempt and a refund may become, and what that does to money. No async, no IO, no clock, no
//! randomness, no map with a random hasher: the same facts give the same answer, which is what the seeded world replays.
//!
//! Reading order: [`id`], [`state`] (the transition tables), [`life`] (one order with everything tied to it), then what may happen
//! to it: [`pay`], [`undo`], [`refund`]; [`show`] is how merchants see it, [`route`] and [`limit`] who may serve it;
//! [`statement`] adds up a day or a month, [`recon`] compares a day with the channel's bill.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::float_arithmetic
)]

pub mod candidate;
pub mod case;
pub mod choice;
pub mod fee;
pub mod id;
pub mod life;
pub mod limit;
pub mod merchant;
pub mod months;
pub mod name;
pub mod pay;
pub mod recon;
pub mod refund;
pub mod risk;
pub mod route;
pub mod show;
pub mod state;
pub mod statement;
pub mod store_code;
pub mod typed;
pub mod undo;
pub mod version;
pub mod when;

#[cfg(test)]
mod tests;

pub use candidate::Candidate;
pub use id::OrderId;
pub use life::{Attempt, Broken, Effect, Event, Life, Order, OrderFacts, Refund, RefundOrigin};
pub use name::Name;
pub use state::{AttemptStatus, OrderStatus, PendingReason, RefundStatus};
