//! G4: hours of everyday business on one process: its memory and its file handles stay where they were, and the books agree in the end.

use super::journey::{World, stories};
use super::judge::judge;
use super::rig::{Dice, Done, Sandbox, setting};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::task::TaskTracker;

/// What a gateway may need at its peak.
const MEMORY_MAX_KIB: u64 = 100 * 1024;
const HANDLES_MAX: u64 = 512;
/// Shorter than this, caches and kept connections still fill: only peaks are judged.
const TREND_FROM_S: u64 = 3_600;

/// The process at one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    memory_kib: u64,
    handles: u64,
}

/// `SLUICE_SOAK_S` seconds (5 if not said: `tests/run --full G4` has hours) of `SLUICE_SOAK_RATE` journeys a second (20), a fault now and then.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_and_handles_stay_where_they_were() -> Done {
    let (lasts_s, per_second) = (setting("SLUICE_SOAK_S", 5), setting("SLUICE_SOAK_RATE", 20));
    let mut dice = Dice::of_the_day("soak");
    let sandbox = Arc::new(Sandbox::start("soak", 50).await?);
    let mut gateway = sandbox.gateway("gateway")?;
    gateway.route_in_turns()?;
    gateway.start(None).await?;
    let pid = gateway.pid().ok_or("it does not run")?;
    let (world, tasks) = (World::of(&sandbox, &gateway).await?, TaskTracker::new());
    for (api, fault) in [("pay", "lose_response"), ("query", "error_500"), ("callback", "lose_request"), ("refund", "lose_response")] {
        sandbox.fault_everywhere(api, fault, 0.01).await?;
    }
    let (began, mut samples) = (Instant::now(), Vec::new());
    let every_s = (lasts_s / 400).clamp(1, 10);
    while began.elapsed() < Duration::from_secs(lasts_s) {
        world.load(stories(), per_second, Duration::from_secs(every_s), &mut dice, &tasks).await;
        samples.push(sample(pid)?);
    }
    sandbox.heal().await?;
    tasks.close();
    tasks.wait().await;
    judge(&world, &gateway).await?.must_be_clean(&gateway);
    let quarters: Vec<Sample> = samples.chunks(samples.len().div_ceil(4)).map(middle).collect();
    println!("  soak of {lasts_s} s, {per_second} journeys a second: quarters' medians {quarters:?}");
    let [_, settled, .., last] = quarters.as_slice() else { return Err("too few samples".into()) };
    let bounded = |s: &Sample| s.memory_kib <= MEMORY_MAX_KIB && s.handles <= HANDLES_MAX;
    assert!(samples.iter().all(bounded), "it took more than {MEMORY_MAX_KIB} KiB or {HANDLES_MAX} handles: {quarters:?}");
    if lasts_s >= TREND_FROM_S {
        assert!(last.handles * 100 <= settled.handles * 105, "file handles grew: {quarters:?}");
        assert!(last.memory_kib * 100 <= settled.memory_kib * 105, "memory grew: {quarters:?}");
    }
    gateway.kill().await
}

fn sample(pid: u32) -> Done<Sample> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).and_then(|rest| rest.split_whitespace().next());
    let memory_kib = memory.ok_or("no memory line")?.parse()?;
    let handles = u64::try_from(std::fs::read_dir(format!("/proc/{pid}/fd"))?.count())?;
    Ok(Sample { memory_kib, handles })
}

/// The median of each.
fn middle(samples: &[Sample]) -> Sample {
    let median = |of: fn(&Sample) -> u64| {
        let mut all: Vec<u64> = samples.iter().map(of).collect();
        all.sort_unstable();
        all[all.len() / 2]
    };
    Sample { memory_kib: median(|s| s.memory_kib), handles: median(|s| s.handles) }
}
