//! Answers questions from committed rows, each by one statement, so that an order and its attempts are of one moment.

use super::columns::Columns;
use super::link::Target;
use crate::domain::life::Life;
use crate::store::StoreError;
use crate::store::bill_rows;
use crate::store::booked::{Question, Value};
use crate::store::limit_rows;
use crate::store::query::{Answer, Desk, OrderFilter, Query, Slice, Sought};
use crate::store::rows::{
    self, ATTEMPT_COLUMNS, AUDIT_COLUMNS, EVENT_COLUMNS, NOTICE_COLUMNS, ORDER_COLUMNS, REFUND_COLUMNS, Row, Unreadable, from_json, of,
    width,
};
use crate::store::writes::kind;
use deadpool_postgres::{ClientWrapper, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use sluice_contract::Millis;
use std::time::Duration;
use tokio_postgres::Row as PgRow;
use tokio_postgres::types::ToSql;

/// Connections kept.
const READERS: usize = 8;
/// A question waits this long for one of them.
const WAIT_MAX: Duration = Duration::from_secs(3);
/// A question waits this long for its answer; then the connection is given up: somebody on the way may have taken it and be gone.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Conditions and their values, numbered as they are added.
#[derive(Default)]
struct Filter {
    clauses: Vec<String>,
    values: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Filter {
    /// `{}` in the clause stands for the value.
    fn with(mut self, clause: &str, value: impl ToSql + Sync + Send + 'static) -> Filter {
        let number = self.values.len().saturating_add(1);
        self.clauses.push(clause.replace("{}", &format!("${number}")));
        self.values.push(Box::new(value));
        self
    }

    fn with_some(self, clause: &str, value: Option<impl ToSql + Sync + Send + 'static>) -> Filter {
        match value {
            Some(value) => self.with(clause, value),
            None => self,
        }
    }

    fn when(mut self, condition: bool, clause: &str) -> Filter {
        if condition {
            self.clauses.push(clause.to_owned());
        }
        self
    }

    fn text(&self) -> String {
        if self.clauses.is_empty() { "true".to_owned() } else { self.clauses.join(" AND ") }
    }
}

/// Reads on one connection of the pool.
struct Reading<'a> {
    client: &'a ClientWrapper,
}

/// Connections for questions, opened as they are needed.
pub struct Readers(Pool);

impl Readers {
    pub fn new(target: &Target) -> Result<Readers, StoreError> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(target.config.clone(), target.tls.clone(), recycling);
        let pool =
            Pool::builder(manager).max_size(READERS).runtime(Runtime::Tokio1).wait_timeout(Some(WAIT_MAX)).create_timeout(Some(WAIT_MAX));
        pool.build().map(Readers).map_err(|e| StoreError::Failed(e.to_string()))
    }

    /// A connection for something else than a question.
    pub async fn client(&self) -> Result<deadpool_postgres::Client, StoreError> {
        self.0.get().await.map_err(|e| StoreError::Failed(e.to_string()))
    }

    /// Asks on an idle connection; once more on another one if that was lost: a question changes nothing.
    pub async fn answer(&self, query: &Query) -> Result<Answer, StoreError> {
        for _ in 0..2 {
            let client = self.client().await?;
            match tokio::time::timeout(ANSWER_MAX, Reading { client: &client }.answer(query)).await {
                Ok(answered) if answered.is_ok() || !client.is_closed() => return answered,
                Ok(_) => {}
                // Not back into the pool: whoever got it next would wait as long.
                Err(_) => drop(deadpool_postgres::Client::take(client)),
            }
        }
        Err(StoreError::Failed("the connection to the store was lost".to_owned()))
    }
}

impl Reading<'_> {
    async fn answer(&self, query: &Query) -> Result<Answer, StoreError> {
        Ok(match query {
            Query::Life(id) => {
                let found = self.lives(Filter::default().with("id = {}", id.to_string()), 1).await?;
                Answer::Life(found.into_iter().next().map(Box::new))
            }
            Query::Named(ids) => {
                let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
                let limit = u32::try_from(texts.len()).unwrap_or(u32::MAX);
                Answer::Lives(self.lives(Filter::default().with("id = ANY({})", texts), limit).await?)
            }
            Query::Orders(filter) => Answer::Lives(self.orders(filter).await?),
            Query::Claim(key) => {
                let filter = Filter::default().with("merchant_id = {}", key.merchant_id.clone()).with("kind = {}", kind(key.kind));
                let found = self.rows("SELECT target FROM claims", filter.with("number = {}", key.number.clone()), "").await?;
                Answer::Claim(found.first().map(|row| Columns::of(row).text(0)).transpose()?)
            }
            Query::Events(id) => {
                let sql = format!("SELECT {EVENT_COLUMNS} FROM events");
                let found = self.rows(&sql, Filter::default().with("order_id = {}", id.to_string()), "ORDER BY seq").await?;
                Answer::Events(all(&found, |row| rows::event(&row))?)
            }
            Query::NoticesOf(_) | Query::Notice(_) | Query::Notices { .. } => self.notices(query).await?,
            Query::Records { .. } | Query::Record { .. } => {
                let filter = match query {
                    Query::Record { kind, id } => Filter::default().with("kind = {}", kind.clone()).with("id = {}", id.clone()),
                    Query::Records { kind } => Filter::default().with("kind = {}", kind.clone()),
                    _ => Filter::default(),
                };
                let found = self.rows("SELECT id, doc FROM records", filter, "ORDER BY id").await?;
                Answer::Records(all(&found, |row| Ok((row.text(0)?, from_json("record", &row.text(1)?)?)))?)
            }
            Query::AuditLog { before, limit } => {
                let (sql, filter) = (format!("SELECT {AUDIT_COLUMNS} FROM audit"), Filter::default().with_some("seq < {}", *before));
                let found = self.rows(&sql, filter, &format!("ORDER BY seq DESC LIMIT {limit}")).await?;
                Answer::AuditLog(all(&found, |row| rows::audit(&row))?)
            }
            Query::AccountUsed(account) => {
                let filter = Filter::default().with("account = {}", account.clone());
                Answer::Used(!self.rows("SELECT seq FROM attempts", filter, "LIMIT 1").await?.is_empty())
            }
            Query::LimitUse { .. } | Query::Entries(_) | Query::Drift | Query::Leaves { .. } => self.limits(query).await?,
            Query::PaidAttempts { .. } | Query::SentRefunds { .. } => self.listed(query).await?,
            Query::BillStandings => {
                let found = self.ask(bill_rows::STANDINGS, &[]).await?;
                Answer::BillStandings(all(&found, |row| bill_rows::standing(&row))?)
            }
            Query::BillRun(..) | Query::BillRuns(_) | Query::Discrepancies(_) | Query::Discrepancy(_) => self.bills(query).await?,
            Query::Booked(slice) => self.booked(slice).await?,
            Query::Desk(desk) => self.desk(desk).await?,
            Query::Sought(sought) => self.sought(sought).await?,
            Query::NextDue => self.next_due().await?,
            Query::Ping => self.ping().await?,
        })
    }

    async fn ask(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<PgRow>, StoreError> {
        let statement = self.client.prepare_cached(sql).await?;
        Ok(self.client.query(&statement, values).await?)
    }

    async fn rows(&self, select: &str, filter: Filter, tail: &str) -> Result<Vec<PgRow>, StoreError> {
        let values: Vec<_> = filter.values.iter().map(|value| -> &(dyn ToSql + Sync) { value.as_ref() }).collect();
        self.ask(&format!("{select} WHERE {} {tail}", filter.text()), &values).await
    }

    /// Orders by a condition, newest first, each with its attempts and refunds: a row for each attempt, or for each refund of it.
    async fn lives(&self, filter: Filter, limit: u32) -> Result<Vec<Life>, StoreError> {
        let columns = [of("o", ORDER_COLUMNS), of("a", ATTEMPT_COLUMNS), of("r", REFUND_COLUMNS)].join(", ");
        let values: Vec<_> = filter.values.iter().map(|value| -> &(dyn ToSql + Sync) { value.as_ref() }).collect();
        let sql = format!(
            "SELECT {columns} FROM (SELECT * FROM orders WHERE {} ORDER BY id DESC LIMIT {limit}) o \
             LEFT JOIN attempts a ON a.order_id = o.id LEFT JOIN refunds r ON r.order_id = a.order_id AND r.attempt_seq = a.seq \
             ORDER BY o.id DESC, a.seq, r.seq",
            filter.text()
        );
        Ok(lives(&self.ask(&sql, &values).await?)?)
    }

    /// Ids are time-ordered, so that every form of the filter walks an index.
    async fn orders(&self, filter: &OrderFilter) -> Result<Vec<Life>, StoreError> {
        let conditions = Filter::default()
            .with_some("merchant_id = {}", filter.merchant_id.clone())
            .with_some("id < {}", filter.before.as_ref().map(ToString::to_string))
            .with_some("status = {}", filter.status.map(|status| status.word().to_owned()))
            .with_some("created_at >= {}", filter.created_from.map(|at| at.0))
            .with_some("created_at < {}", filter.created_to.map(|at| at.0))
            .when(filter.cases_only, "suspended = 1");
        self.lives(conditions, filter.limit).await
    }

    async fn notices(&self, query: &Query) -> Result<Answer, StoreError> {
        let (filter, limit) = match query {
            // The ids of one order's events lie side by side: no index on the order is needed.
            Query::NoticesOf(id) => {
                let (first, last) = (id.event_id(0), id.event_id(u32::from(u16::MAX)));
                (Filter::default().with("event_id >= {}", first).with("event_id < {}", last), 1000)
            }
            Query::Notices { merchant_id, status, after, limit } => {
                // The status is a word and no value: only then a kept plan may use the index of parked ones.
                let filter = Filter::default().when(true, &format!("status = '{}'", status.word()));
                (filter.with_some("merchant_id = {}", merchant_id.clone()).with_some("event_id > {}", after.clone()), *limit)
            }
            Query::Notice(event_id) => (Filter::default().with("event_id = {}", event_id.clone()), 1),
            _ => return Ok(Answer::Notices(Vec::new())),
        };
        let sql = format!("SELECT {NOTICE_COLUMNS} FROM notices");
        let found = self.rows(&sql, filter, &format!("ORDER BY event_id LIMIT {limit}")).await?;
        Ok(Answer::Notices(all(&found, |row| rows::notice(&row))?))
    }

    async fn limits(&self, query: &Query) -> Result<Answer, StoreError> {
        Ok(match query {
            Query::LimitUse { limit, from, edge, top } => {
                let top = i64::from(*top);
                let found = match edge {
                    Some(edge) => self.ask(limit_rows::ROLLING_USE, &[&edge.0, limit, from, &top]).await?,
                    None => self.ask(limit_rows::USE, &[limit, from, &top]).await?,
                };
                Answer::LimitUse(all(&found, |row| limit_rows::used(limit, &row))?)
            }
            Query::Entries(id) => {
                Answer::Entries(all(&self.ask(limit_rows::ENTRIES, &[&id.as_str()]).await?, |row| limit_rows::entry(id, &row))?)
            }
            Query::Leaves { key, edge, need } => {
                let found = self.ask(limit_rows::LEAVES, &[&key.limit, &key.subject, &key.holder, &edge.0, need]).await?;
                Answer::Leaves(found.first().map(|row| Columns::of(row).int(0)).transpose()?.map(Millis))
            }
            _ => {
                let counted = self.ask(limit_rows::COUNTERS, &[]).await?;
                let checked = counted.first().map(|row| Columns::of(row).int(0)).transpose()?.unwrap_or_default();
                Answer::Drift { checked, drifted: all(&self.ask(limit_rows::DRIFT, &[]).await?, |row| limit_rows::drift(&row))? }
            }
        })
    }

    /// What a day's bill should list.
    async fn listed(&self, query: &Query) -> Result<Answer, StoreError> {
        Ok(match query {
            Query::PaidAttempts { account, after, until, booked_from, limit } => {
                let (seq, until, limit) = (i64::from(after.1), until.as_str(), i64::from(*limit));
                let found = self.ask(&bill_rows::paid_attempts(), &[&after.0, &seq, &until, account, &booked_from.0, &limit]).await?;
                Answer::Attempts(all(&found, |row| bill_rows::with_order(&row, bill_rows::ATTEMPT_WIDTH, rows::attempt(&row)?))?)
            }
            Query::SentRefunds { account, after, until, limit } => {
                let (seq, limit) = (i64::from(after.2), i64::from(*limit));
                let found = self.ask(&bill_rows::sent_refunds(), &[&after.0.0, &after.1, &seq, &until.0, account, &limit]).await?;
                Answer::Refunds(all(&found, |row| bill_rows::with_order(&row, bill_rows::REFUND_WIDTH, rows::refund(&row)?))?)
            }
            _ => Answer::Attempts(Vec::new()),
        })
    }

    async fn booked(&self, slice: &Slice) -> Result<Answer, StoreError> {
        let end = match slice.end() {
            Some(question) => {
                let found = self.asked(&question).await?;
                found.first().map(|row| Columns::of(row).text_or_null(0)).transpose()?.flatten()
            }
            None => None,
        };
        let lines = match slice.lines(end.as_deref(), true) {
            Some(question) => all(&self.asked(&question).await?, |row| slice.line(&row))?,
            None => Vec::new(),
        };
        Ok(slice.answer(end, lines))
    }

    async fn desk(&self, desk: &Desk) -> Result<Answer, StoreError> {
        let waiting = all(&self.asked(&desk.waiting()).await?, |row| Desk::read_waiting(&row))?;
        let [parked, overdue, suspended] = waiting.first().copied().unwrap_or_default();
        let taken = all(&self.asked(&desk.taken()).await?, |row| Desk::read_taken(&row))?;
        Ok(Answer::Desk { parked, overdue, suspended, taken })
    }

    async fn sought(&self, sought: &Sought) -> Result<Answer, StoreError> {
        let found = all(&self.asked(&sought.hits()).await?, |row| Sought::read_hit(&row))?;
        let whole = self.asked(&sought.beyond()).await?.is_empty();
        Ok(Answer::Sought { found: found.into_iter().flatten().collect(), whole })
    }

    async fn asked(&self, question: &Question) -> Result<Vec<PgRow>, StoreError> {
        let values: Vec<&(dyn ToSql + Sync)> = question
            .values
            .iter()
            .map(|value| -> &(dyn ToSql + Sync) {
                match value {
                    Value::Int(number) => number,
                    Value::Text(text) => text,
                }
            })
            .collect();
        self.ask(&question.sql, &values).await
    }

    async fn bills(&self, query: &Query) -> Result<Answer, StoreError> {
        let (filter, limit) = match query {
            Query::BillRun(account, day) => {
                (Filter::default().with("account = {}", account.clone()).with("day = {}", day.to_string()), None)
            }
            Query::BillRuns(day) => (Filter::default().with("day = {}", day.to_string()), None),
            Query::Discrepancies(wanted) => {
                let filter = Filter::default()
                    .with_some("account = {}", wanted.account.clone())
                    .with_some("day = {}", wanted.day.map(|day| day.to_string()))
                    .with_some("status = {}", wanted.standing.map(|standing| standing.word().to_owned()));
                (filter, Some(wanted.limit))
            }
            Query::Discrepancy(id) => (Filter::default().with("id = {}", id.clone()), Some(1)),
            _ => return Ok(Answer::BillRuns(Vec::new())),
        };
        let Some(limit) = limit else {
            let found = self.rows(&format!("SELECT {} FROM bill_runs", bill_rows::RUN_COLUMNS), filter, "ORDER BY account").await?;
            return Ok(Answer::BillRuns(all(&found, |row| bill_rows::run(&row))?));
        };
        let tail = format!("ORDER BY account, day, kind, number LIMIT {limit}");
        let found = self.rows(&format!("SELECT {} FROM discrepancies", bill_rows::COLUMNS), filter, &tail).await?;
        Ok(Answer::Discrepancies(all(&found, |row| bill_rows::stored(&row))?))
    }

    async fn next_due(&self) -> Result<Answer, StoreError> {
        let sql = "SELECT (SELECT wake_at FROM orders WHERE wake_at IS NOT NULL ORDER BY wake_at LIMIT 1), \
            (SELECT next_at FROM notices WHERE next_at IS NOT NULL ORDER BY next_at LIMIT 1)";
        let found = self.ask(sql, &[]).await?;
        let due = |column| -> Result<Option<Millis>, StoreError> {
            Ok(found.first().map(|row| Columns::of(row).int_or_null(column)).transpose()?.flatten().map(Millis))
        };
        Ok(Answer::Due { orders: due(0)?, notices: due(1)? })
    }

    /// A server that takes no writes, such as a standby, is not ready.
    async fn ping(&self) -> Result<Answer, StoreError> {
        let sql = "SELECT current_setting('transaction_read_only') = 'on', EXISTS (SELECT FROM records)";
        let found = self.ask(sql, &[]).await?;
        let read_only: Option<bool> = found.first().and_then(|row| row.try_get(0).ok());
        match read_only {
            Some(false) => Ok(Answer::Pong),
            _ => Err(StoreError::Failed("the server takes no writes: it is a standby, or it was set read-only".to_owned())),
        }
    }
}

fn all<T>(found: &[PgRow], read: impl Fn(Columns<'_>) -> Result<T, Unreadable>) -> Result<Vec<T>, StoreError> {
    Ok(found.iter().map(|row| read(Columns::of(row))).collect::<Result<_, _>>()?)
}

/// Puts joined rows together: an order, then an attempt or nothing, then a refund or nothing.
fn lives(joined: &[PgRow]) -> Result<Vec<Life>, Unreadable> {
    let attempt_from = width(ORDER_COLUMNS);
    let refund_from = attempt_from.saturating_add(width(ATTEMPT_COLUMNS));
    let mut lives: Vec<Life> = Vec::new();
    for row in joined {
        let id = Columns::of(row).text(0)?;
        if lives.last().is_none_or(|life| life.order.id.as_str() != id) {
            lives.push(rows::life(rows::order(&Columns::of(row))?, Vec::new(), Vec::new()));
        }
        let Some(life) = lives.last_mut() else { continue };
        let (attempt, refund) = (Columns::from(row, attempt_from), Columns::from(row, refund_from));
        if let Some(seq) = attempt.int_or_null(0)?
            && life.attempts.last().is_none_or(|last| i64::from(last.seq) != seq)
        {
            life.attempts.push(rows::attempt(&attempt)?);
        }
        if refund.int_or_null(0)?.is_some() {
            life.refunds.push(rows::refund(&refund)?);
        }
    }
    // They came by attempt.
    lives.iter_mut().for_each(|life| life.refunds.sort_unstable_by_key(|refund| refund.seq));
    Ok(lives)
}
