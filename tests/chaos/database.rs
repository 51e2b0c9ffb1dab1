//! A5: the link to the database is cut, again and again, half of the time exactly at a COMMIT. Nobody knows what became of it but the
//! database; nothing is lost, and nothing is there twice.

use super::cutter::{Cutter, Manner, Place, Way};
use crate::crash::journey::{MIXED, World};
use crate::crash::judge::judge;
use crate::crash::rig::{Dice, Done, Gateway, PATIENCE, Sandbox, free_port, setting};
use crate::harness::postgres::on_postgres;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::task::TaskTracker;

/// Cuts on one database before everything is brought to rest and judged.
const CUTS_PER_STORE: u64 = 100;
/// Longer than the gateway looks for the fate of a COMMIT before it calls it unknown (10 s).
const LONG: Duration = Duration::from_secs(11);

/// `SLUICE_CUTS` cuts (30 if not said) under a mixed load.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cut_anywhere_and_nothing_is_lost_or_twice() -> Done {
    if !on_postgres() {
        println!("SKIPPED: SQLite has no link; SLUICE_STORE=postgres has");
        return Ok(());
    }
    let mut dice = Dice::of_the_day("cut_anywhere");
    let all = setting("SLUICE_CUTS", 30);
    let mut left = all;
    while left > 0 {
        let cuts = left.min(CUTS_PER_STORE);
        campaign(cuts, &mut dice).await?;
        left -= cuts;
        println!("  {} of {all} cuts done", all - left);
    }
    Ok(())
}

async fn campaign(cuts: u64, dice: &mut Dice) -> Done {
    let sandbox = Arc::new(Sandbox::start("cuts", 50).await?);
    let mut gateway = sandbox.gateway("gateway")?;
    let cutter = linked(&gateway).await?;
    gateway.start(None).await?;
    let (world, tasks) = (World::of(&sandbox, &gateway).await?, TaskTracker::new());
    // Three cuts of a campaign are of another sort.
    let third = cuts.div_ceil(3);
    let (lasting, silent, hollow) = (dice.below(third), third + dice.below(third), 2 * third + dice.below(third));
    let mut at_commit = [0_u64; 3];
    for nth in 0..cuts {
        let manner = match nth {
            _ if nth == silent => Manner::Silence,
            _ if nth == hollow => Manner::Hollow,
            _ => Manner::Reset,
        };
        let place = place(nth, dice, &mut at_commit);
        cutter.arm(place, manner);
        world.load(MIXED, 40, Duration::from_millis(100 + dice.below(300)), dice, &tasks).await;
        while_loaded(&world, dice, &tasks, || std::future::ready(cutter.has_struck())).await.map_err(|e| format!("cut {nth} at {place:?}: {e}"))?;
        let dark = match manner {
            Manner::Reset if nth != lasting => Duration::from_millis(dice.below(200)),
            Manner::Reset => LONG,
            Manner::Silence | Manner::Hollow => Duration::from_secs(1),
        };
        world.load(MIXED, if nth == lasting { 5 } else { 40 }, dark, dice, &tasks).await;
        cutter.heal();
        if manner != Manner::Reset {
            let body = world.body("wechat_native", dice);
            let served = while_loaded(&world, dice, &tasks, || serves(&world, &body)).await;
            served.map_err(|e| format!("no service after {manner:?}: {e}; {}", gateway.log_tail()))?;
        }
    }
    world.load(MIXED, 40, Duration::from_millis(500), dice, &tasks).await;
    tasks.close();
    tasks.wait().await;
    judge(&world, &gateway).await?.must_be_clean(&gateway);
    assert_eq!(gateway.books()?.broken().await?, Vec::<String>::new());
    let [before, at, behind] = at_commit;
    println!("  {cuts} cuts judged: {before} before a COMMIT, {at} with it, {behind} before its answer, {} elsewhere", cuts - before - at - behind);
    gateway.kill().await
}

/// A little load until something is so.
async fn while_loaded<F: Future<Output = bool>>(world: &Arc<World>, dice: &mut Dice, tasks: &TaskTracker, mut is_so: impl FnMut() -> F) -> Done {
    let began = Instant::now();
    while !is_so().await {
        if began.elapsed() > PATIENCE {
            return Err(format!("waited {PATIENCE:?} in vain").into());
        }
        world.load(MIXED, 10, Duration::from_millis(100), dice, tasks).await;
    }
    Ok(())
}

/// Whether an order is taken and can be read.
async fn serves(world: &World, body: &Value) -> bool {
    let Some((200 | 201, order)) = world.merchant.call("POST", "/v1/orders", Some(body)).await else { return false };
    world.merchant.promised(body, &order);
    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap_or_default());
    world.merchant.call("GET", &path, None).await.is_some_and(|(status, _)| status == 200)
}

/// Every other cut is at a COMMIT, in each of three ways in turn.
fn place(nth: u64, dice: &mut Dice, at_commit: &mut [u64; 3]) -> Place {
    if nth.is_multiple_of(2) {
        let which = (nth / 2 % 3) as usize;
        at_commit[which] += 1;
        return [Place::BeforeCommit, Place::AtCommit, Place::BeforeCommitted][which];
    }
    let way = dice.one_of(&[Way::Forth, Way::Back]);
    Place::Bytes(way, dice.below(40_000) as usize)
}

/// Puts a cutter between a gateway and its database.
async fn linked(gateway: &Gateway) -> Done<Cutter> {
    let direct = gateway.database()?.url();
    let server = direct.split(['@', '/']).nth(3).ok_or("no server in the URL")?;
    let cutter = Cutter::open(free_port()?, server.parse()?).await?;
    gateway.edit("sluice.toml", &direct, &direct.replace(server, &format!("127.0.0.1:{}", cutter.port)))?;
    Ok(cutter)
}
