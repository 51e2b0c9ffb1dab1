//! What every pretend channel shares: the trait, the fault dice and the money ledger, which is the oracle of the tests.
//!
//! A simulator is **sans-IO** like the adapter it judges, and shares no signing and no parsing code with it. Bytes come in with
//! a time, bytes go out; the sandbox (`src/sandbox`) puts sockets around it, the seeded world (`tests/world`) a manual clock.

pub mod faults;
pub mod ledger;
pub mod simulator;

pub use faults::{Api, Booth, Fault, Rule, Served};
pub use ledger::{Entry, Ledger, RefundEntry, RefundState, Refused, State};
pub use simulator::{Behaviour, Call, Complaint, Delivery, Discrepancy, Outcome, Scanned, Simulator, Waiting};
