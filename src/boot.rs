//! Puts a gateway together: opens the store, seeds it from the config, and builds the directory from both. Also what a reload and an
//! operator's change run again.

use crate::channels::CHANNELS;
use crate::clock::{SystemChance, SystemClock};
use crate::config::{Finding, Secret, Settings, State, StoreUrl};
use crate::domain::limit::{Limit, Limits};
use crate::domain::merchant::{AccountState, Binding, Merchant, StoreMap, StoreRecord};
use crate::domain::risk::{Block, BlockList};
use crate::flow::{Account, Directory, Gateway, KeyEntry, MerchantEntry, Pace};
use crate::outbound::{Clients, HttpCourier, Policy};
use crate::store::postgres::PostgresStore;
use crate::store::sqlite::SqliteStore;
use crate::store::{Answer, Audit, Command, Query, Record, Sealer, Store, StoreError};
use arc_swap::ArcSwap;
use serde_json::{Value, json};
use sluice_contract::Millis;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a serving process keeps beside the gateway.
pub struct Booted {
    pub gateway: Arc<Gateway>,
    pub settings: ArcSwap<Settings>,
    pub dir: PathBuf,
}

/// Opens everything a config folder describes. `public_url`: what channels call back when the config does not say.
pub async fn boot(dir: &Path, settings: Settings, public_url: &str, fast: u32, on_panic: fn()) -> Result<Booted, String> {
    let store = open(&settings.store.url, on_panic).await?;
    let sealer = sealer(&settings)?;
    let policy = Policy { allow_private_addresses: settings.notify.allow_private_addresses, allow_http: !settings.livemode() };
    let courier = HttpCourier::new(policy).map_err(|e| format!("outbound: {e}"))?;
    let public_url = settings.http.public_url.clone().unwrap_or_else(|| public_url.to_owned());
    let gateway = Arc::new(Gateway {
        store,
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        wire: Arc::new(Clients::new(data_dir(&settings.store.url))),
        courier: Arc::new(courier),
        directory: ArcSwap::from_pointee(Directory::default()),
        sealer,
        pace: Pace::new(fast),
        renewals: crate::outbound::Renewals::default(),
        routing: Default::default(),
        metrics: crate::telemetry::Metrics::default(),
        keep_months: settings.store.keep_months,
        public_url: public_url.trim_end_matches('/').to_owned(),
        notify_policy: policy,
    });
    let wrong = seed(&gateway, &settings).await?;
    if !wrong.is_empty() {
        return Err(wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    }
    let booted = Booted { gateway, settings: ArcSwap::from_pointee(settings), dir: dir.to_path_buf() };
    booted.refresh().await?;
    booted.gateway.recall().await.map_err(|refused| refused.inner.unwrap_or(refused.detail))?;
    Ok(booted)
}

/// Opens the engine that the URL names and brings its schema up to date.
pub async fn open(url: &StoreUrl, on_panic: fn()) -> Result<Arc<dyn Store>, String> {
    let store: Result<Arc<dyn Store>, StoreError> = match url {
        StoreUrl::Sqlite(path) => SqliteStore::open(&path.to_string_lossy(), on_panic).map(|store| -> Arc<dyn Store> { Arc::new(store) }),
        StoreUrl::Postgres(url) => PostgresStore::open(url, on_panic).await.map(|store| -> Arc<dyn Store> { Arc::new(store) }),
    };
    store.map_err(|e| format!("{}: {e}", url.name()))
}

/// Where long answers are kept, channels' while they are read and ours while they are sent: beside the embedded store, or among the machine's
/// temporary files.
#[must_use]
pub fn data_dir(url: &StoreUrl) -> PathBuf {
    match url {
        StoreUrl::Sqlite(path) => path.parent().map(Path::to_path_buf).unwrap_or_default(),
        StoreUrl::Postgres(_) => std::env::temp_dir(),
    }
}

/// The seal keys, the current one first.
pub fn sealer(settings: &Settings) -> Result<Sealer, String> {
    let keys = std::iter::once(&settings.store.seal_key).chain(&settings.store.previous_seal_keys);
    let keys: Vec<_> = keys.map(|k| (k.id.clone(), *k.bytes())).collect();
    Sealer::new(&keys).map_err(|e| format!("store.seal_key: {e}"))
}

/// Writes the merchants and the limits' shapes of the config that the store does not know yet. What operators have changed since stays.
/// Answers the limits that have another shape than they had under their names; then nothing was written.
async fn seed(gateway: &Gateway, settings: &Settings) -> Result<Vec<Finding>, String> {
    let shapes: BTreeMap<String, Value> = records(gateway, "limit_shape").await?.into_iter().collect();
    let changed = |limit: &Arc<Limit>| -> Vec<Finding> {
        let Some(known) = shapes.get(&limit.name) else { return Vec::new() };
        let differs = |(key, text): &(&'static str, String)| known.get(*key) != Some(&json!(text));
        let why =
            |(key, _)| settings.about_limit(&limit.name, key, format!("{} counted otherwise until now: give it a new name", limit.name));
        limit.shape().into_iter().filter(differs).map(why).collect()
    };
    let wrong: Vec<Finding> = settings.limits.iter().flat_map(changed).collect();
    if !wrong.is_empty() {
        return Ok(wrong);
    }
    let mut records = Vec::new();
    for limit in settings.limits.iter().filter(|limit| !shapes.contains_key(&limit.name)) {
        let doc = limit.shape().into_iter().map(|(key, text)| (key.to_owned(), json!(text))).collect();
        records.push(Record { kind: "limit_shape".into(), id: limit.name.clone(), doc: Some(Value::Object(doc)) });
    }
    for merchant in &settings.merchants {
        let webhook_sealed = match &merchant.webhook {
            Some(webhook) => Some(seal(gateway, "webhook", &webhook.secret)?),
            None => None,
        };
        let webhook_url = merchant.webhook.as_ref().and_then(|w| w.url.clone());
        let doc = json!({"id": merchant.id, "name": merchant.name, "enabled": true, "webhook_url": webhook_url, "prefer": merchant.prefer,
            "webhook_sealed": webhook_sealed});
        records.push(Record { kind: "merchant".into(), id: merchant.id.clone(), doc: Some(doc) });
        for key in &merchant.keys {
            let doc = json!({"merchant_id": merchant.id, "sealed": seal(gateway, "merchant_key", &key.secret)?, "enabled": true});
            records.push(Record { kind: "key".into(), id: key.id.clone(), doc: Some(doc) });
        }
        for (rank, binding) in merchant.bindings.iter().enumerate() {
            records.push(binding_record(gateway, settings, &merchant.id, rank, binding)?);
        }
        records.extend(merchant.stores.iter().map(|s| store_record(&merchant.id, s, gateway.random())));
    }
    let audit = Vec::<Audit>::new();
    gateway.store.submit(Command::PutRecords { records, audit, only_new: true }).await.map_err(|e| e.to_string())?;
    Ok(Vec::new())
}

fn seal(gateway: &Gateway, purpose: &str, secret: &Secret) -> Result<String, String> {
    let sealed = gateway.sealer.seal(purpose, secret.expose().as_bytes(), gateway.random()).map_err(|e| e.to_string())?;
    Ok(hex::encode(sealed))
}

fn binding_record(
    gateway: &Gateway,
    settings: &Settings,
    merchant_id: &str,
    rank: usize,
    binding: &crate::config::Binding,
) -> Result<Record, String> {
    let doc = Binding {
        merchant_id: merchant_id.to_owned(),
        account: binding.account.as_str().into(),
        sub: binding.sub.clone(),
        methods: binding.methods.clone(),
        enabled: binding.enabled,
        rank: i64::try_from(rank).unwrap_or(i64::MAX),
        off_because: None,
    };
    let fields = settings.account(&binding.account).map(|account| account.channel.profile().sub_fields.clone()).unwrap_or_default();
    gateway.binding_record(&doc, &fields)
}

fn store_record(merchant_id: &str, shop: &crate::config::Shop, entropy: [u8; 16]) -> Record {
    let map =
        shop.map.iter().map(|m| StoreMap { account: m.account.clone(), store_code: m.store_code.clone(), term_id: m.term_id.clone() });
    let doc = StoreRecord {
        merchant_id: merchant_id.to_owned(),
        id: shop.id.clone(),
        name: shop.name.clone(),
        address: shop.address.clone(),
        area_code: shop.area_code.clone(),
        map: map.collect(),
        code: Some(crate::domain::store_code::new(entropy)),
        paused: false,
    };
    Record { kind: "store".into(), id: format!("{merchant_id}\n{}", shop.id), doc: serde_json::to_value(doc).ok() }
}

impl Booted {
    /// Builds the directory anew from the settings and the stored records, and puts it in force.
    pub async fn refresh(&self) -> Result<(), String> {
        let settings = self.settings.load_full();
        let directory = directory(&self.gateway, &settings).await?;
        self.gateway.directory.store(Arc::new(directory));
        Ok(())
    }

    /// Reads the folder again: all or nothing. A bad file changes nothing and every problem is told.
    pub async fn reload(&self, strings: &(dyn crate::config::Strings + Sync)) -> Result<(), Vec<Finding>> {
        let current = self.settings.load_full();
        let mut used = BTreeMap::new();
        for account in &current.accounts {
            let answer = self.gateway.store.read(Query::AccountUsed(account.id.clone())).await;
            // Not knowing counts as used: a reload that cannot be judged is refused.
            used.insert(account.id.clone(), !matches!(answer, Ok(Answer::Used(false))));
        }
        let in_use = |id: &str| used.get(id).copied().unwrap_or(false);
        let fresh = match crate::config::load(&self.dir, strings, CHANNELS) {
            Ok(fresh) => fresh,
            // A file that no longer names an account in use is wrong for that reason first, whatever else it breaks.
            Err(findings) => {
                return Err(crate::config::removed_in_use(&self.dir, strings, &current, &in_use).into_iter().chain(findings).collect());
            }
        };
        let merged = crate::config::reload(&current, fresh, &in_use)?;
        let store_failed = |e: String| vec![Finding::new("store", "", e)];
        let wrong = seed(&self.gateway, &merged).await.map_err(store_failed)?;
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let directory = directory(&self.gateway, &merged).await.map_err(store_failed)?;
        self.settings.store(Arc::new(merged));
        self.gateway.directory.store(Arc::new(directory));
        Ok(())
    }
}

async fn records(gateway: &Gateway, kind: &str) -> Result<Vec<(String, Value)>, String> {
    match gateway.store.read(Query::Records { kind: kind.to_owned() }).await {
        Ok(Answer::Records(rows)) => Ok(rows),
        Ok(_) => Ok(Vec::new()),
        Err(error) => Err(error.to_string()),
    }
}

async fn directory(gateway: &Gateway, settings: &Settings) -> Result<Directory, String> {
    let (states, weights) = (records(gateway, "account_state").await?, records(gateway, "account_weight").await?);
    let mut directory = Directory { accounts: accounts(settings, states, weights, &gateway.public_url), ..Directory::default() };
    let mut merchants = merchants(gateway).await?;
    for (_, doc) in records(gateway, "binding").await? {
        let binding = gateway.binding_of(doc)?;
        if let Some(entry) = merchants.get_mut(&binding.merchant_id) {
            entry.bindings.push(binding);
        }
    }
    for entry in merchants.values_mut() {
        entry.bindings.sort_by(|a, b| (a.rank, &a.account).cmp(&(b.rank, &b.account)));
    }
    for (_, doc) in records(gateway, "store").await? {
        let store: StoreRecord = serde_json::from_value(doc).map_err(|e| format!("a stored store cannot be read: {e}"))?;
        if let Some(entry) = merchants.get_mut(&store.merchant_id) {
            directory.store_codes.extend(store.code.clone().map(|code| (code, (store.merchant_id.clone(), store.id.clone()))));
            entry.stores.push(store);
        }
    }
    directory.limits = limits(gateway, settings).await?;
    let blocks = blocks(gateway).await?;
    directory.has_blocks = !blocks.0.is_empty();
    directory.risk = Arc::new(blocks);
    directory.keys = keys(gateway, &merchants).await?;
    directory.merchants = merchants.into_iter().map(|(id, entry)| (id, Arc::new(entry))).collect();
    directory.codes = settings.codes.clone();
    directory.routing = settings.routing.clone();
    gateway.install_keys(&directory, gateway.kept_keys().await?);
    Ok(directory)
}

/// The accounts of the file with what operators have switched, from records of `account_state` and `account_weight`.
pub(crate) fn accounts(
    settings: &Settings,
    states: Vec<(String, Value)>,
    weights: Vec<(String, Value)>,
    public_url: &str,
) -> Vec<Arc<Account>> {
    let [states, weights] = [states, weights].map(BTreeMap::from_iter);
    let open = |account: &Arc<crate::config::Account>| {
        let switched = states.get(&account.id);
        Arc::new(Account {
            id: account.id.as_str().into(),
            channel: Arc::clone(&account.channel),
            sandbox: account.sandbox,
            reconcile_daily: account.reconcile_daily,
            owner: account.owner.clone(),
            methods: account.methods.clone(),
            fee: account.terms.fee.clone(),
            app_ids: account.terms.app_ids.clone(),
            amount_min: account.terms.amount_min,
            amount_max: account.terms.amount_max,
            opening: account.terms.opening.clone(),
            weight: weights.get(&account.id).and_then(|doc| doc.get("weight")?.as_u64()).and_then(|weight| u32::try_from(weight).ok()),
            state: switched.and_then(|doc| serde_json::from_value(doc.get("state")?.clone()).ok()).unwrap_or(state(account.state)),
            notify_url: format!("{public_url}/notify/{}", account.id),
        })
    };
    settings.accounts.iter().map(open).collect()
}

/// The rules of the file with what operators have changed of them.
async fn limits(gateway: &Gateway, settings: &Settings) -> Result<Limits, String> {
    let changes: BTreeMap<String, Value> = records(gateway, "limit").await?.into_iter().collect();
    let in_force = |limit: &Arc<Limit>| match changes.get(&limit.name) {
        None => Arc::clone(limit),
        Some(doc) => Arc::new(Limit {
            max: doc.get("max").and_then(Value::as_i64).or(limit.max),
            suspended: doc.get("suspended").and_then(Value::as_bool).unwrap_or(false),
            ..limit.as_ref().clone()
        }),
    };
    Ok(Limits(settings.limits.iter().map(in_force).collect()))
}

async fn blocks(gateway: &Gateway) -> Result<BlockList, String> {
    let read = |(_, doc): (String, Value)| serde_json::from_value::<Block>(doc).map_err(|e| format!("a stored block cannot be read: {e}"));
    Ok(BlockList(records(gateway, "block").await?.into_iter().map(read).collect::<Result<_, _>>()?))
}

const fn state(state: State) -> AccountState {
    match state {
        State::Enabled => AccountState::Enabled,
        State::Draining => AccountState::Draining,
        State::Disabled => AccountState::Disabled,
    }
}

async fn merchants(gateway: &Gateway) -> Result<BTreeMap<String, MerchantEntry>, String> {
    let mut merchants = BTreeMap::new();
    for (id, doc) in records(gateway, "merchant").await? {
        let webhook_secret = unseal(gateway, "webhook", doc.get("webhook_sealed"))?;
        let merchant: Merchant = serde_json::from_value(doc).map_err(|e| format!("the stored merchant {id} cannot be read: {e}"))?;
        merchants.insert(id, MerchantEntry { merchant, webhook_secret, bindings: Vec::new(), stores: Vec::new() });
    }
    Ok(merchants)
}

async fn keys(gateway: &Gateway, merchants: &BTreeMap<String, MerchantEntry>) -> Result<BTreeMap<String, Arc<KeyEntry>>, String> {
    let mut keys = BTreeMap::new();
    for (id, doc) in records(gateway, "key").await? {
        let merchant_id = doc.get("merchant_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let enabled = doc.get("enabled").and_then(Value::as_bool).unwrap_or(false);
        let live = enabled && merchants.get(&merchant_id).is_some_and(|m| m.merchant.enabled);
        if let Some(secret) = unseal(gateway, "merchant_key", doc.get("sealed"))?.filter(|_| live) {
            let debug_until = doc.get("debug_until_ms").and_then(Value::as_i64).map(Millis);
            keys.insert(id, Arc::new(KeyEntry { merchant_id, secret, debug_until }));
        }
    }
    Ok(keys)
}

fn unseal(gateway: &Gateway, purpose: &str, sealed: Option<&Value>) -> Result<Option<Secret>, String> {
    let Some(text) = sealed.and_then(Value::as_str) else { return Ok(None) };
    let bytes = hex::decode(text).map_err(|e| format!("a stored secret cannot be read: {e}"))?;
    let plain = gateway.sealer.open(purpose, &bytes).map_err(|e| format!("a stored secret cannot be read: {e}"))?;
    String::from_utf8(plain).map(|text| Some(Secret::new(text))).map_err(|e| e.to_string())
}
