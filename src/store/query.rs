//! Questions to the store. All are answered from committed rows, by key or by a short range of an index.

use super::command::{Audit, ClaimKey, Notice, NoticeStatus};
use super::limit_rows::Drift;
use crate::domain::life::{Attempt, Refund};
use crate::domain::life::{Event, Life};
use crate::domain::limit::{Counter, CounterKey, Entry};
use crate::domain::recon::{BillRun, Standing, Stored};
use crate::domain::statement::{Booking, Place};
use crate::domain::{OrderId, OrderStatus};
use serde_json::Value;
use sluice_contract::{Day, Fen, Millis};

/// Which of a merchant's orders. Newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// `None`: every merchant's (operators).
    pub merchant_id: Option<String>,
    pub status: Option<OrderStatus>,
    pub created_from: Option<Millis>,
    pub created_to: Option<Millis>,
    /// Only orders before this id: the cursor.
    pub before: Option<OrderId>,
    /// Only those that a person has to look at.
    pub cases_only: bool,
    pub limit: u32,
}

/// Which discrepancies. By account, day, kind and number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiscrepancyFilter {
    pub account: Option<String>,
    pub day: Option<Day>,
    pub standing: Option<Standing>,
    pub limit: u32,
}

/// A piece of what was booked in a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// `None`: every merchant's.
    pub merchant_id: Option<String>,
    pub from: Millis,
    /// Exclusive.
    pub to: Millis,
    pub after: Place,
    /// Rows to visit at most.
    pub limit: u32,
}

/// What waits for a person, and what was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Desk {
    /// What is taken is counted from here on.
    pub since: Millis,
    /// What was due before then is overdue.
    pub overdue_before: Millis,
}

/// Orders of one account and status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Empty: the payer has not chosen yet.
    pub account: String,
    pub status: String,
    pub orders: i64,
    pub amount: Fen,
}

/// An order that is looked for by what its payer knows: an amount, or the channel's own number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sought {
    /// Of its making.
    pub from: Millis,
    /// Exclusive.
    pub to: Millis,
    /// The order's, or what left the payer's pocket.
    pub amount: Option<Fen>,
    /// Letters and digits.
    pub trade_no: Option<String>,
}

/// How an account stands with its bills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillStanding {
    pub account: String,
    /// The last day whose bill was compared to its end.
    pub last_day: Day,
    /// Discrepancies that stand open, of whatever day.
    pub open: i64,
}

#[derive(Clone, Debug)]
pub enum Query {
    Life(OrderId),
    /// Those of these orders that are there, in any order.
    Named(Vec<OrderId>),
    Claim(ClaimKey),
    Orders(OrderFilter),
    /// The trail of an order, oldest first.
    Events(OrderId),
    /// Notifications of an order.
    NoticesOf(OrderId),
    Notice(String),
    /// Notifications by status and merchant, oldest first.
    Notices {
        merchant_id: Option<String>,
        status: NoticeStatus,
        after: Option<String>,
        limit: u32,
    },
    Records {
        kind: String,
    },
    /// One record, or none.
    Record {
        kind: String,
        id: String,
    },
    /// The audit log, newest first, before a line.
    AuditLog {
        before: Option<i64>,
        limit: u32,
    },
    /// Whether an account has attempts.
    AccountUsed(String),
    /// The largest counters of a limit, at most `top`, from the window that began at `from` on. `edge`: behind which a rolling window begins.
    LimitUse {
        limit: String,
        from: i64,
        edge: Option<Millis>,
        top: u32,
    },
    /// What an order moved in the limits.
    Entries(OrderId),
    /// Every counter against the sum of its entries.
    Drift,
    /// The time by which so much has left a rolling window that begins behind `edge`.
    Leaves {
        key: CounterKey,
        edge: Millis,
        need: i64,
    },
    /// Paid attempts of an account, by order and number: behind `after`, of orders before `until`, booked from `booked_from` on.
    PaidAttempts {
        account: String,
        after: (String, u32),
        until: OrderId,
        booked_from: Millis,
        limit: u32,
    },
    /// Refunds of an account that succeeded, by the time they were sent, order and number: behind `after`, before `until`.
    SentRefunds {
        account: String,
        after: (Millis, String, u32),
        until: Millis,
        limit: u32,
    },
    /// The newest run of an account's day.
    BillRun(String, Day),
    /// The newest runs of a day.
    BillRuns(Day),
    /// How the accounts stand whose bills were ever compared.
    BillStandings,
    Discrepancies(DiscrepancyFilter),
    Discrepancy(String),
    /// What a statement lists.
    Booked(Slice),
    Desk(Desk),
    Sought(Sought),
    /// When the next order or notification is due.
    NextDue,
    /// Whether the engine answers.
    Ping,
}

#[derive(Clone, Debug)]
pub enum Answer {
    Life(Option<Box<Life>>),
    Claim(Option<String>),
    Lives(Vec<Life>),
    Events(Vec<Event>),
    Notices(Vec<Notice>),
    Records(Vec<(String, Value)>),
    AuditLog(Vec<(i64, Audit)>),
    Used(bool),
    LimitUse(Vec<(CounterKey, Counter)>),
    Entries(Vec<Entry>),
    Drift {
        checked: i64,
        drifted: Vec<Drift>,
    },
    Leaves(Option<Millis>),
    Attempts(Vec<(OrderId, Attempt)>),
    Refunds(Vec<(OrderId, Refund)>),
    BillRuns(Vec<BillRun>),
    BillStandings(Vec<BillStanding>),
    Discrepancies(Vec<Stored>),
    /// `next`: from where to ask for more of the same part.
    Booked {
        found: Vec<Booking>,
        next: Option<Place>,
    },
    Desk {
        parked: i64,
        overdue: i64,
        suspended: i64,
        taken: Vec<Taken>,
    },
    /// `whole`: nothing of the time was left out.
    Sought {
        found: Vec<OrderId>,
        whole: bool,
    },
    Due {
        orders: Option<Millis>,
        notices: Option<Millis>,
    },
    Pong,
}
