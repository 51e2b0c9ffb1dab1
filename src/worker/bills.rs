//! The daily schedule of reconciliation: yesterday of each account, once its channel's bill should be there; again later until it is, and
//! for two days more what was missed. Which runs are done stands in the store, so that a restart or another node repeats none.
//! Sandbox accounts are compared when somebody asks, and daily where `channels.toml` says `reconcile_daily = true`.

use super::rest;
use crate::domain::recon::RunState;
use crate::flow::reconcile::NotReconciled;
use crate::flow::{Account, Gateway};
use crate::store::{Answer, Query};
use sluice_contract::{Day, Millis};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// How often is looked what is due.
const LOOK_S: i64 = 60;
/// After a run that came to nothing; the packs ask for no less.
const AGAIN_S: i64 = 1_800;
/// A bill that is not there so long after its time is an alarm.
const LATE_S: i64 = 6 * 3_600;
/// Days that are made up for.
const BACK_DAYS: i64 = 3;

pub(super) async fn reconcile(gateway: Arc<Gateway>, stop: CancellationToken) {
    while rest(&gateway, &stop, gateway.pace.ms(LOOK_S)).await {
        for account in &gateway.directory.load_full().accounts {
            if let Some(day) = due(&gateway, account).await {
                run(&gateway, account, day).await;
            }
            if stop.is_cancelled() {
                return;
            }
        }
        show(&gateway).await;
    }
}

/// Tells the gauges how each account that has bills stands.
async fn show(gateway: &Gateway) {
    let Ok(Answer::BillStandings(standings)) = gateway.store.read(Query::BillStandings).await else { return };
    let now = gateway.now().second();
    for account in &gateway.directory.load_full().accounts {
        if account.channel.profile().statement.is_none() {
            continue;
        }
        let standing = standings.iter().find(|standing| standing.account == account.id);
        let (open, last) = (standing.map_or(0, |standing| standing.open), standing.map(|standing| standing.last_day));
        let begun_s = last.map_or(0, |day| day.start().0);
        let ended_s = last.map_or(0, |day| day.plus(1).start().0);
        gateway.metrics.bills(&account.id, open, begun_s, now.0.saturating_sub(ended_s).max(0));
    }
}

/// The oldest day of an account whose bill should be there and was not compared.
async fn due(gateway: &Gateway, account: &Account) -> Option<Day> {
    let rule = account.channel.profile().statement.filter(|_| account.reconcile_daily)?;
    let now = gateway.now();
    for back in (1..=BACK_DAYS).rev() {
        let day = now.second().day().plus(back.saturating_neg());
        let ready_at = day.plus(1).start().plus(rule.ready_at_s).millis();
        let Ok(Answer::BillRuns(runs)) = gateway.store.read(Query::BillRun(account.id.to_string(), day)).await else { return None };
        let newest = runs.first().map(|run| (run.state, run.at));
        if now >= ready_at && is_due(newest, ready_at, now, gateway.pace.ms(AGAIN_S)) {
            return Some(day);
        }
    }
    None
}

/// A run from before the bill was complete counts as none.
fn is_due(newest: Option<(RunState, Millis)>, ready_at: Millis, now: Millis, again_ms: i64) -> bool {
    match newest {
        None => true,
        Some((RunState::Done, at)) => at < ready_at,
        Some((_, at)) => now >= at.plus_ms(again_ms),
    }
}

async fn run(gateway: &Gateway, account: &Account, day: Day) {
    match gateway.reconcile(account, day).await {
        Ok(done) if done.open.is_empty() => {
            tracing::info!(account = %account.id, %day, rows = done.run.rows, repaired = done.repaired.len(), "the bill and the books agree");
        }
        Ok(done) => {
            tracing::error!(account = %account.id, %day, open = done.open.len(), "ALARM: the bill and the books do not agree");
        }
        Err(NotReconciled::NotYet { ready_at }) if gateway.now().second() >= ready_at.plus(LATE_S) => {
            tracing::error!(account = %account.id, %day, ready_at = ready_at.plain(), "ALARM: the bill is long due and not there");
        }
        Err(NotReconciled::NotYet { .. }) => {
            tracing::info!(account = %account.id, %day, "the bill is not there yet; it is asked for again")
        }
        Err(NotReconciled::NoBill) => {}
        Err(NotReconciled::Refused(why)) => tracing::error!(account = %account.id, %day, why, "ALARM: a bill could not be used"),
        Err(NotReconciled::Store(refused)) => {
            tracing::warn!(account = %account.id, %day, why = refused.inner.unwrap_or(refused.detail), "a bill could not be compared");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_due;
    use crate::domain::recon::RunState::{Done, NotYet, Refused};
    use sluice_contract::Millis;

    #[test]
    fn a_day_is_due_once_its_bill_is_ready_and_again_until_it_was_compared() {
        let (ready, now) = (Millis(1_000_000), Millis(9_000_000));
        for (newest, due) in [
            (None, true),
            (Some((Done, Millis(2_000_000))), false),
            (Some((Done, Millis(999_999))), true),
            (Some((NotYet, now)), false),
            (Some((NotYet, Millis(7_200_000))), true),
            (Some((Refused, Millis(7_200_001))), false),
        ] {
            assert_eq!(is_due(newest, ready, now, 1_800_000), due, "{newest:?}");
        }
    }
}
