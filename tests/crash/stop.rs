//! A7: SIGTERM under load, again and again.

use super::journey::{MIXED, World};
use super::judge::judge;
use super::rig::{Dice, Done, Sandbox, setting};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::task::TaskTracker;

const FAST: u32 = 50;

/// `SLUICE_STOPS` stops (5 if not said): every request that was accepted is answered, the process ends with 0 within ten seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn told_to_stop_it_finishes_what_is_in_flight() -> Done {
    let mut dice = Dice::of_the_day("told_to_stop");
    let sandbox = Arc::new(Sandbox::start("stop", FAST).await?);
    let mut gateway = sandbox.gateway("gateway")?;
    gateway.start(None).await?;
    let world = World::of(&sandbox, &gateway).await?;
    let tasks = TaskTracker::new();
    // So that there is always something in flight.
    sandbox.fault("pay", "delay:150", 0.5).await?;
    let mut slowest = Duration::ZERO;
    for _ in 0..setting("SLUICE_STOPS", 5) {
        let before = sandbox.ledger().await?.len();
        world.load(MIXED, 50, Duration::from_millis(300 + dice.below(500)), &mut dice, &tasks).await;
        let (status, took) = gateway.terminate().await?;
        assert!(status.success(), "it ended with {status}: {}", gateway.log_tail());
        assert!(took < Duration::from_millis(10_500), "it took {took:?} to stop");
        slowest = slowest.max(took);
        let sent_and_forgotten = gateway.count("SELECT COUNT(*) FROM attempts WHERE status = 'sending'").await;
        assert_eq!(sent_and_forgotten, Some(0), "a call to the channel was cut off although there was time");
        assert!(sandbox.ledger().await?.len() > before, "there was no load");
        gateway.start(None).await?;
    }
    println!("  slowest stop {slowest:?}");
    sandbox.heal().await?;
    tasks.close();
    let waited = Instant::now();
    tasks.wait().await;
    println!("  journeys ended after {:?}", waited.elapsed());
    judge(&world, &gateway).await?.must_be_clean(&gateway);
    Ok(())
}
