//! A4: a full disk. A6: a long reader under twice the load.

use super::journey::{MIXED, Story, World};
use super::judge::{judge, rest};
use super::merchant::open;
use super::rig::{Dice, Done, PATIENCE, Sandbox, setting, until};
use crate::harness::postgres::on_postgres;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// On a disk of a few megabytes of its own: full means 503 and nothing sent; room again means service again, without a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_disk_refuses_and_recovers() -> Done {
    if on_postgres() {
        println!("SKIPPED: about SQLite's files; PostgreSQL's counterpart is crash::server::a_server_that_takes_no_writes");
        return Ok(());
    }
    let mut dice = Dice::of_the_day("full_disk");
    let sandbox = Arc::new(Sandbox::start("full", 50).await?);
    let mut gateway = sandbox.gateway("gateway")?;
    let disk = gateway.dir.join("disk");
    std::fs::create_dir_all(&disk)?;
    gateway.edit("sluice.toml", "sqlite:sluice.sqlite", "sqlite:disk/sluice.sqlite")?;
    gateway.books = None;
    let mount = format!("mount -t tmpfs -o size=96m none '{}' && exec \"$0\" \"$@\"", disk.display());
    gateway.under = ["unshare", "-rm", "sh", "-c", &mount].map(str::to_owned).to_vec();
    if let Err(error) = gateway.start(None).await {
        println!("SKIPPED: no disk of its own can be mounted here: {error}");
        return Ok(());
    }
    let world = World::of(&sandbox, &gateway).await?;
    let tasks = TaskTracker::new();
    world.load(MIXED, 30, Duration::from_secs(1), &mut dice, &tasks).await;
    let pid = gateway.pid().ok_or("it does not run")?;
    let ballast = Path::new(&format!("/proc/{pid}/root")).join(disk.strip_prefix("/")?).join("ballast");
    let written = fill(&ballast)?;
    world.load(MIXED, 30, Duration::from_secs(2), &mut dice, &tasks).await;
    let body = world.body("wechat_native", &mut dice);
    let (status, problem) = world.merchant.call("POST", "/v1/orders", Some(&body)).await.ok_or("no answer on a full disk")?;
    assert_eq!((status, problem["code"].as_str()), (503, Some("STORE_UNAVAILABLE")), "{problem}");
    let refused = open(&world.merchant.book.answers).get(&503).copied().unwrap_or_default();
    let ledger_when_full = sandbox.ledger().await?.len();
    println!("  {written} bytes of ballast; {refused} requests got 503 while {ledger_when_full} orders were at the channel");
    std::fs::remove_file(&ballast)?;
    let served = until("service after the disk has room", PATIENCE, || async {
        world.merchant.call("POST", "/v1/orders", Some(&world.body("wechat_native", &mut Dice::new(refused)))).await.filter(|(s, _)| *s == 201)
    });
    let (_, order) = served.await?;
    world.merchant.promised(&order.clone(), &order);
    tasks.close();
    tasks.wait().await;
    judge(&world, &gateway).await?.must_be_clean(&gateway);
    Ok(())
}

/// Writes until there is no room; answers how much that was.
fn fill(path: &Path) -> Done<u64> {
    use std::io::Write;
    let mut file = std::fs::File::create(path)?;
    let mut written = 0;
    while let Ok(n) = file.write(&[0; 4096]) {
        written += n as u64;
        if n == 0 || written > 128 * 1024 * 1024 {
            break;
        }
    }
    Ok(written)
}

/// A reader that never ends its transaction, and twice the usual load: nobody is told that the store is busy.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_long_reader_disturbs_nobody() -> Done {
    let mut dice = Dice::of_the_day("long_reader");
    let sandbox = Arc::new(Sandbox::start("reader", 50).await?);
    let mut gateway = sandbox.gateway("gateway")?;
    gateway.start(None).await?;
    let world = World::of(&sandbox, &gateway).await?;
    let lasts = Duration::from_secs(setting("SLUICE_READER_S", 4));
    let alone = latencies(&world, Duration::from_secs(1), &mut dice).await;
    let reader = gateway.books()?.long_reader().await?;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let measuring = {
        let (world, mut dice) = (Arc::clone(&world), Dice::new(dice.roll()));
        tokio::spawn(async move { latencies(&world, lasts, &mut dice).await })
    };
    world.load(&[Story::Pays("wechat_native"), Story::Till("wechat", "pay")], 100, lasts, &mut dice, &tasks).await;
    let loaded = measuring.await?;
    stop.cancel();
    drop(reader);
    tasks.close();
    tasks.wait().await;
    println!("  placing: p99 {:?} alone, {:?} under load beside a reader", alone, loaded);
    let answers = open(&world.merchant.book.answers).clone();
    assert_eq!(answers.get(&503), None, "somebody was told that the store is busy: {answers:?}");
    let log = std::fs::read_to_string(&gateway.log)?;
    assert!(!log.contains("locked") && !log.contains("the store is busy"), "{}", gateway.log_tail());
    rest(&world, &gateway).await?;
    judge(&world, &gateway).await?.must_be_clean(&gateway);
    Ok(())
}

/// The 99th percentile of placing one order after the other.
async fn latencies(world: &World, lasts: Duration, dice: &mut Dice) -> Duration {
    let (began, mut all) = (Instant::now(), Vec::new());
    while began.elapsed() < lasts {
        let body = world.body("wechat_native", dice);
        let sent = Instant::now();
        world.merchant.place(&body).await;
        all.push(sent.elapsed());
    }
    all.sort_unstable();
    all.get(all.len() * 99 / 100).copied().unwrap_or_default()
}
