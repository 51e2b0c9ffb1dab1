//! G2: names that nobody resolves, connections that never become TLS, answers that drip. Whatever it is, a call out ends by its deadline.

use crate::crash::journey::World;
use crate::crash::merchant::Merchant;
use crate::crash::rig::{Dice, Done, Gateway, Sandbox, until};
use crate::harness::postgres::on_postgres;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

/// Calls that create a code, questions, and notifications: all have ten seconds.
const DEADLINE_MS: u64 = 10_000;
/// What ending by a deadline may cost.
const GRACE_MS: u64 = 100;
/// Of each kind of hole.
const ORDERS: u64 = 8;
/// Calls behind those that place an order.
const MORE: usize = 2;
/// Where a name server listens and never answers.
const MUTE_DNS: &str = "127.0.0.77";

/// What is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
enum Hole {
    /// Accepts, and says nothing.
    Mute,
    /// The beginning of a TLS record of 16 KiB, then a byte now and then.
    SlowTls,
    /// A head in time, and a body that drips.
    SlowBody,
}

impl Hole {
    async fn open(self) -> Done<u16> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(self.hold(socket));
            }
        });
        Ok(port)
    }

    async fn hold(self, mut socket: TcpStream) {
        let first: &[u8] = match self {
            Hole::Mute => b"",
            Hole::SlowTls => b"\x16\x03\x03\x40\x00\x02",
            Hole::SlowBody => b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n",
        };
        let mut open = socket.write_all(first).await.is_ok();
        while open {
            tokio::time::sleep(Duration::from_millis(200)).await;
            open = matches!(self, Hole::Mute) || socket.write_all(b" ").await.is_ok();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_call_out_ends_by_its_deadline() -> Done {
    if on_postgres() {
        println!("SKIPPED: about calls out, of which no store knows");
        return Ok(());
    }
    let sandbox = Arc::new(Sandbox::start("deadlines", 50).await?);
    let slack = tokio::spawn(late_timers());
    let mut cases: Vec<(&'static str, String, Vec<String>)> = vec![
        ("no such name", "https://nobody.invalid".into(), Vec::new()),
        ("mute before TLS", format!("https://127.0.0.1:{}", Hole::Mute.open().await?), Vec::new()),
        ("slow TLS", format!("https://127.0.0.1:{}", Hole::SlowTls.open().await?), Vec::new()),
        ("mute", format!("http://127.0.0.1:{}", Hole::Mute.open().await?), Vec::new()),
        ("slow body", format!("http://127.0.0.1:{}", Hole::SlowBody.open().await?), Vec::new()),
    ];
    let dns = UdpSocket::bind((MUTE_DNS, 53)).await;
    match (&dns, mute_resolver(&sandbox)) {
        (Ok(_), Ok(under)) => cases.push(("mute name server", "https://channel.example".into(), under)),
        (Err(error), _) => println!("SKIPPED: no name server can be played here: {error}"),
        (_, Err(error)) => println!("SKIPPED: no resolver of its own: {error}"),
    }
    let mut holes = JoinSet::new();
    for (place, (what, url, under)) in cases.into_iter().enumerate() {
        let mut gateway = sandbox.gateway(&format!("hole-{place}"))?;
        gateway.under = under;
        holes.spawn(hole(Arc::clone(&sandbox), gateway, what, url));
    }
    let mut worst: Vec<(&'static str, usize, u64)> = Vec::new();
    while let Some(done) = holes.join_next().await {
        worst.push(done??);
    }
    slack.abort();
    let late_ms = LATEST_MS.load(std::sync::atomic::Ordering::Relaxed);
    println!("  holes, calls out, the longest in ms: {worst:?}; this machine's own timers were {late_ms} ms late at most");
    for (what, calls, ms) in worst {
        assert!(calls as u64 >= ORDERS + MORE as u64, "{what}: {calls} calls were seen");
        assert!(ms <= DEADLINE_MS + GRACE_MS + late_ms, "{what}: a call out lasted {ms} ms");
    }
    Ok(())
}

static LATEST_MS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

/// What a busy machine adds to any timer, ours too.
async fn late_timers() {
    loop {
        let began = Instant::now();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let late_ms = began.elapsed().as_millis().saturating_sub(20).try_into().unwrap_or(u64::MAX);
        LATEST_MS.fetch_max(late_ms, std::sync::atomic::Ordering::Relaxed);
    }
}

/// A mount of its own, so that this gateway alone asks the name server that never answers.
fn mute_resolver(sandbox: &Sandbox) -> Done<Vec<String>> {
    let file = sandbox.folder.0.join("resolv.conf");
    std::fs::write(&file, format!("nameserver {MUTE_DNS}\noptions timeout:30 attempts:1\n"))?;
    let mount = format!("mount --bind '{}' /etc/resolv.conf && exec \"$0\" \"$@\"", file.display());
    let tried = std::process::Command::new("unshare").args(["-rm", "sh", "-c", &mount, "true"]).status()?;
    if !tried.success() {
        return Err("unshare and mount --bind are refused".into());
    }
    Ok(["unshare", "-rm", "sh", "-c", &mount].map(str::to_owned).to_vec())
}

/// A gateway whose channel and merchant are at this address: how many calls went out, and how long the longest was.
async fn hole(sandbox: Arc<Sandbox>, mut gateway: Gateway, what: &'static str, url: String) -> Done<(&'static str, usize, u64)> {
    let channels = std::fs::read_to_string(gateway.dir.join("channels.toml"))?;
    let table: toml::Table = channels.parse()?;
    let base = table["account"].get(0).and_then(|a| a["base_url"].as_str()).ok_or("no base_url")?.to_owned();
    gateway.edit("channels.toml", &format!("base_url = \"{base}\""), &format!("base_url = \"{url}\""))?;
    gateway.start(None).await?;
    let mut merchant = Merchant::of(&gateway, 10).await?;
    merchant.notify_url = format!("{url}/hook");
    let world = World::with(&sandbox, merchant);
    let mut dice = Dice::new(7);
    let bodies: Vec<Value> = (0..ORDERS).map(|_| world.body("wechat_native", &mut dice)).collect();
    let placed = futures_util::future::join_all(bodies.iter().map(|body| world.merchant.call("POST", "/v1/orders", Some(body)))).await;
    assert!(placed.iter().flatten().all(|(status, _)| matches!(status, 201 | 429)), "{what}: {placed:?}");
    let ids: Vec<&str> = placed.iter().flatten().filter_map(|(_, order)| order["id"].as_str()).collect();
    // Behind the payments, questions and notifications of failures; a channel that is mute is asked by one at a time.
    let calls = until("calls and notifications", Duration::from_secs(60), || async {
        let lasted = lasted(&gateway).await.ok()?;
        (lasted.len() >= ids.len() + MORE).then_some(lasted)
    })
    .await?;
    gateway.kill().await?;
    Ok((what, calls.len(), calls.into_iter().max().unwrap_or_default()))
}

/// How long each call out took, as the gateway's own clock measured it: to the channel (the trail) and to the merchant.
async fn lasted(gateway: &Gateway) -> Done<Vec<u64>> {
    let books = gateway.books()?;
    let mut rows = books.texts("SELECT \"inner\" FROM events WHERE \"inner\" IS NOT NULL", &[]).await?;
    rows.extend(books.texts("SELECT last FROM notices WHERE last IS NOT NULL", &[]).await?);
    let mut found = Vec::new();
    rows.iter().filter_map(|row| serde_json::from_str(row).ok()).for_each(|row: Value| times(&row, &mut found));
    Ok(found)
}

fn times(value: &Value, found: &mut Vec<u64>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("ms").and_then(Value::as_u64));
            fields.values().for_each(|field| times(field, found));
        }
        Value::Array(all) => all.iter().for_each(|one| times(one, found)),
        _ => {}
    }
}
