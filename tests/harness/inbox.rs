//! A merchant's own webhook server, with manners: it answers, fails, redirects, hangs or drips. It checks every signature.

use super::{sign, unix_now, until};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How the server treats a delivery.
#[derive(Clone, Debug)]
pub enum Manner {
    Takes,
    /// This status, so many times; then it takes.
    Fails(u16, u32),
    /// A redirect to this address.
    Redirects(String),
    /// Never answers.
    Hangs,
    /// A byte of the answer a second, for ever.
    Drips,
}

/// One delivery as it came.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: String,
    pub timestamp: String,
    pub signatures: String,
    pub body: Vec<u8>,
    pub event: Value,
    pub verified: bool,
    /// Whether we answered 2xx.
    pub taken: bool,
}

struct Desk {
    secret: String,
    manner: Mutex<Manner>,
    received: Mutex<Vec<Delivery>>,
}

pub struct Inbox {
    pub url: String,
    desk: Arc<Desk>,
    server: tokio::task::JoinHandle<()>,
}

impl Inbox {
    pub async fn open(webhook_secret: &str, manner: Manner) -> Inbox {
        let desk = Desk { secret: webhook_secret.to_owned(), manner: Mutex::new(manner), received: Mutex::default() };
        let desk = Arc::new(desk);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().route("/hook", post(receive)).with_state(Arc::clone(&desk));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Inbox { url, desk, server }
    }

    pub fn behave(&self, manner: Manner) {
        *self.desk.manner.lock().unwrap() = manner;
    }

    pub fn deliveries(&self) -> Vec<Delivery> {
        self.desk.received.lock().unwrap().clone()
    }

    /// The deliveries about an order or refund.
    pub fn about(&self, id: &str, kind: &str) -> Vec<Delivery> {
        self.deliveries().into_iter().filter(|d| d.event["type"] == kind && d.event["data"]["id"] == id).collect()
    }

    /// Under which ids: a notification may come more than once, always under one.
    pub fn ids(&self, id: &str, kind: &str) -> BTreeSet<String> {
        self.about(id, kind).into_iter().map(|delivery| delivery.id).collect()
    }

    /// Waits for a delivery that we took.
    pub async fn taken(&self, id: &str, kind: &str) -> Delivery {
        until(&format!("{kind} of {id} to arrive"), || async { self.about(id, kind).into_iter().find(|d| d.taken) }).await
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn receive(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Response {
    let get = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let (id, timestamp, signatures) = (get("webhook-id"), get("webhook-timestamp"), get("webhook-signature"));
    let fresh = timestamp.parse::<i64>().is_ok_and(|at| (unix_now() - at).abs() <= 300);
    let verified = fresh && sign::webhook_holds(&desk.secret, &id, &timestamp, &body, &signatures);
    let manner = {
        let mut manner = desk.manner.lock().unwrap();
        let now = manner.clone();
        if let Manner::Fails(_, left) = &mut *manner {
            *left = left.saturating_sub(1);
        }
        if matches!(now, Manner::Fails(_, 0)) { Manner::Takes } else { now }
    };
    let taken = verified && matches!(manner, Manner::Takes);
    let event = serde_json::from_slice(&body).unwrap_or(Value::Null);
    desk.received.lock().unwrap().push(Delivery { id, timestamp, signatures, body: body.to_vec(), event, verified, taken });
    match manner {
        _ if !verified => StatusCode::UNAUTHORIZED.into_response(),
        Manner::Takes => StatusCode::NO_CONTENT.into_response(),
        Manner::Fails(status, _) => StatusCode::from_u16(status).unwrap().into_response(),
        Manner::Redirects(to) => (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response(),
        Manner::Hangs => std::future::pending().await,
        Manner::Drips => Response::new(Body::from_stream(futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(b".")), ()))
        }))),
    }
}
