//! The policies ours is measured against, in the form of the textbook.

use crate::route_worlds::Dice;
use std::collections::VecDeque;

/// One way of choosing an account for each order.
pub trait Policy {
    /// One of `open`, for an order at that time with that random number.
    fn choose(&mut self, open: &[usize], at_ms: i64, draw: u64) -> usize;
    fn told(&mut self, _order: usize, _account: usize, _good: bool, _at_ms: i64) {}
}

/// The first that is open.
pub struct Priority;

impl Policy for Priority {
    fn choose(&mut self, open: &[usize], _at_ms: i64, _draw: u64) -> usize {
        open[0]
    }
}

/// Smooth weighted round robin with equal weights.
pub struct RoundRobin(pub Vec<i64>);

impl Policy for RoundRobin {
    fn choose(&mut self, open: &[usize], _at_ms: i64, _draw: u64) -> usize {
        for place in open {
            self.0[*place] += 1;
        }
        let best = open.iter().copied().max_by_key(|place| (self.0[*place], std::cmp::Reverse(*place))).unwrap_or(0);
        self.0[best] -= open.len() as i64;
        best
    }
}

/// Sliding-window UCB (Garivier and Moulines, 2011): over the last `window` orders, the mean plus √(ξ ln min(t, window) / N).
/// An order on its way counts in N as soon as it is sent; counting it with its outcome only came to the same regret.
pub struct SlidingUcb {
    window: usize,
    xi: f64,
    sent: VecDeque<(usize, Option<bool>)>,
    /// The order that the window begins with.
    first: usize,
    count: Vec<u32>,
    told: Vec<u32>,
    good: Vec<u32>,
}

impl SlidingUcb {
    pub fn new(accounts: usize, window: usize, xi: f64) -> SlidingUcb {
        let none = vec![0; accounts];
        SlidingUcb { window, xi, sent: VecDeque::new(), first: 0, count: none.clone(), told: none.clone(), good: none }
    }
}

impl Policy for SlidingUcb {
    fn choose(&mut self, open: &[usize], _at_ms: i64, draw: u64) -> usize {
        if self.sent.len() == self.window
            && let Some((place, outcome)) = self.sent.pop_front()
        {
            self.first += 1;
            self.count[place] -= 1;
            self.told[place] -= u32::from(outcome.is_some());
            self.good[place] -= u32::from(outcome == Some(true));
        }
        let log = (self.sent.len().max(2) as f64).ln();
        let index = |place: usize| match (self.count[place], self.told[place]) {
            (0, _) => f64::MAX,
            // Sent, and nothing known yet: as if half were good.
            (count, 0) => 0.5 + (self.xi * log / f64::from(count)).sqrt(),
            (count, told) => f64::from(self.good[place]) / f64::from(told) + (self.xi * log / f64::from(count)).sqrt(),
        };
        let start = draw as usize % open.len();
        let turned = open[start..].iter().chain(&open[..start]).copied();
        let best = turned.map(|place| (index(place), place)).max_by(|a, b| a.0.total_cmp(&b.0)).map_or(0, |(_, place)| place);
        self.count[best] += 1;
        self.sent.push_back((best, None));
        best
    }

    fn told(&mut self, order: usize, account: usize, good: bool, _at_ms: i64) {
        // An outcome that comes when its order has left the window is of no use any more.
        let Some(place) = order.checked_sub(self.first) else { return };
        if let Some(sent) = self.sent.get_mut(place) {
            sent.1 = Some(good);
            self.told[account] += 1;
            self.good[account] += u32::from(good);
        }
    }
}

/// Discounted Thompson sampling (Raj and Kalyani, 2017): every outcome discounts all counts by γ, each account draws from its Beta.
pub struct DiscountedThompson {
    gamma: f64,
    /// As many good and as many bad.
    prior: f64,
    counts: Vec<(f64, f64)>,
}

impl DiscountedThompson {
    pub fn new(accounts: usize, gamma: f64, prior: f64) -> DiscountedThompson {
        DiscountedThompson { gamma, prior, counts: vec![(0.0, 0.0); accounts] }
    }
}

impl Policy for DiscountedThompson {
    fn choose(&mut self, open: &[usize], _at_ms: i64, draw: u64) -> usize {
        let dice = &mut Dice::new(draw);
        let mut drawn = open.iter().map(|place| {
            let (good, bad) = self.counts[*place];
            (beta(dice, good + self.prior, bad + self.prior), *place)
        });
        let first = drawn.next().unwrap_or_default();
        drawn.fold(first, |best, next| if next.0 > best.0 { next } else { best }).1
    }

    fn told(&mut self, _order: usize, account: usize, good: bool, _at_ms: i64) {
        for (won, lost) in &mut self.counts {
            *won *= self.gamma;
            *lost *= self.gamma;
        }
        let (won, lost) = &mut self.counts[account];
        if good {
            *won += 1.0;
        } else {
            *lost += 1.0;
        }
    }
}

fn beta(dice: &mut Dice, a: f64, b: f64) -> f64 {
    let (x, y) = (gamma(dice, a), gamma(dice, b));
    x / (x + y).max(f64::MIN_POSITIVE)
}

/// Marsaglia and Tsang, 2000; below shape 1 by the usual power of a uniform number.
fn gamma(dice: &mut Dice, shape: f64) -> f64 {
    if shape < 1.0 {
        return gamma(dice, shape + 1.0) * (1.0 - dice.unit()).powf(1.0 / shape);
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = dice.normal();
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && (1.0 - dice.unit()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}
