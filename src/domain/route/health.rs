//! Health: a circuit breaker for each account, over what is the channel's own fault: no answer, an unreadable or unsigned one, a failure
//! of its servers. Never a payer's decline. Each node judges by what it sees itself.
//!
//! Closed, it lets everything through and counts. Enough faults within the window open it, be they a large share of all answers or the last
//! ones in a row (else a channel that dies under load is believed for half a window), and the router passes the account over. After a
//! while one order at a time is let through to try; two good answers close it, a fault opens it for twice as long.

use sluice_contract::Millis;
use std::collections::BTreeMap;

/// When a breaker opens, and for how long (`[health]` of `routing.toml`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    pub enabled: bool,
    /// So many faults at least within the window …
    pub faults_min: u32,
    /// … and such a share of the answers, or that many faults in a row.
    pub fault_share_ppm: u32,
    pub window_ms: i64,
    /// How long it is open the first time.
    pub open_ms: i64,
    /// How long at most.
    pub open_max_ms: i64,
}

impl Default for Guard {
    fn default() -> Guard {
        Guard { enabled: true, faults_min: 5, fault_share_ppm: 500_000, window_ms: 60_000, open_ms: 5_000, open_max_ms: 20_000 }
    }
}

/// What one payment call says of the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Answered { ms: i64 },
    Fault,
}

/// Good answers in a row that close an open breaker.
const GOOD_TO_CLOSE: u32 = 2;
/// Parts of the window that are counted apart: the oldest part leaves as a whole.
const SLOTS: usize = 6;
/// What waits for a channel that answers nothing comes back within so long after it may be asked again: the first at once, …
const SPREAD_MS: i64 = 40_000;
/// … each other as far from those before it as there is room: steps of the golden section of all that a u16 counts. Drawn by lot some
/// would come together.
const SPREAD_STEP: u16 = 40_503;

#[derive(Clone, Debug, Default)]
pub struct Healths {
    accounts: BTreeMap<String, Health>,
    open: usize,
}

#[derive(Clone, Debug, Default)]
struct Health {
    slots: [Slot; SLOTS],
    /// Faults since the last answer.
    row: u32,
    breaker: Breaker,
    /// How many orders wait for the end of this opening.
    waiting: u16,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Which part of all time it counts.
    number: i64,
    answered: u32,
    faults: u32,
    answered_ms: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Breaker {
    #[default]
    Closed,
    Open {
        until: Millis,
        for_ms: i64,
        /// The order that tries it was let through then.
        probe_at: Option<Millis>,
        good: u32,
        questions: Questions,
    },
}

/// What is known of questions while a breaker is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Questions {
    /// Nobody has asked since it opened.
    Unasked,
    /// None was answered since.
    Unanswered,
    Answered,
}

/// What operators see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Shown {
    /// `well`, `open`, `probing`.
    pub state: &'static str,
    pub open_until: Option<Millis>,
    /// Within the window.
    pub answered: u32,
    pub faults: u32,
    /// Mean length of an answered call.
    pub answer_ms: Option<i64>,
}

impl Healths {
    /// No breaker is open.
    #[must_use]
    pub const fn all_well(&self) -> bool {
        self.open == 0
    }

    /// Whether an order may go there now.
    #[must_use]
    pub fn may_serve(&self, account: &str, now: Millis) -> bool {
        match self.accounts.get(account).map(|health| health.breaker) {
            Some(Breaker::Open { until, for_ms, probe_at, .. }) => {
                is_over(until, for_ms, now) && probe_at.is_none_or(|at| is_over(at.plus_ms(for_ms.max(1)), for_ms, now))
            }
            _ => true,
        }
    }

    /// An order goes to this account: if its breaker is open, it is the one that tries it.
    pub fn probing(&mut self, account: &str, now: Millis) {
        if let Some(Breaker::Open { until, for_ms, probe_at, .. }) = self.accounts.get_mut(account).map(|health| &mut health.breaker)
            && is_over(*until, *for_ms, now)
        {
            *probe_at = Some(now);
        }
    }

    /// Until when this order asks nothing there, each order another time, and none before its question can be answered for good (`not_before`);
    /// `None`: it may ask, and is the one that tries the channel if nothing was answered lately, or if it is the first to ask since payments
    /// failed.
    pub fn mute_until(&mut self, account: &str, not_before: Millis, now: Millis) -> Option<Millis> {
        if !self.is_mute(account) || self.is_first_to_ask(account) {
            return None;
        }
        if self.may_serve(account, now) {
            self.probing(account, now);
            return None;
        }
        let health = self.accounts.get_mut(account)?;
        match health.breaker {
            Breaker::Open { until, for_ms, probe_at, .. } => {
                let apart = i64::from(health.waiting.wrapping_mul(SPREAD_STEP));
                health.waiting = health.waiting.wrapping_add(1);
                let apart_ms = apart.saturating_mul(SPREAD_MS) >> u16::BITS;
                Some(probe_at.map_or(until, |at| at.plus_ms(for_ms)).max(until).max(not_before).plus_ms(apart_ms))
            }
            Breaker::Closed => None,
        }
    }

    fn is_first_to_ask(&mut self, account: &str) -> bool {
        match self.accounts.get_mut(account).map(|health| &mut health.breaker) {
            Some(Breaker::Open { questions: questions @ Questions::Unasked, .. }) => {
                *questions = Questions::Unanswered;
                true
            }
            _ => false,
        }
    }

    /// Neither payments nor questions are answered there. What fails for payments is taken to fail for questions until one is answered: all
    /// that was under way would ask at once, and hang.
    #[must_use]
    pub fn is_mute(&self, account: &str) -> bool {
        let breaker = self.accounts.get(account).map(|health| health.breaker);
        matches!(breaker, Some(Breaker::Open { questions, .. }) if questions != Questions::Answered)
    }

    /// Takes what a question beside a payment said. It neither opens nor closes a breaker, for payments may fail where queries go well, and
    /// the other way round; but where both fail, questions wait as orders do.
    pub fn asked(&mut self, account: &str, sign: Sign, now: Millis, guard: &Guard) {
        let Some(health) = self.accounts.get_mut(account) else { return };
        let Breaker::Open { until, for_ms, probe_at, questions, .. } = &mut health.breaker else { return };
        match sign {
            Sign::Answered { .. } => (*questions, *probe_at) = (Questions::Answered, None),
            Sign::Fault => {
                *questions = Questions::Unanswered;
                if is_over(*until, *for_ms, now) {
                    let longer_ms = for_ms.saturating_mul(2).min(guard.open_max_ms);
                    (*until, *for_ms, *probe_at) = (now.plus_ms(longer_ms), longer_ms, None);
                    health.waiting = 0;
                }
            }
        }
    }

    /// Takes what a payment call said. Answers whether the breaker opened (`Some(true)`) or closed (`Some(false)`) by it.
    pub fn told(&mut self, account: &str, sign: Sign, now: Millis, guard: &Guard) -> Option<bool> {
        if !self.accounts.contains_key(account) {
            self.accounts.insert(account.to_owned(), Health::default());
        }
        let health = self.accounts.get_mut(account)?;
        let before = health.breaker != Breaker::Closed;
        health.count(sign, now, guard);
        health.judge(sign, now, guard);
        let after = health.breaker != Breaker::Closed;
        self.open = self.accounts.values().filter(|health| health.breaker != Breaker::Closed).count();
        (before != after).then_some(after)
    }

    #[must_use]
    pub fn shown(&self, account: &str, now: Millis, guard: &Guard) -> Shown {
        let fresh = Health::default();
        let health = self.accounts.get(account).unwrap_or(&fresh);
        let (answered, faults, ms) = health.counted(now, guard);
        let (state, open_until) = match health.breaker {
            Breaker::Closed => ("well", None),
            Breaker::Open { until, for_ms, .. } if !is_over(until, for_ms, now) => ("open", Some(until)),
            Breaker::Open { .. } => ("probing", None),
        };
        Shown { state, open_until, answered, faults, answer_ms: ms.checked_div(i64::from(answered)) }
    }
}

impl Health {
    fn count(&mut self, sign: Sign, now: Millis, guard: &Guard) {
        let number = now.0.div_euclid(slot_ms(guard));
        let place = usize::try_from(number.rem_euclid(i64::try_from(SLOTS).unwrap_or(1))).unwrap_or_default();
        let Some(slot) = self.slots.get_mut(place) else { return };
        if slot.number != number {
            *slot = Slot { number, ..Slot::default() };
        }
        match sign {
            Sign::Answered { ms } => {
                self.row = 0;
                slot.answered = slot.answered.saturating_add(1);
                slot.answered_ms = slot.answered_ms.saturating_add(ms);
            }
            Sign::Fault => {
                self.row = self.row.saturating_add(1);
                slot.faults = slot.faults.saturating_add(1);
            }
        }
    }

    /// Answered, faults, milliseconds of the answered.
    fn counted(&self, now: Millis, guard: &Guard) -> (u32, u32, i64) {
        let number = now.0.div_euclid(slot_ms(guard));
        let oldest = number.saturating_sub(i64::try_from(SLOTS).unwrap_or_default());
        let fresh = self.slots.iter().filter(|slot| slot.number > oldest && slot.number <= number);
        fresh.fold((0, 0, 0), |(answered, faults, ms), slot| {
            (slot.answered.saturating_add(answered), slot.faults.saturating_add(faults), slot.answered_ms.saturating_add(ms))
        })
    }

    fn judge(&mut self, sign: Sign, now: Millis, guard: &Guard) {
        match (&mut self.breaker, sign) {
            (Breaker::Closed, Sign::Answered { .. }) => {}
            (Breaker::Closed, Sign::Fault) => {
                let (answered, faults, _) = self.counted(now, guard);
                let all = u64::from(answered).saturating_add(u64::from(faults));
                let share_ppm = u64::from(faults).saturating_mul(1_000_000).checked_div(all).unwrap_or_default();
                let enough = share_ppm >= u64::from(guard.fault_share_ppm) || self.row >= guard.faults_min;
                if faults >= guard.faults_min && enough {
                    self.open(now, guard.open_ms);
                }
            }
            (Breaker::Open { probe_at, good, questions, .. }, Sign::Answered { .. }) => {
                *good = good.saturating_add(1);
                (*probe_at, *questions) = (None, Questions::Answered);
                if *good >= GOOD_TO_CLOSE {
                    *self = Health::default();
                }
            }
            // What was under way when it opened says nothing new.
            (Breaker::Open { until, for_ms, .. }, Sign::Fault) => {
                if is_over(*until, *for_ms, now) {
                    let longer_ms = for_ms.saturating_mul(2).min(guard.open_max_ms);
                    self.open(now, longer_ms);
                }
            }
        }
    }

    fn open(&mut self, now: Millis, for_ms: i64) {
        let questions = match self.breaker {
            Breaker::Closed => Questions::Unasked,
            Breaker::Open { questions, .. } => questions,
        };
        self.breaker = Breaker::Open { until: now.plus_ms(for_ms), for_ms, probe_at: None, good: 0, questions };
        self.waiting = 0;
    }
}

/// Whether something that lasts `for_ms` and ends at `until` is over. So is what would begin in the future: the clock was put back, and an
/// account must not wait for the old time to come again.
fn is_over(until: Millis, for_ms: i64, now: Millis) -> bool {
    now >= until || now.since_ms(until) < for_ms.max(1).saturating_neg()
}

fn slot_ms(guard: &Guard) -> i64 {
    guard.window_ms.checked_div(i64::try_from(SLOTS).unwrap_or(1)).unwrap_or(1).max(1)
}
