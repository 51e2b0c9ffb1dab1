//! Notifications to merchants: signed, at least once, same id, never before the commit, never blocked by another merchant (F1, F2, F4, F5).

use crate::harness::{Inbox, Manner, World, order, until, with, within};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

fn to(inbox: &Inbox) -> Value {
    with(order("wechat_native", 100), json!({"notify_url": inbox.url}))
}

#[tokio::test]
async fn a_notification_is_signed_says_what_was_committed_and_comes_once() {
    let world = World::shared();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    let paid = world.paid(&to(&inbox)).await;
    let id = paid["id"].as_str().unwrap();
    let told = inbox.taken(id, "order.paid").await;
    assert!(told.verified && told.id.starts_with("evt_") && told.event["id"] == told.id.as_str(), "{told:?}");
    told.event["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let mut data = told.event["data"].clone();
    data["payer"] = paid["payer"].clone();
    assert_eq!(data, world.demo.order(id).await, "the notification shows the order as the API does");
    assert!(told.signatures.starts_with("v1,"));
}

/// F4, F1: failures are repeated with the same id and body and a fresh timestamp, until a 2xx.
#[tokio::test]
async fn a_merchant_that_fails_is_told_again_under_the_same_id() {
    let world = World::plan().fast(50).start();
    for status in [500, 404, 302, 199 + 101] {
        let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Fails(status, 4)).await;
        let placed = world.demo.place(&to(&inbox)).await;
        let id = placed["id"].as_str().unwrap();
        world.control.pay(&placed).await;
        inbox.taken(id, "order.paid").await;
        let tries = inbox.about(id, "order.paid");
        assert_eq!(tries.len(), 5, "{status}");
        assert_eq!(tries.iter().map(|d| (&d.id, &d.body)).collect::<BTreeSet<_>>().len(), 1, "{status}");
        assert!(tries.iter().all(|d| d.verified), "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_no_success_and_is_not_followed() {
    let world = World::plan().fast(50).start();
    let elsewhere = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Redirects(elsewhere.url.clone())).await;
    let placed = world.demo.place(&to(&inbox)).await;
    let id = placed["id"].as_str().unwrap();
    world.control.pay(&placed).await;
    until("three tries", || async { Some(()).filter(|()| inbox.about(id, "order.paid").len() >= 3) }).await;
    assert!(elsewhere.deliveries().is_empty());
    inbox.behave(Manner::Takes);
    inbox.taken(id, "order.paid").await;
}

/// A merchant that was away during a restart of ours is still told.
#[tokio::test]
async fn a_notification_survives_a_crash_of_ours() {
    let world = World::plan().start();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Fails(503, 1_000_000)).await;
    let paid = world.paid(&to(&inbox)).await;
    let id = paid["id"].as_str().unwrap();
    until("a first try", || async { inbox.about(id, "order.paid").first().cloned() }).await;
    world.kill_and_restart();
    inbox.behave(Manner::Takes);
    inbox.taken(id, "order.paid").await;
    assert_eq!(inbox.ids(id, "order.paid").len(), 1);
}

/// F2: one endpoint hangs, one drips a byte a second. The others are told as if nothing were.
#[tokio::test]
async fn a_dead_merchant_holds_up_nobody() {
    let world = World::plan().start();
    let hanging = Inbox::open(&world.other.webhook_secret, Manner::Hangs).await;
    let dripping = Inbox::open(&world.other.webhook_secret, Manner::Drips).await;
    let healthy = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    for n in 0..40 {
        let placed = world.other.place(&to(if n % 2 == 0 { &hanging } else { &dripping })).await;
        world.control.pay(&placed).await;
    }
    until("the dead ones to be tried", || async {
        Some(()).filter(|()| !hanging.deliveries().is_empty() && !dripping.deliveries().is_empty())
    })
    .await;
    let mut waits = Vec::new();
    for _ in 0..25 {
        let placed = world.demo.place(&to(&healthy)).await;
        let id = placed["id"].as_str().unwrap();
        world.control.pay(&placed).await;
        world.demo.until_status(id, "paid").await;
        let began = Instant::now();
        healthy.taken(id, "order.paid").await;
        waits.push(began.elapsed());
    }
    waits.sort();
    assert!(waits[waits.len() - 2] < Duration::from_secs(2), "{waits:?}");
}

/// F4: past the last try a notification is parked, visible to operators, and goes out when replayed.
#[tokio::test]
async fn a_merchant_away_for_days_is_parked_and_replayed() {
    let world = World::plan().fast(10_000).start();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Fails(500, 1_000_000)).await;
    let placed = world.demo.place(&to(&inbox)).await;
    let id = placed["id"].as_str().unwrap();
    world.control.pay(&placed).await;
    let parked = within(Duration::from_secs(60), "the notification to be parked", || async {
        let list = world.ops.get("/ops/v1/notifications?status=parked").await.expect(200);
        list["data"].as_array().unwrap().iter().find(|n| n["order_id"] == id).cloned()
    })
    .await;
    assert_eq!(inbox.ids(id, "order.paid").len(), 1);
    inbox.behave(Manner::Takes);
    let event_id = parked["event_id"].as_str().or_else(|| parked["id"].as_str()).unwrap();
    let replayed = world.ops.post(&format!("/ops/v1/notifications/{event_id}/replay")).await;
    assert!(replayed.status < 300, "{}", replayed.text());
    assert_eq!(inbox.taken(id, "order.paid").await.id, event_id);
}

/// F5: what a notice says was committed first, and versions only grow.
#[tokio::test]
async fn versions_grow_from_notice_to_notice() {
    let world = World::shared();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    let paid = world.paid(&to(&inbox)).await;
    let id = paid["id"].as_str().unwrap();
    let body = json!({"merchant_refund_no": format!("V-{id}"), "amount": 1});
    let refund = world.demo.post(&format!("/v1/orders/{id}/refunds"), &body).await.expect(201);
    let told = inbox.taken(refund["id"].as_str().unwrap(), "refund.succeeded").await;
    let now = world.demo.get(&format!("/v1/refunds/{}", refund["id"].as_str().unwrap())).await.expect(200);
    assert!(told.event["data"]["version"].as_i64().unwrap() > refund["version"].as_i64().unwrap());
    assert!(told.event["data"]["version"].as_i64().unwrap() <= now["version"].as_i64().unwrap());
}
