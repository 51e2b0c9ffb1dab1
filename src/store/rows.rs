//! Between rows and the domain: words, JSON columns and integers, the same for both engines.

use super::command::{Audit, Notice, NoticeStatus};
use crate::domain::choice::CASHIER;
use crate::domain::life::{Attempt, Event, Intent, Life, Order, Refund, Undo};
use crate::domain::{AttemptStatus, OrderId, OrderStatus, PendingReason, RefundStatus};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sluice_contract::{Fen, Method, Millis};

/// A stored row that cannot be read: the store was changed from outside, or by a newer version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored {what} cannot be read: {detail}")]
pub struct Unreadable {
    pub what: &'static str,
    pub detail: String,
}

/// An enum's word as a column. Serde's renaming is the one table of words.
#[must_use]
pub fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

pub fn from_word<T: DeserializeOwned>(what: &'static str, word: &str) -> Result<T, Unreadable> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).map_err(|e| Unreadable { what, detail: e.to_string() })
}

#[must_use]
pub fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, Unreadable> {
    serde_json::from_str(text).map_err(|e| Unreadable { what, detail: e.to_string() })
}

/// The columns of `orders`, in the order both engines select them.
pub const ORDER_COLUMNS: &str = "id, merchant_id, merchant_order_no, fingerprint, livemode, amount, method, facts, sealed, created_at, \
    expires_at, status, account, channel, winner, intent, failure, paid_at, closed_at, version, last_seq";
pub const ATTEMPT_COLUMNS: &str = "seq, account, channel, status, amount, captured, refunded, refunding, late, at, next_at, queries, \
    undo, undo_sent_at, ended_at, suspended, notes, method";
pub const REFUND_COLUMNS: &str = "seq, attempt_seq, merchant_refund_no, fingerprint, amount, status, pending_reason, origin, at, sent_at, \
    sends, next_at, queries, version, succeeded_at, notes";
pub const EVENT_COLUMNS: &str = "seq, at, kind, data, \"inner\"";
pub const NOTICE_COLUMNS: &str = "event_id, order_id, merchant_id, kind, at, data, status, tries, next_at, last";
pub const AUDIT_COLUMNS: &str = "seq, at, who, role, act, about, detail";

/// The columns of one of several tables in a query.
#[must_use]
pub fn of(table: &str, columns: &str) -> String {
    columns.split(", ").map(|column| format!("{table}.{}", column.trim())).collect::<Vec<_>>().join(", ")
}

/// How many columns a list has.
#[must_use]
pub fn width(columns: &str) -> usize {
    columns.split(", ").count()
}

/// A row, read from a column on: a joined row holds several.
pub struct From<'a, R>(pub &'a R, pub usize);

impl<R: Row> Row for From<'_, R> {
    fn text(&self, column: usize) -> Result<String, Unreadable> {
        self.0.text(self.1.saturating_add(column))
    }
    fn text_or_null(&self, column: usize) -> Result<Option<String>, Unreadable> {
        self.0.text_or_null(self.1.saturating_add(column))
    }
    fn int(&self, column: usize) -> Result<i64, Unreadable> {
        self.0.int(self.1.saturating_add(column))
    }
    fn int_or_null(&self, column: usize) -> Result<Option<i64>, Unreadable> {
        self.0.int_or_null(self.1.saturating_add(column))
    }
    fn bytes(&self, column: usize) -> Result<Vec<u8>, Unreadable> {
        self.0.bytes(self.1.saturating_add(column))
    }
}

/// What an engine reads a row with: columns by position.
pub trait Row {
    fn text(&self, column: usize) -> Result<String, Unreadable>;
    fn text_or_null(&self, column: usize) -> Result<Option<String>, Unreadable>;
    fn int(&self, column: usize) -> Result<i64, Unreadable>;
    fn int_or_null(&self, column: usize) -> Result<Option<i64>, Unreadable>;
    fn bytes(&self, column: usize) -> Result<Vec<u8>, Unreadable>;
}

fn small(what: &'static str, value: i64) -> Result<u32, Unreadable> {
    u32::try_from(value).map_err(|_| Unreadable { what, detail: format!("{value} is out of range") })
}

fn maybe<T: DeserializeOwned>(
    what: &'static str,
    text: Option<String>,
    read: fn(&'static str, &str) -> Result<T, Unreadable>,
) -> Result<Option<T>, Unreadable> {
    text.map(|t| read(what, &t)).transpose()
}

fn named(method: String) -> Result<Method, Unreadable> {
    Method::from_word(&method).ok_or(Unreadable { what: "method", detail: method })
}

pub fn order(row: &impl Row) -> Result<Order, Unreadable> {
    let id = row.text(0)?;
    let method = row.text(6)?;
    let status = row.text(11)?;
    Ok(Order {
        id: OrderId::parse(&id).ok_or(Unreadable { what: "order id", detail: id })?,
        merchant_id: row.text(1)?,
        merchant_order_no: row.text(2)?,
        fingerprint: row.bytes(3)?,
        livemode: row.int(4)? != 0,
        amount: Fen(row.int(5)?),
        method: (method != CASHIER).then(|| named(method)).transpose()?,
        facts: from_json("order facts", &row.text(7)?)?,
        sealed: row.bytes(8)?,
        created_at: Millis(row.int(9)?),
        expires_at: Millis(row.int(10)?),
        status: OrderStatus::from_word(&status).ok_or(Unreadable { what: "order status", detail: status })?,
        account: row.text(12)?,
        channel: row.text(13)?,
        winner: row.int_or_null(14)?.map(|w| small("winner", w)).transpose()?,
        intent: maybe::<Intent>("intent", row.text_or_null(15)?, from_word)?,
        failure: maybe("failure", row.text_or_null(16)?, from_json)?,
        paid_at: row.int_or_null(17)?.map(Millis),
        closed_at: row.int_or_null(18)?.map(Millis),
        version: row.int(19)?,
        last_seq: small("last_seq", row.int(20)?)?,
    })
}

pub fn attempt(row: &impl Row) -> Result<Attempt, Unreadable> {
    let status = row.text(3)?;
    Ok(Attempt {
        seq: small("attempt seq", row.int(0)?)?,
        account: row.text(1)?,
        channel: row.text(2)?,
        method: named(row.text(17)?)?,
        status: AttemptStatus::from_word(&status).ok_or(Unreadable { what: "attempt status", detail: status })?,
        amount: Fen(row.int(4)?),
        captured: Fen(row.int(5)?),
        refunded: Fen(row.int(6)?),
        refunding: Fen(row.int(7)?),
        late: row.int(8)? != 0,
        at: Millis(row.int(9)?),
        next_at: row.int_or_null(10)?.map(Millis),
        queries: small("queries", row.int(11)?)?,
        undo: maybe::<Undo>("undo", row.text_or_null(12)?, from_word)?,
        undo_sent_at: row.int_or_null(13)?.map(Millis),
        ended_at: row.int_or_null(14)?.map(Millis),
        suspended: row.int(15)? != 0,
        notes: from_json("attempt notes", &row.text(16)?)?,
    })
}

pub fn refund(row: &impl Row) -> Result<Refund, Unreadable> {
    let (status, reason) = (row.text(5)?, row.text(6)?);
    Ok(Refund {
        seq: small("refund seq", row.int(0)?)?,
        attempt_seq: small("attempt seq", row.int(1)?)?,
        merchant_refund_no: row.text_or_null(2)?,
        fingerprint: row.bytes(3)?,
        amount: Fen(row.int(4)?),
        status: RefundStatus::from_word(&status).ok_or(Unreadable { what: "refund status", detail: status })?,
        pending_reason: PendingReason::from_word(&reason).ok_or(Unreadable { what: "pending reason", detail: reason })?,
        origin: from_word("refund origin", &row.text(7)?)?,
        at: Millis(row.int(8)?),
        sent_at: row.int_or_null(9)?.map(Millis),
        sends: small("sends", row.int(10)?)?,
        next_at: row.int_or_null(11)?.map(Millis),
        queries: small("queries", row.int(12)?)?,
        version: row.int(13)?,
        succeeded_at: row.int_or_null(14)?.map(Millis),
        notes: from_json("refund notes", &row.text(15)?)?,
    })
}

pub fn event(row: &impl Row) -> Result<Event, Unreadable> {
    Ok(Event {
        seq: small("event seq", row.int(0)?)?,
        at: Millis(row.int(1)?),
        kind: row.text(2)?,
        data: from_json("event", &row.text(3)?)?,
        inner: maybe("event", row.text_or_null(4)?, from_json)?,
    })
}

pub fn notice(row: &impl Row) -> Result<Notice, Unreadable> {
    let (order_id, status) = (row.text(1)?, row.text(6)?);
    Ok(Notice {
        event_id: row.text(0)?,
        order_id: OrderId::parse(&order_id).ok_or(Unreadable { what: "order id", detail: order_id })?,
        merchant_id: row.text(2)?,
        kind: row.text(3)?,
        at: Millis(row.int(4)?),
        data: from_json("notification", &row.text(5)?)?,
        status: NoticeStatus::from_word(&status).ok_or(Unreadable { what: "notification status", detail: status })?,
        tries: small("tries", row.int(7)?)?,
        next_at: row.int_or_null(8)?.map(Millis),
        last: maybe("notification", row.text_or_null(9)?, from_json)?,
    })
}

/// A line of the audit log and its number.
pub fn audit(row: &impl Row) -> Result<(i64, Audit), Unreadable> {
    let line = Audit {
        at: Millis(row.int(1)?),
        who: row.text(2)?,
        role: row.text(3)?,
        act: row.text(4)?,
        about: row.text(5)?,
        detail: from_json("audit", &row.text(6)?)?,
    };
    Ok((row.int(0)?, line))
}

/// A life put together from its rows.
#[must_use]
pub fn life(order: Order, attempts: Vec<Attempt>, refunds: Vec<Refund>) -> Life {
    Life { order, attempts, refunds, events: Vec::new(), effects: Vec::new() }
}
