//! The story `demo --once` plays: a merchant and a payer over real HTTP, every step verified from outside.

use super::story_books::reconcile;
use super::story_channels::play_channels;
use crate::clock::{Clock, SystemChance, SystemClock, random};
use crate::flow::Gateway;
use crate::merchant_auth::{self, Request};
use crate::outbound::webhook;
use crate::sandbox::{Called, Counter};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use sluice_contract::Headers;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

/// The demo merchant's own server: it believes a notification only if its signature verifies.
pub struct MerchantServer {
    pub url: String,
    received: Arc<Mutex<Vec<Value>>>,
}

struct Inbox {
    secret: webhook::Secret,
    received: Arc<Mutex<Vec<Value>>>,
}

impl MerchantServer {
    pub async fn start(secret: &str, tasks: &tokio_util::task::TaskTracker) -> Result<MerchantServer, String> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(|e| e.to_string())?;
        let url = format!("http://{}/hook", listener.local_addr().map_err(|e| e.to_string())?);
        let received = Arc::new(Mutex::new(Vec::new()));
        let inbox = Arc::new(Inbox { secret: webhook::Secret::parse(secret).map_err(str::to_owned)?, received: Arc::clone(&received) });
        let router = axum::Router::new().route("/hook", axum::routing::post(receive)).with_state(inbox);
        tasks.spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(MerchantServer { url, received })
    }

    pub(super) fn find(&self, kind: &str, id: &str) -> Option<Value> {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        received.iter().find(|n| n["type"] == kind && n["data"]["id"] == id).cloned()
    }
}

async fn receive(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let lines = headers.iter().map(|(n, v)| (n.as_str().to_owned(), String::from_utf8_lossy(v.as_bytes()).into_owned()));
    let verified = webhook::verify(&inbox.secret, &Headers(lines.collect()), &body, SystemClock.now().second());
    let (Ok(()), Ok(event)) = (verified, serde_json::from_slice(&body)) else { return StatusCode::UNAUTHORIZED };
    inbox.received.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    StatusCode::NO_CONTENT
}

/// A merchant's client: signs, and checks the answer's signature.
pub struct Client {
    pub http: reqwest::Client,
    pub gateway: String,
    pub control: String,
    pub key_id: String,
    pub secret: String,
}

impl Client {
    pub(super) async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value), String> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let (nonce, timestamp) = (hex::encode(random::<16>(&SystemChance)), SystemClock.now().second().0.to_string());
        let signed = Request { method, path_and_query: path, timestamp: &timestamp, nonce: &nonce, body: body.as_bytes() };
        let url = format!("{}{path}", self.gateway);
        let request = if method == "POST" {
            self.http.post(url).header("content-type", "application/json").body(body.clone())
        } else {
            self.http.get(url)
        };
        let authorization = merchant_auth::header(&self.key_id, &self.secret, &signed);
        let answer = request.header("authorization", authorization).send().await.map_err(|e| format!("{method} {path}: {e}"))?;
        let status = answer.status().as_u16();
        let header = |name: &str| answer.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let (signature, signed_at) = (header("sluice-signature"), header("sluice-timestamp"));
        let bytes = answer.bytes().await.map_err(|e| e.to_string())?;
        if !merchant_auth::verify_response(&self.secret, status, &signed_at, &nonce, &bytes, &signature) {
            return Err(format!("{method} {path}: the answer's signature does not verify"));
        }
        Ok((status, serde_json::from_slice(&bytes).map_err(|e| e.to_string())?))
    }

    pub(super) async fn control(&self, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}{path}", self.control);
        let request = self.http.post(url).header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.map_err(|e| e.to_string())?;
        let text = answer.text().await.map_err(|e| e.to_string())?;
        serde_json::from_str(&text).map_err(|_| format!("{path}: {text}"))
    }

    pub(super) async fn ledger(&self, out_trade_no: &str) -> Result<Value, String> {
        let text = self.http.get(format!("{}/ledger", self.control)).send().await.map_err(|e| e.to_string())?.text().await;
        let rows: Vec<Value> = serde_json::from_str(&text.map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
        rows.into_iter().find(|row| row["out_trade_no"] == out_trade_no).ok_or_else(|| "the channel has no such order".to_owned())
    }
}

impl Counter for Client {
    fn call<'a>(
        &'a self,
        method: &'static str,
        path: &'a str,
        body: Option<&'a Value>,
    ) -> Pin<Box<dyn Future<Output = Called> + Send + 'a>> {
        Box::pin(Client::call(self, method, path, body))
    }
}

/// Prints the steps; a step that does not verify ends the story.
pub(super) struct Report {
    step: u32,
}

impl Report {
    pub(super) fn done(&mut self, what: &str, proof: &str) {
        self.step += 1;
        println!("  {:>2}. {what}\n      ✓ {proof}", self.step);
    }
}

pub(super) fn expect(holds: bool, what: &str, seen: &Value) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("NOT VERIFIED: {what}; seen: {seen}")) }
}

/// Asks until `ready` or ten seconds are over: everything here is quick or wrong.
pub(super) async fn until<T, F: Future<Output = Result<Option<T>, String>>>(what: &str, mut ask: impl FnMut() -> F) -> Result<T, String> {
    let deadline = SystemClock.now().plus_s(10);
    while SystemClock.now() < deadline {
        if let Some(found) = ask().await? {
            return Ok(found);
        }
        SystemClock.sleep_ms(20).await;
    }
    Err(format!("NOT VERIFIED: {what} did not happen within ten seconds"))
}

/// The whole story. Prints a readable report.
pub async fn play(client: &Client, merchant: &MerchantServer, gateway: &Gateway) -> Result<(), String> {
    let mut report = Report { step: 0 };
    println!("One order's life, over real HTTP:\n");
    let number = format!("SO-{}", hex::encode(random::<6>(&SystemChance)));
    let order = place(client, &number, &merchant.url, &mut report).await?;
    let id = order["id"].as_str().unwrap_or_default().to_owned();
    let paid = pay(client, &order, &mut report).await?;
    let told = until("the merchant being told", || async { Ok(merchant.find("order.paid", &id)) }).await?;
    expect(told["data"]["status"] == "paid" && told["data"]["amount"] == 1280, "the notification says paid, 1280 fen", &told)?;
    report.done(
        "The merchant is notified",
        &format!("{} arrived, its Standard Webhooks signature verifies", told["id"].as_str().unwrap_or_default()),
    );
    refund(client, &id, &number, &mut report).await?;
    until("the refund's notification", || async {
        let refunds = client.call("GET", &format!("/v1/orders/{id}/refunds"), None).await?.1;
        Ok(merchant.find("refund.succeeded", refunds["data"][0]["id"].as_str().unwrap_or_default()))
    })
    .await?;
    report.done("The merchant is told of the refund", "refund.succeeded arrived, signature verified");
    books_agree(client, &id, &paid, &mut report).await?;
    println!("\nThe same at every channel, and one till for every code:\n");
    play_channels(client, merchant, &mut report).await?;
    println!("\nAnd the day's bills:\n");
    reconcile(client, gateway, &mut report).await?;
    println!("\nEvery step was verified. The trail of this order: sluice explain --config DIR {id}");
    Ok(())
}

async fn place(client: &Client, number: &str, notify_url: &str, report: &mut Report) -> Result<Value, String> {
    let body = json!({"merchant_order_no": number, "amount": 1280, "currency": "CNY", "subject": "一箱苹果", "method": "wechat_native", "notify_url": notify_url});
    let (status, order) = client.call("POST", "/v1/orders", Some(&body)).await?;
    expect(status == 201 && order["status"] == "pending" && order["action"]["type"] == "qr_code", "201 with a QR code to show", &order)?;
    report.done(
        "The merchant posts a unified order of ¥12.80",
        &format!("201, {} pending at {}, code {}", order["id"], order["account"], order["action"]["content"]),
    );
    let (status, again) = client.call("POST", "/v1/orders", Some(&body)).await?;
    expect(status == 200 && again["id"] == order["id"], "the same request again is the same order", &again)?;
    report.done("The same request arrives again", "200, the same order: nobody can be charged twice by a retry");
    Ok(order)
}

async fn pay(client: &Client, order: &Value, report: &mut Report) -> Result<Value, String> {
    let scanned = client.control("/payers/scan", &json!({"content": order["action"]["content"], "outcome": "pay"})).await?;
    expect(scanned["paid"] == true, "the channel books the payment", &scanned)?;
    report.done("The payer scans and pays", &format!("the channel's own books have {}", scanned["out_trade_no"]));
    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap_or_default());
    let paid = until("the callback", || async {
        let (_, order) = client.call("GET", &path, None).await?;
        Ok((order["status"] == "paid").then_some(order))
    })
    .await?;
    expect(paid["paid_amount"] == 1280 && !paid["channel_trade_no"].is_null(), "paid in full with the channel's number", &paid)?;
    report.done("The channel calls back", &format!("verified, committed, acknowledged: paid, channel number {}", paid["channel_trade_no"]));
    Ok(scanned)
}

async fn refund(client: &Client, id: &str, number: &str, report: &mut Report) -> Result<(), String> {
    let body = json!({"merchant_refund_no": format!("{number}-R1"), "amount": 300, "reason": "一个苹果坏了"});
    let (status, refund) = client.call("POST", &format!("/v1/orders/{id}/refunds"), Some(&body)).await?;
    expect(status == 201 && refund["order_id"] == id, "201 with a refund of this order", &refund)?;
    let path = format!("/v1/refunds/{}", refund["id"].as_str().unwrap_or_default());
    until("the refund", || async {
        let (_, refund) = client.call("GET", &path, None).await?;
        Ok((refund["status"] == "succeeded").then_some(()))
    })
    .await?;
    report.done("The merchant refunds ¥3.00 of it", &format!("{} succeeded", refund["id"]));
    let (status, refused) = client
        .call("POST", &format!("/v1/orders/{id}/refunds"), Some(&json!({"merchant_refund_no": format!("{number}-R2"), "amount": 981})))
        .await?;
    expect(status == 422 && refused["code"] == "REFUND_EXCEEDS_PAID", "more than is left is refused", &refused)?;
    report.done("Another refund asks for one fen too much", "422 REFUND_EXCEEDS_PAID, nothing was sent");
    Ok(())
}

async fn books_agree(client: &Client, id: &str, scanned: &Value, report: &mut Report) -> Result<(), String> {
    let (_, order) = client.call("GET", &format!("/v1/orders/{id}"), None).await?;
    let row = client.ledger(scanned["out_trade_no"].as_str().unwrap_or_default()).await?;
    let refunded: i64 =
        row["refunds"].as_array().into_iter().flatten().filter(|r| r["status"] == "succeeded").filter_map(|r| r["amount"].as_i64()).sum();
    let agree = row["status"] == "paid" && row["charges"] == 1 && row["total"] == order["amount"] && order["refunded_amount"] == refunded;
    expect(agree, "the channel's ledger and our books agree to the fen", &json!({"ledger": row, "order": order}))?;
    report.done("The books are compared", "channel and gateway agree: 1280 charged once, 300 refunded, 980 left");
    Ok(())
}
