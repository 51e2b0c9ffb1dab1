//! H3: one order with its close or reversal, its refunds and its late money, beside crashes, lost answers and doubled callbacks: every state
//! there is, by stateright. Our side is the store's real `decide`; the channel and the network are written here.
//!
//! What may be assumed of a channel is its profile's word: nothing is executed after "never heard of it" is final, a close and a reversal
//! do what they say, a refund's number is taken once.

mod acts;
mod state;

use crate::model::told::AMOUNT;
use crate::model::words::Back;
use acts::Act;
use sluice::domain::{AttemptStatus, Candidate, Life, Order, OrderStatus, RefundStatus};
use sluice::store::decide::decide;
use sluice::store::view::View;
use sluice::store::{Command, Outcome};
use state::{State, There};
use stateright::{Checker, Model, Property};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;

/// What one model is about.
pub struct Rules {
    name: &'static str,
    barcode: bool,
    /// Whether the channel confirms a close.
    closes: bool,
    /// Whether there is another account to go on to.
    next: bool,
    /// What the merchant wants back, one after the other.
    refunds: &'static [i64],
    crashes: u8,
    losses: u8,
    callbacks: u8,
}

const PLAIN: Rules = Rules { name: "", barcode: false, closes: true, next: false, refunds: &[], crashes: 1, losses: 1, callbacks: 2 };

struct World {
    rules: Rules,
    placed: Life,
    next: Candidate,
    /// Steps that come about by themselves, by the hashes of their states.
    fair: Mutex<Graph>,
}

#[derive(Default)]
struct Graph {
    into: HashMap<u64, Vec<u64>>,
    finished: HashSet<u64>,
    states: HashSet<u64>,
}

fn hash_of(state: &State) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

impl Model for World {
    type State = State;
    type Action = Act;

    fn init_states(&self) -> Vec<State> {
        let state = State::begin(self.placed.clone(), &self.rules);
        self.fair.lock().unwrap().states.insert(hash_of(&state));
        vec![state]
    }

    fn actions(&self, state: &State, acts: &mut Vec<Act>) {
        if state.wrong.is_none() {
            acts::possible(state, &self.rules, acts);
        }
    }

    fn next_state(&self, last: &State, act: Act) -> Option<State> {
        let mut state = last.clone();
        acts::happen(&mut state, &self.rules, &self.next, act);
        let (from, to) = (hash_of(last), hash_of(&state));
        let mut graph = self.fair.lock().unwrap();
        graph.states.insert(to);
        if state.is_finished() {
            graph.finished.insert(to);
        }
        if act.is_fair() && from != to {
            graph.into.entry(to).or_default().push(from);
        }
        (from != to).then_some(state)
    }

    fn properties(&self) -> Vec<Property<World>> {
        let mut all = vec![
            Property::always("the store is never asked for what it must refuse", |_, state: &State| state.wrong.is_none()),
            Property::always("ends stay ends", |_, state: &State| state.end.is_none_or(|end| end == state.life.order.status())),
            Property::always("what is booked is so", |_, state: &State| what_is_booked_is_so(state)),
            Property::always("nobody is forgotten", |_, state: &State| state.is_finished() || is_somebodys(state)),
            Property::always("every end is told once", |_, state: &State| state.told == to_be_told(&state.life)),
            Property::always("one code at a time", |_, state: &State| one_code_at_a_time(state)),
            Property::always("at rest the books agree", |_, state: &State| !state.is_at_rest() || books_agree(state)),
            Property::sometimes("paid", |_, state: &State| state.end == Some(OrderStatus::Paid)),
            Property::sometimes("failed", |_, state: &State| state.end == Some(OrderStatus::Failed)),
        ];
        if self.rules.barcode {
            all.push(Property::sometimes("reversed", |_, state: &State| state.end == Some(OrderStatus::Reversed)));
        } else {
            all.push(Property::sometimes("closed", |_, state: &State| state.end == Some(OrderStatus::Closed)));
        }
        if !self.rules.closes {
            all.push(Property::sometimes("money comes late and goes back", |_, state: &State| {
                state.life.attempts.iter().any(|a| a.late && a.refunded == a.captured)
            }));
        }
        if self.rules.next {
            all.push(Property::sometimes("paid at the next account", |_, state: &State| state.life.order.winner == Some(2)));
        }
        if !self.rules.refunds.is_empty() {
            all.push(Property::sometimes("a refund is done", |_, state: &State| state.returns.iter().any(|r| r.there == Back::Succeeded)));
        }
        all
    }
}

/// An attempt that is booked paid is paid; one that is booked unpaid is not, and can no longer be. What was abandoned is watched.
fn what_is_booked_is_so(state: &State) -> bool {
    state.attempts().all(|(attempt, desk)| match attempt.status() {
        AttemptStatus::Succeeded => desk.there == There::Paid,
        AttemptStatus::Failed | AttemptStatus::Closed | AttemptStatus::Reversed => desk.there != There::Paid && !desk.is_payable(),
        AttemptStatus::Abandoned => attempt.next_at.is_some(),
        _ => true,
    })
}

/// Whatever is not finished, somebody looks at; and every open attempt and refund by itself.
fn is_somebodys(state: &State) -> bool {
    let life = &state.life;
    let attempts = life.attempts.iter().filter(|a| a.status().is_open()).all(|a| a.next_at.is_some());
    let refunds = life.refunds.iter().filter(|r| r.status() == RefundStatus::Pending).all(|r| r.next_at.is_some());
    life.wake_at().is_some() && attempts && refunds
}

fn to_be_told(life: &Life) -> BTreeMap<String, usize> {
    let mut due = BTreeMap::new();
    let mut tell = |kind: String| *due.entry(kind).or_default() += 1;
    if life.order.status().is_end() {
        tell(format!("order.{}", life.order.status().word()));
    }
    life.attempts.iter().filter(|a| a.late && life.order.winner != Some(a.seq)).for_each(|_| tell("order.paid_late".into()));
    let ended = life.refunds.iter().filter(|r| r.status() != RefundStatus::Pending);
    ended.for_each(|r| tell(format!("refund.{}", r.status().word())));
    due
}

fn one_code_at_a_time(state: &State) -> bool {
    let open = state.life.attempts.iter().filter(|a| a.status().is_open()).count();
    let payable = state.desks.iter().filter(|desk| desk.is_payable() || desk.there == There::Paid).count();
    open <= 1 && payable <= 1
}

/// Paid is kept, less what went back; and whatever else was ever paid went back.
fn books_agree(state: &State) -> bool {
    state.attempts().enumerate().all(|(n, (attempt, _))| {
        let won = state.life.order.winner == Some(attempt.seq);
        let failed = state.life.refunds.iter().any(|r| r.attempt_seq == attempt.seq && r.status() == RefundStatus::Failed);
        let kept = attempt.captured.0 - attempt.refunded.0;
        state.kept(n) == kept && (won || kept == 0 || failed)
    })
}

/// From every state there is a way to the end on which nobody dies, loses, pays or wants anything.
fn everything_can_finish(graph: &Graph) -> usize {
    let mut reached = graph.finished.clone();
    let mut open: Vec<u64> = reached.iter().copied().collect();
    while let Some(state) = open.pop() {
        for from in graph.into.get(&state).into_iter().flatten() {
            if reached.insert(*from) {
                open.push(*from);
            }
        }
    }
    graph.states.difference(&reached).count()
}

/// An order of the draft, as the store takes it.
fn placed(order: &Order, candidates: &[Candidate]) -> Life {
    let place = Command::PlaceOrder { nonce: None, order: Box::new(order.clone()), candidates: candidates.to_vec() };
    match decide(&mut View::default(), &place) {
        Ok(Outcome::Placed(life)) => *life,
        other => panic!("{other:?}"),
    }
}

fn explore(rules: Rules) {
    let (order, candidates) = crate::world::draft(rules.barcode);
    let mut placed = placed(&order, &candidates);
    placed.effects.clear();
    let world = World { rules, placed, next: candidates[1].clone(), fair: Mutex::default() };
    let checker = world.checker().spawn_bfs().join();
    let model = checker.model();
    println!("every state of {}: {} states, depth {}", model.rules.name, checker.unique_state_count(), checker.max_depth());
    checker.assert_properties();
    let stuck = everything_can_finish(&model.fair.lock().unwrap());
    assert_eq!(stuck, 0, "{}: from so many states nothing that comes about by itself leads to an end", model.rules.name);
}

#[test]
fn of_a_code_that_can_be_closed() {
    explore(Rules { name: "a code that can be closed", ..PLAIN });
}

#[test]
fn of_a_code_and_its_refund() {
    explore(Rules { name: "a code and its refund", refunds: &[AMOUNT], callbacks: 0, ..PLAIN });
}

/// Together they are more than was paid: one of them must be refused, whatever becomes of the other.
#[test]
fn of_two_refunds() {
    explore(Rules { name: "two refunds", refunds: &[AMOUNT * 6 / 10, AMOUNT * 6 / 10], crashes: 0, losses: 1, callbacks: 0, ..PLAIN });
}

#[test]
fn of_a_code_that_nobody_closes() {
    explore(Rules { name: "a code that nobody closes", closes: false, ..PLAIN });
}

#[test]
fn of_a_barcode() {
    explore(Rules { name: "a barcode", barcode: true, ..PLAIN });
}

#[test]
fn of_an_order_that_goes_on() {
    explore(Rules { name: "an order that goes on", next: true, crashes: 0, callbacks: 0, ..PLAIN });
}
