//! How often an account succeeds lately (to be replaced by the measured one).

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taste {
    pub explore_ppm: u32,
    pub seen_min: u32,
}

impl Default for Taste {
    fn default() -> Taste {
        Taste { explore_ppm: 20_000, seen_min: 30 }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    good: u64,
    all: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Reading {
    pub chance_ppm: u32,
    pub seen: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked {
    pub places: Vec<usize>,
    pub explored: bool,
}

impl Window {
    pub fn told(&mut self, good: bool, _at_ms: i64, _taste: &Taste) {
        self.good = (self.good * 49 / 50) + if good { 1_000_000 } else { 0 };
        self.all = (self.all * 49 / 50) + 1_000_000;
    }

    #[must_use]
    pub fn reading(&self, _now_ms: i64, _taste: &Taste) -> Reading {
        let chance = self.good.saturating_mul(1_000_000).checked_div(self.all).unwrap_or(900_000);
        Reading { chance_ppm: u32::try_from(chance).unwrap_or(0), seen: u32::try_from(self.all / 1_000_000).unwrap_or(0) }
    }
}

#[must_use]
pub fn rank(readings: &[Reading], draw: u64, taste: &Taste) -> Ranked {
    let mut places: Vec<usize> = (0..readings.len()).collect();
    places.sort_by_key(|p| std::cmp::Reverse(readings.get(*p).map_or(0, |r| r.chance_ppm)));
    let explored = draw % 1_000_000 < u64::from(taste.explore_ppm) && !places.is_empty();
    if explored {
        let n = u64::try_from(places.len()).unwrap_or(1);
        let at = usize::try_from((draw / 1_000_000) % n).unwrap_or(0);
        let place = places.remove(at);
        places.insert(0, place);
    }
    Ranked { places, explored }
}
