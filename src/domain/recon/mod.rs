//! Reconciliation (对账): our books of one account and one of the channel's days against the channel's bill of that day. Pure, and in
//! bounded memory: our side is forty bytes for a payment, and of the bill only those rows are kept that do not simply agree.
//!
//! Reading order: [`day`] says in which bill a thing belongs and what lies too near the cut to be sure; [`books`] is our side;
//! [`matching`] takes the bill's rows in any order; [`judge`] says of each of ours what its rows mean; [`discrepancy`] is what comes
//! out; [`record`] is how a run's findings change what earlier runs and people have written; [`show`] is how it is seen.
//!
//! Three ways: a row names an attempt or a refund, and that its order. That an order and its winning attempt agree is a rule of
//! [`super::life::Life::check`], kept at every commit, so what is compared here is the bill with the attempt.

pub mod books;
pub mod day;
pub mod discrepancy;
mod judge;
pub mod matching;
pub mod record;
pub mod show;

#[cfg(test)]
mod tests;

pub use books::Books;
pub use day::BillDay;
pub use discrepancy::{Found, Key, Kind, Standing, View};
pub use matching::{Lost, Matching};
pub use record::{BillRun, Proposal, RunState, Settled, Stored};
