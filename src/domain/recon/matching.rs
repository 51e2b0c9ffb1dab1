//! Takes the bill's rows, in any order, and keeps of them what does not simply agree. Nothing is judged before the last row was read.

use super::books::{Book, Books, Slot, order_of, seen};
use super::day::{BillDay, Edge};
use super::discrepancy::Found;
use super::judge::{self, Judged};
use crate::domain::OrderId;
use crate::domain::id::{pack, unpack};
use crate::domain::life::Life;
use sluice_contract::{BillFate, BillKind, BillRow};
use std::collections::{BTreeMap, BTreeSet};

/// More rows than this that differ are no differences: it is the bill of somebody else, or these are not its books.
const ODD_MAX: usize = 100_000;

/// So many payments on both sides, and not one in common, are no coincidence.
const STRANGERS_MIN: usize = 3;

/// One of ours that the channel says was done, and our books do not: ask the channel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lost {
    pub order: OrderId,
    pub seq: u32,
    pub refund: bool,
}

/// A day being compared.
#[derive(Debug)]
pub struct Matching {
    pub(super) books: Books,
    /// Rows of ours that do not simply agree.
    pub(super) odd: BTreeMap<(Book, u128), Vec<BillRow>>,
    /// Rows that name nothing in the books.
    strangers: Vec<BillRow>,
    odd_rows: usize,
    pub rows: u64,
}

/// What a day came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub rows: u64,
    /// Of ours, those that agree with the bill.
    pub matched: u64,
    /// In the order of their numbers.
    pub found: Vec<Found>,
}

impl Matching {
    /// The books of the day are complete.
    #[must_use]
    pub fn new(mut books: Books) -> Matching {
        books.close();
        Matching { books, odd: BTreeMap::new(), strangers: Vec::new(), odd_rows: 0, rows: 0 }
    }

    #[must_use]
    pub const fn day(&self) -> BillDay {
        self.books.day
    }

    /// Takes a row.
    ///
    /// # Errors
    /// Why the bill cannot be the one that was asked for, in words for an operator.
    pub fn take(&mut self, row: BillRow) -> Result<(), String> {
        self.rows = self.rows.saturating_add(1);
        let day = self.books.day;
        if let Some(at) = row.at.filter(|at| row.kind == BillKind::Payment && !day.fits(*at)) {
            return Err(format!("a payment of {} stands in the bill of {}: it is the bill of another day", at.plain(), day.day));
        }
        self.place(row)
    }

    fn place(&mut self, row: BillRow) -> Result<(), String> {
        let Some((book, key)) = named(&row) else { return self.stranger(row) };
        let Some(slot) = self.books.shelf(book).find(key).copied() else { return self.stranger(row) };
        let bit = bit_of(book, &row);
        if slot.has(bit) || !agrees(&self.books, &slot, &row) {
            self.odd.entry((book, key)).or_default().push(row);
            return self.count_odd();
        }
        if let Some(slot) = self.books.shelf(book).find(key) {
            slot.seen |= bit;
        }
        Ok(())
    }

    fn stranger(&mut self, row: BillRow) -> Result<(), String> {
        self.strangers.push(row);
        self.count_odd()
    }

    fn count_odd(&mut self) -> Result<(), String> {
        self.odd_rows = self.odd_rows.saturating_add(1);
        if self.odd_rows <= ODD_MAX {
            return Ok(());
        }
        Err(format!("more than {ODD_MAX} rows differ from the books: is this the account's own bill, and is this the store of its orders?"))
    }

    /// The orders that rows name which are not in the books of the day, each once.
    #[must_use]
    pub fn to_look_up(&self) -> BTreeSet<OrderId> {
        self.strangers.iter().filter_map(|row| order_of(row.refund_number.as_deref().unwrap_or(&row.number))).collect()
    }

    /// Takes up what an order has that the bill named, or what has become of it since.
    pub fn learn(&mut self, life: &Life) {
        self.books.learn(life);
    }

    /// After the last [`Matching::learn`] of what was looked up: the rows find theirs.
    ///
    /// # Errors
    /// As [`Matching::take`].
    pub fn place_strangers(&mut self) -> Result<(), String> {
        self.odd_rows = self.odd_rows.saturating_sub(self.strangers.len());
        std::mem::take(&mut self.strangers).into_iter().try_for_each(|row| self.place(row))
    }

    /// Whether the bill and the books have anything to do with each other.
    ///
    /// # Errors
    /// Where both have payments and share none: it is the bill of another merchant.
    pub fn is_of_this_account(&self) -> Result<(), String> {
        let payments = self.strangers.iter().filter(|row| row.kind == BillKind::Payment).count();
        let shared = self.slots().any(|(_, slot)| slot.seen != 0) || !self.odd.is_empty();
        let ours = self.books.payments.of_day();
        if shared || payments < STRANGERS_MIN || ours < STRANGERS_MIN {
            return Ok(());
        }
        Err(format!("none of its {payments} payments is in our books, and none of our {ours} in it: it is the bill of another merchant"))
    }

    /// What the channel says was done and our books do not.
    #[must_use]
    pub fn lost(&self) -> BTreeSet<Lost> {
        self.slots().filter(|(book, slot)| judge::is_lost(*book, slot, self.odd_of(*book, slot))).filter_map(lost).collect()
    }

    /// Whether something of ours is not in this bill that may stand in the one before.
    #[must_use]
    pub fn wants_the_bill_before(&self) -> bool {
        self.slots().any(|(book, slot)| slot.edge == Edge::Before && judge::is_missing(book, slot, self.odd_of(book, slot)))
    }

    /// Takes a row of the bill before this one.
    pub fn take_before(&mut self, row: &BillRow) {
        if let Some((book, key)) = named(row)
            && let Some(slot) = self.books.shelf(book).find(key)
            && row.kind != BillKind::Reversal
        {
            slot.seen |= seen::BEFORE;
        }
    }

    /// Judges. `had_before`: the bill before this one was taken, or is known to be empty.
    #[must_use]
    pub fn finish(mut self, had_before: bool) -> Outcome {
        let strangers = std::mem::take(&mut self.strangers);
        let mut judged = Judged::new(&self.books, had_before);
        self.slots().for_each(|(book, slot)| judged.ours(book, slot, self.odd_of(book, slot)));
        judged.strangers(&strangers);
        Outcome { rows: self.rows, matched: judged.matched, found: judged.found() }
    }

    fn slots(&self) -> impl Iterator<Item = (Book, &Slot)> {
        let payments = self.books.payments.iter().map(|slot| (Book::Payments, slot));
        payments.chain(self.books.refunds.iter().map(|slot| (Book::Refunds, slot)))
    }

    fn odd_of(&self, book: Book, slot: &Slot) -> &[BillRow] {
        if self.odd.is_empty() {
            return &[];
        }
        self.odd.get(&(book, slot.key())).map_or(&[], Vec::as_slice)
    }
}

fn lost((book, slot): (Book, &Slot)) -> Option<Lost> {
    let number = unpack(slot.key(), book.prefix());
    let (order, seq) = match book {
        Book::Payments => OrderId::of_attempt(&number)?,
        Book::Refunds => OrderId::of_refund(&number)?,
    };
    Some(Lost { order, seq, refund: book == Book::Refunds })
}

/// A refund that goes by the payment's own number is its reversal, whatever the channel calls it.
fn named(row: &BillRow) -> Option<(Book, u128)> {
    match (row.kind, row.refund_number.as_deref()) {
        (BillKind::Refund, Some(number)) if number != row.number => Some((Book::Refunds, pack(number, 'R')?)),
        (BillKind::Refund, None) => None,
        _ => Some((Book::Payments, pack(&row.number, 'A')?)),
    }
}

fn bit_of(book: Book, row: &BillRow) -> u8 {
    match (book, row.kind, row.fate) {
        (Book::Payments, BillKind::Refund | BillKind::Reversal, _) => seen::REVERSED,
        (Book::Refunds, _, BillFate::Open) => seen::OPEN,
        _ => seen::LISTED,
    }
}

/// Whether a row says just what our books say of an amount that was done. A refund stands in the bill in whatever state it then was.
fn agrees(books: &Books, slot: &Slot, row: &BillRow) -> bool {
    let fate = row.fate == BillFate::Done || (row.fate == BillFate::Open && row.kind == BillKind::Refund && row.refund_number.is_some());
    fate && row.amount.0 == slot.amount_fen && books.fee_agrees(slot, row) && books.sub_agrees(slot, row)
}
