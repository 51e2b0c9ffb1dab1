//! A sandbox and a gateway, ready: two processes, a config folder of their own, clients for everyone.
//!
//! [`World::shared`] is one world for all tests that only add orders to it; it ends with the last test that holds it. Tests that
//! set faults, restart or change the config start one of their own.

use super::client::{Merchant, Ops, http};
use super::control::Control;
use super::postgres::{Database, SQLITE_URL, on_postgres};
use super::process::{KEYS, Running};
use super::unique;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The waiting rules of tests run this much faster.
pub const FAST: u32 = 20;

pub struct World {
    pub dir: PathBuf,
    /// Where the books are under `SLUICE_STORE=postgres`; otherwise they are in the folder. Dropped after the gateway's end.
    pub database: Option<Database>,
    #[expect(dead_code, reason = "held, so that the sandbox ends with its world")]
    sandbox: Running,
    gateway: Mutex<Option<Running>>,
    pub demo: Merchant,
    pub other: Merchant,
    pub ops: Ops,
    pub control: Control,
    arguments: Vec<String>,
    envs: Vec<(String, String)>,
}

/// A change to a file of the configuration before the gateway reads it.
type Edit = Box<dyn Fn(String) -> String>;

/// What a world is started with.
pub struct Plan {
    fast: u32,
    envs: Vec<(String, String)>,
    edits: Vec<(&'static str, Edit)>,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan { fast: FAST, envs: Vec::new(), edits: Vec::new() }
    }
}

impl Plan {
    pub fn fast(self, fast: u32) -> Plan {
        Plan { fast, ..self }
    }

    pub fn env(mut self, name: &str, value: &str) -> Plan {
        self.envs.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Changes a file of the config folder before the gateway starts.
    pub fn edit(mut self, file: &'static str, change: impl Fn(String) -> String + 'static) -> Plan {
        self.edits.push((file, Box::new(change)));
        self
    }

    /// Adds to a file of the config folder.
    pub fn append(self, file: &'static str, text: &str) -> Plan {
        let text = text.to_owned();
        self.edit(file, move |old| format!("{old}\n{text}\n"))
    }

    pub fn start(self) -> World {
        let dir = scratch("world");
        let sandbox = start_sandbox(&dir, self.fast);
        let database = on_postgres().then(Database::fresh);
        if let Some(database) = &database {
            keep_books_in(&dir, database);
        }
        for (file, change) in &self.edits {
            edit(&dir, file, change);
        }
        let mut arguments = vec!["serve".to_owned(), "--config".into(), text(&dir)];
        arguments.extend(["--fast".to_owned(), self.fast.to_string()]);
        let gateway = start_gateway(&arguments, &self.envs, "127.0.0.1:0", &dir.join("gateway.log"));
        let mut world = World::of(dir, sandbox, gateway, arguments, self.envs);
        world.database = database;
        world
    }
}

/// Another gateway over the books of a [`World`], which all nodes share: only on PostgreSQL. It ends with this.
pub struct Node {
    pub process: Running,
    pub demo: Merchant,
}

/// A fresh folder under the system's temporary one.
pub fn scratch(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("sluice-test-{name}-{}", unique()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// Rewrites a file of a config folder.
pub fn edit(dir: &Path, file: &str, change: impl Fn(String) -> String) {
    let path = dir.join(file);
    let old = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, change(old)).unwrap();
}

/// Makes a config folder of a sandbox name this database.
pub fn keep_books_in(dir: &Path, database: &Database) {
    edit(dir, "sluice.toml", |old| {
        assert!(old.contains(SQLITE_URL), "{old}");
        old.replace(SQLITE_URL, &database.url())
    });
}

/// A sandbox that wrote its config into the folder.
pub fn start_sandbox(dir: &Path, fast: u32) -> Running {
    let arguments = ["sandbox", "--keys", KEYS, "--control", "127.0.0.1:0", "--write-config", &text(dir), "--fast", &fast.to_string()];
    Running::start(&arguments, &[], &dir.join("sandbox.log"))
}

fn start_gateway(arguments: &[String], envs: &[(String, String)], listen: &str, log: &Path) -> Running {
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    arguments.extend(["--listen", listen]);
    let envs: Vec<(&str, &str)> = envs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    Running::start(&arguments, &envs, log)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn toml_of(dir: &Path, file: &str) -> toml::Table {
    std::fs::read_to_string(dir.join(file)).unwrap().parse().unwrap()
}

fn merchant(config: &toml::Table, id: &str, base: &str) -> Merchant {
    let merchants = config["merchant"].as_array().unwrap();
    let found = merchants.iter().find(|m| m["id"].as_str() == Some(id)).unwrap();
    let (key, word) = (&found["keys"][0], |value: &toml::Value| value.as_str().unwrap().to_owned());
    Merchant {
        http: http(),
        base: base.to_owned(),
        key_id: word(&key["id"]),
        secret: word(&key["secret"]),
        webhook_secret: word(&found["webhook"]["secret"]),
    }
}

impl World {
    pub fn plan() -> Plan {
        Plan::default()
    }

    /// The world that all tests share which disturb nobody.
    pub fn shared() -> Arc<World> {
        static SHARED: Mutex<Weak<World>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let world = Arc::new(World::plan().start());
            *shared = Arc::downgrade(&world);
            world
        })
    }

    fn of(dir: PathBuf, sandbox: Running, gateway: Running, arguments: Vec<String>, envs: Vec<(String, String)>) -> World {
        let base = format!("http://{}", gateway.address);
        let (merchants, server) = (toml_of(&dir, "merchants.toml"), toml_of(&dir, "sluice.toml"));
        let token = server["operator"][0]["token"].as_str().unwrap().to_owned();
        World {
            demo: merchant(&merchants, "m_demo", &base),
            other: merchant(&merchants, "m_other", &base),
            ops: Ops { http: http(), base, token },
            control: Control::new(http(), format!("http://{}", sandbox.address)),
            dir,
            database: None,
            sandbox,
            gateway: Mutex::new(Some(gateway)),
            arguments,
            envs,
        }
    }

    /// `127.0.0.1:PORT` of the gateway.
    pub fn address(&self) -> String {
        self.demo.base.trim_start_matches("http://").to_owned()
    }

    /// Something done to the gateway's process.
    pub fn gateway<T>(&self, act: impl FnOnce(&mut Running) -> T) -> T {
        act(self.gateway.lock().unwrap().as_mut().expect("the gateway runs"))
    }

    /// `kill -9`, and a new start on the same address and store.
    pub fn kill_and_restart(&self) {
        self.gateway(Running::kill);
        self.restart();
    }

    /// Starts the gateway again, on the same address.
    pub fn restart(&self) {
        let mut gateway = self.gateway.lock().unwrap();
        drop(gateway.take());
        *gateway = Some(start_gateway(&self.arguments, &self.envs, &self.address(), &self.dir.join("gateway.log")));
    }

    /// One more gateway over the same books, on an address of its own: the channel calls back the node that placed an order.
    pub fn node(&self) -> Node {
        assert!(self.database.is_some(), "two gateways cannot share one SQLite file");
        let process = start_gateway(&self.arguments, &self.envs, "127.0.0.1:0", &self.dir.join(format!("node-{}.log", unique())));
        let demo = Merchant { base: format!("http://{}", process.address), ..self.demo.clone() };
        Node { process, demo }
    }

    pub fn gateway_log(&self) -> String {
        std::fs::read_to_string(self.dir.join("gateway.log")).unwrap_or_default()
    }

    /// `channel_order_no` of the order's newest attempt.
    pub async fn channel_number(&self, order_id: &str) -> String {
        let order = self.demo.expanded(order_id).await;
        let attempts = order["attempts"].as_array().unwrap_or_else(|| panic!("no attempts: {order}"));
        attempts.last().unwrap()["channel_order_no"].as_str().unwrap().to_owned()
    }

    /// What the channel's books say of an order.
    pub async fn entry_of(&self, order_id: &str) -> serde_json::Value {
        self.control.entry(&self.channel_number(order_id).await).await
    }

    /// A native order, scanned and paid.
    pub async fn paid(&self, body: &serde_json::Value) -> serde_json::Value {
        let order = self.demo.place(body).await;
        self.control.pay(&order).await;
        self.demo.until_status(order["id"].as_str().unwrap(), "paid").await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A failing test leaves its folder behind: store, config and logs are the evidence.
        if !std::thread::panicking() {
            drop(self.gateway.lock().map(|mut gateway| gateway.take()));
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}
