//! Real processes under a supervisor: one sandbox, gateways beside it that are killed and started again, and where their logs are.

use super::books::Books;
use super::limits::RULES;
use crate::harness::postgres::{Database, SQLITE_URL, on_postgres};
use crate::harness::process::KEYS;
pub use crate::harness::process::binary as sluice;
use serde::Deserialize;
use serde_json::Value;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

pub type Done<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// How long a condition is waited for before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A number from the environment, so that the same test runs short in CI and long for a figure.
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Asks until there is an answer.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, patience: Duration, mut ask: impl FnMut() -> F) -> Done<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return Ok(found);
        }
        if started.elapsed() > patience {
            return Err(format!("{what}: not within {patience:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// xorshift64*: a test prints its seed, and the same seed makes the same choices.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// `SLUICE_SEED`, or one of the clock's; printed.
    pub fn of_the_day(test: &str) -> Dice {
        let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |d| d.as_micros() as u64);
        let seed = setting("SLUICE_SEED", clock % 1_000_000_007);
        println!("{test}: SLUICE_SEED={seed}");
        Dice::new(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }

    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// A folder that goes with the test and stays for the reader when it panics, or with `SLUICE_KEEP=1`.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Done<Folder> {
        static MADE: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let place = MADE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sluice-{name}-{}-{place}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() || std::env::var_os("SLUICE_KEEP").is_some() {
            println!("left for reading: {}", self.0.display());
        } else {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// A child that printed its ready line.
struct Process {
    child: Child,
    url: String,
}

async fn start(mut command: Command, log: &Path) -> Done<Process> {
    let log_file = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file).kill_on_drop(true).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no stdout")?).lines();
    let ready = tokio::time::timeout(PATIENCE, lines.next_line()).await;
    let line = ready.ok().and_then(Result::ok).flatten().unwrap_or_default();
    let Some(url) = line.strip_prefix("ready ") else {
        let told = std::fs::read_to_string(log).unwrap_or_default();
        return Err(format!("no ready line but {line:?}; its log ends: {}", tail(&told, 2000)).into());
    };
    Ok(Process { url: url.to_owned(), child })
}

fn tail(text: &str, bytes: usize) -> &str {
    text.get(text.ceil_char_boundary(text.len().saturating_sub(bytes))..).unwrap_or_default()
}

/// One line of the channel's own books.
#[derive(Clone, Debug, Deserialize)]
pub struct Row {
    pub channel: String,
    pub out_trade_no: String,
    pub status: String,
    pub total: i64,
    pub refunds: Vec<RefundRow>,
    pub charges: u32,
}

#[derive(Clone, Debug, Deserialize)]
pub struct RefundRow {
    pub out_refund_no: String,
    pub amount: i64,
    pub status: String,
}

impl Row {
    /// The gateway's order that the channel's number names.
    pub fn order_id(&self) -> String {
        format!("P{}00", self.out_trade_no.get(1..25).unwrap_or_default())
    }

    pub fn given_back(&self, status: &str) -> i64 {
        self.refunds.iter().filter(|r| r.status == status).map(|r| r.amount).sum()
    }

    /// Money the channel took and still holds.
    pub fn kept(&self) -> i64 {
        if self.charges > 0 && self.status == "paid" { self.total - self.given_back("succeeded") } else { 0 }
    }
}

/// `SLUICE_EVERYWHERE=1`: kills and soaks at all channels.
pub fn everywhere() -> bool {
    setting("SLUICE_EVERYWHERE", 0) > 0
}

const CHANNELS: [&str; 5] = ["wechat", "alipay", "unionpay", "icbc", "cmb"];

/// CMB carries WeChat's and Alipay's methods beside its own …
const BANKS_OWN: &str = r#"methods = ["cmb_qr", "cmb_barcode"]"#;
const BANKS_MORE: &str = r#"methods = ["cmb_qr", "cmb_barcode", "wechat_native", "wechat_barcode", "alipay_qr", "alipay_barcode"]"#;

/// … and what two accounts serve, they serve in turn.
const TURNS: &str = r#"
[[rule]]
name = "turns"
when = "true"
strategy = "round_robin"
accounts = [
  { id = "wx-main", weight = 2 }, { id = "ali-main", weight = 2 }, { id = "up-main", weight = 1 },
  { id = "icbc-main", weight = 1 }, { id = "cmb-main", weight = 1 },
]
"#;

/// Runs the pretend channels, and talks to their control listener.
pub struct Sandbox {
    process: Process,
    pub folder: Folder,
    http: reqwest::Client,
    fast: u32,
}

impl Sandbox {
    pub async fn start(name: &str, fast: u32) -> Done<Sandbox> {
        let folder = Folder::new(name)?;
        let mut command = Command::new(sluice());
        command.args(["sandbox", "--keys", KEYS, "--control", "127.0.0.1:0", "--fast", &fast.to_string(), "--write-config"]);
        command.arg(folder.0.join("config"));
        let process = start(command, &folder.0.join("sandbox.log")).await?;
        Ok(Sandbox { process, folder, http: client()?, fast })
    }

    pub async fn post(&self, path: &str, body: &Value) -> Done<Value> {
        let request = self.http.post(format!("{}{path}", self.process.url)).header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            return Err(format!("{path} {status}: {text}").into());
        }
        Ok(serde_json::from_str(&text)?)
    }

    async fn get(&self, path: &str) -> Done<String> {
        Ok(self.http.get(format!("{}{path}", self.process.url)).send().await?.text().await?)
    }

    pub async fn ledger(&self) -> Done<Vec<Row>> {
        Ok(serde_json::from_str(&self.get("/ledger").await?)?)
    }

    /// Requests that the channel has seen so far.
    pub async fn calls(&self) -> Done<u64> {
        let calls: Value = serde_json::from_str(&self.get("/calls").await?)?;
        Ok(calls["wechat"].as_u64().unwrap_or_default())
    }

    pub async fn fault(&self, api: &str, fault: &str, probability: f64) -> Done {
        self.fault_at("wechat", api, fault, probability).await
    }

    pub async fn fault_everywhere(&self, api: &str, fault: &str, probability: f64) -> Done {
        for channel in CHANNELS {
            self.fault_at(channel, api, fault, probability).await?;
        }
        Ok(())
    }

    async fn fault_at(&self, channel: &str, api: &str, fault: &str, probability: f64) -> Done {
        let body = serde_json::json!({"channel": channel, "api": api, "fault": fault, "probability": probability});
        self.post("/faults", &body).await.map(|_| ())
    }

    pub async fn hook(&self, word: &str) -> Done<Value> {
        self.post("/hooks", &serde_json::json!({"channel": "wechat", "word": word})).await
    }

    pub async fn heal(&self) -> Done {
        self.http.delete(format!("{}/faults", self.process.url)).send().await?.error_for_status()?;
        Ok(())
    }

    /// A gateway with a config and a store of its own, on the engine under test, that points here.
    pub fn gateway(&self, name: &str) -> Done<Gateway> {
        match on_postgres() {
            true => self.gateway_on(name, Database::fresh()),
            false => self.gateway_on_sqlite(name),
        }
    }

    /// The same with its books in this database.
    pub fn gateway_on(&self, name: &str, database: Database) -> Done<Gateway> {
        let gateway = self.gateway_on_sqlite(name)?;
        gateway.edit("sluice.toml", SQLITE_URL, &database.url())?;
        Ok(Gateway { books: Some(Arc::new(Books::at(&database.url()))), database: Some(database), ..gateway })
    }

    fn gateway_on_sqlite(&self, name: &str) -> Done<Gateway> {
        let dir = self.folder.0.join(name);
        std::fs::create_dir_all(&dir)?;
        for file in ["sluice.toml", "merchants.toml", "channels.toml", "routing.toml", "limits.toml"] {
            std::fs::copy(self.folder.0.join("config").join(file), dir.join(file))?;
        }
        let limits = std::fs::read_to_string(dir.join("limits.toml"))?;
        std::fs::write(dir.join("limits.toml"), limits + RULES)?;
        let books = Some(Arc::new(Books::in_file(&dir.join("sluice.sqlite"))));
        let log = self.folder.0.join(format!("{name}.log"));
        Ok(Gateway { port: free_port()?, fast: self.fast, log, books, dir, under: Vec::new(), process: None, database: None })
    }
}

pub fn client() -> Done<reqwest::Client> {
    Ok(reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(15)).pool_max_idle_per_host(256).build()?)
}

/// A port below the range that clients' own sockets are taken from, and of another range on either engine, whose suites run side by side:
/// nobody takes it between a kill and the next start.
pub fn free_port() -> Done<u16> {
    static NEXT: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(0);
    let base = if on_postgres() { 26_000 } else { 20_000 } + (std::process::id() % 3_000) as u16;
    for _ in 0..1_000 {
        let port = base + NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 3_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err("no free port".into())
}

/// A gateway that outlives its processes: one config, one store, one address.
pub struct Gateway {
    pub dir: PathBuf,
    pub port: u16,
    pub log: PathBuf,
    fast: u32,
    /// `None`: on a disk that only the gateway sees.
    pub books: Option<Arc<Books>>,
    /// What runs it, such as `unshare …`; empty: nothing.
    pub under: Vec<String>,
    process: Option<Process>,
    /// Dropped after the process.
    database: Option<Database>,
}

impl Gateway {
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().and_then(|p| p.child.id())
    }

    /// Replaces text in a file of the config, which must be there.
    pub fn edit(&self, file: &str, from: &str, to: &str) -> Done {
        let path = self.dir.join(file);
        let text = std::fs::read_to_string(&path)?;
        assert!(text.contains(from), "{file} has no {from}");
        Ok(std::fs::write(path, text.replace(from, to))?)
    }

    /// Where all channels are asked for: gives some methods two accounts, and a rule by which they take turns.
    pub fn route_in_turns(&self) -> Done {
        if !everywhere() {
            return Ok(());
        }
        self.edit("channels.toml", BANKS_OWN, BANKS_MORE)?;
        let path = self.dir.join("routing.toml");
        let text = std::fs::read_to_string(&path)?;
        Ok(std::fs::write(path, text + TURNS)?)
    }

    /// Starts it and answers how long it took to be ready. `crash`: the named point at which it dies.
    pub async fn start(&mut self, crash: Option<&str>) -> Done<Duration> {
        let began = Instant::now();
        let binary = sluice();
        let mut command = match self.under.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(binary);
                command
            }
            None => Command::new(binary),
        };
        command.args(["serve", "--fast", &self.fast.to_string(), "--listen", &format!("127.0.0.1:{}", self.port), "--config"]);
        command.arg(&self.dir).env_remove("SLUICE_CRASH");
        if let Some(point) = crash {
            command.env("SLUICE_CRASH", point);
        }
        self.process = Some(start(command, &self.log).await?);
        Ok(began.elapsed())
    }

    /// `kill -9`.
    pub async fn kill(&mut self) -> Done {
        if let Some(mut process) = self.process.take() {
            process.child.kill().await?;
        }
        Ok(())
    }

    /// SIGTERM; how it ended and after how long.
    pub async fn terminate(&mut self) -> Done<(ExitStatus, Duration)> {
        let process = self.process.take().ok_or("it does not run")?;
        let pid = process.child.id().ok_or("it has ended")?;
        let began = Instant::now();
        std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status()?;
        let status = ended(process).await?;
        Ok((status, began.elapsed()))
    }

    /// Waits until it dies by itself.
    pub async fn died(&mut self) -> Done<ExitStatus> {
        ended(self.process.take().ok_or("it does not run")?).await
    }

    pub fn has_died(&mut self) -> bool {
        self.process.as_mut().is_none_or(|p| !matches!(p.child.try_wait(), Ok(None)))
    }

    /// One number out of the store, read beside the running gateway.
    pub async fn count(&self, sql: &str) -> Option<i64> {
        self.books().ok()?.count(sql, &[]).await
    }

    pub fn books(&self) -> Done<&Arc<Books>> {
        self.books.as_ref().ok_or_else(|| "it is on a disk of its own".into())
    }

    /// Its database at the server.
    pub fn database(&self) -> Done<&Database> {
        self.database.as_ref().ok_or_else(|| "it is not on PostgreSQL".into())
    }

    pub fn log_tail(&self) -> String {
        tail(&std::fs::read_to_string(&self.log).unwrap_or_default(), 3000).to_owned()
    }
}

async fn ended(mut process: Process) -> Done<ExitStatus> {
    Ok(tokio::time::timeout(PATIENCE, process.child.wait()).await.map_err(|_| "it did not end")??)
}
