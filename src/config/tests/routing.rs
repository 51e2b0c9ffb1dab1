//! `routing.toml`: rules, health and success as they are read, and what is said of bad ones.

use super::{Folder, fake, refused};
use crate::config::Finding;
use crate::domain::route::health::Guard;
use crate::domain::route::success::Taste;
use crate::domain::route::{RuleAccount, Strategy};

/// Two accounts of one channel, and these rules.
fn rules(text: &str) -> Folder {
    let second = fake::ACCOUNT_TOML.replace("wx-main", "wx-spare").replace("1900000001", "1900000002");
    Folder::sandbox().add("channels.toml", &second).with("routing.toml", text)
}

fn told(text: &str, expected: &[&str]) {
    let expected: Vec<String> = expected.iter().map(|line| format!("routing.toml: {line}")).collect();
    refused(rules(text), &expected.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn rules_are_read_in_their_order() -> Result<(), Vec<Finding>> {
    let folder = rules(
        "[[rule]]\nname = \"shares\"\nwhen = 'order.amount < 5000'\nstrategy = \"round_robin\"\n\
         accounts = [{ id = \"wx-spare\", weight = 70 }, { id = \"wx-main\" }]\n\
         [[rule]]\nname = \"rest\"\nstrategy = \"sticky\"\n",
    );
    let routing = folder.load()?.routing;
    let shown: Vec<_> = routing.rules.iter().map(|r| (r.name.as_str(), r.when.text(), r.strategy, r.accounts.clone())).collect();
    let account = |id: &str, weight| RuleAccount { id: id.into(), weight };
    let shares = vec![account("wx-spare", 70), account("wx-main", 1)];
    assert_eq!(shown, [("shares", "order.amount < 5000", Strategy::RoundRobin, shares), ("rest", "true", Strategy::Sticky, Vec::new())]);
    assert_eq!((routing.guard, routing.taste), (Guard::default(), Taste::default()));
    for (word, strategy) in Strategy::ALL {
        let read = rules(&format!("[[rule]]\nname = \"r\"\nstrategy = \"{word}\"\n")).load()?;
        assert_eq!(read.routing.rules.first().map(|rule| rule.strategy), Some(strategy), "{word}");
    }
    Ok(())
}

#[test]
fn every_problem_of_a_rule_is_told() {
    told("[[rule]]\n", &["rule[0].name: is required", "rule[0].strategy: is required"]);
    let words = "must be priority or round_robin or least_cost or success_rate or best_value or sticky";
    told(
        "[[rule]]\nname = \"a/b\"\nwhen = 'ordre.amount > 5 && order.amount > 5.5'\nstrategy = \"cheapest\"\naccount = \"wx-main\"\n",
        &[
            "rule[0].name: must have 1 to 64 characters, without / and control characters",
            "rule[0].when: `ordre.amount` does not exist; the names are: order, payer, merchant, account, channel, method, now",
            "rule[0].when: `>`: `order.amount` is a whole number and 5.5 is a fraction: write fen as a whole number",
            &format!("rule[0].strategy: {words}"),
            "rule[0].account: is not a known field",
        ],
    );
    told(
        "[[rule]]\nname = \"r\"\nstrategy = \"priority\"\naccounts = [{ id = \"gone\" }, { id = \"wx-main\", weight = 1001 }, { id = \"wx-main\", weight = -1 }, { weight = 1, wight = 2 }]\n\
         [[rule]]\nname = \"r\"\nstrategy = \"priority\"\naccounts = []\n",
        &[
            "rule[0].accounts[0].id: gone is no account of channels.toml",
            "rule[0].accounts[1].weight: must be 0 to 1000",
            "rule[0].accounts[2].id: wx-main stands in this rule twice",
            "rule[0].accounts[2].weight: must be 0 to 1000",
            "rule[0].accounts[3].id: is required",
            "rule[0].accounts[3].wight: is not a known field",
            "rule[1].name: r is taken by an earlier one: names are unique",
            "rule[1].accounts: must not be empty: leave the key out to mean every account",
        ],
    );
    let loud = Folder::sandbox().with("routing.toml", "[[rule]]\nname = \"r\"\n").with("limits.toml", "[[limit]]\nname = \"l\"\n[other]\n");
    let all = [
        "routing.toml: rule[0].strategy: is required",
        "limits.toml: limit[0].window: is required",
        "limits.toml: limit[0].max: is required",
        "limits.toml: other: is not a known field",
    ];
    refused(loud, &all);
}

#[test]
fn a_problem_of_a_rule_has_its_line() {
    let folder =
        rules("# one\n[[rule]]\nname = \"r\"\nstrategy = \"priority\"\naccounts = [\n  { id = \"wx-main\" },\n  { id = \"gone\" },\n]\n");
    let lines: Vec<String> = folder.load().err().unwrap_or_default().iter().map(Finding::to_string).collect();
    assert_eq!(lines, ["routing.toml:7: rule[0].accounts[1].id: gone is no account of channels.toml"]);
}

#[test]
fn health_and_success_are_read_over_their_defaults() -> Result<(), Vec<Finding>> {
    let routing = rules("[health]\nfaults_min = 3\nopen = \"2s\"\n[success]\nexplore = \"0.05\"\n").load()?.routing;
    assert_eq!(routing.guard, Guard { faults_min: 3, open_ms: 2_000, ..Guard::default() });
    assert_eq!(routing.taste, Taste { explore_ppm: 50_000, ..Taste::default() });
    let all = "[health]\nenabled = false\nfaults_min = 1\nfault_share = \"1\"\nwindow = \"10m\"\nopen = \"1m\"\nopen_max = \"1h\"\n[success]\nexplore = \"0\"\nseen_min = 7\nmemory_half = \"2h\"\nill_keeps = \"0\"\n";
    let routing = rules(all).load()?.routing;
    let guard =
        Guard { enabled: false, faults_min: 1, fault_share_ppm: 1_000_000, window_ms: 600_000, open_ms: 60_000, open_max_ms: 3_600_000 };
    assert_eq!(routing.guard, guard);
    assert_eq!(routing.taste, Taste { explore_ppm: 0, seen_min: 7, memory_half_s: 7_200, ill_keeps_ppm: 0, ..Taste::default() });
    Ok(())
}

#[test]
fn health_and_success_that_make_no_sense_are_refused() {
    let length = "must be a length from \"1s\" to \"1d\", a whole number of s, m, h or d";
    told(
        "[health]\nfaults_min = 0\nfault_share = \"0\"\nwindow = \"0s\"\nopen = \"2d\"\nopen_max = 60\ntimeout = \"1s\"\n",
        &[
            "health.faults_min: must be 1 to 10000",
            "health.fault_share: must be a decimal in text above \"0\" and up to \"1\", with six places at most, such as \"0.2\"",
            &format!("health.window: {length}"),
            &format!("health.open: {length}"),
            "health.open_max: must be text",
            "health.timeout: is not a known field",
        ],
    );
    told("[health]\nopen = \"2m\"\n", &["health.open: makes open (2m) longer than open_max (20s)"]);
    told("[health]\nopen_max = \"4s\"\n", &["health.open_max: makes open (5s) longer than open_max (4s)"]);
    told(
        "[success]\nexplore = \"1.5\"\nseen_min = \"30\"\nwindow = 5\n",
        &[
            "success.explore: must be a decimal in text from \"0\" to \"1\", with six places at most, such as \"0.02\"",
            "success.seen_min: must be a whole number",
            "success.window: is not a known field",
        ],
    );
    told("[heath]\n", &["heath: is not a known field"]);
}
