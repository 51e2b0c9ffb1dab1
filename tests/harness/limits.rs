//! The limit centre as an outsider sees it (CONTRACT section 9): rules written to `limits.toml`, and their use as operators read it.

use super::client::Answer;
use super::unix_now;
use super::world::{Plan, World, edit};
use serde_json::{Value, json};
use std::sync::OnceLock;

const BEIJING_S: i64 = 8 * 3600;

/// One `[[limit]]`: its keys in order, the values as TOML writes them.
#[derive(Clone, Debug)]
pub struct Rule {
    keys: Vec<(String, String)>,
}

impl Rule {
    /// A rule that matches every order. A day of it begins twelve hours from now, so that no test runs over two of them.
    pub fn new(name: &str, per: &[&str], measure: &str, window: &str) -> Rule {
        let rule = Rule { keys: Vec::new() }.text("name", name).text("when", "true").set("per", &format!("{per:?}"));
        let rule = rule.text("measure", measure).text("window", window);
        if window == "day" { rule.text("day_starts", far_from_now()) } else { rule }
    }

    pub fn max(self, max: i64) -> Rule {
        self.set("max", &max.to_string())
    }

    pub fn when(self, cel: &str) -> Rule {
        self.text("when", cel)
    }

    /// A key whose value is a text.
    pub fn text(self, key: &str, value: &str) -> Rule {
        let value = toml::Value::String(value.to_owned()).to_string();
        self.set(key, &value)
    }

    /// A key, its value as TOML writes it; the one that was there is replaced.
    pub fn set(mut self, key: &str, value: &str) -> Rule {
        match self.keys.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => value.clone_into(old),
            None => self.keys.push((key.to_owned(), value.to_owned())),
        }
        self
    }

    pub fn without(mut self, key: &str) -> Rule {
        self.keys.retain(|(known, _)| known != key);
        self
    }

    /// A line for every key.
    pub fn toml(&self) -> String {
        let lines: String = self.keys.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        format!("[[limit]]\n{lines}\n")
    }
}

/// The same text all through the test run: a rule that moved its day's start would be another rule.
fn far_from_now() -> &'static str {
    static STARTS: OnceLock<String> = OnceLock::new();
    STARTS.get_or_init(|| {
        let minute = (unix_now() + BEIJING_S + 12 * 3600) / 60 % 1440;
        format!("{:02}:{:02}", minute / 60, minute % 60)
    })
}

pub fn file(rules: &[Rule]) -> String {
    rules.iter().map(Rule::toml).collect()
}

/// A world with these limits.
pub fn with_rules(rules: &[Rule]) -> Plan {
    World::plan().append("limits.toml", &file(rules))
}

/// The table of the first account of `channels.toml`, WeChat's, without the file's mark.
pub fn wechat_account(file: &str) -> String {
    let table = file.split("[[account]]").nth(1).unwrap();
    assert!(table.contains("id = \"wx-main\""), "{table}");
    format!("[[account]]{table}")
}

/// The same with a second account of the same merchant at the channel, `wx-second`.
pub fn with_two_accounts(rules: &[Rule]) -> Plan {
    with_rules(rules).edit("channels.toml", |old| {
        format!("{old}\n{}\n", wechat_account(&old).replace("id = \"wx-main\"", "id = \"wx-second\""))
    })
}

/// What one counter holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub confirmed: i64,
    pub reserved: i64,
    pub overrun: i64,
}

/// Short for what a test expects.
pub const fn held(confirmed: i64, reserved: i64, overrun: i64) -> Held {
    Held { confirmed, reserved, overrun }
}

/// One rule as it is listed.
pub async fn listed(world: &World, rule: &str) -> Value {
    let all = all(world).await;
    all.iter().find(|limit| limit["name"] == rule).unwrap_or_else(|| panic!("{rule} is not in {all:?}")).clone()
}

/// Every rule, each with every member that it should have.
pub async fn all(world: &World) -> Vec<Value> {
    let list = world.ops.get("/ops/v1/limits").await.expect(200);
    let list = list.as_array().unwrap_or_else(|| panic!("no list: {list}")).clone();
    list.iter().for_each(whole);
    list
}

/// The lines of a rule's use.
pub async fn uses(world: &World, rule: &str) -> Vec<Value> {
    listed(world, rule).await["use"].as_array().unwrap().clone()
}

/// What a rule's counter of this subject holds in all its windows; a counter that is not listed holds nothing.
pub async fn used(world: &World, rule: &str, subject: &str) -> Held {
    let lines = uses(world, rule).await;
    lines.iter().filter(|line| line["subject"] == subject).fold(Held::default(), |sum, line| sum.plus(of(line)))
}

/// What all counters of a rule hold together.
pub async fn total(world: &World, rule: &str) -> Held {
    uses(world, rule).await.iter().fold(Held::default(), |sum, line| sum.plus(of(line)))
}

impl Held {
    fn plus(self, other: Held) -> Held {
        held(self.confirmed + other.confirmed, self.reserved + other.reserved, self.overrun + other.overrun)
    }
}

/// One line of a use.
pub fn of(line: &Value) -> Held {
    let number = |name: &str| line[name].as_i64().unwrap_or_else(|| panic!("{name} of {line}"));
    held(number("confirmed"), number("reserved"), number("overrun"))
}

/// The shape of a listed rule, and what its numbers may never be.
fn whole(limit: &Value) {
    for name in ["name", "measure", "window", "mode"] {
        assert!(limit[name].is_string(), "{name} of {limit}");
    }
    assert!(limit["suspended"].is_boolean() && limit["use"].is_array(), "{limit}");
    for line in limit["use"].as_array().unwrap() {
        let Held { confirmed, reserved, overrun } = of(line);
        assert!(line["subject"].is_string() && (line["window_start"].is_null() || time(&line["window_start"]) > 0), "{limit}");
        assert!(confirmed >= 0 && reserved >= 0 && overrun >= 0 && overrun <= confirmed + reserved, "{limit}");
        assert_ne!((confirmed, reserved, overrun), (0, 0, 0), "a counter that holds nothing is listed: {limit}");
        let Some(max) = line["max"].as_i64() else { continue };
        assert!(confirmed + reserved - overrun <= max, "more is held than may be: {limit}");
        let left = line["left"].as_i64().unwrap_or_else(|| panic!("left of {limit}"));
        assert!((0..=max).contains(&left) && (overrun > 0 || left == max - confirmed - reserved), "what is left: {limit}");
    }
}

/// Unix seconds of an RFC 3339 time.
pub fn time(value: &Value) -> i64 {
    value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok()).unwrap_or_else(|| panic!("no time: {value}")).as_second()
}

/// The end of every test: no counter holds more than it may, and counting again from the entries finds the same.
pub async fn books_hold(world: &World) {
    let counters = all(world).await.iter().map(|limit| limit["use"].as_array().unwrap().len()).sum::<usize>();
    let checked = recount(world).await;
    assert!(checked >= counters as u64, "{counters} counters are listed, {checked} were checked");
}

/// Counts everything again from the entries: nothing may have drifted. Answers how many counters were checked.
pub async fn recount(world: &World) -> u64 {
    let rebuilt = world.ops.post("/ops/v1/limits/rebuild").await.expect(200);
    assert_eq!(rebuilt["drifted"], json!([]), "{rebuilt}");
    rebuilt["checked"].as_u64().unwrap_or_else(|| panic!("{rebuilt}"))
}

/// A refusal by this rule: it names the rule and when it opens. Answers the problem.
#[track_caller]
pub fn full(answer: Answer, rule: &str) -> Value {
    let problem = answer.refused(422, "LIMIT_EXCEEDED");
    assert_eq!((&problem["limit"], &problem["retryable"]), (&json!(rule), &json!(false)), "{problem}");
    let opens_at = problem.as_object().unwrap().get("opens_at");
    assert!(opens_at.is_some_and(|at| at.is_null() || time(at) > unix_now() - 5), "{problem}");
    problem
}

/// Writes the rules into the folder and reads them anew.
pub async fn reload(world: &World, rules: &[Rule]) -> Answer {
    edit(&world.dir, "limits.toml", |_| file(rules));
    world.ops.post("/ops/v1/reload").await
}

/// Nothing was stored of an order that was refused, and the channel was not told of it.
pub async fn left_no_trace(world: &World, order: &Value) {
    let path = format!("/v1/orders?merchant_order_no={}", order["merchant_order_no"].as_str().unwrap());
    assert_eq!(world.demo.get(&path).await.expect(200)["data"], json!([]), "{order}");
}
