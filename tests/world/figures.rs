//! B1 and B2 of the catalogue, for every channel, and what B5 (`storm`) and B6 (`failover`) have in common with them: worlds in which only what the figure is about goes wrong, and much of it.
//!
//! `SLUICE_FIGURE_SEEDS=0..200` for the full figures, `SLUICE_CHANNEL=…` for one channel.

use super::actors::Act;
use super::core::{Core, Event};
use super::run::{Recipe, live};
use super::{asked_seeds, every_channel, replay_of};
use crate::model::books::Books;
use sluice::domain::OrderStatus;
use sluice_contract::{Fen, Method};
use sluice_simkit::faults::{Api, Fault, Rule};
use sluice_simkit::{Behaviour, State};
use std::collections::BTreeMap;

/// Names the worlds to live; two of a channel without it.
const SEEDS: &str = "SLUICE_FIGURE_SEEDS";
/// Orders in one world.
const ORDERS: usize = 50;
/// B1: how long a charge may stay unknown.
const RESOLVED_MS: i64 = 60_000;

/// Plans a world of a recipe; answers when it heals.
pub fn plan(core: &mut Core, recipe: Recipe) -> i64 {
    match recipe {
        Recipe::Failover => return super::failover::plan(core),
        Recipe::Storm | Recipe::Squall => return super::storm::plan(core, recipe),
        Recipe::Silence => return super::silence::plan(core),
        _ => {}
    }
    let fault = |api, fault, probability_ppm| Rule { api, fault, probability_ppm, left: None };
    let rules = match recipe {
        // No callback comes to help: the questions find out by themselves.
        Recipe::LostAnswers => {
            vec![fault(Api::Pay, Fault::LoseResponse, 300_000), fault(Api::Callback, Fault::LoseRequest, 1_000_000)]
        }
        _ => vec![
            fault(Api::Pay, Fault::LoseResponse, 200_000),
            fault(Api::Pay, Fault::Delay { ms: 9_000 }, 200_000),
            fault(Api::Query, Fault::Error500, 200_000),
            fault(Api::Reverse, Fault::LoseResponse, 200_000),
            fault(Api::Reverse, Fault::LoseRequest, 100_000),
        ],
    };
    for booth in &mut core.booths {
        rules.iter().for_each(|rule| booth.add(rule.clone()));
    }
    for index in 0..ORDERS {
        let start = core.dice.between(0, 60_000);
        match recipe {
            Recipe::LostAnswers => order(core, index, barcode(core), Behaviour::Pay, start),
            _ => typed_around_the_reversal(core, index, start),
        }
    }
    // Queries find out all by themselves: nothing heals before they had to.
    600_000
}

fn order(core: &mut Core, index: usize, method: String, behaviour: Behaviour, start: i64) {
    let amount = Fen(core.dice.between(1, 100_000));
    core.intend(index, method, amount);
    core.clients[index].behaviour = Some(behaviour);
    core.clients[index].request.account = None;
    core.after(start, Event::Act(Act::Place(index)));
}

fn barcode(core: &Core) -> String {
    core.scene.methods.iter().find(|m| Method::from_word(m).is_some_and(Method::is_barcode)).cloned().expect("a barcode method")
}

/// The merchant reverses, or the gateway gives up; one second before, at that moment, or one after, the password is typed.
fn typed_around_the_reversal(core: &mut Core, index: usize, start: i64) {
    let method = barcode(core);
    let behaviour = *core.dice.pick(&[Behaviour::Password, Behaviour::Password, Behaviour::Password, Behaviour::Pay, Behaviour::Timeout]);
    order(core, index, method, behaviour, start);
    let rule = core.scene.reversal();
    let moment = match core.dice.below(3) {
        0 => rule.give_up_after_s * 1000,
        _ => {
            let ms = core.dice.between(500, 40_000);
            core.after(start + ms, Event::Act(Act::Reverse(index)));
            ms.max(rule.earliest_s * 1000)
        }
    };
    let near = *core.dice.pick(&[-1_000, 0, 1_000]) + core.dice.between(-150, 150);
    core.after(start + moment + near, Event::Act(Act::Confirm(index)));
}

/// Beside what every world is judged by.
pub fn judge(core: &mut Core, recipe: Recipe) {
    match recipe {
        Recipe::Anything => return,
        Recipe::Failover | Recipe::Squall => return super::failover::judge(core),
        Recipe::Storm => return super::storm::judge(core),
        Recipe::Silence => return super::silence::judge(core),
        _ => {}
    }
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for id in &core.watch.orders {
        let Ok(Some(life)) = core.engine.life(id) else { continue };
        let entries: Vec<_> = core
            .booths
            .iter()
            .flat_map(|b| b.sim.ledger().entries())
            .filter(|e| life.attempts.iter().any(|a| id.attempt_number(a.seq) == e.out_trade_no))
            .collect();
        *seen.entry(format!("orders {}", life.order.status().word())).or_default() += 1;
        let charges: u32 = entries.iter().map(|e| e.charges).sum();
        if charges > 1 || (life.order.is_barcode() && life.attempts.len() > 1) {
            wrong.push(format!("B2: {id} has {} numbers and {charges} charges for one code", life.attempts.len()));
        }
        let taken = entries.iter().filter(|e| e.status == State::Paid).find_map(|e| e.paid_at);
        match (recipe, taken, core.watch.ended_at.get(id)) {
            (Recipe::LostAnswers, Some(paid), Some(ended)) => {
                let ms = ended - (paid.0 - super::core::BASE_MS);
                if ms > RESOLVED_MS {
                    wrong.push(format!("B1: {id} was charged and known {ms} ms later"));
                }
                let slowest = seen.entry("slowest ms".into()).or_default();
                *slowest = (*slowest).max(ms.unsigned_abs());
            }
            (_, None, _) if life.order.status() == OrderStatus::Paid => wrong.push(format!("{id} is paid and nothing was taken")),
            _ => {}
        }
    }
    for what in wrong {
        core.complain(what);
    }
    for (what, times) in seen {
        core.seen.insert(what, times);
    }
}

/// Lives the worlds of a figure and prints what they came to. `must`: what has to happen at every channel, or nothing was shown.
pub fn figure(name: &str, test: &str, recipe: Recipe, by_default: u64, must: &[&str]) {
    let mut total = 0;
    for channel in every_channel() {
        let (mut judged, mut slowest, mut bad, mut lost) = (BTreeMap::new(), 0, Vec::new(), 0);
        let seeds = asked_seeds(SEEDS).unwrap_or(0..by_default);
        let mut missing: Vec<&str> = must.to_vec();
        for seed in seeds.clone() {
            let report = live(seed, Books::memory(), channel, recipe);
            for (what, times) in report.seen.iter().filter(|(what, _)| what.starts_with("orders ")) {
                *judged.entry(what.clone()).or_insert(0) += times;
            }
            missing.retain(|what| report.seen.get(*what).is_none_or(|times| *times == 0));
            slowest = slowest.max(report.seen.get("slowest ms").copied().unwrap_or(0));
            lost += report.seen.get("closed at the channel").copied().unwrap_or(0);
            if !report.wrong.is_empty() {
                report.trace.iter().for_each(|line| println!("{line}"));
                println!("{name}, seed {seed} of {channel} is wrong: {:#?}\n{}\n", report.wrong, replay_of(channel, SEEDS, seed, test));
                bad.push(seed);
            }
        }
        let orders: u64 = judged.values().sum();
        total += orders;
        println!("{name} {channel}: judged {orders} orders {judged:?}, {lost} answers lost, slowest {slowest} ms, wrong seeds: {bad:?}");
        assert!(bad.is_empty(), "{name} {channel}: seeds {bad:?} are wrong");
        assert!(missing.is_empty(), "{name} {channel}: nothing was shown of {missing:?}");
    }
    println!("{name}: {total} orders judged at {}", every_channel().join(", "));
}

#[test]
fn charged_and_not_answered_is_known_within_a_minute() {
    figure("B1", "figures::charged", Recipe::LostAnswers, 2, &[]);
}

#[test]
fn passwords_typed_around_the_reversal_leave_nothing_paid_and_undone() {
    figure("B2", "figures::passwords", Recipe::LatePasswords, 2, &[]);
}
