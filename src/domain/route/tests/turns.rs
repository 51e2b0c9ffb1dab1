//! Turns are exact: over whole cycles to the order, over any beginning to less than one order, whatever becomes of single turns.

use super::super::turns::{Turn, Turns};
use super::super::{Memory, Strategy};
use super::{accounts, chain, first, one_rule, order};
use crate::domain::Name;
use proptest::prelude::*;

fn of(weights: &[u32]) -> Vec<(Name, u32)> {
    weights.iter().enumerate().map(|(place, weight)| (format!("a{place}").into(), *weight)).collect()
}

/// The turn of the next order, taken.
fn next(turns: &mut Turns, key: u64, of: &[(Name, u32)]) -> Turn {
    let order = Turns::in_order(&turns.credits(key, of), of);
    let turn = Turn { key, of: of.into(), picked: order[0] };
    turns.take(&turn);
    turn
}

fn total(weights: &[u32]) -> i64 {
    weights.iter().map(|weight| i64::from(*weight)).sum()
}

/// What everybody has to his credit between two orders.
fn rest(turns: &Turns, key: u64, of: &[(Name, u32)]) -> Vec<i64> {
    turns.credits(key, of).iter().zip(of).map(|(credit, (_, weight))| credit - i64::from(*weight)).collect()
}

fn weights() -> impl proptest::strategy::Strategy<Value = Vec<u32>> {
    prop::collection::vec(prop_oneof![3 => 1_u32..=20, 1 => Just(1_u32), 1 => Just(20_u32)], 1..=8)
}

/// Whether a count is less than one order away from its share of so many orders.
fn is_near(count: i64, orders: i64, weight: u32, total: i64) -> bool {
    (count * total - orders * i64::from(weight)).abs() < total
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Every beginning is less than one order off, every window of whole cycles is exact, and the credits always add up to nothing.
    #[test]
    fn every_share_is_exact_to_less_than_one_order(weights in weights()) {
        let (of, total, mut turns) = (of(&weights), total(&weights), Turns::default());
        let cycle = usize::try_from(total).unwrap();
        let mut counts = vec![0_i64; weights.len()];
        let mut picks = Vec::new();
        for orders in 1..=2 * total {
            let turn = next(&mut turns, 1, &of);
            counts[turn.picked] += 1;
            picks.push(turn.picked);
            for (count, weight) in counts.iter().zip(&weights) {
                prop_assert!(is_near(*count, orders, *weight, total), "{weights:?} after {orders}: {counts:?}");
            }
            prop_assert_eq!(rest(&turns, 1, &of).iter().sum::<i64>(), 0);
        }
        for window in picks.windows(cycle) {
            for (place, weight) in weights.iter().enumerate() {
                let count = window.iter().filter(|picked| **picked == place).count();
                prop_assert_eq!(count, usize::try_from(*weight).unwrap(), "{:?}", weights);
            }
        }
    }

    /// Nobody waits longer than two of its shares.
    #[test]
    fn nobody_starves(weights in weights()) {
        let (of, total, mut turns) = (of(&weights), total(&weights), Turns::default());
        let mut last = vec![0_i64; weights.len()];
        for at in 1..=3 * total {
            let picked = next(&mut turns, 1, &of).picked;
            last[picked] = at;
            for (last, weight) in last.iter().zip(&weights) {
                prop_assert!((at - last) * i64::from(*weight) <= 2 * total, "{weights:?} at {at}");
            }
        }
    }

    /// Turns that overlap, are passed over to somebody else or never made: once all are settled the served orders meet their
    /// shares again when nothing more goes wrong.
    #[test]
    fn what_was_put_right_is_right(weights in weights(), fates in prop::collection::vec((0..10_u8, 0..8_usize), 1..60)) {
        let (of, total, mut turns) = (of(&weights), total(&weights), Turns::default());
        let mut counts = vec![0_i64; weights.len()];
        let mut open: Vec<Turn> = Vec::new();
        // Fewer than an account that is passed over may catch up.
        let mut passes = 8;
        for (fate, other) in fates {
            open.push(next(&mut turns, 1, &of));
            // Some stay open while the next are taken.
            if fate % 3 == 0 {
                continue;
            }
            for turn in open.drain(..) {
                let served = match fate {
                    1 => None,
                    2 if passes > 0 => {
                        passes -= 1;
                        Some(other % weights.len())
                    }
                    _ => Some(turn.picked),
                };
                served.into_iter().for_each(|place| counts[place] += 1);
                turns.settle(&turn, served.map(|place| of[place].0.as_str()));
                prop_assert_eq!(rest(&turns, 1, &of).iter().sum::<i64>(), 0);
            }
        }
        for turn in open {
            counts[turn.picked] += 1;
            turns.settle(&turn, Some(&of[turn.picked].0));
        }
        let orders: i64 = counts.iter().sum();
        for (place, rest) in rest(&turns, 1, &of).iter().enumerate() {
            prop_assert_eq!(orders * i64::from(weights[place]) - counts[place] * total, *rest, "{:?}: {:?}", weights, counts);
        }
        let near = |counts: &[i64], orders: i64| {
            counts.iter().zip(&weights).all(|(count, weight)| is_near(*count, orders, *weight, total))
        };
        for later in 1..=61 * total {
            counts[next(&mut turns, 1, &of).picked] += 1;
            prop_assert!(later < 60 * total || near(&counts, orders + later), "{weights:?}: {counts:?} never met their shares");
        }
    }

    /// Accounts come and go: each set of them takes its own turns, from where it left off.
    #[test]
    fn sets_that_come_and_go_keep_their_own_turns(weights in weights(), comes in prop::collection::vec(any::<bool>(), 1..200)) {
        let (all, few) = (of(&weights), of(&weights[..weights.len().div_ceil(2)]));
        let (mut mixed, mut alone) = (Turns::default(), Turns::default());
        for is_there in comes {
            let _ = next(&mut mixed, if is_there { 1 } else { 2 }, if is_there { &all } else { &few });
            if is_there {
                let _ = next(&mut alone, 1, &all);
            }
        }
        prop_assert_eq!(mixed.credits(1, &all), alone.credits(1, &all));
    }
}

/// An account whose limit was full for days is not given all orders of the days after.
#[test]
fn what_was_missed_for_long_is_not_caught_up_for_long() {
    let of = of(&[1, 1, 2]);
    let mut turns = Turns::default();
    for _ in 0..10_000 {
        let order = Turns::in_order(&turns.credits(7, &of), &of);
        let turn = Turn { key: 7, of: of.clone().into(), picked: order[0] };
        turns.take(&turn);
        // The first has no room.
        let served = order.iter().find(|place| **place != 0).unwrap();
        turns.settle(&turn, Some(&of[*served].0));
    }
    let rests = rest(&turns, 7, &of);
    assert!(rests[0] <= 10 * 4 && rests.iter().sum::<i64>() == 0, "{rests:?}");
    let mut counts = [0_u32; 3];
    for _ in 0..1_000 {
        counts[next(&mut turns, 7, &of).picked] += 1;
    }
    assert!((250..=261).contains(&counts[0]), "{counts:?}");
    assert!(counts[1].abs_diff(250) <= 11 && counts[2].abs_diff(500) <= 11, "{counts:?}");
}

/// While one has no room the others have theirs in their own proportion.
#[test]
fn those_who_are_there_share_by_their_weights_while_one_is_away() {
    let of = of(&[5, 1, 3]);
    let mut turns = Turns::default();
    let mut counts = [0_u32; 3];
    for _ in 0..4_000 {
        let order = Turns::in_order(&turns.credits(7, &of), &of);
        let turn = Turn { key: 7, of: of.clone().into(), picked: order[0] };
        turns.take(&turn);
        let served = *order.iter().find(|place| **place != 0).unwrap();
        counts[served] += 1;
        turns.settle(&turn, Some(&of[served].0));
    }
    assert_eq!(counts[0], 0);
    assert!(counts[1].abs_diff(1_000) <= 12, "{counts:?}");
}

/// Many small accounts beside two large ones: the usual rule, the richest first, lets them wait for more than an order.
#[test]
fn small_accounts_beside_large_ones_are_never_a_whole_order_late() {
    let weights = [20, 1, 1, 20, 1, 1, 1, 20];
    let (of, total, mut turns) = (of(&weights), total(&weights), Turns::default());
    let mut counts = [0_i64; 8];
    for orders in 1..=total {
        counts[next(&mut turns, 3, &of).picked] += 1;
        for (count, weight) in counts.iter().zip(&weights) {
            assert!(is_near(*count, orders, *weight, total), "after {orders}: {counts:?}");
        }
    }
}

/// The rows not used for longest are forgotten, and a sane number of sets never is.
#[test]
fn there_are_only_so_many_sets_and_the_oldest_go_first() {
    let of = of(&[1, 1]);
    let mut turns = Turns::default();
    for key in 0..4_096 {
        let _ = next(&mut turns, key, &of);
    }
    // Used again: now the second is the oldest.
    let _ = next(&mut turns, 0, &of);
    let kept = turns.credits(2, &of);
    let _ = next(&mut turns, 0, &of);
    let _ = next(&mut turns, 9_999, &of);
    assert_eq!(turns.credits(1, &of), [1, 1], "the oldest starts anew");
    assert_eq!(turns.credits(2, &of), kept);
    assert_ne!(turns.credits(0, &of), [1, 1], "what was used lately is kept");
}

/// Through the whole router: decided, acted on, settled; two at once; an account that is dropped for a while.
#[test]
fn decisions_take_turns_as_they_are_acted_on() {
    let (given, routing) = (accounts(&["a", "b", "c"]), one_rule(Strategy::RoundRobin, &[("a", 3), ("b", 2), ("c", 1)]));
    let mut memory = Memory::default();
    let asked = order().decide(&given, &routing, &memory);
    assert_eq!(chain(&asked), chain(&order().decide(&given, &routing, &memory)), "asking takes no turn");
    let mut served = Vec::new();
    for _ in 0..60 {
        let one = order().decide(&given, &routing, &memory);
        memory.begin(&one, super::NOW);
        // Before the first is settled the second is decided.
        let two = order().decide(&given, &routing, &memory);
        memory.begin(&two, super::NOW);
        for decision in [&one, &two] {
            memory.settle(decision, Some(first(decision)));
            served.push(first(decision).to_owned());
        }
    }
    let count = |id: &str| served.iter().filter(|served| *served == id).count();
    assert_eq!((count("a"), count("b"), count("c")), (60, 40, 20));
}

/// A repeat, a refusal, a store that fails: the turn is given back and the next order has it.
#[test]
fn an_order_that_is_never_made_takes_nobodys_turn() {
    let (given, routing) = (accounts(&["a", "b"]), one_rule(Strategy::RoundRobin, &[("a", 1), ("b", 1)]));
    let mut memory = Memory::default();
    for _ in 0..5 {
        let decision = order().decide(&given, &routing, &memory);
        assert_eq!(first(&decision), "a");
        memory.begin(&decision, super::NOW);
        memory.settle(&decision, None);
    }
}

/// Limits had room at nobody of the first rule: the turn belongs to the rule that served.
#[test]
fn the_turn_is_that_of_the_rule_that_served() {
    let given = accounts(&["a", "b", "c"]);
    let rules =
        [super::rule("one", "", Strategy::RoundRobin, &[("a", 1)]), super::rule("two", "", Strategy::RoundRobin, &[("b", 1), ("c", 1)])];
    let routing = super::routing(&rules);
    let mut memory = Memory::default();
    let mut served = Vec::new();
    for _ in 0..4 {
        let decision = order().decide(&given, &routing, &memory);
        memory.begin(&decision, super::NOW);
        let second = chain(&decision)[1].to_owned();
        memory.settle(&decision, Some(&second));
        served.push(second);
    }
    assert_eq!(served, ["b", "c", "b", "c"]);
}

/// Weights that an operator or the file changes begin a new count, and the old one is not mixed in.
#[test]
fn other_weights_are_other_turns() {
    let (mut given, routing) = (accounts(&["a", "b"]), one_rule(Strategy::RoundRobin, &[("a", 1), ("b", 1)]));
    let mut memory = Memory::default();
    let mut run = |given: &[super::Given], orders: usize| {
        let mut count = 0;
        for _ in 0..orders {
            let decision = order().decide(given, &routing, &memory);
            memory.begin(&decision, super::NOW);
            memory.settle(&decision, Some(first(&decision)));
            count += usize::from(first(&decision) == "a");
        }
        count
    };
    assert_eq!(run(&given, 1), 1);
    given[0].weight = Some(3);
    assert_eq!(run(&given, 40), 30);
    given[0].weight = None;
    assert_eq!(run(&given, 1), 0, "where the equal weights left off");
}
