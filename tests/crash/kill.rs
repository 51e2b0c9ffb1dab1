//! A1, C10, F1, F5: `kill -9` at random moments under a mixed load, on one store, and nothing is lost.

use super::journey::{World, stories};
use super::judge::judge;
use super::merchant::open;
use super::rig::{Dice, Done, Gateway, Sandbox, setting};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// Kills on one store before everything is brought to rest and judged.
const KILLS_PER_STORE: u64 = 20;
const FAST: u32 = 50;

/// `SLUICE_KILLS` kills (5 if not said), 50 orders a second, faults at the channel all the while.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_anywhere_and_nothing_is_lost() -> Done {
    let mut dice = Dice::of_the_day("killed_anywhere");
    let (mut left, mut slowest) = (setting("SLUICE_KILLS", 5), Duration::ZERO);
    let all = left;
    while left > 0 {
        let kills = left.min(KILLS_PER_STORE);
        slowest = slowest.max(campaign(kills, &mut dice).await?);
        left -= kills;
        println!("  {} of {all} kills done; slowest start {slowest:?}", all - left);
    }
    assert!(slowest < Duration::from_secs(5), "serving again took {slowest:?}");
    Ok(())
}

async fn campaign(kills: u64, dice: &mut Dice) -> Done<Duration> {
    let sandbox = Arc::new(Sandbox::start("kill", FAST).await?);
    let mut gateway = sandbox.gateway("gateway")?;
    gateway.route_in_turns()?;
    let mut slowest = gateway.start(None).await?;
    let world = World::of(&sandbox, &gateway).await?;
    let tasks = TaskTracker::new();
    for (api, fault, probability) in [("pay", "lose_response", 0.05), ("callback", "duplicate", 0.1), ("callback", "lose_request", 0.1), ("refund", "lose_response", 0.1)] {
        sandbox.fault_everywhere(api, fault, probability).await?;
    }
    for _ in 0..kills {
        let lasts = Duration::from_millis(200 + dice.below(1300));
        world.load(stories(), 50, lasts, dice, &tasks).await;
        gateway.kill().await?;
        let down = dice.below(200);
        tokio::time::sleep(Duration::from_millis(down)).await;
        slowest = slowest.max(gateway.start(None).await?);
        nothing_promised_is_missing(&world, &gateway).await?;
    }
    world.load(stories(), 50, Duration::from_millis(500), dice, &tasks).await;
    sandbox.heal().await?;
    tasks.close();
    tasks.wait().await;
    judge(&world, &gateway).await?.must_be_clean(&gateway);
    assert!(world.merchant.book.seen_committed.load(std::sync::atomic::Ordering::Relaxed) > 0);
    gateway.kill().await?;
    Ok(slowest)
}

/// Right after a restart: every promise is a row. The full comparison comes at rest.
pub async fn nothing_promised_is_missing(world: &World, gateway: &Gateway) -> Done {
    let promised = open(&world.merchant.book.orders).clone();
    for (number, promise) in &promised {
        let sql = format!("SELECT COUNT(*) FROM orders WHERE id = ?1 AND amount = {} AND merchant_order_no = ?2", promise.amount);
        let found = gateway.books()?.ints(&sql, &[&promise.id, number]).await?;
        assert_eq!(found, [1], "I1 {number} was answered and is gone after a kill");
    }
    Ok(())
}
