//! Clients of the merchant's shop, the merchant's own calls, and the payers with their phones.

use super::core::{Core, Event, Shared, short};
use super::stage::{ACCOUNTS, MERCHANT};
use serde_json::json;
use sluice::domain::{Life, OrderId, OrderStatus};
use sluice::flow::place_order::{OrderRequest, Placed, fingerprint};
use sluice::flow::refund::{RefundPlaced, RefundRequest};
use sluice::flow::{Code, Gateway, Refused};
use sluice::store::{Answer, ClaimKey, Kind, Nonce, Query};
use sluice_contract::Fen;
use sluice_simkit::{Behaviour, Outcome, State};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Place(usize),
    /// The same number with another amount.
    Conflict(usize),
    Pay(usize, Outcome),
    Confirm(usize),
    Close(usize),
    Reverse(usize),
    Refund(usize, usize),
    Sync(usize),
    Fresh(usize),
}

/// A refund the merchant means to make.
pub struct RefundPlan {
    pub request: RefundRequest,
    /// The refund's number, once it was answered 2xx.
    pub answered: Option<u32>,
}

/// One order the merchant means to place.
pub struct Client {
    pub request: OrderRequest,
    pub code: Option<String>,
    /// Of an answer 2xx.
    pub id: Option<OrderId>,
    pub conflict_id: Option<OrderId>,
    /// Told that the order will never be.
    pub refused: bool,
    pub tries: u32,
    pub refunds: Vec<RefundPlan>,
    pub end_told: Option<OrderStatus>,
}

const METHODS: [&str; 8] =
    ["wechat_native", "wechat_native", "wechat_jsapi", "wechat_app", "wechat_h5", "wechat_barcode", "wechat_barcode", "auto_barcode"];

fn print(request: &OrderRequest) -> Vec<u8> {
    fingerprint(&json!([request.merchant_order_no, request.amount, request.method, request.auth_code, request.expires_in]))
}

impl Core {
    /// Plans an order with everything that is to happen to it.
    pub fn plan(&mut self, index: usize) {
        let method = *self.dice.pick(&METHODS);
        let barcode = method.ends_with("barcode");
        let amount = Fen(self.dice.between(1, 1_000) * self.dice.between(1, 100));
        let mut request = OrderRequest {
            merchant_order_no: format!("M{}-{index}", self.seed),
            amount,
            subject: "Tea".into(),
            method: method.into(),
            client_ip: Some("203.0.113.7".into()),
            expires_in: (!barcode).then(|| *[60, 61, 90, 300, 900].get(self.dice.below(5)).unwrap_or(&60)),
            ..OrderRequest::default()
        };
        if method == "wechat_jsapi" {
            request.payer.openid = Some("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o".into());
        }
        if method == "wechat_h5" {
            request.h5_type = Some("Wap".into());
        }
        if self.dice.permille(150) {
            request.account = Some(ACCOUNTS[self.dice.below(2)].into());
        }
        self.clients.push(Client {
            request,
            code: None,
            id: None,
            conflict_id: None,
            refused: false,
            tries: 0,
            refunds: Vec::new(),
            end_told: None,
        });
        let start = self.dice.between(0, 90_000);
        self.after(start, Event::Act(Act::Place(index)));
        if barcode {
            self.plan_barcode(index, start)
        } else {
            self.plan_online(index, start)
        }
        self.plan_refunds(index, amount, start);
        for (chance, act) in [(150, Act::Sync(index)), (60, Act::Conflict(index)), (100, Act::Sync(index))] {
            if self.dice.permille(chance) {
                let ms = start + self.dice.between(1, 200_000);
                self.after(ms, Event::Act(act));
            }
        }
    }

    fn plan_online(&mut self, index: usize, start: i64) {
        let life_s = self.clients[index].request.expires_in.unwrap_or(900);
        if self.dice.permille(750) {
            let outcome = *self.dice.pick(&[Outcome::Pay, Outcome::Pay, Outcome::Pay, Outcome::Decline, Outcome::Abandon]);
            // Some pay in the very last second, and some try too late.
            let ms =
                if self.dice.permille(300) { life_s * 1000 + self.dice.between(-2_500, 2_500) } else { self.dice.between(200, 60_000) };
            self.after(start + ms, Event::Act(Act::Pay(index, outcome)));
        }
        if self.dice.permille(250) {
            let ms = start + self.dice.between(500, 70_000);
            self.after(ms, Event::Act(Act::Close(index)));
            if self.dice.permille(500) {
                // The payer and the merchant race.
                let near = ms + self.dice.between(-400, 400);
                self.after(near, Event::Act(Act::Pay(index, Outcome::Pay)));
            }
        }
        if self.dice.permille(300) {
            let ms = start + self.dice.between(500, 120_000);
            self.after(ms, Event::Act(Act::Fresh(index)));
        }
    }

    fn plan_barcode(&mut self, index: usize, start: i64) {
        if self.dice.permille(700) {
            // Around the earliest reversal, around giving up, or at ease.
            let ms = match self.dice.below(4) {
                0 => 15_000 + self.dice.between(-1_500, 2_500),
                1 => 45_000 + self.dice.between(-1_500, 2_500),
                _ => self.dice.between(500, 50_000),
            };
            self.after(start + ms, Event::Act(Act::Confirm(index)));
        }
        if self.dice.permille(350) {
            let ms = start + self.dice.between(500, 40_000);
            self.after(ms, Event::Act(Act::Reverse(index)));
            let near = ms.max(start + 15_000) + self.dice.between(-1_000, 1_000);
            self.after(near, Event::Act(Act::Confirm(index)));
        }
    }

    fn plan_refunds(&mut self, index: usize, amount: Fen, start: i64) {
        if !self.dice.permille(600) {
            return;
        }
        let twins = self.dice.permille(400);
        let count = if twins { 2 } else { 1 + self.dice.below(3) };
        let together = start + self.dice.between(5_000, 150_000);
        for nth in 0..count {
            let share = if twins { 60 } else { self.dice.between(10, 100) };
            let request = RefundRequest {
                merchant_refund_no: format!("F{}-{index}-{nth}", self.seed),
                amount: Fen((amount.0 * share / 100).max(1)),
                reason: None,
            };
            self.clients[index].refunds.push(RefundPlan { request, answered: None });
            let ms = if twins { together } else { start + self.dice.between(5_000, 200_000) };
            self.after(ms, Event::Act(Act::Refund(index, nth)));
            if self.dice.permille(300) {
                let again = ms + self.dice.between(0, 20_000);
                self.after(again, Event::Act(Act::Refund(index, nth)));
            }
        }
    }

    /// The order of a merchant's number, whoever knows of it.
    pub fn stored(&self, number: &str) -> Option<Life> {
        let key = ClaimKey { merchant_id: MERCHANT.into(), kind: Kind::Order, number: number.to_owned() };
        let Ok(Answer::Claim(Some(id))) = self.engine.answer(&Query::Claim(key)) else { return None };
        self.engine.life(&OrderId::parse(&id)?).ok()?
    }

    fn auth_code(&mut self) -> String {
        if self.dice.permille(400) {
            let kind = *self.dice.pick(&["01", "02", "02", "03", "04", "05", "06", "07", "08", "09", "11", "13"]);
            let seconds = *self.dice.pick(&["00", "03", "14", "15", "16", "44", "45", "46"]);
            return format!("1399{kind}{seconds}{:010}", self.dice.below(1_000_000_000));
        }
        let behaviour =
            *self.dice.pick(&[Behaviour::Pay, Behaviour::Password, Behaviour::Password, Behaviour::Decline, Behaviour::Timeout]);
        let balance = if self.dice.permille(100) { Fen(1) } else { Fen(1_000_000_000) };
        let now = self.truly();
        self.booths[0].sim.issue_auth_code(behaviour, balance, now)
    }

    fn scan(&mut self, index: usize, outcome: Outcome) {
        let Some(life) = self.stored(&self.clients[index].request.merchant_order_no.clone()) else { return };
        let now = self.truly();
        for attempt in life.attempts.iter().rev() {
            let number = life.order.id.attempt_number(attempt.seq);
            for booth in &mut self.booths {
                if booth.sim.ledger().get(&number).is_some_and(|e| e.status == State::Created) {
                    let seen = booth.sim.scan(&sluice_simkit::Scan::of(&format!("wechat:{number}"), outcome), now);
                    let seen = seen.map(|s| s.paid).map_err(|c| c.0);
                    return self.say(format!("payer {index} {outcome:?} {}: {seen:?}", short(&number)));
                }
            }
        }
    }

    fn confirm(&mut self, index: usize) {
        let Some(code) = self.clients[index].code.clone() else { return };
        let now = self.truly();
        for booth in 0..self.booths.len() {
            let done = self.booths[booth].sim.confirm(&code, now);
            if done.is_ok() {
                self.say(format!("payer {index} types the password"));
            }
        }
    }

    /// What an answer says of an order's end may never be taken back.
    fn told(&mut self, index: usize, life: &Life) {
        let status = life.order.status();
        let known = self.clients[index].end_told;
        if let Some(known) = known.filter(|known| *known != status) {
            self.complain(format!("client {index} was told {} and now {}", known.word(), status.word()));
        }
        if status != OrderStatus::Pending {
            self.clients[index].end_told = Some(status);
        }
        match self.engine.life(&life.order.id) {
            Ok(Some(stored)) if stored.order.version >= life.order.version => {}
            _ => self.complain(format!("I1: client {index} was told of version {}, which is not stored", life.order.version)),
        }
    }

    fn placed(&mut self, index: usize, amount: Fen, answer: Result<Placed, Refused>) {
        match answer {
            Ok(placed) => {
                let life = placed.life;
                self.say(format!(
                    "client {index} placed {} {} replay={}",
                    short(life.order.id.as_str()),
                    life.order.status().word(),
                    placed.replay
                ));
                if life.order.amount != amount {
                    self.complain(format!("client {index} asked for {amount} and was answered {}", life.order.amount));
                }
                let other = self.clients[index].id.clone().or(self.clients[index].conflict_id.clone());
                if other.as_ref().is_some_and(|other| *other != life.order.id) {
                    self.complain(format!("I2: client {index}: one number, two orders: {other:?} and {}", life.order.id));
                }
                self.told(index, &life);
                if amount == self.clients[index].request.amount {
                    self.clients[index].id = Some(life.order.id);
                } else {
                    self.clients[index].conflict_id = Some(life.order.id);
                }
            }
            Err(refused) => {
                self.say(format!("client {index} not placed: {}", why(&refused)));
                if matches!(refused.code, Code::OrderConflict | Code::InvalidRequest | Code::NoRoute | Code::LimitExceeded) {
                    self.clients[index].refused = true;
                }
            }
        }
    }

    fn refunded(&mut self, index: usize, nth: usize, answer: Result<RefundPlaced, Refused>) {
        match answer {
            Ok(placed) => {
                self.say(format!("client {index} refund {nth} is {} replay={}", placed.refund_seq, placed.replay));
                let seq = Some(placed.refund_seq);
                let plan = &self.clients[index].refunds[nth];
                let differs = plan.answered.is_some() && plan.answered != seq;
                let amount = placed.life.refund(placed.refund_seq).map(|r| r.amount);
                if differs || amount != Some(plan.request.amount) {
                    self.complain(format!("client {index}: one refund number, two refunds, or {amount:?}"));
                }
                self.clients[index].refunds[nth].answered = seq;
            }
            Err(refused) => {
                self.say(format!("client {index} refund {nth} refused: {}", why(&refused)));
            }
        }
    }

    /// An order that a client was told is closed takes no money any more and has taken none. Only of a ghost nobody could know: its
    /// money is late, and the checks at rest demand that it went back.
    fn closed(&mut self, index: usize, life: &Life) {
        for attempt in &life.attempts {
            let number = life.order.id.attempt_number(attempt.seq);
            if self.haunted.contains(&number) {
                continue;
            }
            let entry = self.booths.iter().find_map(|b| b.sim.ledger().get(&number).cloned());
            if entry.is_some_and(|e| matches!(e.status, State::Created | State::Paying) || e.remaining().0 > 0) {
                self.complain(format!("client {index} was told closed, and attempt {} can still be paid or was", attempt.seq));
            }
        }
    }
}

fn why(refused: &Refused) -> String {
    let cut: String = refused.inner.clone().unwrap_or_else(|| refused.detail.clone()).chars().take(90).collect();
    format!("{:?} {cut}", refused.code)
}

impl Shared {
    /// Lets somebody act. What a client asks runs as a task of its own: it may die, and it may be hung up on.
    pub fn act(&self, gateway: &Arc<Gateway>, act: Act) {
        let mut core = self.lock();
        match act {
            Act::Pay(index, outcome) => core.scan(index, outcome),
            Act::Confirm(index) => core.confirm(index),
            Act::Place(index) => self.place(gateway, &mut core, index),
            Act::Conflict(index) => self.place_other(gateway, &mut core, index),
            Act::Close(index) | Act::Reverse(index) | Act::Sync(index) | Act::Fresh(index) | Act::Refund(index, _) => {
                match core.clients[index].id.clone() {
                    Some(id) => self.ask_about(gateway, &mut core, index, id, act),
                    // A refused order never gets an id to ask about.
                    None if core.calm || core.clients[index].refused => {}
                    None => {
                        let ms = core.dice.between(1_000, 9_000);
                        core.after(ms, Event::Act(act));
                    }
                }
            }
        }
    }

    fn place(&self, gateway: &Arc<Gateway>, core: &mut Core, index: usize) {
        let client = &core.clients[index];
        if client.refused || (client.id.is_some() && core.calm) {
            return;
        }
        if client.request.method.ends_with("barcode") && client.code.is_none() {
            let code = core.auth_code();
            core.clients[index].code = Some(code.clone());
            core.clients[index].request.auth_code = Some(code);
        }
        core.clients[index].tries += 1;
        let tries = core.clients[index].tries;
        let mut request = core.clients[index].request.clone();
        request.fingerprint = print(&request);
        // Every try is signed afresh; now and then somebody sends the very same bytes again.
        let signed = if core.dice.permille(100) { tries.saturating_sub(1) } else { tries };
        let nonce = Nonce { key_id: "k1".into(), nonce: format!("n{index}-{signed}"), timestamp_s: core.wall().second().0 };
        let (world, gateway) = (self.clone(), Arc::clone(gateway));
        core.spawn(format!("client place {index}"), async move {
            let answer = gateway.place_order(MERCHANT, &request, Some(nonce)).await;
            world.lock().placed(index, request.amount, answer);
        });
        if tries < 12 && core.clients[index].id.is_none() {
            let ms = core.dice.between(4_000, 40_000);
            core.after(ms, Event::Act(Act::Place(index)));
        }
    }

    fn place_other(&self, gateway: &Arc<Gateway>, core: &mut Core, index: usize) {
        let mut request = core.clients[index].request.clone();
        if request.method.ends_with("barcode") && request.auth_code.is_none() {
            return;
        }
        request.amount = Fen(request.amount.0 + 1);
        request.fingerprint = print(&request);
        let (world, gateway) = (self.clone(), Arc::clone(gateway));
        core.spawn(format!("client conflict {index}"), async move {
            let answer = gateway.place_order(MERCHANT, &request, None).await;
            world.lock().placed(index, request.amount, answer);
        });
    }

    fn ask_about(&self, gateway: &Arc<Gateway>, core: &mut Core, index: usize, id: OrderId, act: Act) {
        let (world, gateway) = (self.clone(), Arc::clone(gateway));
        let refund = match act {
            Act::Refund(_, nth) => Some((nth, core.clients[index].refunds[nth].request.clone())),
            _ => None,
        };
        core.spawn(format!("client {act:?}"), async move {
            let life = match gateway.life_of(MERCHANT, id.as_str()).await {
                Ok(life) => life,
                Err(refused) => {
                    let lost = refused.code == Code::OrderNotFound;
                    if lost {
                        world.lock().complain(format!("I1: client {index}: {id} was answered 2xx and is not there"));
                    }
                    return;
                }
            };
            world.lock().told(index, &life);
            let answer = match act {
                Act::Close(_) => gateway.close(life).await,
                Act::Reverse(_) => gateway.reverse(life).await,
                Act::Fresh(_) => gateway.fresh_action(life).await,
                Act::Refund(..) => {
                    let Some((nth, request)) = refund else { return };
                    let answer = gateway.request_refund(life, &request, None).await;
                    return world.lock().refunded(index, nth, answer);
                }
                _ => gateway.sync(life).await,
            };
            let mut core = world.lock();
            match answer {
                Ok(life) => {
                    core.say(format!("client {index} {act:?}: {}", life.order.status().word()));
                    core.told(index, &life);
                    if matches!(act, Act::Close(_)) {
                        core.closed(index, &life);
                    }
                }
                Err(refused) => core.say(format!("client {index} {act:?}: {}", why(&refused))),
            }
        });
    }
}
