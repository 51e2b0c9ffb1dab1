//! A gateway to send requests to: a real store in a temporary file, a fake channel, and a wire that answers when it is told to.

use crate::clock::{Clock, Sleep, SystemChance};
use crate::config::{Operator, Role, Secret};
use crate::domain::merchant::{AccountState, Merchant};
use crate::flow::{Account, Directory, Gateway, KeyEntry, MerchantEntry, Pace};
use crate::http::{App, AppParts};
use crate::merchant_auth;
use crate::outbound::{Courier, Delivered, Outcome, Policy, Post, Renewals, Wire, WireError};
use crate::store::sqlite::SqliteStore;
use crate::store::{Answer, Query, Sealer};
use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use serde_json::Value;
use sluice_contract::{HttpReply, HttpRequest, Method, Millis};
use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use tower::ServiceExt;

pub const NOW: i64 = 1_763_880_000_000;
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
const OTHER_SECRET: &str = "fedcba9876543210fedcba9876543210";
const BARE_SECRET: &str = "00112233445566778899aabbccddeeff";

/// A clock that stands still; whoever sleeps by it sleeps for good.
pub struct Still(pub AtomicI64);

impl Clock for Still {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::SeqCst))
    }
    fn sleep_ms(&self, _: i64) -> Sleep<'_> {
        Box::pin(std::future::pending())
    }
}

/// The channel's side of the wire: every request takes a permit, and is answered with the word it is told.
pub struct Far {
    pub gate: Semaphore,
    pub asked: AtomicUsize,
    pub says: Mutex<&'static str>,
}

impl Wire for Far {
    fn send<'a>(&'a self, _: &'a HttpRequest) -> Pin<Box<dyn Future<Output = Result<HttpReply, WireError>> + Send + 'a>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let _permit = self.gate.acquire().await;
            let word = *self.says.lock().map_err(|_| WireError::NotSent("poisoned".into()))?;
            Ok(HttpReply::new(200, &[], word))
        })
    }
}

struct NoCourier;

impl Courier for NoCourier {
    fn deliver<'a>(&'a self, _: &'a Post) -> Pin<Box<dyn Future<Output = Delivered> + Send + 'a>> {
        Box::pin(async { Delivered { outcome: Outcome::Refused("a test".into()), status: None, snippet: String::new(), ms: 0 } })
    }
}

pub struct Stage {
    pub app: App,
    pub router: Router,
    pub far: Arc<Far>,
    pub clock: Arc<Still>,
    pub panics: Arc<AtomicUsize>,
    serial: AtomicUsize,
    path: PathBuf,
}

impl Drop for Stage {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let mut name = self.path.clone().into_os_string();
            name.push(end);
            let _ = std::fs::remove_file(name);
        }
    }
}

fn merchant(id: &str, webhook: bool) -> Arc<MerchantEntry> {
    let secret = || Secret::new(format!("whsec_{}", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0NTY3"));
    let merchant = Merchant { id: id.into(), name: id.into(), enabled: true, webhook_url: None, prefer: None };
    Arc::new(MerchantEntry { merchant, webhook_secret: webhook.then(secret), bindings: Vec::new(), stores: Vec::new() })
}

/// An account of the fake channel, open to all.
pub fn account(id: &str) -> Account {
    Account {
        id: id.into(),
        channel: Arc::new(super::channel::Fake::default()),
        sandbox: true,
        reconcile_daily: false,
        owner: None,
        methods: vec![Method::WechatNative, Method::WechatBarcode],
        fee: None,
        app_ids: Vec::new(),
        amount_min: None,
        amount_max: None,
        opening: Default::default(),
        weight: None,
        state: AccountState::Enabled,
        notify_url: format!("http://127.0.0.1:1/notify/{id}"),
    }
}

fn base_directory() -> Directory {
    let key =
        |merchant: &str, secret: &str| Arc::new(KeyEntry { merchant_id: merchant.into(), secret: Secret::new(secret), debug_until: None });
    let merchants = [("m_demo", true), ("m_other", true), ("m_bare", false)];
    Directory {
        accounts: vec![Arc::new(account("wx-main"))],
        merchants: merchants.into_iter().map(|(id, webhook)| (id.to_owned(), merchant(id, webhook))).collect(),
        keys: BTreeMap::from([
            ("k_demo".to_owned(), key("m_demo", SECRET)),
            ("k_other".to_owned(), key("m_other", OTHER_SECRET)),
            ("k_bare".to_owned(), key("m_bare", BARE_SECRET)),
        ]),
        ..Directory::default()
    }
}

/// As the boot room does: what operators stored comes on top.
async fn refreshed(gateway: Arc<Gateway>) -> Result<(), String> {
    let mut directory = base_directory();
    let read = |kind: &str| gateway.store.read(Query::Records { kind: kind.to_owned() });
    if let Ok(Answer::Records(rows)) = read("merchant").await {
        for (id, doc) in rows {
            let entry = MerchantEntry {
                webhook_secret: doc.get("webhook_sealed").and_then(Value::as_str).map(Secret::new),
                merchant: serde_json::from_value(doc).map_err(|e| e.to_string())?,
                bindings: Vec::new(),
                stores: Vec::new(),
            };
            directory.merchants.insert(id, Arc::new(entry));
        }
    }
    if let Ok(Answer::Records(rows)) = read("key").await {
        for (id, doc) in rows.into_iter().filter(|(_, doc)| doc["enabled"] == true) {
            let sealed = hex::decode(doc["sealed"].as_str().unwrap_or_default()).map_err(|e| e.to_string())?;
            let plain = gateway.sealer.open("merchant_key", &sealed).map_err(|e| e.to_string())?;
            let secret = Secret::new(String::from_utf8(plain).map_err(|e| e.to_string())?);
            let merchant_id = doc["merchant_id"].as_str().unwrap_or_default().to_owned();
            let debug_until = doc["debug_until_ms"].as_i64().map(Millis);
            directory.keys.insert(id, Arc::new(KeyEntry { merchant_id, secret, debug_until }));
        }
    }
    if let Ok(Answer::Records(rows)) = read("account_state").await {
        for (id, doc) in rows {
            let state = serde_json::from_value(doc["state"].clone()).map_err(|e| e.to_string())?;
            directory.accounts = vec![Arc::new(Account { state, ..account(&id) })];
        }
    }
    gateway.directory.store(Arc::new(directory));
    Ok(())
}

/// A fresh stage: three merchants, one account, four operators (`token-of-ROLE` and enough to be long).
pub fn stage() -> Stage {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let serial = COUNT.fetch_add(1, Ordering::SeqCst);
    let path = std::env::temp_dir().join(format!("sluice-http-{}-{serial}.db", std::process::id()));
    let store = SqliteStore::open(&path.to_string_lossy(), || {}).unwrap();
    let far = Arc::new(Far { gate: Semaphore::new(1000), asked: AtomicUsize::new(0), says: Mutex::new("waiting") });
    let clock = Arc::new(Still(AtomicI64::new(NOW)));
    let gateway = Arc::new(Gateway {
        store: Arc::new(store),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        chance: Arc::new(SystemChance),
        wire: Arc::clone(&far) as Arc<dyn Wire>,
        courier: Arc::new(NoCourier),
        directory: ArcSwap::from_pointee(base_directory()),
        sealer: Sealer::new(&[("1".into(), [7; 32])]).unwrap(),
        pace: Pace::new(1),
        renewals: Renewals::default(),
        routing: Default::default(),
        metrics: crate::telemetry::Metrics::default(),
        keep_months: None,
        public_url: "https://pay.example.com".into(),
        notify_policy: Policy::default(),
    });
    let roles = [Role::Viewer, Role::Operator, Role::Finance, Role::Admin];
    let operator = |role: Role| Operator { name: role.word().into(), role, token: Secret::new(token(role)) };
    let panics = Arc::new(AtomicUsize::new(0));
    let (for_refresh, for_panics) = (Arc::clone(&gateway), Arc::clone(&panics));
    let app = crate::http::app(AppParts {
        gateway,
        operators: roles.into_iter().map(operator).collect(),
        tasks: tokio_util::task::TaskTracker::new(),
        reload: Arc::new(|| Box::pin(async { Ok(()) })),
        refresh: Arc::new(move || Box::pin(refreshed(Arc::clone(&for_refresh)))),
        on_panic: Arc::new(move || {
            for_panics.fetch_add(1, Ordering::SeqCst);
        }),
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        body_deadline_ms: 5_000,
        phone: None,
        limiter: None,
        spool_dir: std::env::temp_dir(),
    });
    let router = crate::http::router(Arc::clone(&app));
    Stage { app, router, far, clock, panics, serial: AtomicUsize::new(0), path }
}

pub fn token(role: Role) -> String {
    format!("token-of-{}-0123456789abcdef0123456789", role.word())
}

/// An answer, read.
#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.bytes)))
    }
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
    /// The names of the bad fields, in the order told.
    pub fn fields(&self) -> Vec<String> {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|e| e["field"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

pub async fn got(response: Response<Body>) -> Got {
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Got { status: parts.status, headers: parts.headers, bytes }
}

/// A merchant's request, signed unless told otherwise.
pub struct Call<'a> {
    pub key: (&'a str, &'a str),
    pub method: &'a str,
    pub path: &'a str,
    pub body: &'a [u8],
    pub at: i64,
    pub nonce: String,
    pub content_type: &'a str,
}

impl Stage {
    /// Puts other accounts, rules or limits in force, until an operator changes something.
    pub fn direct(&self, change: impl FnOnce(&mut Directory)) {
        let mut directory = base_directory();
        change(&mut directory);
        self.app.gateway.directory.store(Arc::new(directory));
    }

    pub fn call<'a>(&self, method: &'a str, path: &'a str, body: &'a str) -> Call<'a> {
        let nonce = format!("nonce-of-the-test-{}", self.serial.fetch_add(1, Ordering::SeqCst));
        Call { key: ("k_demo", SECRET), method, path, body: body.as_bytes(), at: NOW / 1000, nonce, content_type: "application/json" }
    }

    pub async fn send(&self, request: Request<Body>) -> Got {
        got(self.router.clone().oneshot(request).await.unwrap()).await
    }

    pub async fn plain(&self, method: &str, path: &str, body: &str) -> Got {
        self.send(Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap()).await
    }

    /// Sends a signed call and checks that its answer is signed.
    pub async fn signed(&self, call: Call<'_>) -> Got {
        let nonce = call.nonce.clone();
        let secret = call.key.1.to_owned();
        let got = self.send(call.request()).await;
        let (at, signature) = (got.header("sluice-timestamp"), got.header("sluice-signature"));
        assert!(
            merchant_auth::verify_response(&secret, got.status.as_u16(), at, &nonce, &got.bytes, signature),
            "unsigned: {} {}",
            got.status,
            String::from_utf8_lossy(&got.bytes)
        );
        got
    }

    pub async fn post(&self, path: &str, body: &str) -> Got {
        self.signed(self.call("POST", path, body)).await
    }

    pub async fn get(&self, path: &str) -> Got {
        self.signed(self.call("GET", path, "")).await
    }

    pub async fn ops(&self, role: Role, method: &str, path: &str, body: &str) -> Got {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {}", token(role)));
        self.send(request.header("content-type", "application/json").body(Body::from(body.to_owned())).unwrap()).await
    }

    pub fn says(&self, word: &'static str) {
        *self.far.says.lock().unwrap() = word;
    }

    /// A paid order's id.
    pub async fn paid_order(&self, number: &str) -> String {
        let id = self.post("/v1/orders", &order(number)).await.json()["id"].as_str().unwrap().to_owned();
        self.says("paid");
        let synced = self.post(&format!("/v1/orders/{id}/sync"), "").await;
        assert_eq!(synced.json()["status"], "paid");
        id
    }
}

impl Call<'_> {
    pub fn request(&self) -> Request<Body> {
        let timestamp = self.at.to_string();
        let signed = merchant_auth::Request {
            method: self.method,
            path_and_query: self.path,
            timestamp: &timestamp,
            nonce: &self.nonce,
            body: self.body,
        };
        let header = merchant_auth::header(self.key.0, self.key.1, &signed);
        let request = Request::builder().method(self.method).uri(self.path).header("authorization", header);
        request.header("content-type", self.content_type).body(Body::from(self.body.to_vec())).unwrap()
    }
}

pub const OTHER: (&str, &str) = ("k_other", OTHER_SECRET);
pub const BARE: (&str, &str) = ("k_bare", BARE_SECRET);

pub fn order(number: &str) -> String {
    format!(r#"{{"merchant_order_no":"{number}","amount":1280,"subject":"一箱苹果","method":"wechat_native"}}"#)
}
