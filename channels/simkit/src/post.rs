//! Callbacks on their way: what is due, what is held, what is in flight, and when it is tried again. What a callback *says* is
//! the channel's own.

use crate::draw::Draw;
use crate::faults::Fault;
use crate::simulator::Complaint;
use sluice_contract::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// A callback for as long as the sandbox lives: it can be sent again. `N` is the channel's news.
#[derive(Clone, Debug)]
pub struct Notice<N> {
    pub number: String,
    pub news: N,
    pub url: String,
    pub event_id: String,
    pub created_at: Millis,
    failed: usize,
    /// One with a broken signature goes first (WeChat's probes).
    probe: bool,
    /// Its fault was drawn (a delay) and must not be drawn again.
    drawn: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    True,
    Probe,
    /// The second of two; how it goes changes nothing.
    Double,
    /// Its answer gets lost on the way back.
    Deaf,
}

/// A delivery that nobody reported on yet.
#[derive(Clone, Copy, Debug)]
struct Flight {
    notice: u64,
    kind: Kind,
}

/// A notice that goes out now: the channel writes its bytes. `fault` is left for what the bytes say or how they are signed.
#[derive(Clone, Debug)]
pub struct Outgoing<N> {
    /// The delivery's id, for [`Post::landed`].
    pub id: u64,
    pub notice: Notice<N>,
    pub kind: Kind,
    pub fault: Option<Fault>,
}

#[derive(Debug)]
pub struct Post<N> {
    /// Seconds to the next try after each failed one.
    retry_s: &'static [i64],
    notices: BTreeMap<u64, Notice<N>>,
    queue: BTreeSet<(Millis, u64)>,
    held: BTreeMap<u64, Millis>,
    flights: BTreeMap<u64, Flight>,
    latest: BTreeMap<String, u64>,
    ids: u64,
    /// Probes that were answered as if they were true.
    pub probes_swallowed: u32,
}

impl<N: Clone> Post<N> {
    #[must_use]
    pub fn new(retry_s: &'static [i64]) -> Post<N> {
        Post {
            retry_s,
            notices: BTreeMap::new(),
            queue: BTreeSet::new(),
            held: BTreeMap::new(),
            flights: BTreeMap::new(),
            latest: BTreeMap::new(),
            ids: 0,
            probes_swallowed: 0,
        }
    }

    /// News of an order, to be sent to `url` at `due`.
    pub fn announce(&mut self, number: &str, news: N, url: String, now: Millis, due: Millis, draw: &mut Draw) {
        self.announce_after_probe(number, news, url, now, due, false, draw);
    }

    #[expect(clippy::too_many_arguments, reason = "the post knows neither clock nor options of the simulator")]
    pub fn announce_after_probe(&mut self, number: &str, news: N, url: String, now: Millis, due: Millis, probe: bool, draw: &mut Draw) {
        let id = self.fresh_id();
        let notice =
            Notice { number: number.to_owned(), news, url, event_id: draw.uuid(), created_at: now, failed: 0, probe, drawn: false };
        self.notices.insert(id, notice);
        self.latest.insert(number.to_owned(), id);
        self.queue.insert((due, id));
    }

    #[must_use]
    pub fn next_at(&self) -> Option<Millis> {
        self.queue.first().map(|(when, _)| *when)
    }

    /// Faults were cleared: what was held goes out.
    pub fn release(&mut self) {
        for (id, when) in std::mem::take(&mut self.held) {
            self.queue.insert((when, id));
        }
    }

    /// The last callback of an order is due again.
    ///
    /// # Errors
    /// When the order has had none.
    pub fn again(&mut self, number: &str, now: Millis) -> Result<(), Complaint> {
        let Some(&id) = self.latest.get(number) else {
            return Err(Complaint("this order has had no callback yet".to_owned()));
        };
        self.queue.retain(|(_, queued)| *queued != id);
        self.held.remove(&id);
        self.queue.insert((now, id));
        Ok(())
    }

    /// Takes what is due by `now` and plays the faults that are about the way, not about the words.
    pub fn take_due(&mut self, now: Millis, fast: i64, draw: &mut dyn FnMut() -> Option<Fault>) -> Vec<Outgoing<N>> {
        let mut out = Vec::new();
        while let Some(&(when, id)) = self.queue.first().filter(|(when, _)| *when <= now) {
            self.queue.remove(&(when, id));
            let Some(notice) = self.notices.get_mut(&id) else { continue };
            if std::mem::take(&mut notice.probe) {
                out.extend(self.outgoing(id, Kind::Probe, None));
                continue;
            }
            let fault = if std::mem::take(&mut notice.drawn) { None } else { draw() };
            match fault {
                Some(Fault::Hold) => {
                    self.held.insert(id, when);
                }
                Some(Fault::Delay { ms }) => {
                    notice.drawn = true;
                    let later = now.plus_ms(i64::try_from(ms).unwrap_or(i64::MAX).max(1));
                    self.queue.insert((later, id));
                }
                Some(Fault::LoseRequest | Fault::Reset | Fault::Error500) => self.retry(id, fast, now),
                Some(Fault::LoseResponse) => out.extend(self.outgoing(id, Kind::Deaf, None)),
                Some(Fault::Duplicate) => {
                    out.extend(self.outgoing(id, Kind::True, None));
                    out.extend(self.outgoing(id, Kind::Double, None));
                }
                other => out.extend(self.outgoing(id, Kind::True, other)),
            }
        }
        out
    }

    /// How a delivery went. `taken`: the channel's own idea of a good answer.
    pub fn landed(&mut self, delivery: u64, taken: bool, fast: i64, now: Millis) {
        let Some(flight) = self.flights.remove(&delivery) else { return };
        match flight.kind {
            Kind::Double => {}
            Kind::Probe => {
                if taken {
                    self.probes_swallowed = self.probes_swallowed.saturating_add(1);
                }
                // The true one follows at once, whatever was answered.
                self.queue.insert((now, flight.notice));
            }
            Kind::True if taken => {}
            Kind::True | Kind::Deaf => self.retry(flight.notice, fast, now),
        }
    }

    fn outgoing(&mut self, notice_id: u64, kind: Kind, fault: Option<Fault>) -> Option<Outgoing<N>> {
        let notice = self.notices.get(&notice_id)?.clone();
        let id = self.fresh_id();
        self.flights.insert(id, Flight { notice: notice_id, kind });
        Some(Outgoing { id, notice, kind, fault })
    }

    /// The next try by the schedule, or none when it is used up.
    fn retry(&mut self, id: u64, fast: i64, now: Millis) {
        let Some(notice) = self.notices.get_mut(&id) else { return };
        notice.drawn = false;
        if let Some(wait_s) = self.retry_s.get(notice.failed) {
            notice.failed = notice.failed.saturating_add(1);
            let wait_ms = wait_s.saturating_mul(1000);
            self.queue.insert((now.plus_ms(wait_ms.checked_div(fast).unwrap_or(wait_ms)), id));
        }
    }

    fn fresh_id(&mut self) -> u64 {
        self.ids = self.ids.wrapping_add(1);
        self.ids
    }
}
