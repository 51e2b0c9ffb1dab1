//! Barcode orders: every behaviour of the payer's phone, and reversal (B1, B2).

use crate::harness::{Inbox, Manner, World, order, unique, with};
use serde_json::{Value, json};

fn barcode(auth_code: &str, amount: i64) -> Value {
    with(order("wechat_barcode", amount), json!({"auth_code": auth_code, "client_ip": "203.0.113.7"}))
}

/// The channel's magic codes (see the simulator): behaviours no phone has.
fn magic(kind: &str, seconds: u32) -> String {
    let digits: String = unique().bytes().map(|byte| char::from(b'0' + byte % 10)).collect();
    let tail = &digits[digits.len() - 10..];
    format!("1399{kind}{seconds:02}{tail}")
}

#[tokio::test]
async fn a_payer_who_pays_has_paid_in_the_answer() {
    let world = World::shared();
    for method in ["wechat_barcode", "auto_barcode"] {
        let code = world.control.auth_code("pay").await;
        let paid = world.demo.place(&with(barcode(&code, 250), json!({"method": method}))).await;
        assert_eq!((&paid["status"], &paid["presented"], &paid["wallet"]), (&json!("paid"), &json!("barcode"), &json!("wechat")));
        assert_eq!((&paid["paid_amount"], &paid["method"]), (&json!(250), &json!(method)));
        assert!(paid["channel_trade_no"].is_string() && paid["paid_at"].is_string());
        let entry = world.entry_of(paid["id"].as_str().unwrap()).await;
        assert_eq!((&entry["status"], &entry["charges"]), (&json!("paid"), &json!(1)));
    }
}

#[tokio::test]
async fn a_payer_who_is_asked_for_a_password_pays_when_it_is_typed() {
    let world = World::shared();
    let code = world.control.auth_code("password").await;
    let waiting = world.demo.place(&barcode(&code, 250)).await;
    assert_eq!((&waiting["status"], &waiting["action"]["type"]), (&json!("pending"), &json!("wait")));
    assert!(waiting["action"]["poll_after_ms"].as_i64().is_some_and(|ms| ms > 0));
    world.control.confirm(&code).await.expect(200);
    let id = waiting["id"].as_str().unwrap();
    world.demo.until_status(id, "paid").await;
    assert_eq!(world.entry_of(id).await["charges"], 1);
}

#[tokio::test]
async fn a_decline_ends_the_order_with_its_reason_and_takes_nothing() {
    let world = World::shared();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    let code = world.control.auth_code("decline").await;
    let placed = world.demo.place(&with(barcode(&code, 250), json!({"notify_url": inbox.url}))).await;
    let id = placed["id"].as_str().unwrap();
    let ended = crate::harness::until("the declined order to end", || async {
        Some(world.demo.order(id).await).filter(|order| order["status"] != "pending")
    })
    .await;
    assert!(["failed", "reversed"].contains(&ended["status"].as_str().unwrap()), "{ended}");
    assert!(ended["failure"]["code"].is_string(), "{ended}");
    let entry = world.entry_of(id).await;
    assert_eq!(entry["charges"], 0);
    assert!(entry["status"] != "paid" && entry["status"] != "paying", "{entry}");
    let kind = format!("order.{}", ended["status"].as_str().unwrap());
    assert_eq!(inbox.taken(id, &kind).await.event["data"]["status"], ended["status"]);
}

#[tokio::test]
async fn a_payer_who_never_answers_is_reversed() {
    let world = World::shared();
    let code = world.control.auth_code("timeout").await;
    let placed = world.demo.place(&barcode(&code, 250)).await;
    let id = placed["id"].as_str().unwrap();
    world.demo.until_status(id, "reversed").await;
    let entry = world.entry_of(id).await;
    assert_eq!(entry["charges"], 0);
    assert!(["reversed", "closed"].contains(&entry["status"].as_str().unwrap()), "{entry}");
}

/// B1, B2: the answer says "system error" although the money was taken, or says nothing at all. One charge, found by asking.
#[tokio::test]
async fn a_charge_whose_answer_was_lost_is_found_and_never_repeated() {
    let world = World::plan().start();
    let mut orders = vec![world.demo.place(&barcode(&magic("06", 0), 250)).await];
    for fault in ["lose_response", "bad_signature", "garbage"] {
        world.control.faults("pay", fault, 1).await;
        let code = world.control.auth_code("pay").await;
        orders.push(world.demo.place(&barcode(&code, 250)).await);
    }
    for order in orders {
        let id = order["id"].as_str().unwrap();
        world.demo.until_status(id, "paid").await;
        assert_eq!(world.entry_of(id).await["charges"], 1);
        assert_eq!(world.demo.expanded(id).await["attempts"].as_array().unwrap().len(), 1);
    }
}

/// Definite refusals fail at once; doubtful ones end reversed, never paid and never guessed.
#[tokio::test]
async fn every_other_answer_of_the_channel_ends_without_money() {
    let world = World::plan().start();
    let mut placed = Vec::new();
    for kind in ["04", "05", "07", "08", "09", "10", "11", "12", "13"] {
        placed.push((kind, world.demo.place(&barcode(&magic(kind, 0), 250)).await));
    }
    for (kind, order) in placed {
        let id = order["id"].as_str().unwrap();
        let ended = crate::harness::within(std::time::Duration::from_secs(60), &format!("code {kind} to end"), || async {
            Some(world.demo.order(id).await).filter(|order| order["status"] != "pending")
        })
        .await;
        assert!(["failed", "reversed"].contains(&ended["status"].as_str().unwrap()), "{kind}: {ended}");
        let number = world.channel_number(id).await;
        let charged = world.control.ledger().await.iter().any(|row| row["out_trade_no"] == number.as_str() && row["charges"] != 0);
        assert!(!charged, "{kind}");
    }
}

#[tokio::test]
async fn reversing_a_waiting_order_ends_it_reversed() {
    let world = World::shared();
    let code = world.control.auth_code("password").await;
    let placed = world.demo.place(&barcode(&code, 250)).await;
    let id = placed["id"].as_str().unwrap();
    world.demo.act(&format!("/v1/orders/{id}/reverse")).await.expect(200);
    world.demo.until_status(id, "reversed").await;
    assert_eq!(world.entry_of(id).await["charges"], 0);
    assert_eq!(world.demo.act(&format!("/v1/orders/{id}/reverse")).await.expect(200)["status"], "reversed");
    // The payer types the password too late.
    assert_eq!(world.control.confirm(&code).await.status, 422);
}

#[tokio::test]
async fn reversing_a_paid_order_gives_back_what_is_left() {
    let world = World::shared();
    let code = world.control.auth_code("pay").await;
    let placed = world.demo.place(&barcode(&code, 250)).await;
    let id = placed["id"].as_str().unwrap();
    let some = json!({"merchant_refund_no": format!("RV-{id}"), "amount": 100});
    let first = world.demo.post(&format!("/v1/orders/{id}/refunds"), &some).await.expect(201);
    world.demo.until_refund(first["id"].as_str().unwrap(), "succeeded").await;
    for _ in 0..3 {
        assert_eq!(world.demo.act(&format!("/v1/orders/{id}/reverse")).await.expect(200)["status"], "paid");
    }
    let refunds = world.demo.get(&format!("/v1/orders/{id}/refunds")).await.expect(200);
    let reversals: Vec<&Value> = refunds["data"].as_array().unwrap().iter().filter(|r| r["origin"] == "reversal").collect();
    assert_eq!((reversals.len(), &reversals[0]["amount"]), (1, &json!(150)), "{refunds}");
    world.demo.until_refund(reversals[0]["id"].as_str().unwrap(), "succeeded").await;
    let order = world.demo.order(id).await;
    assert_eq!((&order["status"], &order["refunded_amount"]), (&json!("paid"), &json!(250)));
}

#[tokio::test]
async fn only_barcode_orders_are_reversed_and_barcode_orders_are_not_closed() {
    let world = World::shared();
    let native = world.demo.place(&order("wechat_native", 100)).await;
    world.demo.act(&format!("/v1/orders/{}/reverse", native["id"].as_str().unwrap())).await.refused(409, "INVALID_STATE");
    let code = world.control.auth_code("password").await;
    let waiting = world.demo.place(&barcode(&code, 250)).await;
    world.demo.act(&format!("/v1/orders/{}/close", waiting["id"].as_str().unwrap())).await.refused(409, "INVALID_STATE");
}

/// B2: the password is typed at the very moment of the reversal. Whoever wins, store and channel agree.
#[tokio::test]
async fn a_password_typed_while_it_is_reversed_never_leaves_money_unaccounted() {
    let world = World::shared();
    for _ in 0..10 {
        let code = world.control.auth_code("password").await;
        let placed = world.demo.place(&barcode(&code, 250)).await;
        let id = placed["id"].as_str().unwrap();
        let path = format!("/v1/orders/{id}/reverse");
        let (_, _) = tokio::join!(world.demo.act(&path), world.control.confirm(&code));
        let ended = crate::harness::until("the race to end", || async {
            let order = world.demo.order(id).await;
            Some(order).filter(|o| o["status"] == "reversed" || (o["status"] == "paid" && o["refunded_amount"] == 250))
        })
        .await;
        let entry = world.entry_of(id).await;
        match ended["status"].as_str().unwrap() {
            "reversed" => assert_eq!(entry["status"], "reversed", "{entry}"),
            _ => assert_eq!(entry["refunds"][0]["amount"], 250, "{entry}"),
        }
    }
}
