//! Worlds for the routing bench: accounts whose chances drift, drop and heal, and orders that arrive at random and end seconds later.
//! Everything chance decides is drawn here, before any policy runs: all policies meet the same orders with the same luck.

/// xorshift64*, started by splitmix so that neighbouring seeds have nothing in common.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        let mixed = (seed.wrapping_add(0x9E37_79B9_7F4A_7C15) ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Dice((mixed ^ (mixed >> 31)) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// In [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Every order of magnitude is as likely.
    pub fn scale(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }

    pub fn wait(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    pub fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

pub struct World {
    pub accounts: usize,
    /// When each order comes.
    pub at_ms: Vec<i64>,
    /// Each account's chance at each order, row by row.
    chances: Vec<f32>,
    /// An order succeeds where the account's chance is above its luck.
    luck: Vec<f32>,
    /// One random number an order, for the policies that want one.
    pub draws: Vec<u64>,
    /// Orders by the time their outcome is known.
    pub ends: Vec<(i64, usize)>,
    /// The most orders an account takes in an hour, when limits are in force.
    pub caps: Vec<u32>,
}

/// The chance falls to `level` and is back at `until`; the last part of the way is a ramp if it heals slowly.
struct Drop {
    from: f64,
    until: f64,
    level: f64,
    ramp: f64,
}

impl Drop {
    fn over(&self, now: f64) -> bool {
        now >= self.until + self.ramp
    }

    fn at(&self, now: f64, well: f64) -> f64 {
        if now < self.from || self.over(now) {
            return well;
        }
        let healed = ((now - self.until) / self.ramp.max(1.0)).clamp(0.0, 1.0);
        well.min(self.level + (well - self.level) * healed)
    }
}

fn drops(dice: &mut Dice, end: f64) -> Vec<Drop> {
    let every = dice.scale(4.0 * 3_600.0, 48.0 * 3_600.0);
    let mut from = dice.wait(every);
    let mut drops = Vec::new();
    while from < end {
        let lasts = dice.scale(180.0, 3_600.0);
        let ramp = if dice.unit() < 0.5 { 0.0 } else { lasts * dice.unit() };
        drops.push(Drop { from, until: from + lasts, level: dice.between(0.0, 0.6), ramp });
        from += lasts + ramp + dice.wait(every);
    }
    drops
}

struct Account {
    base: f64,
    drift: f64,
    drift_width: f64,
    drift_s: f64,
    own: Vec<Drop>,
    /// It stands behind the bank that two share.
    banked: bool,
    /// The first of its drops that is not over.
    own_from: usize,
}

impl World {
    pub fn new(seed: u64, orders: usize) -> World {
        let dice = &mut Dice::new(seed);
        let accounts = 3 + (dice.next() % 6) as usize;
        let rate = dice.scale(0.05, 10.0);
        let mut clock = 0.0;
        let mut arrive = || {
            clock += dice.wait(1.0 / rate);
            clock
        };
        let arrivals: Vec<f64> = (0..orders).map(|_| arrive()).collect();
        let chances = chances(dice, accounts, &arrivals);
        let at_ms: Vec<i64> = arrivals.iter().map(|s| (s * 1e3) as i64).collect();
        let delay = dice.scale(3.0, 40.0);
        let mut ends: Vec<(i64, usize)> = (0..).zip(&at_ms).map(|(n, at)| (at + 2_000 + (dice.wait(delay) * 1e3) as i64, n)).collect();
        ends.sort_unstable();
        // Half of the accounts take a part of what comes; one takes all, so that every order has a place to go.
        let mut cap = || if dice.unit() < 0.5 { u32::MAX } else { (rate * 3_600.0 * dice.between(0.05, 0.5)).max(1.0) as u32 };
        let mut caps: Vec<u32> = (0..accounts).map(|_| cap()).collect();
        caps[(dice.next() % accounts as u64) as usize] = u32::MAX;
        let luck = (0..orders).map(|_| dice.unit() as f32).collect();
        let draws = (0..orders).map(|_| dice.next()).collect();
        World { accounts, at_ms, chances, luck, draws, ends, caps }
    }

    fn chance(&self, order: usize, account: usize) -> f32 {
        self.chances[order * self.accounts + account]
    }

    pub fn succeeds(&self, order: usize, account: usize) -> bool {
        self.chance(order, account) > self.luck[order]
    }

    /// What nobody knows: the best of these for this order.
    pub fn best(&self, order: usize, open: &[usize]) -> usize {
        let best = open.iter().copied().max_by(|a, b| self.chance(order, *a).total_cmp(&self.chance(order, *b)));
        best.unwrap_or(0)
    }
}

/// Each account's chance at each arrival, row by row.
fn chances(dice: &mut Dice, accounts: usize, arrivals: &[f64]) -> Vec<f32> {
    let end = arrivals.last().copied().unwrap_or(0.0);
    // In every second world two accounts stand behind one bank, which fails for both.
    let bank = drops(dice, end);
    let shared = dice.unit() < 0.5;
    let mut all: Vec<Account> = (0..accounts).map(|place| Account::new(dice, end, shared && place < 2)).collect();
    // What a careful merchant would write down as the priority: the better account first.
    all.sort_by(|a, b| b.base.total_cmp(&a.base));
    let mut chances = Vec::with_capacity(arrivals.len() * accounts);
    let (mut before, mut bank_from) = (0.0, 0);
    for now in arrivals {
        while bank.get(bank_from).is_some_and(|drop| drop.over(*now)) {
            bank_from += 1;
        }
        chances.extend(all.iter_mut().map(|account| account.step(*now, now - before, bank.get(bank_from), dice) as f32));
        before = *now;
    }
    chances
}

impl Account {
    fn new(dice: &mut Dice, end: f64, banked: bool) -> Account {
        Account {
            base: dice.between(0.80, 0.99),
            drift: 0.0,
            drift_width: dice.between(0.005, 0.03),
            drift_s: dice.scale(2.0 * 3_600.0, 24.0 * 3_600.0),
            own: drops(dice, end),
            banked,
            own_from: 0,
        }
    }

    /// An Ornstein-Uhlenbeck drift around the base, and what has dropped.
    fn step(&mut self, now: f64, passed: f64, bank: Option<&Drop>, dice: &mut Dice) -> f64 {
        let keep = (-passed / self.drift_s).exp();
        self.drift = self.drift * keep + self.drift_width * (1.0 - keep * keep).sqrt() * dice.normal();
        while self.own.get(self.own_from).is_some_and(|drop| drop.over(now)) {
            self.own_from += 1;
        }
        let well = (self.base + self.drift).clamp(0.01, 0.995);
        let own = self.own.get(self.own_from).map_or(well, |drop| drop.at(now, well));
        bank.filter(|_| self.banked).map_or(own, |drop| own.min(drop.at(now, well)))
    }
}
