//! Answers questions from committed rows.

use super::Columns;
use crate::domain::OrderId;
use crate::domain::life::{Event, Life};
use crate::domain::limit::{Counter, CounterKey};
use crate::store::StoreError;
use crate::store::bill_rows;
use crate::store::booked::{Question, Value};
use crate::store::command::{Audit, ClaimKey, Notice};
use crate::store::limit_rows;
use crate::store::query::{Answer, Desk, OrderFilter, Query, Slice, Sought};
use crate::store::rows::{self, AUDIT_COLUMNS, EVENT_COLUMNS, NOTICE_COLUMNS, Row, from_json};
use crate::store::writes::kind;
use rusqlite::{Connection, OptionalExtension, params};
use sluice_contract::Millis;

/// Reads on one connection.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    pub(super) conn: &'a Connection,
}

pub fn notice(row: &rusqlite::Row<'_>) -> Result<Notice, StoreError> {
    Ok(rows::notice(&Columns(row))?)
}

impl<'a> Reading<'a> {
    #[must_use]
    pub const fn on(conn: &'a Connection) -> Reading<'a> {
        Reading { conn }
    }

    pub fn answer(&self, query: &Query) -> Result<Answer, StoreError> {
        Ok(match query {
            Query::Life(id) => Answer::Life(self.life(id)?.map(Box::new)),
            Query::Named(ids) => {
                let lives: Result<Vec<_>, StoreError> = ids.iter().filter_map(|id| self.life(id).transpose()).collect();
                Answer::Lives(lives?)
            }
            Query::Claim(key) => Answer::Claim(self.claim(key)?),
            Query::Orders(filter) => Answer::Lives(self.orders(filter)?),
            Query::Events(id) => Answer::Events(self.events(id)?),
            Query::NoticesOf(id) => {
                let where_clause = "order_id = ?1 AND event_id >= ?2 AND event_id < ?3";
                // The ids of one order's events lie side by side: no index on the order is needed.
                let (first, last) = (id.event_id(0), id.event_id(u32::from(u16::MAX)));
                Answer::Notices(self.notices(where_clause, params![id.as_str(), first, last], 1000)?)
            }
            Query::Notice(event_id) => Answer::Notices(self.notices("event_id = ?1", params![event_id], 1)?),
            Query::Notices { merchant_id, status, after, limit } => {
                // The status is a word and no value: only then SQLite sees that the index of parked ones will do.
                let status = status.word();
                let where_clause = format!("status = '{status}' AND (?1 IS NULL OR merchant_id = ?1) AND (?2 IS NULL OR event_id > ?2)");
                Answer::Notices(self.notices(&where_clause, params![merchant_id, after], *limit)?)
            }
            Query::Records { kind } => Answer::Records(self.records("kind = ?1 ORDER BY id", params![kind])?),
            Query::Record { kind, id } => Answer::Records(self.records("kind = ?1 AND id = ?2", params![kind, id])?),
            Query::AuditLog { before, limit } => Answer::AuditLog(self.audit(*before, *limit)?),
            Query::AccountUsed(account) => {
                let mut statement = self.conn.prepare_cached("SELECT 1 FROM attempts WHERE account = ?1 LIMIT 1")?;
                Answer::Used(statement.exists(params![account])?)
            }
            Query::LimitUse { limit, from, edge, top } => Answer::LimitUse(self.limit_use(limit, *from, *edge, *top)?),
            Query::Entries(id) => {
                Answer::Entries(self.all(limit_rows::ENTRIES, params![id.as_str()], |row| Ok(limit_rows::entry(id, &Columns(row))?))?)
            }
            Query::Drift => {
                let checked = self.conn.prepare_cached(limit_rows::COUNTERS)?.query_row([], |r| r.get(0))?;
                Answer::Drift { checked, drifted: self.all(limit_rows::DRIFT, [], |row| Ok(limit_rows::drift(&Columns(row))?))? }
            }
            Query::Leaves { key, edge, need } => {
                let with = params![key.limit, key.subject, key.holder, edge.0, need];
                let at: Option<i64> = self.conn.prepare_cached(limit_rows::LEAVES)?.query_row(with, |r| r.get(0)).optional()?;
                Answer::Leaves(at.map(Millis))
            }
            Query::PaidAttempts { .. }
            | Query::SentRefunds { .. }
            | Query::BillRun(..)
            | Query::BillRuns(_)
            | Query::BillStandings
            | Query::Discrepancies(_)
            | Query::Discrepancy(_) => self.bills(query)?,
            Query::Booked(slice) => self.booked(slice)?,
            Query::Desk(desk) => {
                let waiting = self.asked(&desk.waiting(), |row| Ok(Desk::read_waiting(row)?))?;
                let [parked, overdue, suspended] = waiting.first().copied().unwrap_or_default();
                let taken = self.asked(&desk.taken(), |row| Ok(Desk::read_taken(row)?))?;
                Answer::Desk { parked, overdue, suspended, taken }
            }
            Query::Sought(sought) => {
                let found = self.asked(&sought.hits(), |row| Ok(Sought::read_hit(row)?))?.into_iter().flatten().collect();
                let whole = self.asked(&sought.beyond(), |row| Ok(row.text(0)?))?.is_empty();
                Answer::Sought { found, whole }
            }
            Query::NextDue => {
                let min = |sql: &str| -> Result<Option<Millis>, StoreError> {
                    let at: Option<i64> = self.conn.prepare_cached(sql)?.query_row([], |r| r.get(0))?;
                    Ok(at.map(Millis))
                };
                Answer::Due {
                    orders: min("SELECT MIN(wake_at) FROM orders WHERE wake_at IS NOT NULL")?,
                    notices: min("SELECT MIN(next_at) FROM notices WHERE next_at IS NOT NULL")?,
                }
            }
            Query::Ping => {
                self.conn.prepare_cached("SELECT 1 FROM records LIMIT 1")?.exists([])?;
                Answer::Pong
            }
        })
    }

    fn booked(&self, slice: &Slice) -> Result<Answer, StoreError> {
        let end = match slice.end() {
            Some(question) => self.asked(&question, |row| Ok(row.text_or_null(0)?))?.pop().flatten(),
            None => None,
        };
        let lines = match slice.lines(end.as_deref(), false) {
            Some(question) => self.asked(&question, |row| Ok(slice.line(row)?))?,
            None => Vec::new(),
        };
        Ok(slice.answer(end, lines))
    }

    fn asked<T>(&self, question: &Question, read: impl Fn(&Columns<'_, '_>) -> Result<T, StoreError>) -> Result<Vec<T>, StoreError> {
        let values = question.values.iter().map(|value| match value {
            Value::Int(number) => rusqlite::types::Value::Integer(*number),
            Value::Text(text) => rusqlite::types::Value::Text(text.clone()),
        });
        // `?1` and not `$1`, which SQLite takes for a name.
        self.all(&question.sql.replace('$', "?"), rusqlite::params_from_iter(values), |row| read(&Columns(row)))
    }

    fn bills(&self, query: &Query) -> Result<Answer, StoreError> {
        let runs = |filter: &str, with: &[&dyn rusqlite::ToSql]| {
            let sql = format!("SELECT {} FROM bill_runs WHERE {filter} ORDER BY account", bill_rows::RUN_COLUMNS);
            self.all(&sql, with, |row| Ok(bill_rows::run(&Columns(row))?)).map(Answer::BillRuns)
        };
        let found = |filter: &str, with: &[&dyn rusqlite::ToSql]| {
            let order = "ORDER BY account, day, kind, number LIMIT";
            let sql = format!("SELECT {} FROM discrepancies WHERE {filter} {order} ?1", bill_rows::COLUMNS);
            self.all(&sql, with, |row| Ok(bill_rows::stored(&Columns(row))?)).map(Answer::Discrepancies)
        };
        match query {
            Query::PaidAttempts { account, after, until, booked_from, limit } => {
                let with = params![after.0, after.1, until.as_str(), account, booked_from.0, limit];
                let read = |row: &rusqlite::Row<'_>| {
                    let row = Columns(row);
                    Ok(bill_rows::with_order(&row, bill_rows::ATTEMPT_WIDTH, rows::attempt(&row)?)?)
                };
                self.all(&bill_rows::paid_attempts(), with, read).map(Answer::Attempts)
            }
            Query::SentRefunds { account, after, until, limit } => {
                let with = params![after.0.0, after.1, after.2, until.0, account, limit];
                let read = |row: &rusqlite::Row<'_>| {
                    let row = Columns(row);
                    Ok(bill_rows::with_order(&row, bill_rows::REFUND_WIDTH, rows::refund(&row)?)?)
                };
                self.all(&bill_rows::sent_refunds(), with, read).map(Answer::Refunds)
            }
            Query::BillRun(account, day) => runs("account = ?1 AND day = ?2", params![account, day.to_string()]),
            Query::BillStandings => {
                let read = |row: &rusqlite::Row<'_>| Ok(bill_rows::standing(&Columns(row))?);
                self.all(bill_rows::STANDINGS, params![], read).map(Answer::BillStandings)
            }
            Query::BillRuns(day) => runs("day = ?1", params![day.to_string()]),
            Query::Discrepancies(filter) => {
                let (day, standing) = (filter.day.map(|day| day.to_string()), filter.standing.map(|standing| standing.word()));
                let clause = "(?2 IS NULL OR account = ?2) AND (?3 IS NULL OR day = ?3) AND (?4 IS NULL OR status = ?4)";
                found(clause, params![filter.limit, filter.account, day, standing])
            }
            Query::Discrepancy(id) => found("id = ?2", params![1_u32, id]),
            _ => Ok(Answer::Pong),
        }
    }

    fn limit_use(&self, limit: &str, from: i64, edge: Option<Millis>, top: u32) -> Result<Vec<(CounterKey, Counter)>, StoreError> {
        let read = |row: &rusqlite::Row<'_>| Ok(limit_rows::used(limit, &Columns(row))?);
        match edge {
            Some(edge) => self.all(limit_rows::ROLLING_USE, params![edge.0, limit, from, top], read),
            None => self.all(limit_rows::USE, params![limit, from, top], read),
        }
    }

    pub fn life(&self, id: &OrderId) -> Result<Option<Life>, StoreError> {
        let mut statement = self.conn.prepare_cached(&format!("SELECT {} FROM orders WHERE id = ?1", rows::ORDER_COLUMNS))?;
        let mut found = statement.query(params![id.as_str()])?;
        let Some(row) = found.next()? else { return Ok(None) };
        let order = rows::order(&Columns(row))?;
        self.with_children(order).map(Some)
    }

    fn with_children(&self, order: crate::domain::Order) -> Result<Life, StoreError> {
        let id = order.id.as_str().to_owned();
        let sql = format!("SELECT {} FROM attempts WHERE order_id = ?1 ORDER BY seq", rows::ATTEMPT_COLUMNS);
        let attempts = self.all(&sql, params![id], |row| Ok(rows::attempt(&Columns(row))?))?;
        let sql = format!("SELECT {} FROM refunds WHERE order_id = ?1 ORDER BY seq", rows::REFUND_COLUMNS);
        let refunds = self.all(&sql, params![id], |row| Ok(rows::refund(&Columns(row))?))?;
        Ok(rows::life(order, attempts, refunds))
    }

    fn all<T>(
        &self,
        sql: &str,
        with: impl rusqlite::Params,
        read: impl Fn(&rusqlite::Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut found = statement.query(with)?;
        let mut items = Vec::new();
        while let Some(row) = found.next()? {
            items.push(read(row)?);
        }
        Ok(items)
    }

    fn claim(&self, key: &ClaimKey) -> Result<Option<String>, StoreError> {
        let mut statement = self.conn.prepare_cached("SELECT target FROM claims WHERE merchant_id = ?1 AND kind = ?2 AND number = ?3")?;
        Ok(statement.query_row(params![key.merchant_id, kind(key.kind), key.number], |r| r.get(0)).optional()?)
    }

    fn orders(&self, filter: &OrderFilter) -> Result<Vec<Life>, StoreError> {
        // Ids are time-ordered, so times become id ranges and every form of the filter walks an index.
        let before = filter.before.as_ref().map(|id| id.as_str().to_owned());
        let mut clauses = vec![
            "(?1 IS NULL OR id < ?1)",
            "(?3 IS NULL OR status = ?3)",
            "(?4 IS NULL OR created_at >= ?4)",
            "(?5 IS NULL OR created_at < ?5)",
        ];
        clauses.push(if filter.merchant_id.is_some() { "merchant_id = ?2" } else { "?2 IS NULL" });
        if filter.cases_only {
            clauses.push("suspended = 1");
        }
        let sql = format!("SELECT {} FROM orders WHERE {} ORDER BY id DESC LIMIT ?6", rows::ORDER_COLUMNS, clauses.join(" AND "));
        let with = params![
            before,
            filter.merchant_id,
            filter.status.map(|s| s.word()),
            filter.created_from.map(|m| m.0),
            filter.created_to.map(|m| m.0),
            filter.limit
        ];
        let orders = self.all(&sql, with, |row| Ok(rows::order(&Columns(row))?))?;
        orders.into_iter().map(|order| self.with_children(order)).collect()
    }

    fn events(&self, id: &OrderId) -> Result<Vec<Event>, StoreError> {
        let sql = format!("SELECT {EVENT_COLUMNS} FROM events WHERE order_id = ?1 ORDER BY seq");
        self.all(&sql, params![id.as_str()], |row| Ok(rows::event(&Columns(row))?))
    }

    fn notices(&self, where_clause: &str, with: impl rusqlite::Params, limit: u32) -> Result<Vec<Notice>, StoreError> {
        let sql = format!("SELECT {NOTICE_COLUMNS} FROM notices WHERE {where_clause} ORDER BY event_id LIMIT {limit}");
        self.all(&sql, with, notice)
    }

    fn records(&self, which: &str, with: impl rusqlite::Params) -> Result<Vec<(String, serde_json::Value)>, StoreError> {
        self.all(&format!("SELECT id, doc FROM records WHERE {which}"), with, |row| {
            let row = Columns(row);
            Ok((row.text(0)?, from_json("record", &row.text(1)?)?))
        })
    }

    fn audit(&self, before: Option<i64>, limit: u32) -> Result<Vec<(i64, Audit)>, StoreError> {
        let sql = format!("SELECT {AUDIT_COLUMNS} FROM audit WHERE (?1 IS NULL OR seq < ?1) ORDER BY seq DESC LIMIT ?2");
        self.all(&sql, params![before, limit], |row| Ok(rows::audit(&Columns(row))?))
    }
}

#[cfg(test)]
mod tests {
    use super::Row;
    use crate::domain::statement::Place;
    use crate::store::query::Slice;
    use crate::store::sqlite::{Columns, Engine};
    use sluice_contract::Millis;

    /// Without statistics SQLite guesses: each part must be led by its own index, a merchant's or not.
    #[test]
    fn every_part_of_a_statement_walks_its_own_index() -> Result<(), crate::store::StoreError> {
        let engine = Engine::open(":memory:")?;
        let parts = [
            (Place::Soon(String::new()), ["orders_of_merchant", "sqlite_autoindex_orders_1"]),
            (Place::Old(Millis(0), String::new()), ["orders_paid_old"; 2]),
            (Place::Late(String::new(), 0), ["attempts_late"; 2]),
            (Place::Back(Millis(0), String::new(), 0), ["refunds_done"; 2]),
        ];
        for (after, indexes) in parts {
            for (merchant_id, index) in [Some("m".to_owned()), None].into_iter().zip(indexes) {
                let slice = Slice { merchant_id, from: Millis(1), to: Millis(2), after: after.clone(), limit: 10 };
                for question in slice.end().into_iter().chain(slice.lines(Some("P"), false)) {
                    let asked = super::Question { sql: format!("EXPLAIN QUERY PLAN {}", question.sql), values: question.values };
                    let plan = engine.reading().asked(&asked, |row: &Columns<'_, '_>| Ok(row.text(3)?))?;
                    let leads = plan.iter().find(|step| step.starts_with("SEARCH") || step.starts_with("SCAN") && !step.contains("SCAN s"));
                    let led = leads.is_some_and(|step| step.starts_with("SEARCH") && step.contains(index));
                    assert!(led && !plan.iter().any(|step| step.contains("AUTOMATIC")), "{index}: {plan:?}");
                }
            }
        }
        Ok(())
    }
}
