//! The config folder, read once into typed settings. Nothing outside this room sees TOML.
//!
//! One file per concern: [`server`] reads `sluice.toml` ([`store_url`] where the books are), [`accounts`] `channels.toml` ([`terms`] and
//! [`opening`]: what the router reads of an account), [`merchants`] `merchants.toml`, [`rules`] and [`barcodes`] `routing.toml`, [`limits`]
//! `limits.toml`; [`values`] reads what several of them write alike, [`secret`] finds and hides secrets, [`tree`] knows the lines,
//! [`notes`] tells what is not wrong and yet hardly meant, [`reload`] what may change in a running gateway, [`write`] makes the sandbox's
//! folder. Every problem of the folder is told at once, each with file and key.
//!
//! The plate with every key, default and unit is `config/README.md`.

mod accounts;
mod barcodes;
#[cfg(test)]
mod fake;
mod limits;
mod merchants;
mod notes;
mod opening;
mod reload;
mod rules;
mod secret;
mod server;
mod store_url;
mod terms;
#[cfg(test)]
mod tests;
mod tree;
mod values;
mod write;

pub use accounts::{Account, State};
pub use merchants::{Binding, Key, Merchant, Shop, StoreCode, Webhook, check_prefer};
pub use reload::{reload, removed_in_use};
pub use secret::{SealKey, Secret, webhook_key};
pub use server::{Http, Notify, Operator, Ops, Role, Store};
pub use store_url::{PostgresUrl, StoreUrl};
pub use terms::Terms;
pub use tree::Finding;
pub use write::write_sandbox;

use crate::channels::Listed;
use crate::domain::limit::Limit;
use crate::domain::route::Routing;
use notes::Seen;
use secret::Source;
use sluice_codes::payment::Rules;
use sluice_contract::{Problem, Reader};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tree::Document;

/// The two places that text of the config may come from. The environment is read in `main.rs` only, so it is handed in.
pub trait Strings {
    /// An environment variable; `None` when it is not set or not UTF-8.
    fn env(&self, name: &str) -> Option<String>;
    /// A whole file as UTF-8 text.
    fn file(&self, path: &Path) -> io::Result<String>;
}

/// Files from the disk, variables from the function given: `Disk(|name| std::env::var(name).ok())`.
#[derive(Clone, Copy, Debug)]
pub struct Disk<F>(pub F);

impl<F: Fn(&str) -> Option<String>> Strings for Disk<F> {
    fn env(&self, name: &str) -> Option<String> {
        (self.0)(name)
    }

    fn file(&self, path: &Path) -> io::Result<String> {
        std::fs::read_to_string(path)
    }
}

/// A whole config folder, checked. Put it behind one `Arc`: it is read by every request and replaced as a whole on reload.
#[derive(Debug)]
pub struct Settings {
    pub http: Http,
    pub store: Store,
    pub notify: Notify,
    pub ops: Ops,
    /// In file order.
    pub operators: Vec<Operator>,
    /// Seeds, in file order: the store may know more merchants.
    pub merchants: Vec<Merchant>,
    /// In file order, which is the order of last resort in routing.
    pub accounts: Vec<Arc<Account>>,
    /// How payment codes are recognised.
    pub codes: Rules,
    /// The rules of routing.
    pub routing: Routing,
    /// In file order, as configured: operators' changes come on top.
    pub limits: Vec<Arc<Limit>>,
    /// What is not wrong and yet worth knowing: rules that can never match, rules that stay in CEL.
    pub notes: Vec<Finding>,
    /// Where the keys of each limit stand.
    limit_lines: BTreeMap<(String, &'static str), Finding>,
}

impl Settings {
    #[must_use]
    pub fn account(&self, id: &str) -> Option<&Arc<Account>> {
        self.accounts.iter().find(|a| a.id == id)
    }

    #[must_use]
    pub fn merchant(&self, id: &str) -> Option<&Merchant> {
        self.merchants.iter().find(|m| m.id == id)
    }

    /// A finding about a key of one of the limits, with its line.
    #[must_use]
    pub fn about_limit(&self, name: &str, key: &'static str, reason: impl Into<String>) -> Finding {
        let place = self.limit_lines.get(&(name.to_owned(), key)).cloned();
        Finding { reason: reason.into(), ..place.unwrap_or_else(|| Finding::new("limits.toml", key, "")) }
    }

    /// Whether real money moves: true when an account is not sandbox. Never both (CONTRACT section 2).
    #[must_use]
    pub fn livemode(&self) -> bool {
        self.accounts.iter().any(|a| !a.sandbox)
    }
}

/// Reads and checks a config folder. The errors are all that is wrong with it, by file, in the order found.
pub fn load(dir: &Path, env: &dyn Strings, channels: &[Listed]) -> Result<Settings, Vec<Finding>> {
    let source = Source { dir, strings: env };
    let mut missing = Vec::new();
    let mut open = |file, required| document(source, file, required, &mut missing);
    let [server, merchants, accounts] = ["sluice.toml", "merchants.toml", "channels.toml"].map(|file| open(file, true));
    let [routing_file, limits] = ["routing.toml", "limits.toml"].map(|file| open(file, false));

    let account_reader = Reader::root("channels.toml", &accounts.tree);
    let mut opened = accounts::read(&account_reader, source, channels);
    let merchant_reader = Reader::root("merchants.toml", &merchants.tree);
    let read_merchants = merchants::read(&merchant_reader, source, &mut opened);
    accounts::check_owners(&account_reader, &opened, &read_merchants);
    let server_reader = Reader::root("sluice.toml", &server.tree);
    let read_server = server::read(&server_reader, source, opened.list.iter().any(|a| !a.sandbox));

    let mut findings = missing;
    findings.extend(server.findings(server_reader.found()));
    findings.extend(merchants.findings(merchant_reader.found()));
    findings.extend(accounts.findings(account_reader.found()));
    let routing_reader = Reader::root("routing.toml", &routing_file.tree);
    let (codes, routing) = (barcodes::read(&routing_reader), rules::read(&routing_reader, &opened.ids));
    routing_reader.finish();
    findings.extend(routing_file.findings(routing_reader.found()));
    let limit_reader = Reader::root("limits.toml", &limits.tree);
    let read_limits = limits::read(&limit_reader);
    findings.extend(limits.findings(limit_reader.found()));
    match read_server {
        Some((http, store, notify, ops, operators)) if findings.is_empty() => {
            let seen = Seen { accounts: &opened.list, merchants: &read_merchants, routing: &routing };
            let told = [
                (&merchants, seen.of_merchants()),
                (&accounts, seen.of_channels()),
                (&routing_file, seen.of_routing()),
                (&limits, limits::notes(&read_limits)),
            ];
            let notes = told.into_iter().flat_map(|(file, notes)| notes.into_iter().map(|note| file.finding(note))).collect();
            let accounts = opened.list.into_iter().map(Arc::new).collect();
            let places = |(index, limit): (usize, &Arc<Limit>)| {
                let name = limit.name.clone();
                let place = |key: &str| limits.finding(Problem::new(format!("limit[{index}].{key}"), ""));
                limit.shape().map(|(key, _)| ((name.clone(), key), place(key)))
            };
            let limit_lines = read_limits.iter().enumerate().flat_map(places).collect();
            Ok(Settings {
                http,
                store,
                notify,
                ops,
                operators,
                merchants: read_merchants,
                accounts,
                codes,
                routing,
                limits: read_limits,
                notes,
                limit_lines,
            })
        }
        _ => Err(findings),
    }
}

/// Whether `--fast n` may be used with these settings. Call it only when the option was given.
pub fn check_fast(settings: &Settings, n: u32) -> Result<(), Finding> {
    if n == 0 {
        return Err(Finding::new("--fast", "", "must be 1 or more"));
    }
    match settings.accounts.iter().find(|a| !a.sandbox) {
        None => Ok(()),
        Some(live) => {
            Err(Finding::new("--fast", "", format!("is refused because account {} is live: it is for sandbox accounts only", live.id)))
        }
    }
}

fn document(source: Source<'_>, file: &'static str, required: bool, missing: &mut Vec<Finding>) -> Document {
    let text = match source.strings.file(&source.dir.join(file)) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound && !required => String::new(),
        Err(e) => {
            let hint = if e.kind() == io::ErrorKind::NotFound { " (it may be empty, but it must be there)" } else { "" };
            missing.push(Finding::new(file, "", format!("cannot be read: {}{hint}", e.kind())));
            return Document::unread(file);
        }
    };
    Document::parse(file, &text)
}

/// Ids of merchants, keys, accounts, operators, stores: 1 to 64 of `[A-Za-z0-9_-]`.
#[must_use]
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// A required id that no earlier table of its kind has. Empty when there is a problem.
fn need_id(reader: &Reader<'_>, field: &str, taken: &mut BTreeSet<String>) -> String {
    let id = reader.need_text(field);
    if id.is_empty() {
        return String::new();
    }
    if !is_id(id) {
        reader.problem(field, "must be 1 to 64 letters, digits, _ or -");
        return String::new();
    }
    if !taken.insert(id.to_owned()) {
        reader.problem(field, format!("{id} is taken by an earlier one: ids are unique"));
    }
    id.to_owned()
}

/// A list of payment methods: known words, each once, at least one. `None` when absent.
fn methods(reader: &Reader<'_>, field: &str) -> Option<Vec<sluice_contract::Method>> {
    let words = reader.texts(field)?;
    let mut list = Vec::new();
    for word in &words {
        match sluice_contract::Method::from_word(word) {
            Some(method) if list.contains(&method) => reader.problem(field, format!("{word} stands there twice")),
            Some(method) => list.push(method),
            None => reader.problem(field, format!("{word} is not a payment method")),
        }
    }
    if words.is_empty() {
        reader.problem(field, "must not be empty: leave the key out to allow every method");
    }
    Some(list)
}

/// An absolute http or https URL that is written exactly as it will be sent: no spaces, no user info, no fragment.
fn web_url(text: &str) -> Result<url::Url, &'static str> {
    let plain = text.bytes().all(|b| b.is_ascii_graphic());
    let parsed = url::Url::parse(text).ok().filter(|u| plain && matches!(u.scheme(), "http" | "https") && u.has_host());
    let parsed = parsed.ok_or("must be an absolute http or https URL")?;
    if !parsed.username().is_empty() || parsed.password().is_some() || parsed.fragment().is_some() {
        return Err("must not hold a user name, a password or a fragment");
    }
    Ok(parsed)
}

/// A URL that paths are appended to: no query, and without the trailing slash in the result.
fn base_url(text: &str) -> Result<(url::Url, String), &'static str> {
    let parsed = web_url(text)?;
    if parsed.query().is_some() {
        return Err("must not hold a query");
    }
    Ok((parsed, text.trim_end_matches('/').to_owned()))
}
