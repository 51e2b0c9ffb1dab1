//! What `sluice check` notes: each note where it belongs and none where it does not; and, over random files and orders, that it is true.

mod truth;

use super::{Folder, fake};
use crate::config::Finding;

/// An account of the fake channel with more keys; `fee_rate` is there.
fn account(id: &str, keys: &str) -> String {
    let named = fake::ACCOUNT_TOML.replace("wx-main", id).replace("1900000001", &format!("19{}", id.len()));
    named.replace("sandbox = true", &format!("sandbox = true\n{keys}"))
}

/// `a` and `b` serve both methods, `c` one of them.
fn three() -> Folder {
    let accounts = [account("a", ""), account("b", ""), account("c", "methods = [\"wechat_jsapi\"]")].concat();
    Folder::sandbox().with("channels.toml", &accounts).with("merchants.toml", "")
}

/// The notes, without file and line.
fn notes(folder: &Folder) -> Vec<String> {
    match folder.load() {
        Ok(settings) => settings.notes.iter().map(|note| format!("{}: {}", note.key, note.reason)).collect(),
        Err(found) => vec![format!("refused: {found:?}")],
    }
}

fn rule(name: &str, strategy: &str, more: &str) -> String {
    format!("[[rule]]\nname = \"{name}\"\nstrategy = \"{strategy}\"\n{more}\n")
}

#[track_caller]
fn noted(rules: &[String], expected: &[&str]) {
    assert_eq!(notes(&three().with("routing.toml", &rules.concat())), expected);
}

#[test]
fn a_sane_folder_has_no_notes() {
    let rules = [
        rule("small", "least_cost", "when = 'order.amount < 5000 && order.method.startsWith(\"wechat_\")'"),
        rule("vip", "priority", "when = 'merchant.id == \"m_demo\"'\naccounts = [{ id = \"b\" }, { id = \"a\", weight = 0 }]"),
        rule(
            "jsapi",
            "sticky",
            "when = 'order.method == \"wechat_jsapi\" && order.amount > 9'\naccounts = [{ id = \"c\" }, { id = \"a\", weight = 3 }]",
        ),
        rule("shares", "round_robin", "accounts = [{ id = \"a\", weight = 70 }, { id = \"b\", weight = 30 }]"),
        rule("reserve", "priority", "accounts = [{ id = \"c\" }]"),
    ];
    noted(&rules, &[]);
    noted(&[], &[]);
    assert_eq!(notes(&Folder::live()), [""; 0]);
    assert_eq!(notes(&Folder::sandbox()), [""; 0]);
}

#[test]
fn a_note_says_file_key_and_line() {
    let text = format!("# one\n{}", rule("off", "priority", "when = 'false'"));
    let found = three().with("routing.toml", &text).load().map(|s| s.notes.iter().map(Finding::to_string).collect::<Vec<_>>());
    assert_eq!(found.unwrap_or_default(), ["routing.toml:5: rule[0].when: off never matches: its condition cannot hold for any order"]);
}

#[test]
fn a_condition_that_cannot_hold_is_noted() {
    let when = |cel: &str| rule("r", "priority", &format!("when = '{cel}'\naccounts = [{{ id = \"a\" }}]"));
    let never = "rule[0].when: r never matches: its condition cannot hold for any order";
    let here = "rule[0].when: r never matches: its condition cannot hold for any of its accounts with a method that it serves";
    for cel in [
        "false",
        "1 > 2",
        "order.amount > 5 && false",
        "order.currency == \"USD\"",
        "order.method == \"wechat_natve\"",
        "!(true || order.store == null)",
    ] {
        noted(&[when(cel), rule("all", "priority", "")], &[never]);
    }
    for cel in ["order.method == \"alipay_qr\"", "method.endsWith(\"_barcode\")", "account == \"b\"", "channel in [\"alipay\", \"icbc\"]"] {
        noted(&[when(cel), rule("all", "priority", "")], &[here]);
    }
    for cel in [
        "order.method != \"alipay_qr\"",
        "account == \"a\"",
        "order.metadata.x == \"alipay_qr\"",
        "order.amount < 0",
        "order.method == \"alipay_qr\" || order.amount > 9",
    ] {
        noted(&[when(cel), rule("all", "priority", "")], &[]);
    }
}

#[test]
fn a_rule_behind_others_that_take_all_its_accounts_is_noted() {
    let behind = |by: &str| {
        format!(
            "rule[1].when: late is reached by no new order: whenever it matches, its accounts have been taken by rules before it ({by})"
        )
    };
    let late = |more: &str| rule("late", "priority", more);
    noted(&[rule("all", "priority", ""), late("when = 'order.amount > 5'")], &[&behind("all")]);
    noted(
        &[
            rule("ab", "priority", "accounts = [{ id = \"a\" }, { id = \"b\" }]"),
            late("accounts = [{ id = \"b\" }]"),
            rule("rest", "priority", ""),
        ],
        &[&behind("ab")],
    );
    let same = "when = 'order.amount > 5'\naccounts = [{ id = \"a\" }]";
    noted(&[rule("same", "priority", same), late(same), rule("rest", "priority", "")], &[&behind("same")]);
    let wechat = "when = 'order.method.startsWith(\"wechat_\")'";
    noted(&[rule("wechat", "priority", wechat), late("")], &[&behind("wechat")]);

    // What the first does not take, or does not always, is left for the second.
    noted(&[rule("a", "priority", "accounts = [{ id = \"a\" }]"), late("")], &[]);
    noted(
        &[
            rule("a", "priority", "accounts = [{ id = \"a\" }, { id = \"b\", weight = 0 }]"),
            late("accounts = [{ id = \"b\" }, { id = \"c\" }]"),
        ],
        &[],
    );
    noted(&[rule("native", "priority", "when = 'order.method == \"wechat_native\"'"), late("")], &[]);
    noted(&[rule("maybe", "priority", "when = 'order.metadata.x > 5 || true == order.metadata.y'"), late("")], &[]);
}

#[test]
fn a_rule_that_takes_nothing_is_noted() {
    let zero = "accounts = [{ id = \"a\", weight = 0 }, { id = \"b\", weight = 0 }]";
    noted(
        &[rule("r", "priority", zero), rule("all", "priority", "")],
        &["rule[0].accounts: r takes no order as the files stand: all its weights are 0"],
    );
    let off = [account("a", "state = \"disabled\""), account("b", "state = \"draining\""), account("c", "")].concat();
    let folder = three().with("channels.toml", &off);
    let accounts = [
        "account[0].state: a is disabled: no new order goes there unless an operator switches it on",
        "account[1].state: b is draining: no new order goes there unless an operator switches it on",
    ];
    let with = |rules: &str| notes(&folder.clone().with("routing.toml", &format!("{rules}{}", rule("all", "priority", ""))));
    let expect = |note: &str| accounts.iter().map(|line| (*line).to_owned()).chain([note.to_owned()]).collect::<Vec<_>>();
    let both = rule("r", "sticky", "accounts = [{ id = \"a\" }, { id = \"b\" }]");
    assert_eq!(with(&both), expect("rule[0].accounts: r takes no order as the files stand: none of its accounts is enabled"));
    let mixed = rule("r", "priority", "accounts = [{ id = \"a\" }, { id = \"c\", weight = 0 }]");
    assert_eq!(with(&mixed), expect("rule[0].accounts: r takes no order as the files stand: each of its accounts is off or has weight 0"));
    let one = rule("r", "priority", "accounts = [{ id = \"a\" }, { id = \"c\" }]");
    assert_eq!(with(&one), accounts);
}

#[test]
fn a_method_that_is_asked_for_and_not_served_is_noted() {
    let when = |cel: &str| {
        [rule("r", "priority", &format!("when = '{cel}'\naccounts = [{{ id = \"a\" }}, {{ id = \"c\" }}]")), rule("all", "priority", "")]
    };
    let list = "order.method in [\"wechat_native\", \"alipay_qr\", \"wechat_mini\"]";
    noted(&when(list), &["rule[0].when: r asks for wechat_mini, alipay_qr, which none of its accounts serves"]);
    noted(
        &when("method == \"wechat_jsapi\" || method == \"alipay_qr\""),
        &["rule[0].when: r asks for alipay_qr, which none of its accounts serves"],
    );
    for cel in [
        "order.method in [\"wechat_native\", \"wechat_jsapi\"]",
        "order.method.startsWith(\"wechat_\")",
        "order.method != \"alipay_qr\"",
        "order.subject != \"alipay_qr\" || method == \"wechat_native\"",
    ] {
        noted(&when(cel), &[]);
    }
}

#[test]
fn a_condition_about_the_account_that_the_merchant_chose_is_noted() {
    let all = rule("all", "priority", "");
    let told = "rule[0].when: r asks for order.account, which is null in every order that rules rank; the candidate is `account`";
    noted(&[rule("r", "priority", "when = 'order.account == \"a\" || order.amount > 5'"), all.clone()], &[told]);
    noted(&[rule("r", "priority", "when = 'account == \"a\"'"), all], &[]);
}

#[test]
fn a_condition_that_stays_in_cel_is_noted() {
    let found = notes(&three().with("routing.toml", &rule("r", "priority", "when = 'int(order.metadata.x) > 5'")));
    assert!(
        matches!(found.as_slice(), [note] if note.starts_with("rule[0].when: r stays in CEL, about a microsecond for each order: ")),
        "{found:?}"
    );
    let found = notes(&three().with("routing.toml", &rule("r", "priority", "when = 'account != string(order.metadata.x)'")));
    assert!(matches!(found.as_slice(), [note] if note.contains("for each account of each order")), "{found:?}");
}

#[test]
fn shares_without_a_choice_are_noted() {
    for strategy in ["round_robin", "sticky"] {
        let note = format!(
            "rule[0].strategy: r has nothing to share by {strategy}: no two of its accounts with a weight serve a method that it matches"
        );
        let all = rule("all", "priority", "");
        noted(&[rule("r", strategy, "accounts = [{ id = \"a\" }]"), all.clone()], &[&note]);
        noted(&[rule("r", strategy, "accounts = [{ id = \"a\" }, { id = \"b\", weight = 0 }]"), all.clone()], &[&note]);
        noted(
            &[rule("r", strategy, "when = 'method == \"wechat_native\"'\naccounts = [{ id = \"a\" }, { id = \"c\" }]"), all.clone()],
            &[&note],
        );
        noted(&[rule("r", strategy, "accounts = [{ id = \"a\" }, { id = \"c\" }]"), all], &[]);
    }
    noted(&[rule("r", "priority", "accounts = [{ id = \"a\" }]"), rule("all", "priority", "")], &[]);
}

#[test]
fn weights_that_nobody_reads_are_noted() {
    let weights = "accounts = [{ id = \"a\", weight = 70 }, { id = \"b\", weight = 30 }, { id = \"c\" }]";
    for strategy in ["priority", "least_cost", "success_rate", "best_value"] {
        let note = format!("rule[0].accounts: r gives weights, and {strategy} only asks whether one is 0");
        noted(&[rule("r", strategy, weights)], &[&note]);
    }
    noted(&[rule("r", "sticky", weights)], &[]);
    noted(&[rule("r", "priority", "accounts = [{ id = \"a\", weight = 0 }, { id = \"b\", weight = 1 }, { id = \"c\" }]")], &[]);
}

#[test]
fn costs_that_are_not_known_are_noted() {
    let folder = |strategy: &str| {
        let free = three().edit("channels.toml", "fee_rate = \"0.006\"\n", "");
        free.with("routing.toml", &rule("r", strategy, "accounts = [{ id = \"b\" }, { id = \"a\" }, { id = \"c\" }]"))
    };
    assert_eq!(notes(&folder("least_cost")), ["rule[0].strategy: r knows no fee_rate of a, which comes last where costs are compared"]);
    assert_eq!(notes(&folder("best_value")), ["rule[0].strategy: r knows no fee_rate of a, which counts as free of charge"]);
    assert_eq!(notes(&folder("priority")), [""; 0]);
}

#[test]
fn an_account_in_no_rule_is_noted_where_a_rule_goes_before_it() {
    let note = |id: &str, at: usize| {
        format!(
            "account[{at}].id: {id} is in no rule: where r matches, those it ranks come first, but for merchants that prefer, own or name {id}"
        )
    };
    let r = |more: &str| rule("r", "priority", more);
    noted(&[r("accounts = [{ id = \"a\" }]")], &[&note("b", 1), &note("c", 2)]);
    noted(&[r("when = 'method == \"wechat_native\"'\naccounts = [{ id = \"a\" }]")], &[&note("b", 1)]);
    noted(&[r("accounts = [{ id = \"a\" }]"), rule("rest", "priority", "accounts = [{ id = \"b\" }, { id = \"c\" }]")], &[]);
    noted(&[r("accounts = [{ id = \"a\" }]"), rule("all", "priority", "")], &[]);
}

/// A live account, direct unless it is a partner's.
fn live(id: &str) -> String {
    account(id, "").replace("sandbox = true\n", "").replace("http://127.0.0.1:9101", "https://api.mch.weixin.qq.com")
}

#[test]
fn a_live_account_that_nobody_is_bound_to_is_noted() {
    let spare = "account[1].id: wx-spare is bound to no merchant of merchants.toml: no order goes there unless an operator binds one";
    let folder = Folder::live().add("channels.toml", &live("wx-spare"));
    assert_eq!(notes(&folder), [spare]);
    assert_eq!(notes(&folder.clone().add("merchants.toml", "[[merchant.binding]]\naccount = \"wx-spare\"")), [""; 0]);
    assert_eq!(notes(&folder.with("merchants.toml", "")), [""; 0]);
}

#[test]
fn a_preference_for_what_is_not_bound_is_noted() {
    let folder = Folder::live()
        .add("channels.toml", &live("wx-spare"))
        .add("merchants.toml", "[[merchant]]\nid = \"m_other\"\n[[merchant.binding]]\naccount = \"wx-spare\"");
    let prefer = |list: &str| folder.clone().edit("merchants.toml", "id = \"m_demo\"", &format!("id = \"m_demo\"\nprefer = {list}"));
    let note = "merchant[0].prefer: wx-spare is preferred by m_demo, which has no enabled binding to it here: without one its orders never go there";
    assert_eq!(notes(&prefer("[\"wx-main\", \"wx-spare\"]")), [note]);
    assert_eq!(notes(&prefer("[\"wx-main\"]")), [""; 0]);
    let off = prefer("[\"wx-main\"]").edit("merchants.toml", "account = \"wx-main\"\n", "account = \"wx-main\"\nenabled = false\n");
    assert!(matches!(notes(&off).as_slice(), [note] if note.starts_with("merchant[0].prefer: wx-main is preferred by m_demo")));
    let sandbox = three().with("merchants.toml", "[[merchant]]\nid = \"m_demo\"\nprefer = [\"b\"]\n");
    assert_eq!(notes(&sandbox), [""; 0]);
}
