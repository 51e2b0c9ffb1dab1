//! G1: every link of the gateway in bad weather, cut one by one and healed in random order. B5: a channel that is down and then slow
//! is not stormed.

use super::proxy::{Proxy, Weather};
use crate::crash::journey::{MIXED, Story, World};
use crate::crash::judge::judge;
use crate::crash::merchant::Merchant;
use crate::crash::rig::{Dice, Done, Gateway, Sandbox, free_port, setting, until};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::task::TaskTracker;

fn address(url: &str) -> Done<SocketAddr> {
    let rest = url.strip_prefix("http://").ok_or("no http URL")?;
    Ok(rest.split('/').next().unwrap_or_default().parse()?)
}

/// The four links: to the channel, the channel's callbacks, the merchant's requests, the merchant's notifications.
struct Links {
    all: Vec<Proxy>,
}

/// A world all of whose traffic goes through links.
async fn linked(sandbox: &Arc<Sandbox>, gateway: &mut Gateway) -> Done<(Arc<World>, Links)> {
    let channels = std::fs::read_to_string(gateway.dir.join("channels.toml"))?;
    let table: toml::Table = channels.parse()?;
    let base = table["account"].get(0).and_then(|a| a["base_url"].as_str()).ok_or("no base_url")?.to_owned();
    let outward = Proxy::open(free_port()?, address(&base)?).await?;
    let inward = Proxy::open(free_port()?, address(&gateway.url())?).await?;
    gateway.edit("channels.toml", &base, &outward.url())?;
    gateway.edit("sluice.toml", "[http]\n", &format!("[http]\npublic_url = \"{}\"\n", inward.url()))?;
    gateway.start(None).await?;
    let mut merchant = Merchant::of(gateway, 10).await?;
    let asked = Proxy::open(free_port()?, address(&gateway.url())?).await?;
    let told = Proxy::open(free_port()?, address(&merchant.notify_url)?).await?;
    merchant.gateway = asked.url();
    merchant.notify_url = format!("{}/hook", told.url());
    let world = World::with(sandbox, merchant);
    Ok((world, Links { all: vec![outward, inward, asked, told] }))
}

fn bad_weather(dice: &mut Dice) -> Weather {
    match dice.below(7) {
        0 => Weather::Latency(50 + dice.below(2_000)),
        1 => Weather::Reset,
        2 => Weather::HalfClose,
        3 => Weather::CutAfter(dice.below(1_500) as usize),
        4 => Weather::Slice,
        5 => Weather::Blackhole,
        _ => Weather::Down,
    }
}

/// `SLUICE_CHAOS_S` seconds (20 if not said): links go bad alone, then all are cut one by one and healed in random order, again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_link_in_bad_weather() -> Done {
    let mut dice = Dice::of_the_day("bad_weather");
    let sandbox = Arc::new(Sandbox::start("links", 50).await?);
    let mut gateway = sandbox.gateway("gateway")?;
    let (world, links) = linked(&sandbox, &mut gateway).await?;
    let (tasks, began) = (TaskTracker::new(), Instant::now());
    let (mut gales, mut swizzles) = (0, 0);
    while began.elapsed() < Duration::from_secs(setting("SLUICE_CHAOS_S", 20)) {
        if dice.below(4) == 0 {
            swizzles += 1;
            let mut order: Vec<usize> = (0..links.all.len()).collect();
            for turn in [false, true] {
                order.sort_by_key(|_| dice.roll());
                for link in &order {
                    links.all[*link].turn(if turn { Weather::Fair } else { bad_weather(&mut dice) });
                    world.load(MIXED, 30, Duration::from_millis(100 + dice.below(200)), &mut dice, &tasks).await;
                }
            }
        } else {
            gales += 1;
            let link = dice.below(links.all.len() as u64) as usize;
            links.all[link].turn(bad_weather(&mut dice));
            world.load(MIXED, 30, Duration::from_millis(300 + dice.below(500)), &mut dice, &tasks).await;
            links.all[link].turn(Weather::Fair);
        }
    }
    links.all.iter().for_each(|link| link.turn(Weather::Fair));
    println!("  {gales} gales and {swizzles} swizzles in {:?}", began.elapsed());
    tasks.close();
    tasks.wait().await;
    judge(&world, &gateway).await?.must_be_clean(&gateway);
    Ok(())
}

/// The schedule of the WeChat profile for an online order, in seconds after the call.
const QUERY_AT_S: &[f64] = &[5.0, 30.0, 60.0, 180.0, 300.0, 600.0, 1800.0];
const FAST: u32 = 20;
const PER_SECOND: u64 = 20;

/// Down (connections reset), then slow: no more calls than one per payment and one per query that the schedule has due.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_channel_that_is_down_is_not_stormed() -> Done {
    let mut dice = Dice::of_the_day("not_stormed");
    let sandbox = Arc::new(Sandbox::start("storm", FAST).await?);
    let mut gateway = sandbox.gateway("gateway")?;
    let (world, links) = linked(&sandbox, &mut gateway).await?;
    let (tasks, outward) = (TaskTracker::new(), &links.all[0]);
    let down = Duration::from_secs(setting("SLUICE_DOWN_S", 8));
    let began = Instant::now();
    for (weather, lasts) in [(Weather::Reset, down), (Weather::Latency(500), down / 2)] {
        outward.turn(weather);
        world.load(&[Story::Leaves("wechat_native")], PER_SECOND, lasts, &mut dice, &tasks).await;
    }
    let measured = began.elapsed();
    let requests = outward.requests();
    let offered = offered(&gateway).await?;
    outward.turn(Weather::Fair);
    let healed = Instant::now();
    // Steady again: a new order has its code at once, and nothing is overdue.
    let placed = world.placed("wechat_native", &mut dice).await.ok_or("no order after healing")?;
    let overdue = "SELECT COUNT(*) FROM orders WHERE wake_at < (SELECT MAX(at) FROM events) - 1000";
    until("steady state", Duration::from_secs(30), || async { (gateway.count(overdue).await == Some(0)).then_some(()) }).await?;
    let mut buckets = vec![0_usize; measured.as_secs() as usize + 2];
    for request in &requests {
        buckets[request.duration_since(began).as_secs() as usize] += 1;
    }
    let peak = buckets.iter().max().copied().unwrap_or_default();
    println!("  {} calls, {offered} offered by orders and schedule; per second {buckets:?}; steady {:?} after healing ({})", requests.len(), healed.elapsed(), placed.0);
    assert!(requests.len() as f64 <= 1.1 * offered as f64, "{} calls for {offered} offered", requests.len());
    // Payments, and every scheduled query of the same second.
    assert!(peak as u64 <= PER_SECOND * (1 + QUERY_AT_S.len() as u64) * 12 / 10, "{peak} calls in one second");
    tasks.close();
    tasks.wait().await;
    judge(&world, &gateway).await?.must_be_clean(&gateway);
    Ok(())
}

/// One call for every attempt, and one for every query its schedule has had due by now.
async fn offered(gateway: &Gateway) -> Done<usize> {
    let lives = gateway.books()?.ints("SELECT COALESCE(ended_at, (SELECT MAX(at) FROM events)) - at FROM attempts", &[]).await?;
    let calls = |life_ms: i64| 1 + QUERY_AT_S.iter().filter(|at_s| **at_s * 1000.0 / f64::from(FAST) <= life_ms as f64).count();
    Ok(lives.into_iter().map(calls).sum())
}
