//! The router (CONTRACT section 8): who may serve an order, who should, and why. Pure: what the router remembers ([`Memory`]) is handed
//! in, and so is the order's random number, so that the same facts give the same decision.
//!
//! [`filter`] drops the accounts that cannot take the order; [`rank`] puts what is left in order, by the merchant's own preference and
//! the first rule that matches; a rule whose accounts are all dropped falls through to the next. The [`Decision`] is kept with the
//! attempt. Reading order: [`account`], [`filter`], [`rule`], [`rank`] with its strategies ([`turns`], [`sticky`], [`success`]),
//! [`health`], [`decision`].

pub mod account;
pub mod decision;
pub mod filter;
pub mod health;
pub mod memory;
pub mod places;
pub mod rank;
pub mod rule;
pub mod sticky;
pub mod success;
pub mod told;
pub mod turns;

#[cfg(test)]
mod tests;

pub use account::{AccountView, DaySpan, Opening, Pause};
pub use decision::{Considered, Decision, Dropped, Score, Tier};
pub use filter::Need;
pub use memory::Memory;
pub use places::Places;
pub use rule::{Routing, Rule, RuleAccount, Strategy};

use super::when::Facts;

/// What the router is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub need: Need<'a>,
    /// The order for the rules' predicates, without a candidate.
    pub facts: Facts<'a>,
    /// The merchant's own order of preference; `None`: the accounts it owns.
    pub prefer: Option<&'a [String]>,
    /// Accounts this order has tried already.
    pub tried: &'a [String],
    /// Only this rule, for an order that goes on: `Some(None)` is the order of the file. `None`: as the rules say.
    pub within: Option<Option<&'a str>>,
    /// The order's random number.
    pub draw: u64,
}

/// Decides. Nothing is remembered yet: [`Memory::begin`] does that for the decision that is acted on.
#[must_use]
pub fn decide(question: &Question<'_>, accounts: &[AccountView<'_>], routing: &Routing, memory: &Memory) -> Decision {
    let now = question.facts.now;
    let places = Places::of(accounts);
    let mut considered = filter::consider(&question.need, &places, accounts);
    for line in considered.iter_mut().filter(|line| line.dropped.is_none()) {
        if question.tried.iter().any(|tried| line.account == *tried) {
            line.dropped = Some(Dropped::Tried);
        }
    }
    let last_resort = filter::drop_unhealthy(&mut considered, &memory.health, &routing.guard, now);
    let mut decision = Decision { considered, last_resort, pinned: question.need.pinned.is_some(), ..Decision::default() };
    rank::rank(question, &places, accounts, routing, memory, &mut decision);
    decision
}
