//! The limits that every order of these tests is counted by, wide enough for all of them, and their half of the judgement (E2): what
//! they hold at rest is what the channel's ledger keeps and what open attempts may still take, and counting again finds the same.

use super::rig::{Done, Gateway, PATIENCE, Row, client, until};
use serde_json::Value;
use std::collections::BTreeMap;

/// Appended to the `limits.toml` of every gateway.
pub const RULES: &str = r#"
[[limit]]
name = "account-day"
when = "true"
per = ["account"]
measure = "amount"
window = "day"
max = 100_000_000_000

[[limit]]
name = "merchant-day"
when = "true"
per = ["merchant"]
measure = "count"
window = "day"
max = 10_000_000

[[limit]]
name = "customer-month"
when = "true"
per = ["customer"]
measure = "amount"
window = "month"
max = 100_000_000_000
"#;

/// Customers that the orders are of.
pub const CUSTOMERS: u64 = 5;

/// What the three hold together, and how many counters were counted again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Books {
    pub confirmed: i64,
    pub reserved: i64,
    pub counters: u64,
}

/// Money and orders: what a rule holds by its measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    amount: i64,
    count: i64,
}

impl Sum {
    fn add(&mut self, amount: i64) {
        self.amount += amount;
        self.count += i64::from(amount > 0);
    }

    fn by(self, measure: &str) -> i64 {
        if measure == "count" { self.count } else { self.amount }
    }
}

/// Compares the rules' use with the orders and the channel's ledger. What is wrong goes to `wrong`.
pub async fn judge(gateway: &Gateway, orders: &BTreeMap<String, Value>, ledger: &BTreeMap<String, Vec<Row>>, wrong: &mut Vec<String>) -> Done<Books> {
    let (kept, open) = truth(orders, ledger);
    let limits = ask(gateway, "GET", "/ops/v1/limits").await?;
    let limits = limits.as_array().ok_or_else(|| format!("no list of limits: {limits}"))?;
    let mut books = Books::default();
    for name in ["account-day", "merchant-day", "customer-month"] {
        let limit = limits.iter().find(|limit| limit["name"] == name).ok_or_else(|| format!("no limit {name}: {limits:?}"))?;
        let measure = limit["measure"].as_str().unwrap_or_default();
        let total = |member: &str| limit["use"].as_array().into_iter().flatten().filter_map(|line| line[member].as_i64()).sum::<i64>();
        let (confirmed, reserved) = (total("confirmed"), total("reserved"));
        if confirmed != kept.by(measure) {
            wrong.push(format!("E2 {name} holds {confirmed} confirmed, the channel keeps {}: {limit}", kept.by(measure)));
        }
        if reserved != open.by(measure) {
            wrong.push(format!("E2 {name} holds {reserved} reserved, open attempts hold {}: {limit}", open.by(measure)));
        }
        books.confirmed += confirmed;
        books.reserved += reserved;
    }
    let recount = ask(gateway, "POST", "/ops/v1/limits/rebuild").await?;
    books.counters = recount["checked"].as_u64().unwrap_or_default();
    if recount["drifted"].as_array().is_none_or(|drifted| !drifted.is_empty()) {
        wrong.push(format!("E2 counted again, the limits are others: {recount}"));
    }
    if books.counters == 0 && !orders.is_empty() {
        wrong.push(format!("E2 nothing was counted again: {recount}"));
    }
    Ok(books)
}

/// What the channel keeps of attempts that have ended, and what open and abandoned ones may still take.
fn truth(orders: &BTreeMap<String, Value>, ledger: &BTreeMap<String, Vec<Row>>) -> (Sum, Sum) {
    let (mut kept, mut open) = (Sum::default(), Sum::default());
    for (id, order) in orders {
        let rows = ledger.get(id).map(Vec::as_slice).unwrap_or_default();
        for attempt in order["attempts"].as_array().into_iter().flatten() {
            if matches!(attempt["status"].as_str(), Some("sending" | "awaiting_payer" | "unknown" | "abandoned")) {
                open.add(order["amount"].as_i64().unwrap_or_default());
            } else if let Some(row) = rows.iter().find(|row| attempt["channel_order_no"] == *row.out_trade_no) {
                kept.add(row.kept());
            }
        }
    }
    (kept, open)
}

/// One call with the operator's token, repeated until it is answered.
async fn ask(gateway: &Gateway, method: &str, path: &str) -> Done<Value> {
    let file: toml::Table = std::fs::read_to_string(gateway.dir.join("sluice.toml"))?.parse()?;
    let token = file["operator"][0]["token"].as_str().ok_or("no operator")?.to_owned();
    let (http, url) = (client()?, format!("{}{path}", gateway.url()));
    until(&format!("{method} {path}"), PATIENCE, || async {
        let request = if method == "POST" { http.post(&url).header("content-type", "application/json").body("{}") } else { http.get(&url) };
        let answer = request.bearer_auth(&token).send().await.ok().filter(|answer| answer.status() == 200)?;
        serde_json::from_slice(&answer.bytes().await.ok()?).ok()
    })
    .await
}
