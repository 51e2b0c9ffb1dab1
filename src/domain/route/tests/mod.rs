//! The router against what it promises: every rule by a test of its own, every strategy against a plain calculation.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod cost;
mod fall_through;
mod filter;
mod health;
mod record;
mod sticky;
mod turns;

use super::{AccountView, Decision, Dropped, Memory, Need, Opening, Question, Routing, Rule, RuleAccount, Strategy, decide};
use crate::domain::Name;
use crate::domain::fee::Tariff;
use crate::domain::merchant::{AccountState, Binding};
use crate::domain::when::{Asked, Facts, When};
use serde_json::Map;
use sluice_contract::{Fen, Method, Millis, Notes, Payer};

/// 2026-03-02 10:00 in Shanghai.
const NOW: Millis = Millis(1_772_416_800_000);
const MERCHANT: &str = "m";

/// An account that takes everything, until a test says otherwise.
#[derive(Clone, Debug)]
struct Given {
    id: Name,
    channel: &'static str,
    state: AccountState,
    sandbox: bool,
    owner: Option<String>,
    methods: Vec<Method>,
    app_ids: Vec<String>,
    amount_min: Fen,
    amount_max: Fen,
    opening: Opening,
    fee: Option<Tariff>,
    weight: Option<u32>,
}

fn account(id: &str) -> Given {
    Given {
        id: id.into(),
        channel: "wechat",
        state: AccountState::Enabled,
        sandbox: true,
        owner: None,
        methods: vec![Method::WechatNative],
        app_ids: Vec::new(),
        amount_min: Fen(1),
        amount_max: Fen(10_000_000_000),
        opening: Opening::default(),
        fee: None,
        weight: None,
    }
}

fn accounts(ids: &[&str]) -> Vec<Given> {
    ids.iter().map(|id| account(id)).collect()
}

impl Given {
    fn view(&self) -> AccountView<'_> {
        AccountView {
            id: &self.id,
            channel: self.channel,
            state: self.state,
            sandbox: self.sandbox,
            owner: self.owner.as_deref(),
            methods: &self.methods,
            app_ids: &self.app_ids,
            amount_min: self.amount_min,
            amount_max: self.amount_max,
            opening: &self.opening,
            fee: self.fee.as_ref(),
            weight: self.weight,
        }
    }
}

/// An order as the router is asked about it.
#[derive(Clone, Debug)]
struct Asker {
    method: Method,
    amount: i64,
    app_id: Option<String>,
    pinned: Option<String>,
    bindings: Vec<Binding>,
    payer: Payer,
    prefer: Option<Vec<String>>,
    tried: Vec<String>,
    within: Option<Option<String>>,
    draw: u64,
    now: Millis,
}

fn order() -> Asker {
    Asker {
        method: Method::WechatNative,
        amount: 1_000,
        app_id: None,
        pinned: None,
        bindings: Vec::new(),
        payer: Payer::default(),
        prefer: None,
        tried: Vec::new(),
        within: None,
        draw: u64::MAX,
        now: NOW,
    }
}

impl Asker {
    fn decide(&self, accounts: &[Given], routing: &Routing, memory: &Memory) -> Decision {
        let metadata = Map::new();
        let asked = Asked {
            merchant_order_no: "A-1",
            amount: Fen(self.amount),
            currency: "CNY",
            subject: "Tea",
            method: self.method.word(),
            app_id: self.app_id.as_deref(),
            store: None,
            operator_id: None,
            auth_means: None,
            h5_type: None,
            client_ip: None,
            expires_in: None,
            account: self.pinned.as_deref(),
            terminal: None,
            metadata: &metadata,
        };
        let facts =
            Facts { order: asked, payer: &self.payer, merchant_id: MERCHANT, merchant_name: "M", account: "", channel: "", now: self.now };
        let need = Need {
            method: self.method,
            amount: Fen(self.amount),
            app_id: self.app_id.as_deref(),
            pinned: self.pinned.as_deref(),
            bindings: &self.bindings,
            now: self.now,
        };
        let within = self.within.as_ref().map(Option::as_deref);
        let question = Question { need, facts, prefer: self.prefer.as_deref(), tried: &self.tried, within, draw: self.draw };
        let views: Vec<AccountView<'_>> = accounts.iter().map(Given::view).collect();
        decide(&question, &views, routing, memory)
    }
}

fn binding(account: &str) -> Binding {
    Binding {
        merchant_id: MERCHANT.to_owned(),
        account: account.into(),
        sub: Notes::new(),
        methods: None,
        enabled: true,
        rank: 0,
        off_because: None,
    }
}

/// `when`: empty for every order.
fn rule(name: &str, when: &str, strategy: Strategy, accounts: &[(&str, u32)]) -> Rule {
    let when = if when.is_empty() { When::always() } else { When::parse(when).unwrap() };
    let accounts = accounts.iter().map(|(id, weight)| RuleAccount { id: (*id).into(), weight: *weight }).collect();
    Rule { name: name.to_owned(), when, strategy, accounts }
}

fn routing(rules: &[Rule]) -> Routing {
    Routing { rules: rules.to_vec(), ..Routing::default() }
}

/// One rule over these accounts for every order.
fn one_rule(strategy: Strategy, accounts: &[(&str, u32)]) -> Routing {
    routing(&[rule("r", "", strategy, accounts)])
}

/// The ids in the order of trying.
fn chain(decision: &Decision) -> Vec<&str> {
    decision.ranked().map(|(_, line)| line.account.as_str()).collect()
}

fn first(decision: &Decision) -> &str {
    chain(decision)[0]
}

fn dropped(decision: &Decision, account: &str) -> Option<Dropped> {
    decision.considered.iter().find(|line| line.account == account).unwrap().dropped
}
