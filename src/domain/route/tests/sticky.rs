//! `sticky`: the same payer at the same account, shares by weight, and only those move who must.

use super::super::sticky::{distance, hash};
use super::super::{Memory, Strategy};
use super::{Asker, Given, accounts, first, one_rule, order};
use sluice_contract::Payer;

const PAYERS: usize = 20_000;

fn customer(nth: usize) -> Asker {
    Asker { payer: Payer { customer_id: Some(format!("c-{nth}")), ..Payer::default() }, ..order() }
}

/// Where each payer goes.
fn homes(given: &[Given], listed: &[(&str, u32)]) -> Vec<String> {
    let (routing, memory) = (one_rule(Strategy::Sticky, listed), Memory::default());
    (0..PAYERS).map(|nth| first(&customer(nth).decide(given, &routing, &memory)).to_owned()).collect()
}

fn count(homes: &[String], id: &str) -> usize {
    homes.iter().filter(|home| *home == id).count()
}

/// Within three standard deviations of a fair draw: (count − n p)² ≤ 9 n p (1 − p), in whole numbers.
fn is_fair(count: usize, n: usize, weight: usize, total: usize) -> bool {
    let off = (count * total).abs_diff(n * weight);
    off * off <= 9 * n * weight * (total - weight)
}

#[test]
fn shares_of_payers_are_by_weight_and_everybody_comes_back_to_his_account() {
    let given = accounts(&["a", "b", "c"]);
    let listed = [("a", 5), ("b", 3), ("c", 2)];
    let homes = homes(&given, &listed);
    for (id, weight) in listed {
        assert!(is_fair(count(&homes, id), PAYERS, usize::try_from(weight).unwrap(), 10), "{id}: {}", count(&homes, id));
    }
    let (routing, memory) = (one_rule(Strategy::Sticky, &listed), Memory::default());
    for (nth, home) in homes.iter().enumerate().take(200) {
        for draw in [0, 1, u64::MAX] {
            let again = Asker { draw, amount: 77, ..customer(nth) }.decide(&given, &routing, &memory);
            assert_eq!(first(&again), *home);
        }
    }
}

#[test]
fn an_account_that_goes_moves_only_its_own_payers() {
    let mut given = accounts(&["a", "b", "c"]);
    let listed = [("a", 5), ("b", 3), ("c", 2)];
    let before = homes(&given, &listed);
    given[1].methods.clear();
    let after = homes(&given, &listed);
    let moved = before.iter().zip(&after).filter(|(old, new)| old != new);
    assert!(moved.clone().all(|(old, _)| old == "b"));
    assert_eq!(moved.clone().count(), count(&before, "b"));
    // Its payers are shared among the others by their weights.
    let to_a = moved.filter(|(_, new)| *new == "a").count();
    assert!(is_fair(to_a, count(&before, "b"), 5, 7), "{to_a} of {}", count(&before, "b"));
}

#[test]
fn an_account_that_comes_takes_only_its_share() {
    let given = accounts(&["a", "b", "c", "d"]);
    let before = homes(&given, &[("a", 5), ("b", 3), ("c", 2)]);
    let after = homes(&given, &[("a", 5), ("b", 3), ("c", 2), ("d", 5)]);
    let moved = before.iter().zip(&after).filter(|(old, new)| old != new);
    assert!(moved.clone().all(|(_, new)| new == "d"));
    assert!(is_fair(moved.count(), PAYERS, 5, 15), "{}", count(&after, "d"));
}

/// A weight that grows only draws payers to its account.
#[test]
fn a_weight_that_grows_moves_payers_only_there() {
    let given = accounts(&["a", "b"]);
    let (before, after) = (homes(&given, &[("a", 1), ("b", 1)]), homes(&given, &[("a", 1), ("b", 2)]));
    assert!(before.iter().zip(&after).all(|(old, new)| old == new || new == "b"));
    assert!(is_fair(count(&after, "b"), PAYERS, 2, 3));
}

/// CONTRACT section 8: by customer, else by openid or buyer id, else by merchant.
#[test]
fn whom_it_goes_by_is_the_customer_then_the_wallets_payer_then_the_merchant() {
    let given = accounts(&["a", "b", "c", "d", "e", "f", "g", "h"]);
    let ids: Vec<(&str, u32)> = given.iter().map(|account| (account.id.as_str(), 1)).collect();
    let (routing, memory) = (one_rule(Strategy::Sticky, &ids), Memory::default());
    let home = |payer: Payer| first(&Asker { payer, ..order() }.decide(&given, &routing, &memory)).to_owned();
    let some = |id: &str, nth: usize| Some(format!("{id}{nth}"));
    let merchants = home(Payer::default());
    let (mut by_openid, mut apart) = (0, 0);
    for nth in 0..100 {
        let customer = home(Payer { customer_id: some("c", nth), ..Payer::default() });
        assert_eq!(home(Payer { customer_id: some("c", nth), openid: some("o", nth), ..Payer::default() }), customer);
        let openid = home(Payer { openid: some("o", nth), ..Payer::default() });
        assert_eq!(home(Payer { openid: some("o", nth), buyer_id: some("b", nth), ..Payer::default() }), openid);
        // The same wallet's payer, whatever the field is called.
        assert_eq!(home(Payer { buyer_id: some("o", nth), ..Payer::default() }), openid);
        assert_eq!(home(Payer { buyer_open_id: some("o", nth), ..Payer::default() }), openid);
        by_openid += usize::from(openid != merchants);
        apart += usize::from(customer != home(Payer { openid: some("c", nth), ..Payer::default() }));
        assert_eq!(home(Payer::default()), merchants);
    }
    assert!(by_openid > 60 && apart > 60, "{by_openid} {apart}");
}

/// The draw's logarithm has no corner in which an account is always or never the nearest.
#[test]
fn distances_are_positive_shrink_with_weight_and_are_last_without_any() {
    for nth in 0..5_000 {
        let who = format!("p{nth}");
        let far: Vec<u64> = [1, 2, 10, 1_000].map(|weight| distance(hash(&[&who]), hash(&["a"]), weight)).into();
        assert!(far[0] > 0 && far.is_sorted_by(|wide, near| wide >= near), "{far:?}");
        assert_eq!(distance(hash(&[&who]), hash(&["a"]), 0), u64::MAX);
        assert!(far[0] <= 64 << 40);
    }
}
