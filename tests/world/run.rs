//! One world from its seed to its end: the safety phase, in which anything may break and nothing may be wrong, then the liveness
//! phase, in which everything must finish.

use super::check;
use super::core::{BASE_MS, Core, Event, Shared};
use super::dice::Dice;
use super::spy;
use super::stage::{self, Scene};
use super::tasks::Tasks;
use super::weather::{heal, pass_time, weather};
use crate::model::books::Books;
use sluice::flow::{Account, Gateway};
use sluice::store::{Answer, Command, Outcome, Query};
use sluice_contract::{Millis, RawCallback, Verb};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What became of a seed.
pub struct Report {
    pub wrong: Vec<String>,
    pub trace: Vec<String>,
    pub hash: u64,
    pub commits: u64,
    /// How often each kind of thing happened.
    pub seen: BTreeMap<String, u64>,
}

/// What may happen in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipe {
    Anything,
    /// B1: three payments in ten are executed and not answered.
    LostAnswers,
    /// B2: passwords are typed around the reversal, and nobody's answers are sure.
    LatePasswords,
    /// B6: the first account times out, loses, resets and refuses at random.
    Failover,
    /// B5: the first account is down for five minutes, then slow for two.
    Storm,
    /// The same with few orders, for many worlds.
    Squall,
    /// Every call is executed and none is answered, for eight days.
    Silence,
}

/// More steps than any world needs: a hot loop ends here.
const STEPS_MAX: u32 = 1_000_000;
/// How long after the healing everything has to be at rest.
const REST_MS: i64 = 3 * 86_400_000;

struct World {
    shared: Shared,
    tasks: Tasks,
    accounts: Vec<Arc<Account>>,
    gateway: Arc<Gateway>,
    starts: u64,
    heal_at: i64,
    seed: u64,
}

/// One world of a channel, lived on these books.
pub fn run(seed: u64, books: Books, channel: &str) -> Report {
    live(seed, books, channel, Recipe::Anything)
}

/// The same with less chance: only what a figure is about happens.
pub fn live(seed: u64, books: Books, channel: &str, recipe: Recipe) -> Report {
    let listed = stage::listed(channel);
    let booths = stage::booths(listed, seed);
    let scene = Scene::of(listed, &booths[0]);
    let accounts: Vec<_> = booths.iter().enumerate().map(|(index, booth)| stage::account(listed, &scene, index, booth)).collect();
    let mut core = Core::new(seed, scene, booths, books);
    core.tame = recipe != Recipe::Anything;
    let shared = Shared::new(core);
    let gateway = stage::gateway(&shared, &accounts, seed, 0);
    let mut world = World { shared, tasks: Tasks::default(), accounts, gateway, starts: 0, heal_at: 0, seed };
    match recipe {
        Recipe::Anything => world.plan(),
        recipe => world.heal_at = super::figures::plan(&mut world.shared.lock(), recipe),
    }
    let mut steps = 0;
    while world.step() {
        steps += 1;
        if steps > STEPS_MAX {
            let names = world.tasks.names().join(", ");
            world.shared.lock().complain(format!("I10: no rest after {STEPS_MAX} steps; waiting: {names}"));
            break;
        }
        if world.shared.lock().wrong.len() > 20 {
            break;
        }
    }
    world.tasks.clear();
    let mut core = world.shared.lock();
    check::at_rest(&mut core, world.heal_at);
    super::figures::judge(&mut core, recipe);
    let core = &mut *core;
    Report {
        wrong: std::mem::take(&mut core.wrong),
        trace: std::mem::take(&mut core.trace.lines),
        hash: core.trace.hash,
        commits: core.watch.commits,
        seen: std::mem::take(&mut core.seen),
    }
}

impl World {
    fn plan(&mut self) {
        let mut core = self.shared.lock();
        let orders = 3 + core.dice.below(7);
        for index in 0..orders {
            core.plan(index);
        }
        self.heal_at = match core.dice.below(10) {
            0..=6 => core.dice.between(120_000, 400_000),
            7..=8 => core.dice.between(400_000, 1_500_000),
            _ => core.dice.between(5_000_000, 90_000_000),
        };
        let mut at = 0;
        while at < self.heal_at.min(3_000_000) {
            core.after(at, Event::Weather);
            at += core.dice.between(30_000, 240_000);
        }
        if core.dice.permille(300) {
            let at = core.dice.between(0, 200_000);
            let offset = *core.dice.pick(&[600_000, -600_000, 45_000, -45_000, -400]);
            core.after(at, Event::SetClock(offset));
            let back = at + core.dice.between(20_000, 200_000);
            core.after(back, Event::SetClock(0));
        }
    }

    fn step(&mut self) -> bool {
        for (name, job) in std::mem::take(&mut self.shared.lock().spawned) {
            self.tasks.spawn(name, job);
        }
        let (roll, busy, queued, hangs_up, hurries) = {
            let mut core = self.shared.lock();
            if !core.calm && core.now_ms >= self.heal_at {
                heal(&mut core);
            }
            let busy = !self.tasks.is_idle();
            let hangs_up = core.mishap(1);
            let hurries = core.mishap(40);
            (core.dice.below(100), busy, !core.queue.is_empty(), hangs_up, hurries)
        };
        if hangs_up {
            let dice = Dice::new(self.shared.lock().dice.next());
            if let Some(name) = self.tasks.cancel_one("client", dice) {
                self.shared.lock().say(format!("{name} hangs up"));
            }
        } else if hurries && (busy || queued) {
            self.advance(500);
        } else if busy && (!queued || roll < 65) {
            let dice = Dice::new(self.shared.lock().dice.next());
            self.tasks.poll_one(dice);
        } else if queued {
            if !self.shared.commit() {
                self.crash();
            }
        } else if !self.work() {
            return self.advance(i64::MAX);
        }
        true
    }

    /// The process dies and another one starts: what was committed is there, all else is gone.
    fn crash(&mut self) {
        self.tasks.clear();
        self.starts += 1;
        let mut core = self.shared.lock();
        core.say("CRASH");
        core.see("crash");
        core.queue.clear();
        let lost = std::mem::take(&mut core.spawned);
        core.claiming_orders = false;
        core.claiming_notices = false;
        drop(core);
        drop(lost);
        self.gateway = stage::gateway(&self.shared, &self.accounts, self.seed, self.starts);
    }

    /// The worker, as `src/worker` does it: claims what is due and calls flow. Answers whether anything was due.
    fn work(&mut self) -> bool {
        let mut core = self.shared.lock();
        let Ok(Answer::Due { orders, notices }) = core.engine.answer(&Query::NextDue) else { return false };
        let now = core.wall();
        let mut any = false;
        if orders.is_some_and(|at| at <= now) && !core.claiming_orders {
            core.claiming_orders = true;
            any = true;
            let limit = u32::try_from(1 + core.dice.below(8)).unwrap_or(1);
            let (world, gateway) = (self.shared.clone(), Arc::clone(&self.gateway));
            core.spawn("worker orders", claim_orders(world, gateway, now, limit));
        }
        if notices.is_some_and(|at| at <= now) && !core.claiming_notices {
            core.claiming_notices = true;
            any = true;
            let limit = u32::try_from(1 + core.dice.below(8)).unwrap_or(1);
            let (world, gateway) = (self.shared.clone(), Arc::clone(&self.gateway));
            core.spawn("worker notices", claim_notices(world, gateway, now, limit));
        }
        any
    }

    /// Lets time pass to the next thing that happens, at most so far; answers false when nothing is left to happen.
    fn advance(&mut self, at_most_ms: i64) -> bool {
        let event = {
            let mut core = self.shared.lock();
            let Some(next) = next_time(&core) else { return false };
            if next - core.now_ms > at_most_ms {
                return true;
            }
            if core.calm && next > self.heal_at + REST_MS {
                return false;
            }
            core.now_ms = core.now_ms.max(next);
            for booth in 0..core.booths.len() {
                pass_time(&mut core, booth);
            }
            let now = core.now_ms;
            core.timers.first_entry().filter(|e| e.key().0 <= now).map(|e| e.remove())
        };
        if let Some(event) = event {
            self.happen(event);
        }
        true
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Act(act) => self.shared.act(&self.gateway, act),
            Event::Arrive(id) => self.shared.lock().arrive(id),
            Event::Answer(id, answer) => self.shared.lock().answer(id, answer),
            Event::Fill(slot) => slot.fill(()),
            Event::Weather => weather(&mut self.shared.lock()),
            Event::SetClock(offset) => {
                let mut core = self.shared.lock();
                if !core.calm {
                    core.say(format!("the wall clock is {offset} ms wrong"));
                    core.offset_ms = offset;
                    core.clock_jumped = true;
                }
            }
            Event::CallbackTimeout { booth, id } => {
                let mut core = self.shared.lock();
                if core.callbacks_open.remove(&(booth, id)) {
                    let now = core.truly();
                    core.booths[booth].sim.delivered(id, None, now);
                }
            }
            Event::Callback { booth, to, delivery, reported, forged } => self.callback(booth, to, delivery, reported, forged),
        }
    }

    fn callback(&mut self, booth: usize, to: usize, delivery: sluice_simkit::Delivery, reported: bool, forged: bool) {
        let (world, gateway) = (self.shared.clone(), Arc::clone(&self.gateway));
        let mut core = self.shared.lock();
        let (account, came_at) = (core.scene.accounts[to].clone(), core.now_ms);
        core.say(format!("callback to {account} about {}", super::core::short(&delivery.out_trade_no)));
        core.spawn("callback", async move {
            let target = delivery.url.trim_start_matches("https://gateway.test").to_owned();
            let raw = RawCallback { verb: Verb::Post, target: &target, headers: &delivery.headers, body: &delivery.body };
            let mut reply = gateway.take_callback(&account, &raw).await;
            let taken = spy::was_taken(&mut reply);
            let mut core = world.lock();
            core.say(format!("callback answered {} {taken}", reply.status));
            if taken {
                if forged {
                    core.complain(format!("a forged callback was taken: {}", delivery.out_trade_no));
                }
                check::acknowledged(&mut core, &delivery.out_trade_no, target.ends_with("/refund"), came_at);
            }
            if reported && core.callbacks_open.remove(&(booth, delivery.id)) {
                let now = core.truly();
                core.booths[booth].sim.delivered(delivery.id, Some(&reply), now);
            }
        });
    }
}

async fn claim_orders(world: Shared, gateway: Arc<Gateway>, now: Millis, limit: u32) {
    let command = Command::ClaimOrders { now, limit, lease_until: gateway.pace.lease_until(now) };
    let claimed = gateway.submit(command).await;
    let mut core = world.lock();
    core.claiming_orders = false;
    let Ok(Outcome::Orders(ids)) = claimed else { return };
    for id in ids {
        let (world, gateway) = (world.clone(), Arc::clone(&gateway));
        core.spawn(format!("tend {}", super::core::short(id.as_str())), async move {
            if let Err(refused) = gateway.tend(&id).await {
                world.lock().say(format!("tend {}: {}", super::core::short(id.as_str()), refused.inner.unwrap_or(refused.detail)));
            }
        });
    }
}

async fn claim_notices(world: Shared, gateway: Arc<Gateway>, now: Millis, limit: u32) {
    let (lease_until, after, in_flight) = (gateway.pace.lease_until(now), String::new(), BTreeMap::new());
    let command = Command::ClaimNotices { now, limit, lease_until, after, in_flight, each_max: limit };
    let claimed = gateway.submit(command).await;
    let mut core = world.lock();
    core.claiming_notices = false;
    let Ok(Outcome::Notices(notices)) = claimed else { return };
    for notice in notices {
        let gateway = Arc::clone(&gateway);
        core.spawn("notify", async move {
            let _ = gateway.notify_merchant(&notice).await;
        });
    }
}

/// True time of the next thing that happens.
fn next_time(core: &Core) -> Option<i64> {
    let timer = core.timers.first_key_value().map(|(key, _)| key.0);
    let booths = core.booths.iter().filter_map(|b| b.sim.next_at()).map(|at| at.0 - BASE_MS).min();
    let due = match core.engine.answer(&Query::NextDue) {
        Ok(Answer::Due { orders, notices }) => orders.into_iter().chain(notices).min().map(|at| at.0 - BASE_MS - core.offset_ms),
        _ => None,
    };
    [timer, booths, due].into_iter().flatten().min()
}
