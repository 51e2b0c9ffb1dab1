//! What the operators' desk asks: how much waits for a person, what today brought, and which order a payer means who knows no number of
//! ours. The same SQL for both engines. Each question visits a bounded number of rows, whatever the tables hold, and says where it stopped.

use super::booked::{Question, Value};
use super::query::{Desk, Sought, Taken};
use super::rows::{Row, Unreadable};
use crate::domain::OrderId;
use crate::domain::statement::first_id;
use sluice_contract::{Fen, Millis};

/// What waits is counted up to here: more is "many".
pub const COUNT_MAX: i64 = 1_000;
/// So many of today's newest orders are added up.
pub const TODAY_MAX: i64 = 20_000;
/// So many of the newest attempts of a search's time are looked at.
pub const SOUGHT_MAX: i64 = 20_000;
/// So many hits are shown.
pub const HITS_MAX: usize = 50;

impl Desk {
    /// One row: notifications parked, orders with something overdue, orders that only a person can finish.
    #[must_use]
    pub fn waiting(&self) -> Question {
        // Words and not values: only then do both engines see that a partial index will do.
        let up_to = |from: &str| format!("(SELECT count(*) FROM (SELECT 1 FROM {from} LIMIT {COUNT_MAX}) w)");
        let parked = up_to("notices WHERE status = 'parked'");
        let overdue = up_to("orders WHERE wake_at IS NOT NULL AND wake_at < $1");
        let suspended = up_to("orders WHERE suspended = 1");
        Question { sql: format!("SELECT {parked}, {overdue}, {suspended}"), values: vec![Value::Int(self.overdue_before.0)] }
    }

    pub fn read_waiting(row: &impl Row) -> Result<[i64; 3], Unreadable> {
        Ok([row.int(0)?, row.int(1)?, row.int(2)?])
    }

    /// A row for each account and status of the orders made since then.
    #[must_use]
    pub fn taken(&self) -> Question {
        let sql = format!(
            "SELECT account, status, count(*), CAST(sum(amount) AS BIGINT) FROM (SELECT account, status, amount FROM orders \
             WHERE id >= $1 ORDER BY id DESC LIMIT {TODAY_MAX}) o GROUP BY account, status ORDER BY account, status"
        );
        Question { sql, values: vec![Value::Text(first_id(self.since))] }
    }

    pub fn read_taken(row: &impl Row) -> Result<Taken, Unreadable> {
        Ok(Taken { account: row.text(0)?, status: row.text(1)?, orders: row.int(2)?, amount: Fen(row.int(3)?) })
    }
}

impl Sought {
    fn range(&self) -> [Value; 2] {
        [self.from, self.to].map(|at: Millis| Value::Text(first_id(at)))
    }

    /// The orders with an attempt that fits, newest first.
    #[must_use]
    pub fn hits(&self) -> Question {
        // What the channel told stands in the notes, which are our own compact JSON.
        let told = |field: &str, value: &str| format!("%\"{field}\":{value}%");
        let (amount, patterns) = match (&self.amount, &self.trade_no) {
            (_, Some(number)) => (-1, [told("channel_trade_no", &format!("\"{number}\"")), String::new()]),
            (Some(Fen(fen)), None) => (*fen, [told("payer_amount", &format!("{fen},")), told("payer_amount", &format!("{fen}}}"))]),
            (None, None) => (-1, [String::new(), String::new()]),
        };
        let sql = format!(
            "SELECT DISTINCT order_id FROM (SELECT order_id, amount, notes FROM attempts WHERE order_id >= $1 AND order_id < $2 \
             ORDER BY order_id DESC LIMIT {SOUGHT_MAX}) a WHERE amount = $3 OR notes LIKE $4 OR notes LIKE $5 \
             ORDER BY order_id DESC LIMIT {HITS_MAX}"
        );
        let values = self.range().into_iter().chain([Value::Int(amount)]).chain(patterns.map(Value::Text));
        Question { sql, values: values.collect() }
    }

    pub fn read_hit(row: &impl Row) -> Result<Option<OrderId>, Unreadable> {
        Ok(OrderId::parse(&row.text(0)?))
    }

    /// A row if there are older attempts that were not looked at.
    #[must_use]
    pub fn beyond(&self) -> Question {
        let sql = format!(
            "SELECT order_id FROM attempts WHERE order_id >= $1 AND order_id < $2 ORDER BY order_id DESC LIMIT 1 OFFSET {SOUGHT_MAX}"
        );
        Question { sql, values: self.range().into() }
    }
}
