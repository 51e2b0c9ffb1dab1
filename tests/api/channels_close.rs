//! Closing at every channel: what it can confirm is closed there, what it cannot is watched, and money that comes after the end goes back.

use crate::harness::control::Paying;
use crate::harness::till::{Offer, body_of, id_of, online_offers, plain_offers, remaining};
use crate::harness::{Inbox, Manner, World, until, with};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// Whether the channel itself can promise that nobody will pay: UnionPay and ICBC's own code have no close, and what only the payer's
/// arrival makes an order (Alipay's code, pages and app, ICBC's page and app) cannot be closed before it.
fn is_promised(method: &str) -> bool {
    matches!(method, "wechat_native" | "wechat_jsapi" | "wechat_mini" | "wechat_app" | "wechat_h5" | "alipay_jsapi" | "cmb_qr")
}

async fn closed(world: &World, inbox: &Inbox, offer: &Offer) -> Value {
    let what = offer.name();
    let placed = world.demo.place(&with(body_of(world, offer, 1280).await, json!({"notify_url": inbox.url}))).await;
    let id = id_of(&placed);
    let closed = world.demo.act(&format!("/v1/orders/{id}/close")).await;
    assert_eq!((closed.status, &closed.json["status"]), (200, &json!("closed")), "{what}: {}", closed.text());
    assert_eq!(closed.json["action"]["type"], "none", "{what}");
    assert_eq!(inbox.taken(id, "order.closed").await.event["data"]["status"], "closed", "{what}");
    placed
}

async fn comes_back(world: &World, inbox: &Inbox, what: &str, id: &str) {
    let told = inbox.taken(id, "order.paid_late").await;
    assert_eq!(told.event["data"]["status"], "closed", "{what}");
    until(&format!("{what}: the late money to go back"), || async {
        Some(()).filter(|()| inbox.deliveries().iter().any(|d| d.event["type"] == "refund.succeeded" && d.event["data"]["order_id"] == id))
    })
    .await;
    let order = world.demo.expanded(id).await;
    assert_eq!((&order["status"], &order["paid_amount"], &order["refunded_amount"]), (&json!("closed"), &json!(0), &json!(0)), "{what}");
    assert_eq!((&order["attempts"][0]["status"], &order["attempts"][0]["late"]), (&json!("succeeded"), &json!(true)), "{what}");
    let refunds = order["refunds"].as_array().unwrap();
    assert_eq!(refunds.len(), 1, "{what}: {refunds:?}");
    let told = (&refunds[0]["origin"], &refunds[0]["amount"], &refunds[0]["status"]);
    assert_eq!(told, (&json!("late_payment"), &json!(1280), &json!("succeeded")), "{what}");
    let entry = world.entry_of(id).await;
    assert_eq!((&entry["charges"], remaining(&entry)), (&json!(1), 0), "{what}: {entry}");
}

async fn closes(world: &World, inbox: &Inbox, offer: &Offer) {
    let what = offer.name();
    let placed = closed(world, inbox, offer).await;
    let id = id_of(&placed);
    let attempt = world.demo.expanded(id).await["attempts"][0]["status"].clone();
    assert_eq!(attempt, if is_promised(&offer.method) { "closed" } else { "abandoned" }, "{what}");
    let scanned = world.control.take(&placed, &Paying::default()).await;
    if is_promised(&offer.method) {
        assert_eq!(scanned.status, 422, "{what}: a closed code is dead");
        assert_eq!((&world.entry_of(id).await["status"], &world.entry_of(id).await["charges"]), (&json!("closed"), &json!(0)), "{what}");
    } else {
        assert_eq!(scanned.expect(200)["paid"], true, "{what}");
        comes_back(world, inbox, &what, id).await;
    }
    assert_eq!(world.demo.act(&format!("/v1/orders/{id}/close")).await.expect(200)["status"], "closed", "{what}");
    assert!(inbox.about(id, "order.paid").is_empty(), "{what}");
}

#[tokio::test]
async fn every_method_closes_and_money_that_comes_after_is_given_back_and_told() {
    let world = World::shared();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    let offers = online_offers(&world).await;
    assert_eq!(offers.len(), 19);
    join_all(offers.iter().map(|offer| closes(&world, &inbox, offer))).await;
}

/// The payer pays at the very moment of the close. Whoever wins, store and channel agree in the end.
async fn races(world: &World, offer: &Offer) {
    let what = offer.name();
    let placed = world.demo.place(&body_of(world, offer, 1280).await).await;
    let (id, paying) = (id_of(&placed), Paying::default());
    let path = format!("/v1/orders/{id}/close");
    let (closed, scanned) = tokio::join!(world.demo.act(&path), world.control.take(&placed, &paying));
    assert!([200, 409].contains(&closed.status) && [200, 422].contains(&scanned.status), "{what}: {} {}", closed.text(), scanned.text());
    let was_paid = scanned.status == 200;
    until(&format!("{what}: the books to be equal"), || async {
        let order = world.demo.order(id).await;
        let entry = world.control.known(&world.channel_number(id).await).await;
        let charges = entry.as_ref().map_or(0, |entry| entry["charges"].as_i64().unwrap());
        assert_eq!(charges, i64::from(was_paid), "{what}");
        let left = entry.as_ref().map_or(0, remaining);
        match order["status"].as_str().unwrap() {
            "paid" => Some(()).filter(|()| left == 1280 && order["paid_amount"] == 1280),
            "closed" => Some(()).filter(|()| left == 0),
            _ => None,
        }
    })
    .await;
    let trail = world.demo.trail(id).await;
    assert_eq!(trail.iter().filter(|kind| ["order.paid", "order.closed"].contains(&kind.as_str())).count(), 1, "{what}: {trail:?}");
}

#[tokio::test]
async fn a_close_that_races_a_scan_leaves_equal_books() {
    let world = World::shared();
    let offers = plain_offers(&world).await;
    for _ in 0..4 {
        join_all(offers.iter().map(|offer| races(&world, offer))).await;
    }
}
