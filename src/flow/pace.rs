//! When to do what next: the profiles' schedules, made faster for tests by one divisor. Expiries and limit windows are never divided.

use crate::domain::life::{Attempt, Refund};
use sluice_contract::{MethodProfile, Millis, NotFoundFrom, RefundRule, ReverseRule};

/// How long an exchange may last at most: the longest time-out of the packs (30 s) and some. Never divided: a socket does not hurry.
const EXCHANGE_MAX_MS: i64 = 35_000;
const DAY_S: i64 = 86_400;

/// Divides every waiting schedule.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    fast: i64,
}

impl Pace {
    #[must_use]
    pub fn new(fast: u32) -> Pace {
        Pace { fast: i64::from(fast.max(1)) }
    }

    /// Seconds of a schedule in milliseconds, at least one.
    #[must_use]
    pub fn ms(self, seconds: i64) -> i64 {
        seconds.saturating_mul(1000).checked_div(self.fast).unwrap_or(1).max(1)
    }

    /// Until when whoever began something is left alone with it.
    #[must_use]
    pub fn lease_until(self, now: Millis) -> Millis {
        now.plus_ms(self.ms(40))
    }

    /// When to query an attempt next: the profile's times counted from the pay call, then its steady rhythm; and when its own code dies.
    #[must_use]
    pub fn next_query(self, profile: &MethodProfile, attempt: &Attempt, now: Millis) -> Millis {
        let soonest = now.plus_ms(self.ms(1));
        let planned = profile.query_at_s.iter().map(|at_s| attempt.at.plus_ms(self.ms(*at_s))).find(|at| *at > soonest);
        let next = planned.unwrap_or_else(|| now.plus_ms(self.ms(profile.query_then_every_s)));
        let dies_at = attempt.notes.choice.as_ref().map(|choice| choice.expires_at);
        dies_at.filter(|at| *at > now).map_or(next, |at| next.min(at))
    }

    /// The first query of a new attempt, if nothing is heard of the call itself.
    #[must_use]
    pub fn first_query(self, profile: &MethodProfile, at: Millis) -> Millis {
        at.plus_ms(self.ms(profile.query_at_s.first().copied().unwrap_or(5)))
    }

    #[must_use]
    pub fn next_refund_query(self, rule: &RefundRule, refund: &Refund, now: Millis) -> Millis {
        let sent = refund.sent_at.unwrap_or(now);
        let soonest = now.plus_ms(self.ms(1));
        let planned = rule.query_at_s.iter().map(|at_s| sent.plus_ms(self.ms(*at_s))).find(|at| *at > soonest);
        planned.unwrap_or_else(|| now.plus_ms(self.ms(rule.query_then_every_s)))
    }

    /// Whether "the channel does not know the number" is a definite no by now.
    #[must_use]
    pub fn not_found_is_final(self, profile: &MethodProfile, attempt: &Attempt, expires_at: Millis, asked_at: Millis) -> bool {
        asked_at > self.not_found_final_at(profile, attempt, expires_at)
    }

    /// After this it is one.
    #[must_use]
    pub fn not_found_final_at(self, profile: &MethodProfile, attempt: &Attempt, expires_at: Millis) -> Millis {
        let exists_by = match profile.not_found_from {
            NotFoundFrom::Call => executed_by(attempt),
            NotFoundFrom::Payer => executed_by(attempt).max(expires_at),
        };
        exists_by.plus_ms(self.ms(profile.not_found_final_after_s))
    }

    /// Until when somebody may still pay under this number where the channel confirms no close. Its own clock ends the code, somewhat
    /// after ours, and whoever began before that is done by then.
    #[must_use]
    pub fn payable_until(self, profile: &MethodProfile, attempt: &Attempt, expires_at: Millis) -> Millis {
        executed_by(attempt).max(expires_at).plus_ms(self.ms(profile.not_found_final_after_s))
    }

    /// When a reversal may be sent at the earliest.
    #[must_use]
    pub fn reverse_at(self, rule: Option<&ReverseRule>, attempt: &Attempt, now: Millis) -> Millis {
        rule.map_or(now, |rule| attempt.at.plus_ms(self.ms(rule.earliest_s)).max(now))
    }

    /// Whether an open barcode attempt is to be given up.
    #[must_use]
    pub fn is_overdue(self, rule: &ReverseRule, attempt: &Attempt, now: Millis) -> bool {
        now >= attempt.at.plus_ms(self.ms(rule.give_up_after_s))
    }

    /// Whether the channel no longer reverses. Its window is its own: never divided.
    #[must_use]
    pub fn reversal_is_too_late(self, rule: &ReverseRule, attempt: &Attempt, now: Millis) -> bool {
        let day_over = |end_s: i64| {
            let (at, end) = (attempt.at.second(), attempt.at.second().day().start().plus(end_s));
            // What happens after the day has ended belongs to the next one.
            now >= if at < end { end } else { end.plus(DAY_S) }.millis()
        };
        now >= attempt.at.plus_s(rule.window_s) || rule.day_ends_at_s.is_some_and(day_over)
    }

    /// Whether an action's code has died before its order.
    #[must_use]
    pub fn action_dies_at(profile: &MethodProfile, now: Millis, expires_at: Millis) -> Millis {
        profile.code_life_s.map_or(expires_at, |life_s| now.plus_s(life_s).min(expires_at))
    }
}

/// Nothing of the pay call is under way after this.
fn executed_by(attempt: &Attempt) -> Millis {
    attempt.notes.call_ended_at.unwrap_or_else(|| attempt.at.plus_ms(EXCHANGE_MAX_MS))
}

/// The merchant notification schedule (CONTRACT section 6), in seconds after the previous try.
pub const NOTIFY_AFTER_S: &[i64] = &[5, 15, 30, 180, 600, 1800, 3600, 7200, 21_600, 54_000, 86_400];

impl Pace {
    /// When to try a notification again after its `tries`-th try; `None`: parked. `roll` is random: ±20 % jitter.
    #[must_use]
    pub fn next_delivery(self, tries: u32, now: Millis, roll: u16) -> Option<Millis> {
        let index = usize::try_from(tries.saturating_sub(1)).ok()?;
        let plain_ms = self.ms(*NOTIFY_AFTER_S.get(index)?);
        let permille = 800_i64.saturating_add(i64::from(roll) % 401);
        Some(now.plus_ms(plain_ms.saturating_mul(permille).checked_div(1000).unwrap_or(plain_ms)))
    }
}
