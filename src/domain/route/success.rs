//! How often an account succeeds in one segment, and the ranking of a rule's accounts by it (the strategy `success_rate`).
//!
//! An account is taken to be *well*, succeeding at a chance of its own that changes slowly, or *ill*, succeeding at a part of that.
//! A window keeps both apart: decayed counts of the orders it took while well, and the chance that it is ill now, moved by every outcome
//! with Bayes' rule. So a few failures in a row are enough to send the orders elsewhere, and a few good ones bring back all that was known
//! of the account before. Between outcomes time does the forgetting: the ill heal, the well may have fallen ill, counts lose weight.
//!
//! Ranking is posterior sampling: each account draws from what is known of it, and the best draw goes first. The less is known, the wider
//! the draws, so what is new or not seen for long is tried as often as it could be the best; the ill are tried as often as that pays.
//!
//! **Invariants by absence:** no clock, no randomness, no float: times and the draw are handed in, and the same input gives the same answer.

#[cfg(test)]
mod tests;

/// Fixed point: 1 is 2^30, so that a product of two shares fits a u64.
const ONE: u64 = 1 << 30;
const PPM: u32 = 1_000_000;
/// What an unknown account's assumed chance weighs, in orders.
const PRIOR_ORDERS: u64 = 10;
/// The draws are narrower than what is known allows, in ppm of its deviation: with thousands of orders, greed learns enough.
const WIDTH_PPM: u64 = 600_000;
/// An account that may be ill is tried with one order in so many at most, until it is expected to be the best again.
const ORDERS_A_TRY: u64 = 20;

/// How success is judged (routing.toml `[success]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taste {
    /// Of all orders, this share is spread evenly over the accounts whatever is known of them: none gets less than `explore_ppm / n`.
    pub explore_ppm: u32,
    /// The same for an account of which less than `seen_min` is known.
    pub explore_new_ppm: u32,
    /// Effective observations below which an account counts as unknown.
    pub seen_min: u32,
    /// How many orders of its own an account's chance while well is judged by.
    pub memory_orders: u32,
    /// What was seen loses half its weight in this time.
    pub memory_half_s: u32,
    /// How long accounts stay ill: half of them are well again after it. Less tries them more often.
    pub ill_half_s: u32,
    /// The share of its time an account is ill.
    pub ill_ppm: u32,
    /// What an ill account still manages, as a share of its chance while well.
    pub ill_keeps_ppm: u32,
    /// The chance assumed of an unknown account.
    pub prior_ppm: u32,
}

impl Default for Taste {
    fn default() -> Taste {
        Taste {
            explore_ppm: 2_000,
            explore_new_ppm: 50_000,
            seen_min: 20,
            memory_orders: 1_000,
            memory_half_s: 24 * 3_600,
            ill_half_s: 2_400,
            ill_ppm: 10_000,
            ill_keeps_ppm: 500_000,
            prior_ppm: 900_000,
        }
    }
}

/// One segment's recent past, decayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Orders taken while well, and the good ones of them, fixed point.
    seen: u64,
    good: u64,
    /// The chance of being ill, fixed point.
    ill: u64,
    /// When that was so; none before the first outcome.
    at_ms: Option<i64>,
}

/// What a window says at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The chance that an order sent now succeeds.
    pub chance_ppm: u32,
    /// Effective observations.
    pub seen: u32,
    /// The chance while well, and of being ill: what `chance_ppm` is made of.
    pub well_ppm: u32,
    pub ill_ppm: u32,
}

/// An account of which nothing is known is worth a try: its chance is the assumed one, not none.
impl Default for Reading {
    fn default() -> Reading {
        Window::default().reading(0, &Taste::default())
    }
}

/// The accounts in the order in which they are to be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// Places in the readings, best first; every place exactly once.
    pub places: Vec<usize>,
    /// The first was chosen to learn, not to win.
    pub explored: bool,
}

impl Window {
    /// An order ended. Outcomes may come late and out of turn; a time before the last one counts as the last one.
    pub fn told(&mut self, good: bool, at_ms: i64, taste: &Taste) {
        *self = self.aged(at_ms, taste);
        let well = self.well(taste);
        let manages = mul(well, share(taste.ill_keeps_ppm));
        let likely = |chance: u64| if good { chance } else { ONE.saturating_sub(chance) };
        let if_ill = mul(self.ill, likely(manages));
        let if_well = mul(ONE.saturating_sub(self.ill), likely(well));
        // Never quite sure of either, or no outcome could change our mind.
        self.ill = ratio(if_ill, if_ill.saturating_add(if_well)).clamp(ONE >> 14, ONE - (ONE >> 14));
        // Only what it did while well says how it does while well.
        let weight = ONE.saturating_sub(self.ill);
        let keep = ONE.saturating_sub(ONE.checked_div(u64::from(taste.memory_orders)).unwrap_or(ONE));
        self.seen = mul(self.seen, keep).saturating_add(weight);
        self.good = mul(self.good, keep).saturating_add(if good { weight } else { 0 });
    }

    #[must_use]
    pub fn reading(&self, now_ms: i64, taste: &Taste) -> Reading {
        let now = self.aged(now_ms, taste);
        let well = now.well(taste);
        let lost = mul(mul(now.ill, well), ONE.saturating_sub(share(taste.ill_keeps_ppm)));
        let seen = u32::try_from(now.seen.saturating_add(ONE / 2) / ONE).unwrap_or(u32::MAX);
        Reading { chance_ppm: ppm(well.saturating_sub(lost)), seen, well_ppm: ppm(well), ill_ppm: ppm(now.ill) }
    }

    /// The same with the time since the last outcome gone by.
    fn aged(&self, now_ms: i64, taste: &Taste) -> Window {
        let steady = share(taste.ill_ppm);
        let Some(at_ms) = self.at_ms else { return Window { ill: steady, at_ms: Some(now_ms), ..*self } };
        let passed_ms = u64::try_from(now_ms.saturating_sub(at_ms)).unwrap_or(0);
        let (mind, health) = (halved(passed_ms, taste.memory_half_s), halved(passed_ms, taste.ill_half_s));
        Window {
            seen: mul(self.seen, mind),
            good: mul(self.good, mind),
            ill: mul(self.ill, health).saturating_add(mul(steady, ONE.saturating_sub(health))),
            at_ms: Some(at_ms.max(now_ms)),
        }
    }

    /// The chance while well.
    fn well(&self, taste: &Taste) -> u64 {
        let prior = PRIOR_ORDERS.saturating_mul(ONE);
        let good = self.good.saturating_add(mul(prior, share(taste.prior_ppm)));
        ratio(good, self.seen.saturating_add(prior)).clamp(ONE >> 10, ONE - (ONE >> 10))
    }
}

/// Best first. `draw` is the order's random number: the same draw and readings give the same answer.
#[must_use]
pub fn rank(readings: &[Reading], draw: u64, taste: &Taste) -> Ranked {
    let mut dice = Dice(draw);
    let expected = |place: &usize| readings.get(*place).map_or(0, |reading| reading.chance_ppm);
    let best = readings.iter().map(|reading| reading.chance_ppm).max().unwrap_or(0);
    // Equal draws fall to the dice, not to the first in the file.
    let drawn = readings.iter().map(|reading| (reading.sample(best, &mut dice, taste), dice.next())).enumerate();
    let mut first = drawn.max_by_key(|(_, draw)| *draw).map_or(0, |(place, _)| place);
    // The floor: one account by lot, whatever is known of it.
    let lot = usize::try_from(dice.below(u64::try_from(readings.len()).unwrap_or(u64::MAX))).unwrap_or(0);
    let unknown = readings.get(lot).is_some_and(|reading| reading.seen < taste.seen_min);
    if dice.hits(if unknown { taste.explore_new_ppm.max(taste.explore_ppm) } else { taste.explore_ppm }) {
        first = lot;
    }
    // If the first cannot take the order, the others are asked to win it, not to learn from it.
    let mut places: Vec<usize> = (0..readings.len()).collect();
    places.sort_by_key(|place| (*place != first, std::cmp::Reverse(expected(place))));
    Ranked { explored: places.first().is_some_and(|place| expected(place) < best), places }
}

impl Reading {
    /// One draw from what is known, in ppm. An account that may be ill is taken for well by lot, in proportion to what the try may win
    /// over the best one known and to what it may lose: tries are rare where the others are nearly as good, frequent where they are not.
    fn sample(&self, best_ppm: u32, dice: &mut Dice, taste: &Taste) -> i64 {
        let (well, ill) = (u64::from(self.well_ppm.min(PPM)), u64::from(self.ill_ppm.min(PPM)));
        let variance = well.saturating_mul(u64::from(PPM).saturating_sub(well)) / u64::from(self.seen).saturating_add(PRIOR_ORDERS);
        let width = signed(variance.isqrt().saturating_mul(WIDTH_PPM) / u64::from(PPM));
        let off = width.saturating_mul(dice.bell_milli()) / 1_000;
        let drawn = u64::try_from(signed(well).saturating_add(off)).unwrap_or(0);
        let (best, if_ill) = (u64::from(best_ppm), mul(well, share(taste.ill_keeps_ppm)));
        let wins = u64::from(PPM).saturating_sub(ill).saturating_mul(drawn.saturating_sub(best));
        let loses = ill.saturating_mul(best.saturating_sub(if_ill));
        let tried = dice.below(wins.saturating_add(loses).max(wins.saturating_mul(ORDERS_A_TRY))) < wins;
        signed(if tried { well } else { u64::from(self.chance_ppm) }).saturating_add(off)
    }
}

/// Many random numbers out of one (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        let scaled = (u128::from(self.next()) * u128::from(limit)) >> 64;
        u64::try_from(scaled).unwrap_or(0)
    }

    fn hits(&mut self, ppm: u32) -> bool {
        self.below(u64::from(PPM)) < u64::from(ppm)
    }

    /// Near enough a normal number of mean 0 and deviation 1,000: four uniform ones added up.
    fn bell_milli(&mut self) -> i64 {
        let sum: u64 = (0..4).map(|_| self.below(1_732)).sum();
        signed(sum).saturating_sub(3_462)
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn share(ppm: u32) -> u64 {
    u64::from(ppm.min(PPM)).saturating_mul(ONE) / u64::from(PPM)
}

fn ppm(share: u64) -> u32 {
    u32::try_from(mul(share, u64::from(PPM))).unwrap_or(PPM).min(PPM)
}

fn mul(a: u64, b: u64) -> u64 {
    u64::try_from((u128::from(a) * u128::from(b)) >> 30).unwrap_or(u64::MAX)
}

fn ratio(part: u64, whole: u64) -> u64 {
    let scaled = u128::from(part) * u128::from(ONE);
    scaled.checked_div(u128::from(whole)).and_then(|r| u64::try_from(r).ok()).unwrap_or(0)
}

/// 2^(-passed/half), to a third of a per cent: a parabola between the powers of two.
fn halved(passed_ms: u64, half_s: u32) -> u64 {
    let whole_ms = u64::from(half_s.max(1)).saturating_mul(1_000);
    let part = ratio(passed_ms % whole_ms, whole_ms);
    let within = ONE.saturating_sub(mul(part, share(672_000).saturating_sub(mul(part, share(172_000)))));
    let times = u32::try_from(passed_ms / whole_ms).unwrap_or(u32::MAX);
    within.checked_shr(times).unwrap_or(0)
}
