//! A rule of `limits.toml`, and what an operator has changed of it since (CONTRACT section 9).

use super::window::Window;
use crate::domain::when::When;
use serde::{Deserialize, Serialize};

/// What a rule counts apart: one counter for each combination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Per {
    Account,
    Channel,
    Merchant,
    Store,
    Method,
    Payer,
    Customer,
    AuthMeans,
}

impl Per {
    pub const ALL: &'static [(&'static str, Per)] = &[
        ("account", Per::Account),
        ("channel", Per::Channel),
        ("merchant", Per::Merchant),
        ("store", Per::Store),
        ("method", Per::Method),
        ("payer", Per::Payer),
        ("customer", Per::Customer),
        ("auth_means", Per::AuthMeans),
    ];

    /// The field of the order that is missing when this subject is absent.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Per::Account => "account",
            Per::Channel => "channel",
            Per::Merchant => "merchant",
            Per::Store => "store",
            Per::Method => "method",
            Per::Payer => "payer.openid",
            Per::Customer => "payer.customer_id",
            Per::AuthMeans => "auth_means",
        }
    }
}

/// Fen, or orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    #[default]
    Amount,
    Count,
}

/// 先占后退: the room is taken when the order is stored and given back when it is not paid. 成功后累计: counted when paid, so that what is in
/// flight may overshoot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Reserve,
    Post,
}

#[derive(Clone, Debug)]
pub struct Limit {
    pub name: String,
    pub when: When,
    pub per: Vec<Per>,
    pub measure: Measure,
    pub window: Window,
    /// Fen or orders; an operator's word where there is one. A rule that counts always has one.
    pub max: Option<i64>,
    /// Of one transaction, fen.
    pub min: Option<i64>,
    pub mode: Mode,
    /// Counted in the window in which it was paid, not in that of the attempt.
    pub at_paid: bool,
    /// Refunds a merchant asked for give no room back.
    pub keeps: bool,
    /// An order without the subject is refused, not passed unchecked.
    pub deny_missing: bool,
    /// Where `when` cannot be evaluated: counted unchecked, not refused.
    pub allow_errors: bool,
    /// Millionths of `max` that one merchant's unpaid reservations may hold.
    pub open_share_ppm: Option<i64>,
    /// Millionths of `max` from which on operators are warned.
    pub warn_share_ppm: i64,
    /// Off by an operator's word: nothing is checked and nothing new is counted.
    pub suspended: bool,
}

pub const PPM: i64 = 1_000_000;
/// Operators are warned from nine tenths on, if a rule does not say otherwise.
pub const WARN_SHARE_PPM: i64 = 900_000;

impl Limit {
    /// A rule that matches every order, everything else as `limits.toml` has it by default.
    #[must_use]
    pub fn new(name: &str, per: &[Per], measure: Measure, window: Window, max: i64) -> Limit {
        Limit {
            name: name.to_owned(),
            when: When::always(),
            per: per.to_vec(),
            measure,
            window,
            max: Some(max),
            min: None,
            mode: Mode::Reserve,
            at_paid: false,
            keeps: false,
            deny_missing: false,
            allow_errors: false,
            open_share_ppm: None,
            warn_share_ppm: WARN_SHARE_PPM,
            suspended: false,
        }
    }

    /// So many millionths of the max, rounded down.
    #[must_use]
    pub fn share_of_max(&self, ppm: i64) -> i64 {
        let product = i128::from(self.max.unwrap_or(0)).saturating_mul(i128::from(ppm));
        i64::try_from(product.div_euclid(i128::from(PPM))).unwrap_or(i64::MAX)
    }

    /// What may not change under a name, by key: another shape would mix two meanings in one counter.
    #[must_use]
    pub fn shape(&self) -> [(&'static str, String); 6] {
        let words = |per: &Per| Per::ALL.iter().find(|(_, p)| p == per).map_or("", |(word, _)| word);
        let per: Vec<&str> = self.per.iter().map(words).collect();
        [
            ("when", self.when.text().to_owned()),
            ("per", per.join(",")),
            ("measure", format!("{:?}", self.measure)),
            ("window", format!("{:?}", self.window)),
            ("mode", format!("{:?}", self.mode)),
            ("at", if self.at_paid { "paid" } else { "created" }.to_owned()),
        ]
    }
}
