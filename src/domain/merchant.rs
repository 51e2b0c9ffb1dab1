//! Merchants and what they are bound to, as the directory keeps them in memory.

use super::name::Name;
use serde::{Deserialize, Serialize};
use sluice_contract::{Method, Notes};

/// A merchant without its secrets. Keys are kept apart, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merchant {
    pub id: String,
    pub name: String,
    #[serde(default = "yes")]
    pub enabled: bool,
    pub webhook_url: Option<String>,
    /// Its own order of accounts, before the platform's rules; `None`: the accounts it owns come first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefer: Option<Vec<String>>,
}

fn yes() -> bool {
    true
}

/// What lets a merchant use an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    pub merchant_id: String,
    pub account: Name,
    #[serde(default)]
    pub sub: Notes,
    /// `None`: every method of the account.
    pub methods: Option<Vec<Method>>,
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The merchant's order of its accounts: for a code that several could charge, the lower one comes first.
    #[serde(default)]
    pub rank: i64,
    /// Why the gateway itself switched it off; a person has to act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_because: Option<String>,
}

impl Binding {
    #[must_use]
    pub fn allows(&self, method: Method) -> bool {
        self.enabled && self.methods.as_ref().is_none_or(|methods| methods.contains(&method))
    }
}

/// A merchant's store (门店), with what each account calls it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreRecord {
    pub merchant_id: String,
    pub id: String,
    pub name: Option<String>,
    pub address: Option<String>,
    pub area_code: Option<String>,
    #[serde(default)]
    pub map: Vec<StoreMap>,
    /// Of its page `/q/{code}`, given by the gateway; stores of earlier versions have none until an operator asks for one.
    #[serde(default)]
    pub code: Option<String>,
    /// Its page takes no payments for now.
    #[serde(default)]
    pub paused: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreMap {
    pub account: String,
    pub store_code: Option<String>,
    pub term_id: Option<String>,
}

/// Whether an account takes new attempts. Queries, callbacks, refunds and bills go on in every state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    #[default]
    Enabled,
    Draining,
    Disabled,
}
