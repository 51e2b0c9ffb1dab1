//! Every reason for which an account is passed over, each alone: the account beside it takes the order.

use super::super::account::{DaySpan, Pause};
use super::super::{Dropped, Memory, Opening, Routing, Strategy};
use super::{Asker, Given, NOW, account, binding, chain, dropped, one_rule, order, routing, rule};
use crate::domain::fee::Tariff;
use crate::domain::merchant::AccountState;
use proptest::prelude::*;
use sluice_contract::{Fen, Method, Millis};

/// The account under test, which differs in one thing, and one that takes everything.
fn beside(tested: Given) -> [Given; 2] {
    [Given { id: "x".into(), ..tested }, account("y")]
}

/// The account is dropped for this reason alone; without what is wrong with it, it would be the first.
fn is_dropped(tested: Given, asker: &Asker, why: Dropped) {
    let decision = asker.decide(&beside(tested), &Routing::default(), &Memory::default());
    assert_eq!((dropped(&decision, "x"), dropped(&decision, "y")), (Some(why), None), "{decision:?}");
    assert_eq!(chain(&decision), ["y"]);
}

fn is_kept(tested: Given, asker: &Asker) {
    let decision = asker.decide(&beside(tested), &Routing::default(), &Memory::default());
    assert_eq!(chain(&decision), ["x", "y"], "{decision:?}");
}

#[test]
fn an_account_that_takes_everything_is_kept() {
    is_kept(account("x"), &order());
}

#[test]
fn another_account_than_the_one_asked_for_is_not_pinned() {
    is_dropped(account("x"), &Asker { pinned: Some("y".into()), ..order() }, Dropped::NotPinned);
}

/// A direct account belongs to one merchant, a live one is for those bound to it; a sandbox account is open to all.
#[test]
fn a_live_account_is_for_those_who_are_bound_to_it() {
    let live = Given { sandbox: false, ..account("x") };
    is_dropped(live.clone(), &order(), Dropped::NotBound);
    is_kept(live.clone(), &Asker { bindings: vec![binding("x")], ..order() });
    let off = super::Binding { enabled: false, ..binding("x") };
    is_dropped(live.clone(), &Asker { bindings: vec![off.clone()], ..order() }, Dropped::NotBound);
    // A binding that is switched off closes a sandbox account too.
    is_dropped(account("x"), &Asker { bindings: vec![off], ..order() }, Dropped::NotBound);
    let other = super::Binding { methods: Some(vec![Method::AlipayQr]), ..binding("x") };
    is_dropped(live, &Asker { bindings: vec![other], ..order() }, Dropped::NotBound);
}

/// Many bindings in any order: each account finds its own.
#[test]
fn every_account_finds_its_own_binding() {
    let ids: Vec<String> = (0..50).map(|nth| format!("a{}", (nth * 37) % 50)).collect();
    let given: Vec<Given> = ids.iter().map(|id| Given { sandbox: false, ..account(id) }).collect();
    let bindings = ids.iter().rev().filter(|id| id.len() == 2).map(|id| binding(id)).collect();
    let decision = Asker { bindings, ..order() }.decide(&given, &Routing::default(), &Memory::default());
    for line in &decision.considered {
        assert_eq!(line.dropped.is_none(), line.account.len() == 2, "{line:?}");
    }
}

#[test]
fn an_account_that_is_off_or_draining_takes_no_new_order() {
    is_dropped(Given { state: AccountState::Disabled, ..account("x") }, &order(), Dropped::AccountOff);
    is_dropped(Given { state: AccountState::Draining, ..account("x") }, &order(), Dropped::AccountDraining);
}

#[test]
fn an_account_without_the_method_is_dropped() {
    is_dropped(Given { methods: vec![Method::WechatJsapi], ..account("x") }, &order(), Dropped::NoSuchMethod);
}

/// An operator's weight of nought stands whatever the rules say.
#[test]
fn an_operators_weight_of_nought_drops_the_account() {
    is_dropped(Given { weight: Some(0), ..account("x") }, &order(), Dropped::WeightZero);
    let given = beside(Given { weight: Some(0), ..account("x") });
    let decision = order().decide(&given, &one_rule(Strategy::Priority, &[("x", 9), ("y", 1)]), &Memory::default());
    assert_eq!((dropped(&decision, "x"), chain(&decision)), (Some(Dropped::WeightZero), vec!["y"]));
    is_kept(Given { weight: Some(1), ..account("x") }, &order());
}

#[test]
fn an_account_of_other_app_ids_is_dropped() {
    let of_one = Given { app_ids: vec!["wx1".into(), "wx2".into()], ..account("x") };
    is_dropped(of_one.clone(), &Asker { app_id: Some("wx3".into()), ..order() }, Dropped::WrongAppId);
    is_kept(of_one.clone(), &Asker { app_id: Some("wx2".into()), ..order() });
    // Nobody asked, or the account takes any.
    is_kept(of_one, &order());
    is_kept(account("x"), &Asker { app_id: Some("wx3".into()), ..order() });
}

#[test]
fn amounts_outside_the_range_are_dropped_and_its_ends_belong_to_it() {
    let narrow = Given { amount_min: Fen(100), amount_max: Fen(200), ..account("x") };
    for (amount, kept) in [(99, false), (100, true), (200, true), (201, false)] {
        let asker = Asker { amount, ..order() };
        if kept { is_kept(narrow.clone(), &asker) } else { is_dropped(narrow.clone(), &asker, Dropped::AmountOutOfRange) }
    }
}

const fn span(from_min: i64, to_min: i64) -> DaySpan {
    DaySpan { from_min, to_min }
}

/// Ten in the morning in Shanghai, so many minutes later.
fn at(minutes: i64) -> Asker {
    Asker { now: NOW.plus_ms(minutes * 60_000), ..order() }
}

#[test]
fn an_account_is_closed_outside_its_hours() {
    let open = |hours: &[DaySpan]| Given { opening: Opening { hours: hours.to_vec(), ..Opening::default() }, ..account("x") };
    let day = open(&[span(600, 720)]);
    is_kept(day.clone(), &at(0));
    is_kept(day.clone(), &at(119));
    is_dropped(day.clone(), &at(120), Dropped::Closed);
    is_dropped(day, &at(-1), Dropped::Closed);
    // Past midnight, two spans, and a day that ends at midnight.
    let night = open(&[span(1_380, 60)]);
    is_dropped(night.clone(), &at(0), Dropped::Closed);
    is_kept(night.clone(), &at(13 * 60));
    is_kept(night.clone(), &at(14 * 60 + 59));
    is_dropped(night, &at(15 * 60), Dropped::Closed);
    is_kept(open(&[span(0, 60), span(595, 1_440)]), &at(13 * 60 + 59));
}

#[test]
fn maintenance_stands_before_the_hours() {
    let off = |pause: Pause| Given { opening: Opening { hours: vec![span(0, 1)], maintenance: vec![pause] }, ..account("x") };
    is_dropped(off(Pause::Daily(span(590, 610))), &at(0), Dropped::Maintenance);
    is_dropped(off(Pause::Daily(span(610, 620))), &at(0), Dropped::Closed);
    let once = |from: i64, to: i64| Pause::Once { from: NOW.plus_ms(from), to: NOW.plus_ms(to) };
    for (pause, why) in [(once(0, 1), Dropped::Maintenance), (once(-5, 0), Dropped::Closed), (once(1, 9), Dropped::Closed)] {
        is_dropped(off(pause), &at(0), why);
    }
}

#[test]
fn an_account_that_was_tried_is_not_tried_again() {
    is_dropped(account("x"), &Asker { tried: vec!["x".into()], ..order() }, Dropped::Tried);
}

/// A rule's own nought, and an order that goes on within a rule that does not name the account.
#[test]
fn a_rule_drops_by_weight_and_by_not_naming() {
    let (given, memory) = (beside(account("x")), Memory::default());
    let rules = routing(&[rule("one", "", Strategy::Priority, &[("x", 0), ("y", 1)])]);
    let within = Asker { within: Some(Some("one".into())), ..order() };
    let decision = within.decide(&given, &rules, &memory);
    assert_eq!((chain(&decision), dropped(&decision, "x")), (vec!["y"], Some(Dropped::WeightZero)));
    let rules = routing(&[rule("one", "", Strategy::Priority, &[("y", 1)])]);
    let decision = within.decide(&given, &rules, &memory);
    assert_eq!((chain(&decision), dropped(&decision, "x")), (vec!["y"], Some(Dropped::NotInRule)));
}

/// The lasting reasons are told before the passing ones.
#[test]
fn the_first_reason_is_the_one_that_is_told() {
    let opening = Opening { hours: vec![span(0, 1)], maintenance: vec![Pause::Daily(span(0, 1_440))] };
    let mut worst = Given {
        sandbox: false,
        state: AccountState::Disabled,
        methods: vec![],
        weight: Some(0),
        app_ids: vec!["wx1".into()],
        amount_max: Fen(1),
        opening,
        fee: Tariff::flat("0.1"),
        ..account("x")
    };
    let mut asker = Asker { pinned: Some("y".into()), app_id: Some("wx2".into()), ..order() };
    let expect = |worst: &Given, asker: &Asker, why: Dropped| {
        let decision = asker.decide(&beside(worst.clone()), &Routing::default(), &Memory::default());
        assert_eq!(dropped(&decision, "x"), Some(why));
    };
    expect(&worst, &asker, Dropped::NotPinned);
    asker.pinned = None;
    expect(&worst, &asker, Dropped::NotBound);
    worst.sandbox = true;
    expect(&worst, &asker, Dropped::AccountOff);
    worst.state = AccountState::Enabled;
    expect(&worst, &asker, Dropped::NoSuchMethod);
    worst.methods = vec![Method::WechatNative];
    expect(&worst, &asker, Dropped::WeightZero);
    worst.weight = None;
    expect(&worst, &asker, Dropped::WrongAppId);
    asker.app_id = None;
    expect(&worst, &asker, Dropped::AmountOutOfRange);
    worst.amount_max = Fen(1_000);
    expect(&worst, &asker, Dropped::Maintenance);
    worst.opening.maintenance.clear();
    expect(&worst, &asker, Dropped::Closed);
}

proptest! {
    /// Minute by minute, against the clock on the wall.
    #[test]
    fn a_span_holds_the_minutes_between_its_ends(from in 0..1_440_i64, to in 0..=1_440_i64, minute in 0..1_440_i64, days in 0..40_000_i64) {
        let at = Millis((days * 1_440 + minute - 480) * 60_000 + 59_999);
        let expected = if from <= to { from <= minute && minute < to } else { minute >= from || minute < to };
        prop_assert_eq!(span(from, to).holds(at), expected);
    }
}
