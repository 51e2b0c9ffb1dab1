//! `limits.toml`: what `check` says of a bad one, and what a reload may change under a running gateway (CONTRACT sections 1, 2 and 9).

use crate::harness::limits::{Rule, all, books_hold, file, full, held, listed, reload, used, with_rules};
use crate::harness::process::outcome;
use crate::harness::world::{edit, scratch, start_sandbox};
use crate::harness::{Answer, World, order, until};
use serde_json::json;
use std::path::Path;

fn good(name: &str) -> Rule {
    Rule::new(name, &["account"], "amount", "day").max(1_000)
}

/// Every way to spoil a rule: the key that must be named, and the rule. Keys that are missing are named without a line of their own.
fn spoilt() -> Vec<(&'static str, Rule)> {
    let text = |key: &'static str, value: &str| (key, good(&format!("bad-{key}")).text(key, value));
    let raw = |key: &'static str, value: &str| (key, good(&format!("bad-{key}")).set(key, value));
    vec![
        text("name", ""),
        text("when", "order.amount >"),
        text("when", "order.amount > 5.5"),
        text("when", "ordre.amount > 5"),
        raw("when", "5"),
        raw("per", "[\"acount\"]"),
        raw("per", "\"account\""),
        text("measure", "sum"),
        text("window", "week"),
        text("window", "rolling:0s"),
        text("window", "rolling:soon"),
        raw("max", "-1"),
        raw("max", "\"1000\""),
        raw("max", "10.5"),
        raw("min", "-1"),
        text("mode", "later"),
        text("at", "dusk"),
        text("day_starts", "25:00"),
        text("on_refund", "burn"),
        text("on_missing", "guess"),
        text("on_error", "shrug"),
        text("open_share", "1.5"),
        raw("open_share", "0.2"),
        raw("wings", "2"),
        ("name", good("x").without("name")),
        ("window", good("no-window").without("window")),
        ("max", good("no-max").without("max")),
    ]
}

fn check(dir: &Path) -> (i32, String, String) {
    outcome(&["check", "--config", &dir.to_string_lossy()])
}

/// The line of a key in the rule that begins at this line of the file; the first of the rule where it has no such key.
fn line_of(text: &str, starts: usize, key: &str) -> usize {
    let rule = text.lines().skip(starts - 1).take_while(|line| !line.is_empty());
    starts + rule.into_iter().position(|line| line.starts_with(&format!("{key} = "))).unwrap_or(0)
}

#[test]
fn check_names_every_problem_with_its_line() {
    let dir = scratch("limits");
    drop(start_sandbox(&dir, 1));
    let rules = spoilt();
    let all: Vec<Rule> = rules.iter().map(|(_, rule)| rule.clone()).collect();
    let text = file(&all);
    edit(&dir, "limits.toml", |_| text.clone());
    let (code, _, stderr) = check(&dir);
    assert_eq!(code, 1, "{stderr}");
    let starts = text.lines().enumerate().filter(|(_, line)| *line == "[[limit]]").map(|(at, _)| at + 1);
    for (index, (starts, (key, rule))) in starts.zip(&rules).enumerate() {
        let place = format!("limits.toml:{}: limit[{index}].{key}", line_of(&text, starts, key));
        let named = stderr.lines().any(|line| line.split_once(&place).is_some_and(|(_, rest)| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')));
        assert!(named, "{place} is not named, which is\n{}in\n{stderr}", rule.toml());
    }
    let (code, _, stderr) = outcome(&["serve", "--config", &dir.to_string_lossy(), "--listen", "127.0.0.1:0"]);
    assert!(code == 1 && stderr.contains("limits.toml"), "{stderr}");
    // Two of one name: one name, one counter.
    edit(&dir, "limits.toml", |_| file(&[good("twin"), good("twin")]));
    let (code, _, stderr) = check(&dir);
    assert!(code == 1 && stderr.lines().any(|line| line.contains("limit[1].name") && line.contains("limits.toml:")), "{stderr}");
    std::fs::remove_dir_all(dir).unwrap();
}

/// What is good passes; what must be asked of CEL each time is told, and no more than that.
#[test]
fn check_notes_the_conditions_that_stay_in_cel() {
    let dir = scratch("limits");
    drop(start_sandbox(&dir, 1));
    let lowered = good("plain").when("order.amount >= 500 && order.metadata.shop == \"12\"");
    let cel = good("cel").when("int(order.metadata.x) > 5").text("on_error", "allow").text("open_share", "0.2").text("on_refund", "keep");
    let text = file(&[lowered, cel]);
    edit(&dir, "limits.toml", |_| text.clone());
    let (code, stdout, stderr) = check(&dir);
    assert_eq!(code, 0, "{stderr}");
    let notes: Vec<&str> = stdout.lines().filter(|line| line.starts_with("note: ")).collect();
    let line = text.lines().position(|line| line.contains("int(order")).unwrap() + 1;
    let [note] = notes.as_slice() else { panic!("{stdout}") };
    assert!(note.starts_with(&format!("note: limits.toml:{line}: ")), "{note}, not of line {line}");
    std::fs::remove_dir_all(dir).unwrap();
}

async fn tries(world: &World, amount: i64) -> Answer {
    world.demo.post("/v1/orders", &order("wechat_native", amount)).await
}

/// A good rule and a bad one: neither is taken, by call and by signal.
#[tokio::test]
async fn a_bad_file_changes_nothing() {
    let world = with_rules(&[good("daily")]).start();
    tries(&world, 400).await.expect(201);
    let refused = reload(&world, &[good("daily").max(9_000), good("second").text("measure", "sum")]).await;
    assert!((400..500).contains(&refused.status), "{}", refused.text());
    assert!(refused.fields().iter().any(|f| f.contains("limits.toml") && f.contains("measure")), "{}", refused.text());
    let refusals = || world.gateway_log().matches("limit[1].measure").count();
    let before = refusals();
    world.gateway(|gateway| gateway.signal("HUP"));
    until("the refusal in the log", || async { (refusals() > before).then_some(()) }).await;
    assert_eq!(all(&world).await.len(), 1);
    assert_eq!((listed(&world, "daily").await["max"].as_i64(), used(&world, "daily", "wx-main").await), (Some(1_000), held(0, 400, 0)));
    full(tries(&world, 601).await, "daily");
    books_hold(&world).await;
}

/// What a rule counts cannot become something else under its name: the counters would mean nothing.
#[tokio::test]
async fn another_shape_needs_another_name() {
    let world = with_rules(&[good("daily")]).start();
    tries(&world, 400).await.expect(201);
    for (key, rule) in [
        ("when", good("daily").when("order.amount > 5")),
        ("per", good("daily").set("per", "[\"merchant\"]")),
        ("measure", good("daily").text("measure", "count")),
        ("window", good("daily").text("window", "month").without("day_starts")),
        ("mode", good("daily").text("mode", "post")),
    ] {
        let refused = reload(&world, std::slice::from_ref(&rule)).await;
        assert!((400..500).contains(&refused.status), "{key}: {}", refused.text());
        assert!(refused.fields().iter().any(|f| f.contains("limits.toml") && f.contains(key)), "{key}: {}", refused.text());
        assert!(refused.text().contains("new name"), "{key}: {}", refused.text());
        assert_eq!(used(&world, "daily", "wx-main").await, held(0, 400, 0), "{key}");
        full(tries(&world, 601).await, "daily");
        // Under a new name it is a new rule, which counts from now on.
        reload(&world, &[good("daily"), rule.text("name", &format!("by-{key}"))]).await.expect(200);
        assert_eq!(all(&world).await.len(), 2, "{key}");
    }
    reload(&world, &[good("daily")]).await.expect(200);
    books_hold(&world).await;
}

#[tokio::test]
async fn a_new_max_binds_new_orders() {
    let world = with_rules(&[good("daily")]).start();
    let open = tries(&world, 1_000).await.expect(201);
    full(tries(&world, 1).await, "daily");
    reload(&world, &[good("daily").max(1_200)]).await.expect(200);
    tries(&world, 200).await.expect(201);
    full(tries(&world, 1).await, "daily");
    edit(&world.dir, "limits.toml", |_| file(&[good("daily").max(500)]));
    world.gateway(|gateway| gateway.signal("HUP"));
    until("the lower max", || async { (listed(&world, "daily").await["max"] == json!(500)).then_some(()) }).await;
    assert_eq!(used(&world, "daily", "wx-main").await, held(0, 1_200, 700));
    full(tries(&world, 1).await, "daily");
    books_hold(&world).await;
    // What was let in before is finished as it was begun.
    world.control.pay(&open).await;
    world.demo.until_status(open["id"].as_str().unwrap(), "paid").await;
    assert_eq!(used(&world, "daily", "wx-main").await, held(1_000, 200, 700));
    books_hold(&world).await;
}

/// Without the rule nothing is refused; what it held before is let go or confirmed as ever, and it holds it still when it comes back.
#[tokio::test]
async fn a_rule_is_taken_out_and_put_in_again() {
    let world = with_rules(&[good("daily")]).start();
    let (paid, open) = (world.paid(&order("wechat_native", 300)).await, tries(&world, 700).await.expect(201));
    full(tries(&world, 1).await, "daily");
    reload(&world, &[]).await.expect(200);
    assert!(all(&world).await.is_empty());
    tries(&world, 5_000).await.expect(201);
    world.demo.act(&format!("/v1/orders/{}/close", open["id"].as_str().unwrap())).await.expect(200);
    reload(&world, &[good("daily")]).await.expect(200);
    assert_eq!(used(&world, "daily", "wx-main").await, held(300, 0, 0));
    full(tries(&world, 701).await, "daily");
    let body = json!({"merchant_refund_no": "RF-daily", "amount": 300});
    let refund = world.demo.post(&format!("/v1/orders/{}/refunds", paid["id"].as_str().unwrap()), &body).await.expect(201);
    world.demo.until_refund(refund["id"].as_str().unwrap(), "succeeded").await;
    tries(&world, 1_000).await.expect(201);
    full(tries(&world, 1).await, "daily");
    books_hold(&world).await;
}
