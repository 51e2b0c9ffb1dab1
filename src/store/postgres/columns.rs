//! A PostgreSQL row as [`rows::Row`] reads it.

use crate::store::rows::{Row, Unreadable};
use tokio_postgres::types::FromSql;

/// A row, read from this column on: a joined row holds several.
#[derive(Clone, Copy)]
pub struct Columns<'a> {
    row: &'a tokio_postgres::Row,
    from: usize,
}

impl<'a> Columns<'a> {
    #[must_use]
    pub const fn of(row: &'a tokio_postgres::Row) -> Columns<'a> {
        Columns { row, from: 0 }
    }

    #[must_use]
    pub const fn from(row: &'a tokio_postgres::Row, from: usize) -> Columns<'a> {
        Columns { row, from }
    }

    fn get<T: FromSql<'a>>(&self, column: usize) -> Result<T, Unreadable> {
        self.row.try_get(self.from.saturating_add(column)).map_err(|e| Unreadable { what: "column", detail: e.to_string() })
    }
}

impl Row for Columns<'_> {
    fn text(&self, column: usize) -> Result<String, Unreadable> {
        self.get(column)
    }
    fn text_or_null(&self, column: usize) -> Result<Option<String>, Unreadable> {
        self.get(column)
    }
    fn int(&self, column: usize) -> Result<i64, Unreadable> {
        self.get(column)
    }
    fn int_or_null(&self, column: usize) -> Result<Option<i64>, Unreadable> {
        self.get(column)
    }
    fn bytes(&self, column: usize) -> Result<Vec<u8>, Unreadable> {
        self.get(column)
    }
}
