//! Reads beside a running gateway, and never writes: for `explain` and whoever else only looks.

use super::postgres::{self, Target};
use super::sqlite::{self, Reading};
use super::{Answer, Query, StoreError};
use crate::config::StoreUrl;

/// Opened for reading only: it brings no schema up to date.
pub enum Reader {
    Sqlite(rusqlite::Connection),
    Postgres(postgres::Readers),
}

impl Reader {
    pub fn open(url: &StoreUrl) -> Result<Reader, StoreError> {
        match url {
            StoreUrl::Sqlite(path) => sqlite::open_reader(&path.to_string_lossy()).map(Reader::Sqlite),
            StoreUrl::Postgres(url) => postgres::Readers::new(&Target::new(url)?).map(Reader::Postgres),
        }
    }

    pub async fn answer(&self, query: &Query) -> Result<Answer, StoreError> {
        match self {
            Reader::Sqlite(conn) => Reading::on(conn).answer(query),
            Reader::Postgres(readers) => readers.answer(query).await,
        }
    }
}
