//! What an account costs, what it takes and when: the keys of `[[account]]` that the router reads.

use super::opening;
use super::values::is_empty_list;
use crate::domain::fee::{Rounding, Tariff, Tier, share};
use crate::domain::route::Opening;
use rust_decimal::Decimal;
use sluice_contract::{Fen, Profile, Reader};
use std::ops::RangeInclusive;

const FEE_FEN: RangeInclusive<i64> = 0..=10_000_000_000;
/// More than any channel takes: what a channel does not take is told with its own bounds.
const AMOUNT_FEN: RangeInclusive<i64> = 1..=10_000_000_000_000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// `fee_rate`, `fee_min`, `fee_cap`, `fee_tiers`, `fee_rounding`.
    pub fee: Option<Tariff>,
    /// The app ids it serves; empty: whatever its channel admits.
    pub app_ids: Vec<String>,
    /// Narrower than the channel's own, in fen.
    pub amount_min: Option<Fen>,
    pub amount_max: Option<Fen>,
    pub opening: Opening,
}

pub(super) fn read(table: &Reader<'_>) -> Terms {
    Terms {
        fee: fee(table),
        app_ids: app_ids(table),
        amount_min: table.int("amount_min", AMOUNT_FEN).map(Fen),
        amount_max: table.int("amount_max", AMOUNT_FEN).map(Fen),
        opening: opening::read(table),
    }
}

/// The amounts together, and beside what the account's channel takes.
pub(super) fn check_amounts(table: &Reader<'_>, terms: &Terms, channel: &Profile) {
    let (least, most) = (channel.amount_min, channel.amount_max);
    for (field, amount) in [("amount_min", terms.amount_min), ("amount_max", terms.amount_max)] {
        if amount.is_some_and(|amount| amount < least || amount > most) {
            table.problem(field, format!("must be {} to {} fen: its channel takes nothing else", least.0, most.0));
        }
    }
    if terms.amount_min.zip(terms.amount_max).is_some_and(|(min, max)| min > max) {
        table.problem("amount_min", "is more than amount_max: no order could go there");
    }
}

fn fee(table: &Reader<'_>) -> Option<Tariff> {
    let known = rate(table, "fee_rate");
    let (min, cap) = (table.int("fee_min", FEE_FEN).map(Fen), table.int("fee_cap", FEE_FEN).map(Fen));
    let tiers = tiers(table);
    let rounding = rounding(table);
    for field in ["fee_min", "fee_cap", "fee_tiers", "fee_rounding"] {
        if table.raw("fee_rate").is_none() && table.raw(field).is_some() {
            table.problem(field, "needs fee_rate: write fee_rate = \"0\" if amounts cost nothing by themselves");
        }
    }
    if min.zip(cap).is_some_and(|(min, cap)| min > cap) {
        table.problem("fee_min", "is more than fee_cap");
    }
    Some(Tariff { rate: known?, min, cap, tiers, rounding })
}

fn rounding(table: &Reader<'_>) -> Rounding {
    let Some(word) = table.text("fee_rounding") else { return Rounding::default() };
    let known = Rounding::WORDS.iter().find(|(known, _)| *known == word).map(|(_, rounding)| *rounding);
    if known.is_none() {
        table.problem("fee_rounding", "must be half_up, half_even, down or up");
    }
    known.unwrap_or_default()
}

fn rate(table: &Reader<'_>, field: &str) -> Option<Decimal> {
    let rate = share(table.text(field)?);
    if rate.is_none() {
        table.problem(field, "must be a decimal in text from \"0\" to \"1\", such as \"0.006\" for 0.6 %");
    }
    rate
}

fn tiers(table: &Reader<'_>) -> Vec<Tier> {
    let mut list: Vec<Tier> = Vec::new();
    for row in table.tables("fee_tiers") {
        for field in ["from", "rate"] {
            if row.raw(field).is_none() {
                row.missing(field);
            }
        }
        let (from, rate) = (row.int("from", AMOUNT_FEN).map(Fen), rate(&row, "rate"));
        row.finish();
        if from.zip(list.last()).is_some_and(|(from, before)| from <= before.from) {
            row.problem("from", "must be more than that of the tier before: tiers rise");
        }
        list.extend(from.zip(rate).map(|(from, rate)| Tier { from, rate }));
    }
    list
}

fn app_ids(table: &Reader<'_>) -> Vec<String> {
    let list = table.texts("app_ids").unwrap_or_default();
    if is_empty_list(table, "app_ids") {
        table.problem("app_ids", "must not be empty: leave the key out to take every app id that the channel admits");
    }
    let mut ids: Vec<String> = Vec::new();
    for id in list {
        if !(1..=64).contains(&id.len()) || !id.bytes().all(|b| b.is_ascii_graphic()) {
            table.problem("app_ids", "must each have 1 to 64 characters without spaces");
        } else if ids.iter().any(|known| known == id) {
            table.problem("app_ids", format!("{id} stands there twice"));
        }
        ids.push(id.to_owned());
    }
    ids
}
