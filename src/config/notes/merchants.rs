//! Preferences that cannot be followed.

use super::Seen;
use crate::config::{Account, Merchant};
use sluice_contract::Problem;

pub(super) fn notes(seen: Seen<'_>) -> Vec<Problem> {
    let of_one = |(place, merchant): (usize, &Merchant)| {
        let told = prefers_unbound(seen, merchant).into_iter();
        told.map(|note| Problem::new(format!("merchant[{place}].prefer"), note)).collect::<Vec<_>>()
    };
    seen.merchants.iter().enumerate().flat_map(of_one).collect()
}

/// Sandbox accounts are open to all.
fn prefers_unbound(seen: Seen<'_>, merchant: &Merchant) -> Vec<String> {
    let unbound = |id: &&String| {
        let live = |account: &&Account| account.id == **id && !account.sandbox;
        seen.accounts.iter().any(|account| live(&account)) && !merchant.bindings.iter().any(|b| b.enabled && b.account == **id)
    };
    let listed = merchant.prefer.iter().flatten().filter(unbound);
    let note = |id: &String| {
        format!("{id} is preferred by {}, which has no enabled binding to it here: without one its orders never go there", merchant.id)
    };
    listed.map(note).collect()
}
