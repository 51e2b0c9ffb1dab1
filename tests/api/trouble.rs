//! A channel in trouble: slow, unreachable, silent (B1, B6, B8).

use crate::harness::limits::wechat_account;
use crate::harness::{World, order, with};
use serde_json::json;

fn dead_port() -> u16 {
    // Bound and let go: nothing listens there now.
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A config whose one account points at a port where nobody listens.
fn unreachable_channel(old: &str) -> String {
    let dead = format!("base_url = \"http://127.0.0.1:{}\"", dead_port());
    old.lines().map(|line| if line.starts_with("base_url = ") { dead.as_str() } else { line }).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_channel_that_is_provably_unreachable_fails_the_order_at_once() {
    let world = World::plan().edit("channels.toml", |old| unreachable_channel(&old)).start();
    let placed = world.demo.place(&order("wechat_native", 100)).await;
    assert_eq!((&placed["status"], &placed["failure"]["code"]), (&json!("failed"), &json!("CHANNEL_UNAVAILABLE")), "{placed}");
    assert_eq!(placed["action"]["type"], "none");
}

/// B6: the next account is tried only because the first provably took nothing.
#[tokio::test]
async fn the_next_account_is_tried_when_the_first_provably_took_nothing() {
    let world = World::plan()
        .edit("channels.toml", |old| {
            let dead = unreachable_channel(&old).replace("id = \"wx-main\"", "id = \"wx-dead\"");
            format!("{dead}\n{}", wechat_account(&old))
        })
        .start();
    let paid = world.paid(&order("wechat_native", 100)).await;
    let full = world.demo.expanded(paid["id"].as_str().unwrap()).await;
    let attempts: Vec<(&str, &str)> =
        full["attempts"].as_array().unwrap().iter().map(|a| (a["account"].as_str().unwrap(), a["status"].as_str().unwrap())).collect();
    assert_eq!(attempts, [("wx-dead", "failed"), ("wx-main", "succeeded")]);
    // An answer that was lost is no proof: the second account is not tried.
    world.control.faults("pay", "lose_response", 1).await;
    let pinned = world.demo.place(&with(order("wechat_native", 100), json!({"account": "wx-main"}))).await;
    assert_eq!(pinned["status"], "pending");
    assert_eq!(world.demo.expanded(pinned["id"].as_str().unwrap()).await["attempts"].as_array().unwrap().len(), 1);
}

/// B1: thirty orders whose answers are lost at random. Each is charged once or never, and store and channel agree.
#[tokio::test]
async fn lost_answers_are_found_by_asking() {
    let world = World::plan().start();
    let mut waiting = Vec::new();
    for n in 0..30 {
        if n % 3 == 0 {
            world.control.faults("pay", "lose_response", 1).await;
        }
        let code = world.control.auth_code("pay").await;
        let body = with(order("wechat_barcode", 100 + n), json!({"auth_code": code, "client_ip": "203.0.113.7"}));
        waiting.push(world.demo.place(&body).await);
    }
    for placed in waiting {
        let id = placed["id"].as_str().unwrap();
        world.demo.until_status(id, "paid").await;
        let entry = world.entry_of(id).await;
        assert_eq!((&entry["charges"], &entry["total"]), (&json!(1), &placed["amount"]));
    }
}

/// B8: the channel is silent for a long time. Nothing is decided; when it speaks, the truth is booked.
#[tokio::test]
async fn silence_decides_nothing() {
    let world = World::plan().fast(500).start();
    let placed = world.demo.place(&order("wechat_native", 100)).await;
    let id = placed["id"].as_str().unwrap();
    world.control.fault("query", "lose_response").await;
    world.control.fault("callback", "hold").await;
    world.control.pay(&placed).await;
    for _ in 0..10 {
        world.demo.act(&format!("/v1/orders/{id}/sync")).await;
        assert_eq!(world.demo.order(id).await["status"], "pending");
    }
    world.control.clear().await;
    world.demo.until_status(id, "paid").await;
}
