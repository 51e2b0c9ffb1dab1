//! The rules of `routing.toml`, as they are obeyed.

use super::health::Guard;
use super::success::Taste;
use crate::domain::Name;
use crate::domain::when::When;
use serde::{Deserialize, Serialize};

/// How a rule's accounts are put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// As listed.
    Priority,
    /// Exact shares by weight (smooth weighted 轮询).
    RoundRobin,
    /// The smallest fee for this amount.
    LeastCost,
    /// The best recent chance of success, with a share of orders that look for a better one.
    SuccessRate,
    /// The largest chance × (amount − fee).
    BestValue,
    /// The same payer, else the same merchant, at the same account.
    Sticky,
}

impl Strategy {
    pub const ALL: [(&'static str, Strategy); 6] = [
        ("priority", Strategy::Priority),
        ("round_robin", Strategy::RoundRobin),
        ("least_cost", Strategy::LeastCost),
        ("success_rate", Strategy::SuccessRate),
        ("best_value", Strategy::BestValue),
        ("sticky", Strategy::Sticky),
    ];
}

/// `[[rule]]`.
#[derive(Clone, Debug)]
pub struct Rule {
    pub name: String,
    pub when: When,
    pub strategy: Strategy,
    /// Empty: every account.
    pub accounts: Vec<RuleAccount>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleAccount {
    pub id: Name,
    /// Its share under `round_robin` and `sticky`. Nought: the rule does not use it now.
    pub weight: u32,
}

impl RuleAccount {
    pub const WEIGHT: u32 = 1;
    pub const WEIGHT_MAX: u32 = 1_000;
}

/// The whole of `routing.toml` that the router obeys.
#[derive(Clone, Debug, Default)]
pub struct Routing {
    /// In file order: the first that matches ranks.
    pub rules: Vec<Rule>,
    pub guard: Guard,
    pub taste: Taste,
}
