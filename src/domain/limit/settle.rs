//! After every change of an order: what its attempts hold of the limits now, against what they held before. Movements are derived from the
//! statuses, not made by those who change them, so no way out of an attempt can forget them.

use super::counter::{CounterKey, Counters, Entry, Share, Step};
use super::hold::Hold;
use crate::domain::AttemptStatus;
use crate::domain::RefundStatus;
use crate::domain::life::{Attempt, Broken, Life};
use sluice_contract::Millis;
use std::collections::BTreeMap;

/// The counters that may move when the attempts of `after` change from `before`.
#[must_use]
pub fn keys(before: Option<&Life>, after: &Life) -> Vec<CounterKey> {
    let changed = after.attempts.iter().filter(|attempt| old(before, attempt.seq) != Some(attempt) || refunds_differ(before, after));
    changed.flat_map(|attempt| attempt.notes.holds.iter().flat_map(|hold| hold.keys(attempt.notes.paid_at))).collect()
}

fn refunds_differ(before: Option<&Life>, after: &Life) -> bool {
    before.is_none_or(|before| before.refunds != after.refunds)
}

fn old(before: Option<&Life>, seq: u32) -> Option<&Attempt> {
    before.and_then(|life| life.attempt(seq))
}

/// Moves the counters to where the changed order wants them, and answers the entries that say so.
pub fn settle(before: Option<&Life>, after: &mut Life, counters: &mut Counters, at: Millis) -> Result<Vec<Entry>, Broken> {
    let mut entries = Vec::new();
    let mut attempts = std::mem::take(&mut after.attempts);
    let settled = attempts.iter_mut().try_for_each(|attempt| {
        let was = old(before, attempt.seq);
        let mut holds = std::mem::take(&mut attempt.notes.holds);
        let settled = holds.iter_mut().try_for_each(|hold| {
            let moved = Moved { before, after, was, attempt, at };
            moved.hold(hold, counters, &mut entries)
        });
        attempt.notes.holds = holds;
        settled
    });
    after.attempts = attempts;
    settled.map(|()| entries)
}

/// As if the attempt had ended unpaid: what would then be free.
pub fn give_back(life: &Life, attempt_seq: u32, counters: &mut Counters, at: Millis) -> Result<(), Broken> {
    let Some(attempt) = life.attempt(attempt_seq) else { return Ok(()) };
    for hold in &attempt.notes.holds {
        for (start, share) in hold.shares(attempt, &life.refunds) {
            counters.apply(&Entry {
                order_id: life.order.id.clone(),
                attempt_seq,
                step: Step::Release,
                refund_seq: 0,
                key: hold.key(start),
                at,
                counts_at: hold.counts_at(attempt),
                share: Share::default().minus(share),
            })?;
        }
    }
    Ok(())
}

/// One attempt, before and after.
struct Moved<'a> {
    before: Option<&'a Life>,
    after: &'a Life,
    was: Option<&'a Attempt>,
    attempt: &'a Attempt,
    at: Millis,
}

impl Moved<'_> {
    fn hold(&self, hold: &mut Hold, counters: &mut Counters, entries: &mut Vec<Entry>) -> Result<(), Broken> {
        let shares =
            |attempt: &Attempt, life: &Life, hold: &Hold| hold.shares(attempt, &life.refunds).into_iter().collect::<BTreeMap<_, _>>();
        let held = self.was.zip(self.before).map(|(was, before)| shares(was, before, hold)).unwrap_or_default();
        if self.just_paid() {
            self.take_payment(hold, &held, counters)?;
        }
        let holds = shares(self.attempt, self.after, hold);
        let starts: std::collections::BTreeSet<i64> = held.keys().chain(holds.keys()).copied().collect();
        for start in starts {
            let (old, new) = (held.get(&start).copied().unwrap_or_default(), holds.get(&start).copied().unwrap_or_default());
            if old == new {
                continue;
            }
            let (step, refund_seq) = self.step(old, new);
            let entry = Entry {
                order_id: self.after.order.id.clone(),
                attempt_seq: self.attempt.seq,
                step,
                refund_seq,
                key: hold.key(start),
                at: self.at,
                counts_at: hold.counts_at(self.attempt),
                share: new.minus(old),
            };
            if step == Step::Reserve
                && old == Share::default()
                && let Some(counter) = counters.0.get_mut(&entry.key)
            {
                // What was admitted was admitted under this max; what was not checked stands above it and changes nothing.
                if hold.overrun == 0 {
                    counter.cap = hold.max
                }
            }
            counters.apply(&entry)?;
            entries.push(entry);
        }
        Ok(())
    }

    fn just_paid(&self) -> bool {
        self.attempt.status() == AttemptStatus::Succeeded && self.was.is_none_or(|was| was.status() != AttemptStatus::Succeeded)
    }

    /// Money that came. What was not reserved for it cannot be refused any more: it is booked as overrun where it stands above the limit.
    fn take_payment(&self, hold: &mut Hold, held: &BTreeMap<i64, Share>, counters: &mut Counters) -> Result<(), Broken> {
        hold.paid_at = self.attempt.notes.paid_at.filter(|_| hold.by_paid);
        if !hold.holder.is_empty() || held.contains_key(&hold.paid_start()) {
            return Ok(());
        }
        let ended_before = self.was.is_some_and(|was| !was.status().is_open());
        if ended_before {
            // Late: its room was given back and may be somebody else's by now.
            hold.overrun = hold.size;
            return Ok(());
        }
        let order_id = &self.after.order.id;
        let key = hold.key(hold.paid_start());
        let mut counter = counters.get(order_id, &key)?;
        counter.cap = counter.cap.max(hold.max);
        hold.overrun = counter.used().saturating_add(hold.size).saturating_sub(counter.cap).clamp(0, hold.size);
        counters.0.insert(key, counter);
        Ok(())
    }

    fn step(&self, old: Share, new: Share) -> (Step, u32) {
        if old == Share::default() && new.reserved > 0 {
            return (Step::Reserve, 0);
        }
        if self.just_paid() && new.confirmed > 0 {
            return (Step::Confirm, 0);
        }
        if old.confirmed > 0 {
            let succeeded =
                |life: Option<&Life>, seq: u32| life.and_then(|l| l.refund(seq)).is_some_and(|r| r.status() == RefundStatus::Succeeded);
            let refund = self.after.refunds.iter().find(|r| r.status() == RefundStatus::Succeeded && !succeeded(self.before, r.seq));
            return (Step::Restore, refund.map_or(0, |r| r.seq));
        }
        (Step::Release, 0)
    }
}
