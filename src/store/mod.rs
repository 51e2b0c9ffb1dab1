//! The store: everything that must survive. One method to change it, [`Store::submit`], and plain reads.
//!
//! Commands ([`command`]) carry keys and facts; an engine gathers them into batches, loads and locks the rows they name, folds them
//! with the one pure [`decide`], writes the net rows and commits once. An answer means committed.
//!
//! **Invariant by absence:** no money, status or limit changes anywhere else than in `decide`, and no engine decides anything.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::float_arithmetic
)]

pub mod bill_rows;
pub mod booked;
pub mod command;
pub mod decide;
pub mod desk;
pub mod lanes;
pub mod limit_rows;
mod limit_writes;
pub mod postgres;
pub mod query;
mod reader;
pub mod rows;
pub mod seal;
pub mod sqlite;
pub mod statement;
pub mod view;
pub mod writes;

pub use command::{Audit, ClaimKey, Command, Delivery, Kind, Nonce, Notice, NoticeStatus, Outcome, Record};
pub use limit_rows::Drift;
pub use query::{Answer, BillStanding, Desk, DiscrepancyFilter, OrderFilter, Query, Slice, Sought, Taken};
pub use reader::Reader;
pub use seal::Sealer;

use sluice_contract::Millis;
use std::future::Future;
use std::pin::Pin;

/// Why a command or query was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The intake is full, or the store is closing. Nothing happened.
    #[error("the store is busy: nothing was stored, try again")]
    Busy,
    /// The command would break a money rule. Nothing happened; an alarm was raised.
    #[error("refused by a money rule: {0}")]
    Broken(String),
    /// The engine failed before the commit. Nothing happened.
    #[error("the store failed: {0}")]
    Failed(String),
    /// The commit itself failed: it may have happened. Read by key before anything else.
    #[error("the commit's outcome is unknown: {0}")]
    Unknown(String),
}

/// What runs when the process can no longer be trusted: the gateway exits and its supervisor restarts it.
pub type OnPanic = fn();

pub type Ticket<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

pub trait Store: Send + Sync {
    /// Carries out a command; answers after its commit.
    fn submit(&self, command: Command) -> Ticket<'_, Outcome>;
    /// Reads committed rows.
    fn read(&self, query: Query) -> Ticket<'_, Answer>;
    /// Makes room for the months to come, and puts a piece of what is over away when it is older than so many whole months; `None`: keeps
    /// everything. Nobody waits for it longer than a second. Answers whether there may be more to put away.
    fn keep_house(&self, now: Millis, keep_months: Option<u32>) -> Ticket<'_, bool>;
}
