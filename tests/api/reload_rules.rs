//! Rules that change under load: every order is decided by one file as a whole, and none fails because of the change (CONTRACT section 2).

use crate::harness::limits::wechat_account;
use crate::harness::till::id_of;
use crate::harness::{World, order};
use futures_util::future::join_all;
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Two files whose rules and accounts have nothing in common.
const FILES: [(&str, [&str; 2]); 2] = [("first", ["wx-main", "wx-two"]), ("other", ["wx-three", "wx-four"])];
const CLIENTS: usize = 4;
const ORDERS: usize = 60;

fn rules((name, accounts): (&str, [&str; 2])) -> String {
    let [one, two] = accounts;
    format!(
        "[[rule]]\nname = \"{name}-small\"\nwhen = \"order.amount <= 500\"\nstrategy = \"round_robin\"\n\
         accounts = [{{ id = \"{one}\", weight = 2 }}, {{ id = \"{two}\", weight = 1 }}]\n\n\
         [[rule]]\nname = \"{name}-large\"\nstrategy = \"priority\"\naccounts = [{{ id = \"{two}\" }}, {{ id = \"{one}\" }}]\n"
    )
}

/// As an editor does it that leaves no half a file behind.
fn replace_rules(world: &World, text: &str) {
    let fresh = world.dir.join("routing.toml.new");
    std::fs::write(&fresh, text).unwrap();
    std::fs::rename(&fresh, world.dir.join("routing.toml")).unwrap();
}

/// Four accounts of one merchant at WeChat.
fn four(old: String) -> String {
    let table = wechat_account(&old);
    let more = ["wx-two", "wx-three", "wx-four"].map(|id| table.replace("id = \"wx-main\"", &format!("id = \"{id}\"")));
    format!("{old}\n{}\n", more.join("\n"))
}

/// Which of the two files decided an order: by every trace that the decision left.
fn decided_by(expanded: &Value, amount: i64) -> usize {
    let attempts = expanded["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 1, "{expanded}");
    let route = &attempts[0]["route"];
    let rule = route["rule"].as_str().unwrap_or_else(|| panic!("no rule: {route}"));
    let at = FILES.iter().position(|(name, _)| rule.starts_with(name)).unwrap();
    let (name, accounts) = FILES[at];
    let is_small = amount <= 500;
    assert_eq!(rule, format!("{name}-{}", if is_small { "small" } else { "large" }), "{route}");
    assert_eq!(route["strategy"], if is_small { "round_robin" } else { "priority" }, "{route}");
    assert!(accounts.iter().any(|id| route["chosen"] == *id && expanded["account"] == *id), "{expanded}");
    for line in route["considered"].as_array().unwrap() {
        let place = line["place"].as_u64();
        let is_named = accounts.iter().any(|id| line["account"] == *id);
        assert_eq!(is_named, place.is_some_and(|place| place < 2), "{route}");
    }
    at
}

#[tokio::test]
async fn no_order_sees_half_a_rule_set_and_none_fails_while_files_change() {
    let world = World::plan().edit("channels.toml", four).edit("routing.toml", |_| rules(FILES[0])).start();
    let running = AtomicUsize::new(CLIENTS);
    let client = |_| async {
        let mut seen = Vec::new();
        for nth in 0..ORDERS {
            let amount = if nth % 2 == 0 { 100 } else { 900 };
            let placed = world.demo.place(&order("wechat_native", amount)).await;
            seen.push(decided_by(&world.demo.expanded(id_of(&placed)).await, amount));
        }
        running.fetch_sub(1, Ordering::Relaxed);
        seen
    };
    let switch = async {
        let mut times = 0_usize;
        while running.load(Ordering::Relaxed) > 0 {
            times += 1;
            replace_rules(&world, &rules(FILES[times % 2]));
            world.gateway(|gateway| gateway.signal("HUP"));
            // One order of the switch's own, so that others get their turn.
            world.demo.place(&order("wechat_native", 300)).await;
        }
        times
    };
    let (seen, times) = tokio::join!(join_all((0..CLIENTS).map(client)), switch);
    let changes: usize = seen.iter().map(|seen| seen.windows(2).filter(|pair| pair[0] != pair[1]).count()).sum();
    println!("{times} reloads, {} orders, {changes} changes seen", CLIENTS * ORDERS);
    assert!(changes >= 8, "{times} reloads and {changes} changes: nothing was shown");
    assert!(!world.gateway_log().contains("nothing was reloaded"), "a reload was refused");
}
