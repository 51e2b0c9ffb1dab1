//! No note is ever wrong: random files, random orders and every state an operator may have set, decided by the router itself.

use super::three;
use crate::config::{Settings, State};
use crate::domain::Name;
use crate::domain::merchant::AccountState;
use crate::domain::route::sticky::mixed;
use crate::domain::route::{AccountView, Decision, Dropped, Memory, Need, Question, decide};
use crate::domain::when::{Asked, Facts};
use serde_json::{Map, Value, json};
use sluice_contract::{Fen, Method, Millis, Payer};
use std::collections::BTreeMap;

/// Chance from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = mixed(self.0.wrapping_add(0x9e37_79b9_7f4a_7c15));
        self.0 % n
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of.get(usize::try_from(self.below(of.len() as u64)).unwrap_or_default()).copied().unwrap_or_default()
    }
}

const STRATEGIES: &[&str] = &["priority", "round_robin", "least_cost", "success_rate", "best_value", "sticky"];
const CONDITIONS: &[&str] = &[
    "true",
    "false",
    "order.amount > 500",
    "order.amount > 500",
    "order.amount <= 500",
    "order.method == 'wechat_native'",
    "order.method == 'wechat_jsapi' || order.amount > 500",
    "order.method in ['wechat_native', 'alipay_qr']",
    "account == 'a'",
    "account != 'a' && order.amount > 500",
    "channel == 'alipay'",
    "channel == 'wechat'",
    "order.metadata.x > 5",
    "order.metadata.x > 5 || true",
    "!(order.metadata.x > 5 && false)",
    "order.amount > 500 ? account == 'b' : method.endsWith('native')",
];

fn file(dice: &mut Dice) -> String {
    let mut text = String::new();
    for index in 0..=dice.below(3) {
        text += &format!("[[rule]]\nname = \"r{index}\"\nstrategy = \"{}\"\n", dice.one(STRATEGIES));
        if dice.below(4) > 0 {
            text += &format!("when = \"{}\"\n", dice.one(CONDITIONS));
        }
        let mut accounts = Vec::new();
        for id in ["a", "b", "c"] {
            if dice.below(2) == 0 {
                accounts.push(format!("{{ id = \"{id}\", weight = {} }}", dice.one(&["0", "1", "1", "3"])));
            }
        }
        if !accounts.is_empty() {
            text += &format!("accounts = [{}]\n", accounts.join(", "));
        }
    }
    text
}

/// How an order is decided. `switched`: operators have changed states and weights at will.
fn decided(settings: &Settings, dice: &mut Dice, switched: bool) -> Decision {
    let method = if dice.below(2) == 0 { Method::WechatNative } else { Method::WechatJsapi };
    let amount = Fen(if dice.below(2) == 0 { 500 } else { 501 });
    let metadata: Map<String, Value> = match dice.below(3) {
        0 => Map::new(),
        1 => [("x".to_owned(), json!(9))].into_iter().collect(),
        _ => [("x".to_owned(), json!("text"))].into_iter().collect(),
    };
    let payer = Payer::default();
    let order = Asked {
        merchant_order_no: "A-1",
        amount,
        currency: "CNY",
        subject: "",
        method: method.word(),
        app_id: None,
        store: None,
        operator_id: None,
        auth_means: None,
        h5_type: None,
        client_ip: None,
        expires_in: None,
        account: None,
        terminal: None,
        metadata: &metadata,
    };
    let facts = Facts { order, payer: &payer, merchant_id: "m", merchant_name: "m", account: "", channel: "", now: Millis(0) };
    let need = Need { method, amount, app_id: None, pinned: None, bindings: &[], now: Millis(0) };
    let question = Question { need, facts, prefer: Some(&[]), tried: &[], within: None, draw: dice.below(u64::MAX) };
    let names: Vec<Name> = settings.accounts.iter().map(|account| account.id.as_str().into()).collect();
    let views: Vec<AccountView<'_>> =
        settings.accounts.iter().zip(&names).map(|(account, name)| view(account, name, dice, switched)).collect();
    decide(&question, &views, &settings.routing, &Memory::default())
}

fn view<'a>(account: &'a crate::config::Account, name: &'a Name, dice: &mut Dice, switched: bool) -> AccountView<'a> {
    let profile = account.channel.profile();
    let filed = match account.state {
        State::Enabled => AccountState::Enabled,
        State::Draining => AccountState::Draining,
        State::Disabled => AccountState::Disabled,
    };
    let weight = Some(u32::try_from(dice.below(3)).unwrap_or_default()).filter(|_| switched && dice.below(2) == 0);
    AccountView {
        id: name,
        channel: profile.channel,
        state: if switched && dice.below(3) > 0 { AccountState::Enabled } else { filed },
        sandbox: account.sandbox,
        owner: None,
        methods: &account.methods,
        app_ids: &[],
        amount_min: profile.amount_min,
        amount_max: profile.amount_max,
        opening: &account.terms.opening,
        fee: account.terms.fee.as_ref(),
        weight,
    }
}

/// Whether a note about a rule is true of this decision.
fn is_true(note: &str, rule: &str, decision: &Decision, switched: bool) -> bool {
    let tier = decision.tiers.iter().find(|tier| tier.rule.as_deref() == Some(rule));
    let taken = tier.map_or(0, |tier| tier.places.len());
    match note {
        _ if note.contains("never matches") || note.contains("reached by no new order") => taken == 0,
        _ if note.contains("takes no order") => switched || taken == 0,
        _ if note.contains("has nothing to share") => switched || taken <= 1,
        _ => true,
    }
}

/// Whether an account that is in no rule comes after those of every rule.
fn comes_last(account: &str, decision: &Decision) -> bool {
    let at = |id: &str| decision.considered.iter().find(|line| line.account == id).and_then(|line| line.place);
    let of_rules = decision.ranked().filter(|(tier, _)| decision.tiers.get(*tier).is_some_and(|tier| tier.rule.is_some()));
    let last = of_rules.filter_map(|(_, line)| line.place).max();
    at(account).zip(last).is_none_or(|(own, last)| own > last)
}

#[test]
fn no_note_is_wrong_about_any_order() {
    let mut dice = Dice(6);
    let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..1_500 {
        let mut folder = three().with("routing.toml", &file(&mut dice));
        if dice.below(3) == 0 {
            folder = folder.edit("channels.toml", "sandbox = true\n", "sandbox = true\nstate = \"disabled\"\n");
        }
        let settings = folder.load().unwrap_or_else(|found| panic!("{found:?}"));
        for round in 0..12 {
            let switched = round % 2 == 1;
            let decision = decided(&settings, &mut dice, switched);
            assert!(decision.considered.iter().all(|line| line.dropped != Some(Dropped::NotBound)), "{decision:?}");
            for note in &settings.notes {
                let name = note.reason.split(' ').next().unwrap_or_default();
                let holds = if note.file == "routing.toml" {
                    is_true(&note.reason, name, &decision, switched)
                } else {
                    !note.reason.contains("is in no rule") || comes_last(name, &decision)
                };
                assert!(holds, "{note}\nis not true of {decision:?}\nby {:?}", settings.routing.rules);
            }
        }
        for kind in ["never matches", "reached by no new order", "takes no order", "nothing to share", "is in no rule", "is disabled"] {
            *kinds.entry(kind).or_default() += u32::from(settings.notes.iter().any(|note| note.reason.contains(kind)));
        }
    }
    assert!(kinds.values().all(|seen| *seen > 30), "too few notes of a kind were seen: {kinds:?}");
}
