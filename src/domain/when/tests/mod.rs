//! Predicates that are right, those that are wrong with what is said of them, and what it costs to be hostile.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod agree;

use super::{Asked, Facts, When};
use serde_json::{Map, Value, json};
use sluice_contract::{Fen, Millis, Payer, Terminal};

/// What facts borrow from.
#[derive(Clone, Debug)]
struct World {
    amount: i64,
    subject: String,
    store: Option<String>,
    expires_in: Option<i64>,
    account: String,
    payer: Payer,
    terminal: Option<Terminal>,
    metadata: Map<String, Value>,
    now: Millis,
}

impl World {
    fn facts(&self) -> Facts<'_> {
        let order = Asked {
            merchant_order_no: "A-1001",
            amount: Fen(self.amount),
            currency: "CNY",
            subject: &self.subject,
            method: "wechat_jsapi",
            app_id: Some("wx1"),
            store: self.store.as_deref(),
            operator_id: None,
            auth_means: Some("sms"),
            h5_type: None,
            client_ip: Some("203.0.113.9"),
            expires_in: self.expires_in,
            account: None,
            terminal: self.terminal.as_ref(),
            metadata: &self.metadata,
        };
        let (payer, account) = (&self.payer, self.account.as_str());
        Facts { order, payer, merchant_id: "m_1", merchant_name: "茶馆", account, channel: "wechat", now: self.now }
    }
}

fn world() -> World {
    let metadata = json!({
        "shop": "12", "rank": 7, "rate": 0.5, "one": 1.0, "vip": true, "none": null, "big": u64::MAX, "a.b": "dotted",
        "tags": ["x", "y"], "at": { "city": "Xi'an", "floor": 3 },
    });
    World {
        amount: 500,
        subject: "龙井 tea".into(),
        store: None,
        expires_in: None,
        account: "wx_a".into(),
        payer: Payer { openid: Some("o_1".into()), ..Payer::default() },
        terminal: Some(Terminal { id: Some("t1".into()), ..Terminal::default() }),
        metadata: metadata.as_object().unwrap().clone(),
        // 2026-11-22 16:30:05.250 UTC: Monday the 23rd, half past midnight in Shanghai.
        now: Millis(1_795_365_005_250),
    }
}

fn asked(text: &str) -> Result<bool, String> {
    let when = When::parse(text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
    when.matches(&world().facts()).map_err(|failed| failed.to_string())
}

fn problems(text: &str) -> Vec<String> {
    When::parse(text).map(|when| panic!("{} was accepted", when.text())).unwrap_err()
}

const TRUE: &[&str] = &[
    "true",
    "order.subject.matches('^龙.* tea$') && !order.metadata.shop.matches('[^0-9]')",
    "order.amount == 500 && order.amount <= 500 && order.amount > 499",
    "order.amount == 500u && order.amount < 501u",
    "order.currency == 'CNY' && method == 'wechat_jsapi' && order.method == method",
    "order.subject.startsWith('龙井') && order.subject.endsWith('tea') && order.subject.contains(' ')",
    "size(order.subject) == 6 && order.subject.size() < 7",
    "order.store == null && order.store != 'a' && null == order.account",
    "order['amount'] == 500 && order['metadata']['shop'] == '12'",
    "payer.openid == 'o_1' && payer.buyer_id == null && payer.customer_id == null",
    "merchant.id == 'm_1' && merchant.name == '茶馆' && account == 'wx_a' && channel in ['alipay', 'wechat']",
    "order.terminal.id == 't1' && order.terminal.location == null",
    "order.amount in [1, 500] && !(order.amount in [1, 2, null]) && order.store in [null, 'a']",
    "order.amount * 2 + 1 == 1001 && order.amount / 3 == 166 && order.amount % 3 == 2 && -order.amount == -500",
    "(order.amount > 100 ? order.subject : order.currency) == order.subject",
    "order.amount > 100 ? true : order.metadata.vip",
    "order.metadata.shop == '12' && order.metadata['shop'] == \"12\" && order.metadata['a.b'] == 'dotted'",
    "order.metadata.missing == null && order.metadata.missing != 3 && order.metadata.shop != 12",
    "has(order.metadata.shop) && has(order.metadata.none) && !has(order.metadata.missing) && has(order.metadata.at.city)",
    "order.metadata.vip && order.metadata.vip == true && (order.metadata.vip || order.metadata.shop)",
    "order.metadata.rank == 7 && order.metadata.rank > 6 && order.metadata.rank + 1 == 8 && order.metadata.big > order.amount",
    "order.metadata.one == 1 && order.metadata.rate < 1 && order.metadata.one >= 1 && order.metadata.rate != 1",
    "order.metadata.at.city == \"Xi'an\" && order.metadata.at.nowhere == null && size(order.metadata.tags) == 2",
    "order.metadata.at == order.metadata.at && order.metadata.tags != order.metadata.at",
    "now.getHours() == 0 && now.getMinutes() == 30 && now.getSeconds() == 5 && now.getMilliseconds() == 250",
    "now.getDayOfWeek() == 1 && now.getDate() == 23 && now.getDayOfMonth() == 22 && now.getMonth() == 10 && now.getFullYear() == 2026",
    "now == now && now <= now",
    "(order.amount > 1) == (order.amount > 2)",
    "true ? (has(order.metadata.shop) == true) : false",
    // An error beside what decides does not matter.
    "order.metadata.shop > 3 || true",
    "!(order.amount / 0 == 1 && false)",
];

/// True as well, and at least partly in `cel`.
const TRUE_IN_CEL: &[&str] = &[
    "['a', 'b'].exists(x, x == 'b') && order.metadata.tags.all(t, t != 'z')",
    "'x' in order.metadata.tags && order.metadata.tags[1] == 'y' && 'shop' in order.metadata && !('missing' in order.metadata)",
    "order.metadata.exists(key, order.metadata[key] == 7)",
    "now > timestamp('2026-11-22T16:30:05Z') && now - duration('1h') < timestamp('2026-11-23T00:30:05+08:00')",
    "now.getHours('UTC') == 16 && now.getDayOfYear() == 326",
    "int(order.metadata.shop) == 12 && string(order.amount) == '500' && order.subject + '!' == '龙井 tea!'",
    "order.metadata.rate == 0.5 && order.metadata.rate > 0.25 && order.metadata.rate < 1.5",
    "size(order.metadata) == 10 && order.metadata[order.currency] == null",
    // The rules about null hold in both halves.
    "[1].all(x, !(order.expires_in < x) && !(order.expires_in >= x) && !(order.metadata.missing > x))",
    "[1].exists(x, !has(order.metadata.missing) && has(order.metadata.none) && has(order.metadata.at.city))",
    "[1, 2].exists(order, order == 2)",
    "[1].exists(x, order['amount'] == 500 && order.metadata['a.b'] == 'dotted' && order.metadata.at['floor'] == 3)",
    "[1].exists(x, now.getHours() == 0 && now.getDayOfWeek() == 1 && now.getDate() == 23 && now.getMilliseconds() == 250)",
    "[1].exists(x, order.metadata.at == order.metadata.at && order.metadata.big == 18446744073709551615u)",
];

const FALSE: &[&str] = &[
    "false",
    "order.expires_in < 60",
    "order.expires_in >= 60",
    "order.store <= null",
    "null > order.amount",
    "order.metadata.missing < 5 || order.metadata.none > 5 || 5 <= order.metadata.none",
    "order.metadata.shop == 12",
    "order.store in ['a'] || order.amount in []",
    "order.metadata.shop && false",
    "now.getHours() >= 9 && now.getHours() < 21",
];

const FAILS: &[(&str, &str)] = &[
    ("order.metadata.shop > 3", "no order"),
    ("order.metadata.shop", "not true or false"),
    ("!order.metadata.rank", "not true or false"),
    ("order.store.startsWith('a')", "matches need text"),
    ("order.metadata.rank.contains('7')", "matches need text"),
    ("order.amount / 0 == 1", "divides by zero"),
    ("order.amount % 0 == 1", "divides by zero"),
    ("order.amount + 9223372036854775807 > 0", "overflows"),
    ("order.expires_in + 1 == 1", "not a whole number"),
    ("order.metadata.shop + 1 == 13", "not a whole number"),
    ("order.metadata.tags > 1", "no order"),
    ("order.metadata.shop.deeper == 1", "not a table"),
    ("has(order.metadata.shop.deeper)", "not a table"),
    ("size(order.metadata.rank) == 1", "size()"),
    ("order.metadata.shop > 3 || false", "no order"),
    ("order.amount / 0 == 1 && order.metadata.shop > 3", "no order"),
    ("[1].exists(x, order.metadata.shop > x)", "`>` cannot be asked of string and int"),
    ("int(order.subject) == 1", "`int(…)` cannot read what it was given"),
    ("order.metadata.tags[5] == 'x'", "no element"),
];

const REFUSED: &[(&str, &[&str])] = &[
    ("", &["is empty; leave `when` out to match everything"]),
    ("order.foo == 1", &["`order.foo` does not exist; `order` has: amount, method, merchant_order_no"]),
    ("ordr.amount == 1", &["`ordr.amount` does not exist; the names are: order, payer, merchant, account, channel, method, now"]),
    ("order.auth_code == '1'", &["`order.auth_code` does not exist"]),
    ("order == null", &["`order` is a group of fields, not a value; it has: amount"]),
    ("order.terminal.x == '1'", &["`order.terminal.x` does not exist; `order.terminal` has: id, device_type, serial_no, ip, location"]),
    ("order.amount.fen == 1", &["`order.amount.fen` does not exist: `order.amount` is a whole number and has no fields"]),
    ("order.amount", &["`order.amount` is a whole number, not a condition"]),
    ("order.amount && true", &["`order.amount` is a whole number, not a condition"]),
    ("!order.subject", &["`order.subject` is text, not a condition"]),
    ("order.amount == '5'", &["`==`: `order.amount` is a whole number and \"5\" is text: they can never be compared"]),
    ("order.subject < 5", &["`<`: `order.subject` is text and 5 is a whole number"]),
    ("order.amount > 5.0", &["`>`: `order.amount` is a whole number and 5 is a fraction: write fen as a whole number"]),
    ("order.amount in [5.5]", &["write fen as a whole number"]),
    ("order.amount * 1.5 > 3.0", &["write fen as a whole number"]),
    ("[5.5].exists(x, order.amount > x)", &["write fen as a whole number"]),
    ("double(order.amount) > 1.5", &["`double(…)` cannot be asked of `order.amount`, which is a whole number"]),
    ("[1].exists(x, x.y == 1)", &["`x.y` does not exist: `x` is a whole number"]),
    ("order.amount in ['5']", &["`in`: `order.amount` is a whole number and \"5\" is text"]),
    ("order.amount in order.subject", &["`in` needs a list: `order.subject` is text"]),
    ("order.metadata == null", &["`order.metadata` is a table: ask for one of its keys"]),
    ("has(order.store)", &["has(…) asks for metadata keys; known names are always there: compare `order.store` with null"]),
    ("has(order.foo) || has(order.metadata)", &["`order.foo` does not exist", "compare `order.metadata` with null"]),
    ("order.amount + order.subject == 1", &["`+` cannot be asked of `order.amount` (a whole number) and `order.subject` (text)"]),
    ("order.amount + null == 1", &["`+` cannot be asked of"]),
    ("(true ? 1 : 'a') == 1", &["the two sides of `? :` are of two kinds: a whole number and text"]),
    ("order.subject.startswith('a')", &["`startswith(…)` does not exist; there are: size, contains, startsWith"]),
    ("startsWith(order.subject, 'a')", &["`startsWith(…)` is not written like that: text.startsWith(text)"]),
    ("order.amount.startsWith('a')", &["`startsWith(…)` cannot be asked of `order.amount`, which is a whole number"]),
    ("order.subject.matches('(')", &["`matches(…)`: \"(\" is not a regular expression"]),
    ("now > timestamp('yesterday')", &["`timestamp(…)` never has an answer here"]),
    ("now == 5", &["`==`: `now` is a time and 5 is a whole number"]),
    ("[1].exists(x, order.foo == x && ordr == 1)", &["`order.foo` does not exist", "`ordr` does not exist"]),
    ("order.subject.matches(order.foo)", &["`order.foo` does not exist", "`matches(…)` needs its pattern written out"]),
    ("{'a': 1}.a == 1", &["a table `{ }` cannot be written in a predicate"]),
    ("[1].all(a, [1].all(b, [1].all(c, true)))", &["nested deeper than 2"]),
    ("order.amount >", &["is not CEL at line 1, column"]),
    ("order.foo == 1 || order.amount == '5' || payer", &["`order.foo`", "`==`", "`payer` is a group"]),
];

#[test]
fn what_is_true_is_true() {
    for text in TRUE {
        assert_eq!(asked(text), Ok(true), "{text}");
        assert_eq!(When::parse(text).unwrap().stays_in_cel(), None, "{text}");
    }
    for text in TRUE_IN_CEL {
        assert_eq!(asked(text), Ok(true), "{text}");
        assert!(When::parse(text).unwrap().stays_in_cel().is_some(), "{text}");
    }
    let shared = |when: When| -> Box<dyn Send + Sync> { Box::new(when) };
    drop(shared(When::always()));
    assert_eq!(When::always().matches(&world().facts()), Ok(true));
}

#[test]
fn what_is_false_is_false() {
    for text in FALSE {
        assert_eq!(asked(text), Ok(false), "{text}");
    }
}

#[test]
fn what_has_no_answer_says_why() {
    for (text, why) in FAILS {
        let failed = asked(text).expect_err(text);
        assert!(failed.contains(why), "{text}: {failed}");
    }
}

#[test]
fn what_is_wrong_is_refused_with_every_problem() {
    for (text, expected) in REFUSED {
        let said = problems(text);
        assert_eq!(said.len(), expected.len(), "{text}: {said:?}");
        for (said, expected) in said.iter().zip(*expected) {
            assert!(said.contains(expected), "{text}: {said}");
        }
    }
}

#[test]
fn what_stays_in_cel_is_named_and_the_rest_is_lowered() {
    let when = When::parse("order.amount > 1 && string(order.amount).matches('a') && 'x' in order.metadata.tags").unwrap();
    assert_eq!(when.stays_in_cel(), Some("`string(…)`; `in` something other than a list of values"));
    assert_eq!(When::parse("order.amount > 1").unwrap().stays_in_cel(), None);
}

#[test]
fn length_and_depth_have_an_end() {
    let long = format!("order.subject == '{}'", "x".repeat(4096));
    assert!(problems(&long)[0].contains("at most 4096"));
    let nested = |levels: usize| format!("{}true{}", "(".repeat(levels), ")".repeat(levels));
    assert!(When::parse(&nested(32)).is_ok());
    assert!(problems(&nested(33))[0].contains("deeper than 32 levels"));
    assert!(problems(&format!("order.amount {} > 1", "+ 1".repeat(40)))[0].contains("deeper than 32 levels"));
    // A chain is one level however long it is.
    let chain = vec!["order.amount != 7"; 150].join(" && ");
    assert_eq!(When::parse(&chain).map(|when| when.matches(&world().facts())), Ok(Ok(true)));
    // What nests without brackets ends as well.
    for hostile in [
        "-".repeat(4000) + "1 == 1",
        "!".repeat(4001) + "true",
        "true ? ".repeat(580),
        format!("order{} == 1", ".a".repeat(2000)),
        "1+".repeat(2000),
    ] {
        assert!(hostile.len() <= 4096);
        drop(When::parse(&hostile));
    }
}

#[test]
fn nothing_that_fails_shows_a_value() {
    for text in
        ["payer.openid.contains(order.metadata.rank)", "int(payer.openid) == 1", "[1].exists(x, payer.openid + order.metadata.rank == 'a')"]
    {
        let failed = asked(text).expect_err(text);
        assert!(!failed.contains("o_1"), "{failed}");
    }
}

#[test]
fn every_hour_of_a_leap_year_and_its_neighbours_is_the_one_cel_sees() {
    let parts =
        ["getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getHours", "getMinutes", "getSeconds", "getMilliseconds"];
    let mut world = world();
    for part in parts {
        let lowered = When::parse(&format!("now.{part}() == order.amount")).unwrap();
        let plain = When::parse(&format!("[1].exists(x, now.{part}() == order.amount)")).unwrap();
        assert!(lowered.stays_in_cel().is_none() && plain.stays_in_cel().is_some());
        let read = |world: &World| (0..=2110).find(|amount| plain.matches(&World { amount: *amount, ..world.clone() }.facts()) == Ok(true));
        // From 1968 to 2104, in steps that meet every hour and every turn of a month.
        for step in 0..60 {
            world.now = Millis(-60_000_000_000 + step * 71_234_567_891);
            world.amount = read(&world).unwrap();
            assert_eq!(lowered.matches(&world.facts()), Ok(true), "{part} of {:?}", world.now);
        }
    }
}
