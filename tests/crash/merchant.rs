//! A merchant: a client that signs and checks signatures, a receiver of notifications, and a book of everything it was ever promised.

use super::books::Books;
use super::rig::{Done, Gateway, client};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use sluice::merchant_auth::{self, Request};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What an answered request promised.
#[derive(Clone, Debug)]
pub struct Promised {
    pub id: String,
    pub amount: i64,
    pub created_at: String,
}

#[derive(Clone, Debug)]
pub struct PromisedRefund {
    pub id: String,
    pub order_id: String,
    pub amount: i64,
}

/// A notification as it came.
#[derive(Clone, Debug)]
pub struct Told {
    pub event_id: String,
    pub kind: String,
    pub data: Value,
}

/// Everything the merchant knows for certain.
#[derive(Default)]
pub struct Book {
    pub orders: Mutex<BTreeMap<String, Promised>>,
    pub refunds: Mutex<BTreeMap<String, PromisedRefund>>,
    pub told: Mutex<Vec<Told>>,
    /// The end of an order, by id, the first time it was heard of.
    ends: Mutex<BTreeMap<String, String>>,
    wrong: Mutex<Vec<String>>,
    /// Notifications whose state was looked up in the store the moment they came.
    pub seen_committed: AtomicU64,
    /// Answers by status; 0: none came.
    pub answers: Mutex<BTreeMap<u16, u64>>,
}

pub fn open<T>(shelf: &Mutex<T>) -> MutexGuard<'_, T> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Book {
    pub fn accuse(&self, what: String) {
        open(&self.wrong).push(what);
    }

    pub fn accusations(&self) -> Vec<String> {
        open(&self.wrong).clone()
    }

    /// An order as somebody showed it: an end, once told, never changes.
    fn see(&self, order: &Value) {
        let (Some(id), Some(status)) = (order["id"].as_str(), order["status"].as_str()) else { return };
        if status == "pending" {
            return;
        }
        let first = open(&self.ends).entry(id.to_owned()).or_insert_with(|| status.to_owned()).clone();
        if first != status {
            self.accuse(format!("I7 {id} was told {first} and then {status}"));
        }
    }
}

/// The client of one merchant.
#[derive(Clone)]
pub struct Merchant {
    http: reqwest::Client,
    pub gateway: String,
    key_id: String,
    secret: String,
    pub notify_url: String,
    pub book: Arc<Book>,
}

fn nonce() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    format!("{nanos:x}-{:x}-{:x}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn seconds() -> String {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()).to_string()
}

impl Merchant {
    /// `m_demo` of a gateway's config, with a receiver of its own that answers 500 to one notification in `deaf_one_in`.
    pub async fn of(gateway: &Gateway, deaf_one_in: u64) -> Done<Merchant> {
        let file: toml::Table = std::fs::read_to_string(gateway.dir.join("merchants.toml"))?.parse()?;
        let merchant = file["merchant"].get(0).ok_or("no merchant")?;
        let text = |value: &toml::Value| value.as_str().unwrap_or_default().to_owned();
        let key = merchant["keys"].get(0).ok_or("no key")?;
        let book = Arc::new(Book::default());
        let inbox = Inbox { secret: webhook_key(&text(&merchant["webhook"]["secret"]))?, book: Arc::clone(&book), books: gateway.books.clone(), deaf_one_in };
        let notify_url = receive(inbox).await?;
        Ok(Merchant { http: client()?, gateway: gateway.url(), key_id: text(&key["id"]), secret: text(&key["secret"]), notify_url, book })
    }

    /// One signed request. `None`: no answer, or one without the gateway's signature, which proves nothing.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let answer = self.send(method, path, body).await;
        *open(&self.book.answers).entry(answer.as_ref().map_or(0, |a| a.0)).or_default() += 1;
        answer
    }

    async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let (nonce, timestamp) = (nonce(), seconds());
        let signed = Request { method, path_and_query: path, timestamp: &timestamp, nonce: &nonce, body: body.as_bytes() };
        let authorization = merchant_auth::header(&self.key_id, &self.secret, &signed);
        let url = format!("{}{path}", self.gateway);
        let request = match method {
            "POST" => self.http.post(url).header("content-type", "application/json").body(body.clone()),
            _ => self.http.get(url),
        };
        let answer = request.header("authorization", authorization).send().await.ok()?;
        let status = answer.status().as_u16();
        let header = |name: &str| answer.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let (signature, signed_at) = (header("sluice-signature"), header("sluice-timestamp"));
        let bytes = answer.bytes().await.ok()?;
        if !merchant_auth::verify_response(&self.secret, status, &signed_at, &nonce, &bytes, &signature) {
            if status < 300 {
                self.book.accuse(format!("{method} {path}: {status} without a valid signature"));
            }
            return (status >= 400).then(|| (status, serde_json::from_slice(&bytes).unwrap_or_default()));
        }
        let value: Value = serde_json::from_slice(&bytes).ok()?;
        if status < 300 {
            self.book.see(&value);
        }
        Some((status, value))
    }

    /// Repeats a request, always the same one, until somebody answers for certain. Dropped connections, 429 and 5xx are no answers.
    pub async fn persist(&self, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        for _ in 0..600 {
            match self.call(method, path, body).await {
                Some((status, value)) if status < 500 && status != 429 && value["code"] != "IN_PROGRESS" => return Some((status, value)),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        None
    }

    /// Places an order, however often it takes, and books the promise.
    pub async fn place(&self, body: &Value) -> Option<(u16, Value)> {
        let (status, order) = self.persist("POST", "/v1/orders", Some(body)).await?;
        if matches!(status, 200 | 201) {
            self.promised(body, &order);
        }
        Some((status, order))
    }

    /// Books what a 200 or 201 promised; a repeat must promise the same.
    pub fn promised(&self, body: &Value, order: &Value) {
        let text = |name: &str| order[name].as_str().unwrap_or_default().to_owned();
        let promise = Promised { id: text("id"), amount: order["amount"].as_i64().unwrap_or_default(), created_at: text("created_at") };
        if order["amount"] != body["amount"] || order["merchant_order_no"] != body["merchant_order_no"] {
            self.book.accuse(format!("I1 another order was answered: {order}"));
        }
        let earlier = open(&self.book.orders).entry(text("merchant_order_no")).or_insert_with(|| promise.clone()).clone();
        if earlier.id != promise.id || earlier.amount != promise.amount || earlier.created_at != promise.created_at {
            self.book.accuse(format!("I1 {} was promised twice: {earlier:?} and {promise:?}", text("merchant_order_no")));
        }
    }

    pub async fn refund(&self, order_id: &str, number: &str, amount: i64) -> Option<(u16, Value)> {
        let body = serde_json::json!({"merchant_refund_no": number, "amount": amount, "reason": "crash test"});
        let (status, refund) = self.persist("POST", &format!("/v1/orders/{order_id}/refunds"), Some(&body)).await?;
        if matches!(status, 200 | 201) {
            let id = refund["id"].as_str().unwrap_or_default().to_owned();
            let promise = PromisedRefund { id, order_id: order_id.to_owned(), amount: refund["amount"].as_i64().unwrap_or_default() };
            let earlier = open(&self.book.refunds).entry(number.to_owned()).or_insert_with(|| promise.clone()).clone();
            if earlier.id != promise.id || promise.amount != amount {
                self.book.accuse(format!("I5 refund {number} was promised twice: {earlier:?} and {promise:?}"));
            }
        }
        Some((status, refund))
    }

    pub async fn order(&self, id: &str) -> Option<Value> {
        self.persist("GET", &format!("/v1/orders/{id}"), None).await.filter(|(status, _)| *status == 200).map(|(_, order)| order)
    }
}

fn webhook_key(secret: &str) -> Done<Vec<u8>> {
    let text = secret.strip_prefix("whsec_").ok_or("no webhook secret")?;
    Ok(base64::engine::general_purpose::STANDARD.decode(text)?)
}

/// The merchant's receiver. Written from the Standard Webhooks text, not from the gateway's code.
struct Inbox {
    secret: Vec<u8>,
    book: Arc<Book>,
    books: Option<Arc<Books>>,
    deaf_one_in: u64,
}

async fn receive(inbox: Inbox) -> Done<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    let router = axum::Router::new().route("/hook", axum::routing::post(take)).with_state(Arc::new(inbox));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

async fn take(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
    let verified = Hmac::<Sha256>::new_from_slice(&inbox.secret).is_ok_and(|mut mac| {
        mac.update(format!("{id}.{at}.").as_bytes());
        mac.update(&body);
        let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        header("webhook-signature").split(' ').any(|given| given.strip_prefix("v1,") == Some(signature.as_str()))
    });
    let event: Value = serde_json::from_slice(&body).unwrap_or_default();
    if !verified || event["id"] != id {
        inbox.book.accuse(format!("a notification that does not verify: {id}"));
        return StatusCode::UNAUTHORIZED;
    }
    let kind = event["type"].as_str().unwrap_or_default().to_owned();
    if let Some(false) = is_committed(inbox.books.as_deref(), id, &kind, &event["data"]).await {
        inbox.book.accuse(format!("F5 {id} {kind} was told before its commit"));
    }
    inbox.book.seen_committed.fetch_add(1, Ordering::Relaxed);
    if kind.starts_with("order.") {
        inbox.book.see(&event["data"]);
    }
    let mut told = open(&inbox.book.told);
    told.push(Told { event_id: id.to_owned(), kind, data: event["data"].clone() });
    // Some notifications are refused, so that retries happen too.
    if inbox.deaf_one_in > 0 && (told.len() as u64).is_multiple_of(inbox.deaf_one_in) { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::NO_CONTENT }
}

/// Whether the store holds what is told, read beside the gateway. `None`: the store could not be read at this moment.
async fn is_committed(books: Option<&Books>, event_id: &str, kind: &str, data: &Value) -> Option<bool> {
    let is_refund = kind.starts_with("refund.");
    let order_id = if is_refund { &data["order_id"] } else { &data["id"] }.as_str()?;
    let status = data["status"].as_str()?;
    let state = match is_refund {
        true => "SELECT COUNT(*) FROM refunds r JOIN notices n ON n.order_id = r.order_id WHERE r.order_id = ?1 AND r.status = ?2 AND n.event_id = ?3",
        false => "SELECT COUNT(*) FROM orders o JOIN notices n ON n.order_id = o.id WHERE o.id = ?1 AND o.status = ?2 AND n.event_id = ?3",
    };
    books?.count(state, &[order_id, status, event_id]).await.map(|n| n > 0)
}
