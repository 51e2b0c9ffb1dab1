//! The decision, as it is made and as it is kept with the attempt.

use super::rule::Strategy;
use super::turns::Turn;
use crate::domain::Name;
use crate::domain::limit::PassedOver;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Why an account was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    NotPinned,
    NotBound,
    AccountOff,
    AccountDraining,
    NoSuchMethod,
    WrongAppId,
    AmountOutOfRange,
    Maintenance,
    /// Outside its open hours.
    Closed,
    /// This order has been there.
    Tried,
    /// Its channel has not answered lately.
    Unhealthy,
    /// An operator, or the rule that ranks, gives it no share.
    WeightZero,
    /// No rule that matches names it.
    NotInRule,
    /// The channel itself would refuse the order there.
    NotAdmitted,
    LimitExceeded,
}

/// What a strategy saw in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// Its place in the list.
    Place(usize),
    /// What it has to its credit after this order, of the sum of all weights.
    Credit(i64),
    FeeFen(i64),
    /// The account has no tariff: it comes last.
    NoFee,
    Success {
        chance_ppm: u32,
        seen: u32,
    },
    /// Millionths of a fen, in whole fen.
    Value {
        expected_fen: i64,
        chance_ppm: u32,
        fee_fen: i64,
    },
    /// The smaller, the nearer.
    Distance(u64),
}

/// One line of the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Considered {
    pub account: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<Dropped>,
    /// The limit that passed it over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// Its place in the order of trying, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
}

/// Accounts that one rule ranked. An order that goes on to another account stays within its tier; what limits leave no room for falls
/// through to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tier {
    /// `None`: no rule matched; the order of the file.
    pub rule: Option<String>,
    pub strategy: Option<Strategy>,
    /// Places in `considered`, best first.
    pub places: Vec<usize>,
    /// How many of them the merchant itself put in front.
    pub preferred: usize,
    /// The first was chosen to learn about it.
    pub explored: bool,
    /// The turn that an order of this tier takes.
    pub turn: Option<Turn>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// In file order.
    pub considered: Vec<Considered>,
    /// In the order of falling through.
    pub tiers: Vec<Tier>,
    /// Rules whose predicate had no answer for this order, with why: no match.
    pub not_evaluated: Vec<(String, String)>,
    /// Only unhealthy accounts were left, and one of them is tried all the same.
    pub last_resort: bool,
    /// The merchant chose the account itself.
    pub pinned: bool,
}

impl Considered {
    #[must_use]
    pub fn of(account: &Name) -> Considered {
        Considered { account: account.clone(), dropped: None, limit: None, place: None, score: None }
    }
}

impl Decision {
    /// The accounts in the order of trying, each with its tier.
    pub fn ranked(&self) -> impl Iterator<Item = (usize, &Considered)> {
        let places = self.tiers.iter().enumerate().flat_map(|(tier, of)| of.places.iter().map(move |place| (tier, *place)));
        places.filter_map(|(tier, place)| Some((tier, self.considered.get(place)?)))
    }

    /// The accounts in the order of trying.
    #[must_use]
    pub fn chain(&self) -> Vec<Name> {
        self.ranked().map(|(_, line)| line.account.clone()).collect()
    }

    /// Limits left no room for these when the order was to be stored.
    pub fn pass_over(&mut self, passed: &[PassedOver]) {
        for passed in passed {
            if let Some(line) = self.line_mut(&passed.account) {
                (line.dropped, line.limit) = (Some(Dropped::LimitExceeded), Some(passed.limit.clone()));
            }
        }
    }

    pub fn line_mut(&mut self, account: &str) -> Option<&mut Considered> {
        self.considered.iter_mut().find(|line| line.account == account)
    }

    /// As it is kept: what was chosen, by which rule, who else was there and why not. Accounts that the merchant may not use at all are
    /// counted, not listed: a platform has many.
    #[must_use]
    pub fn record(&self, chosen: &str, passed: &[PassedOver]) -> Value {
        let tier = self.ranked().find(|(_, line)| line.account == chosen).and_then(|(tier, _)| self.tiers.get(tier));
        let lines = self.considered.iter().filter(|line| line.dropped != Some(Dropped::NotBound)).map(|line| told(line, passed));
        let mut record = json!({
            "chosen": chosen, "rule": tier.and_then(|t| t.rule.as_deref()), "strategy": tier.and_then(|t| t.strategy),
            "considered": lines.collect::<Vec<_>>(),
        });
        let Some(fields) = record.as_object_mut() else { return record };
        let unbound = self.considered.iter().filter(|line| line.dropped == Some(Dropped::NotBound)).count();
        let mut put = |name: &str, is: bool, value: Value| {
            if is {
                fields.insert(name.to_owned(), value);
            }
        };
        put("not_bound", unbound > 0, json!(unbound));
        put("explored", tier.is_some_and(|t| t.explored), json!(true));
        put("pinned", self.pinned, json!(true));
        put("last_resort", self.last_resort, json!(true));
        let preferred = tier.map_or(0, |t| t.places.iter().take(t.preferred).filter(|place| self.is(**place, chosen)).count());
        put("preferred", preferred > 0, json!(true));
        let failed = |(rule, why): &(String, String)| json!({"rule": rule, "why": why});
        put("not_evaluated", !self.not_evaluated.is_empty(), self.not_evaluated.iter().map(failed).collect());
        record
    }

    fn is(&self, place: usize, account: &str) -> bool {
        self.considered.get(place).is_some_and(|line| line.account == account)
    }
}

/// A line with what the limits said when the order was stored.
fn told(line: &Considered, passed: &[PassedOver]) -> Value {
    match passed.iter().find(|p| p.account == line.account) {
        Some(p) => json!(Considered { dropped: Some(Dropped::LimitExceeded), limit: Some(p.limit.clone()), ..line.clone() }),
        None => json!(line),
    }
}
