//! The use cases: what happens between a request and its answer. One file each. Flow awaits three things only: the clock, the store and
//! the wire; everything it must remember is a command, everything it may decide alone is in `domain`.
//!
//! **Invariant by absence:** no file here changes money or status itself, and none asks which channel it talks to: what differs is
//! in the channel's profile.

pub mod action;
pub mod ask;
pub mod bindings;
mod candidates;
pub mod cashier;
pub mod close;
pub mod directory;
pub mod dry_run;
pub mod error;
pub mod identify;
pub mod limits;
pub mod notify_merchant;
pub mod pace;
mod pay;
pub mod place_order;
pub mod policy;
pub mod pulse;
pub mod query;
pub mod reconcile;
pub mod refund;
pub mod replay;
pub mod resolve;
pub mod reverse;
pub mod statement;
pub mod store_page;
pub mod take_callback;
pub mod tend;

pub use directory::{Account, Directory, KeyEntry, MerchantEntry};
pub use error::{Code, Refused};
pub use pace::Pace;

use crate::clock::{Chance, Clock, random};
use crate::domain::life::Life;
use crate::domain::route::Memory;
use crate::domain::{OrderId, OrderStatus};
use crate::outbound::{Courier, Renewals, Wire};
use crate::store::{Answer, Command, Outcome, Query, Sealer, Store};
use crate::telemetry::Metrics;
use arc_swap::ArcSwap;
use sluice_contract::{Millis, Notes, PayOrder};
use std::sync::{Arc, Mutex};

/// Everything a use case may touch. One per process; shared.
pub struct Gateway {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub chance: Arc<dyn Chance>,
    pub wire: Arc<dyn Wire>,
    pub courier: Arc<dyn Courier>,
    pub directory: ArcSwap<Directory>,
    pub sealer: Sealer,
    pub pace: Pace,
    pub renewals: Renewals,
    /// What the router remembers between orders.
    pub routing: Mutex<Memory>,
    pub metrics: Metrics,
    /// How many whole months of finished orders the store keeps; `None`: all.
    pub keep_months: Option<u32>,
    /// Without a trailing slash.
    pub public_url: String,
    /// Whether notifications may go to private addresses: judged when an order names one.
    pub notify_policy: crate::outbound::guard::Policy,
}

const SEAL_PAY_ORDER: &str = "pay_order";
const SEAL_PAYER: &str = "payer";

impl Gateway {
    #[must_use]
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    pub fn random<const N: usize>(&self) -> [u8; N] {
        random(self.chance.as_ref())
    }

    /// Submits a command about an order and counts what it ended.
    pub async fn submit(&self, command: Command) -> Result<Outcome, Refused> {
        let outcome = self.store.submit(command).await.map_err(Refused::from)?;
        if let Outcome::Life(life) | Outcome::Placed(life) | Outcome::RefundCreated { life, .. } | Outcome::Begun { life, .. } = &outcome {
            self.count(life);
        }
        Ok(outcome)
    }

    /// As [`Gateway::submit`], for commands that answer the order.
    pub async fn change(&self, command: Command) -> Result<Life, Refused> {
        match self.submit(command).await? {
            Outcome::Life(life) | Outcome::Begun { life, .. } | Outcome::RefundCreated { life, .. } | Outcome::Placed(life) => Ok(*life),
            _ => Err(Refused::new(Code::OrderNotFound, "there is no such order")),
        }
    }

    pub async fn life(&self, id: &OrderId) -> Result<Option<Life>, Refused> {
        match self.store.read(Query::Life(id.clone())).await.map_err(Refused::from)? {
            Answer::Life(life) => Ok(life.map(|l| *l)),
            _ => Ok(None),
        }
    }

    /// A merchant's own order; another merchant's looks the same as none.
    pub async fn life_of(&self, merchant_id: &str, id: &str) -> Result<Life, Refused> {
        let missing = || Refused::new(Code::OrderNotFound, "there is no such order");
        let id = OrderId::parse(id).ok_or_else(missing)?;
        self.life(&id).await?.filter(|life| life.order.merchant_id == merchant_id).ok_or_else(missing)
    }

    fn count(&self, life: &Life) {
        self.learn(life);
        for effect in life.effects.iter().filter(|e| e.kind.starts_with("order.")) {
            self.metrics.order_event(&life.order, &effect.kind);
        }
        for event in life.events.iter().filter(|e| matches!(e.kind.as_str(), "limit.near" | "limit.overrun")) {
            let limit = event.data.get("limit").and_then(serde_json::Value::as_str).unwrap_or_default();
            self.metrics.limit(limit, event.kind.trim_start_matches("limit."));
            match event.kind.as_str() {
                "limit.overrun" => {
                    tracing::error!(order = %life.order.id, limit, "ALARM: money that could not be refused stands above a limit")
                }
                _ => tracing::warn!(order = %life.order.id, limit, "a limit is nearly used"),
            }
        }
        if life.order.version == 1 && life.order.status() == OrderStatus::Pending {
            self.metrics.order_event(&life.order, "order.created");
        }
    }

    /// What placing the newest attempt of this order at its channel takes, unsealed.
    pub fn pay_order(&self, life: &Life) -> Result<PayOrder, Refused> {
        let sealed = life.attempts.last().map_or(life.order.sealed.as_slice(), |attempt| attempt.sealed(&life.order));
        open_pay_order(&self.sealer, sealed).map_err(Refused::inner)
    }

    pub(crate) fn seal_pay_order(&self, order: &PayOrder) -> Result<Vec<u8>, Refused> {
        let plain = serde_json::to_vec(order).map_err(|e| Refused::inner(e.to_string()))?;
        self.sealer.seal(SEAL_PAY_ORDER, &plain, self.random()).map_err(|e| Refused::inner(e.to_string()))
    }

    pub(crate) fn seal_payer(&self, payer: &Notes) -> Option<Vec<u8>> {
        let plain = serde_json::to_vec(payer).ok().filter(|_| !payer.is_empty())?;
        self.sealer.seal(SEAL_PAYER, &plain, self.random()).ok()
    }

    /// Who paid, for the merchant whose order it is.
    #[must_use]
    pub fn payer(&self, life: &Life) -> Notes {
        let sealed = life.winning().and_then(|a| a.notes.payer_sealed.as_ref());
        let plain = sealed.and_then(|s| self.sealer.open(SEAL_PAYER, s).ok());
        plain.and_then(|p| serde_json::from_slice(&p).ok()).unwrap_or_default()
    }

    /// The order as its merchant sees it, payer ids included.
    #[must_use]
    pub fn show(&self, life: &Life) -> serde_json::Value {
        let mut order = crate::domain::show::order(life);
        if let Some(fields) = order.as_object_mut() {
            fields.insert("payer".into(), serde_json::json!(self.payer(life)));
        }
        order
    }
}

/// What placing a stored order at the channel took.
///
/// # Errors
/// It was sealed with another key, or cannot be read.
pub fn open_pay_order(sealer: &Sealer, sealed: &[u8]) -> Result<PayOrder, String> {
    let plain = sealer.open(SEAL_PAY_ORDER, sealed).map_err(|e| e.to_string())?;
    serde_json::from_slice(&plain).map_err(|e| e.to_string())
}
