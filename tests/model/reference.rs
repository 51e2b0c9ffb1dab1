//! What one order may become, once more and from DESIGN section 4 alone: plain words and sums, nothing of `src/domain`. The machine
//! in `main` plays the same commands to both and compares.

use super::words::{Back, Intent, Said, Undone, Verb};

#[derive(Clone, Debug)]
pub struct Attempt {
    pub status: &'static str,
    pub captured: i64,
    pub late: bool,
    pub undo: Option<Verb>,
    undo_sent: bool,
    /// What the order fails of once the attempt is undone: the payer's doing or the account's.
    declined: Option<Whose>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Payer,
    Account,
}

#[derive(Clone, Debug)]
pub struct Refund {
    pub attempt: usize,
    pub amount: i64,
    pub status: &'static str,
    sent: bool,
    sends: u32,
    refused_once: bool,
}

#[derive(Clone, Debug)]
pub struct Reference {
    amount: i64,
    barcode: bool,
    pub status: &'static str,
    pub winner: Option<usize>,
    pub attempts: Vec<Attempt>,
    pub refunds: Vec<Refund>,
    intent: Option<Intent>,
}

fn fresh() -> Attempt {
    Attempt { status: "sending", captured: 0, late: false, undo: None, undo_sent: false, declined: None }
}

impl Attempt {
    fn open(&self) -> bool {
        ["sending", "awaiting_payer", "unknown"].contains(&self.status)
    }
}

impl Reference {
    pub fn new(amount: i64, barcode: bool) -> Reference {
        Reference { amount, barcode, status: "pending", winner: None, attempts: vec![fresh()], refunds: Vec::new(), intent: None }
    }

    /// Of an attempt: money on its way back and money that went back.
    pub fn refunding(&self, attempt: usize) -> i64 {
        self.refunds.iter().filter(|r| r.attempt == attempt && r.status == "pending").map(|r| r.amount).sum()
    }

    pub fn refunded(&self, attempt: usize) -> i64 {
        self.refunds.iter().filter(|r| r.attempt == attempt && r.status == "succeeded").map(|r| r.amount).sum()
    }

    fn give_back(&mut self, attempt: usize, amount: i64) {
        self.refunds.push(Refund { attempt, amount, status: "pending", sent: false, sends: 0, refused_once: false });
    }

    /// `stale`: the question was asked before the attempt ended. Answers false where the store must refuse.
    pub fn told(&mut self, n: usize, said: Said, by_pay: bool, stale: bool, fallback: bool) -> bool {
        let a = &mut self.attempts[n];
        match said {
            Said::Paid | Said::PaidOtherAmount => {
                let returning = a.undo == Some(Verb::Reverse) && a.undo_sent;
                let ignored = a.status == "succeeded" || returning || (stale && !a.open());
                if !ignored && said == Said::PaidOtherAmount {
                    return false;
                }
                if !ignored {
                    self.capture(n);
                }
            }
            Said::Waiting if a.open() && a.declined.is_some() => {}
            Said::Waiting if a.open() => a.status = "awaiting_payer",
            Said::Waiting | Said::NotFound { is_final: false } if a.status == "abandoned" && stale => {}
            Said::Waiting | Said::NotFound { is_final: false } if a.status == "abandoned" => self.end(n, "closed", false),
            Said::Closed => self.end(n, "closed", fallback),
            Said::Reversed => self.end(n, "reversed", fallback),
            Said::FailedByAccount => self.fail(n, fallback),
            Said::FailedByPayer => self.fail(n, false),
            Said::NotFound { is_final: true } if a.undo.is_some() || a.status == "abandoned" => {
                let to = if a.undo == Some(Verb::Reverse) { "reversed" } else { "closed" };
                self.end(n, to, fallback);
            }
            Said::NotFound { is_final: true } => self.fail(n, fallback),
            Said::NotFound { .. } if a.status == "sending" => a.status = "unknown",
            Said::Unknown if a.open() && by_pay => a.status = "unknown",
            Said::Declined if a.open() => {
                a.status = "unknown";
                a.declined = Some(Whose::Payer);
                a.undo = a.undo.or(Some(Verb::Reverse));
            }
            _ => {}
        }
        if self.status != "pending" {
            let verb = if self.barcode { Verb::Reverse } else { Verb::Close };
            for a in self.attempts.iter_mut().filter(|a| a.open()) {
                a.undo = a.undo.or(Some(verb));
            }
        }
        true
    }

    fn capture(&mut self, n: usize) {
        let (amount, was_open) = (self.amount, self.attempts[n].open());
        let a = &mut self.attempts[n];
        (a.status, a.captured, a.undo, a.late) = ("succeeded", amount, None, !was_open || self.status != "pending");
        if self.status != "pending" {
            return self.give_back(n, amount);
        }
        (self.status, self.winner) = ("paid", Some(n));
        if self.intent.take() == Some(Intent::Reverse) {
            self.give_back(n, amount);
        }
    }

    fn fail(&mut self, n: usize, fallback: bool) {
        if self.attempts[n].status == "abandoned" {
            return self.end(n, "closed", false);
        }
        if !self.attempts[n].open() {
            return;
        }
        (self.attempts[n].status, self.attempts[n].undo) = ("failed", None);
        if self.status != "pending" || self.attempts.iter().any(Attempt::open) {
            return;
        }
        self.go_on_or_fail(n, fallback);
    }

    fn go_on_or_fail(&mut self, n: usize, fallback: bool) {
        let newest = n + 1 == self.attempts.len();
        if fallback && newest && self.intent.is_none() { self.attempts.push(fresh()) } else { self.status = "failed" }
    }

    /// The channel has told that the attempt takes no money.
    fn end(&mut self, n: usize, to: &'static str, fallback: bool) {
        let a = &mut self.attempts[n];
        if a.open() || a.status == "abandoned" {
            // What was abandoned is over, however it ended there.
            (a.status, a.undo) = (if a.open() { to } else { "closed" }, None);
            self.end_if_idle(n, fallback);
        }
    }

    fn end_if_idle(&mut self, n: usize, fallback: bool) {
        if self.status != "pending" || self.attempts.iter().any(Attempt::open) {
            return;
        }
        let (reverse, close) = (self.intent == Some(Intent::Reverse), self.intent == Some(Intent::Close));
        let a = &self.attempts[n];
        if a.declined.is_some() && !reverse && !close {
            return self.go_on_or_fail(n, fallback && a.declined == Some(Whose::Account));
        }
        self.status = match a.status {
            "reversed" => "reversed",
            _ if reverse => "reversed",
            _ => "closed",
        };
    }

    pub fn wish(&mut self, intent: Intent, verb: Verb) {
        if self.status != "pending" || self.intent == Some(intent) {
            return;
        }
        if self.intent != Some(Intent::Reverse) {
            self.intent = Some(intent);
        }
        for a in self.attempts.iter_mut().filter(|a| a.open()) {
            a.undo = a.undo.or(Some(verb));
        }
    }

    pub fn begin_undo(&mut self, n: usize) {
        let a = &mut self.attempts[n];
        a.undo_sent |= a.open() && a.undo.is_some();
    }

    /// The attempt is to be closed so that the next account may be tried.
    pub fn want_next(&mut self, n: usize) {
        let a = &mut self.attempts[n];
        if self.status == "pending" && self.intent.is_none() && a.status == "unknown" && a.undo.is_none() {
            (a.undo, a.declined) = (Some(Verb::Close), Some(Whose::Account));
        }
    }

    pub fn undone(&mut self, n: usize, verb: Verb, said: Undone, fallback: bool) {
        let to = if verb == Verb::Close { "closed" } else { "reversed" };
        match said {
            Undone::Done | Undone::NotFound { is_final: true } => self.end(n, to, fallback),
            Undone::Paid | Undone::Refused => {
                let merchants = self.intent == Some(Intent::Close);
                if merchants {
                    self.intent = None;
                }
                if self.attempts[n].open() {
                    self.attempts[n].undo_sent = false;
                    self.attempts[n].undo = self.attempts[n].undo.filter(|_| !merchants);
                }
            }
            _ => {}
        }
    }

    pub fn abandon(&mut self, n: usize) {
        if self.attempts[n].open() {
            (self.attempts[n].status, self.attempts[n].undo) = ("abandoned", None);
            self.end_if_idle(n, false);
        }
    }

    /// Answers whether the refund is made.
    pub fn request_refund(&mut self, amount: i64) -> bool {
        let Some(n) = self.winner else { return false };
        let made = self.refunded(n) + self.refunding(n) + amount <= self.attempts[n].captured;
        if made {
            self.give_back(n, amount);
        }
        made
    }

    pub fn begin_refund(&mut self, k: usize) {
        let r = &mut self.refunds[k];
        if r.status == "pending" && !r.sent {
            (r.sent, r.sends) = (true, r.sends + 1);
        }
    }

    pub fn told_refund(&mut self, k: usize, said: Back, queried: bool) {
        let r = &mut self.refunds[k];
        if r.status != "pending" {
            return;
        }
        match said {
            Back::Succeeded => r.status = "succeeded",
            // A refused repeat says nothing about the first sending.
            Back::Failed if !queried && r.sends > 1 => r.refused_once = true,
            Back::Failed => r.status = "failed",
            Back::NotFound if r.refused_once => r.status = "failed",
            Back::NotFound | Back::NoBalance => r.sent = false,
            Back::Accepted | Back::Unknown => {}
        }
    }
}
