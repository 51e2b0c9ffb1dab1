//! Bindings at rest and in force: the secrets of a `sub` table are sealed in the store and live in their channel as keys; a token that
//! its channel will not renew switches its bindings off and raises an alarm.

use super::{Account, Directory, Gateway};
use crate::domain::merchant::Binding;
use crate::store::{Answer, Audit, Command, Query, Record};
use serde_json::{Value, json};
use sluice_contract::{KeyItem, KeyUpdate, Notes, SubField};
use std::collections::BTreeMap;

const SEAL_SUB: &str = "sub";

/// The record of a binding.
#[must_use]
pub fn binding_id(merchant_id: &str, account: &str) -> String {
    format!("{merchant_id}\n{account}")
}

/// The record of a channel's key or token.
#[must_use]
pub fn key_id(account: &str, item: &str) -> String {
    format!("{account}\n{item}")
}

impl Gateway {
    /// A binding as it is stored: what `fields` calls secret is sealed.
    ///
    /// # Errors
    /// When it cannot be sealed.
    pub fn binding_record(&self, binding: &Binding, fields: &[SubField]) -> Result<Record, String> {
        let is_secret = |name: &str| fields.iter().any(|field| field.secret && field.name == name);
        let (secret, open): (Notes, Notes) = binding.sub.clone().into_iter().partition(|(name, _)| is_secret(name));
        let mut doc = serde_json::to_value(Binding { sub: open, ..binding.clone() }).map_err(|e| e.to_string())?;
        if let Some(members) = doc.as_object_mut().filter(|_| !secret.is_empty()) {
            let plain = serde_json::to_vec(&secret).map_err(|e| e.to_string())?;
            let sealed = self.sealer.seal(SEAL_SUB, &plain, self.random()).map_err(|e| e.to_string())?;
            members.insert("sub_sealed".to_owned(), json!(hex::encode(sealed)));
        }
        Ok(Record { kind: "binding".into(), id: binding_id(&binding.merchant_id, &binding.account), doc: Some(doc) })
    }

    /// A stored binding, whole.
    ///
    /// # Errors
    /// When it cannot be read or unsealed.
    pub fn binding_of(&self, doc: Value) -> Result<Binding, String> {
        let unreadable = |e: &dyn std::fmt::Display| format!("a stored binding cannot be read: {e}");
        let sealed = doc.get("sub_sealed").and_then(Value::as_str).map(hex::decode).transpose().map_err(|e| unreadable(&e))?;
        let mut binding: Binding = serde_json::from_value(doc).map_err(|e| unreadable(&e))?;
        if let Some(sealed) = sealed {
            let plain = self.sealer.open(SEAL_SUB, &sealed).map_err(|e| unreadable(&e))?;
            binding.sub.extend(serde_json::from_slice::<Notes>(&plain).map_err(|e| unreadable(&e))?);
        }
        Ok(binding)
    }

    /// Gives every channel its keys: those of its bindings, and over them what was fetched or renewed since.
    pub fn install_keys(&self, directory: &Directory, kept: Vec<(String, KeyItem)>) {
        let mut keys: BTreeMap<&str, BTreeMap<String, KeyItem>> = BTreeMap::new();
        let bindings = directory.merchants.values().flat_map(|merchant| &merchant.bindings);
        for (account, binding) in bindings.filter_map(|b| Some((directory.account(&b.account)?, b))) {
            let of_account = keys.entry(&account.id).or_default();
            of_account.extend(account.channel.sub_keys(&binding.sub).items.into_iter().map(|item| (item.id.clone(), item)));
        }
        for (account, item) in kept {
            if let Some(account) = directory.account(&account) {
                keys.entry(&account.id).or_default().insert(item.id.clone(), item);
            }
        }
        for account in &directory.accounts {
            // One by one: a certificate of long ago that is no longer accepted must not keep a token out.
            for (_, item) in keys.remove(account.id.as_str()).unwrap_or_default() {
                if let Err(refusal) = account.channel.install(&KeyUpdate { items: vec![item] }) {
                    tracing::warn!(account = %account.id, why = refusal.inner, "a kept channel key is no longer accepted");
                }
            }
        }
    }

    /// Channel keys and tokens fetched since, by account: the ones of before the last restart too.
    ///
    /// # Errors
    /// When the store cannot be read, or holds what cannot be unsealed.
    pub async fn kept_keys(&self) -> Result<Vec<(String, KeyItem)>, String> {
        let rows = match self.store.read(Query::Records { kind: "channel_key".to_owned() }).await.map_err(|e| e.to_string())? {
            Answer::Records(rows) => rows,
            _ => Vec::new(),
        };
        let mut kept = Vec::new();
        for (_, doc) in rows {
            let text = |name: &str| doc.get(name).and_then(Value::as_str);
            let (Some(account), Some(sealed)) = (text("account"), text("sealed")) else { continue };
            let bytes = hex::decode(sealed).map_err(|e| format!("a stored key cannot be read: {e}"))?;
            let plain = self.sealer.open("channel_key", &bytes).map_err(|e| format!("a stored key cannot be read: {e}"))?;
            kept.extend(serde_json::from_slice::<KeyItem>(&plain).ok().map(|item| (account.to_owned(), item)));
        }
        Ok(kept)
    }

    /// The channel will not renew this key. Where it is a binding's token, the binding is switched off: every order of it would fail.
    pub(super) async fn key_refused(&self, account: &Account, hint: &str, why: &str) {
        tracing::error!(account = %account.id, key = hint, why, "ALARM: the channel refuses to renew a key; a person has to act");
        let directory = self.directory.load_full();
        let owns = |b: &&Binding| {
            b.account == account.id && b.enabled && account.channel.sub_keys(&b.sub).items.iter().any(|item| item.id == hint)
        };
        let off = |b: &Binding| Binding { enabled: false, off_because: Some(why.to_owned()), ..b.clone() };
        let hit: Vec<Binding> = directory.merchants.values().flat_map(|m| &m.bindings).filter(owns).map(off).collect();
        if hit.is_empty() {
            return;
        }
        let fields = &account.channel.profile().sub_fields;
        let records: Result<Vec<Record>, String> = hit.iter().map(|binding| self.binding_record(binding, fields)).collect();
        let line = |binding: &Binding| Audit {
            at: self.now(),
            who: "sluice".to_owned(),
            role: "system".to_owned(),
            act: "binding.off".to_owned(),
            about: format!("{}/{}", binding.merchant_id, binding.account),
            detail: json!({"why": why}),
        };
        let audit = hit.iter().map(line).collect();
        let stored = match records {
            Ok(records) => self.store.submit(Command::PutRecords { records, audit, only_new: false }).await.map_err(|e| e.to_string()),
            Err(why) => Err(why),
        };
        match stored {
            Ok(_) => self.metrics.binding_off(&account.id),
            Err(error) => tracing::error!(account = %account.id, %error, "the binding of a dead token could not be switched off"),
        }
    }
}
