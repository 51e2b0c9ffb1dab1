//! The lowered tree against the same text in `cel`, over random predicates and random facts; and texts that are no predicates at all.

use super::super::cel::Foreign;
use super::super::{Known, When};
use super::{World, world};
use proptest::prelude::*;
use serde_json::{Value, json};
use sluice_contract::{Millis, Payer, Terminal};

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..4).prop_map(Value::from),
        Just(json!(i64::MAX)),
        Just(json!(u64::MAX)),
        prop_oneof![Just(json!(0.5)), Just(json!(1.0)), Just(json!(-2.5)), Just(json!(1e300))],
        "[ab]{0,2}".prop_map(Value::from),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => scalar(),
        1 => prop::collection::vec(scalar(), 0..3).prop_map(Value::from),
        1 => prop::collection::btree_map("[kl]", scalar(), 0..3).prop_map(|table| Value::Object(table.into_iter().collect())),
    ]
}

fn any_world() -> impl Strategy<Value = World> {
    let some = || prop::option::of("[ab]{0,2}".prop_map(String::from));
    let amount = prop_oneof![-3i64..4, Just(i64::MAX), Just(i64::MIN)];
    let metadata = prop::collection::btree_map("[klm]", any_json(), 0..4);
    (amount, "[ab]{0,2}", some(), prop::option::of(-3i64..4), some(), prop::option::of(some()), metadata, 0i64..4_000_000_000_000).prop_map(
        |(amount, subject, store, expires_in, openid, terminal, metadata, now)| World {
            amount,
            subject,
            store,
            expires_in,
            account: String::new(),
            payer: Payer { openid, ..Payer::default() },
            terminal: terminal.map(|id| Terminal { id, ..Terminal::default() }),
            metadata: metadata.into_iter().collect(),
            now: Millis(now),
        },
    )
}

/// What the merchant sent: of any kind.
fn loose() -> impl Strategy<Value = String> {
    prop_oneof![Just("order.metadata.k".to_owned()), Just("order.metadata['l']".to_owned()), Just("order.metadata.m.k".to_owned())]
}

fn int(depth: u32) -> BoxedStrategy<String> {
    let names = [
        "order.amount",
        "order.expires_in",
        "now.getHours()",
        "now.getDayOfWeek()",
        "now.getDate()",
        "now.getMonth()",
        "size(order.subject)",
    ];
    let leaf = prop_oneof![
        3 => prop::sample::select(names.to_vec()).prop_map(str::to_owned),
        2 => (-3i64..4).prop_map(|number| number.to_string()),
        1 => Just("9223372036854775807".to_owned()),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let either = move || prop_oneof![3 => int(depth - 1), 1 => loose()];
    prop_oneof![
        3 => leaf,
        2 => (int(depth - 1), prop::sample::select(vec!["+", "-", "*", "/", "%"]), either()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
        1 => (either(), prop::sample::select(vec!["+", "-", "*", "/", "%"]), int(depth - 1)).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
        1 => int(depth - 1).prop_map(|a| format!("-({a})")),
        1 => (cond(depth - 1), int(depth - 1), int(depth - 1)).prop_map(|(c, a, b)| format!("({c} ? {a} : {b})")),
    ]
    .boxed()
}

fn text() -> impl Strategy<Value = String> {
    let names = ["order.subject", "order.store", "payer.openid", "order.terminal.id", "order['store']", "account"];
    prop_oneof![3 => prop::sample::select(names.to_vec()).prop_map(str::to_owned), 2 => "[ab]{0,2}".prop_map(|text| format!("'{text}'"))]
}

fn cond(depth: u32) -> BoxedStrategy<String> {
    let compare = || prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let below = depth.saturating_sub(1);
    let loose_or_null =
        || prop_oneof![5 => loose(), 1 => Just("null".to_owned()), 1 => Just("2u".to_owned()), 1 => Just("true".to_owned())];
    let element = || {
        prop_oneof![Just("null".to_owned()), Just("1".to_owned()), Just("'a'".to_owned()), Just("true".to_owned()), Just("0u".to_owned())]
    };
    let leaf = prop_oneof![
        (int(below), compare(), int(below)).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (text(), compare(), text()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (loose(), compare(), loose_or_null()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (loose(), compare(), int(below)).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (text(), compare(), loose()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (loose(), prop::collection::vec(element(), 0..4)).prop_map(|(a, list)| format!("{a} in [{}]", list.join(", "))),
        (text(), prop::collection::vec(text(), 0..3)).prop_map(|(a, list)| format!("{a} in [{}]", list.join(", "))),
        (int(below), prop::collection::vec(-3i64..4, 0..3)).prop_map(|(a, list)| format!("{a} in {list:?}")),
        (text(), prop::sample::select(vec!["startsWith", "endsWith", "contains"]), text())
            .prop_map(|(a, test, b)| format!("{a}.{test}({b})")),
        (loose(), prop::sample::select(vec!["startsWith", "contains"]), loose()).prop_map(|(a, test, b)| format!("{a}.{test}({b})")),
        prop_oneof![text(), loose()].prop_map(|a| format!("{a}.matches('^a?b')")),
        prop::sample::select(vec!["has(order.metadata.k)", "has(order.metadata.m.k)", "size(order.metadata.l) > 1"])
            .prop_map(str::to_owned),
        loose(),
        any::<bool>().prop_map(|truth| truth.to_string()),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    prop_oneof![
        3 => leaf,
        2 => (cond(below), prop::sample::select(vec!["&&", "||"]), cond(below)).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
        1 => (cond(below), compare(), cond(below)).prop_map(|(a, op, b)| format!("(({a}) {op} ({b}))")),
        1 => cond(below).prop_map(|a| format!("!({a})")),
        1 => (cond(below), cond(below), cond(below)).prop_map(|(c, a, b)| format!("({c} ? {a} : {b})")),
    ]
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_lowered_tree_agrees_with_cel(text in cond(3), worlds in prop::collection::vec(any_world(), 5)) {
        let when = When::parse(&text).map_err(|problems| TestCaseError::fail(format!("{text}: {problems:?}")))?;
        prop_assert_eq!(when.stays_in_cel(), None, "{}", text);
        let plain = Foreign::new(&::cel::parser::Parser::default().parse(&text).unwrap());
        for world in worlds {
            let (ours, theirs) = (when.matches(&world.facts()), plain.holds(&world.facts()));
            prop_assert_eq!(ours.clone().ok(), theirs.clone().ok(), "{}: {:?} and {:?}", text, ours, theirs);
        }
    }

    /// What is said of all orders is true of each: with the account known and not, of text and of every mixture.
    #[test]
    fn nothing_is_answered_that_may_not_be(text in cond(3), worlds in prop::collection::vec(any_world(), 5), account in "[ab]{1,2}") {
        let when = When::parse(&text).map_err(|problems| TestCaseError::fail(format!("{text}: {problems:?}")))?;
        for mut world in worlds {
            world.account.clone_from(&account);
            let answer = when.matches(&world.facts());
            for known in [Known::default(), Known { account: &account, channel: "wechat", method: "wechat_jsapi" }] {
                let may = when.may(&known);
                let foreseen = match answer {
                    Ok(true) => may.hold,
                    Ok(false) => may.not_hold,
                    Err(_) => may.fail,
                };
                prop_assert!(foreseen, "{}: {:?} with {:?}, said of {:?}", text, answer, may, known);
            }
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,60}") {
        drop(When::parse(&text).map(|when| when.matches(&world().facts())));
    }

    #[test]
    fn no_row_of_words_makes_the_reader_panic(words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..14)) {
        drop(When::parse(&words.join(" ")).map(|when| when.matches(&world().facts())));
    }
}

const WORDS: &[&str] = &[
    "order",
    ".",
    "amount",
    "metadata",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "'a'",
    "1",
    "1u",
    "1.5",
    "b'a'",
    "null",
    "true",
    "==",
    "<",
    "&&",
    "||",
    "!",
    "-",
    "?",
    ":",
    ",",
    "in",
    "has",
    "exists",
    "all",
    "map",
    "x",
    "now",
    "getHours",
    "size",
    "matches",
    "'('",
    "timestamp",
    "duration",
    "`",
    "\\",
    "+",
    "/",
    "%",
    "order.amount",
    "order.metadata.tags",
    "optional",
    "\n",
    "//",
];
