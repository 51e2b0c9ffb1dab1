//! What a decision of the router costs in process: a hundred accounts over five channels, all bound to the merchant, of which forty serve
//! the method (its own channel's and one bank's); fifty rules that name all accounts, of which the last matches; and ten limits asked for the
//! accounts that are prepared at once. Beside it the worst there can be: all hundred serve the method.

use super::Bench;
use crate::subject::Done;
use serde_json::{Map, Value};
use sluice::domain::Name;
use sluice::domain::fee::Tariff;
use sluice::domain::limit::{Limit, Limits, Measure, Per, Subjects, Window};
use sluice::domain::merchant::{AccountState, Binding};
use sluice::domain::route::memory::Segment;
use sluice::domain::route::{AccountView, Memory, Need, Opening, Question, Routing, Rule, RuleAccount, Strategy, decide};
use sluice::domain::when::{Asked, Facts, When};
use sluice_contract::{Fen, Method, Millis, Payer};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const ACCOUNTS: usize = 100;
/// Five channels have twenty accounts each; two of them serve the method.
const SERVING: usize = 40;
const RULES: usize = 50;
const DECISIONS: u32 = 20_000;
/// As many accounts as are prepared at once (`flow/candidates.rs`).
const CHAIN: usize = 3;
const NOW: i64 = 1_780_000_000_000;

struct Platform {
    ids: Vec<Name>,
    fees: Vec<Tariff>,
    bindings: Vec<Binding>,
    opening: Opening,
    methods: Vec<Method>,
    other_methods: Vec<Method>,
    /// How many accounts serve the method.
    serving: usize,
    limits: Limits,
    payer: Payer,
    metadata: Map<String, Value>,
}

impl Platform {
    fn new(serving: usize) -> Platform {
        let ids: Vec<Name> = (0..ACCOUNTS).map(|n| format!("account-{n:03}").into()).collect();
        let binding = |id: &Name| Binding {
            merchant_id: "m_demo".into(),
            account: id.clone(),
            sub: Default::default(),
            methods: None,
            enabled: true,
            rank: 0,
            off_because: None,
        };
        let limit = |n: usize| {
            let per = [Per::Account, Per::Merchant][n % 2];
            Arc::new(Limit::new(&format!("limit-{n}"), &[per], Measure::Amount, Window::Day(0), 900_000_000_000))
        };
        Platform {
            fees: (0..ACCOUNTS).filter_map(|n| Tariff::flat(&format!("0.00{}", 2 + n % 7))).collect(),
            bindings: ids.iter().map(binding).collect(),
            opening: Opening::default(),
            methods: vec![Method::WechatNative, Method::WechatBarcode],
            other_methods: vec![Method::AlipayQr, Method::AlipayBarcode, Method::UnionpayQr],
            serving,
            limits: Limits((0..10).map(limit).collect()),
            payer: Payer { openid: Some("o-of-somebody".into()), ..Payer::default() },
            metadata: Map::new(),
            ids,
        }
    }

    fn views(&self) -> Vec<AccountView<'_>> {
        let view = |(place, (id, fee)): (usize, (_, _))| AccountView {
            id,
            channel: "wechat",
            state: AccountState::Enabled,
            sandbox: false,
            owner: None,
            // Spread over the file, as they would be.
            methods: if place * self.serving % ACCOUNTS < self.serving { &self.methods } else { &self.other_methods },
            app_ids: &[],
            amount_min: Fen(1),
            amount_max: Fen(100_000_000),
            opening: &self.opening,
            fee: Some(fee),
            weight: None,
        };
        self.ids.iter().zip(&self.fees).enumerate().map(view).collect()
    }

    fn facts(&self, amount: Fen) -> Facts<'_> {
        let order = Asked {
            merchant_order_no: "M1",
            amount,
            currency: "CNY",
            subject: "Tea",
            method: Method::WechatNative.word(),
            app_id: None,
            store: Some("s1"),
            operator_id: None,
            auth_means: None,
            h5_type: None,
            client_ip: None,
            expires_in: None,
            account: None,
            terminal: None,
            metadata: &self.metadata,
        };
        let (payer, now) = (&self.payer, Millis(NOW));
        Facts { order, payer, merchant_id: "m_demo", merchant_name: "Demo", account: "", channel: "", now }
    }

    fn routing(&self, strategy: Strategy) -> Routing {
        let accounts: Vec<RuleAccount> = self.ids.iter().map(|id| RuleAccount { id: id.clone(), weight: 1 }).collect();
        let rule = |n: usize| {
            let text = if n + 1 == RULES {
                "order.amount > 0".to_owned()
            } else {
                format!("order.method == 'alipay_qr' && order.amount >= {n} || order.store == 'other-{n}'")
            };
            When::parse(&text).map(|when| Rule { name: format!("rule-{n}"), when, strategy, accounts: accounts.clone() })
        };
        Routing { rules: (0..RULES).filter_map(|n| rule(n).ok()).collect(), ..Routing::default() }
    }
}

impl Bench {
    /// Half and the slowest hundredth of the decisions, by strategy.
    pub fn decisions(&mut self) -> Done {
        println!("decisions: {ACCOUNTS} accounts, {RULES} rules, 10 limits, {DECISIONS} each:");
        for (serving, bar) in [(SERVING, Some(20.0)), (ACCOUNTS, None)] {
            let platform = Platform::new(serving);
            for (word, strategy) in Strategy::ALL {
                let (median, slow) = timed(&platform, strategy)?;
                self.line(&format!("{word}, {serving} serve the method, median"), median.as_secs_f64() * 1e6, "µs", None);
                self.line(&format!("{word}, {serving} serve the method, p99"), slow.as_secs_f64() * 1e6, "µs", bar);
            }
        }
        Ok(())
    }
}

fn timed(platform: &Platform, strategy: Strategy) -> Done<(Duration, Duration)> {
    let routing = platform.routing(strategy);
    let mut memory = Memory::default();
    for (n, id) in platform.ids.iter().cycle().take(10_000).enumerate() {
        let segment = Segment { account: id, method: Method::WechatNative, amount: Fen(10_000) };
        memory.ended(segment, n % 17 != 0, Millis(NOW), &routing.taste);
    }
    let mut took = Vec::new();
    for n in 0..DECISIONS {
        // The least of three: what another process took away in between is not the decision's.
        let mut least = Duration::MAX;
        for _ in 0..3 {
            let began = Instant::now();
            let asks = one(platform, &routing, &mut memory, u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            least = least.min(began.elapsed());
            if asks == 0 {
                return Err("the decision has not ranked every account".into());
            }
        }
        took.push(least);
    }
    took.sort_unstable();
    let at = |share: usize| took.get(took.len() * share / 100).copied().unwrap_or_default();
    Ok((at(50), at(99)))
}

/// One decision, acted on, and what its first accounts ask of the limits; nought asks if anything was not ranked.
fn one(platform: &Platform, routing: &Routing, memory: &mut Memory, draw: u64) -> usize {
    let facts = platform.facts(Fen(10_000));
    let bindings = &platform.bindings;
    let need = Need { method: Method::WechatNative, amount: Fen(10_000), app_id: None, pinned: None, bindings, now: Millis(NOW) };
    let question = Question { need, facts, prefer: None, tried: &[], within: None, draw };
    let decision = decide(&question, &platform.views(), routing, memory);
    memory.begin(&decision, Millis(NOW));
    let mut asks = 0;
    for (_, line) in decision.ranked().take(CHAIN) {
        let facts = Facts { account: &line.account, channel: "wechat", ..facts };
        let asked = platform.limits.ask(&facts, Subjects { payer: None, customer: None }, Millis(NOW + 900_000));
        asks += asked.map_or(0, |asked| black_box(asked).asks.len());
    }
    if black_box(&decision).ranked().count() == platform.serving { asks } else { 0 }
}
