//! Builds the gateway under test: real flow, real engine, two accounts of one channel, one merchant.

use super::core::{Core, Shared};
use super::dice::SeededChance;
use super::habits::{self, Habits};
use super::merchant::{WEBHOOK_URL, webhook_secret};
use super::spy::Spied;
use crate::model::books::Books;
use arc_swap::ArcSwap;
use serde_json::{Value, json};
use sluice::channels::{CHANNELS, Listed};
use sluice::config::Secret;
use sluice::domain::limit::Limits;
use sluice::domain::merchant::{AccountState, Merchant};
use sluice::domain::route::{Routing, Rule, RuleAccount, Strategy};
use sluice::domain::when::When;
use sluice::domain::{Candidate, Order};
use sluice::flow::place_order::OrderRequest;
use sluice::flow::{Account, Directory, Gateway, MerchantEntry, Pace};
use sluice::outbound::{Policy, Renewals};
use sluice::store::{Command, Sealer};
use sluice_contract::{AccountConfig, Fen, Method, MethodProfile, Profile, Reader, ReverseRule};
use sluice_simkit::Booth;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Waker};

pub const MERCHANT: &str = "m1";
/// What a world is about: one channel and its two accounts, `a` and `b`.
pub struct Scene {
    pub channel: &'static str,
    pub profile: Profile,
    /// What orders are placed with, the commoner ones more than once.
    pub methods: Vec<String>,
    pub habits: &'static Habits,
    /// The hosts of the pretend channels, by booth.
    pub hosts: [String; 2],
    /// The accounts' ids, by booth.
    pub accounts: [String; 2],
}

impl Scene {
    pub fn of(listed: &Listed, booth: &Booth) -> Scene {
        let hosts = ["a", "b"].map(|which| format!("https://{which}.{}.test", listed.name));
        let accounts = ["a", "b"].map(|which| format!("{}-{which}", listed.name));
        let habits = habits::of(listed.name);
        let table = table(booth, &hosts[0]);
        let served: Vec<String> =
            table["methods"].as_array().expect("methods").iter().filter_map(|m| m.as_str().map(str::to_owned)).collect();
        let is_barcode = |word: &&String| Method::from_word(word).is_some_and(Method::is_barcode);
        let methods = match habits.methods {
            Some(methods) => methods.iter().map(|m| (*m).to_owned()).collect(),
            None => {
                let again = served.iter().filter(is_barcode).cloned().chain(["auto_barcode".to_owned()]);
                served.iter().cloned().chain(again).collect()
            }
        };
        let profile = open(listed, booth, &hosts[0], &accounts[0]).profile().clone();
        Scene { channel: listed.name, profile, methods, habits, hosts, accounts }
    }

    pub fn method(&self, method: Method) -> &MethodProfile {
        self.profile.method(method).expect("the world's channel has the method")
    }

    /// The barcode's rule, for whoever plans around its moments.
    pub fn reversal(&self) -> ReverseRule {
        self.profile.methods.iter().find_map(|m| m.reverse).expect("a barcode can be reversed")
    }
}

/// A channel of the list by its word.
pub fn listed(name: &str) -> &'static Listed {
    CHANNELS.iter().find(|listed| listed.name == name).expect("a channel of the list")
}

pub fn booths(listed: &Listed, seed: u64) -> Vec<Booth> {
    (0..2).map(|i| Booth::new((listed.fixed)(seed.wrapping_mul(2).wrapping_add(i)), seed ^ (i << 32))).collect()
}

/// The account's table as the simulator itself writes it.
fn table(booth: &Booth, host: &str) -> Value {
    let tree: Value = toml::from_str(&booth.sim.account_toml(host)).expect("the simulator's table is TOML");
    tree["account"][0].clone()
}

fn open(listed: &Listed, booth: &Booth, host: &str, id: &str) -> Box<dyn sluice_contract::Channel> {
    let root = json!({"credentials": table(booth, host)["credentials"]});
    let reader = Reader::root("account", &root);
    let credentials = reader.table("credentials").expect("there are credentials");
    let config = AccountConfig { id, base_url: host, sandbox: true, methods: None, credentials, previous: None };
    (listed.open)(config).unwrap_or_else(|problems| panic!("the simulator's credentials open an account: {problems:?}"))
}

pub fn account(listed: &Listed, scene: &Scene, index: usize, booth: &Booth) -> Arc<Account> {
    let id = &scene.accounts[index];
    let channel = open(listed, booth, &scene.hosts[index], id);
    let methods = channel.profile().methods.iter().map(|m| m.method).collect();
    Arc::new(Account {
        id: id.as_str().into(),
        channel: Arc::new(Spied(channel)),
        sandbox: true,
        reconcile_daily: false,
        owner: None,
        methods,
        fee: sluice::domain::fee::Tariff::flat("0.006"),
        app_ids: Vec::new(),
        amount_min: None,
        amount_max: None,
        opening: Default::default(),
        weight: None,
        state: AccountState::Enabled,
        notify_url: format!("https://gateway.test/notify/{id}"),
    })
}

/// A process that has just started: nothing in it but what is configured. `life` counts the starts.
pub fn gateway(world: &Shared, accounts: &[Arc<Account>], seed: u64, life: u64) -> Arc<Gateway> {
    let merchant = MerchantEntry {
        merchant: Merchant {
            id: MERCHANT.into(),
            name: "World".into(),
            enabled: true,
            webhook_url: Some(WEBHOOK_URL.into()),
            prefer: None,
        },
        webhook_secret: Some(Secret::new(webhook_secret())),
        bindings: Vec::new(),
        stores: Vec::new(),
    };
    let directory = Directory {
        accounts: accounts.to_vec(),
        merchants: [(MERCHANT.to_owned(), Arc::new(merchant))].into(),
        limits: if world.lock().tame { Limits::default() } else { super::limits::rules() },
        routing: if world.lock().tame { Routing::default() } else { routing(seed, accounts) },
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
        routing: Default::default(),
        metrics: Default::default(),
        keep_months: None,
        public_url: "https://gateway.test".into(),
        notify_policy: Policy { allow_private_addresses: true, allow_http: true },
    })
}

/// Some worlds have rules: every strategy, rules that fall through to the next, one that asks for an account. Not those whose seeds are
/// regressions, which are as old as the order of the file.
fn routing(seed: u64, accounts: &[Arc<Account>]) -> Routing {
    if !seed.is_multiple_of(5) && seed % 10 != 2 {
        return Routing::default();
    }
    let weights = |weights: &[(usize, u32)]| -> Vec<RuleAccount> {
        weights.iter().map(|(at, weight)| RuleAccount { id: accounts[*at].id.clone(), weight: *weight }).collect()
    };
    let rule = |name: &str, when: &str, strategy, of: &[(usize, u32)]| {
        let when = if when.is_empty() { When::always() } else { When::parse(when).expect("a predicate") };
        Rule { name: name.to_owned(), when, strategy, accounts: weights(of) }
    };
    let last = accounts.len() - 1;
    let (_, strategy) = Strategy::ALL[usize::try_from(seed / 5 % 6).unwrap_or(0)];
    let rules = match seed / 30 % 3 {
        0 => vec![rule("all", "", strategy, &[(last, 2), (0, 1)])],
        1 => {
            vec![rule("large", "order.amount > 30000", strategy, &[(last, 1)]), rule("all", "", Strategy::RoundRobin, &[(0, 1), (last, 2)])]
        }
        _ => vec![
            rule("one", &format!("account == '{}'", accounts[last].id), strategy, &[]),
            rule("all", "", strategy, &[(0, 1), (last, 0)]),
        ],
    };
    Routing { rules, ..Routing::default() }
}

/// An order as T1 is asked to store it, with its candidates: what the model and the store suite start from.
pub fn draft(barcode: bool) -> (Order, Vec<Candidate>) {
    let (listed, booths) = (listed("wechat"), booths(listed("wechat"), 0));
    let scene = Scene::of(listed, &booths[0]);
    let accounts: Vec<_> = booths.iter().enumerate().map(|(index, booth)| account(listed, &scene, index, booth)).collect();
    let world = Shared::new(Core::new(0, scene, booths, Books::memory()));
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

/// What a channel's account says of itself.
pub fn profile(channel: &str) -> Profile {
    let listed = listed(channel);
    Scene::of(listed, &booths(listed, 0)[0]).profile
}
