//! Deliveries against servers that lie, drip, redirect and hide behind names.

use super::stage::{Part, Stage, reply};
use crate::outbound::guard::{Looking, Lookup, Policy, SystemLookup};
use crate::outbound::{Courier, Delivered, HttpCourier, Lost, Outcome, Post};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

const PATIENT: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(300);
const HTTP: Policy = Policy { allow_private_addresses: false, allow_http: true };
const PRIVATE: Policy = Policy { allow_private_addresses: true, allow_http: true };

/// Answers each look-up with the next list; the last one stays.
struct Liar(Mutex<VecDeque<Vec<IpAddr>>>);

fn liar(answers: &[&[&str]]) -> Arc<Liar> {
    Arc::new(Liar(Mutex::new(answers.iter().map(|list| list.iter().map(|ip| ip.parse().unwrap()).collect()).collect())))
}

impl Lookup for Liar {
    fn lookup(&self, _: &str) -> Looking {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(async move { answer.ok_or_else(|| std::io::Error::other("no such name")) })
    }
}

fn courier(policy: Policy, lookup: Arc<dyn Lookup>) -> HttpCourier {
    HttpCourier::with(policy, lookup, PATIENT).unwrap()
}

fn to(url: String) -> Post {
    let headers = [("webhook-id", "evt_1"), ("content-type", "application/json")];
    Post { url, headers: headers.map(|(k, v)| (k.to_owned(), v.to_owned())).into(), body: b"{\"type\":\"order.paid\"}".to_vec() }
}

async fn deliver_within(deadline: Duration, part: Part) -> (Delivered, Stage) {
    let stage = Stage::open(part).await;
    let courier = HttpCourier::with(PRIVATE, Arc::new(SystemLookup), deadline).unwrap();
    (courier.deliver(&to(stage.url("/hook"))).await, stage)
}

async fn deliver(part: Part) -> (Delivered, Stage) {
    deliver_within(PATIENT, part).await
}

#[tokio::test]
async fn two_hundred_something_is_taken_and_all_else_is_not() {
    let (delivered, stage) = deliver(Part::Answer(reply("204 No Content", ""))).await;
    assert_eq!((delivered.outcome, delivered.status), (Outcome::Ok, Some(204)));
    let heard = stage.heard().concat();
    assert!(heard.starts_with("POST /hook HTTP/1.1\r\n") && heard.ends_with("\r\n\r\n{\"type\":\"order.paid\"}"), "{heard}");
    assert!(heard.contains("\r\nwebhook-id: evt_1\r\n"), "{heard}");
    for status in [300_u16, 304, 400, 410, 500, 503] {
        let (delivered, _) = deliver(Part::Answer(reply(&format!("{status} X"), "why"))).await;
        assert_eq!((delivered.outcome, delivered.status), (Outcome::Status(status), Some(status)));
    }
    let (delivered, _) = deliver(Part::Answer(reply("500 X", "why not"))).await;
    assert_eq!(delivered.snippet, "why not");
}

#[tokio::test]
async fn no_answer_is_told_apart() {
    assert_eq!(deliver(Part::Reset).await.0.outcome, Outcome::Failed(Lost::Broken));
    assert_eq!(deliver(Part::Leave(b"gibberish\r\n\r\n".to_vec())).await.0.outcome, Outcome::Failed(Lost::Broken));
    assert_eq!(deliver_within(SHORT, Part::Silent).await.0.outcome, Outcome::Failed(Lost::TimedOut));
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let courier = courier(PRIVATE, liar(&[]));
    assert_eq!(courier.deliver(&to(format!("http://{closed}/"))).await.outcome, Outcome::Failed(Lost::NotConnected));
    assert_eq!(courier.deliver(&to("http://nowhere.example/".into())).await.outcome, Outcome::Failed(Lost::NotConnected));
    let unsendable = Post { headers: vec![("a b".into(), "c".into())], ..to(format!("http://{closed}/")) };
    assert_eq!(courier.deliver(&unsendable).await.outcome, Outcome::Failed(Lost::Unsendable));
}

#[tokio::test]
async fn a_dripping_server_holds_nobody_past_the_deadline() {
    let within = |delivered: &Delivered| (250..5000).contains(&delivered.ms);
    let (headers, _) = deliver_within(SHORT, Part::Drip(b"HTTP/1.1 200 OK\r\nX-Slow: ".to_vec())).await;
    assert_eq!((&headers.outcome, headers.status), (&Outcome::Failed(Lost::TimedOut), None));
    assert!(within(&headers), "{headers:?}");
    // The status is the merchant's answer; the body that never ends is cut.
    let (body, _) = deliver_within(SHORT, Part::Drip(b"HTTP/1.1 200 OK\r\ncontent-length: 999999\r\n\r\n".to_vec())).await;
    assert_eq!(body.outcome, Outcome::Ok);
    assert!(within(&body) && body.snippet.starts_with('x'), "{body:?}");
}

#[tokio::test]
async fn a_large_or_foreign_answer_is_cut_to_a_snippet() {
    // 6 KB at once and then a byte now and then, for ever: the rest is not waited for.
    let long = format!("HTTP/1.1 500 X\r\ncontent-length: 999999\r\n\r\n{}", "错".repeat(2000));
    let (delivered, _) = deliver(Part::Drip(long.into_bytes())).await;
    assert_eq!(delivered.outcome, Outcome::Status(500));
    assert!((2040..=2048).contains(&delivered.snippet.len()), "{}", delivered.snippet.len());
    assert!(delivered.snippet.chars().all(|c| c == '错'));
    assert!(delivered.ms < 9000, "{} ms", delivered.ms);
    let binary = [b"HTTP/1.1 200 OK\r\ncontent-length: 3000\r\n\r\n".to_vec(), vec![0xff; 3000]].concat();
    assert!(deliver(Part::Answer(binary)).await.0.snippet.len() <= 2048);
}

#[tokio::test]
async fn no_notation_of_a_private_address_reaches_a_sentinel() {
    let sentinel = Stage::open(Part::Answer(reply("200 OK", "reached"))).await;
    let port = sentinel.address.port();
    let courier = courier(HTTP, liar(&[&["127.0.0.1"]]));
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
        "localhost.",
        "user@127.0.0.1",
        "127.0.0.1.",
        "resolves-inwards.example",
        "example.com@127.0.0.1",
    ] {
        let delivered = courier.deliver(&to(format!("http://{host}:{port}/"))).await;
        assert!(matches!(&delivered.outcome, Outcome::Refused(why) if why.starts_with("must ")), "{host}: {delivered:?}");
        assert_eq!(delivered.status, None);
    }
    assert_eq!(sentinel.connections().await, 0);
}

#[tokio::test]
async fn one_refused_address_among_the_answers_refuses_the_name() {
    let sentinel = Stage::open(Part::Answer(reply("200 OK", "reached"))).await;
    let url = format!("http://mixed.example:{}/", sentinel.address.port());
    for answers in
        [&["127.0.0.1", "169.254.169.254"], &["169.254.169.254", "127.0.0.1"], &["127.0.0.1", "::ffff:0.0.0.0"], &["127.0.0.1", "fe80::1"]]
    {
        let delivered = courier(PRIVATE, liar(&[answers])).deliver(&to(url.clone())).await;
        assert!(matches!(delivered.outcome, Outcome::Refused(_)), "{answers:?}: {delivered:?}");
    }
    let public_and_loopback = courier(HTTP, liar(&[&["93.184.215.14", "127.0.0.1"]])).deliver(&to(url.clone())).await;
    assert!(matches!(public_and_loopback.outcome, Outcome::Refused(_)), "{public_and_loopback:?}");
    let empty = courier(PRIVATE, liar(&[&[]])).deliver(&to(url)).await;
    assert_eq!(empty.outcome, Outcome::Failed(Lost::NotConnected));
    assert_eq!(sentinel.connections().await, 0);
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_judged_at_every_connection() {
    // The merchant's server closes after each answer, so the second delivery has to connect, and look up, again.
    let stage = Stage::open(Part::Leave(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec())).await;
    let courier = courier(PRIVATE, liar(&[&["127.0.0.1"], &["0.0.0.0"]]));
    let post = to(format!("http://rebinding.example:{}/", stage.address.port()));
    assert_eq!(courier.deliver(&post).await.outcome, Outcome::Ok);
    assert!(matches!(courier.deliver(&post).await.outcome, Outcome::Refused(_)));
    assert_eq!(stage.connections().await, 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let sentinel = Stage::open(Part::Answer(reply("200 OK", "reached"))).await;
    for status in [301, 302, 303, 307, 308] {
        let redirect = format!("HTTP/1.1 {status} X\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", sentinel.url("/"));
        let (delivered, _) = deliver(Part::Answer(redirect.into_bytes())).await;
        assert_eq!(delivered.outcome, Outcome::Status(status));
    }
    assert_eq!(sentinel.connections().await, 0);
}
