//! The channel's own books: what really happened to money. Tests judge by this and nothing else.
//!
//! Every entry is a payment order at the channel. `charges` counts captures and never falls; money invariants
//! are asserted on every change, because an oracle that can be wrong is none.

use serde::Serialize;
use sluice_contract::{Fen, Millis};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Created,
    Paying,
    Paid,
    Closed,
    Reversed,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    Pending,
    Succeeded,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefundEntry {
    pub out_refund_no: String,
    pub amount: Fen,
    pub status: RefundState,
    #[serde(skip)]
    pub at: Millis,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub channel: &'static str,
    pub out_trade_no: String,
    pub status: State,
    pub total: Fen,
    /// What the payer paid, after discounts; zero before payment.
    pub payer_total: Fen,
    pub refunds: Vec<RefundEntry>,
    /// Captures so far.
    pub charges: u32,
    #[serde(skip)]
    pub created_at: Millis,
    #[serde(skip)]
    pub paid_at: Option<Millis>,
}

impl Entry {
    /// Money captured and not on its way back. Nothing remains of a reversed order.
    #[must_use]
    pub fn remaining(&self) -> Fen {
        let captured = if self.charges > 0 && self.status != State::Reversed { self.total.0 } else { 0 };
        let back: i64 = self.refunds.iter().filter(|r| r.status != RefundState::Failed).map(|r| r.amount.0).sum();
        Fen(captured.saturating_sub(back).max(0))
    }
}

/// What the ledger refuses to book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Unknown,
    Exists,
    WrongState,
    TooMuch,
}

#[derive(Clone, Debug, Default)]
pub struct Ledger {
    entries: BTreeMap<String, Entry>,
}

impl Ledger {
    #[must_use]
    pub fn get(&self, out_trade_no: &str) -> Option<&Entry> {
        self.entries.get(out_trade_no)
    }

    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Opens an order.
    pub fn open(&mut self, channel: &'static str, out_trade_no: &str, total: Fen, now: Millis) -> Result<(), Refused> {
        if self.entries.contains_key(out_trade_no) {
            return Err(Refused::Exists);
        }
        let entry = Entry {
            channel,
            out_trade_no: out_trade_no.to_owned(),
            status: State::Created,
            total,
            payer_total: Fen::ZERO,
            refunds: Vec::new(),
            charges: 0,
            created_at: now,
            paid_at: None,
        };
        self.entries.insert(out_trade_no.to_owned(), entry);
        Ok(())
    }

    /// The payer has begun (a password is asked for).
    pub fn begin(&mut self, out_trade_no: &str) -> Result<(), Refused> {
        self.step(out_trade_no, &[State::Created], State::Paying).map(|_| ())
    }

    /// Money is taken: the one place where `charges` grows.
    pub fn capture(&mut self, out_trade_no: &str, payer_total: Fen, now: Millis) -> Result<(), Refused> {
        let entry = self.step(out_trade_no, &[State::Created, State::Paying], State::Paid)?;
        entry.charges = entry.charges.saturating_add(1);
        entry.payer_total = payer_total;
        entry.paid_at = Some(now);
        Ok(())
    }

    /// A payment that was made at that time.
    pub fn paid(&mut self, channel: &'static str, out_trade_no: &str, total: Fen, at: Millis) -> Result<(), Refused> {
        self.open(channel, out_trade_no, total, at)?;
        self.capture(out_trade_no, total, at)
    }

    pub fn close(&mut self, out_trade_no: &str) -> Result<(), Refused> {
        self.step(out_trade_no, &[State::Created, State::Paying], State::Closed).map(|_| ())
    }

    pub fn fail(&mut self, out_trade_no: &str) -> Result<(), Refused> {
        self.step(out_trade_no, &[State::Created, State::Paying], State::Failed).map(|_| ())
    }

    /// Undoes an order whatever it is; money taken goes back. A reversed one stays reversed.
    pub fn reverse(&mut self, out_trade_no: &str) -> Result<(), Refused> {
        self.step(out_trade_no, &[State::Created, State::Paying, State::Paid, State::Failed, State::Reversed], State::Reversed).map(|_| ())
    }

    /// Books a refund as pending. Never more than what is left of the capture.
    pub fn refund(&mut self, out_trade_no: &str, out_refund_no: &str, amount: Fen, now: Millis) -> Result<(), Refused> {
        let entry = self.entries.get_mut(out_trade_no).ok_or(Refused::Unknown)?;
        if entry.status != State::Paid {
            return Err(Refused::WrongState);
        }
        if entry.refunds.iter().any(|r| r.out_refund_no == out_refund_no) {
            return Err(Refused::Exists);
        }
        if !amount.is_positive() || amount > entry.remaining() {
            return Err(Refused::TooMuch);
        }
        let refund = RefundEntry { out_refund_no: out_refund_no.to_owned(), amount, status: RefundState::Pending, at: now };
        entry.refunds.push(refund);
        Ok(())
    }

    /// Ends a pending refund.
    pub fn settle(&mut self, out_trade_no: &str, out_refund_no: &str, status: RefundState) -> Result<(), Refused> {
        let entry = self.entries.get_mut(out_trade_no).ok_or(Refused::Unknown)?;
        let refund = entry.refunds.iter_mut().find(|r| r.out_refund_no == out_refund_no).ok_or(Refused::Unknown)?;
        if refund.status != RefundState::Pending {
            return Err(Refused::WrongState);
        }
        refund.status = status;
        Ok(())
    }

    /// What can never be true of money, said of the first entry it is true of. An oracle that can be wrong is none, so
    /// tests ask this after every change.
    pub fn audit(&self) -> Result<(), String> {
        for (number, entry) in &self.entries {
            let back = entry.refunds.iter().filter(|r| r.status != RefundState::Failed).try_fold(Fen::ZERO, |sum, r| sum.plus(r.amount));
            let charged = match entry.status {
                State::Created | State::Paying | State::Closed | State::Failed => entry.charges == 0,
                State::Paid => entry.charges == 1,
                State::Reversed => entry.charges <= 1,
            };
            let faults = [
                (!charged, "has a number of captures that its status forbids"),
                (back.is_none_or(|back| back > entry.total), "gives back more than was taken"),
                (entry.charges == 0 && !entry.refunds.is_empty(), "gives back what was never taken"),
                (entry.payer_total > entry.total || entry.payer_total.0 < 0, "took another amount than the order's"),
                ((entry.charges > 0) != entry.paid_at.is_some(), "was paid without a time, or the reverse"),
            ];
            if let Some((_, what)) = faults.iter().find(|(wrong, _)| *wrong) {
                return Err(format!("{number} {what}"));
            }
        }
        Ok(())
    }

    fn step(&mut self, out_trade_no: &str, from: &[State], to: State) -> Result<&mut Entry, Refused> {
        let entry = self.entries.get_mut(out_trade_no).ok_or(Refused::Unknown)?;
        if !from.contains(&entry.status) {
            return Err(Refused::WrongState);
        }
        entry.status = to;
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::{Ledger, RefundState, Refused, State};
    use sluice_contract::{Fen, Millis};

    const NOW: Millis = Millis(1_000);

    fn paid() -> Ledger {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.open("wechat", "A1", Fen(100), NOW), Ok(()));
        assert_eq!(ledger.capture("A1", Fen(90), NOW), Ok(()));
        ledger
    }

    #[test]
    fn money_is_captured_once_and_never_after_an_end() {
        let mut ledger = paid();
        assert_eq!(ledger.capture("A1", Fen(90), NOW), Err(Refused::WrongState));
        assert_eq!(ledger.close("A1"), Err(Refused::WrongState));
        assert_eq!(ledger.reverse("A1"), Ok(()));
        assert_eq!(ledger.capture("A1", Fen(90), NOW), Err(Refused::WrongState));
        assert_eq!(ledger.get("A1").map(|e| (e.status, e.charges)), Some((State::Reversed, 1)));
    }

    #[test]
    fn nothing_remains_of_a_reversed_order() {
        let mut ledger = paid();
        assert_eq!(ledger.get("A1").map(|e| e.remaining()), Some(Fen(100)));
        assert_eq!(ledger.reverse("A1"), Ok(()));
        assert_eq!(ledger.get("A1").map(|e| e.remaining()), Some(Fen::ZERO));
        assert_eq!(ledger.audit(), Ok(()));
    }

    #[test]
    fn refunds_never_exceed_the_capture() {
        let mut ledger = paid();
        assert_eq!(ledger.refund("A1", "R1", Fen(60), NOW), Ok(()));
        assert_eq!(ledger.refund("A1", "R2", Fen(41), NOW), Err(Refused::TooMuch));
        assert_eq!(ledger.settle("A1", "R1", RefundState::Failed), Ok(()));
        assert_eq!(ledger.refund("A1", "R3", Fen(100), NOW), Ok(()));
        assert_eq!(ledger.refund("A1", "R3", Fen(100), NOW), Err(Refused::Exists));
    }
}
