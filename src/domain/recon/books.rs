//! Our side of a day, packed: what the bill should list, and beside it what the bill names and we looked up.

use super::day::{BillDay, Edge};
use crate::domain::id::pack;
use crate::domain::life::{Attempt, Life, Order, Refund};
use crate::domain::{AttemptStatus, OrderId, RefundStatus};
use sluice_contract::{Day, Fen, FundedBy, ListedBy, Millis, Second, StatementRule};
use std::collections::BTreeMap;

/// What our books say became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ours {
    Done,
    /// Not known yet: the channel may be asked.
    Open,
    /// Given back by a reversal, which may have found nothing to give back.
    Reversed,
    /// Not done, and it ended so.
    Not,
}

/// Which of our numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Book {
    Payments,
    Refunds,
}

impl Book {
    #[must_use]
    pub const fn prefix(self) -> char {
        match self {
            Book::Payments => 'A',
            Book::Refunds => 'R',
        }
    }
}

/// One payment or refund in forty bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    high: u64,
    low: u64,
    pub amount_fen: i64,
    /// `i64::MIN`: no tariff.
    fee_fen: i64,
    /// Unix seconds.
    at_s: u32,
    pub ours: Ours,
    pub edge: Edge,
    /// What was seen of it in the bill: bits of [`seen`].
    pub seen: u8,
}

/// Bits of [`Slot::seen`].
pub(super) mod seen {
    /// A row that agrees in everything.
    pub const LISTED: u8 = 1;
    /// A reversal of the whole.
    pub const REVERSED: u8 = 2;
    /// A row of the payment in the bill of the day before.
    pub const BEFORE: u8 = 4;
    /// A row of a refund under way that agrees in everything else.
    pub const OPEN: u8 = 8;
}

const NO_FEE: i64 = i64::MIN;

impl Slot {
    fn new(packed: u128, amount: Fen, at: Second, ours: Ours, edge: Edge) -> Slot {
        let [high, low] = [packed >> 64, packed & u128::from(u64::MAX)].map(|half| u64::try_from(half).unwrap_or_default());
        Slot { high, low, amount_fen: amount.0, fee_fen: NO_FEE, at_s: u32::try_from(at.0).unwrap_or_default(), ours, edge, seen: 0 }
    }

    pub fn key(&self) -> u128 {
        (u128::from(self.high) << 64) | u128::from(self.low)
    }

    pub fn fee(&self) -> Option<Fen> {
        (self.fee_fen != NO_FEE).then_some(Fen(self.fee_fen))
    }

    pub fn at(&self) -> Second {
        Second(i64::from(self.at_s))
    }

    pub const fn has(&self, bit: u8) -> bool {
        self.seen & bit != 0
    }
}

/// Payments or refunds: those of the day sorted by number, and those looked up because the bill named them.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    of_day: Vec<Slot>,
    named: BTreeMap<u128, Slot>,
}

impl Shelf {
    pub fn find(&mut self, key: u128) -> Option<&mut Slot> {
        match self.of_day.binary_search_by_key(&key, Slot::key) {
            Ok(at) => self.of_day.get_mut(at),
            Err(_) => self.named.get_mut(&key),
        }
    }

    pub const fn of_day(&self) -> usize {
        self.of_day.len()
    }

    /// Sorted by number each.
    pub fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.of_day.iter().chain(self.named.values())
    }
}

/// Our side of one account and day.
#[derive(Debug)]
pub struct Books {
    pub day: BillDay,
    account: String,
    refunds_by: ListedBy,
    /// When the bill was asked for: what was done later cannot be in it.
    asked_at: Millis,
    pub(super) payments: Shelf,
    pub(super) refunds: Shelf,
    /// Of payments with discounts: the fee on the whole amount, where that is another one.
    pub(super) gross_fees: BTreeMap<u128, Fen>,
}

impl Books {
    #[must_use]
    pub fn new(account: &str, day: Day, rule: &StatementRule, asked_at: Millis) -> Books {
        Books {
            day: BillDay::new(day, rule),
            account: account.to_owned(),
            refunds_by: rule.refunds_by,
            asked_at,
            payments: Shelf::default(),
            refunds: Shelf::default(),
            gross_fees: BTreeMap::new(),
        }
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.payments.of_day.is_empty() && self.refunds.of_day.is_empty()
    }

    pub(super) fn shelf(&mut self, book: Book) -> &mut Shelf {
        match book {
            Book::Payments => &mut self.payments,
            Book::Refunds => &mut self.refunds,
        }
    }

    /// Takes an attempt up if the bill should list it.
    pub fn attempt(&mut self, order: &OrderId, attempt: &Attempt) {
        if attempt.status() != AttemptStatus::Succeeded || paid_at(attempt) >= self.asked_at {
            return;
        }
        if let Some(slot) = self.payment_slot(order, attempt).filter(|slot| slot.edge != Edge::Elsewhere) {
            self.payments.of_day.push(slot);
        }
    }

    /// Takes a refund up if the bill should list it.
    pub fn refund(&mut self, order: &OrderId, refund: &Refund) {
        if refund.status() != RefundStatus::Succeeded || self.listed_at(refund) >= self.asked_at {
            return;
        }
        if let Some(slot) = self.refund_slot(order, refund).filter(|slot| slot.edge != Edge::Elsewhere) {
            self.refunds.of_day.push(slot);
        }
    }

    /// All of the day is there.
    pub fn close(&mut self) {
        for shelf in [&mut self.payments, &mut self.refunds] {
            shelf.of_day.sort_unstable_by_key(Slot::key);
            shelf.of_day.dedup_by_key(|slot| slot.key());
        }
    }

    /// Takes up what the bill named of an order, or what has become of it since.
    pub fn learn(&mut self, life: &Life) {
        let order = &life.order.id;
        // What another account serves is not this bill's.
        let own: Vec<&Attempt> = life.attempts.iter().filter(|attempt| attempt.account == self.account).collect();
        let back = life.refunds.iter().filter(|refund| own.iter().any(|attempt| attempt.seq == refund.attempt_seq));
        let refunds: Vec<_> = back.filter_map(|refund| self.refund_slot(order, refund)).collect();
        let payments: Vec<_> = own.into_iter().filter_map(|attempt| self.payment_slot(order, attempt)).collect();
        for (book, slots) in [(Book::Payments, payments), (Book::Refunds, refunds)] {
            for slot in slots {
                let shelf = self.shelf(book);
                match shelf.find(slot.key()) {
                    Some(known) => (known.ours, known.amount_fen) = (slot.ours, slot.amount_fen),
                    None => drop(shelf.named.insert(slot.key(), slot)),
                }
            }
        }
    }

    fn payment_slot(&mut self, order: &OrderId, attempt: &Attempt) -> Option<Slot> {
        let ours = match attempt.status() {
            AttemptStatus::Succeeded => Ours::Done,
            AttemptStatus::Reversed => Ours::Reversed,
            status if status.is_open() => Ours::Open,
            _ => Ours::Not,
        };
        let at = if ours == Ours::Done { paid_at(attempt) } else { attempt.at }.second();
        let edge = self.day.edge(at, attempt.notes.settle_date.as_deref());
        let mut slot = Slot::new(pack(&order.attempt_number(attempt.seq), 'A')?, attempt.amount, at, ours, edge);
        if let Some(tariff) = &attempt.notes.fee {
            // A channel takes its share of what reaches the merchant: not of what the merchant gave away itself.
            let mut own = attempt.notes.discounts.iter().filter(|discount| discount.funded_by == FundedBy::Merchant);
            let own = own.try_fold(Fen::ZERO, |sum, discount| sum.plus(discount.amount)).unwrap_or_default();
            let net = attempt.amount.minus(own).and_then(|base| tariff.fee(base));
            let gross = tariff.fee(attempt.amount);
            slot.fee_fen = net.map_or(NO_FEE, |fee| fee.0);
            if let Some(gross) = gross.filter(|_| gross != net) {
                self.gross_fees.insert(slot.key(), gross);
            }
        }
        Some(slot)
    }

    fn refund_slot(&self, order: &OrderId, refund: &Refund) -> Option<Slot> {
        let ours = match refund.status() {
            RefundStatus::Succeeded => Ours::Done,
            RefundStatus::Pending => Ours::Open,
            RefundStatus::Failed => Ours::Not,
        };
        let at = self.listed_at(refund).second();
        let edge = self.day.edge(at, refund.notes.settle_date.as_deref());
        Some(Slot::new(pack(&order.refund_id(refund.seq), 'R')?, refund.amount, at, ours, edge))
    }

    fn listed_at(&self, refund: &Refund) -> Millis {
        let begun = refund.sent_at.unwrap_or(refund.at);
        match self.refunds_by {
            ListedBy::Begun => begun,
            ListedBy::Done => refund.succeeded_at.unwrap_or(begun),
        }
    }
}

fn paid_at(attempt: &Attempt) -> Millis {
    attempt.notes.paid_at.or(attempt.ended_at).unwrap_or(attempt.at)
}

/// The order of a number of ours.
#[must_use]
pub fn order_of(number: &str) -> Option<OrderId> {
    OrderId::of_attempt(number).or_else(|| OrderId::of_refund(number)).map(|(order, _)| order)
}

/// What the trail of a discrepancy says of the order.
#[must_use]
pub fn order_facts(order: &Order) -> serde_json::Value {
    serde_json::json!({"id": order.id.as_str(), "merchant": order.merchant_id, "merchant_order_no": order.merchant_order_no, "status": order.status()})
}
