//! `sluice.toml`: where the gateway listens, what it stores and seals with, whom it may notify, who operates it.

use super::secret::{Distinct, SealKey, Secret, Source};
use super::store_url::{self, StoreUrl};
use super::{base_url, is_id, need_id};
use ipnet::IpNet;
use sluice_contract::{Fen, Reader};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// `[http]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    pub listen: SocketAddr,
    /// What channels call back and payers open, without a trailing slash; `None`: the address actually bound.
    pub public_url: Option<String>,
    /// Whose `X-Forwarded-For` is believed; empty: the socket's address is the client's.
    pub trusted_proxies: Vec<IpNet>,
    /// A listener of its own for `/ops`, `/console` and `/metrics`; `None`: the same listener.
    pub ops_listen: Option<SocketAddr>,
    /// The longest a client may take to send its request head.
    pub header_deadline_ms: u64,
    /// The longest a client may take to send its body after that.
    pub body_deadline_ms: u64,
}

/// `[store]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    pub url: StoreUrl,
    /// Seals everything new.
    pub seal_key: SealKey,
    /// Open what was sealed before a rotation; never seal.
    pub previous_seal_keys: Vec<SealKey>,
    /// Finished orders older than so many whole months are put away; `None`: kept for ever.
    pub keep_months: Option<u32>,
}

/// `[notify]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notify {
    /// Loopback and private networks as notification targets. Even true never opens link-local, metadata, 0/8 or multicast.
    pub allow_private_addresses: bool,
}

/// `[ops]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ops {
    /// The most that one refund started by an operator may be; `None`: no such bound.
    pub refund_single_max: Option<Fen>,
}

/// What an operator may do (CONTRACT section 11). Denied by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Viewer,
    Operator,
    Finance,
    Admin,
}

impl Role {
    /// The word used in config and API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Finance => "finance",
            Role::Admin => "admin",
        }
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<Role> {
        [Role::Viewer, Role::Operator, Role::Finance, Role::Admin].into_iter().find(|role| role.word() == word)
    }
}

/// `[[operator]]`.
#[derive(Clone, Debug)]
pub struct Operator {
    pub name: String,
    pub role: Role,
    pub token: Secret,
}

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

type Server = (Http, Store, Notify, Ops, Vec<Operator>);

/// Reads the file. `live`: some account is not sandbox. `None` only when problems were recorded.
pub(super) fn read(reader: &Reader<'_>, source: Source<'_>, live: bool) -> Option<Server> {
    let http = section(reader, "http", |table| http(table, live));
    let store = section(reader, "store", |table| store(table, source)).flatten();
    let notify = section(reader, "notify", notify);
    let ops = section(reader, "ops", ops);
    let operators = operators(reader, source);
    reader.finish();
    Some((http?, store?, notify?, ops?, operators))
}

/// Reads a section, or an empty one where it is absent, so that every default stands in one place.
fn section<T>(reader: &Reader<'_>, name: &str, read: impl Fn(&Reader<'_>) -> T) -> Option<T> {
    if reader.raw(name).is_none() {
        let nothing = serde_json::Value::Object(serde_json::Map::new());
        let empty = Reader::root(name, &nothing);
        let defaults = read(&empty);
        empty.found().into_iter().for_each(|p| reader.problem(&format!("{name}.{}", p.field), p.reason));
        return Some(defaults);
    }
    reader.table(name).map(|table| read(&table))
}

fn http(table: &Reader<'_>, live: bool) -> Http {
    let http = Http {
        listen: address(table, "listen").unwrap_or(LISTEN),
        public_url: public_url(table, live),
        trusted_proxies: networks(table, "trusted_proxies"),
        ops_listen: address(table, "ops_listen"),
        header_deadline_ms: milliseconds(table, "header_deadline_ms", 10_000),
        body_deadline_ms: milliseconds(table, "body_deadline_ms", 15_000),
    };
    if http.ops_listen.is_some_and(|ops| ops == http.listen && ops.port() != 0) {
        table.problem("ops_listen", "is the address of listen: leave it out to share the listener");
    }
    table.finish();
    http
}

fn address(table: &Reader<'_>, field: &str) -> Option<SocketAddr> {
    let parsed = table.text(field)?.parse().ok();
    if parsed.is_none() {
        table.problem(field, "must be an IP address and a port, such as 127.0.0.1:8080");
    }
    parsed
}

fn public_url(table: &Reader<'_>, live: bool) -> Option<String> {
    if live && table.raw("public_url").is_none() {
        table.problem("public_url", "is required with live accounts: channels call it back, over https");
    }
    match base_url(table.text("public_url")?) {
        Ok((parsed, _)) if live && parsed.scheme() != "https" => {
            table.problem("public_url", "must be https with live accounts");
            None
        }
        Ok((_, text)) => Some(text),
        Err(reason) => {
            table.problem("public_url", reason);
            None
        }
    }
}

fn networks(table: &Reader<'_>, field: &str) -> Vec<IpNet> {
    let mut list = Vec::new();
    for text in table.texts(field).unwrap_or_default() {
        match text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
            Ok(network) => list.push(network),
            Err(_) => table.problem(field, format!("{text} is no IP address and no network such as 10.0.0.0/8")),
        }
    }
    list
}

fn milliseconds(table: &Reader<'_>, field: &str, default: u64) -> u64 {
    table.int(field, 100..=120_000).and_then(|ms| u64::try_from(ms).ok()).unwrap_or(default)
}

fn store(table: &Reader<'_>, source: Source<'_>) -> Option<Store> {
    let url = store_url::read(table, source);
    let mut ids = BTreeSet::new();
    let id = table.text("seal_key_id").unwrap_or("1");
    if !is_id(id) {
        table.problem("seal_key_id", "must be 1 to 64 letters, digits, _ or -");
    }
    ids.insert(id.to_owned());
    let current = seal_key(table, source, id, "seal_key");
    let mut previous = Vec::new();
    for old in table.tables("previous_seal_keys") {
        let id = need_id(&old, "id", &mut ids);
        previous.extend(seal_key(&old, source, &id, "key"));
        old.finish();
    }
    if let Some(key) = &current
        && previous.iter().any(|old| old.bytes() == key.bytes())
    {
        table.problem("previous_seal_keys", "hold the same key as seal_key: a rotation needs a new one");
    }
    // A refund may be asked for during a year, and a month is put away as a whole.
    let keep_months = table.int("keep_months", 13..=1200).and_then(|months| u32::try_from(months).ok());
    table.finish();
    Some(Store { url: url?, seal_key: current?, previous_seal_keys: previous, keep_months })
}

fn seal_key(table: &Reader<'_>, source: Source<'_>, id: &str, field: &str) -> Option<SealKey> {
    let secret = source.need_secret(table, field)?;
    SealKey::parse(id, secret.expose()).map_err(|reason| table.problem(field, reason)).ok()
}

fn notify(table: &Reader<'_>) -> Notify {
    let notify = Notify { allow_private_addresses: table.flag("allow_private_addresses").unwrap_or(false) };
    table.finish();
    notify
}

fn ops(table: &Reader<'_>) -> Ops {
    let ops = Ops { refund_single_max: table.int("refund_single_max", 1..=10_000_000_000).map(Fen) };
    table.finish();
    ops
}

fn operators(reader: &Reader<'_>, source: Source<'_>) -> Vec<Operator> {
    let mut list = Vec::new();
    let mut names = BTreeSet::new();
    let mut tokens = Distinct::default();
    for table in reader.tables("operator") {
        let name = need_id(&table, "name", &mut names);
        let role = Role::from_word(table.need_text("role"));
        if role.is_none() && table.text("role").is_some_and(|word| !word.is_empty()) {
            table.problem("role", "must be viewer, operator, finance or admin");
        }
        let token = source.need_secret(&table, "token");
        if let Some(token) = &token {
            // It travels in a header: what is no header text could never be presented.
            if token.expose().len() < 32 || !token.expose().bytes().all(|b| b.is_ascii_graphic()) {
                table.problem("token", "must have at least 32 characters, printable ASCII without spaces");
            }
            tokens.check(&table, "token", token, format!("operator {name}"));
        }
        table.finish();
        list.extend(role.zip(token).map(|(role, token)| Operator { name, role, token }));
    }
    list
}
