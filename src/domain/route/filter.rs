//! The filter: why an account cannot take an order. The first reason found is told; the cheap and lasting ones come first.

use super::account::AccountView;
use super::decision::{Considered, Dropped};
use super::health::{Guard, Healths};
use super::places::Places;
use crate::domain::merchant::{AccountState, Binding};
use sluice_contract::{Fen, Method, Millis};

/// What an account must be able to do.
#[derive(Clone, Copy, Debug)]
pub struct Need<'a> {
    pub method: Method,
    pub amount: Fen,
    pub app_id: Option<&'a str>,
    /// The account the merchant asked for.
    pub pinned: Option<&'a str>,
    /// The merchant's.
    pub bindings: &'a [Binding],
    pub now: Millis,
}

/// Every account with the reason it was dropped, or none. In file order.
#[must_use]
pub fn consider(need: &Need<'_>, places: &Places<'_>, accounts: &[AccountView<'_>]) -> Vec<Considered> {
    let mut bindings: Vec<Option<&Binding>> = vec![None; accounts.len()];
    for binding in need.bindings {
        if let Some(of_account) = places.find(&binding.account).and_then(|place| bindings.get_mut(place)) {
            *of_account = Some(binding);
        }
    }
    let line = |(account, binding): (&AccountView<'_>, Option<&Binding>)| Considered {
        dropped: reason(need, binding, account),
        ..Considered::of(account.id)
    };
    accounts.iter().zip(bindings).map(line).collect()
}

fn reason(need: &Need<'_>, binding: Option<&Binding>, account: &AccountView<'_>) -> Option<Dropped> {
    if need.pinned.is_some_and(|pinned| pinned != account.id.as_str()) {
        return Some(Dropped::NotPinned);
    }
    if !binding.map_or(account.sandbox, |binding| binding.allows(need.method)) {
        return Some(Dropped::NotBound);
    }
    match account.state {
        AccountState::Enabled => {}
        AccountState::Draining => return Some(Dropped::AccountDraining),
        AccountState::Disabled => return Some(Dropped::AccountOff),
    }
    if !account.methods.contains(&need.method) {
        return Some(Dropped::NoSuchMethod);
    }
    if account.weight == Some(0) {
        return Some(Dropped::WeightZero);
    }
    if need.app_id.is_some_and(|asked| !account.app_ids.is_empty() && account.app_ids.iter().all(|known| known != asked)) {
        return Some(Dropped::WrongAppId);
    }
    if need.amount < account.amount_min || need.amount > account.amount_max {
        return Some(Dropped::AmountOutOfRange);
    }
    if account.opening.is_paused(need.now) {
        return Some(Dropped::Maintenance);
    }
    (!account.opening.is_open(need.now)).then_some(Dropped::Closed)
}

/// Drops the accounts whose channel does not answer. Where nobody else is left they stay, as a last resort: refusing every order because
/// of our own judgement would be worse than trying. A merchant's own choice of account is not judged.
pub fn drop_unhealthy(considered: &mut [Considered], healths: &Healths, guard: &Guard, now: Millis) -> bool {
    if !guard.enabled || healths.all_well() {
        return false;
    }
    let sick = |line: &Considered| line.dropped.is_none() && !healths.may_serve(&line.account, now);
    if considered.iter().any(|line| line.dropped.is_none() && !sick(line)) {
        considered.iter_mut().filter(|line| sick(line)).for_each(|line| line.dropped = Some(Dropped::Unhealthy));
        return false;
    }
    considered.iter().any(sick)
}
