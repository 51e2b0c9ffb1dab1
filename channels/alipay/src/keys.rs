//! What an account holds that may change while it is open: Alipay's keys, and the tokens of a provider's merchants.
//!
//! Alipay's keys verify only. Items to be kept are named `<32 hex>` (a certificate by its serial number),
//! `app_auth_token:<auth_app_id>` and `app_refresh_token:<auth_app_id>`.

use crate::certificate;
use crate::config::Account;
pub(crate) use crate::renew::renew;
use crate::sign::Seal;
use sluice_contract::{KeyItem, KeyUpdate, Notes, Refusal};
use sluice_kit::rsa::PublicKey;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use zeroize::Zeroizing;

pub(crate) const TOKEN: &str = "app_auth_token";
pub(crate) const REFRESH: &str = "app_refresh_token";

/// All keys and tokens of an account. Keys only grow; the newest token of a merchant wins.
pub(crate) struct Ring {
    /// Replies name the certificate that signs them.
    by_certificate: bool,
    keys: RwLock<Vec<(Option<String>, Arc<PublicKey>)>>,
    tokens: RwLock<BTreeMap<String, Zeroizing<String>>>,
    /// The access token of each merchant that Alipay will not renew: whoever is refused it is refused for good.
    dead: RwLock<BTreeMap<String, Zeroizing<String>>>,
}

impl Ring {
    pub(crate) fn new(by_certificate: bool) -> Ring {
        Ring { by_certificate, keys: RwLock::default(), tokens: RwLock::default(), dead: RwLock::default() }
    }

    /// `sn`: of a certificate; a plain public key has none.
    pub(crate) fn add(&self, sn: Option<String>, key: PublicKey) {
        self.keys.write().unwrap_or_else(PoisonError::into_inner).push((sn, Arc::new(key)));
    }

    /// Judges a signature in base64. In certificate mode the named certificate decides, and one that we do not hold is to be
    /// fetched (pack §1.4); a message that names none may be signed with any key we hold.
    pub(crate) fn seal(&self, message: &[u8], signature: &str, sn: Option<&str>) -> Seal {
        let wanted = sn.filter(|_| self.by_certificate);
        let keys: Vec<Arc<PublicKey>> = {
            let held = self.keys.read().unwrap_or_else(PoisonError::into_inner);
            let fits = |own: &Option<String>| wanted.is_none() || own.as_deref() == wanted;
            held.iter().filter(|(own, _)| fits(own)).map(|(_, key)| Arc::clone(key)).collect()
        };
        match wanted {
            Some(sn) if keys.is_empty() && is_sn(sn) => Seal::UnknownKey(sn.to_owned()),
            _ if keys.iter().any(|key| key.verifies_base64(message, signature)) => Seal::Holds,
            _ => Seal::Broken,
        }
    }

    /// From now on the merchant's token counts as dead, until another is installed.
    pub(crate) fn bury(&self, merchant: &str) {
        if let Some(token) = self.token(TOKEN, merchant) {
            self.dead.write().unwrap_or_else(PoisonError::into_inner).insert(merchant.to_owned(), token);
        }
    }

    pub(crate) fn is_dead(&self, merchant: &str, token: &str) -> bool {
        self.dead.read().unwrap_or_else(PoisonError::into_inner).get(merchant).is_some_and(|dead| dead.as_str() == token)
    }

    pub(crate) fn token(&self, kind: &str, merchant: &str) -> Option<Zeroizing<String>> {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner).get(&item_id(kind, merchant)).cloned()
    }
}

pub(crate) fn item_id(kind: &str, merchant: &str) -> String {
    format!("{kind}:{merchant}")
}

/// The kind and the merchant of a token's item id.
pub(crate) fn token_of(id: &str) -> Option<(&str, &str)> {
    id.split_once(':').filter(|(kind, merchant)| matches!(*kind, TOKEN | REFRESH) && crate::admit::is_app_id(merchant))
}

pub(crate) fn is_sn(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The secrets of a binding as keys. When they end is not known: a refused one is renewed (pack §4).
pub(crate) fn sub_keys(_account: &Account, sub: &Notes) -> KeyUpdate {
    let Some(merchant) = sub.get("auth_app_id") else { return KeyUpdate::default() };
    let given = [TOKEN, REFRESH].into_iter().filter_map(|kind| sub.get(kind).map(|value| (kind, value)));
    let items = given.map(|(kind, value)| KeyItem { id: item_id(kind, merchant), value: value.clone(), from: None, until: None });
    KeyUpdate { items: items.collect() }
}

/// Takes stored certificates and tokens into use: all of them, or none.
pub(crate) fn install(account: &Account, update: &KeyUpdate) -> Result<(), Refusal> {
    let refuse = |id: &str, reason: &str| Refusal::account(format!("the key {id} {reason}"));
    let (tokens, certificates): (Vec<&KeyItem>, Vec<&KeyItem>) = update.items.iter().partition(|item| token_of(&item.id).is_some());
    let mut read = Vec::new();
    for item in certificates {
        let Some(files) = account.certificates.as_ref().filter(|_| is_sn(&item.id)) else {
            return Err(refuse(&item.id, "is none of this account"));
        };
        match certificate::read(&item.value) {
            Ok(found) if found.sn != item.id => return Err(refuse(&item.id, "has another serial number")),
            Ok(_) if !certificate::is_trusted(&item.value, &files.alipay, &files.roots) => return Err(refuse(&item.id, "is not Alipay's")),
            Ok(found) => read.push(found),
            Err(reason) => return Err(refuse(&item.id, reason)),
        }
    }
    if let Some(item) = tokens.iter().find(|item| !is_token(&item.value)) {
        return Err(refuse(&item.id, "is no token"));
    }
    for found in read {
        account.ring.add(Some(found.sn), found.key);
    }
    let mut held = account.ring.tokens.write().unwrap_or_else(PoisonError::into_inner);
    held.extend(tokens.iter().map(|item| (item.id.clone(), Zeroizing::new(item.value.clone()))));
    Ok(())
}

/// Tokens have 40 characters (pack §4); the page of the refresh token gives no length.
pub(crate) fn is_token(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}
