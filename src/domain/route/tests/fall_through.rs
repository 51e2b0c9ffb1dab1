//! Rules one after the other, against a plain reading of CONTRACT section 8; the merchant's own preference; orders that go on.

use super::super::{Dropped, Memory, Rule, Strategy};
use super::{Asker, Given, account, accounts, chain, dropped, order, routing, rule};
use crate::domain::fee::Tariff;
use crate::domain::merchant::AccountState;
use proptest::prelude::*;
use proptest::strategy::Strategy as _;

const IDS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const FEES: [&str; 6] = ["0.006", "0.002", "0.006", "0.001", "0.008", "0.003"];

/// What a drawn rule asks for, as text and as the reference reads it.
#[derive(Clone, Debug)]
enum Asks {
    Always,
    Never,
    /// Has no answer: no match.
    Failing,
    AmountOver(i64),
    Account(usize),
    Channel(&'static str),
}

impl Asks {
    fn text(&self) -> String {
        match self {
            Asks::Always => String::new(),
            Asks::Never => "false".into(),
            Asks::Failing => "order.metadata.k + 1 > 1".into(),
            Asks::AmountOver(fen) => format!("order.amount > {fen}"),
            Asks::Account(at) => format!("account == '{}'", IDS[*at]),
            Asks::Channel(word) => format!("channel == '{word}'"),
        }
    }

    fn holds(&self, amount: i64, at: usize, given: &Given) -> bool {
        match self {
            Asks::Always => true,
            Asks::Never | Asks::Failing => false,
            Asks::AmountOver(fen) => amount > *fen,
            Asks::Account(wanted) => *wanted == at,
            Asks::Channel(word) => given.channel == *word,
        }
    }
}

#[derive(Clone, Debug)]
struct DrawnRule {
    asks: Asks,
    cheapest: bool,
    /// `None`: every account.
    accounts: Option<Vec<(usize, u32)>>,
}

fn drawn_rule() -> impl proptest::strategy::Strategy<Value = DrawnRule> {
    let asks = prop_oneof![
        3 => Just(Asks::Always),
        1 => Just(Asks::Never),
        1 => Just(Asks::Failing),
        2 => (0..2_000_i64).prop_map(Asks::AmountOver),
        1 => (0..6_usize).prop_map(Asks::Account),
        1 => prop_oneof![Just("wechat"), Just("alipay")].prop_map(Asks::Channel),
    ];
    let listed = prop::collection::btree_map(0..6_usize, 0..3_u32, 1..4).prop_map(|map| map.into_iter().collect::<Vec<_>>()).prop_shuffle();
    (asks, any::<bool>(), prop::option::weighted(0.8, listed)).prop_map(|(asks, cheapest, accounts)| DrawnRule { asks, cheapest, accounts })
}

/// The accounts in the order of trying, each with the rule that ranks it.
fn reference(
    rules: &[DrawnRule],
    given: &[Given],
    kept: &[bool],
    amount: i64,
    within: Option<Option<usize>>,
) -> Vec<(Option<usize>, usize)> {
    let mut left: Vec<usize> = (0..given.len()).filter(|at| kept[*at]).collect();
    let mut ranked = Vec::new();
    for (name, rule) in rules.iter().enumerate() {
        if within.is_some_and(|within| within != Some(name)) {
            continue;
        }
        let all: Vec<(usize, u32)> = (0..given.len()).map(|at| (at, 1)).collect();
        let listed = rule.accounts.as_ref().unwrap_or(&all);
        let mut tier: Vec<usize> = Vec::new();
        for (at, weight) in listed {
            if left.contains(at) && *weight > 0 && rule.asks.holds(amount, *at, &given[*at]) {
                tier.push(*at);
            }
        }
        if rule.cheapest {
            tier.sort_by_key(|at| given[*at].fee.as_ref().unwrap().fee(sluice_contract::Fen(amount)).unwrap().0);
        }
        left.retain(|at| !tier.contains(at));
        ranked.extend(tier.into_iter().map(|at| (Some(name), at)));
    }
    if within.is_none_or(|within| within.is_none()) {
        ranked.extend(left.into_iter().map(|at| (None, at)));
    }
    ranked
}

fn drawn_accounts(off: &[u8]) -> Vec<Given> {
    let channel = |at: usize| if at.is_multiple_of(2) { "wechat" } else { "alipay" };
    let one = |(at, off): (usize, &u8)| Given {
        channel: channel(at),
        fee: Tariff::flat(FEES[at]),
        state: if *off == 1 { AccountState::Disabled } else { AccountState::Enabled },
        ..account(IDS[at])
    };
    off.iter().enumerate().map(one).collect()
}

fn drawn_rules(rules: &[DrawnRule]) -> Vec<Rule> {
    let one = |(name, drawn): (usize, &DrawnRule)| {
        let strategy = if drawn.cheapest { Strategy::LeastCost } else { Strategy::Priority };
        let listed: Vec<(&str, u32)> = drawn.accounts.iter().flatten().map(|(at, weight)| (IDS[*at], *weight)).collect();
        rule(&format!("r{name}"), &drawn.asks.text(), strategy, &listed)
    };
    rules.iter().enumerate().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn rules_rank_and_fall_through_as_the_contract_reads(
        rules in prop::collection::vec(drawn_rule(), 0..5),
        off in prop::collection::vec(0..4_u8, 6..=6),
        amount in 1..2_000_i64,
        within in prop::option::weighted(0.3, prop::option::of(0..5_usize)),
    ) {
        // Some are off, some have been tried.
        let given = drawn_accounts(&off);
        let tried = (0..6).filter(|at| off[*at] == 2).map(|at| IDS[at].to_owned()).collect();
        let kept: Vec<bool> = off.iter().map(|off| *off != 1 && *off != 2).collect();
        let asker = Asker { amount, tried, within: within.map(|rule| rule.map(|at| format!("r{at}"))), ..order() };
        let decision = asker.decide(&given, &routing(&drawn_rules(&rules)), &Memory::default());
        let expected = reference(&rules, &given, &kept, amount, within);
        let name = |rule: Option<usize>| rule.map(|at| format!("r{at}"));
        let found: Vec<(Option<String>, &str)> =
            decision.ranked().map(|(tier, line)| (decision.tiers[tier].rule.clone(), line.account.as_str())).collect();
        let expected: Vec<(Option<String>, &str)> = expected.into_iter().map(|(rule, at)| (name(rule), IDS[at])).collect();
        prop_assert_eq!(&found, &expected);
        // Whoever is in the chain has his place and no reason against him; everybody else has a reason.
        for line in &decision.considered {
            let place = found.iter().position(|(_, id)| *id == line.account);
            prop_assert_eq!((line.place, line.dropped.is_none(), line.score.is_some()), (place, place.is_some(), place.is_some()), "{:?}", line);
        }
    }

    /// The merchant's own order stands before every rule; what it does not name follows as if it were not there.
    #[test]
    fn what_the_merchant_prefers_goes_first_whatever_the_rules_say(
        rules in prop::collection::vec(drawn_rule(), 0..4),
        off in prop::collection::vec(0..4_u8, 6..=6),
        amount in 1..2_000_i64,
        prefer in prop::sample::subsequence((0..6_usize).collect::<Vec<_>>(), 0..5).prop_shuffle(),
        by_owner in any::<bool>(),
    ) {
        let mut given = drawn_accounts(&off);
        let kept: Vec<bool> = off.iter().map(|off| *off != 1).collect();
        let mut asker = Asker { amount, ..order() };
        if by_owner {
            prefer.iter().for_each(|at| given[*at].owner = Some(super::MERCHANT.into()));
        } else {
            asker.prefer = Some(prefer.iter().map(|at| IDS[*at].to_owned()).collect());
        }
        let decision = asker.decide(&given, &routing(&drawn_rules(&rules)), &Memory::default());
        let ranked = |first: Option<bool>| -> Vec<usize> {
            let kept: Vec<bool> = (0..6).map(|at| kept[at] && first.is_none_or(|first| prefer.contains(&at) == first)).collect();
            reference(&rules, &given, &kept, amount, None).into_iter().map(|(_, at)| at).collect()
        };
        let expected: Vec<usize> = if by_owner {
            // Without a wish, the accounts it owns by the rules, then all others by the rules.
            [ranked(Some(true)), ranked(Some(false))].concat()
        } else {
            let others = ranked(None).into_iter().filter(|at| !prefer.contains(at));
            prefer.iter().copied().filter(|at| kept[*at]).chain(others).collect()
        };
        let expected: Vec<&str> = expected.into_iter().map(|at| IDS[at]).collect();
        prop_assert_eq!(chain(&decision), expected);
    }
}

/// Another merchant's direct account is nobody's preference, and an empty wish is a wish: nobody stands in front.
#[test]
fn only_ones_own_accounts_are_preferred_and_an_empty_wish_prefers_nobody() {
    let mut given = accounts(&["a", "b"]);
    given[1].owner = Some("somebody else".into());
    assert_eq!(chain(&order().decide(&given, &routing(&[]), &Memory::default())), ["a", "b"]);
    given[1].owner = Some(super::MERCHANT.into());
    assert_eq!(chain(&order().decide(&given, &routing(&[]), &Memory::default())), ["b", "a"]);
    let none = Asker { prefer: Some(Vec::new()), ..order() };
    assert_eq!(chain(&none.decide(&given, &routing(&[]), &Memory::default())), ["a", "b"]);
}

/// An order goes on within its rule, its merchant's wish first, and what was tried is not tried again.
#[test]
fn an_order_that_goes_on_stays_within_its_rule_and_its_merchants_wish() {
    let given = accounts(&["a", "b", "c", "d"]);
    let rules = routing(&[rule("one", "", Strategy::Priority, &[("a", 1), ("b", 1)]), rule("two", "", Strategy::Priority, &[("c", 1)])]);
    let onward = |tried: &[&str], within: Option<&str>, prefer: Option<&[&str]>| {
        let texts = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        Asker { tried: texts(tried), within: Some(within.map(str::to_owned)), prefer: prefer.map(texts), ..order() }.decide(
            &given,
            &rules,
            &Memory::default(),
        )
    };
    let decision = onward(&["a"], Some("one"), None);
    assert_eq!(
        (chain(&decision), dropped(&decision, "a"), dropped(&decision, "c")),
        (vec!["b"], Some(Dropped::Tried), Some(Dropped::NotInRule))
    );
    assert!(chain(&onward(&["a", "b"], Some("one"), None)).is_empty());
    // The rule is gone: nobody knows where it may go.
    assert!(chain(&onward(&["a"], Some("gone"), None)).is_empty());
    assert_eq!(chain(&onward(&["a"], None, None)), ["b", "c", "d"]);
    let wished = onward(&["a"], Some("one"), Some(&["d", "a"]));
    assert_eq!((chain(&wished), dropped(&wished, "d")), (vec!["d", "b"], None), "{wished:?}");
}

/// An account that the merchant asked for is neither ranked nor weighed: every rule is passed by.
#[test]
fn a_pinned_account_passes_every_rule_by() {
    let given = accounts(&["a", "b"]);
    let rules = routing(&[rule("one", "", Strategy::RoundRobin, &[("a", 1), ("b", 0)])]);
    let decision = Asker { pinned: Some("b".into()), ..order() }.decide(&given, &rules, &Memory::default());
    assert_eq!((chain(&decision), decision.tiers[0].rule.as_deref(), decision.pinned), (vec!["b"], None, true));
}

/// Whoever stands before the others by the merchant's wish takes no turn, and neither does the account behind it.
#[test]
fn a_preferred_account_takes_no_turn() {
    let given = accounts(&["a", "b", "c"]);
    let rules = routing(&[rule("one", "", Strategy::RoundRobin, &[("a", 1), ("b", 1)])]);
    let mut memory = Memory::default();
    let wished = Asker { prefer: Some(vec!["c".into()]), ..order() };
    for _ in 0..3 {
        let decision = wished.decide(&given, &rules, &memory);
        assert_eq!(chain(&decision), ["c", "a", "b"]);
        memory.begin(&decision, super::NOW);
        memory.settle(&decision, Some("c"));
    }
    assert_eq!(chain(&order().decide(&given, &rules, &memory)), ["a", "b", "c"]);
}
