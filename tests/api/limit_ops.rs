//! Operators and limits: what is used, another `max`, a rule suspended, a recount; who may, and what the audit log says.

use super::ops::{ROLES, staff, token, with_token};
use crate::harness::client::{Answer, Ops};
use crate::harness::limits::{Rule, all, books_hold, full, held, listed, recount, used, with_rules};
use crate::harness::process::outcome;
use crate::harness::{World, order};
use serde_json::{Value, json};

fn daily(max: i64) -> Rule {
    Rule::new("daily", &["account"], "amount", "day").max(max)
}

async fn put(ops: &Ops, name: &str, body: &Value) -> Answer {
    ops.call("PUT", &format!("/ops/v1/limits/{name}"), Some(body)).await
}

/// The order that operators give; `max`: null is the file's.
async fn change(world: &World, max: Option<i64>, suspended: bool) -> Value {
    put(&world.ops, "daily", &json!({"max": max, "suspended": suspended, "reason": "the festival"})).await.expect(200)
}

async fn tries(world: &World, amount: i64) -> Answer {
    world.demo.post("/v1/orders", &order("wechat_native", amount)).await
}

#[tokio::test]
async fn the_list_tells_every_rule_and_what_is_used_of_it() {
    let single = Rule::new("single", &[], "amount", "transaction").max(5_000).set("min", "10");
    let after = Rule::new("after", &["merchant", "method"], "count", "month").max(50).text("mode", "post");
    let world = with_rules(&[daily(1_000), single, after]).start();
    let list = all(&world).await;
    assert_eq!(list.iter().map(|limit| limit["name"].as_str().unwrap()).collect::<Vec<_>>(), ["daily", "single", "after"]);
    for (at, measure, window, mode, max, min) in [
        (0, "amount", "day", "reserve", json!(1_000), json!(null)),
        (1, "amount", "transaction", "reserve", json!(5_000), json!(10)),
        (2, "count", "month", "post", json!(50), json!(null)),
    ] {
        for (member, expected) in [("measure", json!(measure)), ("window", json!(window)), ("mode", json!(mode)), ("max", max), ("min", min)] {
            assert_eq!(list[at][member], expected, "{member} of {}", list[at]);
        }
        assert_eq!((&list[at]["suspended"], &list[at]["use"]), (&json!(false), &json!([])));
    }
    world.paid(&order("wechat_native", 300)).await;
    tries(&world, 200).await.expect(201);
    let line = listed(&world, "daily").await["use"][0].clone();
    for (member, expected) in [("subject", json!("wx-main")), ("confirmed", json!(300)), ("reserved", json!(200)), ("overrun", json!(0)), ("max", json!(1_000)), ("left", json!(500))] {
        assert_eq!(line[member], expected, "{member} of {line}");
    }
    assert_eq!(used(&world, "after", "m_demo/wechat_native").await, held(1, 0, 0));
    assert_eq!(listed(&world, "single").await["use"], json!([]));
    books_hold(&world).await;
}

/// A new `max` is in force at once, for new orders only, and outlives a restart; null is the file's again.
#[tokio::test]
async fn a_limit_is_raised_lowered_and_given_back_to_the_file() {
    let world = with_rules(&[daily(1_000)]).start();
    let open = tries(&world, 1_000).await.expect(201);
    full(tries(&world, 1).await, "daily");
    let raised = change(&world, Some(1_500), false).await;
    assert_eq!((&raised["name"], &raised["max"], &raised["use"][0]["max"]), (&json!("daily"), &json!(1_500), &json!(1_500)), "{raised}");
    tries(&world, 500).await.expect(201);
    full(tries(&world, 1).await, "daily");
    // Lowered below what is held: shown as overrun, nothing is taken away, nothing more is let in.
    let lowered = change(&world, Some(600), false).await;
    assert_eq!((&lowered["use"][0]["overrun"], &lowered["use"][0]["left"]), (&json!(900), &json!(0)), "{lowered}");
    assert_eq!(used(&world, "daily", "wx-main").await, held(0, 1_500, 900));
    full(tries(&world, 1).await, "daily");
    books_hold(&world).await;
    world.control.pay(&open).await;
    world.demo.until_status(open["id"].as_str().unwrap(), "paid").await;
    assert_eq!(used(&world, "daily", "wx-main").await, held(1_000, 500, 900));
    world.kill_and_restart();
    assert_eq!(listed(&world, "daily").await["max"], 600);
    full(tries(&world, 1).await, "daily");
    let files = change(&world, None, false).await;
    assert_eq!(files["max"], 1_000, "{files}");
    assert_eq!(used(&world, "daily", "wx-main").await, held(1_000, 500, 500));
    change(&world, Some(2_000), false).await;
    assert_eq!(used(&world, "daily", "wx-main").await, held(1_000, 500, 0));
    tries(&world, 500).await.expect(201);
    full(tries(&world, 1).await, "daily");
    books_hold(&world).await;
}

#[tokio::test]
async fn a_suspended_rule_refuses_nobody() {
    let world = with_rules(&[daily(1_000)]).start();
    tries(&world, 1_000).await.expect(201);
    full(tries(&world, 500).await, "daily");
    assert_eq!(change(&world, None, true).await["suspended"], true);
    tries(&world, 500).await.expect(201);
    world.kill_and_restart();
    let open = tries(&world, 500).await.expect(201);
    assert_eq!(listed(&world, "daily").await["suspended"], true);
    books_hold(&world).await;
    assert_eq!(change(&world, None, false).await["suspended"], false);
    full(tries(&world, 1).await, "daily");
    books_hold(&world).await;
    // An order of that time ends like any other.
    world.demo.act(&format!("/v1/orders/{}/close", open["id"].as_str().unwrap())).await.expect(200);
    full(tries(&world, 1).await, "daily");
    books_hold(&world).await;
}

#[tokio::test]
async fn everybody_may_look_and_those_who_run_it_may_change() {
    let world = with_rules(&[daily(1_000)]).append("sluice.toml", &staff()).start();
    tries(&world, 400).await.expect(201);
    for role in ROLES {
        let ops = with_token(&world, &token(role));
        let may = ["operator", "admin"].contains(role);
        assert_eq!(ops.get("/ops/v1/limits").await.expect(200)[0]["use"][0]["reserved"], 400, "{role}");
        let body = json!({"max": 700, "suspended": false, "reason": format!("by {role}")});
        for answer in [put(&ops, "daily", &body).await, ops.post("/ops/v1/limits/rebuild").await] {
            if may {
                answer.expect(200);
            } else {
                answer.refused(403, "FORBIDDEN");
            }
        }
    }
    let log = world.ops.get("/ops/v1/audit?limit=100").await.expect(200);
    let lines = log["data"].as_array().or_else(|| log.as_array()).unwrap();
    let changes: Vec<&Value> = lines.iter().filter(|line| line["act"] == "limit.change").collect();
    let who: Vec<&str> = changes.iter().rev().map(|line| line["who"].as_str().unwrap()).collect();
    assert_eq!(who, ["operator-1", "admin-1"], "{log}");
    for (line, reason) in changes.iter().rev().zip(["by operator", "by admin"]) {
        let text = line.to_string();
        assert!(text.contains("daily") && text.contains(reason) && text.contains("700"), "{line}");
    }
    books_hold(&world).await;
}

#[tokio::test]
async fn a_change_that_cannot_be_read_is_refused_by_name_and_changes_nothing() {
    let world = with_rules(&[daily(1_000)]).start();
    let good = json!({"max": 10, "suspended": false, "reason": "x"});
    let before = listed(&world, "daily").await;
    for (field, value) in [
        ("max", json!(-1)),
        ("max", json!("10")),
        ("max", json!(1.5)),
        ("max", json!(true)),
        ("suspended", json!("yes")),
        ("suspended", json!(1)),
        ("reason", json!(5)),
        ("wings", json!(2)),
    ] {
        let mut body = good.clone();
        body[field] = value.clone();
        let answer = put(&world.ops, "daily", &body).await;
        assert!(answer.fields().contains(field), "{field} = {value}: {}", answer.text());
        answer.refused(400, "INVALID_REQUEST");
    }
    put(&world.ops, "nobody", &good).await.expect(404);
    for method in ["POST", "DELETE", "PATCH"] {
        let answer = world.ops.call(method, "/ops/v1/limits/daily", Some(&good)).await;
        assert!([403, 404, 405].contains(&answer.status), "{method}: {}", answer.text());
    }
    assert_eq!(listed(&world, "daily").await, before);
    tries(&world, 1_000).await.expect(201);
    books_hold(&world).await;
}

/// A recount while orders come and go finds what the counters say, and changes nothing; an order's life tells its movements.
#[tokio::test]
async fn a_recount_under_load_finds_no_drift() {
    let world = with_rules(&[daily(1_000_000), Rule::new("each", &["customer"], "count", "month").max(1_000)]).start();
    let customer = |nth: i64| {
        let mut body = order("wechat_native", 100 + nth);
        body["payer"] = json!({"customer_id": format!("customer-{}", nth % 7)});
        body
    };
    let load = futures_util::future::join_all((0..60).map(|nth| {
        let (world, body) = (&world, customer(nth));
        async move {
            let placed = world.demo.place(&body).await;
            let id = placed["id"].as_str().unwrap();
            if nth % 3 == 0 {
                world.demo.act(&format!("/v1/orders/{id}/close")).await.expect(200);
            } else if nth % 3 == 1 {
                world.control.pay(&placed).await;
                world.demo.until_status(id, "paid").await;
            }
            placed
        }
    }));
    let recounts = async {
        for _ in 0..20 {
            recount(&world).await;
        }
    };
    let (placed, ()) = tokio::join!(load, recounts);
    let sum = |third: usize| placed.iter().skip(third).step_by(3).map(|order| order["amount"].as_i64().unwrap()).sum::<i64>();
    assert_eq!(used(&world, "daily", "wx-main").await, held(sum(1), sum(2), 0));
    assert_eq!(listed(&world, "each").await["use"].as_array().unwrap().len(), 7);
    books_hold(&world).await;
    let (code, life, stderr) = outcome(&["explain", "--config", &world.dir.to_string_lossy(), placed[1]["id"].as_str().unwrap()]);
    assert_eq!(code, 0, "{stderr}");
    assert!(life.contains("daily") && life.contains("each") && !life.contains("customer-1"), "{life}");
}
