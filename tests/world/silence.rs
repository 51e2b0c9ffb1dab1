//! Nothing is ever failed by exhaustion: every call is executed and none is answered, for longer than any schedule lasts. What was asked
//! for in vain stays pending, suspended for a person where nothing is left to try; and the first answer afterwards is what is booked.

use super::actors::Act;
use super::core::{BASE_MS, Core, Event};
use super::figures::figure;
use super::run::Recipe;
use sluice::domain::{AttemptStatus, OrderStatus};
use sluice::store::{Answer, Query};
use sluice_contract::{Fen, Method};
use sluice_simkit::faults::{Api, Fault, Rule};
use sluice_simkit::{Behaviour, Outcome};

const ORDERS: usize = 2;
/// No channel reverses anything this old.
const HEAL_MS: i64 = 8 * 86_400_000;
const ASKED: [Api; 6] = [Api::Pay, Api::Query, Api::Close, Api::Reverse, Api::Refund, Api::QueryRefund];

/// Plans the world; answers when it heals.
pub fn plan(core: &mut Core) -> i64 {
    let always = |api, fault| Rule { api, fault, probability_ppm: 1_000_000, left: None };
    for booth in &mut core.booths {
        ASKED.into_iter().for_each(|api| booth.add(always(api, Fault::LoseResponse)));
        booth.add(always(Api::Callback, Fault::LoseRequest));
    }
    for index in 0..ORDERS {
        let wants_barcode = index.is_multiple_of(2);
        let of_kind = |word: &&String| Method::from_word(word).is_some_and(|method| method.is_barcode() == wants_barcode);
        let method = core.scene.methods.iter().find(of_kind).cloned().expect("a method of each kind");
        core.intend(index, method, Fen(1_000));
        core.clients[index].behaviour = Some(if index == 0 { Behaviour::Pay } else { Behaviour::Password });
        core.after(1_000, Event::Act(Act::Place(index)));
        // He found the code in some other way: nobody here was answered.
        core.after(40_000, Event::Act(Act::Pay(index, Outcome::Pay)));
        // A person asks once the channel answers again.
        core.after(HEAL_MS + 60_000, Event::Act(Act::Sync(index)));
    }
    HEAL_MS
}

/// Beside what every world is judged by.
pub fn judge(core: &mut Core) {
    for id in core.watch.orders.clone() {
        let Ok(Some(life)) = core.engine.life(&id) else { continue };
        let Ok(Answer::Events(events)) = core.engine.answer(&Query::Events(id.clone())) else { continue };
        let status = life.order.status();
        core.see(format!("orders {}", status.word()));
        if events.iter().any(|event| event.kind == "attempt.suspended") {
            core.see("suspended for a person");
        }
        let early = core.watch.ended_at.get(&id).is_some_and(|at| *at < HEAL_MS);
        // Where no close can be confirmed, the order ends by its own time, and its attempt is watched.
        let watched = events.iter().any(|event| event.kind == "attempt.abandoned") && status == OrderStatus::Closed;
        if early && !watched {
            core.complain(format!("{id} is {} though nobody had answered", status.word()));
        }
        let ended = life.attempts.iter().filter(|attempt| attempt.status() != AttemptStatus::Abandoned);
        for at in ended.filter_map(|attempt| attempt.ended_at).filter(|at| at.0 < BASE_MS + HEAL_MS) {
            core.complain(format!("an attempt of {id} ended at {} though nobody had answered", at.rfc3339()));
        }
    }
}

#[test]
fn what_nobody_answers_for_a_week_is_suspended_and_never_failed() {
    figure("silence", "silence::what_nobody_answers", Recipe::Silence, 1, &["suspended for a person"]);
}
