//! What every part of the world shares: time, the dice, what is to happen when, the trace, and the complaints of the checkers.

use super::actors::Act;
use super::dice::Dice;
use super::merchant::Book;
use super::plan::Client;
use super::spy::Mark;
use super::stage::Scene;
use super::store::Queued;
use super::watch::Watch;
use super::wire::Flight;
use crate::model::books::Books;
use sluice::clock::{Clock, Sleep};
use sluice_contract::{HttpReply, Millis};
use sluice_simkit::{Booth, Delivery};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

/// 2026-03-02 10:00 in Shanghai.
pub const BASE_MS: i64 = 1_772_416_800_000;

pub type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Something somebody waits for.
pub struct Slot<T>(Arc<Mutex<(Option<T>, Option<Waker>)>>);

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Slot<T> {
        Slot(Arc::clone(&self.0))
    }
}

impl<T> Slot<T> {
    pub fn new() -> Slot<T> {
        Slot(Arc::new(Mutex::new((None, None))))
    }

    pub fn fill(&self, value: T) {
        let waker = {
            let mut inner = self.0.lock().unwrap();
            if inner.0.is_none() {
                inner.0 = Some(value);
            }
            inner.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Slot<T> {
    type Output = T;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut inner = self.0.lock().unwrap();
        match inner.0.take() {
            Some(value) => Poll::Ready(value),
            None => {
                inner.1 = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

pub enum Event {
    /// A request reaches the channel.
    Arrive(u64),
    /// Its reply, or its time-out, reaches us.
    Answer(u64, Result<HttpReply, sluice::outbound::WireError>),
    Fill(Slot<()>),
    Act(Act),
    /// A callback reaches the gateway. `reported`: the channel learns how it went. `to`: the account it is posted to.
    Callback {
        booth: usize,
        to: usize,
        delivery: Delivery,
        reported: bool,
        forged: bool,
    },
    /// The channel stops waiting for the answer to a callback.
    CallbackTimeout {
        booth: usize,
        id: u64,
    },
    Weather,
    SetClock(i64),
}

/// What happened, as lines, and a hash over all of them.
pub struct Trace {
    pub lines: Vec<String>,
    pub hash: u64,
}

pub struct Core {
    pub seed: u64,
    pub scene: Scene,
    pub dice: Dice,
    /// True time since the beginning.
    pub now_ms: i64,
    /// How wrong the gateway's wall clock is.
    pub offset_ms: i64,
    /// What is stored may then bear times that never were.
    pub clock_jumped: bool,
    /// Numbers the transport swore were never sent, which arrived all the same.
    pub haunted: BTreeSet<String>,
    /// What callbacks hinted at, with when they came, and when each number was asked about.
    pub hinted: Vec<(String, i64)>,
    pub asked: BTreeMap<String, Vec<i64>>,
    /// What may have been sent already, and may not be sent twice.
    pub sent: BTreeSet<String>,
    pub timers: BTreeMap<(i64, u64), Event>,
    serial: u64,
    pub trace: Trace,
    pub wrong: Vec<String>,
    /// How often each kind of thing happened: a world in which nothing happens proves nothing.
    pub seen: BTreeMap<String, u64>,
    /// Healed: nothing fails any more.
    pub calm: bool,
    pub calm_from_ms: i64,
    /// Nothing fails but what the recipe asks for.
    pub tame: bool,
    /// So many of a thousand payments at the first account provably do not leave, if a recipe asks for it.
    pub unsent_permille: u64,
    /// The channel that swallows every request, if a recipe has one: nothing is executed and nothing answered.
    pub silent: Option<usize>,
    /// In a tame world every call: when, to which booth, what about.
    pub outbound: Vec<(i64, usize, Option<Mark>)>,
    pub engine: Books,
    pub queue: Vec<Queued>,
    pub flights: BTreeMap<u64, Flight>,
    pub booths: Vec<Booth>,
    pub watch: Watch,
    pub book: Book,
    pub clients: Vec<Client>,
    pub spawned: Vec<(String, Job)>,
    pub claiming_orders: bool,
    pub claiming_notices: bool,
    pub callbacks_open: BTreeSet<(usize, u64)>,
    pub last_callback: Option<(usize, Delivery)>,
}

impl Core {
    pub fn new(seed: u64, scene: Scene, booths: Vec<Booth>, engine: Books) -> Core {
        Core {
            seed,
            scene,
            dice: Dice::new(seed),
            now_ms: 0,
            offset_ms: 0,
            clock_jumped: false,
            haunted: BTreeSet::new(),
            hinted: Vec::new(),
            asked: BTreeMap::new(),
            sent: BTreeSet::new(),
            timers: BTreeMap::new(),
            serial: 0,
            trace: Trace { lines: Vec::new(), hash: 0xCBF2_9CE4_8422_2325 },
            wrong: Vec::new(),
            seen: BTreeMap::new(),
            calm: false,
            calm_from_ms: 0,
            tame: false,
            unsent_permille: 0,
            silent: None,
            outbound: Vec::new(),
            engine,
            queue: Vec::new(),
            flights: BTreeMap::new(),
            booths,
            watch: Watch::default(),
            book: Book::default(),
            clients: Vec::new(),
            spawned: Vec::new(),
            claiming_orders: false,
            claiming_notices: false,
            callbacks_open: BTreeSet::new(),
            last_callback: None,
        }
    }

    pub fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub fn after(&mut self, ms: i64, event: Event) {
        let key = (self.now_ms + ms.max(0), self.serial());
        self.timers.insert(key, event);
    }

    /// True time, as the channels know it.
    pub fn truly(&self) -> Millis {
        Millis(BASE_MS + self.now_ms)
    }

    /// The gateway's wall clock.
    pub fn wall(&self) -> Millis {
        Millis(BASE_MS + self.now_ms + self.offset_ms)
    }

    pub fn say(&mut self, line: impl AsRef<str>) {
        let line = format!("{:>10.3} {}", f64::from(u32::try_from(self.now_ms).unwrap_or(u32::MAX)) / 1000.0, line.as_ref());
        self.trace.hash = fnv(self.trace.hash, line.as_bytes());
        self.trace.lines.push(line);
    }

    pub fn see(&mut self, what: impl Into<String>) {
        *self.seen.entry(what.into()).or_default() += 1;
    }

    pub fn complain(&mut self, what: impl AsRef<str>) {
        self.say(format!("WRONG: {}", what.as_ref()));
        self.wrong.push(what.as_ref().to_owned());
    }

    pub fn spawn(&mut self, name: impl Into<String>, job: impl Future<Output = ()> + Send + 'static) {
        self.spawned.push((name.into(), Box::pin(job)));
    }

    /// True in the safety phase only.
    pub fn mishap(&mut self, permille: u64) -> bool {
        !self.calm && !self.tame && self.dice.permille(permille)
    }
}

pub fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}

/// The last characters of a number: enough to tell orders apart in a trace.
pub fn short(number: &str) -> String {
    let cut = number.len().saturating_sub(7);
    format!("{}…{}", &number[..1.min(number.len())], &number[cut..])
}

#[derive(Clone)]
pub struct Shared(Arc<Mutex<Core>>);

impl Shared {
    pub fn new(core: Core) -> Shared {
        Shared(Arc::new(Mutex::new(core)))
    }

    pub fn lock(&self) -> MutexGuard<'_, Core> {
        self.0.lock().unwrap()
    }
}

impl Clock for Shared {
    fn now(&self) -> Millis {
        self.lock().wall()
    }

    fn sleep_ms(&self, ms: i64) -> Sleep<'_> {
        let slot = Slot::new();
        self.lock().after(ms, Event::Fill(slot.clone()));
        Box::pin(slot)
    }
}
