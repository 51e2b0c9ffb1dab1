//! B5 of the catalogue: under a steady load the first of two accounts is down for five minutes, then slow for two. What we send because
//! of that stays small beside what is offered, and soon after the healing everything is as before.

use super::actors::Act;
use super::core::{Core, Event};
use super::figures::figure;
use super::run::{Recipe, live};
use super::spy::{Asks, Mark};
use super::{asked_seeds, replay_of};
use crate::model::books::Books;
use sluice::domain::OrderId;
use sluice_contract::{Fen, Method};
use sluice_simkit::Outcome;
use sluice_simkit::faults::{Api, Fault, Rule};
use std::collections::{BTreeMap, BTreeSet};

const APIS: [Api; 6] = [Api::Pay, Api::Query, Api::Close, Api::Reverse, Api::Refund, Api::QueryRefund];
/// One order each: what is sent is judged where many are offered …
const EVERY_MS: i64 = 100;
/// … and what becomes of them in many worlds of fewer.
const SELDOM_MS: i64 = 2_000;
const DOWN_AT_MS: i64 = 60_000;
const SLOW_AT_MS: i64 = DOWN_AT_MS + 300_000;
const HEAL_AT_MS: i64 = SLOW_AT_MS + 120_000;
/// After the healing everything has to be as it was.
const STEADY_AT_MS: i64 = HEAL_AT_MS + 30_000;
const END_MS: i64 = STEADY_AT_MS + 30_000;
/// How long an order lives.
const EXPIRES_MS: i64 = 900_000;

/// Plans the world; answers when it heals.
pub fn plan(core: &mut Core, recipe: Recipe) -> i64 {
    let every_ms = if recipe == Recipe::Storm { EVERY_MS } else { SELDOM_MS };
    let online = |word: &&String| Method::from_word(word).is_some_and(|method| !method.is_barcode());
    let method = core.scene.methods.iter().find(online).cloned().expect("an online method");
    for (index, at) in (0..END_MS).step_by(usize::try_from(every_ms).unwrap_or(1)).enumerate() {
        let amount = Fen(core.dice.between(1, 100_000));
        core.intend(index, method.clone(), amount);
        core.clients[index].request.account = None;
        core.clients[index].request.expires_in = Some(EXPIRES_MS / 1_000);
        core.after(at, Event::Act(Act::Place(index)));
        // Whoever is shown a code pays it soon: in fair weather an order is one call.
        for soon in [1_000, 15_000, 40_000] {
            let ms = at + soon + core.dice.between(0, 1_000);
            core.after(ms, Event::Act(Act::Pay(index, Outcome::Pay)));
        }
        // Those who stood there when it went down, or were the ones that tried it, come back as long as their order lives: one whose number
        // may still arrive gets its next code minutes later, and is asked about like any other as long as nobody pays it.
        let back_every = match at {
            _ if (DOWN_AT_MS - 1_000..DOWN_AT_MS + 20_000).contains(&at) => Some(2_000),
            _ if (DOWN_AT_MS..SLOW_AT_MS).contains(&at) => Some(30_000),
            _ => None,
        };
        for again in back_every.into_iter().flat_map(|every| (SLOW_AT_MS..at + EXPIRES_MS).step_by(every)) {
            core.after(again, Event::Act(Act::Pay(index, Outcome::Pay)));
        }
    }
    core.after(DOWN_AT_MS, Event::Weather);
    core.after(SLOW_AT_MS, Event::Weather);
    HEAL_AT_MS
}

/// Down: connections reset, or nothing is ever answered. Then slow.
pub fn weather(core: &mut Core) {
    let is_slow = core.now_ms >= SLOW_AT_MS;
    core.silent = (!is_slow && !core.seed.is_multiple_of(2)).then_some(0);
    core.booths[0].clear();
    for api in APIS {
        let fault = if is_slow { Fault::Delay { ms: 3_000 } } else { Fault::Reset };
        core.booths[0].add(Rule { api, fault, probability_ppm: 1_000_000, left: None });
    }
}

/// What was sent, by seconds.
#[derive(Default)]
struct Second {
    /// First payments of orders: what is offered.
    offered: u64,
    /// Everything.
    sent: u64,
    /// The same verb about the same number once more.
    again: u64,
}

fn seconds(core: &Core) -> BTreeMap<i64, Second> {
    let mut seconds: BTreeMap<i64, Second> = BTreeMap::new();
    let mut known = BTreeSet::new();
    for (at, _, mark) in &core.outbound {
        let second = seconds.entry(at / 1_000).or_default();
        second.sent += 1;
        let Some(mark) = mark else { continue };
        let is_first = known.insert((format!("{:?}", mark.asks), mark.number.clone()));
        second.again += u64::from(!is_first);
        second.offered +=
            u64::from(is_first && mark.asks == Asks::Pay && OrderId::of_attempt(&mark.number).is_some_and(|(_, seq)| seq == 1));
    }
    seconds
}

pub fn judge(core: &mut Core) {
    super::failover::judge(core);
    let seconds = seconds(core);
    if super::verbose() {
        let mut table: BTreeMap<String, u64> = BTreeMap::new();
        for (at, booth, mark) in &core.outbound {
            let asks = mark.as_ref().map(|mark| mark.asks);
            *table.entry(format!("minute {:2} booth {booth} {asks:?}", at / 60_000)).or_default() += 1;
        }
        table.iter().for_each(|(what, n)| println!("{what}: {n}"));
        let busy = seconds.iter().filter(|(_, second)| second.again > 1);
        busy.for_each(|(at, second)| println!("second {at}: {} again", second.again));
    }
    let bad = || seconds.range(DOWN_AT_MS / 1_000..HEAL_AT_MS / 1_000);
    let (offered, sent): (u64, u64) = bad().fold((0, 0), |(offered, sent), (_, second)| (offered + second.offered, sent + second.sent));
    let per_second = u64::try_from(1_000 / EVERY_MS).unwrap_or(1);
    let peak = seconds.values().map(|second| second.again).max().unwrap_or(0);
    let last = seconds.iter().filter(|(_, second)| second.again > 0).map(|(at, _)| *at).max().unwrap_or(0);
    let mut see = |what: &str, n: u64| core.seen.insert(what.to_owned(), n);
    see("offered", offered);
    see("sent permille of offered", sent * 1_000 / offered.max(1));
    see("retries a second permille of offered", peak * 1_000 / per_second);
    see("last retry, seconds after healing", (last - HEAL_AT_MS / 1_000).max(0).unsigned_abs());
    let mut wrong = Vec::new();
    if sent * 10 > offered * 11 {
        wrong.push(format!("B5: {sent} calls for {offered} orders offered"));
    }
    if peak * 5 > per_second {
        wrong.push(format!("B5: {peak} retries in one second, {per_second} orders offered"));
    }
    // Steady: an order is one call again, at the account that the file puts first, and what is left of the storm is little.
    let (offered, sent) =
        seconds.range(STEADY_AT_MS / 1_000..END_MS / 1_000).fold((0, 0), |sum, (_, s)| (sum.0 + s.offered, sum.1 + s.sent));
    if sent * 10 > offered * 11 {
        wrong.push(format!("B5: not steady 30 s after the healing: {sent} calls for {offered} orders"));
    }
    let order = |mark: &Mark| OrderId::of_attempt(&mark.number).map(|(order, _)| order);
    let earlier = core.outbound.iter().filter(|(at, _, _)| *at < STEADY_AT_MS);
    let old: BTreeSet<OrderId> = earlier.filter_map(|(_, _, mark)| order(mark.as_ref()?)).collect();
    for (at, booth, mark) in core.outbound.iter().filter(|(at, _, _)| (STEADY_AT_MS..END_MS).contains(at)) {
        let Some(mark) = mark.as_ref().filter(|mark| order(mark).is_some_and(|order| !old.contains(&order))) else { continue };
        if *booth != 0 || mark.asks != Asks::Pay {
            wrong.push(format!("B5: {} s after the healing an order is no single call: {mark:?} at {booth}", (at - HEAL_AT_MS) / 1_000));
            break;
        }
    }
    for what in wrong {
        core.complain(what);
    }
}

#[test]
fn a_channel_that_is_down_and_then_slow_raises_no_storm() {
    let (mut bad, mut worst) = (Vec::new(), BTreeMap::<String, u64>::new());
    let seeds = asked_seeds("SLUICE_FIGURE_SEEDS").unwrap_or(0..2);
    for seed in seeds.clone() {
        let report = live(seed, Books::memory(), "wechat", Recipe::Storm);
        for (what, n) in report.seen.iter().filter(|(what, _)| what.contains("offered") || what.contains("healing")) {
            let known = worst.entry(what.clone()).or_default();
            *known = (*known).max(*n);
        }
        if !report.wrong.is_empty() {
            println!(
                "B5, seed {seed} is wrong: {:?}\n{}",
                report.wrong,
                replay_of("wechat", "SLUICE_FIGURE_SEEDS", seed, "raises_no_storm")
            );
            bad.push(seed);
        }
    }
    let told: Vec<String> = worst.iter().map(|(what, n)| format!("{what} {n}")).collect();
    println!("B5: {} seeds, at worst: {}", seeds.count(), told.join(", "));
    assert!(bad.is_empty(), "B5: seeds {bad:?} are wrong");
}

#[test]
fn nobody_is_charged_twice_because_of_a_storm() {
    figure("B5", "nobody_is_charged_twice", Recipe::Squall, 2, &["orders paid"]);
}
