//! `routing.toml` and the terms of accounts: what stands there is obeyed, what a reload may change, and what `check` says of a file
//! (CONTRACT sections 1, 2 and 8).

use crate::harness::limits::wechat_account;
use crate::harness::process::outcome;
use crate::harness::world::{Plan, edit, scratch, start_sandbox};
use crate::harness::{World, order, unix_now, until};
use serde_json::{Value, json};

const BEIJING_S: i64 = 8 * 3600;

/// Two accounts of one channel, `wx-main` before `wx-second`, and this `routing.toml`.
fn two(routing: &str) -> Plan {
    let second = |old: String| format!("{old}\n{}\n", wechat_account(&old).replace("id = \"wx-main\"", "id = \"wx-second\""));
    World::plan().edit("channels.toml", second).append("routing.toml", routing)
}

/// More keys for one of the two accounts.
fn with_keys(plan: Plan, account: &'static str, keys: String) -> Plan {
    plan.edit("channels.toml", move |old| keyed(&old, account, &keys))
}

fn keyed(file: &str, account: &str, keys: &str) -> String {
    let id = format!("id = \"{account}\"\n");
    assert!(file.contains(&id), "{file}");
    file.replace(&id, &format!("{id}{keys}\n"))
}

fn rule(name: &str, strategy: &str, accounts: &str) -> String {
    format!("[[rule]]\nname = \"{name}\"\nstrategy = \"{strategy}\"\naccounts = [{accounts}]\n\n")
}

const MAIN_FIRST: &str = "[[rule]]\nname = \"main\"\nstrategy = \"priority\"\naccounts = [{ id = \"wx-main\" }, { id = \"wx-second\" }]\n";

/// Where an order of this amount goes.
async fn goes_to(world: &World, amount: i64) -> String {
    world.demo.place(&order("wechat_native", amount)).await["account"].as_str().unwrap().to_owned()
}

/// The decision of an order of this amount.
async fn decision(world: &World, amount: i64) -> Value {
    let placed = world.demo.place(&order("wechat_native", amount)).await;
    // As operators see it: merchants see no scores.
    let whole = world.ops.get(&format!("/ops/v1/orders/{}", placed["id"].as_str().unwrap())).await.expect(200);
    whole["attempts"][0]["route"].clone()
}

/// What the decision says of an account.
fn line<'r>(route: &'r Value, account: &str) -> &'r Value {
    let considered = route["considered"].as_array().unwrap_or_else(|| panic!("no decision: {route}"));
    considered.iter().find(|line| line["account"] == account).unwrap_or_else(|| panic!("no {account}: {route}"))
}

/// `wx-main` is passed over for this reason.
async fn passed_over(world: &World, amount: i64, why: &str) {
    let route = decision(world, amount).await;
    assert_eq!((&route["chosen"], &line(&route, "wx-main")["dropped"]), (&json!("wx-second"), &json!(why)), "{route}");
}

/// `HH:MM-HH:MM`, so many hours from now.
fn hours_from_now(from_h: i64, to_h: i64) -> String {
    let time = |hours: i64| {
        let minute = (unix_now() + BEIJING_S + hours * 3600).rem_euclid(86_400) / 60;
        format!("{:02}:{:02}", minute / 60, minute % 60)
    };
    format!("{}-{}", time(from_h), time(to_h))
}

#[tokio::test]
async fn round_robin_by_two_to_one_is_exact() {
    let world = two(&rule("shares", "round_robin", "{ id = \"wx-main\", weight = 2 }, { id = \"wx-second\" }")).start();
    let mut main = 0;
    for placed in 1..=30 {
        main += i32::from(goes_to(&world, 100).await == "wx-main");
        // Three times the distance from two thirds: never a whole order.
        assert!((3 * main - 2 * placed).abs() < 3, "{main} of {placed}");
    }
    assert_eq!(main, 20);
    let route = decision(&world, 100).await;
    assert_eq!((&route["rule"], &route["strategy"]), (&json!("shares"), &json!("round_robin")), "{route}");
}

#[tokio::test]
async fn least_cost_goes_by_the_fee_of_each_amount() {
    let plan = two("[[rule]]\nname = \"cheap\"\nstrategy = \"least_cost\"\n");
    let plan = plan.edit("channels.toml", |old| {
        let (first, second) = old.split_once("id = \"wx-second\"").unwrap();
        let tiers = "fee_rate = \"0.002\"\nfee_min = 10\nfee_tiers = [{ from = 100000, rate = \"0.02\" }]";
        format!("{first}id = \"wx-second\"{}", second.replacen("fee_rate = \"0.006\"", tiers, 1))
    });
    let world = plan.start();
    // 0.6 % against 0.2 % and at least 10 fen, and 2 % from 1,000 yuan on.
    for (amount, account, fee) in [(1_000, "wx-main", 6), (1_500, "wx-main", 9), (2_000, "wx-second", 10), (99_999, "wx-second", 200), (100_000, "wx-main", 600)] {
        let route = decision(&world, amount).await;
        assert_eq!((&route["chosen"], &line(&route, account)["score"]["fee_fen"]), (&json!(account), &json!(fee)), "{amount}: {route}");
    }
}

#[tokio::test]
async fn hours_maintenance_and_amounts_close_an_account() {
    let once = |from_s: i64, to_s: i64| {
        let time = |s: i64| jiff::Timestamp::from_second(unix_now() + s).unwrap().to_string();
        format!("maintenance = [\"{}/{}\"]", time(from_s), time(to_s))
    };
    let world = two(MAIN_FIRST).start();
    let kept = std::fs::read_to_string(world.dir.join("channels.toml")).unwrap();
    assert_eq!(goes_to(&world, 100).await, "wx-main");
    for (keys, why) in [
        (format!("open_hours = [\"{}\"]", hours_from_now(6, 12)), "closed"),
        (format!("open_hours = [\"{}\", \"{}\"]", hours_from_now(-12, -6), hours_from_now(6, 12)), "closed"),
        (format!("maintenance = [\"{}\"]", hours_from_now(-6, 6)), "maintenance"),
        (once(-3600, 3600), "maintenance"),
        ("amount_min = 101".to_owned(), "amount_out_of_range"),
        ("amount_max = 99".to_owned(), "amount_out_of_range"),
        ("state = \"draining\"".to_owned(), "account_draining"),
    ] {
        edit(&world.dir, "channels.toml", |_| keyed(&kept, "wx-main", &keys));
        world.ops.post("/ops/v1/reload").await.expect(200);
        passed_over(&world, 100, why).await;
    }
    // Open, between two pauses, within the amounts: as if nothing stood there.
    let open = format!("open_hours = [\"{}\"]\namount_min = 100\namount_max = 100\n{}", hours_from_now(-6, 6), once(-7200, -3600));
    edit(&world.dir, "channels.toml", |_| keyed(&kept, "wx-main", &open));
    world.ops.post("/ops/v1/reload").await.expect(200);
    assert_eq!(goes_to(&world, 100).await, "wx-main");
    // Where both are closed nobody takes it, and the merchant is told why.
    let closed = format!("open_hours = [\"{}\"]", hours_from_now(6, 12));
    edit(&world.dir, "channels.toml", |_| keyed(&keyed(&kept, "wx-main", &closed), "wx-second", &closed));
    world.ops.post("/ops/v1/reload").await.expect(200);
    let refused = world.demo.post("/v1/orders", &order("wechat_native", 100)).await.refused(422, "NO_ROUTE");
    assert!(refused["detail"].as_str().unwrap().contains("closed at this hour"), "{refused}");
}

#[tokio::test]
async fn a_merchants_own_preference_goes_before_the_rules() {
    let prefers = |old: String| old.replacen("id = \"m_demo\"\n", "id = \"m_demo\"\nprefer = [\"wx-second\"]\n", 1);
    let world = two(MAIN_FIRST).edit("merchants.toml", prefers).start();
    let route = decision(&world, 100).await;
    assert_eq!((&route["chosen"], &route["preferred"]), (&json!("wx-second"), &json!(true)), "{route}");
    let others = world.other.place(&order("wechat_native", 100)).await;
    assert_eq!(others["account"], "wx-main");

    // By the operators' call: put, refused where it makes no sense, taken away.
    let put = async |prefer: Value| world.ops.call("PUT", "/ops/v1/merchants/m_demo", Some(&json!({"name": "Demo", "prefer": prefer}))).await;
    for bad in [json!(["gone"]), json!(["wx-main", "wx-main"]), json!("wx-main")] {
        let refused = put(bad.clone()).await;
        assert_eq!((refused.status, refused.fields().contains("prefer")), (400, true), "{bad}: {}", refused.text());
    }
    assert_eq!(goes_to(&world, 100).await, "wx-second");
    assert_eq!(put(json!(["wx-main", "wx-second"])).await.expect(200)["prefer"], json!(["wx-main", "wx-second"]));
    assert_eq!(goes_to(&world, 100).await, "wx-main");
    assert_eq!(put(json!(["wx-second"])).await.expect(200)["prefer"], json!(["wx-second"]));
    assert_eq!(goes_to(&world, 100).await, "wx-second");
    assert_eq!(put(Value::Null).await.expect(200)["prefer"], Value::Null);
    assert_eq!(goes_to(&world, 100).await, "wx-main");
}

#[tokio::test]
async fn a_hangup_puts_another_rule_in_force_for_the_next_order() {
    let world = two(MAIN_FIRST).start();
    assert_eq!(decision(&world, 100).await["rule"], "main");
    edit(&world.dir, "routing.toml", |_| rule("other", "priority", "{ id = \"wx-second\" }"));
    world.gateway(|gateway| gateway.signal("HUP"));
    let route = until("the other rule", || async { Some(decision(&world, 100).await).filter(|route| route["rule"] == "other") }).await;
    assert_eq!(route["chosen"], "wx-second", "{route}");
}

/// A bad rule, and a bad account beside a good rule: nothing of either is taken.
#[tokio::test]
async fn a_bad_file_changes_nothing_and_is_told_with_line_and_key() {
    let world = two(MAIN_FIRST).start();
    let channels = std::fs::read_to_string(world.dir.join("channels.toml")).unwrap();
    let second = rule("second", "priority", "{ id = \"wx-second\" }");
    for (bad, line, key) in [
        (format!("{second}{}", rule("bad", "cheapest", "{ id = \"wx-main\" }")), 8, "rule[1].strategy"),
        (format!("{second}[health]\nopen = \"soon\"\n"), 7, "health.open"),
        (second.replace("wx-second", "wx-gone"), 4, "rule[0].accounts[0].id"),
    ] {
        edit(&world.dir, "routing.toml", |_| bad.clone());
        let refused = world.ops.post("/ops/v1/reload").await;
        assert!((400..500).contains(&refused.status) && refused.text().contains("routing.toml") && refused.text().contains(key), "{}", refused.text());
        let (code, _, stderr) = outcome(&["check", "--config", &world.dir.to_string_lossy()]);
        assert!(code == 1 && stderr.contains(&format!("routing.toml:{line}: {key}: ")), "{stderr}");
        assert_eq!(decision(&world, 100).await["rule"], "main");
    }
    edit(&world.dir, "routing.toml", |_| second.clone());
    edit(&world.dir, "channels.toml", |_| keyed(&channels, "wx-main", "amount_min = 2\namount_max = 1"));
    world.gateway(|gateway| gateway.signal("HUP"));
    until("the refusal in the log", || async { world.gateway_log().contains("account[0].amount_min").then_some(()) }).await;
    assert_eq!(decision(&world, 100).await["rule"], "main");
    edit(&world.dir, "channels.toml", |_| channels.clone());
    world.ops.post("/ops/v1/reload").await.expect(200);
    assert_eq!(decision(&world, 100).await["rule"], "second");
}

#[tokio::test]
async fn rules_whose_accounts_are_off_fall_through() {
    let rules = [rule("first", "priority", "{ id = \"wx-main\" }"), rule("next", "sticky", "{ id = \"wx-second\" }")].concat();
    let world = with_keys(two(&rules), "wx-main", "state = \"disabled\"".to_owned()).start();
    let route = decision(&world, 100).await;
    assert_eq!((&route["chosen"], &route["rule"]), (&json!("wx-second"), &json!("next")), "{route}");
    assert_eq!(line(&route, "wx-main")["dropped"], "account_off", "{route}");
    // Without a rule for it an account still takes what the others cannot: in the order of the file, by no rule.
    edit(&world.dir, "routing.toml", |_| rule("first", "priority", "{ id = \"wx-main\" }"));
    world.ops.post("/ops/v1/reload").await.expect(200);
    let route = decision(&world, 100).await;
    assert_eq!((&route["chosen"], &route["rule"]), (&json!("wx-second"), &Value::Null), "{route}");
    // An operator switches it on, and the rule has its account again.
    world.ops.post("/ops/v1/accounts/wx-main/enable").await.expect(200);
    let route = decision(&world, 100).await;
    assert_eq!((&route["chosen"], &route["rule"]), (&json!("wx-main"), &json!("first")), "{route}");
}

/// What is not wrong and yet hardly meant is told with its line, and it is no error.
#[test]
fn check_notes_what_contradicts_itself() {
    let dir = scratch("routing");
    drop(start_sandbox(&dir, 1));
    let (code, stdout, stderr) = outcome(&["check", "--config", &dir.to_string_lossy()]);
    assert!(code == 0 && stdout.contains("ok: ") && !stdout.contains("note: "), "{stdout}{stderr}");
    let rules = [
        "[[rule]]\nname = \"dollars\"\nwhen = 'order.currency == \"USD\"'\nstrategy = \"priority\"\n\n",
        "[[rule]]\nname = \"alone\"\nwhen = 'order.method == \"wechat_native\"'\nstrategy = \"round_robin\"\naccounts = [{ id = \"wx-main\" }]\n\n",
        "[[rule]]\nname = \"all\"\nstrategy = \"least_cost\"\n\n",
        "[[rule]]\nname = \"late\"\nstrategy = \"priority\"\n",
    ];
    edit(&dir, "routing.toml", |_| rules.concat());
    let (code, stdout, stderr) = outcome(&["check", "--config", &dir.to_string_lossy()]);
    assert_eq!(code, 0, "{stderr}");
    let notes: Vec<&str> = stdout.lines().filter(|line| line.starts_with("note: ")).collect();
    let expected = [
        "note: routing.toml:3: rule[0].when: dollars never matches",
        "note: routing.toml:9: rule[1].strategy: alone has nothing to share by round_robin",
        "note: routing.toml:16: rule[3].when: late is reached by no new order",
    ];
    assert_eq!(notes.len(), expected.len(), "{stdout}");
    assert!(notes.iter().zip(expected).all(|(note, begins)| note.starts_with(begins)), "{stdout}");
    assert!(stdout.contains("4 rules"), "{stdout}");
    std::fs::remove_dir_all(dir).unwrap();
}
