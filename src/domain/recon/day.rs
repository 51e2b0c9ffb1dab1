//! In which day's bill a thing belongs. The channel's day may end before midnight, and what was done near the cut may stand on either side
//! of it: its clock is not ours, and sometimes all we know is when we heard of it.

use sluice_contract::{Day, Second, StatementRule};

/// So near the cut a thing may stand in either bill.
const CARRY_S: i64 = 300;
/// A payment further outside its bill's day than this makes it the bill of another day.
const STRAY_S: i64 = 3_600;
const DAY_S: i64 = 86_400;

/// A channel's day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BillDay {
    pub day: Day,
    ends_at_s: i64,
}

/// Where one of ours lies in the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Near the beginning: the bill before this one may have it.
    Before,
    Within,
    /// Near the end: the next bill may have it.
    After,
    /// Not in this day: it is known because the bill named it.
    Elsewhere,
}

impl BillDay {
    #[must_use]
    pub const fn new(day: Day, rule: &StatementRule) -> BillDay {
        BillDay { day, ends_at_s: rule.day_ends_at_s }
    }

    #[must_use]
    pub fn begins(&self) -> Second {
        self.ends().plus(-DAY_S)
    }

    #[must_use]
    pub fn ends(&self) -> Second {
        self.day.start().plus(self.ends_at_s)
    }

    /// From when to when what is in the bill may have been done.
    #[must_use]
    pub fn reach(&self) -> (Second, Second) {
        (self.begins().plus(-CARRY_S), self.ends().plus(CARRY_S))
    }

    /// Where something done at this time lies. `settle_date`: the day that the channel itself has told.
    #[must_use]
    pub fn edge(&self, at: Second, settle_date: Option<&str>) -> Edge {
        if let Some(told) = settle_date.and_then(Day::parse) {
            return if told == self.day { Edge::Within } else { Edge::Elsewhere };
        }
        let (from, to) = self.reach();
        if at < from || at >= to {
            Edge::Elsewhere
        } else if at < self.begins().plus(CARRY_S) {
            Edge::Before
        } else if at >= self.ends().plus(-CARRY_S) {
            Edge::After
        } else {
            Edge::Within
        }
    }

    /// Whether a payment of this time may stand in the bill at all.
    #[must_use]
    pub fn fits(&self, at: Second) -> bool {
        at >= self.begins().plus(-STRAY_S) && at < self.ends().plus(STRAY_S)
    }

    /// The day under which something on this edge is written down: the last one whose bill may have it.
    #[must_use]
    pub fn last_of(&self, edge: Edge) -> Day {
        if edge == Edge::After { self.day.plus(1) } else { self.day }
    }
}
