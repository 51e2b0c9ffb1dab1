//! The router's seam: filter, then rank. This minimal router takes a pinned account, else every bound and enabled account that has the
//! method, in file order; the routing issue fills in rules, strategies and health behind the same two functions.

use super::limit::PassedOver;
use super::merchant::{AccountState, Binding};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sluice_contract::{Fen, Method};

/// What the router may know of an account.
#[derive(Clone, Debug)]
pub struct AccountView<'a> {
    pub id: &'a str,
    pub state: AccountState,
    /// Sandbox accounts are open to all merchants.
    pub sandbox: bool,
    pub methods: &'a [Method],
    pub amount_min: Fen,
    pub amount_max: Fen,
}

/// Why an account was passed over; stored with the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    NotPinned,
    NotBound,
    AccountOff,
    NoSuchMethod,
    AmountOutOfRange,
    /// The channel itself would refuse the order there.
    NotAdmitted,
    LimitExceeded,
}

/// One line of the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Considered {
    pub account: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<Dropped>,
    /// The rule that passed it over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
}

/// What the router is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub method: Method,
    pub amount: Fen,
    pub pinned: Option<&'a str>,
    pub bindings: &'a [Binding],
}

/// Every account with the reason it was dropped, or none: the kept ones, in rank order.
#[must_use]
pub fn consider(question: Question<'_>, accounts: &[AccountView<'_>]) -> Vec<Considered> {
    accounts.iter().map(|account| Considered { account: account.id.to_owned(), dropped: filter(question, account), limit: None }).collect()
}

fn filter(question: Question<'_>, account: &AccountView<'_>) -> Option<Dropped> {
    if question.pinned.is_some_and(|pinned| pinned != account.id) {
        return Some(Dropped::NotPinned);
    }
    let binding = question.bindings.iter().find(|b| b.account == account.id);
    let bound = match binding {
        Some(binding) => binding.allows(question.method),
        None => account.sandbox,
    };
    if !bound {
        return Some(Dropped::NotBound);
    }
    if account.state != AccountState::Enabled {
        return Some(Dropped::AccountOff);
    }
    if !account.methods.contains(&question.method) {
        return Some(Dropped::NoSuchMethod);
    }
    if question.amount < account.amount_min || question.amount > account.amount_max {
        return Some(Dropped::AmountOutOfRange);
    }
    None
}

/// Notes in a decision that limits passed these accounts over, found when the order was stored.
pub fn note_passed_over(route: &mut Value, passed: &[PassedOver]) {
    let Some(considered) = route.get_mut("considered").and_then(Value::as_array_mut) else { return };
    for line in considered.iter_mut().filter_map(Value::as_object_mut) {
        let named = |p: &&PassedOver| line.get("account").and_then(Value::as_str) == Some(p.account.as_str());
        if let Some(passed) = passed.iter().find(named) {
            line.insert("dropped".to_owned(), json!(Dropped::LimitExceeded));
            line.insert("limit".to_owned(), json!(passed.limit));
        }
    }
}
