//! What a batch writes, told once for both engines: which statements, in which order, with which cells. An engine only spells a
//! statement in its own SQL and runs it: SQLite a row at a time, PostgreSQL all rows of a statement at once.
//!
//! Every statement says how many rows it must change: as many as it is given. The conditions repeat what `decide` has already judged on
//! the locked rows; if one of them ever misses, the batch is rolled back.

use std::borrow::Cow;

/// What a column holds. Times are milliseconds, money is fen, truths are 0 or 1: all integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Text,
    Int,
    Bytes,
}

/// A value on its way into a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    Null,
    Int(i64),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
}

pub type Column = (&'static str, Type);

/// One statement, without a dialect.
#[derive(Debug)]
pub enum Statement {
    Insert {
        table: &'static str,
        columns: &'static [Column],
    },
    /// A row's cells come as: keys, the guarded columns as they were loaded, the new values.
    Update {
        table: &'static str,
        keys: &'static [Column],
        /// The row must still hold what was loaded.
        guards: &'static [Column],
        sets: &'static [Column],
        /// A condition more; `{column}` stands for the new value.
        also: Option<&'static str>,
    },
    /// Inserts, or replaces what has the same key (the first `keys` columns).
    Put {
        table: &'static str,
        columns: &'static [Column],
        keys: usize,
    },
    /// Removes rows by key; one that is not there is removed already.
    Remove {
        table: &'static str,
        keys: &'static [Column],
    },
}

/// A statement and the rows it is run with.
#[derive(Debug)]
pub struct Write<'a> {
    pub statement: &'static Statement,
    pub rows: Vec<Vec<Cell<'a>>>,
}

impl Statement {
    /// Every cell of a row, in order.
    pub fn columns(&self) -> impl Iterator<Item = &'static Column> {
        let (first, second, third): (&'static [Column], &'static [Column], &'static [Column]) = match self {
            Statement::Insert { columns, .. } | Statement::Put { columns, .. } => (columns, &[], &[]),
            Statement::Update { keys, guards, sets, .. } => (keys, guards, sets),
            Statement::Remove { keys, .. } => (keys, &[], &[]),
        };
        first.iter().chain(second).chain(third)
    }

    #[must_use]
    pub const fn table(&self) -> &'static str {
        match self {
            Statement::Insert { table, .. }
            | Statement::Update { table, .. }
            | Statement::Put { table, .. }
            | Statement::Remove { table, .. } => table,
        }
    }

    /// Whether every row given must have changed exactly one row.
    #[must_use]
    pub const fn is_counted(&self) -> bool {
        !matches!(self, Statement::Remove { .. })
    }
}

impl From<i64> for Cell<'_> {
    fn from(value: i64) -> Self {
        Cell::Int(value)
    }
}

impl From<u32> for Cell<'_> {
    fn from(value: u32) -> Self {
        Cell::Int(i64::from(value))
    }
}

impl From<bool> for Cell<'_> {
    fn from(value: bool) -> Self {
        Cell::Int(i64::from(value))
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(value: &'a str) -> Self {
        Cell::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Cell<'_> {
    fn from(value: String) -> Self {
        Cell::Text(Cow::Owned(value))
    }
}

impl<'a> From<&'a [u8]> for Cell<'a> {
    fn from(value: &'a [u8]) -> Self {
        Cell::Bytes(value)
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Cell::Null, Into::into)
    }
}
