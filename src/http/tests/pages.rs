//! The payer's pages.

use super::stage::{Stage, order, stage};
use std::sync::atomic::Ordering;

async fn placed(stage: &Stage, body: &str) -> String {
    let url = stage.post("/v1/orders", body).await.json()["receipt_url"].as_str().unwrap().to_owned();
    url.strip_prefix("https://pay.example.com/pay/").unwrap().to_owned()
}

#[tokio::test]
async fn the_page_shows_the_order_and_its_code_and_nothing_foreign_runs() {
    let stage = stage();
    let token = placed(&stage, &order("A").replace("一箱苹果", "<script>alert(1)</script>")).await;
    let page = stage.plain("GET", &format!("/pay/{token}"), "").await;
    let html = String::from_utf8(page.bytes.clone()).unwrap();
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert!(html.contains("¥12.80") && html.contains("<svg") && html.contains("&lt;script&gt;"), "{html}");
    let nonce = page.header("content-security-policy").split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert_eq!(html.matches("<script").count(), html.matches(&format!("<script nonce=\"{nonce}\">")).count(), "{html}");
    stage.says("paid");
    let id = &token[..27];
    stage.post(&format!("/v1/orders/{id}/sync"), "").await;
    let html = String::from_utf8(stage.plain("GET", &format!("/pay/{token}"), "").await.bytes).unwrap();
    assert!(html.contains("支付成功") && !html.contains("<svg"), "{html}");
}

#[tokio::test]
async fn a_wrong_token_is_nothing() {
    let stage = stage();
    let token = placed(&stage, &order("A")).await;
    let last = if token.ends_with('0') { "1" } else { "0" };
    for wrong in [format!("{}{last}", &token[..58]), token[..27].to_owned(), "x".into(), token.to_lowercase()] {
        for path in ["pay", "return"] {
            assert_eq!(stage.plain("GET", &format!("/{path}/{wrong}"), "").await.status, 404, "{path} {wrong}");
        }
    }
}

#[tokio::test]
async fn a_return_asks_once_and_sends_the_browser_on() {
    let stage = stage();
    let token = placed(&stage, &order("A").replace("}", ",\"return_url\":\"https://shop.example.com/thanks?o=1\"}")).await;
    let asked = stage.far.asked.load(Ordering::SeqCst);
    for method in ["GET", "POST", "GET"] {
        let got = stage.plain(method, &format!("/return/{token}?status=paid"), "").await;
        assert_eq!((got.status.as_u16(), got.header("location")), (303, "https://shop.example.com/thanks?o=1"));
    }
    assert_eq!(stage.far.asked.load(Ordering::SeqCst), asked + 1, "at most one query");
    let order = stage.get(&format!("/v1/orders/{}", &token[..27])).await.json();
    assert_eq!(order["status"], "pending", "a return is never proof");
    let own = placed(&stage, &super::stage::order("B")).await;
    let got = stage.plain("GET", &format!("/return/{own}"), "").await;
    assert_eq!(got.header("location"), format!("https://pay.example.com/pay/{own}?confirm=1"));
}
