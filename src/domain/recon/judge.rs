//! What the rows of one number mean beside what our books say of it. The order of the rows does not matter: they are judged as a set.

use super::books::{Book, Books, Ours, Slot, seen};
use super::day::Edge;
use super::discrepancy::{Found, Kind, Standing};
use crate::domain::id::unpack;
use serde_json::{Value, json};
use sluice_contract::{BillFate, BillKind, BillRow, Fen};
use std::collections::BTreeMap;

/// A number's rows, counted.
struct Rows<'a> {
    listed: bool,
    /// Listed while it was under way.
    open: bool,
    reversed: bool,
    odd: &'a [BillRow],
}

impl<'a> Rows<'a> {
    const fn of(slot: &Slot, odd: &'a [BillRow]) -> Rows<'a> {
        Rows { listed: slot.has(seen::LISTED), open: slot.has(seen::OPEN), reversed: slot.has(seen::REVERSED), odd }
    }

    /// Rows of the thing itself that say done and do not simply agree.
    fn done(&self, book: Book) -> impl Iterator<Item = &'a BillRow> {
        self.odd.iter().filter(move |row| is_itself(book, row) && row.fate == BillFate::Done)
    }

    fn is_done(&self, book: Book) -> bool {
        self.listed || self.open || self.done(book).next().is_some()
    }

    fn agreeing(&self) -> usize {
        usize::from(self.listed).saturating_add(usize::from(self.open))
    }

    fn is_void(&self, book: Book) -> bool {
        self.odd.iter().any(|row| is_itself(book, row) && row.fate != BillFate::Done)
    }

    fn is_reversed(&self) -> bool {
        self.reversed || self.odd.iter().any(|row| !is_itself(Book::Payments, row))
    }
}

/// Under a payment's number stand its own row and its reversal's.
fn is_itself(book: Book, row: &BillRow) -> bool {
    book == Book::Refunds || row.kind == BillKind::Payment
}

/// The channel says done, our books say anything else.
pub(super) fn is_lost(book: Book, slot: &Slot, odd: &[BillRow]) -> bool {
    let rows = Rows::of(slot, odd);
    let reversed = book == Book::Payments && rows.is_reversed();
    // Listed as under way says nothing of the end.
    let done = rows.listed || rows.done(book).next().is_some();
    done && !reversed && slot.ours != Ours::Done
}

/// The books have it, the bill has not.
pub(super) fn is_missing(book: Book, slot: &Slot, odd: &[BillRow]) -> bool {
    let rows = Rows::of(slot, odd);
    let expected = slot.edge != Edge::Elsewhere && !rows.is_done(book) && !rows.is_void(book);
    match slot.ours {
        Ours::Done => expected && !(book == Book::Payments && rows.is_reversed()),
        Ours::Reversed => expected && rows.is_reversed(),
        Ours::Open | Ours::Not => false,
    }
}

/// The findings of a day as they grow.
pub(super) struct Judged<'a> {
    books: &'a Books,
    had_before: bool,
    pub matched: u64,
    found: Vec<Found>,
}

/// A finding before it has a key: kind, ours, theirs, gap.
struct Finding(Kind, Option<Fen>, Option<Fen>, Fen);

impl<'a> Judged<'a> {
    pub const fn new(books: &'a Books, had_before: bool) -> Judged<'a> {
        Judged { books, had_before, matched: 0, found: Vec::new() }
    }

    pub fn found(mut self) -> Vec<Found> {
        self.found.sort_by(|a, b| (&a.number, a.kind).cmp(&(&b.number, b.kind)));
        self.found
    }

    pub fn ours(&mut self, book: Book, slot: &Slot, odd: &[BillRow]) {
        let rows = Rows::of(slot, odd);
        if is_missing(book, slot, odd) {
            return self.missing(book, slot);
        }
        let before = self.found.len();
        match slot.ours {
            Ours::Done => self.done(book, slot, &rows),
            Ours::Reversed if book == Book::Payments && rows.is_reversed() => self.reversed(slot, &rows),
            _ => self.not_done(book, slot, &rows),
        }
        if before == self.found.len() && (rows.agreeing() > 0 || rows.reversed) {
            self.matched = self.matched.saturating_add(1);
        }
    }

    fn missing(&mut self, book: Book, slot: &Slot) {
        if slot.has(seen::BEFORE) {
            self.matched = self.matched.saturating_add(1);
            return;
        }
        let unsure = slot.edge == Edge::After || (slot.edge == Edge::Before && !self.had_before);
        let standing = if unsure { Standing::Carried } else { Standing::Open };
        let amount = Fen(slot.amount_fen);
        let finding = Finding(Kind::MissingThere, Some(amount), None, less(book, amount));
        self.add(book, slot, finding, standing, &[]);
    }

    /// Ours is done: the bill must say so, once, with the same amount and fee.
    fn done(&mut self, book: Book, slot: &Slot, rows: &Rows<'_>) {
        let amount = Fen(slot.amount_fen);
        let done: Vec<&BillRow> = rows.done(book).collect();
        if !rows.is_done(book) || (book == Book::Payments && rows.is_reversed()) {
            let finding = Finding(Kind::Status, Some(amount), Some(Fen::ZERO), less(book, amount));
            self.add(book, slot, finding, Standing::Open, rows.odd);
        }
        // The row that is meant: the one that agrees, else the nearest; any other is one too many.
        let place = |row: &BillRow| (row.amount.0.abs_diff(slot.amount_fen), row.amount, row.fee, row.own_discount, row.sub.clone());
        let nearest = done.iter().copied().min_by_key(|row| place(row));
        let meant = nearest.filter(|_| rows.agreeing() == 0);
        if let Some(row) = meant {
            self.meant(book, slot, rows, row);
        }
        if done.len().saturating_add(rows.agreeing()) > 1 {
            let agreeing = i64::try_from(rows.agreeing()).unwrap_or_default().saturating_mul(slot.amount_fen);
            let theirs = Fen(done.iter().fold(agreeing, |sum, row| sum.saturating_add(row.amount.0)));
            let beyond = theirs.minus(meant.map_or(amount, |row| row.amount)).unwrap_or_default();
            self.add(book, slot, Finding(Kind::Duplicate, Some(amount), Some(theirs), more(book, beyond)), Standing::Open, rows.odd);
        }
    }

    /// What the row that is meant says otherwise.
    fn meant(&mut self, book: Book, slot: &Slot, rows: &Rows<'_>, row: &BillRow) {
        let amount = Fen(slot.amount_fen);
        if row.amount != amount {
            let gap = row.amount.minus(amount).unwrap_or_default();
            self.add(book, slot, Finding(Kind::Amount, Some(amount), Some(row.amount), more(book, gap)), Standing::Open, rows.odd);
        } else if !self.books.fee_agrees(slot, row) {
            let [ours, _] = self.books.fees(slot, row);
            let gap = ours.zip(row.fee).and_then(|(ours, theirs)| ours.minus(theirs)).unwrap_or_default();
            self.add(book, slot, Finding(Kind::Fee, ours, row.fee, gap), Standing::Open, rows.odd);
        }
        // The money is there, in somebody else's purse.
        if !self.books.sub_agrees(slot, row) {
            self.add(book, slot, Finding(Kind::Merchant, Some(amount), Some(Fen::ZERO), less(book, amount)), Standing::Open, rows.odd);
        }
    }

    /// Ours was reversed, and so is the bill's: the payment and its reversal cancel each other.
    fn reversed(&mut self, slot: &Slot, rows: &Rows<'_>) {
        let book = Book::Payments;
        if !rows.is_done(book) && !rows.is_void(book) {
            // The payment stands in an earlier bill.
            return;
        }
        self.done_and_back(book, slot, rows);
    }

    fn done_and_back(&mut self, book: Book, slot: &Slot, rows: &Rows<'_>) {
        let back: Vec<&BillRow> = rows.odd.iter().filter(|row| !is_itself(book, row)).collect();
        let mut without = Judged::new(self.books, self.had_before);
        let own: Vec<BillRow> = rows.odd.iter().filter(|row| is_itself(book, row)).cloned().collect();
        without.done(book, slot, &Rows { reversed: false, odd: &own, ..*rows });
        self.found.append(&mut without.found);
        let amount = Fen(slot.amount_fen);
        if let Some(row) = back.first() {
            let kind = if rows.reversed || back.len() > 1 { Kind::Duplicate } else { Kind::Amount };
            let theirs = back.iter().fold(0_i64, |sum, row| sum.saturating_add(row.amount.0));
            let once = if rows.reversed { 0 } else { amount.0 };
            let gap = Fen(once.saturating_sub(theirs));
            self.add(book, slot, Finding(kind, Some(amount), Some(row.amount), gap), Standing::Open, rows.odd);
        }
    }

    /// Ours is not done: then the bill may not say that money moved.
    fn not_done(&mut self, book: Book, slot: &Slot, rows: &Rows<'_>) {
        if !is_lost(book, slot, rows.odd) {
            return;
        }
        let listed = if rows.listed { slot.amount_fen } else { 0 };
        let theirs = Fen(rows.done(book).fold(listed, |sum, row| sum.saturating_add(row.amount.0)));
        self.add(book, slot, Finding(Kind::Status, Some(Fen::ZERO), Some(theirs), more(book, theirs)), Standing::Open, rows.odd);
    }

    fn add(&mut self, book: Book, slot: &Slot, finding: Finding, standing: Standing, rows: &[BillRow]) {
        let Finding(kind, ours, theirs, gap) = finding;
        let number = unpack(slot.key(), book.prefix());
        let named = rows.first().map(|row| row.number.clone());
        let channel_order_no = if book == Book::Payments { number.clone() } else { named.unwrap_or_default() };
        let says = match slot.ours {
            Ours::Done => "done",
            Ours::Open => "open",
            Ours::Reversed => "reversed",
            Ours::Not => "not done",
        };
        let evidence = json!({
            "ours": {"says": says, "amount": slot.amount_fen, "fee": self.books.terms.fee(slot, Fen::ZERO), "at": slot.at().rfc3339(),
                "sub": Some(self.books.terms.sub(slot)).filter(|sub| !sub.is_empty())},
            "agreeing_row": slot.has(seen::LISTED), "rows": shown(rows),
        });
        self.found.push(Found {
            day: self.books.day.last_of(slot.edge_of(standing)),
            kind,
            number,
            channel_order_no,
            ours,
            theirs,
            gap,
            standing,
            evidence,
        });
    }

    /// Rows that name nothing of ours, by number.
    pub fn strangers(&mut self, rows: &[BillRow]) {
        let mut by_number: BTreeMap<(Kind, &str), Vec<BillRow>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.fate == BillFate::Done) {
            let refund = row.refund_number.as_deref().filter(|number| *number != row.number);
            let key = match row.kind {
                BillKind::Refund if refund.is_some() || row.refund_number.is_none() => (Kind::UnknownRefund, refund.unwrap_or(&row.number)),
                _ => (Kind::MissingHere, row.number.as_str()),
            };
            by_number.entry(key).or_default().push(row.clone());
        }
        for ((kind, number), rows) in by_number {
            let net = rows.iter().fold(0_i64, |sum, row| match row.kind {
                BillKind::Payment => sum.saturating_add(row.amount.0),
                BillKind::Refund | BillKind::Reversal => sum.saturating_sub(row.amount.0),
            });
            let theirs = rows.first().map(|row| row.amount);
            let channel_order_no = rows.first().map(|row| row.number.clone()).unwrap_or_default();
            let (number, evidence) = (number.to_owned(), json!({"rows": shown(&rows)}));
            let (day, standing, gap) = (self.books.day.day, Standing::Open, Fen(net));
            self.found.push(Found { day, kind, number, channel_order_no, ours: None, theirs, gap, standing, evidence });
        }
    }
}

impl Slot {
    /// Only what is carried goes to the next day.
    const fn edge_of(&self, standing: Standing) -> Edge {
        if matches!(standing, Standing::Carried) { self.edge } else { Edge::Within }
    }
}

/// What the merchant has less at the channel when it is not done there.
fn less(book: Book, amount: Fen) -> Fen {
    more(book, Fen(amount.0.saturating_neg()))
}

/// What the merchant has more at the channel when so much more of it was done there.
const fn more(book: Book, amount: Fen) -> Fen {
    match book {
        Book::Payments => amount,
        Book::Refunds => Fen(amount.0.saturating_neg()),
    }
}

/// Rows as evidence; a few of them say it.
fn shown(rows: &[BillRow]) -> Vec<Value> {
    let mut rows: Vec<&BillRow> = rows.iter().collect();
    rows.sort_by(|a, b| (a.kind, a.amount, &a.channel_trade_no, a.at).cmp(&(b.kind, b.amount, &b.channel_trade_no, b.at)));
    let show = |row: &&BillRow| {
        json!({
            "kind": row.kind, "number": row.number, "refund_number": row.refund_number, "channel_trade_no": row.channel_trade_no,
            "amount": row.amount, "fee": row.fee, "state": row.state, "fate": row.fate, "at": row.at.map(|at| at.rfc3339()),
            "sub": row.sub.as_deref().filter(|sub| !sub.is_empty()), "own_discount": row.own_discount,
        })
    };
    rows.iter().take(8).map(show).collect()
}
