//! Rules that cannot be checked, shares of one merchant, and what routing does with a full account (CONTRACT sections 5, 8 and 9).

use crate::harness::limits::{Rule, books_hold, full, held, left_no_trace, total, used, uses, with_rules, with_two_accounts};
use crate::harness::{Answer, World, order, with};
use serde_json::{Value, json};

/// The newest attempt of an order.
async fn attempt(world: &World, order: &Value) -> Value {
    let full = world.demo.expanded(order["id"].as_str().unwrap()).await;
    full["attempts"].as_array().unwrap().last().unwrap().clone()
}

/// Dimensions that an order may lack, and the field that a refusal names.
const ABSENT: &[(&str, &str)] = &[("customer", "customer_id"), ("store", "store"), ("payer", "payer"), ("auth_means", "auth_means")];

/// An order without the rule's subject is not counted, neither for itself nor with the others that have none.
#[tokio::test]
async fn a_rule_without_its_subject_is_skipped_and_that_is_recorded() {
    let mut rules: Vec<Rule> = ABSENT.iter().map(|(per, _)| Rule::new(per, &[per], "count", "day").max(1)).collect();
    rules.push(Rule::new("two", &["merchant", "customer"], "count", "day").max(1));
    let world = with_rules(&rules).start();
    for _ in 0..3 {
        let placed = world.demo.place(&order("wechat_native", 100)).await;
        let attempt = attempt(&world, &placed).await;
        let mut skipped: Vec<(&str, &str)> =
            attempt["limits_not_checked"].as_array().unwrap().iter().map(|n| (n["limit"].as_str().unwrap(), n["why"].as_str().unwrap())).collect();
        skipped.sort_unstable();
        let expected = ["auth_means", "customer", "payer", "store", "two"].map(|limit| (limit, "missing"));
        assert_eq!(skipped, expected, "{attempt}");
    }
    for rule in ABSENT.iter().map(|(per, _)| *per).chain(["two"]) {
        assert!(uses(&world, rule).await.is_empty(), "{rule}");
    }
    // One that has them all is checked.
    let whole = json!({"method": "wechat_jsapi", "store": "s-1", "auth_means": "password",
        "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "customer_id": "c-1"}});
    let placed = world.demo.place(&with(order("wechat_jsapi", 100), whole)).await;
    let attempt = attempt(&world, &placed).await;
    assert!(attempt["limits_not_checked"].as_array().is_none_or(Vec::is_empty), "{attempt}");
    for rule in ABSENT.iter().map(|(per, _)| *per).chain(["two"]) {
        assert_eq!(total(&world, rule).await, held(0, 1, 0), "{rule}");
    }
    books_hold(&world).await;
}

#[tokio::test]
async fn a_rule_that_wants_its_subject_refuses_an_order_without_it_by_name() {
    for (per, field) in ABSENT {
        let world = with_rules(&[Rule::new("strict", &[per], "count", "day").max(9).text("on_missing", "deny")]).start();
        let body = order("wechat_native", 100);
        let refused = world.demo.post("/v1/orders", &body).await;
        assert!([400, 422].contains(&refused.status) && ["INVALID_REQUEST", "LIMIT_EXCEEDED"].contains(&refused.code()), "{}", refused.text());
        assert!(refused.text().contains(field), "{field} is not named: {}", refused.text());
        left_no_trace(&world, &body).await;
        assert_eq!(total(&world, "strict").await, held(0, 0, 0), "{per}");
        books_hold(&world).await;
    }
}

/// Fails for what is no number, and for nothing at all; matches above five.
const SHAKY: &str = "int(order.metadata.x) > 5";

fn of_x(amount: i64, x: &str) -> Value {
    with(order("wechat_native", amount), json!({"metadata": {"x": x}}))
}

#[tokio::test]
async fn a_condition_that_fails_refuses_for_now() {
    let world = with_rules(&[Rule::new("shaky", &["merchant"], "amount", "day").max(1_000).when(SHAKY)]).start();
    for body in [of_x(100, "abc"), order("wechat_native", 100)] {
        let problem = world.demo.post("/v1/orders", &body).await.refused(422, "LIMIT_EXCEEDED");
        assert_eq!((&problem["limit"], &problem["retryable"]), (&json!("shaky"), &json!(true)), "{problem}");
        left_no_trace(&world, &body).await;
    }
    assert_eq!(used(&world, "shaky", "m_demo").await, held(0, 0, 0));
    world.demo.place(&of_x(300, "5")).await;
    assert_eq!(used(&world, "shaky", "m_demo").await, held(0, 0, 0));
    world.demo.place(&of_x(300, "6")).await;
    assert_eq!(used(&world, "shaky", "m_demo").await, held(0, 300, 0));
    full(world.demo.post("/v1/orders", &of_x(701, "6")).await, "shaky");
    books_hold(&world).await;
}

/// `on_error = "allow"`: the order goes on, the attempt says which rule was not checked, and what it holds is overrun.
#[tokio::test]
async fn a_condition_that_fails_may_be_passed_and_is_booked_as_overrun() {
    let rule = Rule::new("shaky", &["merchant"], "amount", "day").max(1_000).when(SHAKY).text("on_error", "allow");
    let world = with_rules(&[rule]).start();
    world.demo.place(&of_x(1_000, "6")).await;
    let placed = world.demo.place(&of_x(400, "abc")).await;
    assert_eq!(attempt(&world, &placed).await["limits_not_checked"], json!([{"limit": "shaky", "why": "error"}]));
    assert_eq!(used(&world, "shaky", "m_demo").await, held(0, 1_400, 400));
    full(world.demo.post("/v1/orders", &of_x(1, "6")).await, "shaky");
    books_hold(&world).await;
    world.demo.act(&format!("/v1/orders/{}/close", placed["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(used(&world, "shaky", "m_demo").await, held(0, 1_000, 0));
    books_hold(&world).await;
}

/// One merchant's unpaid orders hold at most their share of the room; what is paid is no longer of that share.
#[tokio::test]
async fn unpaid_orders_of_one_merchant_hold_their_share_at_most() {
    let world = with_rules(&[Rule::new("shared", &["account"], "amount", "day").max(1_000).text("open_share", "0.4")]).start();
    let first = world.demo.place(&order("wechat_native", 300)).await;
    full(world.demo.post("/v1/orders", &order("wechat_native", 101)).await, "shared");
    world.demo.place(&order("wechat_native", 100)).await;
    full(world.demo.post("/v1/orders", &order("wechat_native", 1)).await, "shared");
    world.other.place(&order("wechat_native", 300)).await;
    world.control.pay(&first).await;
    world.demo.until_status(first["id"].as_str().unwrap(), "paid").await;
    // 300 paid, 400 open: the share would have 300 left, and so has the room.
    world.demo.place(&order("wechat_native", 300)).await;
    full(world.other.post("/v1/orders", &order("wechat_native", 1)).await, "shared");
    assert_eq!(used(&world, "shared", "wx-main").await, held(300, 700, 0));
    books_hold(&world).await;
}

fn account_line(attempt: &Value, account: &str) -> Value {
    let considered = attempt["route"]["considered"].as_array().unwrap_or_else(|| panic!("no route: {attempt}"));
    considered.iter().find(|line| line["account"] == account).unwrap_or_else(|| panic!("no {account}: {attempt}")).clone()
}

/// A full account is passed over and the decision says so. Refused is only what no account has room for.
#[tokio::test]
async fn a_full_account_is_passed_over_for_the_next() {
    let world = with_two_accounts(&[Rule::new("daily", &["account"], "amount", "day").max(1_000)]).start();
    let first = attempt(&world, &world.demo.place(&order("wechat_native", 900)).await).await;
    assert_eq!((&first["account"], &account_line(&first, "wx-main")["dropped"]), (&json!("wx-main"), &json!(null)));
    let second = attempt(&world, &world.demo.place(&order("wechat_native", 200)).await).await;
    assert_eq!(second["account"], "wx-second");
    let passed = account_line(&second, "wx-main");
    assert_eq!((&passed["dropped"], &passed["limit"]), (&json!("limit_exceeded"), &json!("daily")), "{second}");
    assert_eq!(account_line(&second, "wx-second")["dropped"], json!(null));
    // A small one still fits into the first; a pinned one goes nowhere else; a large one fits nowhere.
    assert_eq!(attempt(&world, &world.demo.place(&order("wechat_native", 100)).await).await["account"], "wx-main");
    full(world.demo.post("/v1/orders", &with(order("wechat_native", 1), json!({"account": "wx-main"}))).await, "daily");
    full(world.demo.post("/v1/orders", &order("wechat_native", 801)).await, "daily");
    assert_eq!(used(&world, "daily", "wx-main").await, held(0, 1_000, 0));
    assert_eq!(used(&world, "daily", "wx-second").await, held(0, 200, 0));
    books_hold(&world).await;
}

/// The limit is named if it dropped the last candidate; where nothing else is left either, it was no matter of limits.
#[tokio::test]
async fn no_route_is_told_from_no_room() {
    let world = with_two_accounts(&[Rule::new("daily", &["account"], "count", "day").max(1)]).start();
    let post = async || -> Answer { world.demo.post("/v1/orders", &order("wechat_native", 100)).await };
    world.ops.post("/ops/v1/accounts/wx-second/disable").await.expect(200);
    post().await.expect(201);
    full(post().await, "daily");
    world.ops.post("/ops/v1/accounts/wx-main/disable").await.expect(200);
    post().await.refused(422, "NO_ROUTE");
    world.ops.post("/ops/v1/accounts/wx-second/enable").await.expect(200);
    assert_eq!(post().await.expect(201)["account"], "wx-second");
    full(post().await, "daily");
    books_hold(&world).await;
}
