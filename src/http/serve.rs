//! The listener: every connection bounded in time, header bytes and number.
//!
//! HTTP/1.1 only: what speaks HTTP/2 or TLS stands in front of us, and a protocol that is guessed from the first bytes would wait for
//! them without a deadline.

use super::edge::Peer;
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, HeaderValue};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// A larger request head is answered 431.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// More connections wait in the listener's queue.
const CONNECTIONS_MAX: usize = 4096;
/// How long what is in flight may take to finish (CONTRACT section 1).
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// After an accept that failed for want of file descriptors: room comes only when connections end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// The longest a client may take to send its request head; also how long an idle connection is kept.
    pub head_ms: u64,
}

/// Serves until `stop` is cancelled, then finishes what is in flight, ten seconds at most.
pub async fn serve(listener: TcpListener, router: Router, deadlines: Deadlines, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let permit = tokio::select! {
            () = stop.cancelled() => break,
            permit = Arc::clone(&room).acquire_owned() => permit,
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (router, stop) = (router.clone(), stop.clone());
                connections.spawn(async move {
                    let _permit = permit;
                    connection(stream, peer, router, deadlines, stop).await;
                });
            }
            Err(error) => refused(&error).await,
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(DRAIN_MAX, connections.wait()).await.is_err() {
        tracing::warn!(left = connections.len(), "connections were cut: they did not finish in time");
    }
}

/// A connection that failed before it was ours is its client's matter; a lack of descriptors is ours.
async fn refused(error: &io::Error) {
    let theirs = [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset, io::ErrorKind::ConnectionRefused];
    if !theirs.contains(&error.kind()) {
        tracing::error!(%error, "no connection can be accepted");
        tokio::time::timeout(ACCEPT_PAUSE, std::future::pending::<()>()).await.unwrap_or_default();
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, deadlines: Deadlines, stop: CancellationToken) {
    // Answers are small and whole: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        let router = router.clone();
        async move {
            if head_bytes(&request) > HEAD_BYTES_MAX {
                let close = [(CONNECTION, HeaderValue::from_static("close"))];
                return Ok((StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, close).into_response());
            }
            router.oneshot(request).await
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(deadlines.head_ms))
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    until_done(served, stop).await;
}

/// The head's size. The buffer's bound alone is not enough: one read may bring more than it.
fn head_bytes(request: &hyper::Request<Body>) -> usize {
    let target = request.uri().path_and_query().map_or(0, |p| p.as_str().len());
    // Each line has a colon, a space and its end.
    let lines = request.headers().iter().map(|(name, value)| name.as_str().len().saturating_add(value.len()).saturating_add(4));
    lines.fold(target, usize::saturating_add)
}

/// Runs a connection; when the process stops, it answers what it has begun and closes.
async fn until_done<C>(served: http1::Connection<TokioIo<TcpStream>, C>, stop: CancellationToken)
where
    C: hyper::service::HttpService<Incoming, ResBody = Body>,
    C::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    http1::Connection<TokioIo<TcpStream>, C>: Future<Output = hyper::Result<()>>,
{
    let mut served = pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}
