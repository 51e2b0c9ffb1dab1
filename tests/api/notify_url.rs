//! F3, API7: where a notification may not go. Refused when the order names it; the guard's own tests cover the moment of sending.

use crate::harness::{World, order, with};
use serde_json::json;

async fn refused(world: &World, url: &str) {
    let answer = world.demo.post("/v1/orders", &with(order("wechat_native", 100), json!({"notify_url": url}))).await;
    assert!(answer.fields().contains("notify_url"), "{url}: {}", answer.text());
    answer.refused(400, "INVALID_REQUEST");
}

const NEVER: &[&str] = &[
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/",
    "http://[fe80::1]/",
    "http://0.0.0.0/",
    "http://0.1.2.3/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://100.100.100.200/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "http://user:secret@example.com/",
    "http://",
    "//example.com/",
    "example.com",
    "javascript:alert(1)",
    "http://exa mple.com/",
    "http://example.com:99999/",
    "http://[::1",
    "",
];

const PRIVATE: &[&str] = &[
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://127.0.0.1./",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://x.localhost/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fc00::1]/",
    "http://100.64.0.1/",
    "http://198.18.0.1/",
];

#[tokio::test]
async fn some_addresses_are_never_allowed() {
    let world = World::shared();
    for url in NEVER {
        refused(&world, url).await;
    }
    refused(&world, &format!("https://example.com/{}", "x".repeat(5000))).await;
}

#[tokio::test]
async fn private_addresses_are_refused_unless_the_config_opens_them() {
    let closed = World::plan().edit("sluice.toml", |old| old.replace("allow_private_addresses = true", "allow_private_addresses = false")).start();
    for url in NEVER.iter().chain(PRIVATE) {
        refused(&closed, url).await;
    }
    closed.demo.place(&with(order("wechat_native", 100), json!({"notify_url": "https://example.com/hook?a=1"}))).await;
    let open = World::shared();
    for url in ["http://127.0.0.1:9009/", "http://10.0.0.1/x", "http://[::1]:9009/"] {
        open.demo.place(&with(order("wechat_native", 100), json!({"notify_url": url}))).await;
    }
}

/// The webhook's secret signs every notification: without one, an order may not name an address of its own.
#[tokio::test]
async fn a_merchant_without_a_webhook_cannot_be_notified() {
    let merchant = "[[merchant]]\nid = \"m_silent\"\nname = \"Silent\"\nkeys = [{ id = \"k_silent\", secret = \"0123456789abcdef0123456789abcdef\" }]\n[[merchant.binding]]\naccount = \"wx-main\"";
    let world = World::plan().append("merchants.toml", merchant).start();
    let mut silent = world.demo.clone();
    "k_silent".clone_into(&mut silent.key_id);
    "0123456789abcdef0123456789abcdef".clone_into(&mut silent.secret);
    let refused = silent.post("/v1/orders", &with(order("wechat_native", 100), json!({"notify_url": "http://127.0.0.1:9/"}))).await;
    assert!(refused.fields().contains("notify_url"));
    refused.refused(400, "INVALID_REQUEST");
    let placed = silent.place(&order("wechat_native", 100)).await;
    world.control.pay(&placed).await;
    silent.until_status(placed["id"].as_str().unwrap(), "paid").await;
}
