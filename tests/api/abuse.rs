//! D8, API4: slow, large and deep requests hold up nobody.

use crate::harness::{World, order};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn median_of_reads(world: &World) -> Duration {
    let mut times = Vec::new();
    for _ in 0..41 {
        let began = Instant::now();
        world.demo.get("/v1/orders?limit=1").await.expect(200);
        times.push(began.elapsed());
    }
    times.sort();
    times[20]
}

/// A thousand connections that never finish their head. Others are served as before, and the slow ones are cut off.
#[tokio::test]
async fn a_thousand_slow_connections_hold_up_nobody_and_are_cut_off() {
    let world = World::plan().edit("sluice.toml", |old| old.replace("[http]", "[http]\nheader_deadline_ms = 1500\nbody_deadline_ms = 1500")).start();
    world.demo.place(&order("wechat_native", 100)).await;
    let alone = median_of_reads(&world).await;
    let began = Instant::now();
    let mut slow = Vec::new();
    for n in 0..1000 {
        let mut stream = TcpStream::connect(world.address()).await.unwrap();
        let head: &[u8] = if n % 2 == 0 { b"GET /v1/orders HT" } else { b"POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{" };
        stream.write_all(head).await.unwrap();
        slow.push(stream);
    }
    let crowded = median_of_reads(&world).await;
    assert!(crowded < alone * 5 + Duration::from_millis(50), "{alone:?} alone, {crowded:?} beside a thousand slow ones");
    for mut stream in slow {
        let mut rest = Vec::new();
        let cut = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
        assert!(cut.is_ok(), "a slow connection is still open after {:?}", began.elapsed());
        assert!(!String::from_utf8_lossy(&rest).starts_with("HTTP/1.1 2"));
    }
}

#[tokio::test]
async fn oversized_heads_are_refused() {
    let world = World::shared();
    for head in [
        format!("GET /livez HTTP/1.1\r\nhost: x\r\nx-large: {}\r\n\r\n", "x".repeat(1024 * 1024)),
        format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(1024 * 1024)),
        format!("GET /livez HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(20_000)),
    ] {
        let mut stream = TcpStream::connect(world.address()).await.unwrap();
        // It may answer and close before it has read everything.
        let _ = stream.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.expect("an answer or an end");
        let line = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned();
        assert!(line.is_empty() || line.starts_with("HTTP/1.1 4"), "{line}");
    }
    world.demo.get("/v1/methods").await.expect(200);
}

#[tokio::test]
async fn what_is_not_http_is_refused_and_the_next_request_is_served() {
    let world = World::shared();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GARBAGE\r\n\r\n",
        b"GET /v1/orders HTTP/9.9\r\n\r\n",
        b"POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /",
        b"POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
    ] {
        let mut stream = TcpStream::connect(world.address()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut answer)).await.expect("an answer or an end");
        assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer));
    }
    world.demo.get("/v1/methods").await.expect(200);
}
