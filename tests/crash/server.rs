//! The database server is killed, takes no writes, or would lose commits: PostgreSQL's counterparts of `disk` and `image`. Each test has
//! a server of its own.

use super::journey::{MIXED, World};
use super::judge::{judge, rest};
use super::kill::nothing_promised_is_missing;
use super::merchant::open;
use super::rig::{Dice, Done, Gateway, PATIENCE, Sandbox, client, setting, until};
use crate::harness::postgres::{Database, Server, on_postgres};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::task::TaskTracker;

fn own_server(name: &str) -> Option<Server> {
    if on_postgres() {
        return Some(Server::start(name));
    }
    println!("SKIPPED: about PostgreSQL's server; SQLite's counterparts are crash::disk and crash::image");
    None
}

/// Waits until `/readyz` has this status; how long that took.
async fn readiness(gateway: &Gateway, status: u16) -> Done<Duration> {
    let (began, http, url) = (Instant::now(), client()?, format!("{}/readyz", gateway.url()));
    let asked = || async { http.get(&url).send().await.ok().filter(|answer| answer.status() == status).map(|_| ()) };
    until(&format!("/readyz to answer {status}"), PATIENCE, asked).await.map_err(|e| format!("{e}; {}", gateway.log_tail()))?;
    Ok(began.elapsed())
}

/// `SLUICE_OUTAGES` times (3 if not said) every process of the server is killed under load, and started again after a while: what was
/// answered is there, nothing half is there, and the gateway, which was not touched, serves again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_server_dies_under_load() -> Done {
    let Some(server) = own_server("dies") else { return Ok(()) };
    let mut dice = Dice::of_the_day("server_dies");
    let sandbox = Arc::new(Sandbox::start("dies", 50).await?);
    let mut gateway = sandbox.gateway_on("gateway", Database::on(&server.url))?;
    gateway.start(None).await?;
    let (world, tasks) = (World::of(&sandbox, &gateway).await?, TaskTracker::new());
    let (outages, pid, mut slowest) = (setting("SLUICE_OUTAGES", 3), gateway.pid(), Duration::ZERO);
    for _ in 0..outages {
        world.load(MIXED, 40, Duration::from_millis(300 + dice.below(1_200)), &mut dice, &tasks).await;
        server.kill();
        readiness(&gateway, 503).await?;
        let told: Value = client()?.get(format!("{}/readyz", gateway.url())).send().await?.json().await?;
        assert!(told["missing"][0].as_str().is_some_and(|what| what.contains("store")), "{told}");
        world.load(MIXED, 40, Duration::from_millis(dice.below(800)), &mut dice, &tasks).await;
        server.resume();
        slowest = slowest.max(readiness(&gateway, 200).await?);
        nothing_promised_is_missing(&world, &gateway).await?;
        assert_eq!(gateway.books()?.broken().await?, Vec::<String>::new());
    }
    world.load(MIXED, 40, Duration::from_millis(500), &mut dice, &tasks).await;
    tasks.close();
    tasks.wait().await;
    judge(&world, &gateway).await?.must_be_clean(&gateway);
    assert_eq!(gateway.pid(), pid, "the gateway was started again");
    println!("  {outages} outages judged; ready again within {slowest:?}");
    assert!(slowest < Duration::from_secs(5), "serving again took {slowest:?}");
    gateway.kill().await
}

/// The server answers but takes no writes: 503 with its code, nothing goes to the channel, and service again by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_takes_no_writes() -> Done {
    let Some(server) = own_server("reads") else { return Ok(()) };
    let mut dice = Dice::of_the_day("no_writes");
    let sandbox = Arc::new(Sandbox::start("reads", 50).await?);
    let mut gateway = sandbox.gateway_on("gateway", Database::on(&server.url))?;
    gateway.start(None).await?;
    let (world, tasks) = (World::of(&sandbox, &gateway).await?, TaskTracker::new());
    let (paid, amount, content) = world.placed("wechat_native", &mut dice).await.ok_or("no order")?;
    assert!(world.scan(&content, "pay").await);
    world.becomes_final(&paid).await.filter(|order| order["status"] == "paid").ok_or("not paid")?;
    rest(&world, &gateway).await?;

    // At rest, so that nothing is under way when writing ends.
    server.set("default_transaction_read_only", Some("on"));
    refused(&world, &mut dice).await?;
    let before = sandbox.calls().await?;
    let refund = serde_json::json!({"merchant_refund_no": "R-1", "amount": amount});
    for _ in 0..20 {
        must_be_refused(&world, "/v1/orders", &world.body("wechat_native", &mut dice)).await?;
        must_be_refused(&world, &format!("/v1/orders/{paid}/refunds"), &refund).await?;
    }
    assert_eq!(sandbox.calls().await?, before, "something was sent to the channel that no row tells of");
    server.set("default_transaction_read_only", None);
    served(&world, &mut dice).await?;

    // And in the middle of everything.
    for _ in 0..2 {
        world.load(MIXED, 30, Duration::from_millis(300 + dice.below(700)), &mut dice, &tasks).await;
        server.set("default_transaction_read_only", Some("on"));
        world.load(MIXED, 30, Duration::from_millis(500 + dice.below(500)), &mut dice, &tasks).await;
        server.set("default_transaction_read_only", None);
        served(&world, &mut dice).await?;
    }
    tasks.close();
    tasks.wait().await;
    println!("  {:?} answers with 503", open(&world.merchant.book.answers).get(&503));
    judge(&world, &gateway).await?.must_be_clean(&gateway);
    gateway.kill().await
}

async fn must_be_refused(world: &World, path: &str, body: &Value) -> Done {
    let (status, problem) = world.merchant.call("POST", path, Some(body)).await.ok_or("no answer")?;
    assert_eq!((status, problem["code"].as_str()), (503, Some("STORE_UNAVAILABLE")), "{path}: {problem}");
    Ok(())
}

/// Waits for the first refusal.
async fn refused(world: &World, dice: &mut Dice) -> Done {
    let seed = dice.roll();
    until("a refusal", PATIENCE, || async {
        let body = world.body("wechat_native", &mut Dice::new(seed));
        let (status, order) = world.merchant.call("POST", "/v1/orders", Some(&body)).await?;
        if status == 201 {
            world.merchant.promised(&body, &order);
        }
        (status == 503).then_some(())
    })
    .await
}

/// Waits for the first order that is taken.
async fn served(world: &World, dice: &mut Dice) -> Done {
    let body = world.body("wechat_native", dice);
    until("service", PATIENCE, || async {
        let (status, order) = world.merchant.call("POST", "/v1/orders", Some(&body)).await?;
        matches!(status, 200 | 201).then(|| world.merchant.promised(&body, &order))
    })
    .await
}

/// A server or a database whose settings could lose what was answered is refused at boot, with one clear line.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_may_lose_commits_is_refused() -> Done {
    let Some(server) = own_server("loses") else { return Ok(()) };
    let sandbox = Sandbox::start("loses", 50).await?;
    let mut gateway = sandbox.gateway_on("gateway", Database::on(&server.url))?;
    for (name, value) in [("fsync", "off"), ("synchronous_commit", "off")] {
        server.set(name, Some(value));
        let refused = gateway.start(None).await.err().ok_or_else(|| format!("it started although {name} is {value}"))?;
        assert!(refused.to_string().contains(&format!("{name} is {value}")) || refused.to_string().contains(&format!("{name} {value}")), "{refused}");
        server.set(name, None);
    }
    gateway.start(None).await?;
    gateway.kill().await
}
