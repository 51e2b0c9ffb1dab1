//! Which of the ranked candidates the limits admit, under the lock. Several counters are taken together or none is.

use super::ask::{Ask, PassedOver, Why};
use super::counter::{CounterKey, Counters};
use crate::domain::life::Broken;
use crate::domain::{Candidate, OrderId};

/// What became of the candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The first that every limit has room for, by its place.
    pub admitted: Option<usize>,
    /// Those before it, in order.
    pub passed_over: Vec<PassedOver>,
    /// Rules that the admitted one brings near their max.
    pub near: Vec<String>,
}

/// The counters that admitting one of these looks at.
#[must_use]
pub fn keys(candidates: &[Candidate]) -> Vec<CounterKey> {
    candidates.iter().flat_map(|c| &c.asks).flat_map(|ask| ask.starts.iter().map(|start| ask.hold.key(*start))).collect()
}

pub fn admit(order_id: &OrderId, counters: &Counters, candidates: &[Candidate]) -> Result<Verdict, Broken> {
    let mut verdict = Verdict { admitted: None, passed_over: Vec::new(), near: Vec::new() };
    for (place, candidate) in candidates.iter().enumerate() {
        let mut near = Vec::new();
        let mut refused = None;
        for ask in &candidate.asks {
            match look(order_id, counters, ask)? {
                Room::Enough => {}
                Room::Near => near.push(ask.hold.limit.clone()),
                Room::None { start, need } => {
                    refused = Some(passed(candidate, ask, start, need));
                    break;
                }
            }
        }
        match refused {
            Some(refused) => verdict.passed_over.push(refused),
            None => return Ok(Verdict { admitted: Some(place), near, ..verdict }),
        }
    }
    Ok(verdict)
}

enum Room {
    Enough,
    Near,
    None { start: i64, need: i64 },
}

fn look(order_id: &OrderId, counters: &Counters, ask: &Ask) -> Result<Room, Broken> {
    let mut room = Room::Enough;
    // What was not checked stands above the limit from the start.
    let size = ask.hold.size.saturating_sub(ask.hold.overrun);
    for start in &ask.starts {
        let used = counters.get(order_id, &ask.hold.key(*start))?.used();
        let then = used.saturating_add(size);
        if size > 0 && then > ask.hold.max {
            return Ok(Room::None { start: *start, need: then.saturating_sub(ask.hold.max) });
        }
        if used < ask.warn_at && then >= ask.warn_at {
            room = Room::Near;
        }
    }
    Ok(room)
}

fn passed(candidate: &Candidate, ask: &Ask, start: i64, need: i64) -> PassedOver {
    let open_share = !ask.hold.holder.is_empty();
    let why = if open_share {
        Why::OpenShare
    } else {
        Why::Full { key: Box::new(ask.hold.key(start)), need, rolling_ms: ask.hold.window.rolling_ms() }
    };
    let opens_at = if open_share { None } else { ask.hold.window.end_of(start) };
    PassedOver { account: candidate.account.clone(), limit: ask.hold.limit.clone(), why, opens_at }
}
