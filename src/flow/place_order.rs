//! One order's walk from request to action: the router's decision, T1, the exchange, T2 (`pay`).

use super::candidates::{Against, CHAIN, Onward, Walk, nothing_left};
use super::directory::MerchantEntry;
use super::{Code, Gateway, Refused, resolve};
use crate::domain::choice::CASHIER;
use crate::domain::life::{Life, OrderFacts};
use crate::domain::route::Decision;
use crate::domain::{AttemptStatus, Candidate, Order, OrderId, OrderStatus};
use crate::store::{Command, Nonce, Outcome};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use sluice_contract::{Fen, Method, Millis, PayOrder, Payer, Store, Terminal};
use std::sync::Arc;

/// A unified order, checked field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderRequest {
    pub merchant_order_no: String,
    pub amount: Fen,
    pub subject: String,
    /// The word asked for; `auto_barcode` is resolved here.
    pub method: String,
    pub auth_code: Option<String>,
    pub app_id: Option<String>,
    pub payer: Payer,
    pub store: Option<String>,
    pub terminal: Option<Terminal>,
    pub operator_id: Option<String>,
    pub auth_means: Option<String>,
    pub h5_type: Option<String>,
    pub client_ip: Option<String>,
    /// Seconds.
    pub expires_in: Option<i64>,
    pub notify_url: Option<String>,
    pub return_url: Option<String>,
    pub account: Option<String>,
    pub metadata: Map<String, Value>,
    /// The payer scanned a store's printed code.
    pub static_code: bool,
    /// SHA-256 of the parsed body.
    pub fingerprint: Vec<u8>,
}

/// The order as it now stands; `replay`: it was stored by an earlier request of the same content.
#[derive(Debug)]
pub struct Placed {
    pub life: Life,
    pub replay: bool,
}

/// Why an order, or a payer's choice, was not stored.
pub(super) enum NothingLeft {
    /// Every account that the router kept refused it.
    Against(Refused),
    /// The store would not take it.
    Failed(Refused),
}

/// How an order of a store's page is presented.
pub(super) const STATIC_CODE: &str = "static_code";
const EXPIRES_IN_DEFAULT_S: i64 = 900;
/// How long after an order was made a repeat of its request waits for the channel's first answer (CONTRACT section 4).
pub const REPLAY_WAIT_MS: i64 = 5_000;
const REPLAY_LOOK_MS: i64 = 20;

impl Gateway {
    /// `POST /v1/orders`. What can be refused without a channel is refused before anything is stored.
    pub async fn place_order(&self, merchant_id: &str, request: &OrderRequest, nonce: Option<Nonce>) -> Result<Placed, Refused> {
        self.place_order_spending(merchant_id, request, &mut { nonce }).await
    }

    /// As [`Gateway::place_order`]; a nonce that is still there afterwards went into no command and is not spent.
    pub async fn place_order_spending(
        &self,
        merchant_id: &str,
        request: &OrderRequest,
        nonce: &mut Option<Nonce>,
    ) -> Result<Placed, Refused> {
        let directory = self.directory.load_full();
        let merchant = directory.merchant(merchant_id).ok_or_else(|| Refused::new(Code::UnknownKey, "the merchant of this key is gone"))?;
        if request.method == CASHIER {
            return self.place_for_cashier(&directory, merchant, request, nonce).await;
        }
        // A repeat of a stored order is answered with that order, whatever the bindings and rules say of its code by now.
        let method = match resolve::method(&directory, merchant, request) {
            Ok(method) => method,
            Err(refused) => return self.replay_or(merchant_id, request, refused).await,
        };
        let now = self.now();
        let id = OrderId::new(now, self.random());
        let pay_order = self.pay_order_of(merchant, request, &id);
        let hashed = self.hashed(&directory, merchant_id, request);
        // A repeat of a stored order is answered with that order, even when nothing could take a new one today.
        let risk = match self.judge_risk(&directory, merchant_id, request, &hashed) {
            Ok(allowed) => allowed,
            Err(refused) => return self.replay_or(merchant_id, request, refused).await,
        };
        let mut draft = self.draft(merchant_id, request, Some(method), &id, now, &pay_order)?;
        draft.facts.risk = Some(risk);
        let walk = Walk {
            directory: &directory,
            merchant,
            request,
            order: &draft,
            method,
            chosen: None,
            pay_order: &pay_order,
            hashed: &hashed,
            at: now,
            seq: 1,
        };
        let place = |candidates| Command::PlaceOrder { nonce: nonce.take(), order: Box::new(draft.clone()), candidates };
        match self.decide_and_store(&walk, place).await {
            Ok(outcome) => self.placed(outcome, request, &pay_order).await,
            Err(NothingLeft::Failed(refused)) => Err(refused),
            Err(NothingLeft::Against(refused)) => self.replay_or(merchant_id, request, refused).await,
        }
    }

    /// The router's decision and T1 by it. Shares are those of orders by where they were really sent.
    pub(super) async fn decide_and_store(
        &self,
        walk: &Walk<'_>,
        store: impl FnMut(Vec<Candidate>) -> Command + Send,
    ) -> Result<Outcome, NothingLeft> {
        let mut decision = Arc::new(self.decide(walk, Onward::default()));
        let stored = self.store_first(walk, &mut decision, store).await;
        let served = match &stored {
            Ok(Outcome::Placed(life) | Outcome::Begun { life, go: true }) => Some(life.order.account.as_str()),
            _ => None,
        };
        self.settle(&decision, served);
        match stored {
            Ok(outcome) => Ok(outcome),
            Err(Ok(against)) => Err(NothingLeft::Against(self.refused_by_all(walk, &decision, against).await)),
            Err(Err(refused)) => Err(NothingLeft::Failed(refused)),
        }
    }

    async fn refused_by_all(&self, walk: &Walk<'_>, decision: &Decision, against: Against) -> Refused {
        match against.passed.is_empty() {
            true => nothing_left(decision, against.problems, &walk.views()),
            false => self.over_limit(against.passed, walk.order.amount, walk.at).await,
        }
    }

    /// T1 at the first account that its channel admits and that the limits have room for. `Err(Ok(…))`: nobody took it.
    async fn store_first(
        &self,
        walk: &Walk<'_>,
        decision: &mut Arc<Decision>,
        mut store: impl FnMut(Vec<Candidate>) -> Command + Send,
    ) -> Result<Outcome, Result<Against, Refused>> {
        let mut against = Against::default();
        for chain in decision.chain().chunks(CHAIN) {
            let candidates = self.admitted(walk, chain, decision, &mut against);
            if candidates.is_empty() {
                continue;
            }
            match self.submit(store(candidates)).await.map_err(Err)? {
                Outcome::NotAdmitted(passed) => {
                    Arc::make_mut(decision).pass_over(&passed);
                    against.passed.extend(passed);
                }
                outcome => return Ok(outcome),
            }
        }
        Err(Ok(against))
    }

    pub(super) async fn placed(&self, outcome: Outcome, request: &OrderRequest, pay_order: &PayOrder) -> Result<Placed, Refused> {
        match outcome {
            Outcome::Placed(life) => {
                crate::crash::point("placed.before_pay");
                // Stored is stored: what cannot be booked now leaves a pending order that is due again, never a 5xx.
                let stored = (*life).clone();
                let life = self.pay(*life, request, pay_order).await.unwrap_or_else(|refused| {
                    tracing::error!(order = %stored.order.id, why = refused.inner.unwrap_or(refused.detail), "an answer could not be booked");
                    stored
                });
                crate::crash::point("taken.before_answer");
                Ok(Placed { life, replay: false })
            }
            Outcome::Replayed { target } => self.replayed(&target).await,
            Outcome::Conflict { .. } => Err(conflict()),
            Outcome::NonceReused => Err(Refused::new(Code::NonceReused, "this nonce was used before; sign again with a fresh one")),
            _ => Err(Refused::inner("an unexpected outcome of place_order")),
        }
    }

    pub(super) async fn replay_or(&self, merchant_id: &str, request: &OrderRequest, refused: Refused) -> Result<Placed, Refused> {
        let key = crate::store::ClaimKey {
            merchant_id: merchant_id.to_owned(),
            kind: crate::store::Kind::Order,
            number: request.merchant_order_no.clone(),
        };
        match self.store.read(crate::store::Query::Claim(key)).await.map_err(Refused::from)? {
            crate::store::Answer::Claim(Some(target)) => {
                let placed = self.replayed(&target).await?;
                if placed.life.order.fingerprint == request.fingerprint { Ok(placed) } else { Err(conflict()) }
            }
            _ => Err(refused),
        }
    }

    async fn replayed(&self, target: &str) -> Result<Placed, Refused> {
        let id = OrderId::parse(target).ok_or_else(|| Refused::inner("a claim names no order"))?;
        let put_away = || Refused::new(Code::OrderConflict, "this number names an order of long ago that was put away; use another one");
        let mut life = self.life(&id).await?.ok_or_else(put_away)?;
        // Another node may still be talking to the channel for the first request: its answer is waited for, as on one node.
        for _ in 0..REPLAY_WAIT_MS.div_euclid(REPLAY_LOOK_MS) {
            let sending = life.attempts.last().is_some_and(|attempt| attempt.status() == AttemptStatus::Sending);
            if !sending || self.now() >= life.order.created_at.plus_ms(REPLAY_WAIT_MS) {
                break;
            }
            self.clock.sleep_ms(REPLAY_LOOK_MS).await;
            life = self.life(&id).await?.ok_or_else(put_away)?;
        }
        Ok(Placed { life, replay: true })
    }

    pub(super) fn draft(
        &self,
        merchant_id: &str,
        request: &OrderRequest,
        method: Option<Method>,
        id: &OrderId,
        now: Millis,
        pay_order: &PayOrder,
    ) -> Result<Order, Refused> {
        let directory = self.directory.load();
        let is_barcode = method.is_some_and(Method::is_barcode);
        let facts = OrderFacts {
            subject: request.subject.clone(),
            method_asked: request.method.clone(),
            presented: presented(is_barcode, request.static_code).to_owned(),
            notify_url: request.notify_url.clone(),
            return_url: request.return_url.clone(),
            receipt_url: format!("{}/pay/{}", self.public_url, self.page_token(id)),
            auth_means: request.auth_means.clone(),
            risk: None,
            metadata: request.metadata.clone(),
        };
        let expires_in_s = request.expires_in.filter(|_| !is_barcode).unwrap_or(EXPIRES_IN_DEFAULT_S);
        Ok(Order {
            id: id.clone(),
            merchant_id: merchant_id.to_owned(),
            merchant_order_no: request.merchant_order_no.clone(),
            fingerprint: request.fingerprint.clone(),
            livemode: directory.accounts.iter().any(|a| !a.sandbox),
            status: OrderStatus::Pending,
            amount: request.amount,
            method,
            facts,
            sealed: self.seal_pay_order(pay_order)?,
            created_at: now,
            expires_at: now.plus_s(expires_in_s),
            account: String::new(),
            channel: String::new(),
            winner: None,
            intent: None,
            failure: None,
            paid_at: None,
            closed_at: None,
            version: 0,
            last_seq: 0,
        })
    }

    /// The secret name of an order's payer page: nobody can make one up, and none has to be stored.
    #[must_use]
    pub fn page_token(&self, id: &OrderId) -> String {
        format!("{}{}", id.as_str(), self.sealer.token("page", id.as_str()))
    }

    /// The order of a payer page's token.
    #[must_use]
    pub fn order_of_page(&self, token: &str) -> Option<OrderId> {
        let (id, secret) = token.split_at_checked(27)?;
        let id = OrderId::parse(id)?;
        self.sealer.knows_token("page", id.as_str(), secret).then_some(id)
    }

    pub(super) fn pay_order_of(&self, merchant: &MerchantEntry, request: &OrderRequest, id: &OrderId) -> PayOrder {
        let store = request.store.as_ref().map(|store_id| {
            let known = merchant.stores.iter().find(|s| s.id == *store_id);
            Store {
                id: store_id.clone(),
                name: known.and_then(|s| s.name.clone()),
                address: known.and_then(|s| s.address.clone()),
                area_code: known.and_then(|s| s.area_code.clone()),
                store_code: None,
                term_id: None,
            }
        });
        PayOrder {
            subject: request.subject.clone(),
            payer: request.payer.clone(),
            auth_code: request.auth_code.clone(),
            client_ip: request.client_ip.clone(),
            h5_type: request.h5_type.clone(),
            store,
            terminal: request.terminal.clone(),
            operator_id: request.operator_id.clone(),
            return_url: Some(format!("{}/return/{}", self.public_url, self.page_token(id))),
        }
    }
}

const fn presented(is_barcode: bool, static_code: bool) -> &'static str {
    match (is_barcode, static_code) {
        (true, _) => "barcode",
        (_, true) => STATIC_CODE,
        _ => "online",
    }
}

fn conflict() -> Refused {
    Refused::new(Code::OrderConflict, "this merchant_order_no names another order; use a new number for a new order")
}

/// The content of a request, whatever its white space and field order: what makes a repeat a repeat.
#[must_use]
pub fn fingerprint(parsed_body: &Value) -> Vec<u8> {
    Sha256::digest(parsed_body.to_string().as_bytes()).to_vec()
}
