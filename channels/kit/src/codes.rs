//! What an error code means for the money, as data. Every channel keeps its own tables of [`Rows`]; a code that is not listed is
//! *unknown*, never a failure.

use sluice_contract::{Failure, FailureCode, Fault};

/// What a listed code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// As good as done: closing what is closed.
    Ok,
    /// Definite for this call: no money moved and none will.
    Fail(FailureCode, Fault),
    /// Refused, but the table does not promise that the number stays unpaid: undo it, then it failed.
    Decline(FailureCode, Fault),
    /// The channel does not know itself.
    Unknown,
    /// The number has a history: ask.
    Query,
    /// Again later, the same number.
    Retry,
    /// The channel does not know the number.
    NotCreated,
    /// Our keys, ids or permissions: an alarm.
    Config,
}

/// A table: the channel's code and its meaning.
pub type Rows = &'static [(&'static str, Class)];

/// The first row of that code; the tables are looked up in order.
#[must_use]
pub fn find(tables: &[Rows], code: &str) -> Option<Class> {
    tables.iter().flat_map(|rows| rows.iter()).find(|(name, _)| *name == code).map(|(_, class)| *class)
}

/// A definite failure in the channel's words.
#[must_use]
pub fn failure(code: FailureCode, fault: Fault, channel_code: &str, message: &str) -> Failure {
    let message = if message.is_empty() { channel_code } else { message };
    Failure { code, fault, message: message.to_owned(), channel_code: Some(channel_code.to_owned()) }
}
