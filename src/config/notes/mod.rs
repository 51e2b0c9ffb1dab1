//! What is not wrong and yet hardly meant, for `sluice check`: rules that can never match, accounts that nothing goes to, strategies
//! without a choice. Every note is true whatever orders come; where operators may have said otherwise since, it says so.

mod accounts;
mod merchants;
mod rules;

use super::{Account, Merchant};
use crate::domain::route::{Routing, Rule, RuleAccount};
use crate::domain::when::Known;
use sluice_contract::{Method, Problem};

/// What the notes are about.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub accounts: &'a [Account],
    pub merchants: &'a [Merchant],
    pub routing: &'a Routing,
}

/// An account of a rule, with its weight there.
type Listed<'a> = (&'a Account, u32);

impl<'a> Seen<'a> {
    pub fn of_channels(self) -> Vec<Problem> {
        accounts::notes(self)
    }

    pub fn of_merchants(self) -> Vec<Problem> {
        merchants::notes(self)
    }

    pub fn of_routing(self) -> Vec<Problem> {
        rules::notes(self)
    }

    /// The accounts of a rule: those it lists, or all.
    fn listed(self, rule: &Rule) -> Vec<Listed<'a>> {
        if rule.accounts.is_empty() {
            return self.accounts.iter().map(|account| (account, RuleAccount::WEIGHT)).collect();
        }
        let find = |listed: &RuleAccount| Some((self.accounts.iter().find(|account| account.id == listed.id)?, listed.weight));
        rule.accounts.iter().filter_map(find).collect()
    }
}

/// Whether a rule can match an order of this method for this account.
fn can_match(rule: &Rule, account: &Account, method: Method) -> bool {
    rule.when.may(&known(account, method)).hold
}

/// Whether it matches every one of them.
fn must_match(rule: &Rule, account: &Account, method: Method) -> bool {
    rule.when.may(&known(account, method)).must_hold()
}

fn known(account: &Account, method: Method) -> Known<'_> {
    Known { method: method.word(), account: &account.id, channel: account.channel.profile().channel }
}
