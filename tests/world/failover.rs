//! B6 of the catalogue: two accounts for one method, of which the first times out, loses, resets, refuses and does not get its requests
//! at random, while payers pay whatever code lives, merchants close and ask, and orders expire. No order is charged at two accounts, and
//! none goes on but after *not sent*, a definite no or a confirmed close: `watch` judges that at every commit, the ledgers at rest here.

use super::actors::Act;
use super::core::{Core, Event};
use super::figures::figure;
use super::run::Recipe;
use sluice_contract::Fen;
use sluice_simkit::faults::{Api, Fault, Rule};
use sluice_simkit::{Behaviour, Outcome};
use std::collections::{BTreeMap, BTreeSet};

/// Orders in one world.
const ORDERS: usize = 24;
/// Long enough for the slowest schedule to find out alone.
const HEAL_MS: i64 = 900_000;

/// What goes wrong at the first account, and a little at the second.
const FIRST: [(Api, Fault, u32); 11] = [
    (Api::Pay, Fault::LoseRequest, 120_000),
    (Api::Pay, Fault::LoseResponse, 180_000),
    (Api::Pay, Fault::Reset, 100_000),
    (Api::Pay, Fault::Delay { ms: 60_000 }, 150_000),
    (Api::Pay, Fault::Error500, 60_000),
    (Api::Pay, Fault::Garbage, 60_000),
    (Api::Close, Fault::LoseResponse, 150_000),
    (Api::Close, Fault::LoseRequest, 150_000),
    (Api::Query, Fault::LoseResponse, 150_000),
    (Api::Query, Fault::Error500, 100_000),
    (Api::Reverse, Fault::LoseResponse, 150_000),
];
const SECOND: [(Api, Fault, u32); 3] =
    [(Api::Pay, Fault::LoseResponse, 80_000), (Api::Pay, Fault::LoseRequest, 50_000), (Api::Callback, Fault::LoseRequest, 200_000)];

/// Plans the world; answers when it heals.
pub fn plan(core: &mut Core) -> i64 {
    core.unsent_permille = 150;
    for (booth, faults) in [(0, &FIRST[..]), (1, &SECOND[..])] {
        for (api, fault, probability_ppm) in faults {
            core.booths[booth].add(Rule { api: *api, fault: *fault, probability_ppm: *probability_ppm, left: None });
        }
    }
    for index in 0..ORDERS {
        let method = core.dice.pick(&core.scene.methods).clone();
        let amount = Fen(core.dice.between(1, 100_000));
        let start = core.dice.between(0, 240_000);
        core.intend(index, method, amount);
        core.clients[index].behaviour = Some(*core.dice.pick(&[Behaviour::Pay, Behaviour::Pay, Behaviour::Password, Behaviour::Decline]));
        core.after(start, Event::Act(Act::Place(index)));
        whatever_people_do(core, index, start);
    }
    HEAL_MS
}

fn whatever_people_do(core: &mut Core, index: usize, start: i64) {
    let acts = [
        (700, Act::Pay(index, Outcome::Pay), 60_000),
        (500, Act::Pay(index, Outcome::Pay), 200_000),
        (500, Act::Confirm(index), 40_000),
        (150, Act::Close(index), 60_000),
        (150, Act::Fresh(index), 60_000),
        (200, Act::Sync(index), 90_000),
        (100, Act::Reverse(index), 60_000),
    ];
    for (permille, act, within_ms) in acts {
        if core.dice.permille(permille) {
            let ms = start + core.dice.between(200, within_ms);
            core.after(ms, Event::Act(act));
        }
    }
}

/// Beside what every world is judged by.
pub fn judge(core: &mut Core) {
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for id in &core.watch.orders {
        let Ok(Some(life)) = core.engine.life(id) else { continue };
        let mut see = |what: &str, is: bool| *seen.entry(what.to_owned()).or_default() += u64::from(is);
        see(&format!("orders {}", life.order.status().word()), true);
        let charges = |seq: u32| {
            let number = id.attempt_number(seq);
            core.booths.iter().filter_map(|b| b.sim.ledger().get(&number)).map(|entry| entry.charges).sum::<u32>()
        };
        let charged: Vec<&str> = life.attempts.iter().filter(|a| charges(a.seq) > 0).map(|a| a.account.as_str()).collect();
        if charged.len() > 1 || life.attempts.iter().any(|a| charges(a.seq) > 1) {
            wrong.push(format!("{id} was charged at {charged:?}"));
        }
        let accounts: BTreeSet<&str> = life.attempts.iter().map(|a| a.account.as_str()).collect();
        if accounts.len() != life.attempts.len() {
            wrong.push(format!("{id} came back to an account: {accounts:?} for {} attempts", life.attempts.len()));
        }
        let went_on = life.attempts.len() > 1;
        see("went on", went_on);
        see("went on with a payment code", went_on && life.order.is_barcode());
        see("paid at the next", life.order.winner.is_some_and(|seq| seq > 1));
        see("went on after a confirmed close", life.attempts.iter().any(|a| a.notes.declined.is_some() && a.seq == 1) && went_on);
    }
    for what in wrong {
        core.complain(what);
    }
    core.seen.extend(seen);
}

#[test]
fn no_order_is_charged_at_two_accounts_whatever_becomes_of_the_first() {
    let must = ["went on", "went on with a payment code", "paid at the next", "orders paid"];
    figure("B6", "no_order_is_charged_at_two_accounts", Recipe::Failover, 8, &must);
}
