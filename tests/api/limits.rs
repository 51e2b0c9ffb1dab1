//! Limits (CONTRACT section 9): what a rule counts and for whom, and how an order above it is refused.

use crate::harness::limits::{Rule, books_hold, full, held, left_no_trace, total, used, uses, with_rules, with_two_accounts};
use crate::harness::{order, with};
use serde_json::{Value, json};

/// One dimension: whom the order is of, what is shown of him, and an order of somebody else.
struct Dimension {
    per: &'static str,
    own: Value,
    /// `None`: a keyed hash.
    shown: Option<&'static str>,
    other: Option<Value>,
}

fn dimensions() -> Vec<Dimension> {
    let dimension = |per, own, shown, other| Dimension { per, own, shown, other };
    let openid = |id: &str| json!({"method": "wechat_jsapi", "payer": {"openid": id}});
    let customer = |id: &str| json!({"payer": {"customer_id": id}});
    vec![
        dimension("account", json!({"account": "wx-main"}), Some("wx-main"), Some(json!({"account": "wx-second"}))),
        dimension("channel", json!({}), Some("wechat"), None),
        dimension("method", json!({}), Some("wechat_native"), Some(json!({"method": "wechat_app"}))),
        dimension("store", json!({"store": "s-1"}), Some("s-1"), Some(json!({"store": "s-2"}))),
        dimension("auth_means", json!({"auth_means": "password"}), Some("password"), Some(json!({"auth_means": "fingerprint"}))),
        dimension("customer", customer("c-000001"), None, Some(customer("c-000002"))),
        dimension("payer", openid("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"), None, Some(openid("oUpF8uMuAJO_M2pxb1Q9zNjWeS6p"))),
    ]
}

/// A day's money and a day's number of orders, per dimension: exactly full is taken, one fen or one order more is not, another subject
/// has room of his own. Every case has its own two rules, chosen by the order's metadata.
#[tokio::test]
async fn every_subject_has_a_room_of_its_own() {
    let mut rules = Vec::new();
    for dimension in dimensions() {
        for (measure, max) in [("amount", 1_000), ("count", 3)] {
            let when = format!("order.metadata.case == \"{}-{measure}\"", dimension.per);
            rules.push(Rule::new(&format!("{}-{measure}", dimension.per), &[dimension.per], measure, "day").max(max).when(&when));
        }
    }
    let world = with_two_accounts(&rules).start();
    for dimension in dimensions() {
        for (measure, amounts, too_much) in [("amount", vec![600, 399, 1], 1), ("count", vec![1, 10_000_000, 7], 1)] {
            let case = format!("{}-{measure}", dimension.per);
            let body = |amount, whose: &Value| with(with(order("wechat_native", amount), json!({"metadata": {"case": case}})), whose.clone());
            for amount in &amounts {
                world.demo.place(&body(*amount, &dimension.own)).await;
            }
            let refused = body(too_much, &dimension.own);
            let problem = full(world.demo.post("/v1/orders", &refused).await, &case);
            left_no_trace(&world, &refused).await;
            let [line]: [Value; 1] = uses(&world, &case).await.try_into().unwrap_or_else(|lines| panic!("{case}: {lines:?}"));
            let (max, subject) = (if measure == "amount" { 1_000 } else { 3 }, line["subject"].as_str().unwrap());
            assert_eq!((&line["confirmed"], &line["reserved"], &line["left"]), (&json!(0), &json!(max), &json!(0)), "{case}");
            match dimension.shown {
                Some(shown) => assert_eq!(subject, shown, "{case}"),
                None => assert!(!subject.is_empty() && !problem.to_string().contains(subject), "{problem}"),
            }
            let listing = world.ops.get("/ops/v1/limits").await.text();
            assert!(!listing.contains("c-000001") && !listing.contains("oUpF8u"), "a payer is shown in clear");
            if let Some(other) = &dimension.other {
                world.demo.place(&body(10, other)).await;
                assert_eq!(uses(&world, &case).await.len(), 2, "{case}");
            }
        }
    }
    books_hold(&world).await;
}

#[tokio::test]
async fn merchants_are_apart_and_two_dimensions_are_one_subject() {
    let whole = Rule::new("whole", &[], "amount", "day").max(10_000);
    let per = Rule::new("per-merchant", &["merchant"], "count", "day").max(2);
    let both = Rule::new("both", &["account", "merchant"], "amount", "day").max(1_000);
    let world = with_rules(&[whole, per, both]).start();
    for amount in [500, 300] {
        world.demo.place(&order("wechat_native", amount)).await;
    }
    full(world.demo.post("/v1/orders", &order("wechat_native", 1)).await, "per-merchant");
    world.other.place(&order("wechat_native", 1_000)).await;
    full(world.other.post("/v1/orders", &order("wechat_native", 1)).await, "both");
    assert_eq!(used(&world, "per-merchant", "m_demo").await, held(0, 2, 0));
    assert_eq!(used(&world, "per-merchant", "m_other").await, held(0, 1, 0));
    assert_eq!(used(&world, "both", "wx-main/m_demo").await, held(0, 800, 0));
    assert_eq!(used(&world, "both", "wx-main/m_other").await, held(0, 1_000, 0));
    assert_eq!(used(&world, "whole", "all").await, held(0, 1_800, 0));
    books_hold(&world).await;
}

/// Of several rules that match, one is full: the others are not touched, in whatever order they stand.
#[tokio::test]
async fn what_one_rule_refuses_no_rule_counts() {
    let rules = [("a", 5), ("m", 1), ("z", 5)].map(|(name, max)| Rule::new(name, &["merchant"], "count", "day").max(max));
    let world = with_rules(&rules).start();
    world.demo.place(&order("wechat_native", 100)).await;
    let known = world.control.ledger().await.len();
    for _ in 0..5 {
        let refused = order("wechat_native", 100);
        full(world.demo.post("/v1/orders", &refused).await, "m");
        left_no_trace(&world, &refused).await;
    }
    for rule in ["a", "m", "z"] {
        assert_eq!(used(&world, rule, "m_demo").await, held(0, 1, 0), "{rule}");
    }
    assert_eq!(world.control.ledger().await.len(), known, "the channel was asked");
    books_hold(&world).await;
}

#[tokio::test]
async fn one_transaction_has_a_least_and_a_most() {
    let most = Rule::new("single", &[], "amount", "transaction").max(1_000).set("min", "100");
    let small = Rule::new("apps", &[], "amount", "transaction").max(500).when("order.method == \"wechat_app\"");
    let world = with_rules(&[most, small]).start();
    for (method, amount, refused_by) in [
        ("wechat_native", 99, Some("single")),
        ("wechat_native", 100, None),
        ("wechat_native", 1_000, None),
        ("wechat_native", 1_001, Some("single")),
        ("wechat_app", 501, Some("apps")),
        ("wechat_app", 500, None),
    ] {
        let body = order(method, amount);
        let answer = world.demo.post("/v1/orders", &body).await;
        let Some(rule) = refused_by else {
            answer.expect(201);
            continue;
        };
        // It never opens: the next order of this amount is refused too.
        assert_eq!(full(answer, rule)["opens_at"], json!(null), "{method} {amount}");
        left_no_trace(&world, &body).await;
    }
    books_hold(&world).await;
}

/// `when` chooses by the API's own field names; a metadata key that is not there is null.
#[tokio::test]
async fn a_rule_counts_what_its_condition_matches() {
    let world = with_rules(&[
        Rule::new("big", &[], "count", "day").max(9).when("order.amount >= 500 && order.method in [\"wechat_native\", \"wechat_app\"]"),
        Rule::new("shop", &[], "count", "day").max(9).when("order.metadata.shop == \"12\""),
        Rule::new("not-demo", &[], "count", "day").max(9).when("merchant.id != \"m_demo\""),
        Rule::new("nobody", &[], "count", "day").max(9).when("order.metadata.rank > 3"),
    ])
    .start();
    world.demo.place(&order("wechat_native", 499)).await;
    world.demo.place(&order("wechat_native", 500)).await;
    world.demo.place(&with(order("wechat_app", 100), json!({"metadata": {"shop": "12"}}))).await;
    world.other.place(&with(order("wechat_app", 900), json!({"metadata": {"shop": "13"}}))).await;
    for (rule, count) in [("big", 2), ("shop", 1), ("not-demo", 1), ("nobody", 0)] {
        assert_eq!(total(&world, rule).await, held(0, count, 0), "{rule}");
    }
    books_hold(&world).await;
}

/// A repeat is the order that is stored, however full the limit is by now; only a new order needs room.
#[tokio::test]
async fn a_repeat_needs_no_room() {
    let world = with_rules(&[Rule::new("day", &["merchant"], "count", "day").max(1)]).start();
    let body = order("wechat_native", 100);
    let placed = world.demo.place(&body).await;
    let later = order("wechat_native", 100);
    full(world.demo.post("/v1/orders", &later).await, "day");
    let again = world.demo.post("/v1/orders", &body).await;
    assert_eq!((again.status, again.header("idempotent-replay")), (200, "true"));
    assert_eq!(again.json, placed);
    world.demo.post("/v1/orders", &with(body, json!({"amount": 101}))).await.refused(409, "ORDER_CONFLICT");
    assert_eq!(used(&world, "day", "m_demo").await, held(0, 1, 0));
    // What was refused left nothing behind: its number is free once there is room.
    world.demo.act(&format!("/v1/orders/{}/close", placed["id"].as_str().unwrap())).await.expect(200);
    world.demo.place(&later).await;
    books_hold(&world).await;
}
