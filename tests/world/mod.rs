//! The seeded world: real flow, real engine, pretend channels without sockets, a manual clock and dice, in one thread. One seed is one
//! world, to the byte. First everything may break and nothing may be wrong, then everything heals and must finish.
//!
//! Every channel of the list has worlds of its own, judged by the same judges: what a channel can do is read from its profile.
//! Replay a seed with `SLUICE_CHANNEL=alipay SLUICE_SEEDS=17..18 cargo test --profile checked --test main world_seeds -- --nocapture`.
//!
//! Reading order: `run` (the loop), `core` (what all share), `wire`, `store`, `merchant` (the gateway's three doors), `plan` and
//! `actors`, `stage` and `habits` (the channel), then the judges: `watch` at every commit, `check` at rest.

mod actors;
mod check;
mod core;
mod dice;
mod edges;
mod failover;
mod figures;
mod habits;
mod limits;
mod merchant;
mod plan;
mod run;
mod silence;
mod spy;
mod stage;
mod store;
mod storm;
mod tasks;
mod watch;
mod weather;
mod wire;

pub use stage::{draft, profile};

use crate::model::books::Books;
use std::collections::BTreeMap;

/// Seeds that once showed a bug, by channel. WeChat's 58: a close put off (`model::schedule` pins it down, for a world changes with
/// its dice); 1349: two tabs sent one number, and "nothing was sent" of the one opened the next code beside the other's. UnionPay's 64 and
/// Alipay's 109 take an edge that one world in two hundred takes: a code is left before its channel has heard of it (`edges`).
const REGRESSIONS: &[(&str, &[u64])] = &[
    ("wechat", &[58, 881, 1011, 1349, 1934]),
    // An order that the channel had ended itself was closed again for ever, and never asked about.
    ("alipay", &[26, 58, 109]),
    // A hint while an undo was under way was forgotten.
    ("unionpay", &[64, 97, 109]),
    // An abandoned attempt was closed while its code still lived; a second hint about a failed one was forgotten (1982).
    ("icbc", &[3, 4, 83, 98, 1982]),
];

fn regressions(channel: &str) -> &'static [u64] {
    REGRESSIONS.iter().find(|(name, _)| *name == channel).map_or(&[], |(_, seeds)| seeds)
}

fn setting(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the test's own parameter, read once")]
    std::env::var(name).ok()
}

/// A..B of a setting.
fn asked_seeds(name: &str) -> Option<std::ops::Range<u64>> {
    let text = setting(name)?;
    let (from, to) = text.split_once("..").expect("seeds are A..B");
    Some(from.parse().expect("a number")..to.parse().expect("a number"))
}

fn seeds(channel: &str, by_default: std::ops::Range<u64>) -> Vec<u64> {
    match asked_seeds("SLUICE_SEEDS") {
        Some(asked) => asked.collect(),
        None => regressions(channel).iter().copied().chain(by_default).collect(),
    }
}

/// The channel that is asked for, else all of the list.
fn every_channel() -> Vec<&'static str> {
    let asked = setting("SLUICE_CHANNEL");
    let names = sluice::channels::CHANNELS.iter().map(|listed| listed.name);
    names.filter(|name| asked.as_deref().is_none_or(|asked| asked == *name)).collect()
}

/// Runs a seed; a failing one prints its trace and how to replay it, and answers false.
fn holds(channel: &str, seed: u64, commits: &mut u64, seen: &mut BTreeMap<String, u64>) -> bool {
    let report = match std::panic::catch_unwind(|| run::run(seed, Books::chosen(), channel)) {
        Ok(report) => report,
        Err(_) => {
            println!("seed {seed} of {channel} panicked\n{}", replay(channel, seed));
            return false;
        }
    };
    *commits += report.commits;
    for (what, times) in &report.seen {
        *seen.entry(what.clone()).or_default() += times;
    }
    if report.wrong.is_empty() && !verbose() {
        return true;
    }
    for line in &report.trace {
        println!("{line}");
    }
    if report.wrong.is_empty() {
        return true;
    }
    println!("\nseed {seed} of {channel} is wrong:");
    for what in &report.wrong {
        println!("  {what}");
    }
    println!("{}\n", replay(channel, seed));
    false
}

fn replay(channel: &str, seed: u64) -> String {
    replay_of(channel, "SLUICE_SEEDS", seed, "world_seeds")
}

fn replay_of(channel: &str, setting: &str, seed: u64, test: &str) -> String {
    let seeds = format!("SLUICE_CHANNEL={channel} {setting}={seed}..{}", seed + 1);
    format!("replay: {seeds} cargo test --profile checked --test main {test} -- --nocapture")
}

/// The worlds of one channel; none when another channel is asked for.
fn all_hold(channel: &str, by_default: std::ops::Range<u64>) {
    if !every_channel().contains(&channel) {
        return;
    }
    let seeds = seeds(channel, by_default);
    #[expect(clippy::disallowed_methods, reason = "how long the test took, for its own report; no world sees it")]
    let started = std::time::Instant::now();
    let (mut commits, mut seen) = (0, BTreeMap::new());
    let bad: Vec<u64> = seeds.iter().copied().filter(|seed| !holds(channel, *seed, &mut commits, &mut seen)).collect();
    let ms = started.elapsed().as_millis();
    println!("{}", seen.iter().map(|(what, times)| format!("{channel} {what}: {times}")).collect::<Vec<_>>().join("\n"));
    println!("{channel}: {} seeds, {commits} commits, {ms} ms, wrong: {bad:?}", seeds.len());
    edges::report(channel, &seen);
    assert!(bad.is_empty(), "{channel}: seeds {bad:?} are wrong");
}

#[test]
fn world_seeds() {
    all_hold("wechat", 0..100);
}

#[test]
fn world_seeds_of_alipay() {
    all_hold("alipay", 0..25);
}

#[test]
fn world_seeds_of_unionpay() {
    all_hold("unionpay", 0..25);
}

#[test]
fn world_seeds_of_icbc() {
    all_hold("icbc", 0..25);
}

#[test]
fn world_seeds_of_cmb() {
    all_hold("cmb", 0..25);
}

#[test]
fn every_channel_has_worlds() {
    let mut listed: Vec<&str> = sluice::channels::CHANNELS.iter().map(|listed| listed.name).collect();
    listed.sort_unstable();
    assert_eq!(listed, ["alipay", "cmb", "icbc", "unionpay", "wechat"], "a new channel has a test of its own here");
}

fn same(channel: &str, seed: u64, one: &run::Report, two: &run::Report) {
    if one.hash != two.hash {
        let differs = one.trace.iter().zip(&two.trace).find(|(a, b)| a != b);
        panic!("seed {seed} of {channel} gave two worlds; they part at {differs:?}");
    }
}

/// The first ones are WeChat's; of every other channel one.
fn both_ways(seeds: impl IntoIterator<Item = u64>) -> Vec<(&'static str, u64)> {
    let others = sluice::channels::CHANNELS.iter().map(|listed| listed.name).filter(|name| *name != "wechat");
    seeds.into_iter().map(|seed| ("wechat", seed)).chain(others.map(|name| (name, 7))).collect()
}

/// The channels take turns. `SLUICE_TWICE=0..100` lives so many worlds twice.
#[test]
fn the_same_seed_is_the_same_world() {
    let seeds = asked_seeds("SLUICE_TWICE").unwrap_or(0..15);
    let channels = every_channel();
    for (seed, channel) in seeds.clone().zip(channels.iter().cycle()) {
        same(channel, seed, &run::run(seed, Books::chosen(), channel), &run::run(seed, Books::chosen(), channel));
    }
    println!("{} seeds lived twice, the same to the byte, at {}", seeds.count(), channels.join(", "));
}

/// Every answer, every exchange and every notification, in the same order: nothing shows which engine keeps the books.
#[test]
fn a_world_is_the_same_on_either_engine() {
    for (channel, seed) in both_ways(regressions("wechat").iter().copied().chain(2_000..2_010)) {
        let Some(books) = Books::postgres() else { return println!("SKIPPED: SLUICE_POSTGRES names no server") };
        same(channel, seed, &run::run(seed, Books::memory(), channel), &run::run(seed, books, channel));
    }
}

/// Whether traces of good worlds are printed too.
fn verbose() -> bool {
    setting("SLUICE_TRACE").is_some()
}
