//! What may happen to the store. Commands are named for what happened and carry keys and facts, never versions read earlier:
//! whatever was read before is read again, under the lock, by [`super::decide`].

use crate::domain::life::{Intent, Life, Undo};
use crate::domain::limit::{CounterKey, PassedOver};
use crate::domain::pay::PayTold;
use crate::domain::recon::{BillRun, Found, Settled, Stored};
use crate::domain::refund::{NewRefund, RefundRefused, RefundTold};
use crate::domain::undo::UndoTold;
use crate::domain::{Candidate, Order, OrderId};
use serde_json::Value;
use sluice_contract::{Failure, Millis};
use std::collections::BTreeMap;

/// One use of a merchant key's nonce.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nonce {
    pub key_id: String,
    pub nonce: String,
    /// The signed time, seconds.
    pub timestamp_s: i64,
}

impl Nonce {
    /// Nonces live in buckets of five minutes, so that old ones are dropped by range and the table stays small.
    pub const BUCKET_S: i64 = 300;

    /// What may be used once.
    #[must_use]
    pub fn name(&self) -> (String, String) {
        (self.key_id.clone(), self.nonce.clone())
    }

    #[must_use]
    pub const fn bucket(&self) -> i64 {
        self.timestamp_s.div_euclid(Self::BUCKET_S)
    }
}

/// What a merchant's number names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Order,
    Refund,
}

/// A merchant's own number: unique per merchant and kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimKey {
    pub merchant_id: String,
    pub kind: Kind,
    pub number: String,
}

/// Something administrative, by kind and id: merchants, keys, bindings, stores, account states, channel keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub kind: String,
    pub id: String,
    /// JSON; secrets in it are sealed. `None` removes it.
    pub doc: Option<Value>,
}

/// A line of the audit log: append-only, never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    pub at: Millis,
    pub who: String,
    pub role: String,
    pub act: String,
    pub about: String,
    pub detail: Value,
}

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    Done,
    /// Nobody to tell: the merchant has no webhook.
    Kept,
    Again {
        at: Millis,
    },
    Parked,
}

#[derive(Clone, Debug)]
pub enum Command {
    /// T1. The candidates are ranked and admitted by their channels; there are none where the payer is to choose the method.
    PlaceOrder {
        nonce: Option<Nonce>,
        order: Box<Order>,
        candidates: Vec<Candidate>,
    },
    /// The payer chose a method: T1 of the attempt of this number, which the candidates were admitted for.
    Choose {
        order_id: OrderId,
        attempt_seq: u32,
        candidates: Vec<Candidate>,
        at: Millis,
    },
    /// T2 and T3.
    TakePay {
        order_id: OrderId,
        told: Box<PayTold>,
    },
    Wish {
        order_id: OrderId,
        intent: Intent,
        verb: Undo,
        at: Millis,
        due_at: Millis,
    },
    WantUndone {
        order_id: OrderId,
        attempt_seq: u32,
        verb: Undo,
        at: Millis,
        due_at: Millis,
        why: &'static str,
    },
    /// The attempt's channel does not answer: it is not asked about before then.
    Postpone {
        order_id: OrderId,
        attempt_seq: u32,
        at: Millis,
        until: Millis,
    },
    WantNext {
        order_id: OrderId,
        attempt_seq: u32,
        failure: Failure,
        at: Millis,
    },
    BeginUndo {
        order_id: OrderId,
        attempt_seq: u32,
        at: Millis,
        lease_until: Millis,
    },
    TakeUndone {
        order_id: OrderId,
        told: Box<UndoTold>,
    },
    Abandon {
        order_id: OrderId,
        attempt_seq: u32,
        payable_until: Millis,
        at: Millis,
    },
    Suspend {
        order_id: OrderId,
        attempt_seq: u32,
        at: Millis,
        why: &'static str,
    },
    RequestRefund {
        nonce: Option<Nonce>,
        order_id: OrderId,
        new: Box<NewRefund>,
    },
    BeginRefund {
        order_id: OrderId,
        refund_seq: u32,
        at: Millis,
        lease_until: Millis,
    },
    TakeRefund {
        order_id: OrderId,
        told: Box<RefundTold>,
    },
    /// Somebody should ask the channel now: a hint, an operator, a callback that could not be believed.
    AskNow {
        order_id: OrderId,
        at: Millis,
        why: &'static str,
    },
    UseNonce {
        nonce: Nonce,
    },
    /// Leases up to `limit` orders that are due.
    ClaimOrders {
        now: Millis,
        limit: u32,
        lease_until: Millis,
    },
    /// Leases up to `limit` notifications that are due, in turn by merchant, so that no backlog fills a whole claim.
    ClaimNotices {
        now: Millis,
        limit: u32,
        lease_until: Millis,
        /// The turn begins with the merchant behind this one.
        after: String,
        /// What merchants have in flight already; with it, none gets more than `each_max`.
        in_flight: BTreeMap<String, u32>,
        each_max: u32,
    },
    TakeDelivery {
        event_id: String,
        delivery: Delivery,
        at: Millis,
        note: Value,
    },
    /// Makes a parked or delivered notification due again, under the same id.
    Replay {
        event_id: String,
        at: Millis,
        audit: Audit,
    },
    /// Administrative changes with their audit lines, all or nothing. `only_new` leaves records alone that exist (seeds,
    /// what is done once), and answers `Known` where all of them do.
    PutRecords {
        records: Vec<Record>,
        audit: Vec<Audit>,
        only_new: bool,
    },
    /// Puts up to `limit` orders with smaller ids away, those with nothing left to do: no question, no notification, no person.
    PruneOrders {
        before: OrderId,
        limit: u32,
    },
    /// A day's bill was compared with the books, or could not be: the run and what it found.
    TakeBill {
        run: Box<BillRun>,
        found: Vec<Found>,
    },
    /// An operator settles a discrepancy, or proposes to.
    SettleDiscrepancy {
        id: String,
        by: String,
        reason: String,
        at: Millis,
        audit: Audit,
    },
    /// Puts a counter right that is not the sum of its entries, from the entries.
    Recount {
        key: CounterKey,
        audit: Audit,
    },
    /// Drops nonces that no window can reach any more.
    PruneNonces {
        before_bucket: i64,
    },
}

impl Command {
    /// The order whose life the command changes.
    #[must_use]
    pub fn order_id(&self) -> Option<&OrderId> {
        match self {
            Command::PlaceOrder { order, .. } => Some(&order.id),
            Command::Choose { order_id, .. }
            | Command::TakePay { order_id, .. }
            | Command::Wish { order_id, .. }
            | Command::WantUndone { order_id, .. }
            | Command::WantNext { order_id, .. }
            | Command::Postpone { order_id, .. }
            | Command::BeginUndo { order_id, .. }
            | Command::TakeUndone { order_id, .. }
            | Command::Abandon { order_id, .. }
            | Command::Suspend { order_id, .. }
            | Command::RequestRefund { order_id, .. }
            | Command::BeginRefund { order_id, .. }
            | Command::TakeRefund { order_id, .. }
            | Command::AskNow { order_id, .. } => Some(order_id),
            _ => None,
        }
    }

    #[must_use]
    pub const fn nonce(&self) -> Option<&Nonce> {
        match self {
            Command::PlaceOrder { nonce, .. } | Command::RequestRefund { nonce, .. } => nonce.as_ref(),
            Command::UseNonce { nonce } => Some(nonce),
            _ => None,
        }
    }

    /// New work is bounded and refused with 503 before any side effect; what finishes work already begun waits and goes first.
    #[must_use]
    pub const fn is_intake(&self) -> bool {
        matches!(self, Command::PlaceOrder { .. } | Command::Choose { .. } | Command::RequestRefund { .. } | Command::UseNonce { .. })
    }
}

/// A notification as the outbox holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub event_id: String,
    pub order_id: OrderId,
    pub merchant_id: String,
    pub kind: String,
    pub at: Millis,
    pub data: Value,
    pub status: NoticeStatus,
    pub tries: u32,
    pub next_at: Option<Millis>,
    /// How the last try went.
    pub last: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeStatus {
    Waiting,
    Delivered,
    Parked,
    Kept,
}

impl NoticeStatus {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            NoticeStatus::Waiting => "waiting",
            NoticeStatus::Delivered => "delivered",
            NoticeStatus::Parked => "parked",
            NoticeStatus::Kept => "kept",
        }
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<NoticeStatus> {
        [NoticeStatus::Waiting, NoticeStatus::Delivered, NoticeStatus::Parked, NoticeStatus::Kept].into_iter().find(|s| s.word() == word)
    }
}

/// What a command led to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The order as it now stands.
    Life(Box<Life>),
    /// T1 stored a new order.
    Placed(Box<Life>),
    /// The same number with the same content was stored before.
    Replayed {
        target: String,
    },
    /// The same number was stored before with other content.
    Conflict {
        target: String,
    },
    /// No limit admitted any candidate. Nothing was stored and no limit moved.
    NotAdmitted(Vec<PassedOver>),
    NonceReused,
    RefundCreated {
        life: Box<Life>,
        refund_seq: u32,
    },
    RefundRefused(RefundRefused),
    /// Whether the caller may go on and send.
    Begun {
        life: Box<Life>,
        go: bool,
    },
    Orders(Vec<OrderId>),
    Notices(Vec<Notice>),
    Settled(Box<Settled>),
    /// What a run changed.
    Discrepancies(Vec<Stored>),
    /// So many orders were put away.
    Pruned(u32),
    Done,
    /// Nothing was new.
    Known,
    /// The order or notification does not exist.
    Missing,
}
