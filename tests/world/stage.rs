//! Builds the gateway under test: real flow, real engine, two WeChat accounts, one merchant.

use super::core::Shared;
use super::dice::SeededChance;
use super::merchant::{WEBHOOK_URL, webhook_secret};
use super::wire::HOSTS;
use arc_swap::ArcSwap;
use serde_json::{Value, json};
use sluice::config::Secret;
use sluice::domain::merchant::{AccountState, Merchant};
use sluice::flow::{Account, Directory, Gateway, MerchantEntry, Pace};
use sluice::outbound::{Policy, Renewals};
use sluice::store::Sealer;
use sluice_contract::{AccountConfig, Reader};
use sluice_simkit::Booth;
use std::sync::Arc;

pub const MERCHANT: &str = "m1";
pub const ACCOUNTS: [&str; 2] = ["wx-a", "wx-b"];

pub fn booths(seed: u64) -> Vec<Booth> {
    (0..2).map(|i| Booth::new(sluice_wechat_sim::fixed(seed.wrapping_mul(2).wrapping_add(i)), seed ^ (i << 32))).collect()
}

/// Opens an account from the table the simulator itself writes.
pub fn account(index: usize, booth: &Booth) -> Arc<Account> {
    let text = booth.sim.account_toml(HOSTS[index]);
    let tree: Value = toml::from_str(&text).expect("the simulator's table is TOML");
    let root = json!({"credentials": tree["account"][0]["credentials"]});
    let reader = Reader::root("account", &root);
    let credentials = reader.table("credentials").expect("there are credentials");
    let config = AccountConfig { id: ACCOUNTS[index], base_url: HOSTS[index], sandbox: true, methods: None, credentials, previous: None };
    let channel = sluice_wechat::open(config).expect("the simulator's credentials open an account");
    let methods = channel.profile().methods.iter().map(|m| m.method).collect();
    Arc::new(Account {
        id: ACCOUNTS[index].to_owned(),
        channel: channel.into(),
        sandbox: true,
        owner: None,
        methods,
        fee_rate: Some("0.006".into()),
        state: AccountState::Enabled,
        notify_url: format!("https://gateway.test/notify/{}", ACCOUNTS[index]),
    })
}

/// A process that has just started: nothing in it but what is configured. `life` counts the starts.
pub fn gateway(world: &Shared, accounts: &[Arc<Account>], seed: u64, life: u64) -> Arc<Gateway> {
    let merchant = MerchantEntry {
        merchant: Merchant { id: MERCHANT.into(), name: "World".into(), enabled: true, webhook_url: Some(WEBHOOK_URL.into()) },
        webhook_secret: Some(Secret::new(webhook_secret())),
        bindings: Vec::new(),
        stores: Vec::new(),
    };
    let directory =
        Directory { accounts: accounts.to_vec(), merchants: [(MERCHANT.to_owned(), Arc::new(merchant))].into(), keys: Default::default() };
    Arc::new(Gateway {
        store: Arc::new(world.clone()),
        clock: Arc::new(world.clone()),
        chance: Arc::new(SeededChance::new(seed.wrapping_mul(1_000_003).wrapping_add(life))),
        wire: Arc::new(world.clone()),
        courier: Arc::new(world.clone()),
        directory: ArcSwap::from_pointee(directory),
        sealer: Sealer::new(&[("k1".to_owned(), [7; 32])]).expect("a seal key"),
        pace: Pace::new(1),
        renewals: Renewals::default(),
        metrics: Default::default(),
        public_url: "https://gateway.test".into(),
        notify_policy: Policy { allow_private_addresses: true, allow_http: true },
    })
}
