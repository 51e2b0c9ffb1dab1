//! The limit centre (限额中心): what may still be paid, exact to the fen (CONTRACT section 9, DESIGN section 5).
//!
//! Reading order: [`rule`] (a rule as configured), [`window`], [`ask`] (rules and a candidate give what it asks), [`admit`] (under the lock:
//! is there room), [`hold`] (what an attempt keeps of it), [`settle`] (every change of an order moves what its attempts hold),
//! [`counter`] (entries, and the counters that add them up).
//!
//! **Invariant by absence:** nobody but [`settle`] moves a counter, and it derives what to move from the attempts' statuses.

pub mod admit;
pub mod ask;
pub mod counter;
pub mod hold;
pub mod rule;
pub mod settle;
pub mod window;

pub use admit::{Verdict, admit};
pub use ask::{Ask, Asked, Limits, NotChecked, PassedOver, Subjects, Why};
pub use counter::{Counter, CounterKey, Counters, Entry, Share, Step, Touched};
pub use hold::Hold;
pub use rule::{Limit, Measure, Mode, Per};
pub use settle::settle;
pub use window::Window;
