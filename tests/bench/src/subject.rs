//! The gateway under measurement: a release binary with a config folder of its own, and requests signed for it beforehand.

use crate::drive;
use crate::prefill::Numbers;
use serde_json::{Value, json};
use sluice::merchant_auth::{self, Request};
use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub type Done<T = ()> = Result<T, Box<dyn Error>>;

pub struct Subject {
    pub dir: PathBuf,
    pub key_id: String,
    pub secret: String,
    binary: PathBuf,
    process: Option<(Child, SocketAddr)>,
    nonces: u64,
}

impl Subject {
    /// A fresh config folder that points at the bench's channel.
    /// `store`: the store's URL; a file in the folder if not said.
    pub fn new(binary: &Path, name: &str, account_toml: &str, store: Option<&str>) -> Done<Subject> {
        let dir = std::env::temp_dir().join(format!("sluice-bench-{}-{name}", std::process::id()));
        let mut state = u64::from(std::process::id()) | 1;
        let mut fill = |bytes: &mut [u8]| {
            for byte in bytes {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                *byte = (state >> 24) as u8;
            }
        };
        sluice::config::write_sandbox(&dir, "127.0.0.1:0", store.unwrap_or("sqlite:sluice.sqlite"), &[account_toml.to_owned()], &mut fill)?;
        let file: toml::Table = std::fs::read_to_string(dir.join("merchants.toml"))?.parse()?;
        let key = file["merchant"].get(0).and_then(|m| m["keys"].get(0)).ok_or("no key")?;
        let text = |name: &str| key[name].as_str().unwrap_or_default().to_owned();
        Ok(Subject { dir, key_id: text("id"), secret: text("secret"), binary: binary.to_owned(), process: None, nonces: 0 })
    }

    pub fn database(&self) -> PathBuf {
        self.dir.join("sluice.sqlite")
    }

    /// Starts it; how long until its ready line.
    pub fn start(&mut self) -> Done<Duration> {
        use std::io::BufRead;
        let began = Instant::now();
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.dir.join("log"))?;
        let mut child = Command::new(&self.binary).args(["serve", "--config"]).arg(&self.dir).stdout(Stdio::piped()).stderr(log).spawn()?;
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().ok_or("no stdout")?).read_line(&mut line)?;
        let took = began.elapsed();
        let address = line.trim().strip_prefix("ready http://").ok_or_else(|| format!("no ready line: {line:?}"))?.parse()?;
        self.process = Some((child, address));
        Ok(took)
    }

    pub fn stop(&mut self) -> Done {
        if let Some((mut child, _)) = self.process.take() {
            Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
            child.wait()?;
        }
        Ok(())
    }

    pub fn pid(&self) -> u32 {
        self.process.as_ref().map_or(0, |(child, _)| child.id())
    }

    pub fn address(&self) -> SocketAddr {
        self.process.as_ref().map_or_else(|| ([127, 0, 0, 1], 0).into(), |(_, address)| *address)
    }

    /// The bytes of a signed request. Good for 300 s and once.
    pub fn signed(&mut self, method: &str, path: &str, body: &str) -> Vec<u8> {
        self.nonces += 1;
        let nonce = format!("bench-{:08x}-{:012x}", std::process::id(), self.nonces);
        let timestamp = crate::channel::now().second().0.to_string();
        let request = Request { method, path_and_query: path, timestamp: &timestamp, nonce: &nonce, body: body.as_bytes() };
        let authorization = merchant_auth::header(&self.key_id, &self.secret, &request);
        let head = format!("{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: {authorization}\r\n");
        format!("{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    /// Native orders under these numbers.
    pub fn orders(&mut self, numbers: &[String], notify_url: Option<&str>) -> Vec<Vec<u8>> {
        let body = |number: &String| {
            json!({"merchant_order_no": number, "amount": 1280, "currency": "CNY", "subject": "一箱苹果", "method": "wechat_native",
                "client_ip": "203.0.113.7", "notify_url": notify_url, "metadata": {"shop": "12"}})
        };
        numbers.iter().map(|number| self.signed("POST", "/v1/orders", &body(number).to_string())).collect()
    }

    /// Native orders under time-ordered numbers.
    pub fn numbered(&mut self, places: std::ops::Range<u64>) -> Vec<Vec<u8>> {
        let numbers: Vec<String> = places.map(|place| Numbers::Ordered.number(place)).collect();
        self.orders(&numbers, None)
    }

    /// One call, its JSON answer.
    pub async fn call(&mut self, method: &str, path: &str, body: &str) -> Done<Value> {
        let request = self.signed(method, path, body);
        let mut stream = tokio::net::TcpStream::connect(self.address()).await?;
        let mut buffer = Vec::new();
        let status = drive::exchange(&mut stream, &request, &mut buffer).await?;
        if !(200..300).contains(&status) {
            return Err(format!("{method} {path}: {status} {}", String::from_utf8_lossy(drive::body(&buffer))).into());
        }
        Ok(serde_json::from_slice(drive::body(&buffer))?)
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.process {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
