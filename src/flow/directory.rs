//! Who is known: accounts as configured and switched, merchants with their keys and bindings. One immutable snapshot, replaced as a
//! whole on reload and after an operator's change; every request reads one.

use crate::config::Secret;
use crate::domain::Name;
use crate::domain::fee::Tariff;
use crate::domain::limit::Limits;
use crate::domain::merchant::{AccountState, Binding, Merchant, StoreRecord};
use crate::domain::risk::{BlockList, Risk};
use crate::domain::route::{AccountView, Opening, Routing};
use sluice_codes::payment::Rules;
use sluice_contract::{Channel, Fen, Method, Millis};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A configured account, opened.
pub struct Account {
    pub id: Name,
    pub channel: Arc<dyn Channel>,
    pub sandbox: bool,
    /// Its bills are compared every day by the worker.
    pub reconcile_daily: bool,
    pub owner: Option<String>,
    pub methods: Vec<Method>,
    /// What it costs.
    pub fee: Option<Tariff>,
    /// The app ids it serves; empty: whatever its channel admits.
    pub app_ids: Vec<String>,
    /// Narrower than the channel's own, in fen.
    pub amount_min: Option<Fen>,
    pub amount_max: Option<Fen>,
    /// When it takes orders.
    pub opening: Opening,
    /// An operator's weight, before those of the rules.
    pub weight: Option<u32>,
    pub state: AccountState,
    /// Where this account's callbacks go.
    pub notify_url: String,
}

impl Account {
    #[must_use]
    pub fn view(&self) -> AccountView<'_> {
        let profile = self.channel.profile();
        AccountView {
            id: &self.id,
            channel: profile.channel,
            state: self.state,
            sandbox: self.sandbox,
            owner: self.owner.as_deref(),
            methods: &self.methods,
            app_ids: &self.app_ids,
            amount_min: self.amount_min.map_or(profile.amount_min, |min| min.max(profile.amount_min)),
            amount_max: self.amount_max.map_or(profile.amount_max, |max| max.min(profile.amount_max)),
            opening: &self.opening,
            fee: self.fee.as_ref(),
            weight: self.weight,
        }
    }
}

/// One of a merchant's live keys.
pub struct KeyEntry {
    pub merchant_id: String,
    pub secret: Secret,
    /// Until then a wrong signature under this key is answered with hints, live too.
    pub debug_until: Option<Millis>,
}

pub struct MerchantEntry {
    pub merchant: Merchant,
    pub webhook_secret: Option<Secret>,
    pub bindings: Vec<Binding>,
    pub stores: Vec<StoreRecord>,
}

pub struct Directory {
    /// In file order.
    pub accounts: Vec<Arc<Account>>,
    pub merchants: BTreeMap<String, Arc<MerchantEntry>>,
    pub keys: BTreeMap<String, Arc<KeyEntry>>,
    /// Whose page a code opens: the merchant and the store.
    pub store_codes: BTreeMap<String, (String, String)>,
    /// How payment codes are recognised.
    pub codes: Rules,
    /// The rules of routing.
    pub routing: Routing,
    /// The rules in force, operators' changes included.
    pub limits: Limits,
    pub risk: Arc<dyn Risk>,
    /// Whether anybody is blocked: then payers and customers are looked up.
    pub has_blocks: bool,
}

impl Default for Directory {
    fn default() -> Directory {
        Directory {
            accounts: Vec::new(),
            merchants: BTreeMap::new(),
            keys: BTreeMap::new(),
            store_codes: BTreeMap::new(),
            codes: Rules::default(),
            routing: Routing::default(),
            limits: Limits::default(),
            risk: Arc::new(BlockList::default()),
            has_blocks: false,
        }
    }
}

impl Directory {
    /// The merchant's other live key: there are two at most.
    #[must_use]
    pub fn other_key(&self, merchant_id: &str, key_id: &str) -> Option<&Arc<KeyEntry>> {
        self.keys.iter().find(|(id, key)| *id != key_id && key.merchant_id == merchant_id).map(|(_, key)| key)
    }

    #[must_use]
    pub fn account(&self, id: &str) -> Option<&Arc<Account>> {
        self.accounts.iter().find(|a| a.id == id)
    }

    #[must_use]
    pub fn merchant(&self, id: &str) -> Option<&Arc<MerchantEntry>> {
        self.merchants.get(id)
    }
}

impl MerchantEntry {
    #[must_use]
    pub fn binding(&self, account: &str) -> Option<&Binding> {
        self.bindings.iter().find(|b| b.account == account)
    }
}
