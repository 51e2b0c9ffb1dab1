//! The router in operators' hands: weights and drains at once, questions without a trace, decisions told in words (CONTRACT section 11).

use super::ops::{ROLES, staff, token, with_token};
use crate::harness::client::Ops;
use crate::harness::limits::{Held, Rule, held, used, with_two_accounts};
use crate::harness::postgres::on_postgres;
use crate::harness::process::outcome;
use crate::harness::{Answer, World, order, until, with};
use serde_json::{Value, json};

const WEIGHT: &str = "/ops/v1/accounts/wx-main/weight";

async fn weigh(ops: &Ops, weight: Value) -> Answer {
    ops.call("POST", WEIGHT, Some(&json!({"weight": weight, "reason": "the bank is slow"}))).await
}

async fn place(world: &World) -> Value {
    world.demo.place(&order("wechat_native", 100)).await
}

async fn goes_to(world: &World, account: &str) {
    assert_eq!(place(world).await["account"], account);
}

/// Where the order was not sent, and why.
async fn dropped(world: &World, order: &Value, account: &str) -> Value {
    let route = world.demo.expanded(order["id"].as_str().unwrap()).await["attempts"][0]["route"].clone();
    let lines = route["considered"].as_array().unwrap_or_else(|| panic!("{route}"));
    lines.iter().find(|line| line["account"] == account).unwrap_or_else(|| panic!("{account} of {route}"))["dropped"].clone()
}

async fn account(world: &World, id: &str) -> Value {
    let list = world.ops.get("/ops/v1/accounts").await.expect(200);
    list["data"].as_array().unwrap().iter().find(|account| account["id"] == id).unwrap().clone()
}

#[tokio::test]
async fn an_account_of_weight_nought_takes_nothing_until_its_weight_is_given_back() {
    let world = with_two_accounts(&[]).start();
    goes_to(&world, "wx-main").await;
    assert_eq!(account(&world, "wx-main").await["weight"], json!(null));
    assert_eq!(weigh(&world.ops, json!(0)).await.expect(200)["weight"], 0);
    let order = place(&world).await;
    assert_eq!((&order["account"], dropped(&world, &order, "wx-main").await), (&json!("wx-second"), json!("weight_zero")));
    world.ops.post("/ops/v1/reload").await.expect(200);
    goes_to(&world, "wx-second").await;
    world.kill_and_restart();
    goes_to(&world, "wx-second").await;
    assert_eq!(account(&world, "wx-main").await["weight"], 0);
    assert_eq!(weigh(&world.ops, json!(1_000)).await.expect(200)["weight"], 1_000);
    goes_to(&world, "wx-main").await;
    assert_eq!(weigh(&world.ops, json!(0)).await.expect(200)["weight"], 0);
    assert_eq!(weigh(&world.ops, json!(null)).await.expect(200)["weight"], json!(null));
    goes_to(&world, "wx-main").await;
    let log = world.ops.get("/ops/v1/audit?limit=100").await.expect(200);
    let lines = log["data"].as_array().unwrap().iter().filter(|line| line["act"] == "account.weight");
    let told: Vec<_> = lines.map(|line| (line["about"].clone(), line["detail"].clone())).collect();
    let detail = |from: Value, to: Value| (json!("wx-main"), json!({"from": from, "to": to, "reason": "the bank is slow"}));
    let (none, nought, full) = (json!(null), json!(0), json!(1_000));
    let expected = [detail(nought.clone(), none.clone()), detail(full.clone(), nought.clone()), detail(nought.clone(), full), detail(none, nought)];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_weight_is_checked_and_is_no_viewers_to_give() {
    let world = with_two_accounts(&[]).append("sluice.toml", &staff()).start();
    for (body, field) in [
        (json!({"reason": "x"}), "weight"),
        (json!({"weight": -1, "reason": "x"}), "weight"),
        (json!({"weight": 1_001, "reason": "x"}), "weight"),
        (json!({"weight": 0.5, "reason": "x"}), "weight"),
        (json!({"weight": "1", "reason": "x"}), "weight"),
        (json!({"weight": 1}), "reason"),
        (json!({"weight": 1, "reason": "x".repeat(513)}), "reason"),
        (json!({"weight": 1, "reason": "x", "wings": 2}), "wings"),
    ] {
        let answer = world.ops.call("POST", WEIGHT, Some(&body)).await;
        assert!(answer.fields().contains(field), "{body}: {}", answer.text());
        answer.refused(400, "INVALID_REQUEST");
    }
    world.ops.call("POST", "/ops/v1/accounts/wx-nobody/weight", Some(&json!({"weight": 1, "reason": "x"}))).await.refused(404, "NOT_FOUND");
    for role in ROLES {
        let answer = weigh(&with_token(&world, &token(role)), json!(null)).await;
        assert_eq!(answer.status == 200, ["operator", "admin"].contains(role), "{role}: {}", answer.text());
        let question = json!({"merchant": "m_demo", "amount": 100, "method": "wechat_native"});
        let asked = with_token(&world, &token(role)).call("POST", "/ops/v1/routes/dry-run", Some(&question)).await;
        assert_eq!(asked.expect(200)["chosen"], "wx-main", "{role}");
    }
    assert_eq!(account(&world, "wx-main").await["weight"], json!(null));
}

/// What an operator says at one node the others obey a moment later.
#[tokio::test]
async fn a_weight_is_in_force_at_the_other_nodes_too() {
    if !on_postgres() {
        println!("SKIPPED: SQLite knows one process only; SLUICE_STORE=postgres has nodes");
        return;
    }
    let world = with_two_accounts(&[]).start();
    let node = world.node();
    let first = node.demo.place(&order("wechat_native", 100)).await;
    assert_eq!(first["account"], "wx-main");
    weigh(&world.ops, json!(0)).await.expect(200);
    let moved = || async { Some(node.demo.place(&order("wechat_native", 100)).await).filter(|order| order["account"] == "wx-second") };
    until("the other node to hear of the weight", moved).await;
}

/// Draining takes nothing new and finishes what is open: callbacks, queries, refunds and closing go on.
#[tokio::test]
async fn a_drained_account_finishes_its_orders_and_takes_no_new_one() {
    let world = with_two_accounts(&[]).start();
    let paid = world.paid(&order("wechat_native", 100)).await;
    let (scanned, asked, closed) = (place(&world).await, place(&world).await, place(&world).await);
    for order in [&paid, &scanned, &asked, &closed] {
        assert_eq!(order["account"], "wx-main");
    }
    assert_eq!(world.ops.post("/ops/v1/accounts/wx-main/drain").await.expect(200)["state"], "draining");
    let elsewhere = place(&world).await;
    assert_eq!((&elsewhere["account"], dropped(&world, &elsewhere, "wx-main").await), (&json!("wx-second"), json!("account_draining")));
    world.demo.post("/v1/orders", &with(order("wechat_native", 100), json!({"account": "wx-main"}))).await.refused(422, "NO_ROUTE");
    let id = |order: &Value| order["id"].as_str().unwrap().to_owned();
    world.control.pay(&scanned).await;
    world.demo.until_status(&id(&scanned), "paid").await;
    let synced = world.demo.act(&format!("/v1/orders/{}/sync", id(&asked))).await.expect(200);
    assert_eq!(synced["status"], "pending");
    assert_eq!(world.demo.act(&format!("/v1/orders/{}/close", id(&closed))).await.expect(200)["status"], "closed");
    let refund = json!({"merchant_refund_no": format!("R-{}", id(&paid)), "amount": 100});
    let refund = world.demo.post(&format!("/v1/orders/{}/refunds", id(&paid)), &refund).await.expect(201);
    world.demo.until_refund(refund["id"].as_str().unwrap(), "succeeded").await;
    world.ops.post("/ops/v1/accounts/wx-second/drain").await.expect(200);
    world.demo.post("/v1/orders", &order("wechat_native", 100)).await.refused(422, "NO_ROUTE");
    world.control.pay(&elsewhere).await;
    world.demo.until_status(&id(&elsewhere), "paid").await;
}

/// What the channel and we have in our books; what a query in the background may change is left out.
async fn books(world: &World) -> (Vec<Value>, Vec<Value>, [Held; 2]) {
    let ledger = world.control.ledger().await.iter().map(|row| row["out_trade_no"].clone()).collect();
    let orders = world.ops.get("/ops/v1/orders?limit=100").await.expect(200);
    let orders = orders["data"].as_array().unwrap().iter().map(|order| order["id"].clone()).collect();
    (ledger, orders, [used(world, "daily", "wx-main").await, used(world, "daily", "wx-second").await])
}

#[tokio::test]
async fn a_dry_run_creates_nothing_and_agrees_with_the_order_right_after() {
    let world = with_two_accounts(&[Rule::new("daily", &["account"], "amount", "day").max(1_000)]).start();
    let question = |amount: i64| json!({"merchant": "m_demo", "amount": amount, "method": "wechat_native"});
    for (amount, account) in [(900, Some("wx-main")), (200, Some("wx-second")), (100, Some("wx-main")), (900, None)] {
        let before = books(&world).await;
        for _ in 0..2 {
            let told = world.ops.call("POST", "/ops/v1/routes/dry-run", Some(&question(amount))).await.expect(200);
            assert_eq!(told["chosen"], json!(account), "{amount}: {told}");
        }
        assert_eq!(books(&world).await, before);
        let placed = world.demo.post("/v1/orders", &order("wechat_native", amount)).await;
        match account {
            Some(account) => assert_eq!(placed.expect(201)["account"], account),
            None => assert_eq!(placed.refused(422, "LIMIT_EXCEEDED")["limit"], "daily"),
        }
    }
    assert_eq!(used(&world, "daily", "wx-main").await, held(0, 1_000, 0));
}

#[tokio::test]
async fn explain_tells_why_the_order_went_where_it_went() {
    let world = with_two_accounts(&[Rule::new("daily", &["account"], "amount", "day").max(1_000)]).start();
    world.demo.place(&order("wechat_native", 900)).await;
    let placed = world.demo.place(&order("wechat_native", 200)).await;
    let pinned = world.demo.place(&with(order("wechat_native", 100), json!({"account": "wx-second"}))).await;
    let explain = |order: &Value| {
        let (code, stdout, stderr) = outcome(&["explain", "--config", &world.dir.to_string_lossy(), order["id"].as_str().unwrap()]);
        assert_eq!(code, 0, "{stderr}");
        stdout
    };
    let told = explain(&placed);
    for line in ["route wx-second: no rule matched: the first in file order", "dropped: limit exceeded, limit daily", "dropped: no such method"] {
        assert!(told.contains(line), "{line} is not in:\n{told}");
    }
    assert!(told.lines().any(|line| line.trim_start().starts_with("wx-second") && line.contains("place 1")), "{told}");
    assert!(explain(&pinned).contains("route wx-second: the order names it"));
}
