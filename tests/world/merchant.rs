//! The merchant's server: checks the signature with code of its own, answers as the dice say, and remembers what it was told.

use super::core::{Core, Event, Shared, Slot, short};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use sluice::outbound::{Courier, Delivered, Lost, Outcome, Post};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

pub const WEBHOOK_KEY: &[u8; 32] = b"0123456789abcdef0123456789abcdef";
pub const WEBHOOK_URL: &str = "https://merchant.test/hook";

pub fn webhook_secret() -> String {
    format!("whsec_{}", STANDARD.encode(WEBHOOK_KEY))
}

#[derive(Clone, Debug)]
pub struct Told {
    pub kind: String,
    pub data: Value,
    pub taken: bool,
}

/// What the merchant knows, by event id.
#[derive(Default)]
pub struct Book {
    pub told: BTreeMap<String, Told>,
    /// The end of each order as the merchant first heard it.
    pub ends: BTreeMap<String, String>,
}

impl Courier for Shared {
    fn deliver<'a>(&'a self, post: &'a Post) -> Pin<Box<dyn Future<Output = Delivered> + Send + 'a>> {
        Box::pin(async move {
            let (before_ms, after_ms) = {
                let mut core = self.lock();
                let slow = core.mishap(100);
                let most = if slow { 8_000 } else { 200 };
                (core.dice.between(1, most), core.dice.between(1, most.min(1_900)))
            };
            self.wait(before_ms).await;
            let outcome = self.lock().receive(post);
            self.wait(after_ms).await;
            let status = match outcome {
                Outcome::Ok => Some(200),
                Outcome::Status(status) => Some(status),
                _ => None,
            };
            Delivered { outcome, status, snippet: String::new(), ms: 1 }
        })
    }
}

impl Shared {
    async fn wait(&self, ms: i64) {
        let slot = Slot::new();
        self.lock().after(ms, Event::Fill(slot.clone()));
        slot.await;
    }
}

/// A delivery's deadline.
const DELIVERY_MS: i64 = 10_000;

impl Core {
    fn receive(&mut self, post: &Post) -> Outcome {
        if self.mishap(100) {
            return Outcome::Failed(Lost::NotConnected);
        }
        if let Err(wrong) = self.read_notice(post) {
            self.complain(format!("a notification is wrong: {wrong}"));
        }
        let refuses = self.mishap(150);
        let answer_is_lost = self.mishap(100);
        if !refuses && let Some(told) = post.headers.iter().find(|(n, _)| n == "webhook-id").and_then(|(_, id)| self.book.told.get_mut(id))
        {
            told.taken = true;
        }
        match (refuses, answer_is_lost) {
            (_, true) => Outcome::Failed(Lost::TimedOut),
            (true, false) => Outcome::Status(500),
            (false, false) => Outcome::Ok,
        }
    }

    fn read_notice(&mut self, post: &Post) -> Result<(), String> {
        let header = |name: &str| post.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).ok_or(format!("no {name}"));
        let (id, timestamp, signature) = (header("webhook-id")?, header("webhook-timestamp")?, header("webhook-signature")?);
        let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_KEY).map_err(|e| e.to_string())?;
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", &post.body] {
            mac.update(part);
        }
        if signature != format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())) {
            return Err("its signature".into());
        }
        // What was signed by a wrong clock may still travel for as long as a delivery may last.
        let right = self.calm && self.now_ms > self.calm_from_ms + DELIVERY_MS;
        if timestamp.parse::<i64>().ok().is_none_or(|at| (at - self.wall().second().0).abs() > 30) && right {
            return Err("its time".into());
        }
        let body: Value = serde_json::from_slice(&post.body).map_err(|e| e.to_string())?;
        let kind = body["type"].as_str().unwrap_or_default().to_owned();
        let data = body["data"].clone();
        self.say(format!("merchant told {kind} {}", short(&id)));
        let committed = self.watch.notices.get(&id).ok_or(format!("I7: {kind} was never committed"))?;
        let mut stored = committed.data.clone();
        let mut sent = data.clone();
        for tree in [&mut stored, &mut sent] {
            tree.as_object_mut().map(|fields| fields.remove("payer"));
        }
        if committed.kind != kind || stored != sent {
            return Err(format!("I7: {kind} is not what was committed"));
        }
        let order = committed.order_id.to_string();
        if let Some(known) = self.book.told.get(&id) {
            if known.kind != kind || known.data != data {
                return Err(format!("I7: {id} was told twice with different content"));
            }
        } else {
            self.book.told.insert(id, Told { kind: kind.clone(), data, taken: false });
        }
        if matches!(kind.as_str(), "order.paid" | "order.failed" | "order.closed" | "order.reversed") {
            let first = self.book.ends.entry(order).or_insert_with(|| kind.clone());
            if *first != kind {
                return Err(format!("I7: told {kind} after {first}"));
            }
        }
        Ok(())
    }
}
