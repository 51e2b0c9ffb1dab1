//! One round trip: statements that go out together and are answered together. The server runs them one after the other, each on what
//! was committed when it begins.

use super::link::told;
use super::spell::{Param, columns, counts_itself, spell};
use super::sql::Sql;
use crate::store::StoreError;
use crate::store::statement::{Statement, Write};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

/// What became of a round trip that did not succeed.
#[derive(Debug)]
pub enum Lost {
    /// The server refused a statement: nothing of the transaction will be committed.
    Refused(String),
    /// The connection is of no use any more. Whether a COMMIT that was under way took place is not known.
    Gone(String),
}

impl From<tokio_postgres::Error> for Lost {
    fn from(error: tokio_postgres::Error) -> Lost {
        // The server is being stopped, somebody ended this session, or it went on as a standby: another session may do.
        let ended = [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            SqlState::READ_ONLY_SQL_TRANSACTION,
        ];
        match error.code() {
            Some(code) if !ended.contains(code) && !code.code().starts_with("08") => Lost::Refused(told(&error)),
            _ => Lost::Gone(told(&error)),
        }
    }
}

impl From<Lost> for StoreError {
    fn from(lost: Lost) -> StoreError {
        let (Lost::Refused(why) | Lost::Gone(why)) = lost;
        StoreError::Failed(why)
    }
}

/// The statements of a connection, prepared once: written ones by their address, which names a static.
pub struct Prepared {
    fixed: BTreeMap<Sql, tokio_postgres::Statement>,
    written: BTreeMap<usize, tokio_postgres::Statement>,
}

impl Prepared {
    pub async fn new(client: &Client, written: &[&'static Statement]) -> Result<Prepared, Lost> {
        let mut prepared = Prepared { fixed: BTreeMap::new(), written: BTreeMap::new() };
        for sql in Sql::ALL {
            prepared.fixed.insert(sql, client.prepare(&sql.text()).await?);
        }
        for statement in written {
            prepared.written.insert(std::ptr::from_ref(*statement).addr(), client.prepare(&spell(statement)).await?);
        }
        Ok(prepared)
    }
}

type Asked<'a> = Pin<Box<dyn Future<Output = Result<Vec<Row>, Lost>> + Send + 'a>>;

/// Statements on their way.
pub struct Trip<'a> {
    client: &'a Client,
    prepared: &'a Prepared,
    asked: Vec<Asked<'a>>,
    /// Whether a statement could not even be sent: the server does not know that it is missing.
    unsent: Arc<AtomicBool>,
}

/// Where an answer will be.
#[derive(Clone, Copy, Debug)]
pub struct Place(usize);

impl<'a> Trip<'a> {
    #[must_use]
    pub fn new(client: &'a Client, prepared: &'a Prepared) -> Trip<'a> {
        Trip { client, prepared, asked: Vec::new(), unsent: Arc::default() }
    }

    /// BEGIN, COMMIT, ROLLBACK. Behind a statement that could not be sent nothing is committed.
    pub fn say(&mut self, word: &'static str) {
        let (client, unsent) = (self.client, Arc::clone(&self.unsent));
        self.asked.push(Box::pin(async move {
            let word = if unsent.load(Ordering::Relaxed) { "ROLLBACK" } else { word };
            Ok(client.batch_execute(word).await.map(|()| Vec::new())?)
        }));
    }

    /// Asks one of the fixed statements.
    pub fn ask(&mut self, sql: Sql, params: Vec<Param<'a>>) -> Place {
        self.push(self.prepared.fixed.get(&sql), params)
    }

    /// Writes all rows of a statement.
    pub fn write(&mut self, write: &'a Write<'_>) {
        if write.rows.is_empty() {
            return;
        }
        let mut params = columns(write);
        if counts_itself(write.statement) {
            params.push(Box::new(i64::try_from(write.rows.len()).unwrap_or(i64::MAX)));
        }
        self.push(self.prepared.written.get(&std::ptr::from_ref(write.statement).addr()), params);
    }

    fn push(&mut self, statement: Option<&'a tokio_postgres::Statement>, params: Vec<Param<'a>>) -> Place {
        let (client, unsent) = (self.client, Arc::clone(&self.unsent));
        let place = Place(self.asked.len());
        self.asked.push(Box::pin(async move {
            let params: Vec<_> = params.iter().map(|param| -> &(dyn ToSql + Sync) { param.as_ref() }).collect();
            let answer = match statement {
                Some(statement) => client.query(statement, &params).await.map_err(Lost::from),
                None => Err(Lost::Refused("a statement was not prepared".into())),
            };
            // Known at the first poll, before the words behind it are sent, if it never left.
            unsent.fetch_or(answer.is_err(), Ordering::Relaxed);
            answer
        }));
        place
    }

    /// Sends everything, then reads every answer. The first failure is the one that counts: the others follow from it.
    pub async fn go(self) -> Result<Answers, Lost> {
        // All are polled once in this order before any answer is awaited, and a statement is sent when it is first polled.
        let answers = join_all(self.asked).await;
        Ok(Answers(answers.into_iter().collect::<Result<_, _>>()?))
    }
}

/// The rows of each statement, by the place it was given.
pub struct Answers(Vec<Vec<Row>>);

impl Answers {
    /// None for a statement that was not asked.
    #[must_use]
    pub fn rows(&self, place: Option<Place>) -> &[Row] {
        place.and_then(|Place(at)| self.0.get(at)).map_or(&[], Vec::as_slice)
    }
}
