//! The rows a batch works on: loaded and locked once, folded in memory, written back as one net row per key.

use super::command::{Audit, ClaimKey, Command, Kind, Nonce, Notice, Record};
use crate::domain::OrderId;
use crate::domain::life::Life;
use std::collections::{BTreeMap, BTreeSet};

/// A merchant's number as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRow {
    /// The order's or refund's id.
    pub target: String,
    pub fingerprint: Vec<u8>,
}

/// Every key a batch names, each once and in order: the order in which an engine locks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    pub claims: BTreeSet<ClaimKey>,
    pub nonces: BTreeSet<Nonce>,
    pub orders: BTreeSet<OrderId>,
    pub notices: BTreeSet<String>,
    pub records: BTreeSet<(String, String)>,
}

impl Keys {
    #[must_use]
    pub fn of(batch: &[&Command]) -> Keys {
        let mut keys = Keys::default();
        for command in batch {
            keys.orders.extend(command.order_id().filter(|_| !matches!(command, Command::PlaceOrder { .. })).cloned());
            keys.nonces.extend(command.nonce().cloned());
            keys.claims.extend(claim_of(command));
            match command {
                Command::TakeDelivery { event_id, .. } | Command::Replay { event_id, .. } => {
                    keys.notices.insert(event_id.clone());
                }
                Command::PutRecords { records, .. } => {
                    keys.records.extend(records.iter().map(|r| (r.kind.clone(), r.id.clone())));
                }
                _ => {}
            }
        }
        keys
    }
}

/// The merchant's number a command claims.
#[must_use]
pub fn claim_of(command: &Command) -> Option<ClaimKey> {
    match command {
        Command::PlaceOrder { order, .. } => {
            Some(ClaimKey { merchant_id: order.merchant_id.clone(), kind: Kind::Order, number: order.merchant_order_no.clone() })
        }
        Command::RequestRefund { new, .. } => {
            let number = new.merchant_refund_no.clone()?;
            Some(ClaimKey { merchant_id: new.merchant_id.clone(), kind: Kind::Refund, number })
        }
        _ => None,
    }
}

/// An order as loaded and as it now stands; equal ones are not written.
#[derive(Clone, Debug)]
pub struct Held {
    pub before: Option<Life>,
    pub now: Life,
}

#[derive(Debug, Default)]
pub struct View {
    pub lives: BTreeMap<OrderId, Held>,
    pub claims: BTreeMap<ClaimKey, ClaimRow>,
    pub new_claims: BTreeSet<ClaimKey>,
    /// Used ones, by key id and nonce: the signed time does not make a nonce another one.
    pub used_nonces: BTreeSet<(String, String)>,
    pub new_nonces: Vec<Nonce>,
    pub notices: BTreeMap<String, Notice>,
    pub changed_notices: BTreeSet<String>,
    /// Records that exist.
    pub records: BTreeSet<(String, String)>,
    pub put_records: Vec<Record>,
    pub audits: Vec<Audit>,
}

impl View {
    /// A copy of one order to try a command on; kept only if the command succeeds.
    pub fn life(&mut self, id: &OrderId) -> Option<&mut Life> {
        self.lives.get_mut(id).map(|held| &mut held.now)
    }
}
