//! The listener, over loopback.

use super::stage::stage;
use crate::http::serve::{Deadlines, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

async fn talk(bytes: &[u8], head_ms: u64) -> String {
    let stage = stage();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(listener, stage.router.clone(), Deadlines { head_ms }, stop.clone()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is an end, too.
    let _ = stream.read_to_end(&mut answer).await;
    stop.cancel();
    serving.await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn requests_are_answered_and_the_listener_ends_when_told() {
    let answer = talk(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 10_000).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok\n"), "{answer}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_431() {
    for bytes in [33_000, 40_000, 200_000] {
        let head = format!("GET /livez HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(bytes));
        let answer = talk(head.as_bytes(), 10_000).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{bytes} {answer}");
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut() {
    for begun in [&b"GET /livez HTTP/1.1\r\nHost:"[..], b""] {
        let answer = talk(begun, 50).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
}
