//! `/notify`: byte for byte in, byte for byte out.

use super::stage::stage;
use axum::body::Body;
use axum::http::Request;

#[tokio::test]
async fn what_came_reaches_the_channel_and_its_words_go_back() {
    let stage = stage();
    let body: Vec<u8> = vec![0xff, 0x00, b'x', b'\r', b'\n'];
    for (method, path) in [("POST", "/notify/wx-main?a=%20b&a=2"), ("GET", "/notify/wx-main/refund?x=1")] {
        let request = Request::builder().method(method).uri(path).header("x-sign", "s").body(Body::from(body.clone())).unwrap();
        let got = stage.send(request).await;
        assert_eq!((got.status.as_u16(), got.header("x-channel"), got.header("content-type")), (418, "yes", "text/plain"));
        let expected = [format!("Refused {method} {path} s ").as_bytes(), &body].concat();
        assert_eq!(got.bytes, expected);
    }
}

#[tokio::test]
async fn unknown_accounts_get_a_failure_and_large_bodies_none_at_all() {
    let stage = stage();
    let unknown = stage.plain("POST", "/notify/nobody", "{}").await;
    assert_eq!((unknown.status.as_u16(), unknown.json()["code"].as_str()), (500, Some("FAIL")));
    assert_eq!(stage.plain("POST", "/notify/wx-main", &"x".repeat(65_537)).await.code(), "BODY_TOO_LARGE");
}
