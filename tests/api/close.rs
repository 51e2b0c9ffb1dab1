//! Close, sync and a fresh action: the channel is asked, and what it says decides (C6).

use crate::harness::middle::Middle;
use crate::harness::{Inbox, Manner, World, order, with};
use serde_json::json;

#[tokio::test]
async fn a_pending_order_closes_at_the_channel_first_and_only_once() {
    let world = World::shared();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    let placed = world.demo.place(&with(order("wechat_native", 100), json!({"notify_url": inbox.url}))).await;
    let id = placed["id"].as_str().unwrap();
    let closed = world.demo.act(&format!("/v1/orders/{id}/close")).await.expect(200);
    assert_eq!((&closed["status"], &closed["action"]["type"]), (&json!("closed"), &json!("none")));
    assert!(closed["closed_at"].is_string());
    assert_eq!(world.entry_of(id).await["status"], "closed");
    let again = world.demo.act(&format!("/v1/orders/{id}/close")).await.expect(200);
    assert_eq!(again, closed);
    assert_eq!(inbox.taken(id, "order.closed").await.event["data"]["status"], "closed");
    assert_eq!(world.demo.trail(id).await.iter().filter(|kind| *kind == "order.closed").count(), 1);
    // The payer's code is dead.
    assert_eq!(world.control.scan(placed["action"]["content"].as_str().unwrap(), "pay").await.status, 422);
    world.demo.act(&format!("/v1/orders/{id}/action")).await.refused(409, "INVALID_STATE");
}

#[tokio::test]
async fn a_paid_order_cannot_be_closed() {
    let world = World::shared();
    let paid = world.paid(&order("wechat_native", 100)).await;
    let id = paid["id"].as_str().unwrap();
    world.demo.act(&format!("/v1/orders/{id}/close")).await.refused(409, "INVALID_STATE");
    assert_eq!(world.demo.order(id).await, paid);
}

/// The payer paid, we have not heard of it, the merchant closes: the order is paid, never closed with money taken.
#[tokio::test]
async fn closing_what_was_just_paid_finds_the_payment() {
    let world = World::plan().start();
    world.control.fault("callback", "hold").await;
    let placed = world.demo.place(&order("wechat_native", 100)).await;
    let id = placed["id"].as_str().unwrap();
    world.control.pay(&placed).await;
    world.demo.act(&format!("/v1/orders/{id}/close")).await.refused(409, "INVALID_STATE");
    assert_eq!(world.demo.order(id).await["status"], "paid");
    assert_eq!(world.entry_of(id).await["status"], "paid");
}

/// The close's answer is lost: nobody guesses. It is finished by asking again.
#[tokio::test]
async fn a_close_whose_answer_was_lost_is_finished_by_itself() {
    let world = World::plan().start();
    for fault in ["lose_response", "lose_request", "error_500", "reset", "garbage", "bad_signature"] {
        let placed = world.demo.place(&order("wechat_native", 100)).await;
        let id = placed["id"].as_str().unwrap();
        world.control.faults("close", fault, 1).await;
        let answer = world.demo.act(&format!("/v1/orders/{id}/close")).await;
        assert!(answer.status == 200 || (answer.status, answer.code()) == (409, "IN_PROGRESS"), "{fault}: {}", answer.text());
        world.demo.until_status(id, "closed").await;
        assert_eq!(world.entry_of(id).await["status"], "closed", "{fault}");
    }
}

#[tokio::test]
async fn sync_asks_the_channel_now() {
    let world = World::plan().start();
    world.control.fault("callback", "hold").await;
    let placed = world.demo.place(&order("wechat_native", 100)).await;
    let id = placed["id"].as_str().unwrap();
    assert_eq!(world.demo.act(&format!("/v1/orders/{id}/sync")).await.expect(200)["status"], "pending");
    world.control.pay(&placed).await;
    let synced = world.demo.act(&format!("/v1/orders/{id}/sync")).await.expect(200);
    assert_eq!((&synced["status"], &synced["paid_amount"]), (&json!("paid"), &json!(100)));
}

#[tokio::test]
async fn a_fresh_action_comes_under_the_same_number() {
    let world = World::shared();
    let placed = world.demo.place(&order("wechat_native", 100)).await;
    let id = placed["id"].as_str().unwrap();
    let number = world.channel_number(id).await;
    let fresh = world.demo.act(&format!("/v1/orders/{id}/action")).await.expect(200);
    assert_eq!(fresh["action"]["type"], "qr_code");
    assert_eq!(world.channel_number(id).await, number);
    world.control.pay(&fresh).await;
    world.demo.until_status(id, "paid").await;
    assert_eq!(world.control.ledger().await.iter().filter(|row| row["out_trade_no"] == number.as_str()).count(), 1);
}

/// C6: the channel takes money for an order that we closed. It is refunded, told, and the end stays an end.
#[tokio::test]
async fn money_after_the_end_is_refunded_and_told() {
    let world = World::plan().start();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    // The close is answered by nobody, so the code stays alive while the order waits to be closed …
    world.control.fault("close", "lose_request").await;
    let placed = world.demo.place(&with(order("wechat_native", 100), json!({"notify_url": inbox.url}))).await;
    let id = placed["id"].as_str().unwrap();
    world.demo.act(&format!("/v1/orders/{id}/close")).await.refused(409, "IN_PROGRESS");
    // … and the payer pays: nobody may call that closed.
    world.control.pay(&placed).await;
    world.control.clear().await;
    let order = world.demo.until_status(id, "paid").await;
    assert_eq!(order["paid_amount"], 100);
    assert_eq!(inbox.taken(id, "order.paid").await.event["data"]["status"], "paid");
    assert!(inbox.about(id, "order.closed").is_empty());
}

/// C6: closed here, confirmed by a lie, and paid at the channel: the end stays an end, the money goes back, and the merchant hears of both.
#[tokio::test]
async fn late_money_goes_back_and_the_order_stays_closed() {
    let middle = Middle::open().await;
    let world = World::plan().edit("channels.toml", middle.stands_between()).start();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    let body = || with(order("wechat_native", 100), json!({"notify_url": inbox.url}));
    let (first, late) = (world.demo.place(&body()).await, world.demo.place(&body()).await);
    let id = late["id"].as_str().unwrap();
    world.demo.act(&format!("/v1/orders/{}/close", first["id"].as_str().unwrap())).await.expect(200);
    middle.lies(true);
    world.demo.act(&format!("/v1/orders/{id}/close")).await.expect(200);
    assert_eq!(world.demo.order(id).await["status"], "closed");
    world.control.pay(&late).await;
    assert_eq!(inbox.taken(id, "order.paid_late").await.event["data"]["status"], "closed");
    let refunds = world.demo.get(&format!("/v1/orders/{id}/refunds")).await.expect(200);
    let refund = &refunds["data"][0];
    assert_eq!((&refund["origin"], &refund["amount"]), (&json!("late_payment"), &json!(100)), "{refunds}");
    world.demo.until_refund(refund["id"].as_str().unwrap(), "succeeded").await;
    let order = world.demo.expanded(id).await;
    assert_eq!((&order["status"], &order["paid_amount"], &order["refunded_amount"]), (&json!("closed"), &json!(0), &json!(0)));
    assert_eq!((&order["attempts"][0]["status"], &order["attempts"][0]["late"]), (&json!("succeeded"), &json!(true)), "{order}");
    assert_eq!(world.entry_of(id).await["refunds"][0]["status"], "succeeded");
    assert!(inbox.about(id, "order.paid").is_empty());
}
