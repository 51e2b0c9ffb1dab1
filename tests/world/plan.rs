//! What the clients mean to do, drawn before anything happens: orders, payments around every moment that matters, wishes, refunds.

use super::actors::Act;
use super::core::{Core, Event};
use sluice::domain::choice::CASHIER;
use sluice::domain::{OrderId, OrderStatus};
use sluice::flow::cashier::is_for_pages;
use sluice::flow::place_order::OrderRequest;
use sluice::flow::refund::RefundRequest;
use sluice_contract::{Fen, Method};
use sluice_simkit::{Behaviour, Outcome};

const OPENID: &str = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";
const BUYER_ID: &str = "2088102146225135";

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
    /// How the payer's code behaves; `None`: the dice say so.
    pub behaviour: Option<Behaviour>,
    /// Of an answer 2xx.
    pub id: Option<OrderId>,
    pub conflict_id: Option<OrderId>,
    /// Told that the order will never be.
    pub refused: bool,
    pub tries: u32,
    pub refunds: Vec<RefundPlan>,
    pub end_told: Option<OrderStatus>,
}

impl Core {
    /// Plans an order with everything that is to happen to it.
    pub fn plan(&mut self, index: usize) {
        let payers_choice = self.dice.permille(200);
        let method = if payers_choice { CASHIER.to_owned() } else { self.dice.pick(&self.scene.methods).clone() };
        let barcode = method.ends_with("barcode");
        let amount = Fen(self.dice.between(1, 1_000) * self.dice.between(1, 100));
        self.intend(index, method, amount);
        let start = self.dice.between(0, 90_000);
        self.after(start, Event::Act(Act::Place(index)));
        if barcode {
            self.plan_barcode(index, start)
        } else {
            self.plan_online(index, start)
        }
        if payers_choice {
            self.plan_choices(index, start);
        }
        self.plan_refunds(index, amount, start);
        for (chance, act) in [(150, Act::Sync(index)), (60, Act::Conflict(index)), (100, Act::Sync(index))] {
            if self.dice.permille(chance) {
                let ms = start + self.dice.between(1, 200_000);
                self.after(ms, Event::Act(act));
            }
        }
    }

    /// One more client who means to place an order.
    pub fn intend(&mut self, index: usize, method: String, amount: Fen) {
        let barcode = method.ends_with("barcode");
        let mut request = OrderRequest {
            merchant_order_no: format!("M{}-{index}", self.seed),
            amount,
            subject: "Tea".into(),
            method,
            client_ip: Some("203.0.113.7".into()),
            expires_in: (!barcode).then(|| *[60, 61, 90, 300, 900].get(self.dice.below(5)).unwrap_or(&60)),
            ..OrderRequest::default()
        };
        self.complete(&mut request);
        if request.method != CASHIER && self.dice.permille(150) {
            request.account = Some(self.scene.accounts[self.dice.below(2)].clone());
        }
        self.clients.push(Client {
            request,
            code: None,
            behaviour: None,
            id: None,
            conflict_id: None,
            refused: false,
            tries: 0,
            refunds: Vec::new(),
            end_told: None,
        });
    }

    /// Whatever the method asks for beside the amount; a life the method allows.
    fn complete(&self, request: &mut OrderRequest) {
        if request.method == CASHIER {
            // Known to the merchant's shop already.
            request.payer.openid = Some(OPENID.into());
            request.payer.buyer_id = Some(BUYER_ID.into());
        }
        let Some(profile) = Method::from_word(&request.method).map(|method| self.scene.method(method)) else { return };
        request.expires_in = request.expires_in.map(|s| s.clamp(profile.expires_in_min_s, profile.expires_in_max_s));
        let firsts = profile.required_one_of.iter().filter_map(|group| group.first());
        for field in profile.required.iter().chain(firsts) {
            match *field {
                "payer.openid" => request.payer.openid = Some(OPENID.into()),
                "payer.buyer_id" => request.payer.buyer_id = Some(BUYER_ID.into()),
                "h5_type" => request.h5_type = Some("Wap".into()),
                _ => {}
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

    /// The payer chooses, and chooses again: from two tabs at once, around a payment, around the end of the order.
    fn plan_choices(&mut self, index: usize, start: i64) {
        let ways: Vec<Method> = self.scene.methods.iter().filter_map(|word| Method::from_word(word)).filter(|m| is_for_pages(*m)).collect();
        let life_ms = self.clients[index].request.expires_in.unwrap_or(900) * 1000;
        for nth in 0..1 + self.dice.below(5) {
            let first = if nth == 0 { self.dice.between(100, 10_000) } else { self.dice.between(100, life_ms + 2_000) };
            let (ms, method) = (start + first, *self.dice.pick(&ways));
            self.after(ms, Event::Act(Act::Choose(index, method)));
            if self.dice.permille(300) {
                let (other, near) = (*self.dice.pick(&ways), ms + self.dice.between(0, 600));
                self.after(near, Event::Act(Act::Choose(index, other)));
            }
            if self.dice.permille(400) {
                let near = ms + self.dice.between(-400, 4_000);
                self.after(near, Event::Act(Act::Pay(index, Outcome::Pay)));
            }
        }
    }

    fn plan_barcode(&mut self, index: usize, start: i64) {
        let rule = self.scene.reversal();
        let (earliest_ms, give_up_ms) = (rule.earliest_s * 1000, rule.give_up_after_s * 1000);
        if self.dice.permille(700) {
            // Around the earliest reversal, around giving up, or at ease.
            let ms = match self.dice.below(4) {
                0 => earliest_ms + self.dice.between(-1_500, 2_500),
                1 => give_up_ms + self.dice.between(-1_500, 2_500),
                _ => self.dice.between(500, 50_000),
            };
            self.after(start + ms, Event::Act(Act::Confirm(index)));
        }
        if self.dice.permille(350) {
            let ms = start + self.dice.between(500, 40_000);
            self.after(ms, Event::Act(Act::Reverse(index)));
            let near = ms.max(start + earliest_ms) + self.dice.between(-1_000, 1_000);
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

    pub fn auth_code(&mut self, index: usize) -> String {
        if let Some(behaviour) = self.clients[index].behaviour {
            let now = self.truly();
            return self.booths[0].sim.issue_auth_code(behaviour, Fen(1_000_000_000), now);
        }
        let magic = &self.scene.habits.magic;
        if self.dice.permille(400) && !magic.kinds.is_empty() {
            let kind = *self.dice.pick(magic.kinds);
            // Seconds around the earliest reversal and around giving up.
            let (early, late) = (self.scene.reversal().earliest_s, self.scene.reversal().give_up_after_s);
            let seconds = *self.dice.pick(&[0, 3, early - 1, early, early + 1, late - 1, late, late + 1]);
            let head = format!("{}{kind}{:02}", magic.prefix, seconds.max(0));
            let rest = self.dice.below(1_000_000_000);
            return format!("{head}{rest:0width$}", width = magic.len - head.len());
        }
        let behaviour =
            *self.dice.pick(&[Behaviour::Pay, Behaviour::Password, Behaviour::Password, Behaviour::Decline, Behaviour::Timeout]);
        let balance = if self.dice.permille(100) { Fen(1) } else { Fen(1_000_000_000) };
        let now = self.truly();
        self.booths[0].sim.issue_auth_code(behaviour, balance, now)
    }
}
