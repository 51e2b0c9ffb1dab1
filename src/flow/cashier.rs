//! The cashier (收银台): an order that leaves the method to its payer, who chooses on our page. The order is stored without an attempt; each
//! choice opens one by the router's ordinary decision, and another choice closes the last one at its channel first. Where no close can be
//! confirmed the code left behind is abandoned and dies within minutes; should both be paid, the second payment goes back by itself.

use super::candidates::{Against, CHAIN, Walk, nothing_left, request_from};
use super::directory::{Directory, MerchantEntry};
use super::limits::Hashed;
use super::place_order::{NothingLeft, OrderRequest, Placed};
use super::{Code, Gateway, Refused, open_pay_order};
use crate::domain::life::{Attempt, Life};
use crate::domain::limit::PassedOver;
use crate::domain::route::Decision;
use crate::domain::{Order, OrderId};
use crate::store::{Command, Nonce, Outcome};
use sluice_contract::{Method, Millis, PayOrder, Payer, Problem};
use std::sync::Arc;

/// Methods that no page of ours can offer: the till's, a merchant's app's, and a company's bank login.
const NOT_ON_A_PAGE: &[&str] = &["_barcode", "_app", "_mini", "_b2b"];
/// Attempts of one order. Whoever needs more is not choosing how to pay.
const ATTEMPTS_MAX: u32 = 30;
/// Rounds of one choice: close what stands in the way, open, look again because somebody else was faster.
const ROUNDS_MAX: usize = 4;
/// What a page in a phone's browser is to a channel.
const H5_TYPE: &str = "Wap";
/// Takes the place of the payer's address until he arrives.
const NOBODY_YET: &str = "0.0.0.0";

/// What a payer's request tells of him.
#[derive(Clone, Debug, Default)]
pub struct Arrival {
    pub client_ip: Option<String>,
    pub known: Option<Known>,
}

/// A payer by the id that an account's app gave him, which is good at that account only.
#[derive(Clone, Debug)]
pub struct Known {
    pub account: String,
    pub payer: Payer,
}

/// Everything a walk to an account borrows.
pub(super) struct Errand<'a> {
    directory: &'a Directory,
    merchant: &'a MerchantEntry,
    pub(super) request: OrderRequest,
    pub(super) pay_order: PayOrder,
    hashed: Hashed,
    sealed: Vec<u8>,
    at: Millis,
}

impl Errand<'_> {
    pub(super) fn walk<'w>(&'w self, order: &'w Order, method: Method, seq: u32) -> Walk<'w> {
        Walk {
            directory: self.directory,
            merchant: self.merchant,
            request: &self.request,
            order,
            method,
            chosen: Some(&self.sealed),
            pay_order: &self.pay_order,
            hashed: &self.hashed,
            at: self.at,
            seq,
        }
    }
}

/// Whether a page can offer it: a code to scan, a page of the channel's, or the bridge of the app that shows ours.
#[must_use]
pub fn is_for_pages(method: Method) -> bool {
    !NOT_ON_A_PAGE.iter().any(|end| method.word().ends_with(end))
}

impl Gateway {
    /// `POST /v1/orders` for the cashier. Refused here is what no choice could mend; limits are reserved when an attempt is opened.
    pub(super) async fn place_for_cashier(
        &self,
        directory: &Directory,
        merchant: &MerchantEntry,
        request: &OrderRequest,
        nonce: &mut Option<Nonce>,
    ) -> Result<Placed, Refused> {
        let problems = left_to_the_payer(request);
        if !problems.is_empty() {
            return Err(Refused::fields(problems));
        }
        let (now, merchant_id) = (self.now(), merchant.merchant.id.as_str());
        let id = OrderId::new(now, self.random());
        let errand = self.errand(directory, merchant, request.clone(), &id, &Arrival::default())?;
        let risk = match self.judge_risk(directory, merchant_id, request, &errand.hashed) {
            Ok(allowed) => allowed,
            Err(refused) => return self.replay_or(merchant_id, request, refused).await,
        };
        let pay_order = self.pay_order_of(merchant, request, &id);
        let mut draft = self.draft(merchant_id, request, None, &id, now, &pay_order)?;
        draft.facts.risk = Some(risk);
        if let Err(refused) = self.has_a_way(&errand, &draft).await {
            return self.replay_or(merchant_id, request, refused).await;
        }
        let command = Command::PlaceOrder { nonce: nonce.take(), order: Box::new(draft), candidates: Vec::new() };
        let outcome = self.submit(command).await?;
        self.placed(outcome, request, &pay_order).await
    }

    /// What the payer could choose now, of these: some account would take the order. Which limits are full is not asked.
    pub fn ways(&self, life: &Life, among: &[Method], arrival: &Arrival) -> Result<Vec<Method>, Refused> {
        let directory = self.directory.load_full();
        let Some(merchant) = directory.merchant(&life.order.merchant_id) else { return Ok(Vec::new()) };
        let errand = self.errand(&directory, merchant, self.asked_of(life)?, &life.order.id, arrival)?;
        let seq = next_seq(life);
        let open = |method: &&Method| {
            let walk = errand.walk(&life.order, **method, seq);
            self.is_way(&walk).is_ok() || self.is_identifiable(&walk, &mut Against::default())
        };
        Ok(among.iter().filter(open).copied().collect())
    }

    /// The payer chooses. The same choice again finds the same code; another one closes what stands in the way first. What cannot be closed
    /// at once is left as it is: the worker goes on, and the payer chooses again when it is closed.
    ///
    /// # Errors
    /// Nobody takes the order by this method, and why.
    pub async fn choose(&self, mut life: Life, method: Method, arrival: &Arrival) -> Result<Life, Refused> {
        for _ in 0..ROUNDS_MAX {
            if !life.outlives_attempts(self.now()) {
                break;
            }
            let Some(open) = life.attempts.last().filter(|attempt| attempt.status().is_open()) else {
                let (opened, ours) = self.open(life, method, arrival).await?;
                if ours {
                    return Ok(opened);
                }
                life = opened;
                continue;
            };
            if self.is_same(open, method) {
                if !self.can_repeat(open) || self.is_shown(open) {
                    break;
                }
                // The first request may still be under way: then there is nothing to show yet.
                let renewed = self.renew_action(life.clone()).await;
                return renewed.or_else(|refused| if refused.code == Code::InProgress { Ok(life) } else { Err(refused) });
            }
            let seq = open.seq;
            life = self.leave(life, seq).await?;
            if life.attempt(seq).is_some_and(|attempt| attempt.status().is_open()) {
                break;
            }
        }
        Ok(life)
    }

    /// Opens and pays the attempt of a choice; answers whether it was ours to open.
    async fn open(&self, life: Life, method: Method, arrival: &Arrival) -> Result<(Life, bool), Refused> {
        let seq = next_seq(&life);
        if seq > ATTEMPTS_MAX {
            return Err(Refused::new(Code::RateLimited, "this order was tried too often; place a new one"));
        }
        let directory = self.directory.load_full();
        let merchant = directory.merchant(&life.order.merchant_id).ok_or_else(|| Refused::inner("the merchant of an order is gone"))?;
        let errand = self.errand(&directory, merchant, self.asked_of(&life)?, &life.order.id, arrival)?;
        self.judge_risk(&directory, &life.order.merchant_id, &errand.request, &errand.hashed)?;
        let walk = errand.walk(&life.order, method, seq);
        let choose = |candidates| Command::Choose { order_id: life.order.id.clone(), attempt_seq: seq, candidates, at: walk.at };
        let stored = self.decide_and_store(&walk, choose).await.map_err(|left| match left {
            NothingLeft::Against(refused) | NothingLeft::Failed(refused) => refused,
        })?;
        let Outcome::Begun { life, go } = stored else { return Err(Refused::inner("an unexpected outcome of choose")) };
        if !go {
            return Ok((*life, false));
        }
        crate::crash::point("chosen.before_pay");
        let stored = (*life).clone();
        let paid = self.pay(*life, &errand.request, &errand.pay_order).await;
        let paid = paid.unwrap_or_else(|refused| {
            tracing::error!(order = %stored.order.id, why = refused.inner.unwrap_or(refused.detail), "an answer could not be booked");
            stored
        });
        Ok((paid, true))
    }

    /// Closes what the payer has left. A dead channel confirms nothing: the worker closes it when it answers again.
    async fn leave(&self, life: Life, seq: u32) -> Result<Life, Refused> {
        let life = self.want_closed(&life, seq, "the payer chose another way").await?;
        let Some(attempt) = life.attempt(seq).filter(|attempt| attempt.undo.is_some() && !self.is_mute(&attempt.account)) else {
            return Ok(life);
        };
        let seq = attempt.seq;
        let (left, _) = self.undo(&life, seq).await?;
        let left = self.carry_on(left).await?;
        // Not closed: because it is paid, because it will not, or because nobody answered. What the channel says now decides.
        let open = left.attempt(seq).is_some_and(|attempt| attempt.status().is_open());
        if open { self.query_attempt(&left, seq).await } else { Ok(left) }
    }

    /// What the merchant asked for. What an earlier choice learned of its payer is that choice's.
    pub(super) fn asked_of(&self, life: &Life) -> Result<OrderRequest, Refused> {
        Ok(request_from(life, open_pay_order(&self.sealer, &life.order.sealed).map_err(Refused::inner)?))
    }

    pub(super) fn errand<'a>(
        &self,
        directory: &'a Directory,
        merchant: &'a MerchantEntry,
        request: OrderRequest,
        id: &OrderId,
        arrival: &Arrival,
    ) -> Result<Errand<'a>, Refused> {
        let client_ip = arrival.client_ip.clone().or(request.client_ip.clone()).or_else(|| Some(NOBODY_YET.to_owned()));
        let h5_type = request.h5_type.clone().or_else(|| Some(H5_TYPE.to_owned()));
        let request = match arrival.known.clone() {
            Some(Known { account, payer }) => {
                let payer = Payer { customer_id: request.payer.customer_id, ..payer };
                OrderRequest { client_ip, h5_type, payer, account: Some(account), ..request }
            }
            None => OrderRequest { client_ip, h5_type, ..request },
        };
        let pay_order = self.pay_order_of(merchant, &request, id);
        let sealed = self.seal_pay_order(&pay_order)?;
        let hashed = self.hashed(directory, &merchant.merchant.id, &request);
        Ok(Errand { directory, merchant, request, pay_order, hashed, sealed, at: self.now() })
    }

    /// Whether some account would take the order by this method now, as far as that is known without its counters.
    pub(super) fn is_way(&self, walk: &Walk<'_>) -> Result<(), (Arc<Decision>, Against)> {
        let mut decision = Arc::new(self.would_decide(walk));
        let mut against = Against::default();
        for chain in decision.chain().chunks(CHAIN) {
            if !self.admitted(walk, chain, &mut decision, &mut against).is_empty() {
                return Ok(());
            }
        }
        Err((decision, against))
    }

    /// Whether some choice could take the order; else what stands against the one that came nearest.
    async fn has_a_way(&self, errand: &Errand<'_>, draft: &Order) -> Result<(), Refused> {
        let (mut full, mut nearest): (Vec<PassedOver>, Option<Refused>) = (Vec::new(), None);
        for method in Method::ALL.iter().copied().filter(|method| is_for_pages(*method)) {
            let walk = errand.walk(draft, method, 1);
            let Err((decision, mut against)) = self.is_way(&walk) else { return Ok(()) };
            if self.is_identifiable(&walk, &mut against) {
                return Ok(());
            }
            let refused = nothing_left(&decision, against.problems, &walk.views());
            full.extend(against.passed);
            if nearest.as_ref().is_none_or(|known| nearness(refused.code) > nearness(known.code)) {
                nearest = Some(refused);
            }
        }
        if !full.is_empty() {
            return Err(self.over_limit(full, draft.amount, errand.at).await);
        }
        Err(nearest.unwrap_or_else(|| Refused::new(Code::MethodNotAvailable, "no method of this merchant can be offered on a page")))
    }

    /// The payer has something to pay with that lives.
    fn is_shown(&self, attempt: &Attempt) -> bool {
        !super::pay::no_action(attempt) && !self.is_dead(attempt)
    }

    /// The payer chooses what he has: the same code again, or a fresh one under its number.
    pub(super) fn is_same(&self, open: &Attempt, method: Method) -> bool {
        open.method == method && open.undo.is_none() && (self.can_repeat(open) || !self.is_dead(open))
    }

    fn is_dead(&self, attempt: &Attempt) -> bool {
        attempt.notes.action_expires_at.is_some_and(|at| at <= self.now())
    }

    fn can_repeat(&self, attempt: &Attempt) -> bool {
        self.account_of(attempt).is_ok_and(|account| self.method_profile(&account, attempt).is_ok_and(|profile| profile.can_repeat))
    }
}

pub(super) fn next_seq(life: &Life) -> u32 {
    life.attempts.last().map_or(1, |attempt| attempt.seq.saturating_add(1))
}

/// How much a refusal says of an order that several methods refused: least, that a merchant has not got one of them.
const fn nearness(code: Code) -> u8 {
    match code {
        Code::NoRoute => 2,
        Code::MethodNotAvailable => 0,
        _ => 1,
    }
}

/// What a merchant cannot name where the payer's choice decides.
fn left_to_the_payer(request: &OrderRequest) -> Vec<Problem> {
    let given = [("account", request.account.is_some()), ("app_id", request.app_id.is_some()), ("auth_code", request.auth_code.is_some())];
    let named = given.into_iter().filter(|(_, given)| *given);
    named.map(|(field, _)| Problem::new(field, "cannot be named for a cashier order: it follows from what the payer chooses")).collect()
}
