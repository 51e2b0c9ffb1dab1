//! From an order to the accounts that may take it: the router's decision, what each channel admits, what each asks of the limits. For a new
//! order, and for one that goes on after an account that provably took nothing.

use super::directory::{Account, Directory, MerchantEntry};
use super::limits::Hashed;
use super::place_order::OrderRequest;
use super::{Code, Gateway, Refused, resolve};
use crate::domain::choice::Choice;
use crate::domain::life::Life;
use crate::domain::limit::PassedOver;
use crate::domain::route::{self, AccountView, Decision, Dropped, Memory, Need, Question};
use crate::domain::{Candidate, Name, Order};
use serde_json::Value;
use sluice_contract::{AttemptRef, Fen, Method, MethodProfile, Millis, NotFoundFrom, Notes, PayOrder, Problem, RefusalKind};
use std::sync::{Arc, PoisonError};

/// So many accounts are prepared at once: the first nearly always has room, and preparing a hundred costs more than deciding among them.
pub(super) const CHAIN: usize = 3;

/// How long the code of a payer's choice lives where no close could be confirmed: so long may it stand beside the next choice.
const SHORT_LIFE_S: i64 = 180;

/// An order on its way to its `seq`-th account.
#[derive(Clone, Copy)]
pub(super) struct Walk<'a> {
    pub directory: &'a Directory,
    pub merchant: &'a MerchantEntry,
    pub request: &'a OrderRequest,
    pub order: &'a Order,
    pub method: Method,
    /// Where the payer chose the method: the sealed `PayOrder` of the choice.
    pub chosen: Option<&'a [u8]>,
    pub pay_order: &'a PayOrder,
    pub hashed: &'a Hashed,
    /// When it is decided.
    pub at: Millis,
    /// The number of the attempt that is to be made.
    pub seq: u32,
}

/// Accounts that are not to be asked, and the one rule that may rank.
#[derive(Clone, Copy, Default)]
pub(super) struct Onward<'a> {
    pub tried: &'a [String],
    pub within: Option<Option<&'a str>>,
}

/// What stood against the accounts that were looked at.
#[derive(Default)]
pub(super) struct Against {
    pub problems: Vec<Problem>,
    pub passed: Vec<PassedOver>,
}

impl Walk<'_> {
    pub fn question<'q>(&'q self, onward: Onward<'q>, draw: u64) -> Question<'q> {
        let request = self.request;
        let need = Need {
            method: self.method,
            amount: self.order.amount,
            app_id: request.app_id.as_deref(),
            pinned: request.account.as_deref(),
            bindings: &self.merchant.bindings,
            now: self.at,
        };
        let facts = super::limits::facts(self, None);
        Question { need, facts, prefer: self.merchant.merchant.prefer.as_deref(), tried: onward.tried, within: onward.within, draw }
    }

    pub fn views(&self) -> Vec<AccountView<'_>> {
        self.directory.accounts.iter().map(|account| account.view()).collect()
    }
}

impl Walk<'_> {
    /// When the attempt's code is to die. What a merchant asks for is taken or refused; a payer's choice fits into what is left of its
    /// order's life, or is as short as the method allows: the order's own end closes it.
    fn expires_at(&self, profile: &MethodProfile) -> Result<Millis, Problem> {
        let (min_s, max_s) = (profile.expires_in_min_s, profile.expires_in_max_s);
        if self.chosen.is_some() {
            let most_s = if confirms_close(profile) { max_s } else { max_s.min(SHORT_LIFE_S) };
            return Ok(self.order.expires_at.min(self.at.plus_s(most_s)).max(self.at.plus_s(min_s)));
        }
        let asked = self.request.expires_in.filter(|_| !self.method.is_barcode());
        match asked.is_some_and(|s| !(min_s..=max_s).contains(&s)) {
            true => Err(Problem::new("expires_in", format!("this method allows {min_s} to {max_s} seconds"))),
            false => Ok(self.order.expires_at),
        }
    }
}

/// Whether the channel can say of a code, whatever has become of it, that nobody pays it any more.
fn confirms_close(profile: &MethodProfile) -> bool {
    profile.can_close && profile.not_found_from == NotFoundFrom::Call
}

impl Gateway {
    /// The router's decision, remembered as acted on: whoever takes it must [`Gateway::settle`] it.
    pub(super) fn decide(&self, walk: &Walk<'_>, onward: Onward<'_>) -> Decision {
        self.decide_and(walk, onward, |memory, decision| memory.begin(decision, walk.at))
    }

    /// What would be decided now. Nothing is remembered.
    pub(super) fn would_decide(&self, walk: &Walk<'_>) -> Decision {
        self.decide_and(walk, Onward::default(), |_, _| {})
    }

    fn decide_and(&self, walk: &Walk<'_>, onward: Onward<'_>, then: impl FnOnce(&mut Memory, &Decision)) -> Decision {
        let question = walk.question(onward, u64::from_le_bytes(self.random()));
        let views = walk.views();
        let mut memory = self.routing.lock().unwrap_or_else(PoisonError::into_inner);
        let decision = route::decide(&question, &views, &walk.directory.routing, &memory);
        then(&mut memory, &decision);
        decision
    }

    /// Who took the order in the end.
    pub(super) fn settle(&self, decision: &Decision, served: Option<&str>) {
        self.routing.lock().unwrap_or_else(PoisonError::into_inner).settle(decision, served);
    }

    /// Those of a chain that their channels admit and that no limit refuses by itself; the others are noted in the decision.
    pub(super) fn admitted(&self, walk: &Walk<'_>, chain: &[Name], decision: &mut Arc<Decision>, against: &mut Against) -> Vec<Candidate> {
        let mut admitted = Vec::new();
        for id in chain {
            let Some(account) = walk.directory.account(id) else { continue };
            let found = match self.admit(account, walk) {
                Ok(candidate) => match walk.ask_limits(account) {
                    Ok(asked) => {
                        admitted.push(Candidate { asks: asked.asks, not_checked: asked.not_checked, ..candidate });
                        continue;
                    }
                    Err(refusal) => {
                        let limit = Some(refusal.limit.clone());
                        against.passed.push(refusal);
                        (Dropped::LimitExceeded, limit)
                    }
                },
                Err(problems) => {
                    against.problems.extend(problems);
                    (Dropped::NotAdmitted, None)
                }
            };
            if let Some(line) = Arc::make_mut(decision).line_mut(id) {
                (line.dropped, line.limit) = (Some(found.0), found.1);
            }
        }
        admitted.into_iter().map(|candidate| Candidate { route: Arc::clone(decision), ..candidate }).collect()
    }

    /// What this account's channel would refuse, found before anything is stored. An empty list: the account itself is unfit.
    fn admit(&self, account: &Arc<Account>, walk: &Walk<'_>) -> Result<Candidate, Vec<Problem>> {
        let (request, order) = (walk.request, walk.order);
        let profile = account.channel.profile().method(walk.method).ok_or_else(Vec::new)?;
        let mut problems = missing_fields(profile, request);
        let expires_at = walk.expires_at(profile).unwrap_or_else(|problem| {
            problems.push(problem);
            order.expires_at
        });
        if !problems.is_empty() {
            return Err(problems);
        }
        let sub = walk.merchant.binding(&account.id).map(|b| b.sub.clone()).unwrap_or_default();
        let reference = AttemptRef {
            number: order.id.attempt_number(walk.seq),
            amount: order.amount,
            method: walk.method,
            at: walk.at.second(),
            expires_at: expires_at.second(),
            app_id: request.app_id.clone(),
            sub: sub.clone(),
            memo: Notes::new(),
            handles: Notes::new(),
        };
        let pay_order = resolve::at_account(Some(walk.merchant), walk.pay_order, &account.id);
        let memo = account.channel.admit(&reference, &pay_order).map_err(|refusal| match refusal.kind {
            RefusalKind::Field(field) => vec![Problem::new(field, refusal.outer)],
            RefusalKind::Account | RefusalKind::Unsupported => Vec::new(),
        })?;
        let secret: Vec<&str> = account.channel.profile().sub_fields.iter().filter(|f| f.secret).map(|f| f.name).collect();
        Ok(Candidate {
            account: account.id.to_string(),
            channel: account.channel.profile().channel.to_owned(),
            method: walk.method,
            choice: walk.chosen.map(|sealed| Choice { expires_at, sealed: sealed.to_vec() }),
            app_id: request.app_id.clone(),
            sub: sub.into_iter().filter(|(name, _)| !secret.contains(&name.as_str())).collect(),
            memo,
            fee: account.fee.clone(),
            route: Arc::default(),
            asks: Vec::new(),
            not_checked: Vec::new(),
            passed: Vec::new(),
            next_at: self.pace.first_query(profile, walk.at).max(self.pace.lease_until(walk.at)),
        })
    }

    /// Who may take a stored order after its accounts so far. Within the rule that chose the last one, and never where the merchant chose.
    /// `request`: as it was asked for, where somebody still knows; else as it was stored, which no payment code ever is.
    pub(super) fn onward(&self, life: &Life, request: Option<&OrderRequest>) -> Result<Vec<Candidate>, Refused> {
        let stored;
        let request = match request {
            Some(request) => request,
            None if life.order.is_barcode() => return Ok(Vec::new()),
            None => {
                stored = self.request_of(life)?;
                &stored
            }
        };
        let directory = self.directory.load_full();
        let (Some(merchant), Some(last)) = (directory.merchant(&life.order.merchant_id), life.attempts.last()) else {
            return Ok(Vec::new());
        };
        let rule = last.notes.route.get("rule").and_then(Value::as_str);
        if last.notes.route.get("pinned").is_some() || request.account.is_some() {
            return Ok(Vec::new());
        }
        let hashed = self.hashed(&directory, &life.order.merchant_id, request);
        let pay_order = self.pay_order_of(merchant, request, &life.order.id);
        let walk = Walk {
            directory: &directory,
            merchant,
            request,
            order: &life.order,
            method: last.method,
            chosen: last.notes.choice.as_ref().map(|choice| choice.sealed.as_slice()),
            pay_order: &pay_order,
            hashed: &hashed,
            at: self.now(),
            seq: last.seq.saturating_add(1),
        };
        // What failed under another method of a payer's choice may still serve this one.
        let tried: Vec<String> =
            life.attempts.iter().filter(|attempt| attempt.method == last.method).map(|attempt| attempt.account.clone()).collect();
        let mut decision = Arc::new(self.decide(&walk, Onward { tried: &tried, within: Some(rule) }));
        // Shares are those of orders by where they were first sent.
        self.settle(&decision, None);
        let chain: Vec<Name> = decision.chain().into_iter().take(CHAIN).collect();
        Ok(self.admitted(&walk, &chain, &mut decision, &mut Against::default()))
    }

    /// The request of a stored order, with what its newest attempt knows, but for its payment code.
    pub(super) fn request_of(&self, life: &Life) -> Result<OrderRequest, Refused> {
        Ok(request_from(life, self.pay_order(life)?))
    }
}

/// A request as it was stored.
pub(super) fn request_from(life: &Life, stored: PayOrder) -> OrderRequest {
    let order = &life.order;
    OrderRequest {
        merchant_order_no: order.merchant_order_no.clone(),
        amount: order.amount,
        subject: stored.subject,
        method: order.method_word().to_owned(),
        auth_code: None,
        app_id: life.attempts.last().and_then(|attempt| attempt.notes.app_id.clone()),
        payer: stored.payer,
        store: stored.store.map(|store| store.id),
        terminal: stored.terminal,
        operator_id: stored.operator_id,
        auth_means: order.facts.auth_means.clone(),
        h5_type: stored.h5_type,
        client_ip: stored.client_ip,
        expires_in: Some(order.expires_at.since_ms(order.created_at).div_euclid(1000)),
        notify_url: order.facts.notify_url.clone(),
        return_url: order.facts.return_url.clone(),
        account: None,
        metadata: order.facts.metadata.clone(),
        static_code: order.facts.presented == super::place_order::STATIC_CODE,
        fingerprint: order.fingerprint.clone(),
    }
}

/// Why an order could be placed nowhere.
pub(super) fn nothing_left(decision: &Decision, mut problems: Vec<Problem>, views: &[AccountView<'_>]) -> Refused {
    if !problems.is_empty() {
        problems.dedup();
        return Refused::fields(problems);
    }
    let lines = || decision.considered.iter();
    let only = |reasons: &[Dropped]| lines().all(|line| line.dropped.is_none_or(|d| reasons.contains(&d)));
    if only(&[Dropped::NoSuchMethod, Dropped::NotBound, Dropped::NotPinned]) {
        return Refused {
            errors: vec![Problem::new("method", "is not available to this merchant; GET /v1/methods lists what is")],
            ..Refused::new(Code::MethodNotAvailable, "no account of this merchant serves the method")
        };
    }
    if only(&[Dropped::NoSuchMethod, Dropped::NotBound, Dropped::NotPinned, Dropped::WrongAppId]) {
        return Refused::field("app_id", "is not one of those that the accounts of this method serve");
    }
    let out_of_range = lines().filter(|line| line.dropped == Some(Dropped::AmountOutOfRange));
    let ranges = out_of_range.filter_map(|line| views.iter().find(|v| *v.id == line.account)).map(|v| (v.amount_min, v.amount_max));
    if let Some((min, max)) = ranges.reduce(|a: (Fen, Fen), b| (a.0.min(b.0), a.1.max(b.1))) {
        let reason = format!("must be {min} to {max} for this method at the accounts that are on");
        return Refused {
            errors: vec![Problem::new("amount", reason.clone())],
            ..Refused::new(Code::NoRoute, format!("no account can take this order: amount {reason}"))
        };
    }
    let closed = lines().any(|line| matches!(line.dropped, Some(Dropped::Closed | Dropped::Maintenance)));
    let why = if closed { "are off, closed at this hour or under maintenance" } else { "are off" };
    Refused::new(Code::NoRoute, format!("no account can take this order now: the ones that serve the method {why}"))
}

pub(super) fn missing_fields(profile: &sluice_contract::MethodProfile, request: &OrderRequest) -> Vec<Problem> {
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
