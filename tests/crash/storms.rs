//! B1: answers lost by the channel. B9: its key rotates under load. C9: a flood of callbacks that are none.

use super::journey::{MIXED, World};
use super::judge::judge;
use super::merchant::open;
use super::rig::{Dice, Done, Sandbox, client, setting, until};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::task::TaskTracker;

const FAST: u32 = 50;

/// Three payments in ten are executed and not answered. Nobody heals it: the queries find out.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn charged_and_not_answered() -> Done {
    let mut dice = Dice::of_the_day("not_answered");
    let sandbox = Arc::new(Sandbox::start("lost", FAST).await?);
    let mut gateway = sandbox.gateway("gateway")?;
    gateway.start(None).await?;
    let world = World::of(&sandbox, &gateway).await?;
    let tasks = TaskTracker::new();
    sandbox.fault("pay", "lose_response", 0.3).await?;
    let lasts = Duration::from_secs(setting("SLUICE_ORDERS", 250) / 50);
    world.load(MIXED, 50, lasts, &mut dice, &tasks).await;
    tasks.close();
    tasks.wait().await;
    judge(&world, &gateway).await?.must_be_clean(&gateway);
    Ok(())
}

/// The channel signs with a new key from one moment to the next; answers and callbacks are believed all the while.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_channels_key_rotates_under_load() -> Done {
    let mut dice = Dice::of_the_day("key_rotates");
    let sandbox = Arc::new(Sandbox::start("rotate", FAST).await?);
    let mut gateway = sandbox.gateway("gateway")?;
    gateway.start(None).await?;
    let world = World::of(&sandbox, &gateway).await?;
    let tasks = TaskTracker::new();
    let before = sandbox.hook("probe_callbacks off").await?;
    world.load(MIXED, 50, Duration::from_secs(1), &mut dice, &tasks).await;
    let after = sandbox.hook("rotate_platform_key").await?;
    assert_ne!(before, after, "the key did not rotate");
    world.load(MIXED, 50, Duration::from_secs(2), &mut dice, &tasks).await;
    tasks.close();
    tasks.wait().await;
    judge(&world, &gateway).await?.must_be_clean(&gateway);
    let log = std::fs::read_to_string(&gateway.log)?;
    let refused: Vec<&str> = log.lines().filter(|l| l.contains("a callback was refused")).collect();
    assert!(refused.is_empty(), "valid notices were refused: {refused:#?}");
    // A restart knows the new key without asking.
    gateway.kill().await?;
    gateway.start(None).await?;
    let seen = sandbox.calls().await?;
    let (id, _, content) = world.placed("wechat_native", &mut dice).await.ok_or("no order after a restart")?;
    assert!(world.scan(&content, "pay").await);
    world.becomes_final(&id).await.ok_or("the callback was not believed after a restart")?;
    println!("  {} calls for one order after a restart", sandbox.calls().await? - seen);
    Ok(())
}

/// `SLUICE_FLOOD_S` seconds (5 if not said) of 500 forged callbacks a second beside 20 true ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_of_forged_callbacks() -> Done {
    let mut dice = Dice::of_the_day("flood");
    let sandbox = Arc::new(Sandbox::start("flood", FAST).await?);
    let mut gateway = sandbox.gateway("gateway")?;
    gateway.start(None).await?;
    let world = World::of(&sandbox, &gateway).await?;
    let tasks = TaskTracker::new();
    let lasts = Duration::from_secs(setting("SLUICE_FLOOD_S", 5));
    let flood = tokio::spawn(forge(format!("{}/notify/wx-main", gateway.url()), lasts, Dice::new(dice.roll())));
    let began = Instant::now();
    let (mut waits, mut ticks) = (Vec::new(), tokio::time::interval(Duration::from_millis(50)));
    while began.elapsed() < lasts {
        ticks.tick().await;
        let (world, mut dice) = (Arc::clone(&world), Dice::new(dice.roll()));
        waits.push(tasks.spawn(async move { paid_and_told(&world, &mut dice).await }));
    }
    let mut times = Vec::new();
    for wait in waits {
        times.push(wait.await?.ok_or("a true callback was lost in the flood")?);
    }
    let (sent, accepted) = flood.await??;
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    println!("  {sent} forged, {accepted} accepted; {} true ones, scan to merchant told p50 {:?} p99 {p99:?}", times.len(), times[times.len() / 2]);
    assert_eq!(accepted, 0, "a forged callback was acknowledged");
    assert!(sent as f64 >= lasts.as_secs_f64() * 300.0, "the flood was a trickle: {sent}");
    assert!(p99 <= Duration::from_millis(setting("SLUICE_FLOOD_P99_MS", 250)), "{p99:?}");
    tasks.close();
    tasks.wait().await;
    judge(&world, &gateway).await?.must_be_clean(&gateway);
    Ok(())
}

/// From the scan's answer to the merchant's being told.
async fn paid_and_told(world: &World, dice: &mut Dice) -> Option<Duration> {
    let (id, _, content) = world.placed("wechat_native", dice).await?;
    world.scan(&content, "pay").await.then_some(())?;
    let scanned = Instant::now();
    let told = || open(&world.merchant.book.told).iter().any(|t| t.data["id"] == *id && t.kind == "order.paid");
    until("being told", Duration::from_secs(20), || std::future::ready(told().then_some(()))).await.ok()?;
    Some(scanned.elapsed())
}

/// Forgeries of every sort; how many were sent and how many acknowledged.
async fn forge(url: String, lasts: Duration, mut dice: Dice) -> Done<(u64, u64)> {
    let http = client()?;
    let (began, mut ticks, tasks) = (Instant::now(), tokio::time::interval(Duration::from_millis(2)), TaskTracker::new());
    let accepted = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let mut sent = 0;
    while began.elapsed() < lasts {
        ticks.tick().await;
        sent += 1;
        let mut request = http.post(&url).header("content-type", "application/json");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
        let body = format!(r#"{{"id":"{:x}","event_type":"TRANSACTION.SUCCESS","resource":{{"ciphertext":"{:x}"}}}}"#, dice.roll(), dice.roll());
        request = match dice.below(5) {
            0 => request.body(body),
            1 => request.body("x".repeat(60_000)),
            2 => request.body("<xml><return_code>SUCCESS</return_code></xml>"),
            kind => {
                let serial = if kind == 3 { format!("{:032X}", dice.roll()) } else { "PUB_KEY_ID_0000000000000024101100397200000006".to_owned() };
                request = request.header("wechatpay-serial", serial).header("wechatpay-nonce", format!("{:032x}", dice.roll()));
                request.header("wechatpay-timestamp", now.to_string()).header("wechatpay-signature", "A".repeat(344)).body(body)
            }
        };
        let accepted = Arc::clone(&accepted);
        tasks.spawn(async move {
            if request.send().await.is_ok_and(|answer| answer.status().is_success()) {
                accepted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        });
    }
    tasks.close();
    tasks.wait().await;
    Ok((sent, accepted.load(std::sync::atomic::Ordering::Relaxed)))
}
