//! One pretend channel's socket. Paths, headers and bytes reach the simulator as they came; faults of the transport are played here.

use super::{Stand, now};
use axum::body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sluice_contract::{Headers, HttpReply, Verb};
use sluice_simkit::{Call, Served};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What hyper is told to drop the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox drops this connection on purpose")]
struct Dropped;

const BODY_MAX: usize = 1024 * 1024;

pub(super) async fn serve(listener: TcpListener, stand: Arc<Stand>, tasks: TaskTracker, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        let _ = stream.set_nodelay(true);
        tasks.spawn(connection(stream, Arc::clone(&stand), stop.clone()));
    }
}

async fn connection(stream: TcpStream, stand: Arc<Stand>, stop: CancellationToken) {
    // A second handle on the socket, so that a reset can be played while hyper holds the first.
    let handle = stream.into_std().ok().and_then(|s| s.try_clone().ok().map(|clone| (s, clone)));
    let Some((stream, clone)) = handle else { return };
    let Ok(stream) = TcpStream::from_std(stream) else { return };
    let clone = TcpStream::from_std(clone).ok().map(Arc::new);
    let service = hyper::service::service_fn(move |request| answer(request, Arc::clone(&stand), clone.clone()));
    let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    tokio::select! {
        // A connection that was dropped on purpose ends with an error here; there is nobody to tell.
        _ = serving.as_mut() => {}
        () = stop.cancelled() => serving.as_mut().graceful_shutdown(),
    }
}

async fn answer(request: Request<Incoming>, stand: Arc<Stand>, handle: Option<Arc<TcpStream>>) -> Result<Response<Body>, Dropped> {
    let call = call(request).await.map_err(|_: Infallible| Dropped)?;
    stand.seen.fetch_add(1, Ordering::Relaxed);
    let served = stand.booth().serve(&call, now());
    match served {
        Served::Reply(reply) => Ok(response(&reply)),
        Served::Late { after_ms, reply } => {
            let wait = crate::clock::Clock::sleep_ms(&crate::clock::SystemClock, i64::try_from(after_ms).unwrap_or(i64::MAX));
            wait.await;
            Ok(response(&reply))
        }
        Served::Closed => Err(Dropped),
        Served::Reset => {
            if let Some(handle) = handle {
                let _ = handle.set_zero_linger();
            }
            Err(Dropped)
        }
    }
}

async fn call(request: Request<Incoming>) -> Result<Call, Infallible> {
    let (parts, body) = request.into_parts();
    let lines =
        parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let collected = http_body_util::Limited::new(body, BODY_MAX).collect().await;
    Ok(Call {
        verb: if parts.method == hyper::Method::GET { Verb::Get } else { Verb::Post },
        target: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: Headers(lines.collect()),
        body: collected.map(|b| b.to_bytes().to_vec()).unwrap_or_default(),
    })
}

fn response(reply: &HttpReply) -> Response<Body> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers.0 {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.bytes().to_vec())).unwrap_or_default()
}
