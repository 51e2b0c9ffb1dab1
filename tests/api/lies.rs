//! Validly signed lies and unreadable answers of the channel: nothing is believed that contradicts what we stored (C3, B7).

use crate::harness::{Inbox, Manner, World, order, until, with};
use serde_json::json;

async fn metric(world: &World, name: &str) -> i64 {
    let text = crate::harness::client::send(world.demo.http.get(format!("{}/metrics", world.demo.base)).bearer_auth(&world.ops.token)).await.unwrap().text();
    let lines = text.lines().filter(|line| line.starts_with(name));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).map(|value| value as i64).sum()
}

/// C3: the callback names another amount or another order, and the query tells the same lie. The order stays as it is.
#[tokio::test]
async fn a_signed_callback_that_contradicts_the_order_moves_nothing() {
    let world = World::plan().start();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    for lie in ["wrong_amount", "wrong_order"] {
        let lies = world.gateway_log().matches("a callback was refused").count();
        let refused_before = metric(&world, "sluice_callbacks_refused").await;
        world.control.fault("callback", lie).await;
        world.control.fault("query", lie).await;
        let placed = world.demo.place(&with(order("wechat_native", 100), json!({"notify_url": inbox.url}))).await;
        let bystander = world.demo.place(&order("wechat_native", 100)).await;
        let id = placed["id"].as_str().unwrap();
        world.control.pay(&placed).await;
        until(&format!("{lie} to be refused"), || async {
            Some(()).filter(|()| world.gateway_log().matches("a callback was refused").count() > lies)
        })
        .await;
        for _ in 0..3 {
            world.demo.act(&format!("/v1/orders/{id}/sync")).await.expect(200);
            assert_eq!(world.demo.order(id).await["status"], "pending", "{lie}");
            assert_eq!(world.demo.order(bystander["id"].as_str().unwrap()).await["status"], "pending", "{lie}");
        }
        assert!(metric(&world, "sluice_callbacks_refused").await > refused_before);
        assert!(inbox.about(id, "order.paid").is_empty(), "{lie}");
        // The truth is believed once it is told.
        world.control.clear().await;
        world.demo.act(&format!("/v1/orders/{id}/sync")).await.expect(200);
        let paid = world.demo.until_status(id, "paid").await;
        assert_eq!(paid["paid_amount"], 100);
        inbox.taken(id, "order.paid").await;
    }
    assert!(world.gateway_log().contains("ALARM"), "a signed contradiction is an alarm");
}

/// B7: unreadable or unsigned answers to any question are "maybe", never "paid" and never "failed".
#[tokio::test]
async fn unreadable_answers_decide_nothing() {
    let world = World::plan().start();
    for fault in ["bad_signature", "garbage", "error_500", "lose_response", "reset"] {
        let placed = world.demo.place(&order("wechat_native", 100)).await;
        let id = placed["id"].as_str().unwrap();
        world.control.fault("callback", "hold").await;
        world.control.fault("query", fault).await;
        world.control.pay(&placed).await;
        for _ in 0..3 {
            world.demo.act(&format!("/v1/orders/{id}/sync")).await;
            assert_eq!(world.demo.order(id).await["status"], "pending", "{fault}");
        }
        world.control.clear().await;
        world.demo.until_status(id, "paid").await;
    }
}

/// An answer to the create that nobody can read: the order waits, is asked about, and lives on under the same number.
#[tokio::test]
async fn a_create_whose_answer_is_unreadable_stays_pending_and_is_resolved() {
    let world = World::plan().start();
    for fault in ["bad_signature", "garbage", "lose_response", "error_500"] {
        world.control.faults("pay", fault, 1).await;
        let placed = world.demo.place(&order("wechat_native", 100)).await;
        assert_eq!(placed["status"], "pending", "{fault}: {placed}");
        let id = placed["id"].as_str().unwrap();
        let number = world.channel_number(id).await;
        // A fresh action under the same number is how the payer gets a code after all.
        let fresh = until(&format!("an action after {fault}"), || async {
            let answer = world.demo.act(&format!("/v1/orders/{id}/action")).await;
            Some(answer.json).filter(|order| order["action"]["type"] == "qr_code")
        })
        .await;
        world.control.pay(&fresh).await;
        world.demo.until_status(id, "paid").await;
        assert_eq!(world.control.entry(&number).await["charges"], 1, "{fault}");
    }
}
