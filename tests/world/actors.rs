//! What clients of the merchant's shop, the merchant itself, and payers with their phones do. What they mean to do is in `plan`.

use super::core::{Core, Event, Shared, short};
use super::stage::MERCHANT;
use crate::harness::payer;
use serde_json::json;
use sluice::domain::life::Attempt;
use sluice::domain::{AttemptStatus, Life, OrderId, OrderStatus};
use sluice::flow::cashier::Arrival;
use sluice::flow::place_order::{OrderRequest, Placed, fingerprint};
use sluice::flow::refund::RefundPlaced;
use sluice::flow::{Code, Gateway, Refused};
use sluice::store::{Answer, ClaimKey, Kind, Nonce, Query};
use sluice_contract::{Fen, Method};
use sluice_simkit::{Outcome, Scan, State};
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
    /// The payer of a cashier order chooses a method.
    Choose(usize, Method),
}

fn print(request: &OrderRequest) -> Vec<u8> {
    fingerprint(&json!([request.merchant_order_no, request.amount, request.method, request.auth_code, request.expires_in]))
}

impl Core {
    /// The order of a merchant's number, whoever knows of it.
    pub fn stored(&self, number: &str) -> Option<Life> {
        let key = ClaimKey { merchant_id: MERCHANT.into(), kind: Kind::Order, number: number.to_owned() };
        let Ok(Answer::Claim(Some(id))) = self.engine.answer(&Query::Claim(key)) else { return None };
        self.engine.life(&OrderId::parse(&id)?).ok()?
    }

    /// The payer comes with the newest code that still lives: the channel's order if there is one, else what begins one.
    fn scan(&mut self, index: usize, outcome: Outcome) {
        let Some(life) = self.stored(&self.clients[index].request.merchant_order_no.clone()) else { return };
        let mut codes: Vec<&Attempt> = life.attempts.iter().rev().collect();
        // A screen that was left behind may still show what was chosen first.
        if life.order.method.is_none() && self.dice.permille(300) {
            codes.reverse();
        }
        for attempt in codes {
            let number = life.order.id.attempt_number(attempt.seq);
            let at = self.booths.iter().position(|b| b.sim.ledger().get(&number).is_some());
            let begun = at.map(|booth| (booth, vec![format!("{}:{number}", self.scene.channel)]));
            let Some((booth, contents)) = begun.or_else(|| self.shown(attempt, &number)) else { continue };
            if self.booths[booth].sim.ledger().get(&number).is_some_and(|e| e.status != State::Created) {
                continue;
            }
            for content in contents {
                let now = self.truly();
                let seen = self.booths[booth].sim.scan(&Scan::of(&content, outcome), now);
                let done = seen.is_ok();
                let seen = seen.map(|s| s.paid).map_err(|c| c.0);
                self.say(format!("payer {index} {outcome:?} {}: {seen:?}", short(&number)));
                if done {
                    return;
                }
            }
        }
    }

    /// What a payer can hold of an attempt that is no order at its channel yet: its code's text, or the page, form or app call.
    fn shown(&self, attempt: &Attempt, number: &str) -> Option<(usize, Vec<String>)> {
        let booth = self.scene.accounts.iter().position(|account| *account == attempt.account)?;
        let action = serde_json::to_value(attempt.notes.action.as_ref()?).ok()?;
        let content = payer::content(&action);
        Some((booth, content.into_iter().chain([format!("{}:{number}", self.scene.channel)]).collect()))
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
            // Where the channel cannot confirm a close the code lives on, and what is paid then is late money, which may have come already.
            if self.haunted.contains(&number) || attempt.status() == AttemptStatus::Abandoned || attempt.late {
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
            Act::Close(index)
            | Act::Reverse(index)
            | Act::Sync(index)
            | Act::Fresh(index)
            | Act::Refund(index, _)
            | Act::Choose(index, _) => {
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
            let code = core.auth_code(index);
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
                Act::Choose(_, method) => gateway.choose(life, method, &Arrival::default()).await,
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
                    if let Act::Choose(_, method) = act {
                        let shown = life.attempts.last().filter(|a| a.status().is_open()).map(|a| a.method == method);
                        core.see(format!(
                            "choice {} after {} others, {}",
                            life.order.status().word(),
                            life.attempts.len().saturating_sub(1),
                            match shown {
                                Some(true) => "shown",
                                Some(false) => "another stands",
                                None => "nothing stands",
                            }
                        ));
                    }
                    if matches!(act, Act::Close(_)) {
                        core.closed(index, &life);
                    }
                }
                Err(refused) => core.say(format!("client {index} {act:?}: {}", why(&refused))),
            }
        });
    }
}
