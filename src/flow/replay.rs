//! Past orders, asked again under other rules: what would become of shares, cost and refusals. Pure: the books come in, oldest first, a
//! tally goes out. What the router learns on the way are the real outcomes, each at the time it was known.

use super::directory::Directory;
use super::pulse::verdict;
use crate::domain::life::{Attempt, Life};
use crate::domain::route::health::Guard;
use crate::domain::route::memory::Segment;
use crate::domain::route::sticky::hash;
use crate::domain::route::{self, AccountView, Decision, Dropped, Memory, Need, Question, Routing};
use crate::domain::when::{self, Facts};
use crate::domain::{Name, Order};
use sluice_contract::{Fen, Method, Millis, PayOrder, Payer};
use std::collections::{BTreeMap, BTreeSet};

/// The router of the new rules on its way through the past.
pub struct Replay<'a> {
    directory: &'a Directory,
    routing: Routing,
    views: Vec<AccountView<'a>>,
    memory: Memory,
    /// What was not known yet when the last order came, by when it was; the number keeps equal times apart.
    coming: BTreeMap<(Millis, u64), Outcome>,
    serial: u64,
    pub tally: Tally,
}

struct Outcome {
    account: Name,
    method: Method,
    amount: Fen,
    good: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub orders: u64,
    /// Would first have gone to another account.
    pub changed: u64,
    /// Refused ones by what stood against the accounts.
    pub refused: BTreeMap<Vec<Dropped>, u64>,
    /// Of those, how many had been paid.
    pub refused_paid: u64,
    then: BTreeMap<String, Side>,
    new: BTreeMap<String, Side>,
    /// Outcomes that speak for or against an account: good ones, all.
    observed: BTreeMap<(String, Method), (u64, u64)>,
    /// Orders that the new rules give.
    given: BTreeMap<(String, Method), u64>,
}

/// What one account has on one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// Orders that were sent here first.
    pub orders: u64,
    /// Of the orders that were paid then.
    pub fee_fen: i64,
    /// Paid orders whose fee is not known: the account has no tariff.
    pub no_fee: u64,
}

/// One account's line of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub account: String,
    pub then: Side,
    pub new: Side,
    /// Good outcomes of all that were observed here.
    pub success_then: (u64, u64),
    /// Estimated: the observed share of each method, by the orders that the new rules give of it.
    pub success_new_ppm: Option<u64>,
    /// Orders given here of methods that nothing was observed of.
    pub unseen: u64,
}

impl<'a> Replay<'a> {
    #[must_use]
    pub fn new(directory: &'a Directory) -> Replay<'a> {
        // Whether a channel answered then is not in the books: every account counts as well.
        let guard = Guard { enabled: false, ..directory.routing.guard };
        Replay {
            directory,
            routing: Routing { guard, ..directory.routing.clone() },
            views: directory.accounts.iter().map(|account| account.view()).collect(),
            memory: Memory::default(),
            coming: BTreeMap::new(),
            serial: 0,
            tally: Tally::default(),
        }
    }

    /// Takes the next order. `stored`: what was sealed with it, if it could be opened.
    pub fn take(&mut self, life: &Life, stored: Option<&PayOrder>) {
        let Some(first) = life.attempts.first() else { return };
        self.learn_until(life.order.created_at);
        let decision = self.decide(&life.order, first, stored);
        let chosen = decision.ranked().next().map(|(_, line)| line.account.clone());
        self.memory.begin(&decision, life.order.created_at);
        self.memory.settle(&decision, chosen.as_deref());
        self.tally.count_then(life, first);
        match chosen {
            Some(chosen) => {
                let fee = self.directory.account(&chosen).and_then(|account| account.fee.as_ref()?.fee(life.order.amount));
                self.tally.count_new(life, first, chosen.into(), fee);
            }
            None => self.tally.count_refused(life, &decision),
        }
        self.await_outcomes(life);
    }

    fn decide(&self, order: &Order, first: &Attempt, stored: Option<&PayOrder>) -> Decision {
        let (nobody, merchant) = (Payer::default(), self.directory.merchant(&order.merchant_id));
        // The account that a merchant chose itself is kept in the decision only.
        let pinned = first.notes.route.get("pinned").map(|_| first.account.as_str());
        let app_id = first.notes.app_id.as_deref();
        let need = Need {
            method: first.method,
            amount: order.amount,
            app_id,
            pinned,
            bindings: merchant.map_or(&[][..], |merchant| &merchant.bindings),
            now: order.created_at,
        };
        let facts = Facts {
            order: when::Asked {
                merchant_order_no: &order.merchant_order_no,
                amount: order.amount,
                currency: "CNY",
                subject: &order.facts.subject,
                method: first.method.word(),
                app_id,
                store: stored.and_then(|stored| Some(stored.store.as_ref()?.id.as_str())),
                operator_id: stored.and_then(|stored| stored.operator_id.as_deref()),
                auth_means: order.facts.auth_means.as_deref(),
                h5_type: stored.and_then(|stored| stored.h5_type.as_deref()),
                client_ip: stored.and_then(|stored| stored.client_ip.as_deref()),
                expires_in: Some(order.expires_at.since_ms(order.created_at).div_euclid(1_000)),
                account: pinned,
                terminal: stored.and_then(|stored| stored.terminal.as_ref()),
                metadata: &order.facts.metadata,
            },
            payer: stored.map_or(&nobody, |stored| &stored.payer),
            merchant_id: &order.merchant_id,
            merchant_name: merchant.map_or("", |merchant| &merchant.merchant.name),
            account: "",
            channel: "",
            now: order.created_at,
        };
        let prefer = merchant.and_then(|merchant| merchant.merchant.prefer.as_deref());
        // The order's own name for chance: the same replay gives the same answer.
        let draw = hash(&[order.id.as_str()]);
        let question = Question { need, facts, prefer, tried: &[], within: None, draw };
        route::decide(&question, &self.views, &self.routing, &self.memory)
    }

    fn await_outcomes(&mut self, life: &Life) {
        for attempt in &life.attempts {
            let Some(good) = verdict(&life.order, attempt) else { continue };
            self.tally.observe(&attempt.account, attempt.method, good);
            self.serial = self.serial.saturating_add(1);
            let at = attempt.ended_at.unwrap_or(attempt.at);
            let outcome = Outcome { account: attempt.account.as_str().into(), method: attempt.method, amount: life.order.amount, good };
            self.coming.insert((at, self.serial), outcome);
        }
    }

    fn learn_until(&mut self, now: Millis) {
        while let Some(((at, _), outcome)) = self.coming.first_key_value().filter(|((at, _), _)| *at <= now) {
            let segment = Segment { account: &outcome.account, method: outcome.method, amount: outcome.amount };
            self.memory.ended(segment, outcome.good, *at, &self.routing.taste);
            self.coming.pop_first();
        }
    }
}

impl Tally {
    fn count_then(&mut self, life: &Life, first: &Attempt) {
        self.orders = self.orders.saturating_add(1);
        self.then.entry(first.account.clone()).or_default().order();
        if let Some(winner) = life.winning() {
            let fee = winner.notes.fee.as_ref().and_then(|tariff| tariff.fee(life.order.amount));
            self.then.entry(winner.account.clone()).or_default().paid(fee);
        }
    }

    fn count_new(&mut self, life: &Life, first: &Attempt, chosen: String, fee: Option<Fen>) {
        if chosen != first.account {
            self.changed = self.changed.saturating_add(1);
        }
        let side = self.new.entry(chosen.clone()).or_default();
        side.order();
        if life.winning().is_some() {
            side.paid(fee);
        }
        let given = self.given.entry((chosen, first.method)).or_default();
        *given = given.saturating_add(1);
    }

    /// What everybody lacks says nothing: an account of another method or merchant is named only where there is no other.
    fn count_refused(&mut self, life: &Life, decision: &Decision) {
        let all: BTreeSet<Dropped> = decision.considered.iter().filter_map(|line| line.dropped).collect();
        let telling =
            all.iter().copied().filter(|dropped| !matches!(dropped, Dropped::NotBound | Dropped::NoSuchMethod | Dropped::NotPinned));
        let telling: Vec<Dropped> = telling.collect();
        let reasons = if telling.is_empty() { all.into_iter().collect() } else { telling };
        let known = self.refused.entry(reasons).or_default();
        *known = known.saturating_add(1);
        self.refused_paid = self.refused_paid.saturating_add(u64::from(life.winning().is_some()));
    }

    fn observe(&mut self, account: &str, method: Method, good: bool) {
        let (goods, all) = self.observed.entry((account.to_owned(), method)).or_default();
        (*goods, *all) = (goods.saturating_add(u64::from(good)), all.saturating_add(1));
    }

    /// The accounts of the new folder in its order, then those that are there no more.
    #[must_use]
    pub fn rows(&self, directory: &Directory) -> Vec<Row> {
        let known = directory.accounts.iter().map(|account| account.id.as_str());
        let gone = self.then.keys().map(String::as_str).filter(|id| directory.account(id).is_none());
        known.chain(gone).map(|id| self.row(id)).collect()
    }

    fn row(&self, id: &str) -> Row {
        let of = |sides: &BTreeMap<String, Side>| sides.get(id).copied().unwrap_or_default();
        let observed = self.observed.iter().filter(|((account, _), _)| account == id).map(|(_, seen)| seen);
        let success_then = observed.fold((0_u64, 0_u64), |(good, all), seen| (good.saturating_add(seen.0), all.saturating_add(seen.1)));
        let (mut sum, mut seen, mut unseen) = (0_u128, 0_u64, 0_u64);
        for (segment, given) in self.given.iter().filter(|((account, _), _)| account == id) {
            match self.observed.get(segment) {
                Some((good, all)) => {
                    let expected = u128::from(*given).saturating_mul(u128::from(*good)).saturating_mul(1_000_000);
                    sum = sum.saturating_add(expected.checked_div(u128::from(*all)).unwrap_or_default());
                    seen = seen.saturating_add(*given);
                }
                None => unseen = unseen.saturating_add(*given),
            }
        }
        let success_new_ppm = sum.checked_div(u128::from(seen)).and_then(|ppm| u64::try_from(ppm).ok());
        Row { account: id.to_owned(), then: of(&self.then), new: of(&self.new), success_then, success_new_ppm, unseen }
    }
}

impl Side {
    fn order(&mut self) {
        self.orders = self.orders.saturating_add(1);
    }

    fn paid(&mut self, fee: Option<Fen>) {
        match fee {
            Some(fee) => self.fee_fen = self.fee_fen.saturating_add(fee.0),
            None => self.no_fee = self.no_fee.saturating_add(1),
        }
    }
}
