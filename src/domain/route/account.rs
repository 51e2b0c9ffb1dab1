//! What the router may know of an account.

use crate::domain::Name;
use crate::domain::fee::Tariff;
use crate::domain::merchant::AccountState;
use sluice_contract::{Fen, Method, Millis};

#[derive(Clone, Debug)]
pub struct AccountView<'a> {
    pub id: &'a Name,
    pub channel: &'a str,
    pub state: AccountState,
    /// Sandbox accounts are open to all merchants.
    pub sandbox: bool,
    /// The merchant of a direct account.
    pub owner: Option<&'a str>,
    pub methods: &'a [Method],
    /// Empty: any.
    pub app_ids: &'a [String],
    pub amount_min: Fen,
    pub amount_max: Fen,
    pub opening: &'a Opening,
    pub fee: Option<&'a Tariff>,
    /// An operator's weight: it stands before those of the rules.
    pub weight: Option<u32>,
}

/// When an account takes orders. Times of day are Beijing's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Empty: always.
    pub hours: Vec<DaySpan>,
    pub maintenance: Vec<Pause>,
}

/// From a minute of the day up to another, past midnight when the second is the smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaySpan {
    pub from_min: i64,
    /// Exclusive; up to 1440, which is midnight.
    pub to_min: i64,
}

/// When an account is being worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    Daily(DaySpan),
    Once { from: Millis, to: Millis },
}

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 1_440 * MINUTE_MS;
const BEIJING_MS: i64 = 480 * MINUTE_MS;

impl DaySpan {
    #[must_use]
    pub fn holds(self, at: Millis) -> bool {
        let of_day_ms = at.0.saturating_add(BEIJING_MS).rem_euclid(DAY_MS);
        let (from_ms, to_ms) = (self.from_min.saturating_mul(MINUTE_MS), self.to_min.saturating_mul(MINUTE_MS));
        if from_ms <= to_ms { (from_ms..to_ms).contains(&of_day_ms) } else { of_day_ms >= from_ms || of_day_ms < to_ms }
    }
}

impl Opening {
    #[must_use]
    pub fn is_open(&self, at: Millis) -> bool {
        self.hours.is_empty() || self.hours.iter().any(|span| span.holds(at))
    }

    #[must_use]
    pub fn is_paused(&self, at: Millis) -> bool {
        self.maintenance.iter().any(|pause| match pause {
            Pause::Daily(span) => span.holds(at),
            Pause::Once { from, to } => (*from..*to).contains(&at),
        })
    }
}
