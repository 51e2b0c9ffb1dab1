//! A5: the link to the database is cut, again and again, half of the time exactly at a COMMIT. Nobody knows what became of it but the
//! database; nothing is lost, and nothing is there twice.

use super::cutter::{Cutter, Manner, Place, Way};
use crate::crash::journey::{MIXED, World};
use crate::crash::judge::judge;
use crate::crash::rig::{Dice, Done, Gateway, Sandbox, free_port, setting};
use crate::harness::postgres::on_postgres;
use std::sync::Arc;
use std::time::Duration;
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
    // One cut in each half of a campaign lasts longer than the gateway has patience; one of the two is not even noticed.
    let (lasting, silent) = (dice.below(cuts.div_ceil(2)), cuts / 2 + dice.below(cuts.div_ceil(2)));
    let mut at_commit = [0_u64; 3];
    for nth in 0..cuts {
        let place = place(nth, dice, &mut at_commit);
        cutter.arm(place, if nth == silent { Manner::Silence } else { Manner::Reset });
        world.load(MIXED, 40, Duration::from_millis(100 + dice.below(300)), dice, &tasks).await;
        for _ in 0..20 {
            if cutter.has_struck() {
                break;
            }
            world.load(MIXED, 40, Duration::from_millis(100), dice, &tasks).await;
        }
        cutter.struck().await.map_err(|e| format!("cut {nth} at {place:?}: {e}"))?;
        let dark = if nth == lasting || nth == silent { LONG } else { Duration::from_millis(dice.below(200)) };
        world.load(MIXED, if dark == LONG { 5 } else { 40 }, dark, dice, &tasks).await;
        cutter.heal();
    }
    world.load(MIXED, 40, Duration::from_millis(500), dice, &tasks).await;
    tasks.close();
    tasks.wait().await;
    judge(&world, &gateway).await?.must_be_clean(&gateway);
    assert_eq!(gateway.books()?.broken().await?, Vec::<String>::new());
    let log = std::fs::read_to_string(&gateway.log)?;
    let count = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    let [before, at, behind] = at_commit;
    println!("  {cuts} cuts judged: {before} before a COMMIT, {at} with it, {behind} before its answer; the gateway lost {} batches' connections and \
        gave up {} fates", count("nothing of the batch was stored"), count("outcome is unknown"));
    gateway.kill().await
}

/// Every other cut is at a COMMIT.
fn place(nth: u64, dice: &mut Dice, at_commit: &mut [u64; 3]) -> Place {
    if nth.is_multiple_of(2) {
        let which = dice.below(3) as usize;
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
