//! Builds the gateway under test: real flow, real engine, two WeChat accounts, one merchant.

use super::core::{Core, Shared};
use super::dice::SeededChance;
use super::merchant::{WEBHOOK_URL, webhook_secret};
use super::wire::HOSTS;
use crate::model::books::Books;
use arc_swap::ArcSwap;
use serde_json::{Value, json};
use sluice::config::Secret;
use sluice::domain::merchant::{AccountState, Merchant};
use sluice::domain::{Candidate, Order};
use sluice::flow::place_order::OrderRequest;
use sluice::flow::{Account, Directory, Gateway, MerchantEntry, Pace};
use sluice::outbound::{Policy, Renewals};
use sluice::store::{Command, Sealer};
use sluice_contract::{AccountConfig, Fen, Reader};
use sluice_simkit::Booth;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Waker};

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
    let directory = Directory {
        accounts: accounts.to_vec(),
        merchants: [(MERCHANT.to_owned(), Arc::new(merchant))].into(),
        limits: super::limits::rules(),
        ..Directory::default()
    };
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
        keep_months: None,
        public_url: "https://gateway.test".into(),
        notify_policy: Policy { allow_private_addresses: true, allow_http: true },
    })
}

/// An order as T1 is asked to store it, with its candidates: what the model and the store suite start from.
pub fn draft(barcode: bool) -> (Order, Vec<Candidate>) {
    let booths = booths(0);
    let accounts: Vec<_> = booths.iter().enumerate().map(|(index, booth)| account(index, booth)).collect();
    let world = Shared::new(Core::new(0, booths, Books::memory()));
    let gateway = gateway(&world, &accounts, 0, 0);
    let request = OrderRequest {
        merchant_order_no: "M1".into(),
        amount: Fen(10_000),
        subject: "Tea".into(),
        method: if barcode { "wechat_barcode" } else { "wechat_native" }.into(),
        auth_code: barcode.then(|| "130000000000000001".into()),
        fingerprint: vec![1; 32],
        ..OrderRequest::default()
    };
    let mut placing = std::pin::pin!(gateway.place_order(MERCHANT, &request, None));
    let mut context = Context::from_waker(Waker::noop());
    assert!(placing.as_mut().poll(&mut context).is_pending(), "the store has not answered yet");
    let queued = world.lock().queue.pop().expect("one command");
    match queued.command {
        // What asks nothing of the limits, so that commands about it name no counters.
        Command::PlaceOrder { order, candidates, .. } => {
            (*order, candidates.into_iter().map(|c| Candidate { asks: Vec::new(), ..c }).collect())
        }
        other => panic!("{other:?} where an order was to be placed"),
    }
}

/// What the world's first channel says of a method.
pub fn method_profile(method: sluice_contract::Method) -> sluice_contract::MethodProfile {
    let profile = account(0, &booths(0)[0]).channel.profile().methods.iter().find(|m| m.method == method).cloned();
    profile.expect("the world's channel has the method")
}
