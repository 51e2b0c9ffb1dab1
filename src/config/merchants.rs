//! `merchants.toml`: merchants with their keys, their webhook, their bindings to accounts and their stores.
//!
//! These are seeds: the store knows more merchants, made through the operator API, which uses the same rules
//! ([`super::Account::check_binding`], [`check_prefer`], [`super::is_id`], [`super::webhook_key`]).

use super::accounts::Accounts;
use super::secret::{Distinct, Secret, Source, webhook_key};
use super::{methods, need_id, web_url};
use sluice_contract::{Method, Notes, Problem, Reader};
use std::collections::BTreeSet;
use std::fmt;

/// `[[merchant]]`.
#[derive(Clone, Debug)]
pub struct Merchant {
    pub id: String,
    pub name: String,
    /// Two at most: the one in use and the one it is being changed to.
    pub keys: Vec<Key>,
    pub webhook: Option<Webhook>,
    /// In file order: for a code that two wallets take, the first binding wins.
    pub bindings: Vec<Binding>,
    pub stores: Vec<Shop>,
    /// Its own order of accounts, before the platform's rules; `None`: the accounts it owns come first.
    pub prefer: Option<Vec<String>>,
}

/// A key that signs requests. `id` is unique among all merchants.
#[derive(Clone, Debug)]
pub struct Key {
    pub id: String,
    pub secret: Secret,
}

/// Where the merchant is notified, and the secret (`whsec_…`) that signs every notification, an order's `notify_url` included.
/// Without a URL only orders with a `notify_url` are notified.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub url: Option<String>,
    pub secret: Secret,
}

/// `[[merchant.binding]]`: the merchant may use this account.
#[derive(Clone)]
pub struct Binding {
    pub account: String,
    /// The sub-merchant at a service-provider account, as the channel checked it. May hold a token.
    pub sub: Notes,
    /// Fewer methods than the account has; `None`: all of them.
    pub methods: Option<Vec<Method>>,
    pub enabled: bool,
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Binding({}, enabled: {})", self.account, self.enabled)
    }
}

/// `[[merchant.store]]`: a shop of the merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shop {
    /// Unique within its merchant.
    pub id: String,
    pub name: Option<String>,
    pub address: Option<String>,
    pub area_code: Option<String>,
    pub map: Vec<StoreCode>,
}

/// What one account calls the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreCode {
    pub account: String,
    pub store_code: Option<String>,
    pub term_id: Option<String>,
}

/// What must be unique across merchants.
#[derive(Default)]
struct Taken {
    merchants: BTreeSet<String>,
    keys: BTreeSet<String>,
    secrets: Distinct,
}

/// Reads the file. A live direct account without a written owner becomes the first bound merchant's.
pub(super) fn read(reader: &Reader<'_>, source: Source<'_>, accounts: &mut Accounts) -> Vec<Merchant> {
    let mut taken = Taken::default();
    let mut list = Vec::new();
    for table in reader.tables("merchant") {
        let id = need_id(&table, "id", &mut taken.merchants);
        let name = table.text_of("name", 1, 128).unwrap_or(&id).to_owned();
        let keys = keys(&table, source, &id, &mut taken);
        let webhook = webhook(&table, source, &id, &mut taken);
        let bindings = bindings(&table, source, &id, accounts);
        let stores = shops(&table, accounts);
        let prefer = prefer(&table, accounts);
        table.finish();
        list.push(Merchant { id, name, keys, webhook, bindings, stores, prefer });
    }
    reader.finish();
    list
}

fn prefer(table: &Reader<'_>, accounts: &Accounts) -> Option<Vec<String>> {
    let list: Vec<String> = table.texts("prefer")?.into_iter().map(str::to_owned).collect();
    table.problems(check_prefer(&list, |id| accounts.ids.contains(id)));
    Some(list)
}

/// Whether a merchant may prefer these accounts, in this order; problems name `prefer`.
pub fn check_prefer(list: &[String], is_account: impl Fn(&str) -> bool) -> Vec<Problem> {
    let reason = |(place, id): (usize, &String)| {
        if !is_account(id) {
            return Some(format!("{id} is no account of channels.toml"));
        }
        list.iter().take(place).any(|earlier| earlier == id).then(|| format!("{id} stands there twice"))
    };
    list.iter().enumerate().filter_map(reason).map(|reason| Problem::new("prefer", reason)).collect()
}

fn keys(table: &Reader<'_>, source: Source<'_>, merchant: &str, taken: &mut Taken) -> Vec<Key> {
    let mut list = Vec::new();
    let rows = table.tables("keys");
    if rows.len() > 2 {
        table.problem("keys", "must be two at most: the key in use and the one it is changed to");
    }
    for row in rows {
        let id = need_id(&row, "id", &mut taken.keys);
        let secret = source.need_secret(&row, "secret");
        if let Some(secret) = &secret {
            if secret.expose().len() < 32 {
                row.problem("secret", "must have at least 32 bytes");
            }
            taken.secrets.check(&row, "secret", secret, format!("merchant {merchant}, key {id}"));
        }
        row.finish();
        list.extend(secret.map(|secret| Key { id, secret }));
    }
    list
}

fn webhook(table: &Reader<'_>, source: Source<'_>, merchant: &str, taken: &mut Taken) -> Option<Webhook> {
    let row = table.table("webhook")?;
    let url = row.text("url").map(str::to_owned);
    if let Some(Err(reason)) = url.as_deref().map(web_url) {
        row.problem("url", reason);
    }
    let secret = source.need_secret(&row, "secret");
    if let Some(secret) = &secret {
        if webhook_key(secret.expose()).is_none() {
            row.problem("secret", "must be whsec_ and the base64 of 24 to 64 bytes");
        }
        taken.secrets.check(&row, "secret", secret, format!("merchant {merchant}, webhook"));
    }
    row.finish();
    secret.map(|secret| Webhook { url, secret })
}

fn bindings(table: &Reader<'_>, source: Source<'_>, merchant: &str, accounts: &mut Accounts) -> Vec<Binding> {
    let mut list: Vec<Binding> = Vec::new();
    for row in table.tables("binding") {
        let account = known_account(&row, accounts);
        if !account.is_empty() && list.iter().any(|b| b.account == account) {
            row.problem("account", format!("{account} is bound by an earlier binding of this merchant"));
        }
        let sub = sub(&row, source);
        let chosen = methods(&row, "methods");
        let enabled = row.flag("enabled").unwrap_or(true);
        if let (Some(sub), Some(found)) = (&sub, accounts.list.iter_mut().find(|a| a.id == account)) {
            for method in chosen.iter().flatten().filter(|method| !found.methods.contains(method)) {
                row.problem("methods", format!("{} is no method of account {account}", method.word()));
            }
            row.problems(found.check_binding(merchant, sub));
            if found.owner.is_none() && !found.sandbox && found.is_direct() {
                found.owner = Some(merchant.to_owned());
            }
        }
        row.finish();
        list.push(Binding { account, sub: sub.unwrap_or_default(), methods: chosen, enabled });
    }
    list
}

/// The account that a row names; empty with a problem when there is none.
fn known_account(row: &Reader<'_>, accounts: &Accounts) -> String {
    let account = row.need_text("account");
    if !account.is_empty() && !accounts.ids.contains(account) {
        row.problem("account", format!("{account} is no account of channels.toml"));
        return String::new();
    }
    account.to_owned()
}

/// The `sub` table with its secrets resolved; `None` with problems when some text of it cannot be read.
fn sub(row: &Reader<'_>, source: Source<'_>) -> Option<Notes> {
    if row.raw("sub").is_none() {
        return Some(Notes::new());
    }
    let table = row.table("sub")?;
    let names = table.names();
    let fields: Notes =
        names.iter().filter_map(|name| Some(((*name).to_owned(), source.secret(&table, name)?.expose().to_owned()))).collect();
    (fields.len() == names.len()).then_some(fields)
}

fn shops(table: &Reader<'_>, accounts: &Accounts) -> Vec<Shop> {
    let mut ids = BTreeSet::new();
    let mut list = Vec::new();
    for row in table.tables("store") {
        // Lengths: the longest that a channel takes (pack wechat, store_info); shorter ones are the channel's to refuse.
        let text = |field, max| row.text_of(field, 1, max).map(str::to_owned);
        let id = need_id(&row, "id", &mut ids);
        let shop =
            Shop { id, name: text("name", 256), address: text("address", 512), area_code: text("area_code", 32), map: map(&row, accounts) };
        row.finish();
        list.push(shop);
    }
    list
}

fn map(shop: &Reader<'_>, accounts: &Accounts) -> Vec<StoreCode> {
    let mut list: Vec<StoreCode> = Vec::new();
    for row in shop.tables("map") {
        let text = |field| row.text_of(field, 1, 64).map(str::to_owned);
        let account = known_account(&row, accounts);
        if !account.is_empty() && list.iter().any(|code| code.account == account) {
            row.problem("account", format!("{account} is mapped by an earlier entry of this store"));
        }
        let code = StoreCode { account, store_code: text("store_code"), term_id: text("term_id") };
        if code.store_code.is_none() && code.term_id.is_none() {
            row.problem("store_code", "or term_id is required: the entry says nothing");
        }
        row.finish();
        list.push(code);
    }
    list
}
