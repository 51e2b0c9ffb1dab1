//! `least_cost` and `best_value` against brute force: fees worked out once more, in whole numbers.

use super::super::memory::Segment;
use super::super::{Memory, Score, Strategy};
use super::{Given, NOW, account, chain, one_rule, order};
use crate::domain::fee::{Tariff, Tier, share};
use proptest::prelude::*;
use proptest::strategy::Strategy as _;
use sluice_contract::{Fen, Method};

/// A tariff in millionths, as the test draws it.
#[derive(Clone, Debug)]
struct Price {
    rate_ppm: i128,
    min: Option<i64>,
    cap: Option<i64>,
    tiers: Vec<(i64, i128)>,
}

impl Price {
    fn tariff(&self) -> Tariff {
        let rate = |ppm: i128| share(&format!("{}.{:06}", ppm / 1_000_000, ppm % 1_000_000)).unwrap();
        let tiers = self.tiers.iter().map(|(from, ppm)| Tier { from: Fen(*from), rate: rate(*ppm) }).collect();
        Tariff { rate: rate(self.rate_ppm), min: self.min.map(Fen), cap: self.cap.map(Fen), tiers, rounding: Default::default() }
    }

    /// Half up to the fen, then the least, then the most.
    fn fee(&self, amount: i64) -> i64 {
        let mut rate_ppm = self.rate_ppm;
        for (from, ppm) in &self.tiers {
            if amount >= *from {
                rate_ppm = *ppm;
            }
        }
        let mut fee = i64::try_from((2 * i128::from(amount) * rate_ppm + 1_000_000) / 2_000_000).unwrap();
        if let Some(min) = self.min.filter(|min| fee < *min) {
            fee = min;
        }
        match self.cap {
            Some(cap) if fee > cap => cap,
            _ => fee,
        }
    }
}

fn price() -> impl proptest::strategy::Strategy<Value = Price> {
    let ppm = || prop_oneof![4 => 0..20_000_i128, 1 => Just(0_i128), 1 => Just(1_000_000_i128)];
    let tiers = prop::collection::btree_map(1..200_000_i64, ppm(), 0..4);
    (ppm(), prop::option::of(0..50_i64), prop::option::of(50..5_000_i64), tiers).prop_map(|(rate_ppm, min, cap, tiers)| Price {
        rate_ppm,
        min,
        cap,
        tiers: tiers.into_iter().collect(),
    })
}

fn priced(prices: &[Option<Price>]) -> (Vec<Given>, Vec<String>) {
    let ids: Vec<String> = (0..prices.len()).map(|at| format!("a{at}")).collect();
    let given = ids.iter().zip(prices).map(|(id, price)| Given { fee: price.as_ref().map(Price::tariff), ..account(id) });
    (given.collect(), ids)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_cheapest_account_goes_first_whatever_its_tariff(
        prices in prop::collection::vec(prop::option::weighted(0.9, price()), 1..9),
        amount in prop_oneof![1..2_000_i64, 1..250_000_i64, Just(10_000_000_000_i64)],
    ) {
        let (given, ids) = priced(&prices);
        let listed: Vec<(&str, u32)> = ids.iter().map(|id| (id.as_str(), 1)).collect();
        let decision = super::Asker { amount, ..order() }.decide(&given, &one_rule(Strategy::LeastCost, &listed), &Memory::default());
        // An account without a tariff comes last; those that cost the same stay as listed.
        let mut expected: Vec<(i128, usize)> = prices
            .iter()
            .enumerate()
            .map(|(at, price)| (price.as_ref().map_or(i128::MAX, |price| i128::from(price.fee(amount))), at))
            .collect();
        expected.sort_unstable();
        let expected: Vec<&str> = expected.iter().map(|(_, at)| ids[*at].as_str()).collect();
        prop_assert_eq!(chain(&decision), expected, "{:?} for {}", prices, amount);
        for (line, price) in decision.considered.iter().zip(&prices) {
            let score = price.as_ref().map_or(Score::NoFee, |price| Score::FeeFen(price.fee(amount)));
            prop_assert_eq!(line.score, Some(score));
        }
    }

    /// Chance × (amount − fee), the chances being those that the router itself reads.
    #[test]
    fn the_best_value_goes_first(
        prices in prop::collection::vec(price(), 2..6),
        ends in prop::collection::vec((0..6_usize, any::<bool>()), 0..300),
        amount in 1..250_000_i64,
    ) {
        let (given, ids) = priced(&prices.iter().cloned().map(Some).collect::<Vec<_>>());
        let listed: Vec<(&str, u32)> = ids.iter().map(|id| (id.as_str(), 1)).collect();
        let routing = one_rule(Strategy::BestValue, &listed);
        let (mut memory, taste) = (Memory::default(), routing.taste.clone());
        let segment = |account| Segment { account, method: Method::WechatNative, amount: Fen(amount) };
        for (at, good) in ends {
            memory.ended(segment(&ids[at % ids.len()]), good, NOW, &taste);
        }
        let decision = super::Asker { amount, ..order() }.decide(&given, &routing, &memory);
        let value = |at: usize| {
            let chance = i128::from(memory.reading(segment(&ids[at]), NOW, &taste).chance_ppm);
            ((i128::from(amount) - i128::from(prices[at].fee(amount))) * chance).div_euclid(1_000_000)
        };
        // One that is tried to learn about it stands before the others, which stay in order.
        let found: Vec<usize> = chain(&decision).iter().map(|id| ids.iter().position(|known| known == id).unwrap()).collect();
        let learned = usize::from(decision.tiers[0].explored);
        let mut expected: Vec<usize> = (0..ids.len()).filter(|at| !found[..learned].contains(at)).collect();
        expected.sort_by_key(|at| (std::cmp::Reverse(value(*at)), *at));
        prop_assert_eq!(&found[learned..], &expected[..]);
        for (at, line) in decision.considered.iter().enumerate() {
            let Some(Score::Value { expected_fen, fee_fen, .. }) = line.score else { panic!("{line:?}") };
            prop_assert_eq!((i128::from(expected_fen), fee_fen), (value(at), prices[at].fee(amount)));
        }
    }
}

/// A dear account that never fails against a cheap one that often does, and the other way round for a large fee.
#[test]
fn a_fee_is_worth_paying_when_it_buys_enough_success() {
    let flat = |id: &str, rate: &str| Given { fee: Tariff::flat(rate), ..account(id) };
    let given = [flat("cheap", "0.002"), flat("dear", "0.02")];
    let routing = one_rule(Strategy::BestValue, &[("cheap", 1), ("dear", 1)]);
    let mut memory = Memory::default();
    for nth in 0..400 {
        for (account, good) in [("cheap", nth % 10 != 0), ("dear", true)] {
            let segment = Segment { account, method: Method::WechatNative, amount: Fen(1_000) };
            memory.ended(segment, good, NOW, &routing.taste);
        }
    }
    assert_eq!(chain(&order().decide(&given, &routing, &memory)), ["dear", "cheap"]);
    let given = [flat("cheap", "0.002"), flat("dear", "0.3")];
    assert_eq!(chain(&order().decide(&given, &routing, &memory)), ["cheap", "dear"]);
}

/// Whatever a strategy orders, it orders every account once, and two orders alike are decided alike.
#[test]
fn every_strategy_names_every_account_once_and_is_repeatable() {
    let (given, ids) = priced(&[None, None, None, None]);
    let listed: Vec<(&str, u32)> = ids.iter().map(|id| (id.as_str(), 2)).collect();
    for (word, strategy) in Strategy::ALL {
        for draw in (0..1_000).map(super::super::sticky::mixed) {
            let (asker, routing) = (super::Asker { draw, ..order() }, one_rule(strategy, &listed));
            let decision = asker.decide(&given, &routing, &Memory::default());
            assert_eq!(decision, asker.decide(&given, &routing, &Memory::default()), "{word}");
            let mut all = chain(&decision);
            all.sort_unstable();
            assert_eq!(all, ids, "{word}");
        }
    }
}
