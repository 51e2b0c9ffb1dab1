//! `[[rule]]`, `[health]` and `[success]` of `routing.toml`: how accounts are ranked (CONTRACT section 8). Every problem of every rule is
//! told.

use super::values::{DAY_MS, is_empty_list, length_within_ms, name, said, set, share_or_none_ppm, share_ppm, when, word};
use crate::domain::route::health::Guard;
use crate::domain::route::success::Taste;
use crate::domain::route::{Routing, Rule, RuleAccount, Strategy};
use sluice_contract::Reader;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// How many orders or answers a judgement may ask for.
const COUNT: RangeInclusive<i64> = 1..=10_000;
const LENGTH_MS: RangeInclusive<i64> = 1_000..=DAY_MS;
/// How long something may be remembered.
const MEMORY_MS: RangeInclusive<i64> = 1_000..=30 * DAY_MS;

/// `accounts`: the ids of `channels.toml`.
pub(super) fn read(root: &Reader<'_>, accounts: &BTreeSet<String>) -> Routing {
    let mut names = BTreeSet::new();
    let rules = root.tables("rule").iter().map(|table| rule(table, &mut names, accounts)).collect();
    Routing { rules, guard: guard(root), taste: taste(root) }
}

/// A rule; where something is wrong with it, one that is never used.
fn rule(table: &Reader<'_>, names: &mut BTreeSet<String>, known: &BTreeSet<String>) -> Rule {
    let rule = Rule { name: name(table, names), when: when(table), strategy: strategy(table), accounts: accounts(table, known) };
    table.finish();
    rule
}

fn strategy(table: &Reader<'_>) -> Strategy {
    if table.raw("strategy").is_none() {
        table.missing("strategy");
    }
    word(table, "strategy", &Strategy::ALL).unwrap_or(Strategy::Priority)
}

fn accounts(table: &Reader<'_>, known: &BTreeSet<String>) -> Vec<RuleAccount> {
    if is_empty_list(table, "accounts") {
        table.problem("accounts", "must not be empty: leave the key out to mean every account");
    }
    let mut list: Vec<RuleAccount> = Vec::new();
    for row in table.tables("accounts") {
        let id = row.need_text("id").to_owned();
        if !id.is_empty() && !known.contains(&id) {
            row.problem("id", format!("{id} is no account of channels.toml"));
        } else if list.iter().any(|earlier| earlier.id == id) {
            row.problem("id", format!("{id} stands in this rule twice"));
        }
        let mut account = RuleAccount { id: id.into(), weight: RuleAccount::WEIGHT };
        set(&mut account.weight, row.int("weight", 0..=i64::from(RuleAccount::WEIGHT_MAX)));
        row.finish();
        list.push(account);
    }
    list
}

/// `[health]`.
fn guard(root: &Reader<'_>) -> Guard {
    let mut guard = Guard::default();
    let Some(table) = root.table("health") else { return guard };
    guard.enabled = table.flag("enabled").unwrap_or(guard.enabled);
    set(&mut guard.faults_min, table.int("faults_min", COUNT));
    set(&mut guard.fault_share_ppm, share_ppm(&table, "fault_share"));
    set(&mut guard.window_ms, length_within_ms(&table, "window", LENGTH_MS));
    set(&mut guard.open_ms, length_within_ms(&table, "open", LENGTH_MS));
    set(&mut guard.open_max_ms, length_within_ms(&table, "open_max", LENGTH_MS));
    if guard.open_ms > guard.open_max_ms {
        let key = if table.raw("open").is_some() { "open" } else { "open_max" };
        table.problem(key, format!("makes open ({}) longer than open_max ({})", said(guard.open_ms), said(guard.open_max_ms)));
    }
    table.finish();
    guard
}

/// `[success]`: one line a key; what is not written stays as the domain has it.
fn taste(root: &Reader<'_>) -> Taste {
    let mut taste = Taste::default();
    let Some(table) = root.table("success") else { return taste };
    set(&mut taste.explore_ppm, share_or_none_ppm(&table, "explore"));
    set(&mut taste.explore_new_ppm, share_or_none_ppm(&table, "explore_new"));
    set(&mut taste.seen_min, table.int("seen_min", COUNT));
    set(&mut taste.memory_orders, table.int("memory_orders", COUNT));
    set(&mut taste.memory_half_s, length_s(&table, "memory_half"));
    set(&mut taste.ill_half_s, length_s(&table, "ill_half"));
    set(&mut taste.ill_ppm, share_ppm(&table, "ill"));
    set(&mut taste.ill_keeps_ppm, share_or_none_ppm(&table, "ill_keeps"));
    set(&mut taste.prior_ppm, share_ppm(&table, "prior"));
    table.finish();
    taste
}

fn length_s(table: &Reader<'_>, field: &str) -> Option<i64> {
    length_within_ms(table, field, MEMORY_MS).map(|ms| ms / 1_000)
}
