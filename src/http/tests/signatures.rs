//! CONTRACT section 3, case by case.

use super::stage::{Call, NOW, OTHER, SECRET, order, stage};
use axum::body::Body;
use axum::http::Request;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn whoami_tells_the_merchant_and_the_clocks_difference() {
    let stage = stage();
    let call = Call { at: NOW / 1000 + 12, ..stage.call("GET", "/v1/whoami", "") };
    let who = stage.signed(call).await.json();
    assert_eq!(who, serde_json::json!({"merchant": "m_demo", "key_id": "k_demo", "livemode": false, "clock_skew_ms": 12_000}));
}

#[tokio::test]
async fn each_failure_has_its_code_and_no_signed_answer() {
    let stage = stage();
    let call = || stage.call("GET", "/v1/orders", "");
    let changed = |call: Call<'_>, edit: fn(&str) -> String| {
        let mut request = call.request();
        let header = request.headers().get("authorization").unwrap().to_str().unwrap().to_owned();
        request.headers_mut().insert("authorization", edit(&header).parse().unwrap());
        request
    };
    let cases: Vec<(&str, Request<Body>, &str)> = vec![
        ("no header", Request::get("/v1/orders").body(Body::empty()).unwrap(), "BAD_SIGNATURE"),
        ("another scheme", changed(call(), |_| "Bearer x".into()), "BAD_SIGNATURE"),
        ("unknown key", Call { key: ("k_nobody", SECRET), ..call() }.request(), "UNKNOWN_KEY"),
        ("another merchant's secret", Call { key: ("k_demo", OTHER.1), ..call() }.request(), "BAD_SIGNATURE"),
        ("too old", Call { at: NOW / 1000 - 301, ..call() }.request(), "STALE_TIMESTAMP"),
        ("too new", Call { at: NOW / 1000 + 301, ..call() }.request(), "STALE_TIMESTAMP"),
        ("another timestamp than signed", changed(call(), |h| h.replace("1763880000", "1763880001")), "BAD_SIGNATURE"),
        ("another nonce than signed", changed(call(), |h| h.replace("nonce-of", "nonce_of")), "BAD_SIGNATURE"),
    ];
    for (name, request, code) in cases {
        let got = stage.send(request).await;
        assert_eq!((got.status.as_u16(), got.code().as_str()), (401, code), "{name}");
        assert!(got.headers.get("sluice-signature").is_none(), "{name}");
        assert_eq!(got.header("www-authenticate"), "SLUICE-HMAC-SHA256", "{name}");
    }
    for at in [NOW / 1000 - 300, NOW / 1000 + 300] {
        assert_eq!(stage.signed(Call { at, ..call() }).await.status, 200);
    }
}

#[tokio::test]
async fn path_query_method_and_body_are_signed_as_sent() {
    let stage = stage();
    let sent = |method: &str, path: &str, body: &str, signed: Call<'_>| {
        let mut request = signed.request();
        *request.method_mut() = method.parse().unwrap();
        *request.uri_mut() = path.parse().unwrap();
        *request.body_mut() = Body::from(body.to_owned());
        request
    };
    let get = || stage.call("GET", "/v1/orders?limit=1", "");
    for request in [
        sent("GET", "/v1/orders?limit=2", "", get()),
        sent("GET", "/v1/orders?limit=%31", "", get()),
        sent("GET", "/v1/orders", "", get()),
        sent("POST", "/v1/orders?limit=1", "", get()),
        sent("GET", "/v1/orders?limit=1", " ", get()),
    ] {
        assert_eq!(stage.send(request).await.code(), "BAD_SIGNATURE");
    }
    // The same path, otherwise written, is signed as it was written.
    assert_eq!(stage.get("/v1/orders?limit=%31").await.status, 200);
}

#[tokio::test]
async fn a_bad_signature_burns_no_nonce_and_a_good_one_does() {
    let stage = stage();
    let nonce = "a-nonce-used-again";
    let call = |key| Call { nonce: nonce.into(), key, ..stage.call("GET", "/v1/methods", "") };
    assert_eq!(stage.send(call(("k_demo", OTHER.1)).request()).await.code(), "BAD_SIGNATURE");
    assert_eq!(stage.signed(call(("k_demo", SECRET))).await.status, 200);
    assert_eq!(stage.signed(call(("k_demo", SECRET))).await.code(), "NONCE_REUSED");
    assert_eq!(stage.signed(call(OTHER)).await.status, 200, "another key's nonces are its own");
}

#[tokio::test]
async fn a_refused_order_spends_its_nonce_too() {
    let stage = stage();
    let bodies = ["{", "{}", &order("A").replace("wechat_native", "alipay_qr"), &order("A"), &order("A").replace("1280", "1281")];
    for (serial, body) in bodies.into_iter().enumerate() {
        let nonce = format!("a-nonce-used-again-{serial}");
        let call = || Call { nonce: nonce.clone(), ..stage.call("POST", "/v1/orders", body) };
        assert_ne!(stage.signed(call()).await.code(), "NONCE_REUSED", "{body}");
        assert_eq!(stage.signed(call()).await.code(), "NONCE_REUSED", "{body}");
    }
    assert_eq!(stage.far.asked.load(Ordering::SeqCst), 1, "one order, one call to the channel");
}

#[tokio::test]
async fn size_is_bounded_before_anything_is_verified() {
    let stage = stage();
    let big = format!("{{\"subject\":\"{}\"}}", "x".repeat(65_536));
    let got = stage.send(stage.call("POST", "/v1/orders", &big).request()).await;
    assert_eq!((got.status.as_u16(), got.code().as_str()), (413, "BODY_TOO_LARGE"));
    let fits = format!("{}{}", order("A"), " ".repeat(65_536 - order("A").len()));
    assert_eq!(stage.post("/v1/orders", &fits).await.status, 201);
}

#[tokio::test]
async fn what_is_not_there_is_signed_as_well() {
    let stage = stage();
    for (method, path, status, code) in
        [("GET", "/v1/nothing", 404, "NOT_FOUND"), ("GET", "/v1", 404, "NOT_FOUND"), ("DELETE", "/v1/orders", 405, "METHOD_NOT_ALLOWED")]
    {
        let got = stage.signed(stage.call(method, path, "")).await;
        assert_eq!((got.status.as_u16(), got.code().as_str()), (status, code), "{method} {path}");
    }
    assert_eq!(stage.plain("GET", "/v1/nothing", "").await.status, 401);
    assert_eq!(stage.plain("GET", "/nothing", "").await.code(), "NOT_FOUND");
}
