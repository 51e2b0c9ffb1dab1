//! The real wire: what counts as not sent, what is sent byte for byte, and what bounds a reply.

use super::stage::{Part, Stage, reply};
use crate::outbound::{Clients, Wire, WireError};
use sluice_contract::{Body, Headers, HttpReply, HttpRequest, Identity, Into, Verb};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;

fn folder() -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    std::env::temp_dir().join(format!("sluice-outbound-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)))
}

fn clients() -> Clients {
    Clients::new(folder()).with_connect_timeout(Duration::from_secs(1))
}

fn post(url: String) -> HttpRequest {
    HttpRequest {
        api: "test",
        verb: Verb::Post,
        url,
        headers: Headers::new(&[("Accept", "application/json"), ("User-Agent", "t/1")]),
        body: b"{\"a\":1}".to_vec(),
        identity: None,
        into: Into::Memory { max_bytes: 1000 },
        timeout_ms: 5000,
    }
}

fn not_sent(outcome: Result<HttpReply, WireError>) -> String {
    match outcome {
        Err(WireError::NotSent(text)) => text,
        other => panic!("not a NotSent: {other:?}"),
    }
}

fn maybe_sent(outcome: Result<HttpReply, WireError>) -> String {
    match outcome {
        Err(WireError::MaybeSent(text)) => text,
        other => panic!("not a MaybeSent: {other:?}"),
    }
}

async fn closed_port() -> String {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string()
}

#[tokio::test]
async fn a_refused_connection_is_not_sent_and_its_text_shows_no_query() {
    let url = format!("http://{}/v3/pay?secret=hush", closed_port().await);
    let text = not_sent(clients().send(&post(url)).await);
    assert!(text.contains("/v3/pay") && text.contains("refused"), "{text}");
    assert!(!text.contains("hush"), "{text}");
}

#[tokio::test]
async fn a_failed_or_hanging_tls_handshake_is_not_sent() {
    for part in [Part::Reset, Part::Silent] {
        let stage = Stage::open(part).await;
        not_sent(clients().send(&post(format!("https://{}/", stage.address))).await);
        assert_eq!(stage.heard(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn once_connected_every_loss_is_maybe_sent() {
    let half_body = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"code\":".to_vec();
    for part in [
        Part::Reset,
        Part::Leave(Vec::new()),
        Part::Leave(b"HTTP/1.1 20".to_vec()),
        Part::Leave(half_body),
        Part::Leave(b"not http at all\r\n\r\n".to_vec()),
    ] {
        let stage = Stage::open(part).await;
        let text = maybe_sent(clients().send(&post(stage.url("/v3/pay?secret=hush"))).await);
        assert!(text.contains("/v3/pay") && !text.contains("hush"), "{text}");
        assert_eq!(stage.connections().await, 1, "one request, one connection: nothing is resent");
    }
}

#[tokio::test]
async fn silence_and_a_dripping_body_end_at_the_requests_own_deadline() {
    let dripping = b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n".to_vec();
    for part in [Part::Silent, Part::Drip(dripping)] {
        let stage = Stage::open(part).await;
        let request = HttpRequest { timeout_ms: 150, ..post(stage.url("/")) };
        let started = tokio::time::Instant::now();
        let text = maybe_sent(clients().send(&request).await);
        assert!(text.contains("150 ms"), "{text}");
        assert!(started.elapsed() < Duration::from_secs(4));
    }
}

#[tokio::test]
async fn a_reset_on_a_kept_connection_is_not_resent() {
    let stage = Stage::open(Part::ResetAtSecond(reply("200 OK", "{}"))).await;
    let clients = clients();
    assert_eq!(clients.send(&post(stage.url("/1"))).await.map(|r| r.status), Ok(200));
    maybe_sent(clients.send(&post(stage.url("/2"))).await);
    assert_eq!(stage.heard().len(), 2);
    assert_eq!(stage.connections().await, 1, "kept alive, and no second attempt on another connection");
}

#[tokio::test]
async fn the_bytes_sent_are_the_bytes_given() {
    let stage = Stage::open(Part::Answer(reply("200 OK", "{}"))).await;
    let headers = [
        ("Authorization", "WECHATPAY2-SHA256-RSA2048 mchid=\"1\",nonce_str=\"N\",signature=\"a+/=\""),
        ("Accept", "application/json"),
        ("X-Odd", "two  blanks;\tand 商户"),
        ("User-Agent", "Sluice/1"),
    ];
    let target = "/v3/pay/%E5%95%86?a=%2F&b=1+2&sign=x%2By%3D~!*()&c=";
    let request = HttpRequest { headers: Headers::new(&headers), ..post(stage.url(target)) };
    clients().send(&request).await.unwrap();
    let heard = stage.heard().concat();
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<String> = head.lines().map(str::to_owned).collect();
    assert_eq!(lines.remove(0), format!("POST {target} HTTP/1.1"));
    // HTTP compares names without case; the values are exact, and nothing is added but what HTTP itself demands.
    let mut expected: Vec<String> = headers.iter().map(|(name, value)| format!("{}: {value}", name.to_lowercase())).collect();
    expected.extend([format!("host: {}", stage.address), "content-length: 7".to_owned()]);
    lines.sort();
    expected.sort();
    assert_eq!(lines, expected);
    assert_eq!(body, "{\"a\":1}");
}

#[tokio::test]
async fn a_url_that_would_change_on_its_way_or_a_header_that_cannot_be_sent_never_leaves() {
    let stage = Stage::open(Part::Answer(reply("200 OK", "{}"))).await;
    for target in ["/a b", "/a/../b", "/?q='x'", "/商户", "/#part", "/a\\b", ""] {
        not_sent(clients().send(&post(stage.url(target))).await);
    }
    not_sent(clients().send(&post(format!("http://user:hush@{}/", stage.address))).await);
    not_sent(clients().send(&post("no url".into())).await);
    let request = HttpRequest { headers: Headers::new(&[("Authorization", "hush\r\nEvil: 1")]), ..post(stage.url("/")) };
    let text = not_sent(clients().send(&request).await);
    assert!(text.contains("Authorization") && !text.contains("hush"), "{text}");
    assert_eq!(stage.connections().await, 0);
}

#[tokio::test]
async fn a_redirect_and_a_compressed_body_come_back_as_they_are() {
    let sentinel = Stage::open(Part::Answer(reply("200 OK", "followed"))).await;
    let redirect = format!("HTTP/1.1 307 X\r\nLocation: {}\r\ncontent-length: 0\r\n\r\n", sentinel.url("/"));
    let stage = Stage::open(Part::Answer(redirect.into_bytes())).await;
    let answered = clients().send(&post(stage.url("/"))).await.unwrap();
    assert_eq!((answered.status, answered.headers.get("location")), (307, Some(sentinel.url("/").as_str())));
    assert_eq!(sentinel.connections().await, 0);

    let zipped = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\x08\x00".to_vec();
    let stage = Stage::open(Part::Answer(zipped)).await;
    assert_eq!(clients().send(&post(stage.url("/"))).await.unwrap().bytes(), b"\x1f\x8b\x08\x00");
}

#[tokio::test]
async fn a_reply_larger_than_allowed_is_maybe_sent_whether_announced_or_not() {
    let long = "x".repeat(1001);
    let announced = reply("200 OK", &long);
    let unannounced = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n{long}\r\n0\r\n\r\n").into_bytes();
    for part in [announced, unannounced] {
        let stage = Stage::open(Part::Answer(part)).await;
        let text = maybe_sent(clients().send(&post(stage.url("/"))).await);
        assert!(text.contains("larger than 1000 bytes"), "{text}");
    }
    let stage = Stage::open(Part::Answer(reply("200 OK", &"x".repeat(1000)))).await;
    assert_eq!(clients().send(&post(stage.url("/"))).await.unwrap().bytes().len(), 1000);
}

#[tokio::test]
async fn a_bill_goes_to_a_file_of_its_own_and_an_unfinished_one_leaves_none() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let clients = Clients::new(&folder);
    let stage = Stage::open(Part::Answer(reply("200 OK", "a,b,c"))).await;
    let request = |url, max_bytes| HttpRequest { verb: Verb::Get, body: Vec::new(), into: Into::File { max_bytes }, ..post(url) };
    let answered = clients.send(&request(stage.url("/bill"), 5)).await.unwrap();
    let Body::File(path) = &answered.body else { panic!("{answered:?}") };
    assert_eq!(std::fs::read_to_string(path).unwrap(), "a,b,c");
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::remove_file(path).unwrap();

    maybe_sent(clients.send(&request(stage.url("/bill"), 4)).await);
    let broken = Stage::open(Part::Leave(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\na,".to_vec())).await;
    maybe_sent(clients.send(&request(broken.url("/bill"), 5)).await);
    let dripping = Stage::open(Part::Drip(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n".to_vec())).await;
    maybe_sent(clients.send(&HttpRequest { timeout_ms: 100, ..request(dripping.url("/bill"), 900) }).await);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    std::fs::remove_dir(&folder).unwrap();
}

#[tokio::test]
async fn connections_are_kept_per_host_and_certificate() {
    let stage = Stage::open(Part::Answer(reply("200 OK", "{}"))).await;
    let clients = clients();
    let with = |id: &str, pem: &str| HttpRequest { identity: Some(Identity { id: id.into(), pem: pem.into() }), ..post(stage.url("/")) };
    let (a, b) = (include_str!("../vectors/throwaway_client_a.pem"), include_str!("../vectors/throwaway_client_b.pem"));
    // Twice plain, twice as `wx`, then another certificate under the same id (renewed), then as another account.
    for request in [post(stage.url("/")), post(stage.url("/")), with("wx", a), with("wx", a), with("wx", b), with("other", b)] {
        assert_eq!(clients.send(&request).await.map(|r| r.status), Ok(200));
    }
    assert_eq!(stage.connections().await, 4);
    let text = not_sent(clients.send(&with("bad", "-----BEGIN hush")).await);
    assert!(text.contains("bad") && !text.contains("hush"), "{text}");
}
