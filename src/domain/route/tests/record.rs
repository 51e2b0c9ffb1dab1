//! The decision as it is kept with the attempt: what a merchant, an operator and the next account read.

use super::super::memory::Segment;
use super::super::{Dropped, Memory, Strategy};
use super::{Asker, Given, NOW, account, accounts, order, routing, rule};
use crate::domain::limit::{PassedOver, Why};
use serde_json::json;
use sluice_contract::{Fen, Method};

fn passed(account: &str, limit: &str) -> PassedOver {
    PassedOver { account: account.into(), limit: limit.into(), why: Why::TooLarge { max: 1, counts_orders: false }, opens_at: None }
}

#[test]
fn a_record_names_the_chosen_its_rule_and_every_account_that_was_not() {
    let mut given = accounts(&["a", "b", "c", "d", "e"]);
    given[2].methods.clear();
    given[3].sandbox = false;
    given[4].sandbox = false;
    let rules = routing(&[
        rule("broken", "order.metadata.k + 1 > 1", Strategy::Priority, &[]),
        rule("main", "", Strategy::Priority, &[("b", 1), ("a", 1)]),
    ]);
    let decision = order().decide(&given, &rules, &Memory::default());
    let record = decision.record("a", &[passed("b", "daily")]);
    assert_eq!((&record["chosen"], &record["rule"], &record["strategy"]), (&json!("a"), &json!("main"), &json!("priority")));
    let considered = json!([
        {"account": "a", "place": 1, "score": {"place": 1}},
        {"account": "b", "place": 0, "score": {"place": 0}, "dropped": "limit_exceeded", "limit": "daily"},
        {"account": "c", "dropped": "no_such_method"},
    ]);
    assert_eq!(record["considered"], considered);
    // Accounts that the merchant may not use are counted, never named.
    assert_eq!(record["not_bound"], 2);
    assert!(!record.to_string().contains("\"d\""));
    assert_eq!(record["not_evaluated"][0]["rule"], "broken");
    assert!(record["not_evaluated"][0]["why"].as_str().is_some_and(|why| !why.is_empty()));
    for absent in ["explored", "pinned", "last_resort", "preferred"] {
        assert!(record.get(absent).is_none(), "{absent} of {record}");
    }
}

#[test]
fn a_record_tells_of_what_was_special() {
    let given = accounts(&["a", "b"]);
    let rules = routing(&[rule("main", "", Strategy::Priority, &[("a", 1), ("b", 1)])]);
    let pinned = Asker { pinned: Some("b".into()), ..order() }.decide(&given, &rules, &Memory::default()).record("b", &[]);
    assert_eq!((&pinned["pinned"], &pinned["rule"], &pinned["strategy"]), (&json!(true), &json!(null), &json!(null)));
    let wished = Asker { prefer: Some(vec!["b".into()]), ..order() }.decide(&given, &rules, &Memory::default());
    assert_eq!(wished.record("b", &[])["preferred"], true);
    // The one behind it was ranked by the rule.
    assert!(wished.record("a", &[]).get("preferred").is_none());
    let mut memory = Memory::default();
    for id in ["a", "b"] {
        for _ in 0..9 {
            memory.health.told(id, super::super::health::Sign::Fault, NOW, &rules.guard);
        }
    }
    assert_eq!(order().decide(&given, &rules, &memory).record("a", &[])["last_resort"], true);
    // An order whose draw asks to learn says so.
    let rules = routing(&[rule("main", "", Strategy::SuccessRate, &[("a", 1), ("b", 1)])]);
    let mut memory = Memory::default();
    for nth in 0..200 {
        for (id, good) in [("a", true), ("b", nth % 4 != 0)] {
            let segment = Segment { account: &id.into(), method: Method::WechatNative, amount: Fen(10_000) };
            memory.ended(segment, good, NOW, &rules.taste);
        }
    }
    let mut draws = (0..20_000).map(super::super::sticky::mixed).map(|draw| Asker { draw, ..order() }.decide(&given, &rules, &memory));
    let explored = draws.find(|decision| decision.tiers[0].explored).expect("a share of the orders learns");
    let chosen = super::first(&explored).to_owned();
    assert_eq!(
        (&explored.record(&chosen, &[])["explored"], &explored.record(&chosen, &[])["strategy"]),
        (&json!(true), &json!("success_rate"))
    );
}

/// What an attempt is opened with says in words why each account was dropped: one word each, none used twice.
#[test]
fn every_reason_and_every_strategy_has_a_word_of_its_own() {
    let reasons = [
        (Dropped::NotPinned, "not_pinned"),
        (Dropped::NotBound, "not_bound"),
        (Dropped::AccountOff, "account_off"),
        (Dropped::AccountDraining, "account_draining"),
        (Dropped::NoSuchMethod, "no_such_method"),
        (Dropped::WrongAppId, "wrong_app_id"),
        (Dropped::AmountOutOfRange, "amount_out_of_range"),
        (Dropped::Maintenance, "maintenance"),
        (Dropped::Closed, "closed"),
        (Dropped::Tried, "tried"),
        (Dropped::Unhealthy, "unhealthy"),
        (Dropped::WeightZero, "weight_zero"),
        (Dropped::NotInRule, "not_in_rule"),
        (Dropped::NotAdmitted, "not_admitted"),
        (Dropped::LimitExceeded, "limit_exceeded"),
    ];
    for (reason, word) in reasons {
        assert_eq!(serde_json::to_value(reason).unwrap(), word);
        assert_eq!(serde_json::from_value::<Dropped>(json!(word)).unwrap(), reason);
    }
    for (word, strategy) in Strategy::ALL {
        assert_eq!(serde_json::to_value(strategy).unwrap(), word);
    }
}

/// Limits that had no room when the order was to be stored are noted in what is tried next.
#[test]
fn what_was_passed_over_is_noted() {
    let given: Vec<Given> = ["a", "b"].map(account).into();
    let mut decision = order().decide(&given, &routing(&[]), &Memory::default());
    decision.pass_over(&[passed("a", "daily"), passed("stranger", "daily")]);
    let line = decision.line_mut("a").unwrap().clone();
    assert_eq!((line.dropped, line.limit.as_deref()), (Some(Dropped::LimitExceeded), Some("daily")));
    assert_eq!(decision.line_mut("b").unwrap().dropped, None);
}
