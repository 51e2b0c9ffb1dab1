//! Accounts that nothing goes to, or less than one would think.

use super::{Seen, can_match};
use crate::config::{Account, State};
use crate::domain::route::Rule;
use sluice_contract::Problem;

pub(super) fn notes(seen: Seen<'_>) -> Vec<Problem> {
    let of_one = |(place, account): (usize, &Account)| {
        let found = [("state", is_off(account)), ("id", is_bound_to_nobody(seen, account)), ("id", is_in_no_rule(seen, account))];
        let told = move |(key, note): (&str, Option<String>)| Some(Problem::new(format!("account[{place}].{key}"), note?));
        found.into_iter().filter_map(told).collect::<Vec<_>>()
    };
    seen.accounts.iter().enumerate().flat_map(of_one).collect()
}

fn is_off(account: &Account) -> Option<String> {
    let Account { id, state, .. } = account;
    (*state != State::Enabled).then(|| format!("{id} is {}: no new order goes there unless an operator switches it on", state.word()))
}

/// Sandbox accounts are open to all. Where no merchant is bound to anything here, merchants are managed elsewhere.
fn is_bound_to_nobody(seen: Seen<'_>, account: &Account) -> Option<String> {
    let mut bound = seen.merchants.iter().flat_map(|merchant| &merchant.bindings).peekable();
    let nobody = !account.sandbox && bound.peek().is_some() && bound.all(|binding| binding.account != account.id);
    nobody.then(|| format!("{} is bound to no merchant of merchants.toml: no order goes there unless an operator binds one", account.id))
}

/// Behind the rules that share a method with it, and so a fallback. Where no rule could ever match instead of it, it is none.
fn is_in_no_rule(seen: Seen<'_>, account: &Account) -> Option<String> {
    let names = |rule: &Rule| rule.accounts.is_empty() || rule.accounts.iter().any(|listed| listed.id == account.id);
    let off = account.state != State::Enabled;
    if off || seen.routing.rules.iter().any(names) {
        return None;
    }
    let instead = |rule: &&Rule| {
        let weighty = seen.listed(rule).into_iter().filter(|(_, weight)| *weight > 0);
        weighty.into_iter().any(|(listed, _)| account.methods.iter().any(|m| listed.methods.contains(m) && can_match(rule, listed, *m)))
    };
    let rule = &seen.routing.rules.iter().find(instead)?.name;
    let id = &account.id;
    Some(format!(
        "{id} is in no rule: where {rule} matches it comes after all of its accounts, but for merchants that prefer, own or name it"
    ))
}
