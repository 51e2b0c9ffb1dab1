//! The limits of the world: one rule of every kind, all of them with every order, and what must be true of their counters (I4, E2).

use super::core::Core;
use crate::harness::postgres::on_postgres;
use sluice::domain::AttemptStatus;
use sluice::domain::limit::{Limit, Limits, Measure, Mode, Per, Window};
use sluice::store::{Answer, Query};
use sluice_simkit::{Entry, RefundState, State};
use std::sync::Arc;

const HOUR_MS: i64 = 3_600_000;

pub fn rules() -> Limits {
    let much = 1_000_000_000;
    let amount = Measure::Amount;
    Limits(
        [
            Limit::new("all-lifetime", &[], amount, Window::Lifetime, much),
            Limit::new("account-day", &[Per::Account], amount, Window::Day(0), much),
            Limit::new("account-month-orders", &[Per::Account, Per::Merchant], Measure::Count, Window::Month(0), 1_000_000),
            Limit { open_share_ppm: Some(500_000), ..Limit::new("rolling", &[Per::Merchant], amount, Window::Rolling(HOUR_MS), much) },
            Limit { mode: Mode::Post, ..Limit::new("post-day", &[Per::Channel], amount, Window::Day(0), 300_000) },
            Limit { mode: Mode::Post, ..Limit::new("post-rolling", &[Per::Channel], amount, Window::Rolling(HOUR_MS), much) },
            Limit { at_paid: true, ..Limit::new("paid-day", &[Per::Method], amount, Window::Day(0), much) },
            Limit { keeps: true, ..Limit::new("kept", &[Per::Merchant], amount, Window::Lifetime, much) },
            Limit::new("absent", &[Per::Store], amount, Window::Day(0), much),
            // Tight: the second account, or a refusal, is what is left.
            Limit::new("tight", &[Per::Account], Measure::Count, Window::Rolling(HOUR_MS), 4),
        ]
        .map(Arc::new)
        .to_vec(),
    )
}

/// At every commit, on a server at some of them: the counters are the sums of their entries. The engine's own checks keep them below
/// their max.
pub fn at_commit(core: &mut Core) {
    const ON_A_SERVER: u64 = 8;
    if on_postgres() && !core.watch.commits.is_multiple_of(ON_A_SERVER) {
        return;
    }
    recounted(core);
}

fn recounted(core: &mut Core) {
    match core.engine.answer(&Query::Drift) {
        Ok(Answer::Drift { drifted, .. }) if drifted.is_empty() => {}
        other => core.complain(format!("I4: counters are not the sums of their entries: {other:?}")),
    }
}

/// At rest: what the limits say is what the channels' ledgers say, and nothing is reserved that nobody can pay any more.
pub fn at_rest(core: &mut Core) {
    recounted(core);
    // A limit gets its room back when a refund has succeeded.
    let kept = |e: &Entry| {
        let captured = if e.charges > 0 && e.status != State::Reversed { e.total.0 } else { 0 };
        captured - e.refunds.iter().filter(|r| r.status == RefundState::Succeeded).map(|r| r.amount.0).sum::<i64>()
    };
    let entries: Vec<i64> = core.booths.iter().flat_map(|b| b.sim.ledger().entries()).map(kept).collect();
    let ledger: i64 = entries.iter().sum();
    let lives: Vec<_> = core.watch.orders.iter().filter_map(|id| core.engine.life(id).ok().flatten()).collect();
    let attempts = || lives.iter().flat_map(|life| &life.attempts);
    let held = attempts().filter(|a| a.status().is_open() || a.status() == AttemptStatus::Abandoned);
    let held: Vec<i64> = held.map(|a| a.amount.0).collect();
    let paid = entries.iter().filter(|kept| **kept > 0).count();
    let expected = [
        ("all-lifetime", ledger, held.iter().sum::<i64>()),
        ("account-day", ledger, held.iter().sum()),
        ("paid-day", ledger, held.iter().sum()),
        ("post-day", ledger, 0),
        ("account-month-orders", i64::try_from(paid).unwrap_or(-1), i64::try_from(held.len()).unwrap_or(-1)),
    ];
    for (name, confirmed, reserved) in expected {
        let query = Query::LimitUse { limit: name.into(), from: i64::MIN, edge: None, top: 10_000 };
        let Ok(Answer::LimitUse(rows)) = core.engine.answer(&query) else {
            core.complain(format!("the use of {name} cannot be read"));
            continue;
        };
        let sum = |of: fn(&sluice::domain::limit::Counter) -> i64| rows.iter().map(|(_, c)| of(c)).sum::<i64>();
        let (is_confirmed, is_reserved) = (sum(|c| c.confirmed), sum(|c| c.reserved));
        if is_confirmed != confirmed || (is_reserved != reserved && name != "paid-day") {
            core.complain(format!(
                "E2: {name} has {is_confirmed} confirmed and {is_reserved} reserved; the ledgers say {confirmed}, the orders {reserved}"
            ));
        }
    }
}
