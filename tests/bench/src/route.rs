//! What choosing by success rate gains (`success_rate` of the routing rules): seeded worlds of accounts that drift, drop and heal, and
//! every policy on the same orders with the same luck. Regret is what a policy lost against one that knows every chance at every moment.

use crate::Bench;
use crate::route_baselines::{DiscountedThompson, Policy, Priority, RoundRobin, SlidingUcb};
use crate::route_worlds::World;
use crate::subject::Done;
use sluice::domain::route::success::{Taste, Window, rank};

/// The best of the grids below over 30 worlds of seed 2, without limits and with them: `--seed 2 --tune 30`. The best window is the whole
/// run, with a wide bound: what slides forgets the well along with the ill.
const UCB: [(usize, f64); 2] = [(200_000, 1.0), (200_000, 0.6)];
const THOMPSON: [(f64, f64); 2] = [(200.0, 3.0), (200.0, 3.0)];

const WINDOWS: [usize; 8] = [1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000];
const XIS: [f64; 7] = [0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 1.0];
/// Thompson's discount is one order in so many; its prior is so many good and as many bad.
const MEMORIES: [f64; 7] = [50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0];
const PRIORS: [f64; 4] = [1.0, 2.0, 3.0, 4.0];
/// Points of success that ours has to gain over fixed priority.
const POINTS: f64 = 1.0;

/// How much is run.
pub struct Size {
    worlds: u64,
    orders: usize,
    seed: u64,
    /// Worlds to try the grids of the baselines on, instead of the comparison.
    tune: Option<u64>,
}

impl Size {
    pub fn read(option: &mut impl FnMut(&str) -> Option<String>) -> Size {
        let mut number = |name: &str| option(name).and_then(|text| text.parse::<u64>().ok());
        Size {
            worlds: number("--worlds").unwrap_or(100).max(2),
            orders: number("--orders").unwrap_or(200_000).max(1) as usize,
            seed: number("--seed").unwrap_or(1),
            tune: number("--tune"),
        }
    }

    fn world(&self, nth: u64) -> World {
        World::new((self.seed << 32) | nth, self.orders)
    }
}

#[derive(Clone, Copy)]
enum Kind {
    AllKnowing,
    Priority,
    RoundRobin,
    Ucb(usize, f64),
    Thompson(f64, f64),
    Ours,
}

impl Kind {
    /// All-knowing is none: it is the runner that knows.
    fn policy(self, accounts: usize) -> Option<Box<dyn Policy>> {
        Some(match self {
            Kind::AllKnowing => return None,
            Kind::Priority => Box::new(Priority),
            Kind::RoundRobin => Box::new(RoundRobin(vec![0; accounts])),
            Kind::Ucb(window, xi) => Box::new(SlidingUcb::new(accounts, window, xi)),
            Kind::Thompson(memory, prior) => Box::new(DiscountedThompson::new(accounts, 1.0 - 1.0 / memory, prior)),
            Kind::Ours => Box::new(Ours { windows: vec![Window::default(); accounts], taste: Taste::default() }),
        })
    }

    fn name(self) -> String {
        match self {
            Kind::AllKnowing => "all-knowing".to_owned(),
            Kind::Priority => "fixed priority".to_owned(),
            Kind::RoundRobin => "smooth round robin".to_owned(),
            Kind::Ucb(window, xi) => format!("UCB, window {window}, ξ {xi}"),
            Kind::Thompson(memory, prior) => format!("Thompson, γ 1-1/{memory}, prior {prior}"),
            Kind::Ours => "ours".to_owned(),
        }
    }
}

/// Ours, called as the gateway calls it.
struct Ours {
    windows: Vec<Window>,
    taste: Taste,
}

impl Policy for Ours {
    fn choose(&mut self, open: &[usize], at_ms: i64, draw: u64) -> usize {
        let readings: Vec<_> = open.iter().map(|place| self.windows[*place].reading(at_ms, &self.taste)).collect();
        open[rank(&readings, draw, &self.taste).places[0]]
    }

    fn told(&mut self, _order: usize, account: usize, good: bool, at_ms: i64) {
        self.windows[account].told(good, at_ms, &self.taste);
    }
}

/// The orders that succeed in this world under this policy. With limits in force, an account that took its orders of this hour is no
/// choice until the next; the all-knowing one takes the best that is open and saves nothing for later.
fn run(world: &World, kind: Kind, limited: bool) -> f64 {
    let mut policy = kind.policy(world.accounts);
    let mut chosen: Vec<usize> = Vec::with_capacity(world.at_ms.len());
    let (mut taken, mut hour) = (vec![0_u32; world.accounts], 0);
    let mut open: Vec<usize> = (0..world.accounts).collect();
    let (mut ends, mut good) = (world.ends.iter().peekable(), 0_u32);
    for (order, at_ms) in world.at_ms.iter().enumerate() {
        while let Some((end_ms, ended)) = ends.next_if(|(end_ms, _)| end_ms <= at_ms) {
            if let Some(policy) = &mut policy {
                policy.told(*ended, chosen[*ended], world.succeeds(*ended, chosen[*ended]), *end_ms);
            }
        }
        if limited {
            if at_ms / 3_600_000 != hour {
                hour = at_ms / 3_600_000;
                taken.fill(0);
            }
            open.clear();
            open.extend((0..world.accounts).filter(|place| taken[*place] < world.caps[*place]));
        }
        let account = match &mut policy {
            Some(policy) => policy.choose(&open, *at_ms, world.draws[order]),
            None => world.best(order, &open),
        };
        taken[account] += 1;
        chosen.push(account);
        good += u32::from(world.succeeds(order, account));
    }
    f64::from(good)
}

/// Mean and its standard error.
fn mean(numbers: &[f64]) -> (f64, f64) {
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let variance = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    (mean, (variance / count).sqrt())
}

impl Bench {
    pub fn routes(&mut self, size: &Size) -> Done {
        if let Some(worlds) = size.tune {
            tune(size, worlds.max(2));
            return Ok(());
        }
        println!("routes: {} worlds of {} orders, seed {}", size.worlds, size.orders, size.seed);
        let kinds = [0, 1].map(|limited| {
            let (ucb, thompson) = (UCB[limited], THOMPSON[limited]);
            let baselines = [Kind::Priority, Kind::RoundRobin, Kind::Ucb(ucb.0, ucb.1), Kind::Thompson(thompson.0, thompson.1)];
            [&[Kind::AllKnowing, Kind::Ours], baselines.as_slice()].concat()
        });
        let mut good = kinds.each_ref().map(|kinds| vec![Vec::new(); kinds.len()]);
        for nth in 0..size.worlds {
            let world = size.world(nth);
            for (limited, (kinds, good)) in [false, true].into_iter().zip(kinds.iter().zip(&mut good)) {
                kinds.iter().zip(good).for_each(|(kind, good)| good.push(run(&world, *kind, limited)));
            }
        }
        for (title, (kinds, good)) in ["no limits", "hourly limits in force"].into_iter().zip(kinds.iter().zip(&good)) {
            self.table(title, kinds, good, size.orders as f64);
        }
        Ok(())
    }

    /// `good` is by policy, then by world; the first is all-knowing, the second ours, the third fixed priority.
    fn table(&mut self, title: &str, kinds: &[Kind], good: &[Vec<f64>], orders: f64) {
        println!("  {title:<34} success   over priority   regret a world       ours is better in");
        let rates: Vec<f64> = good.iter().map(|good| 100.0 * mean(good).0 / orders).collect();
        let regret = |of: usize| mean(&good[0].iter().zip(&good[of]).map(|(most, good)| most - good).collect::<Vec<_>>());
        for (of, kind) in kinds.iter().enumerate() {
            let (lost, error) = regret(of);
            let wins = good[1].iter().zip(&good[of]).filter(|(ours, theirs)| ours > theirs).count();
            let wins = if of < 2 { String::new() } else { format!("{wins:>4} of {}", good[of].len()) };
            println!(
                "    {:<32} {:>6.2} %   {:>+6.2} points  {lost:>8.0} ± {error:<6.0}  {wins}",
                kind.name(),
                rates[of],
                rates[of] - rates[2]
            );
        }
        let gains = rates[1] - rates[2];
        println!("  ours over fixed priority: {gains:.2} points, at least {POINTS}: {}", self.judged(gains >= POINTS));
        for of in 2..kinds.len() {
            let (more, error) = mean(&good[1].iter().zip(&good[of]).map(|(ours, theirs)| ours - theirs).collect::<Vec<_>>());
            // Below by chance is not below.
            let holds = self.judged(more > 2.0 * error);
            println!(
                "  regret against {}: {:.2} of it, {more:.0} ± {error:.0} orders less: {holds}",
                kinds[of].name(),
                regret(1).0 / regret(of).0
            );
        }
    }

    fn judged(&mut self, holds: bool) -> &'static str {
        self.missed += u32::from(!holds);
        if holds { "ok" } else { "MISSED" }
    }
}

/// The baselines over their grids, the best of each first, in both settings.
fn tune(size: &Size, worlds: u64) {
    println!("tuning over {worlds} worlds of {} orders, seed {}", size.orders, size.seed);
    let ucb = WINDOWS.iter().flat_map(|window| XIS.iter().map(|xi| Kind::Ucb(*window, *xi)));
    let thompson = MEMORIES.iter().flat_map(|memory| PRIORS.iter().map(|prior| Kind::Thompson(*memory, *prior)));
    let grids = [ucb.collect::<Vec<_>>(), thompson.collect()];
    let mut found: Vec<(usize, Kind, f64)> =
        [0, 1].iter().flat_map(|limited| grids.iter().flatten().map(|kind| (*limited, *kind, 0.0))).collect();
    for nth in 0..worlds {
        let world = size.world(nth);
        let most = [false, true].map(|limited| run(&world, Kind::AllKnowing, limited));
        for (limited, kind, lost) in &mut found {
            *lost += (most[*limited] - run(&world, *kind, *limited == 1)) / worlds as f64;
        }
    }
    found.sort_by(|a, b| a.2.total_cmp(&b.2));
    for (limited, title) in ["no limits", "hourly limits in force"].into_iter().enumerate() {
        for of_ucb in [true, false] {
            println!("  {title}, regret a world:");
            let these = found.iter().filter(|(l, kind, _)| *l == limited && matches!(kind, Kind::Ucb(..)) == of_ucb);
            these.take(5).for_each(|(_, kind, lost)| println!("    {:<40} {lost:>8.0}", kind.name()));
        }
    }
}
