//! The life of a reservation (CONTRACT section 9, E2): whatever ends an order gives back, confirms or restores exactly what it held,
//! and money that could not be refused any more is shown as overrun.

use crate::harness::limits::{Held, Rule, books_hold, full, held, total, used, with_rules, with_two_accounts};
use crate::harness::middle::Middle;
use crate::harness::{World, order, unique, until, with};
use serde_json::{Value, json};

/// One rule on money and one on orders, each wide enough.
fn both() -> [Rule; 2] {
    [Rule::new("money", &["account"], "amount", "day").max(100_000), Rule::new("orders", &["merchant"], "count", "day").max(100)]
}

/// What the two hold.
async fn books(world: &World) -> (Held, Held) {
    (total(world, "money").await, total(world, "orders").await)
}

const NOTHING: Held = held(0, 0, 0);

fn barcode(auth_code: &str) -> Value {
    with(order("wechat_barcode", 250), json!({"auth_code": auth_code, "client_ip": "203.0.113.7"}))
}

async fn refund(world: &World, order: &Value, amount: i64) -> Value {
    let body = json!({"merchant_refund_no": format!("RF-{}", unique()), "amount": amount});
    world.demo.post(&format!("/v1/orders/{}/refunds", id(order)), &body).await.expect(201)
}

async fn refunded(world: &World, order: &Value, amount: i64) {
    let refund = refund(world, order, amount).await;
    world.demo.until_refund(id(&refund), "succeeded").await;
}

async fn close(world: &World, order: &Value) {
    world.demo.act(&format!("/v1/orders/{}/close", id(order))).await.expect(200);
}

fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_close_gives_back_and_a_payment_confirms() {
    let world = with_rules(&both()).start();
    let placed = world.demo.place(&order("wechat_native", 600)).await;
    let paid = world.demo.place(&order("wechat_native", 300)).await;
    assert_eq!(books(&world).await, (held(0, 900, 0), held(0, 2, 0)));
    for _ in 0..2 {
        close(&world, &placed).await;
        assert_eq!(books(&world).await, (held(0, 300, 0), held(0, 1, 0)));
    }
    world.control.pay(&paid).await;
    world.demo.until_status(id(&paid), "paid").await;
    assert_eq!(books(&world).await, (held(300, 0, 0), held(1, 0, 0)));
    // Told again and asked again, it is one payment.
    world.control.resend(&world.channel_number(id(&paid)).await).await;
    world.demo.act(&format!("/v1/orders/{}/sync", id(&paid))).await.expect(200);
    assert_eq!(books(&world).await, (held(300, 0, 0), held(1, 0, 0)));
    books_hold(&world).await;
}

/// Nobody knows whether the payer can pay it: the room stays taken until somebody does.
#[tokio::test]
async fn an_unknown_attempt_keeps_its_room() {
    let world = with_rules(&both()).start();
    world.control.faults("pay", "lose_response", 1).await;
    let placed = world.demo.place(&order("wechat_native", 600)).await;
    assert_eq!(books(&world).await, (held(0, 600, 0), held(0, 1, 0)));
    world.control.fault("close", "lose_request").await;
    world.demo.act(&format!("/v1/orders/{}/close", id(&placed))).await.refused(409, "IN_PROGRESS");
    assert_eq!(books(&world).await, (held(0, 600, 0), held(0, 1, 0)));
    world.control.clear().await;
    world.demo.until_status(id(&placed), "closed").await;
    assert_eq!(books(&world).await, (NOTHING, NOTHING));
    books_hold(&world).await;
}

/// At the till: paid, declined, never answered, and reversed before and after the payment.
#[tokio::test]
async fn every_end_at_the_till_is_booked() {
    let world = with_rules(&both()).start();
    for behaviour in ["decline", "timeout"] {
        let code = world.control.auth_code(behaviour).await;
        let placed = world.demo.place(&barcode(&code)).await;
        until(&format!("{behaviour} to end"), || async {
            Some(world.demo.order(id(&placed)).await).filter(|order| order["status"] != "pending")
        })
        .await;
        assert_eq!(books(&world).await, (NOTHING, NOTHING), "{behaviour}");
    }
    let code = world.control.auth_code("password").await;
    let waiting = world.demo.place(&barcode(&code)).await;
    assert_eq!(books(&world).await, (held(0, 250, 0), held(0, 1, 0)));
    world.demo.act(&format!("/v1/orders/{}/reverse", id(&waiting))).await.expect(200);
    world.demo.until_status(id(&waiting), "reversed").await;
    assert_eq!(books(&world).await, (NOTHING, NOTHING));
    let code = world.control.auth_code("pay").await;
    let paid = world.demo.place(&barcode(&code)).await;
    assert_eq!(books(&world).await, (held(250, 0, 0), held(1, 0, 0)));
    // Reversing what is paid is a refund of the remainder.
    world.demo.act(&format!("/v1/orders/{}/reverse", id(&paid))).await.expect(200);
    until("the reversal's refund", || async { (books(&world).await == (NOTHING, NOTHING)).then_some(()) }).await;
    books_hold(&world).await;
}

/// Each refund gives back its own amount once it has succeeded; the order counts until all of it is refunded.
#[tokio::test]
async fn a_refund_restores_its_amount_and_the_last_one_the_count() {
    let world = with_rules(&both()).start();
    let paid = world.paid(&order("wechat_native", 1_000)).await;
    refunded(&world, &paid, 300).await;
    assert_eq!(books(&world).await, (held(700, 0, 0), held(1, 0, 0)));
    // One that fails gives nothing back.
    world.control.hook("refund_fate closed").await;
    let failing = refund(&world, &paid, 700).await;
    assert_eq!(books(&world).await, (held(700, 0, 0), held(1, 0, 0)));
    world.demo.until_refund(id(&failing), "failed").await;
    assert_eq!(books(&world).await, (held(700, 0, 0), held(1, 0, 0)));
    world.control.hook("refund_fate success").await;
    refunded(&world, &paid, 699).await;
    assert_eq!(books(&world).await, (held(1, 0, 0), held(1, 0, 0)));
    refunded(&world, &paid, 1).await;
    assert_eq!(books(&world).await, (NOTHING, NOTHING));
    books_hold(&world).await;
}

#[tokio::test]
async fn what_is_kept_is_not_restored_by_a_refund() {
    let rules = both().map(|rule| rule.max(1_000).text("on_refund", "keep"));
    let world = with_rules(&rules).start();
    let paid = world.paid(&order("wechat_native", 1_000)).await;
    refunded(&world, &paid, 1_000).await;
    assert_eq!(books(&world).await, (held(1_000, 0, 0), held(1, 0, 0)));
    full(world.demo.post("/v1/orders", &order("wechat_native", 1)).await, "money");
    // What was never paid is given back all the same.
    let other = with_rules(&rules).start();
    let placed = other.demo.place(&order("wechat_native", 1_000)).await;
    close(&other, &placed).await;
    assert_eq!(books(&other).await, (NOTHING, NOTHING));
    books_hold(&world).await;
    books_hold(&other).await;
}

/// Room is what left the payer's pocket and the coupon: the amount of the order.
#[tokio::test]
async fn discounts_do_not_make_room() {
    let world = with_rules(&both()).start();
    let placed = world.demo.place(&order("wechat_native", 1_000)).await;
    world.control.pay_with_coupon(&placed, 400).await;
    let paid = world.demo.until_status(id(&placed), "paid").await;
    assert_eq!(paid["payer_paid_amount"], 600, "{paid}");
    assert_eq!(books(&world).await, (held(1_000, 0, 0), held(1, 0, 0)));
    books_hold(&world).await;
}

/// `post` (成功后累计): what is open counts nothing, so more may come in than fits. It is shown apart, and nothing more is let in.
#[tokio::test]
async fn counted_afterwards_only_success_counts_and_too_much_is_overrun() {
    let world = with_rules(&[Rule::new("after", &["merchant"], "amount", "day").max(1_000).text("mode", "post")]).start();
    let first = world.demo.place(&order("wechat_native", 800)).await;
    let second = world.demo.place(&order("wechat_native", 700)).await;
    assert_eq!(used(&world, "after", "m_demo").await, NOTHING);
    world.control.pay(&first).await;
    world.demo.until_status(id(&first), "paid").await;
    assert_eq!(used(&world, "after", "m_demo").await, held(800, 0, 0));
    world.control.pay(&second).await;
    world.demo.until_status(id(&second), "paid").await;
    let shown = used(&world, "after", "m_demo").await;
    assert!((shown.confirmed, shown.reserved) == (1_500, 0) && (500..=700).contains(&shown.overrun), "{shown:?}");
    full(world.demo.post("/v1/orders", &order("wechat_native", 1)).await, "after");
    assert!(world.gateway_log().contains("ALARM"), "an overrun is alarmed");
    books_hold(&world).await;
    // A refund makes room again.
    refunded(&world, &second, 700).await;
    assert_eq!(used(&world, "after", "m_demo").await.confirmed, 800);
    world.demo.place(&order("wechat_native", 100)).await;
    books_hold(&world).await;
}

/// The first account provably took nothing: its room comes back with the failure, the second's is taken; the merchant counts one order.
#[tokio::test]
async fn a_definite_failure_moves_the_room_to_the_next_account() {
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let unreachable = move |old: String| {
        let base = old.lines().find(|line| line.starts_with("base_url = ")).unwrap().to_owned();
        old.replacen(&base, &format!("base_url = \"http://{dead}\""), 1)
    };
    let world = with_two_accounts(&both()).edit("channels.toml", unreachable).start();
    let paid = world.paid(&order("wechat_native", 500)).await;
    let attempts = world.demo.expanded(id(&paid)).await["attempts"].clone();
    assert_eq!((&attempts[0]["account"], &attempts[1]["account"]), (&json!("wx-main"), &json!("wx-second")));
    assert_eq!(used(&world, "money", "wx-main").await, NOTHING);
    assert_eq!(used(&world, "money", "wx-second").await, held(500, 0, 0));
    assert_eq!(used(&world, "orders", "m_demo").await, held(1, 0, 0));
    books_hold(&world).await;
    // No account can be reached: failed, and nothing is held.
    let world = with_rules(&both()).edit("channels.toml", unreachable).start();
    assert_eq!(world.demo.place(&order("wechat_native", 500)).await["status"], "failed");
    assert_eq!(books(&world).await, (NOTHING, NOTHING));
    books_hold(&world).await;
}

/// C6: the channel takes money for an order that is closed here, when the room was given to another. It cannot be refused: it is booked
/// as overrun, alarmed, refunded, and with its refund it is gone.
#[tokio::test]
async fn late_money_is_overrun_until_it_is_refunded() {
    let middle = Middle::open().await;
    let world = with_rules(&[Rule::new("day", &["merchant"], "amount", "day").max(1_000)]).edit("channels.toml", middle.stands_between()).start();
    let closed = world.demo.place(&order("wechat_native", 1_000)).await;
    close(&world, &closed).await;
    let late = world.demo.place(&order("wechat_native", 1_000)).await;
    middle.lies(true);
    close(&world, &late).await;
    middle.lies(false);
    assert_eq!(used(&world, "day", "m_demo").await, NOTHING);
    world.paid(&order("wechat_native", 900)).await;
    // The refund does not get through yet, so that the overrun can be seen.
    world.control.fault("refund", "lose_request").await;
    world.control.pay(&late).await;
    until("the late money", || async { world.demo.trail(id(&late)).await.iter().any(|kind| kind == "order.paid_late").then_some(()) }).await;
    let shown = used(&world, "day", "m_demo").await;
    assert_eq!((shown.confirmed, shown.reserved), (1_900, 0), "{shown:?}");
    assert!((900..=1_000).contains(&shown.overrun), "{shown:?}");
    assert!(world.gateway_log().contains("ALARM"), "an overrun is alarmed");
    full(world.demo.post("/v1/orders", &order("wechat_native", 101)).await, "day");
    books_hold(&world).await;
    world.control.clear().await;
    until("the refund of the late money", || async { (used(&world, "day", "m_demo").await == held(900, 0, 0)).then_some(()) }).await;
    assert_eq!(world.demo.order(id(&late)).await["status"], "closed");
    world.demo.place(&order("wechat_native", 100)).await;
    full(world.demo.post("/v1/orders", &order("wechat_native", 1)).await, "day");
    books_hold(&world).await;
}
