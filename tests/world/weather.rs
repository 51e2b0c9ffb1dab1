//! What happens to the channels and around them while anything may break: faults, switches, callbacks on bad roads; and the healing.

use super::actors::Act;
use super::core::{Core, Event};
use sluice_simkit::faults::{Api, Fault, Rule};

/// The channel's own clockwork, and its callbacks on their ways: lost, doubled, late, crossed, forged.
pub fn pass_time(core: &mut Core, booth: usize) {
    let now = core.truly();
    core.booths[booth].sim.tick(now);
    for delivery in core.booths[booth].due(now) {
        let id = delivery.id;
        core.callbacks_open.insert((booth, id));
        core.after(5_000, Event::CallbackTimeout { booth, id });
        if core.mishap(120) {
            core.last_callback = Some((booth, delivery));
            continue;
        }
        let travel_ms = if core.mishap(150) { core.dice.between(200, 4_900) } else { core.dice.between(1, 150) };
        let copy = |reported, to, forged, delivery| Event::Callback { booth, to, delivery, reported, forged };
        if core.mishap(200) {
            let late_ms = *core.dice.pick(&[10, 900, 60_000, 290_000]);
            core.after(late_ms, copy(false, booth, false, delivery.clone()));
        }
        if core.mishap(60) {
            core.after(travel_ms, copy(false, 1 - booth, true, delivery.clone()));
        }
        if core.mishap(60) && delivery.body.len() > 40 {
            let mut forged = delivery.clone();
            let place = core.dice.below(forged.body.len());
            forged.body[place] ^= 1;
            core.after(travel_ms, copy(false, booth, true, forged));
        }
        core.after(travel_ms, copy(true, booth, false, delivery));
    }
}

/// New weather: which calls fail how, and how often.
pub fn weather(core: &mut Core) {
    if core.calm {
        return;
    }
    if core.tame {
        return super::storm::weather(core);
    }
    const APIS: [Api; 7] = [Api::Pay, Api::Query, Api::Close, Api::Reverse, Api::Refund, Api::QueryRefund, Api::Callback];
    const FAULTS: [Fault; 11] = [
        Fault::LoseRequest,
        Fault::LoseResponse,
        Fault::LoseResponse,
        Fault::Error500,
        Fault::Reset,
        Fault::Delay { ms: 9_000 },
        Fault::BadSignature,
        Fault::Garbage,
        Fault::Duplicate,
        Fault::WrongAmount,
        Fault::WrongOrder,
    ];
    for booth in 0..core.booths.len() {
        core.booths[booth].clear();
        for api in APIS {
            if core.dice.permille(500) {
                let fault = *core.dice.pick(&FAULTS);
                let probability_ppm = *core.dice.pick(&[20_000, 100_000, 300_000, 300_000, 1_000_000]);
                core.booths[booth].add(Rule { api, fault, probability_ppm, left: None });
            }
        }
        let now = core.truly();
        let word = *core.dice.pick(core.scene.habits.weather);
        let told = core.booths[booth].sim.hook(word, now);
        core.say(format!("weather at {booth}: {word} {}", told.is_ok()));
    }
}

/// Everything works again, and stays so.
pub fn heal(core: &mut Core) {
    core.calm = true;
    core.calm_from_ms = core.now_ms;
    core.offset_ms = 0;
    core.say("HEALED");
    for booth in 0..core.booths.len() {
        core.booths[booth].clear();
        let now = core.truly();
        for word in core.scene.habits.calm {
            if let Err(complaint) = core.booths[booth].sim.hook(word, now) {
                core.complain(format!("{word}: {}", complaint.0));
            }
        }
    }
    for index in 0..core.clients.len() {
        // Where only a recipe's own trouble happens, everybody comes at his time.
        if core.tame && core.clients[index].tries == 0 {
            continue;
        }
        let ms = core.dice.between(1, 5_000);
        core.after(ms, Event::Act(Act::Place(index)));
        for nth in 0..core.clients[index].refunds.len() {
            if core.clients[index].refunds[nth].answered.is_none() && core.dice.permille(500) {
                let ms = core.dice.between(5_001, 60_000);
                core.after(ms, Event::Act(Act::Refund(index, nth)));
            }
        }
    }
}
