//! What a statement lists, found in slices: the same SQL for both engines. A slice visits so many rows and not more, whether or not they
//! are of the period, so that no question holds a snapshot for long.
//!
//! - **Soon**: the merchant's orders by id, which is their time, a day further back than the period. Two questions: where the slice ends,
//!   by the index alone; then what of it was paid in the period.
//! - **Old**: the few that were paid more than a day after their making stand in an index of their own, by the time they were paid.
//! - **Late**: money after the end or a second time stands in an index of its own too; there is little of it.
//! - **Back**: refunds by the time they succeeded.

use super::query::{Answer, Slice};
use super::rows::{self, ATTEMPT_COLUMNS, From, ORDER_COLUMNS, REFUND_COLUMNS, Row, Unreadable, of, width};
use crate::domain::statement::{Booking, Place, SOON_MS, first_id};

/// Nodes' clocks agree to this: an order may be paid so long before it was made.
const CLOCKS_MS: i64 = 3_600_000;

/// A question with its values, numbered from `$1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub sql: String,
    pub values: Vec<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Int(i64),
    Text(String),
}

impl Slice {
    fn question(&self, sql: String, values: Vec<Value>) -> Question {
        let merchant = Value::Text(self.merchant_id.clone().unwrap_or_default());
        Question { sql, values: std::iter::once(merchant).chain(values).collect() }
    }

    /// `$1` is the merchant. Where another index leads, the merchant's own must not: SQLite would walk all of his orders.
    fn whose(&self, leads: bool) -> &'static str {
        match (&self.merchant_id, leads) {
            (None, _) => "$1 = ''",
            (Some(_), true) => "o.merchant_id = $1",
            (Some(_), false) => "o.merchant_id || '' = $1",
        }
    }

    /// Where the first part's slice ends. The other parts need no such question.
    #[must_use]
    pub fn end(&self) -> Option<Question> {
        let Place::Soon(after) = &self.after else { return None };
        let sql = format!(
            "SELECT max(id) FROM (SELECT o.id AS id FROM orders o WHERE {} AND o.id > $2 AND o.id < $3 ORDER BY o.id LIMIT $4) s",
            self.whose(true)
        );
        let until = first_id(self.to.plus_ms(CLOCKS_MS));
        Some(self.question(sql, vec![Value::Text(after.clone()), Value::Text(until), Value::Int(i64::from(self.limit))]))
    }

    /// The slice's lines. `end`: what [`Slice::end`] was answered; nothing is left when that was nothing. `pruned`: the engine keeps
    /// attempts in months and is to be told in which to look.
    #[must_use]
    pub fn lines(&self, end: Option<&str>, pruned: bool) -> Option<Question> {
        let (from, to, limit) = (Value::Int(self.from.0), Value::Int(self.to.0), Value::Int(i64::from(self.limit)));
        let text = |text: &str| Value::Text(text.to_owned());
        let columns = [of("o", ORDER_COLUMNS), of("a", ATTEMPT_COLUMNS)].join(", ");
        let won = format!("SELECT {columns} FROM orders o JOIN attempts a ON a.order_id = o.id AND a.seq = o.winner");
        Some(match &self.after {
            Place::Soon(after) => {
                let months = if pruned { " AND a.order_id > $2 AND a.order_id <= $3" } else { "" };
                let sql = format!(
                    "{won}{months} WHERE {} AND o.id > $2 AND o.id <= $3 AND o.paid_at >= $4 AND o.paid_at < $5 \
                     AND o.paid_at - o.created_at <= {SOON_MS} ORDER BY o.id",
                    self.whose(true)
                );
                self.question(sql, vec![text(after), text(end?), from, to])
            }
            Place::Old(at, order) => {
                let sql = format!(
                    "{won} WHERE o.paid_at - o.created_at > {SOON_MS} AND o.paid_at >= $2 AND (o.paid_at, o.id) > ($2, $3) \
                     AND o.paid_at < $4 AND {} ORDER BY o.paid_at, o.id LIMIT $5",
                    self.whose(false)
                );
                self.question(sql, vec![Value::Int(at.0), text(order), to, limit])
            }
            Place::Late(order, seq) => {
                let sql = format!(
                    "SELECT {columns} FROM attempts a JOIN orders o ON o.id = a.order_id WHERE a.late = 1 AND a.order_id >= $2 \
                     AND (a.order_id, a.seq) > ($2, $3) AND a.order_id < $4 AND a.ended_at >= $5 \
                     AND (o.winner IS NULL OR o.winner <> a.seq) AND {} ORDER BY a.order_id, a.seq LIMIT $6",
                    self.whose(false)
                );
                let (until, booked_from) = (first_id(self.to.plus_ms(CLOCKS_MS)), self.from.plus_ms(-CLOCKS_MS));
                self.question(sql, vec![text(order), Value::Int(i64::from(*seq)), Value::Text(until), Value::Int(booked_from.0), limit])
            }
            Place::Back(at, order, seq) => {
                let sql = format!(
                    "SELECT {columns}, {} FROM refunds r JOIN orders o ON o.id = r.order_id \
                     JOIN attempts a ON a.order_id = r.order_id AND a.seq = r.attempt_seq WHERE r.succeeded_at IS NOT NULL \
                     AND r.succeeded_at >= $2 AND (r.succeeded_at, r.order_id, r.seq) > ($2, $3, $4) AND r.succeeded_at < $5 AND {} \
                     ORDER BY r.succeeded_at, r.order_id, r.seq LIMIT $6",
                    of("r", REFUND_COLUMNS),
                    self.whose(false)
                );
                self.question(sql, vec![Value::Int(at.0), text(order), Value::Int(i64::from(*seq)), to, limit])
            }
        })
    }

    /// One of the rows that [`Slice::lines`] asks for.
    pub fn line(&self, row: &impl Row) -> Result<Booking, Unreadable> {
        let attempt_from = width(ORDER_COLUMNS);
        let refund_from = attempt_from.saturating_add(width(ATTEMPT_COLUMNS));
        let has_refund = matches!(self.after, Place::Back(..));
        Ok(Booking {
            order: rows::order(row)?,
            attempt: rows::attempt(&From(row, attempt_from))?,
            refund: has_refund.then(|| rows::refund(&From(row, refund_from))).transpose()?,
        })
    }

    /// The lines, and from where to ask for more of the same part.
    #[must_use]
    pub fn answer(&self, end: Option<String>, found: Vec<Booking>) -> Answer {
        let is_full = u32::try_from(found.len()).is_ok_and(|rows| rows >= self.limit);
        let next = match &self.after {
            Place::Soon(_) => end.map(Place::Soon),
            part => found.last().filter(|_| is_full).map(|line| part.behind(line)),
        };
        Answer::Booked { found, next }
    }
}
