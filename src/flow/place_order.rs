//! One order's walk from request to action: candidates, T1, the exchange, T2, and on to the next account only when the first provably
//! took nothing.

use super::directory::{Account, Directory, MerchantEntry};
use super::limits::Hashed;
use super::{Code, Gateway, Refused, resolve};
use crate::domain::life::{Candidate, Life, OrderFacts};
use crate::domain::limit::PassedOver;
use crate::domain::pay::Source;
use crate::domain::route::{self, Considered, Dropped, Question};
use crate::domain::{AttemptStatus, Order, OrderId, OrderStatus};
use crate::store::{Command, Nonce, Outcome};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use sluice_contract::{AttemptRef, Fen, Method, Millis, PayOrder, Payer, Problem, RefusalKind, Store, Terminal};
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
    /// SHA-256 of the parsed body.
    pub fingerprint: Vec<u8>,
}

/// The order as it now stands; `replay`: it was stored by an earlier request of the same content.
#[derive(Debug)]
pub struct Placed {
    pub life: Life,
    pub replay: bool,
}

/// Why no account is left.
enum NothingLeft {
    Refused(Refused),
    /// Limits dropped the last of them.
    OverLimit(Vec<PassedOver>),
}

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
        let mut draft = self.draft(merchant_id, request, method, &id, now, &pay_order)?;
        draft.facts.risk = Some(risk);
        let candidates = match self.candidates(&directory, merchant, request, &draft, &pay_order, &hashed) {
            Ok(candidates) => candidates,
            Err(NothingLeft::Refused(refused)) => return self.replay_or(merchant_id, request, refused).await,
            Err(NothingLeft::OverLimit(passed)) => {
                let refused = self.over_limit(passed, request.amount, now).await;
                return self.replay_or(merchant_id, request, refused).await;
            }
        };
        let command = Command::PlaceOrder { nonce: nonce.take(), order: Box::new(draft), candidates: candidates.clone() };
        match self.submit(command).await? {
            Outcome::Placed(life) => {
                crate::crash::point("placed.before_pay");
                // Stored is stored: what cannot be booked now leaves a pending order that is due again, never a 5xx.
                let stored = (*life).clone();
                let life = self.pay(*life, &pay_order, candidates).await.unwrap_or_else(|refused| {
                    tracing::error!(order = %stored.order.id, why = refused.inner.unwrap_or(refused.detail), "an answer could not be booked");
                    stored
                });
                crate::crash::point("taken.before_answer");
                Ok(Placed { life, replay: false })
            }
            Outcome::Replayed { target } => self.replayed(&target).await,
            Outcome::Conflict { .. } => Err(conflict()),
            Outcome::NonceReused => Err(Refused::new(Code::NonceReused, "this nonce was used before; sign again with a fresh one")),
            Outcome::NotAdmitted(passed) => Err(self.over_limit(passed, request.amount, now).await),
            _ => Err(Refused::inner("an unexpected outcome of place_order")),
        }
    }

    async fn replay_or(&self, merchant_id: &str, request: &OrderRequest, refused: Refused) -> Result<Placed, Refused> {
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

    /// Pays the newest attempt, and the ones its definite failures open after it.
    async fn pay(&self, mut life: Life, pay_order: &PayOrder, candidates: Vec<Candidate>) -> Result<Life, Refused> {
        for done in 1..=candidates.len() {
            let Some(attempt) = life.attempts.last().filter(|a| a.status() == AttemptStatus::Sending) else { break };
            let account = self.account_of(attempt)?;
            let directory = self.directory.load();
            let order = resolve::at_account(directory.merchant(&life.order.merchant_id).map(AsRef::as_ref), pay_order, &account.id);
            let step = account.channel.pay(&attempt.reference(&life.order), &order, &self.env(&account));
            let asked = self.ask(&account, step).await;
            crate::crash::point("paid_call.before_commit");
            let fallback = candidates.get(done..).unwrap_or_default();
            let fallback = self.renumbered(&life, fallback);
            let attempts_before = life.attempts.len();
            life = self.book(&life, attempt, &account, asked, Source::Pay, fallback).await?;
            if life.attempts.len() == attempts_before {
                break;
            }
        }
        Ok(life)
    }

    /// Candidates for the attempt after this one: their first query counts from now.
    fn renumbered(&self, life: &Life, candidates: &[Candidate]) -> Vec<Candidate> {
        let now = self.now();
        let shift = now.since_ms(life.order.created_at);
        candidates.iter().cloned().map(|c| Candidate { next_at: c.next_at.plus_ms(shift), ..c }).collect()
    }

    fn draft(
        &self,
        merchant_id: &str,
        request: &OrderRequest,
        method: Method,
        id: &OrderId,
        now: Millis,
        pay_order: &PayOrder,
    ) -> Result<Order, Refused> {
        let directory = self.directory.load();
        let facts = OrderFacts {
            subject: request.subject.clone(),
            method_asked: request.method.clone(),
            presented: if method.is_barcode() { "barcode" } else { "online" }.to_owned(),
            notify_url: request.notify_url.clone(),
            return_url: request.return_url.clone(),
            receipt_url: format!("{}/pay/{}", self.public_url, self.page_token(id)),
            risk: None,
            metadata: request.metadata.clone(),
        };
        let expires_in_s = request.expires_in.filter(|_| !method.is_barcode()).unwrap_or(EXPIRES_IN_DEFAULT_S);
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

    fn pay_order_of(&self, merchant: &MerchantEntry, request: &OrderRequest, id: &OrderId) -> PayOrder {
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

    /// Every account the router keeps and its channel admits, in rank order, each with the decision.
    fn candidates(
        &self,
        directory: &Directory,
        merchant: &MerchantEntry,
        request: &OrderRequest,
        draft: &Order,
        pay_order: &PayOrder,
        hashed: &Hashed,
    ) -> Result<Vec<Candidate>, NothingLeft> {
        let views: Vec<_> = directory.accounts.iter().map(|a| a.view()).collect();
        let question =
            Question { method: draft.method, amount: draft.amount, pinned: request.account.as_deref(), bindings: &merchant.bindings };
        let mut considered = route::consider(question, &views);
        let mut ranked = Vec::new();
        let mut problems: Vec<Problem> = Vec::new();
        let mut passed = Vec::new();
        for line in considered.iter_mut().filter(|line| line.dropped.is_none()) {
            let Some(account) = directory.account(&line.account) else { continue };
            match self.admit(account, merchant, request, draft, pay_order) {
                Ok(candidate) => match Gateway::ask_limits(directory, merchant, account, request, draft, hashed) {
                    Ok(asked) => ranked.push(Candidate { asks: asked.asks, not_checked: asked.not_checked, ..candidate }),
                    Err(refusal) => {
                        (line.dropped, line.limit) = (Some(Dropped::LimitExceeded), Some(refusal.limit.clone()));
                        passed.push(refusal);
                    }
                },
                Err(found) => {
                    line.dropped = Some(Dropped::NotAdmitted);
                    problems.extend(found);
                }
            }
        }
        if ranked.is_empty() {
            return Err(if passed.is_empty() {
                NothingLeft::Refused(nothing_left(&considered, problems, &views))
            } else {
                NothingLeft::OverLimit(passed)
            });
        }
        Ok(ranked.into_iter().map(|c| decided(c, &considered)).collect())
    }

    /// What this account's channel would refuse, found before anything is stored. An empty list: the account itself is unfit.
    fn admit(
        &self,
        account: &Arc<Account>,
        merchant: &MerchantEntry,
        request: &OrderRequest,
        draft: &Order,
        pay_order: &PayOrder,
    ) -> Result<Candidate, Vec<Problem>> {
        let profile = account.channel.profile().method(draft.method).ok_or_else(Vec::new)?;
        let mut problems = missing_fields(profile, request);
        let expires_in_s = request.expires_in.filter(|_| !draft.method.is_barcode());
        if expires_in_s.is_some_and(|s| !(profile.expires_in_min_s..=profile.expires_in_max_s).contains(&s)) {
            let reason = format!("this method allows {} to {} seconds", profile.expires_in_min_s, profile.expires_in_max_s);
            problems.push(Problem::new("expires_in", reason));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let sub = merchant.binding(&account.id).map(|b| b.sub.clone()).unwrap_or_default();
        let reference = AttemptRef {
            number: draft.id.attempt_number(1),
            amount: draft.amount,
            method: draft.method,
            at: draft.created_at.second(),
            expires_at: draft.expires_at.second(),
            app_id: request.app_id.clone(),
            sub: sub.clone(),
            memo: sluice_contract::Notes::new(),
            handles: sluice_contract::Notes::new(),
        };
        let memo =
            account.channel.admit(&reference, &resolve::at_account(Some(merchant), pay_order, &account.id)).map_err(
                |refusal| match refusal.kind {
                    RefusalKind::Field(field) => vec![Problem::new(field, refusal.outer)],
                    RefusalKind::Account | RefusalKind::Unsupported => Vec::new(),
                },
            )?;
        let secret: Vec<&str> = account.channel.profile().sub_fields.iter().filter(|f| f.secret).map(|f| f.name).collect();
        Ok(Candidate {
            account: account.id.clone(),
            channel: account.channel.profile().channel.to_owned(),
            app_id: request.app_id.clone(),
            sub: sub.into_iter().filter(|(name, _)| !secret.contains(&name.as_str())).collect(),
            memo,
            fee_rate: account.fee_rate.clone(),
            route: Value::Null,
            asks: Vec::new(),
            not_checked: Vec::new(),
            next_at: self.pace.first_query(profile, draft.created_at).max(self.pace.lease_until(draft.created_at)),
        })
    }
}

fn conflict() -> Refused {
    Refused::new(Code::OrderConflict, "this merchant_order_no names another order; use a new number for a new order")
}

fn decided(candidate: Candidate, considered: &[Considered]) -> Candidate {
    let route = json!({"chosen": candidate.account, "considered": considered});
    Candidate { route, ..candidate }
}

fn nothing_left(considered: &[Considered], mut problems: Vec<Problem>, views: &[route::AccountView<'_>]) -> Refused {
    if !problems.is_empty() {
        problems.dedup();
        return Refused::fields(problems);
    }
    let only = |reasons: &[Dropped]| considered.iter().all(|line| line.dropped.is_none_or(|d| reasons.contains(&d)));
    if only(&[Dropped::NoSuchMethod, Dropped::NotBound, Dropped::NotPinned]) {
        return Refused {
            errors: vec![Problem::new("method", "is not available to this merchant; GET /v1/methods lists what is")],
            ..Refused::new(Code::MethodNotAvailable, "no account of this merchant serves the method")
        };
    }
    let out_of_range = considered.iter().filter(|line| line.dropped == Some(Dropped::AmountOutOfRange));
    let ranges = out_of_range.filter_map(|line| views.iter().find(|v| v.id == line.account)).map(|v| (v.amount_min, v.amount_max));
    if let Some((min, max)) = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) {
        let reason = format!("must be {min} to {max} for this method at the accounts that are on");
        return Refused {
            errors: vec![Problem::new("amount", reason.clone())],
            ..Refused::new(Code::NoRoute, format!("no account can take this order: amount {reason}"))
        };
    }
    Refused::new(Code::NoRoute, "no account can take this order now: the ones that serve the method are off")
}

fn missing_fields(profile: &sluice_contract::MethodProfile, request: &OrderRequest) -> Vec<Problem> {
    let required = profile.required.iter().filter(|field| !is_given(request, field));
    let mut problems: Vec<Problem> = required.map(|field| Problem::new(*field, "is required by this method")).collect();
    for group in profile.required_one_of.iter().filter(|group| !group.iter().any(|field| is_given(request, field))) {
        problems.push(Problem::new(group.first().copied().unwrap_or_default(), format!("one of {} is required", group.join(", "))));
    }
    problems
}

fn is_given(request: &OrderRequest, field: &str) -> bool {
    match field {
        "auth_code" => request.auth_code.is_some(),
        "app_id" => request.app_id.is_some(),
        "payer.openid" => request.payer.openid.is_some(),
        "payer.buyer_id" => request.payer.buyer_id.is_some(),
        "payer.buyer_open_id" => request.payer.buyer_open_id.is_some(),
        "client_ip" => request.client_ip.is_some(),
        "h5_type" => request.h5_type.is_some(),
        "store" => request.store.is_some(),
        "terminal" => request.terminal.is_some(),
        "operator_id" => request.operator_id.is_some(),
        "return_url" => request.return_url.is_some(),
        _ => true,
    }
}

/// The content of a request, whatever its white space and field order: what makes a repeat a repeat.
#[must_use]
pub fn fingerprint(parsed_body: &Value) -> Vec<u8> {
    Sha256::digest(parsed_body.to_string().as_bytes()).to_vec()
}
