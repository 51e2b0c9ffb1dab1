//! What every pretend channel shares: the trait, the fault dice and the money ledger, which is the oracle of the tests.
//!
//! A simulator is **sans-IO** like the adapter it judges, and shares no signing and no parsing code with it. Bytes come in with
//! a time, bytes go out; the sandbox (`src/sandbox`) puts sockets around it, the seeded world (`tests/world`) a manual clock.
//!
//! [`ledger`] is the truth about money, [`faults`] the dice. [`timers`], [`post`], [`codes`], [`draw`], [`keys`], [`form`] [`more`] and [`words`] are
//! the bricks: a simulator adds only what its channel says and how it says it.

pub mod codes;
pub mod draw;
pub mod faults;
pub mod form;
pub mod keys;
pub mod ledger;
pub mod more;
pub mod post;
pub mod simulator;
pub mod timers;
pub mod words;

pub use codes::{Codes, Shown};
pub use draw::Draw;
pub use faults::{Api, Booth, Fault, Rule, Served};
pub use keys::{KeySource, RsaKey, Verifier};
pub use ledger::{Entry, Ledger, RefundEntry, RefundState, Refused, State};
pub use more::{More, more};
pub use post::{Kind, Outgoing, Post};
pub use simulator::{Behaviour, Call, Complaint, Delivery, Discrepancy, Outcome, Scan, Scanned, Simulator, Waiting};
pub use timers::Timers;
