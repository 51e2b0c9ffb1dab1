//! `sluice-bench [--sluice PATH] [--stored N] [--seconds S] [--postgres URL] [--worlds N] [--orders N] [--seed S] [--tune N] [orders] [callbacks] [notifications] [growth] [limits] [engines] [adapters] [reconcile] [routes] [decisions] [statements] [hot-row]`
//!
//! Drives a release build of the gateway on loopback and prints what it costs, as a ratio to one RSA-2048 signature in the same run:
//! wall-clock rates on a shared machine are noise, this ratio is not. Bars: RELIABILITY and STACK §3.

#![allow(
    clippy::disallowed_methods,
    clippy::as_conversions,
    clippy::float_arithmetic,
    reason = "a bench measures real clocks and prints ratios"
)]

mod adapters;
mod channel;
mod decide;
mod drive;
mod engines;
mod hot_row;
mod limits;
mod meter;
mod postgres;
mod prefill;
mod reconcile;
mod route;
mod route_baselines;
mod route_worlds;
mod statements;
mod subject;

use channel::Channel;
use drive::Run;
use prefill::{Notice, Numbers};
use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use subject::{Done, Subject};

/// Seconds a run may last: the safety net asks for an unpaid order five seconds after it was made, and those questions are not part of
/// what making an order costs.
const UNASKED_S: f64 = 3.5;
/// Few enough to be made, signed for and taken within that time.
const CALLBACKS: u64 = 1_500;

struct Bench {
    binary: PathBuf,
    channel: Arc<Channel>,
    account_toml: String,
    yardstick: meter::Yardstick,
    /// The last one taken: right before a run there is no time for another.
    signature: Cell<Duration>,
    /// What the large store holds; the small one holds a hundredth.
    stored: u64,
    seconds: f64,
    missed: u32,
}

#[tokio::main]
async fn main() -> Done {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    if let [word, channel, dir] = words.as_slice()
        && word == reconcile::CHILD
    {
        return reconcile::measure(channel, std::path::Path::new(dir));
    }
    let mut option = |name: &str| {
        let place = words.iter().position(|w| w == name)?;
        words.drain(place..(place + 2).min(words.len())).nth(1)
    };
    let binary = option("--sluice").map_or_else(|| PathBuf::from("target/release/sluice"), PathBuf::from);
    let stored = option("--stored").and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let seconds = option("--seconds").and_then(|n| n.parse().ok()).unwrap_or(4.0);
    let postgres = option("--postgres");
    let size = route::Size::read(&mut option);
    let (channel, address) = Channel::open().await?;
    let account_toml = channel.account_toml(&format!("http://{address}"));
    let yardstick = meter::Yardstick::new();
    let signature = Cell::new(yardstick.one_signature());
    let mut bench = Bench { binary, channel, account_toml, yardstick, signature, stored, seconds, missed: 0 };
    let asked = |name: &str| words.is_empty() || words.iter().any(|w| w == name);
    println!("one RSA-2048 signature: {:?}", bench.signature.get());
    if asked("adapters") {
        bench.adapters()?;
    }
    if asked("routes") {
        bench.routes(&size)?;
    }
    if asked("decisions") {
        bench.decisions()?;
    }
    if asked("reconcile") {
        bench.reconcile()?;
    }
    if asked("orders") {
        bench.orders().await?;
    }
    if asked("callbacks") {
        bench.callbacks().await?;
    }
    if asked("notifications") {
        bench.notifications().await?;
    }
    if asked("growth") {
        bench.growth().await?;
    }
    if asked("limits") {
        bench.limits().await?;
    }
    let server = match postgres {
        Some(url) => Some(postgres::Server::new(&url).await?),
        None => None,
    };
    if asked("statements") {
        bench.statements(server.as_ref()).await?;
    }
    if let Some(server) = &server {
        if asked("engines") {
            bench.engines(server).await?;
        }
        if asked("hot-row") {
            bench.hot_row(server).await?;
        }
    }
    println!("{} bars missed", bench.missed);
    if bench.missed > 0 { Err("a bar was missed".into()) } else { Ok(()) }
}

impl Bench {
    fn line(&mut self, what: &str, value: f64, unit: &str, bar: Option<f64>) {
        let holds = bar.is_none_or(|bar| value <= bar);
        self.missed += u32::from(!holds);
        let bar = bar.map_or_else(String::new, |bar| format!("≤ {bar}  {}", if holds { "ok" } else { "MISSED" }));
        println!("  {what:<58} {value:>10.3} {unit:<10} {bar}");
    }

    /// One run over a store, with the processor time of one request in signatures.
    async fn measured(
        &self,
        subject: &Subject,
        requests: Vec<Vec<u8>>,
        connections: usize,
        pace: Option<f64>,
    ) -> Done<(Run, f64, Duration)> {
        let before = self.signature.get();
        let cpu = meter::cpu(subject.pid());
        let run = drive::run(subject.address(), Arc::new(requests), connections, pace).await;
        let used = (meter::cpu(subject.pid()) - cpu) / u32::try_from(run.done.max(1))?;
        self.signature.set(self.yardstick.one_signature());
        let signature = before.min(self.signature.get());
        if run.bad > 0 {
            return Err(format!("{} of {} were not answered well: {:?}", run.bad, run.bad + run.done, run.first_bad).into());
        }
        Ok((run, used.as_secs_f64() / signature.as_secs_f64(), used))
    }

    async fn orders(&mut self) -> Done {
        println!("orders, WeChat native, channel at zero delay:");
        self.channel.can(true);
        let mut subject = Subject::new(&self.binary, "orders", &self.account_toml, None)?;
        let mut starts = Vec::new();
        for _ in 0..5 {
            starts.push(subject.start()?);
            subject.stop()?;
        }
        starts.sort_unstable();
        subject.start()?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let idle = meter::memory_mib(subject.pid(), "VmRSS:");
        subject.stop()?;
        let (mut peak, mut best, mut high) = (0.0_f64, f64::MAX, 0.0_f64);
        for connections in [1, 16, 64, 256] {
            let mut subject = Subject::new(&self.binary, &format!("orders-{connections}"), &self.account_toml, None)?;
            subject.start()?;
            let warm = subject.numbered(0..300);
            let warm = drive::run(subject.address(), Arc::new(warm), connections, None).await;
            let count = (warm.rate() * self.seconds.min(UNASKED_S)) as u64;
            let requests = subject.numbered(300..300 + count);
            let (run, ratio, used) = self.measured(&subject, requests, connections, None).await?;
            println!(
                "    {connections:>3} connections: {:>6.0} orders/s, p50 {:?} p99 {:?}, {used:?} of processor = {ratio:.2} signatures ({} runs), {:?}",
                run.rate(),
                run.percentile(50),
                run.percentile(99),
                run.done,
                meter::threads(subject.pid())
            );
            (peak, best) = (peak.max(run.rate()), best.min(if connections >= 64 { ratio } else { f64::MAX }));
            high = high.max(meter::memory_mib(subject.pid(), "VmHWM:"));
            subject.stop()?;
        }
        let mut subject = Subject::new(&self.binary, "orders-paced", &self.account_toml, None)?;
        subject.start()?;
        let warm = subject.numbered(0..300);
        drive::run(subject.address(), Arc::new(warm), 64, None).await;
        let requests = subject.numbered(300..300 + (peak / 2.0 * UNASKED_S) as u64);
        let (paced, ratio, _) = self.measured(&subject, requests, 64, Some(peak / 2.0)).await?;
        println!(
            "    at {:.0}/s, half of the peak: p50 {:?} p99 {:?}, {ratio:.2} signatures",
            peak / 2.0,
            paced.percentile(50),
            paced.percentile(99)
        );
        self.line("processor time of an order, in signatures", best, "×", Some(2.2));
        self.line("latency at half of the peak, p99", paced.percentile(99).as_secs_f64() * 1e3, "ms", Some(10.0));
        self.line("memory at the peak", high, "MiB", Some(100.0));
        self.line("memory when idle, just started", idle, "MiB", Some(40.0));
        self.line("ready after (median of 5)", starts[2].as_secs_f64() * 1e3, "ms", Some(300.0));
        subject.stop()
    }

    async fn callbacks(&mut self) -> Done {
        println!("callbacks, signed beforehand:");
        self.channel.can(false);
        let mut subject = Subject::new(&self.binary, "callbacks", &self.account_toml, None)?;
        subject.start()?;
        let numbers: Vec<String> = (0..CALLBACKS).map(|p| Numbers::Ordered.number(p)).collect();
        let hook = format!("http://{}/hook", channel::silent().await?);
        let requests = subject.orders(&numbers, Some(&hook));
        drive::run(subject.address(), Arc::new(requests), 32, None).await;
        let contents = self.waiting(&mut subject, &numbers).await?;
        let deliveries = self.channel.callbacks(&contents);
        let raw: Vec<Vec<u8>> = deliveries
            .iter()
            .map(|d| {
                let lines: String = d.headers.0.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect();
                let path = d.url.splitn(4, '/').nth(3).unwrap_or_default();
                let mut bytes =
                    format!("POST /{path} HTTP/1.1\r\nhost: bench\r\n{lines}content-length: {}\r\n\r\n", d.body.len()).into_bytes();
                bytes.extend_from_slice(&d.body);
                bytes
            })
            .collect();
        let (run, ratio, used) = self.measured(&subject, raw, 64, None).await?;
        println!(
            "    64 connections: {:.0} callbacks/s, p50 {:?} p99 {:?}, {used:?} of processor ({} runs; the order's notification is booked, not sent)",
            run.rate(),
            run.percentile(50),
            run.percentile(99),
            run.done
        );
        self.line("processor time of a callback, in signatures", ratio, "×", Some(0.55));
        subject.stop()
    }

    /// What the payers scan of these orders.
    async fn waiting(&self, subject: &mut Subject, numbers: &[String]) -> Done<Vec<String>> {
        let mut contents = Vec::new();
        let mut path = "/v1/orders?status=pending&limit=100".to_owned();
        loop {
            let page = subject.call("GET", &path, "").await?;
            contents
                .extend(page["data"].as_array().into_iter().flatten().filter_map(|o| o["action"]["content"].as_str().map(str::to_owned)));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/orders?status=pending&limit=100&cursor={cursor}");
        }
        if contents.len() == numbers.len() {
            Ok(contents)
        } else {
            Err(format!("{} codes for {} orders", contents.len(), numbers.len()).into())
        }
    }

    async fn notifications(&mut self) -> Done {
        println!("notifications to a receiver that answers at once:");
        self.channel.can(true);
        let (receiver, count) = channel::receiver().await?;
        let mut subject = Subject::new(&self.binary, "notices", &self.account_toml, None)?;
        let notices = (2_000.0 * self.seconds) as u64;
        let template = self.template(&mut subject, Some(&format!("http://{receiver}/hook"))).await?;
        prefill::prefill(&subject.database(), &template, 0, notices, Numbers::Ordered, Notice::Waiting)?;
        let before = self.yardstick.one_signature();
        let began = Instant::now();
        subject.start()?;
        let cpu = meter::cpu(subject.pid());
        while count.load(Ordering::Relaxed) < notices {
            if began.elapsed() > Duration::from_secs(120) {
                return Err(format!("{count:?} of {notices} notifications came in two minutes").into());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let took = began.elapsed();
        let used = (meter::cpu(subject.pid()) - cpu) / u32::try_from(notices)?;
        let signature = before.min(self.yardstick.one_signature());
        println!(
            "    {:.0} notifications/s of one merchant (16 at once), {used:?} of processor ({notices} runs)",
            notices as f64 / took.as_secs_f64()
        );
        println!("    by thread: {:?}", meter::threads(subject.pid()));
        self.line("processor time of a notification, in signatures", used.as_secs_f64() / signature.as_secs_f64(), "×", Some(0.4));
        subject.stop()
    }

    /// An order of the gateway's own making, to be copied.
    pub async fn template(&self, subject: &mut Subject, notify_url: Option<&str>) -> Done<sluice::domain::OrderId> {
        subject.start()?;
        let body = serde_json::json!({"merchant_order_no": "TEMPLATE", "amount": 1280, "currency": "CNY", "subject": "一箱苹果",
            "method": "wechat_native", "client_ip": "203.0.113.7", "notify_url": notify_url, "metadata": {"shop": "12"}});
        let order = subject.call("POST", "/v1/orders", &body.to_string()).await?;
        subject.stop()?;
        sluice::domain::OrderId::parse(order["id"].as_str().unwrap_or_default()).ok_or_else(|| "no template".into())
    }

    async fn growth(&mut self) -> Done {
        println!("growth, {} against {} stored orders, 64 connections:", self.stored / 100, self.stored);
        self.channel.can(true);
        for numbers in [Numbers::Ordered, Numbers::Random] {
            let mut subject = Subject::new(&self.binary, &format!("growth-{numbers:?}"), &self.account_toml, None)?;
            let template = self.template(&mut subject, None).await?;
            let (mut held, mut seen) = (0, Vec::new());
            for stored in [self.stored / 100, self.stored] {
                let began = Instant::now();
                prefill::prefill(&subject.database(), &template, held, stored - held, numbers, Notice::Delivered)?;
                let filled = began.elapsed();
                subject.start()?;
                let mut runs = Vec::new();
                held = stored;
                for _ in 0..3 {
                    let fresh: Vec<String> = (held..held + (700.0 * self.seconds) as u64).map(|p| numbers.number(p)).collect();
                    held += fresh.len() as u64;
                    let requests = subject.orders(&fresh, None);
                    runs.push(self.measured(&subject, requests, 64, None).await?);
                }
                subject.stop()?;
                let rate = runs.iter().map(|(run, ..)| run.rate()).fold(0.0, f64::max);
                let ratio = runs.iter().map(|(_, ratio, _)| *ratio).fold(f64::MAX, f64::min);
                let size = std::fs::metadata(subject.database())?.len() / 1_048_576;
                println!(
                    "    {numbers:?} numbers, {stored} stored ({size} MiB, filled in {filled:.0?}): {rate:.0} orders/s, {ratio:.2} signatures each"
                );
                seen.push((rate, ratio));
            }
            let [(small, cheap), (large, dear)] = seen.as_slice() else { continue };
            // Random numbers dirty a leaf of their own each (STACK §2.4): shown, not judged.
            let bar = matches!(numbers, Numbers::Ordered).then_some(15.0);
            self.line(&format!("{numbers:?}: rate lost from small to large"), 100.0 * (1.0 - large / small), "%", bar);
            self.line(&format!("{numbers:?}: processor time of an order grew by"), 100.0 * (dear / cheap - 1.0), "%", None);
        }
        Ok(())
    }
}
