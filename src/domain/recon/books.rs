//! Our side of a day, packed: what the bill should list, and beside it what the bill names and we looked up.

use super::day::{BillDay, Edge};
use crate::domain::fee::Tariff;
use crate::domain::id::pack;
use crate::domain::life::{Attempt, Life, Order, Refund};
use crate::domain::{AttemptStatus, OrderId, RefundStatus};
use sluice_contract::{BillKind, BillRow, Day, Fen, FundedBy, ListedBy, Millis, Second, StatementRule};
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
    /// Unix seconds.
    at_s: u32,
    /// What it was agreed under: a place in [`Terms`].
    terms: u32,
    pub ours: Ours,
    pub edge: Edge,
    /// What was seen of it in the bill: bits of [`seen`].
    pub seen: u8,
}

const _: () = assert!(size_of::<Slot>() == 40, "a million payments a day are held at once");

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

impl Slot {
    fn new(packed: u128, amount: Fen, at: Second, ours: Ours, edge: Edge) -> Slot {
        let [high, low] = [packed >> 64, packed & u128::from(u64::MAX)].map(|half| u64::try_from(half).unwrap_or_default());
        Slot { high, low, amount_fen: amount.0, at_s: u32::try_from(at.0).unwrap_or_default(), terms: 0, ours, edge, seen: 0 }
    }

    pub fn key(&self) -> u128 {
        (u128::from(self.high) << 64) | u128::from(self.low)
    }

    pub fn at(&self) -> Second {
        Second(i64::from(self.at_s))
    }

    pub const fn has(&self, bit: u8) -> bool {
        self.seen & bit != 0
    }
}

/// The prices and sub-merchants of a day's payments, each written once: there are few, and many payments.
#[derive(Debug)]
pub(super) struct Terms {
    all: Vec<(Option<Tariff>, String)>,
    /// The places of each sub-merchant.
    by_sub: BTreeMap<String, Vec<u32>>,
}

impl Default for Terms {
    /// The first place is that of refunds, which have neither.
    fn default() -> Terms {
        Terms { all: vec![(None, String::new())], by_sub: BTreeMap::new() }
    }
}

impl Terms {
    fn place(&mut self, tariff: Option<&Tariff>, sub: &str) -> u32 {
        let places = self.by_sub.get(sub).map(Vec::as_slice).unwrap_or_default();
        if let Some(place) = places.iter().copied().find(|place| self.of(*place).is_some_and(|(known, _)| known.as_ref() == tariff)) {
            return place;
        }
        let place = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push((tariff.cloned(), sub.to_owned()));
        self.by_sub.entry(sub.to_owned()).or_default().push(place);
        place
    }

    fn of(&self, place: u32) -> Option<&(Option<Tariff>, String)> {
        usize::try_from(place).ok().and_then(|place| self.all.get(place))
    }

    /// The sub-merchant it was bound with; empty: none.
    pub fn sub(&self, slot: &Slot) -> &str {
        self.of(slot.terms).map_or("", |(_, sub)| sub.as_str())
    }

    /// The fee when so much of the amount reaches the merchant; `None`: no tariff.
    pub fn fee(&self, slot: &Slot, own_discount: Fen) -> Option<Fen> {
        let base = Fen(slot.amount_fen).minus(own_discount)?;
        self.of(slot.terms)?.0.as_ref()?.fee(base)
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
    pub(super) terms: Terms,
    /// Of payments with discounts: what the merchant gave itself. A channel takes its share of what reaches the merchant.
    own_discounts: BTreeMap<u128, Fen>,
    sub_field: &'static str,
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
            terms: Terms::default(),
            own_discounts: BTreeMap::new(),
            sub_field: rule.sub_field,
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
        slot.terms = self.terms.place(attempt.notes.fee.as_ref(), attempt.notes.sub.get(self.sub_field).map_or("", String::as_str));
        let mut own = attempt.notes.discounts.iter().filter(|discount| discount.funded_by == FundedBy::Merchant);
        let own = own.try_fold(Fen::ZERO, |sum, discount| sum.plus(discount.amount)).unwrap_or_default();
        if own != Fen::ZERO {
            self.own_discounts.insert(slot.key(), own);
        }
        Some(slot)
    }

    /// What the bill's fee is compared with: on what reaches the merchant, by what the bill tells of discounts or else our books do. Without
    /// the bill's word, a fee on the whole is as good: not every channel leaves the merchant's own discounts out.
    pub(super) fn fees(&self, slot: &Slot, row: &BillRow) -> [Option<Fen>; 2] {
        let ours = self.own_discounts.get(&slot.key()).copied().unwrap_or_default();
        let net = self.terms.fee(slot, row.own_discount.unwrap_or(ours));
        let other = if row.own_discount.is_some() || ours == Fen::ZERO { net } else { self.terms.fee(slot, Fen::ZERO) };
        [net, other]
    }

    /// Whether the bill's fee is the one that was agreed. What one of the two does not tell is not compared.
    pub(super) fn fee_agrees(&self, slot: &Slot, row: &BillRow) -> bool {
        row.kind != BillKind::Payment
            || row.fee.is_none_or(|theirs| self.fees(slot, row).iter().any(|ours| ours.is_none_or(|ours| ours == theirs)))
    }

    /// Whether the money is that sub-merchant's who was named when the order was placed.
    pub(super) fn sub_agrees(&self, slot: &Slot, row: &BillRow) -> bool {
        row.kind != BillKind::Payment || row.sub.as_deref().is_none_or(|sub| sub == self.terms.sub(slot))
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
