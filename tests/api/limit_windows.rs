//! The windows of limits (CONTRACT section 9): where they begin, when they open again, and that they outlive the process.

use crate::harness::limits::{Rule, books_hold, full, held, listed, time, used, uses, with_rules};
use crate::harness::{order, unix_now, until, with};
use serde_json::{Value, json};

const DAY_S: i64 = 86_400;
const BEIJING_S: i64 = 8 * 3600;

/// Where each window begins and when it opens again.
#[tokio::test]
async fn windows_begin_where_the_calendar_says() {
    let of = |window: &'static str| format!("order.metadata.window == \"{window}\"");
    let calendar = Rule::new("day", &[], "count", "day").max(1).when(&of("day")).text("day_starts", "00:00");
    let shifted = Rule::new("shifted", &[], "count", "day").max(1).when(&of("shifted"));
    let month = Rule::new("month", &[], "count", "month").max(1).when(&of("month"));
    let lifetime = Rule::new("lifetime", &[], "count", "lifetime").max(1).when(&of("lifetime"));
    let world = with_rules(&[calendar, shifted, month, lifetime]).start();
    let midnight = |at: i64| (at + BEIJING_S).div_euclid(DAY_S) * DAY_S - BEIJING_S;
    let before = unix_now();
    for rule in ["day", "shifted", "month", "lifetime"] {
        let body = || with(order("wechat_native", 100), json!({"metadata": {"window": rule}}));
        world.demo.place(&body()).await;
        let starts = uses(&world, rule).await[0]["window_start"].clone();
        let second = world.demo.post("/v1/orders", &body()).await;
        if rule == "day" && midnight(unix_now()) != midnight(before) {
            continue; // Midnight passed between the two: both were right.
        }
        let opens_at = full(second, rule)["opens_at"].clone();
        match rule {
            "day" => {
                assert_eq!((time(&starts), time(&opens_at)), (midnight(before), midnight(before) + DAY_S));
                assert!(starts.as_str().unwrap().contains("T00:00:00") && starts.as_str().unwrap().ends_with("+08:00"), "{starts}");
            }
            "shifted" => {
                let age = unix_now() - time(&starts);
                assert!((11 * 3600..14 * 3600).contains(&age), "{starts} was {age} s ago");
                assert_eq!(time(&opens_at), time(&starts) + DAY_S);
            }
            "month" => {
                assert!(starts.as_str().unwrap().contains("-01T00:00:00"), "{starts}");
                assert!(opens_at.as_str().unwrap().contains("-01T00:00:00") && (28..=31).contains(&((time(&opens_at) - time(&starts)) / DAY_S)));
            }
            _ => assert_eq!((starts, opens_at), (json!(null), json!(null))),
        }
        let listed = listed(&world, rule).await;
        assert_eq!((&listed["measure"], &listed["mode"], &listed["suspended"]), (&json!("count"), &json!("reserve"), &json!(false)));
    }
    books_hold(&world).await;
}

/// Three seconds that roll: what was paid leaves them by itself; what is still open stays, whatever its age.
#[tokio::test]
async fn a_rolling_window_opens_again_but_not_over_an_open_order() {
    let world = with_rules(&[Rule::new("rolling", &["merchant"], "count", "rolling:3s").max(1)]).start();
    let first = world.paid(&order("wechat_native", 100)).await;
    full(world.demo.post("/v1/orders", &order("wechat_native", 100)).await, "rolling");
    let second = until("the window to roll on", || async {
        let answer = world.demo.post("/v1/orders", &order("wechat_native", 100)).await;
        (answer.status == 201).then_some(answer.json)
    })
    .await;
    assert!(time(&second["created_at"]) - time(&first["created_at"]) >= 3, "{first} {second}");
    let made = time(&second["created_at"]);
    until("the open order to be older than the window", || async {
        full(world.demo.post("/v1/orders", &order("wechat_native", 100)).await, "rolling");
        (unix_now() > made + 4).then_some(())
    })
    .await;
    world.demo.act(&format!("/v1/orders/{}/close", second["id"].as_str().unwrap())).await.expect(200);
    world.demo.place(&order("wechat_native", 100)).await;
    books_hold(&world).await;
}

/// `at = "paid"`: room in every day until the order's expiry, kept in the day of the payment only.
#[tokio::test]
async fn counted_when_paid_it_holds_room_on_every_day_until_its_expiry() {
    let world = with_rules(&[Rule::new("paid", &["merchant"], "amount", "day").max(1_000).text("at", "paid")]).start();
    let placed = world.demo.place(&with(order("wechat_native", 600), json!({"expires_in": 2 * DAY_S}))).await;
    let mut days: Vec<i64> = uses(&world, "paid").await.iter().map(|line| time(&line["window_start"])).collect();
    days.sort_unstable();
    assert!(days.len() == 3 && days.windows(2).all(|pair| pair[1] - pair[0] == DAY_S), "{days:?}");
    full(world.demo.post("/v1/orders", &order("wechat_native", 401)).await, "paid");
    world.control.pay(&placed).await;
    world.demo.until_status(placed["id"].as_str().unwrap(), "paid").await;
    let [line]: [Value; 1] = uses(&world, "paid").await.try_into().unwrap();
    assert_eq!((time(&line["window_start"]), &line["confirmed"], &line["reserved"]), (days[0], &json!(600), &json!(0)), "{line}");
    books_hold(&world).await;
}

/// What the rules hold is in the store: a gateway that was killed knows it.
#[tokio::test]
async fn a_kill_forgets_nothing() {
    let world = with_rules(&[Rule::new("day", &["account"], "amount", "day").max(1_000)]).start();
    let placed = world.demo.place(&order("wechat_native", 400)).await;
    world.paid(&order("wechat_native", 500)).await;
    world.kill_and_restart();
    assert_eq!(used(&world, "day", "wx-main").await, held(500, 400, 0));
    full(world.demo.post("/v1/orders", &order("wechat_native", 101)).await, "day");
    world.demo.act(&format!("/v1/orders/{}/close", placed["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(used(&world, "day", "wx-main").await, held(500, 0, 0));
    books_hold(&world).await;
}
