//! `channels.toml`: the accounts, each opened through its channel, and the rules that keep other people's money out of them.

use super::secret::Source;
use super::terms::{self, Terms};
use super::{base_url, methods, need_id};
use crate::channels::Listed;
use crate::config::Merchant;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sluice_contract::{AccountConfig, Channel, Method, Notes, Problem, Reader};
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Whether an account takes new attempts. Queries, callbacks, refunds and bills go on in every state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Enabled,
    Draining,
    Disabled,
}

impl State {
    /// The word used in config and API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            State::Enabled => "enabled",
            State::Draining => "draining",
            State::Disabled => "disabled",
        }
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<State> {
        [State::Enabled, State::Draining, State::Disabled].into_iter().find(|state| state.word() == word)
    }
}

/// `[[account]]`, opened. The credentials live in `channel` and nowhere else.
#[derive(Clone)]
pub struct Account {
    pub id: String,
    /// The channel's word: `wechat`.
    pub channel_name: &'static str,
    /// Without a trailing slash.
    pub base_url: String,
    pub sandbox: bool,
    /// Whether its bills are compared every day without being asked: live ones are, sandbox ones where the file says so.
    pub reconcile_daily: bool,
    /// The one merchant of a direct account: as written, or the one merchant bound to it in `merchants.toml`.
    pub owner: Option<String>,
    /// What may be routed here: as written, in that order, or everything that the channel serves.
    pub methods: Vec<Method>,
    /// What it costs, what it takes and when.
    pub terms: Terms,
    /// As the file says. The operator API may have said otherwise since: the store knows.
    pub state: State,
    pub channel: Arc<dyn Channel>,
    identity: String,
    fingerprint: [u8; 32],
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({} of {}, sandbox: {}, {})", self.id, self.channel_name, self.sandbox, self.state.word())
    }
}

impl Account {
    /// Whose account it is at which channel: may not change while the account has attempts. No secret is in it.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// SHA-256 of everything that opened the channel: the same bytes, the same opened channel.
    pub(super) fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// This account with the channel that was opened before from the same credentials.
    pub(super) fn with_channel_of(&self, before: &Account) -> Account {
        Account { channel: Arc::clone(&before.channel), ..self.clone() }
    }

    /// Whether the account collects for its holder only. An account that cannot do without a `sub` table is a service
    /// provider's and collects for the merchant named there.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        self.channel.check_sub(&Notes::new()).is_empty()
    }

    /// Whether a merchant may be bound with this `sub` table; problems name `account` or `sub.…`. A direct account belongs to
    /// exactly one merchant: anything else would be collecting for others (二清). Sandbox accounts are open to all.
    #[must_use]
    pub fn check_binding(&self, merchant: &str, sub: &Notes) -> Vec<Problem> {
        let placed = |p: Problem| Problem::new(format!("sub.{}", p.field.strip_prefix("sub.").unwrap_or(&p.field)), p.reason);
        let mut problems: Vec<Problem> = self.channel.check_sub(sub).into_iter().map(placed).collect();
        if let Some(owner) = self.owner.as_deref().filter(|owner| !self.sandbox && self.is_direct() && *owner != merchant) {
            let reason =
                format!("{} is a direct account of merchant {owner}: another merchant would be collecting through it (二清)", self.id);
            problems.push(Problem::new("account", reason));
        }
        problems
    }
}

/// What was read so far: `ids` also has the accounts that could not be opened, so that bindings to them are no second problem.
pub(super) struct Accounts {
    pub list: Vec<Account>,
    pub ids: BTreeSet<String>,
    /// Position in the file, by position in `list`.
    places: Vec<usize>,
}

pub(super) fn read(reader: &Reader<'_>, source: Source<'_>, channels: &[Listed]) -> Accounts {
    let mut accounts = Accounts { list: Vec::new(), ids: BTreeSet::new(), places: Vec::new() };
    let (mut sandbox, mut live) = (Vec::new(), Vec::new());
    for (place, table) in reader.tables("account").iter().enumerate() {
        let id = need_id(table, "id", &mut accounts.ids);
        let is_sandbox = table.flag("sandbox").unwrap_or(false);
        if is_sandbox {
            sandbox.push(id.clone())
        } else {
            live.push(id.clone())
        }
        if let Some(account) = account(table, id, is_sandbox, source, channels) {
            accounts.list.push(account);
            accounts.places.push(place);
        }
    }
    if !sandbox.is_empty() && !live.is_empty() {
        let reason = "sandbox and live accounts never stand in one config";
        reader.problem("account", format!("{reason}: sandbox are {}; live are {}", sandbox.join(", "), live.join(", ")));
    }
    reader.finish();
    accounts
}

fn account(table: &Reader<'_>, id: String, sandbox: bool, source: Source<'_>, channels: &[Listed]) -> Option<Account> {
    let base_url = read_base_url(table, sandbox);
    let owner = table.text("owner").map(str::to_owned);
    let chosen = methods(table, "methods");
    let terms = terms::read(table);
    let state = state(table);
    let reconcile_daily = table.flag("reconcile_daily").unwrap_or(!sandbox);
    let listed = listed(table, channels);
    let opened = open(table, &id, listed, base_url.as_deref().unwrap_or("https://unreadable.invalid"), sandbox, chosen.as_deref(), source);
    table.finish();
    let (channel, identity, fingerprint) = opened?;
    let served: Vec<Method> = channel.profile().methods.iter().map(|m| m.method).collect();
    for method in chosen.iter().flatten().filter(|method| !served.contains(method)) {
        table.problem("methods", format!("{} is nothing that this account's channel serves", method.word()));
    }
    terms::check_amounts(table, &terms, channel.profile());
    let identity = format!("{} {} {identity}", channel.profile().channel, if sandbox { "sandbox" } else { "live" });
    let methods = chosen.unwrap_or(served);
    let channel_name = listed?.name;
    Some(Account {
        id,
        channel_name,
        base_url: base_url?,
        sandbox,
        reconcile_daily,
        owner,
        methods,
        terms,
        state,
        channel,
        identity,
        fingerprint,
    })
}

fn listed<'c>(table: &Reader<'_>, channels: &'c [Listed]) -> Option<&'c Listed> {
    let name = table.need_text("channel");
    let found = channels.iter().find(|c| c.name == name);
    if found.is_none() && !name.is_empty() {
        let known: Vec<&str> = channels.iter().map(|c| c.name).collect();
        table.problem("channel", format!("{name} is no channel of this build; known: {}", known.join(", ")));
    }
    found
}

fn read_base_url(table: &Reader<'_>, sandbox: bool) -> Option<String> {
    let text = table.need_text("base_url");
    if text.is_empty() {
        return None;
    }
    match base_url(text) {
        Ok((parsed, _)) if !sandbox && parsed.scheme() != "https" => table.problem("base_url", "must be https: the account is live"),
        Ok((parsed, _)) if !sandbox && is_loopback(&parsed) => {
            table.problem("base_url", "is this machine, but the account is live: write sandbox = true if it is a pretend channel");
        }
        Ok((_, text)) => return Some(text),
        Err(reason) => table.problem("base_url", reason),
    }
    None
}

fn is_loopback(parsed: &url::Url) -> bool {
    let own = |ip: IpAddr| ip.to_canonical().is_loopback() || ip.to_canonical().is_unspecified();
    match parsed.host() {
        Some(url::Host::Ipv4(ip)) => own(ip.into()),
        Some(url::Host::Ipv6(ip)) => own(ip.into()),
        Some(url::Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
        }
        None => false,
    }
}

fn state(table: &Reader<'_>) -> State {
    let Some(word) = table.text("state") else { return State::Enabled };
    State::from_word(word).unwrap_or_else(|| {
        table.problem("state", "must be enabled, draining or disabled");
        State::Disabled
    })
}

type Opened = (Arc<dyn Channel>, String, [u8; 32]);

/// Resolves the secrets of the credentials and hands them to the channel. Every problem that the channel tells is recorded
/// under `credentials`, whether it answered it or only noted it in its reader.
fn open(
    table: &Reader<'_>,
    id: &str,
    listed: Option<&Listed>,
    base: &str,
    sandbox: bool,
    methods: Option<&[Method]>,
    source: Source<'_>,
) -> Option<Opened> {
    let Some(raw) = table.raw("credentials") else {
        table.missing("credentials");
        return None;
    };
    let mut problems = Vec::new();
    let credentials = source.resolve_tree("credentials", raw, &mut problems);
    if !problems.is_empty() {
        // The channel would only tell again that these are missing.
        table.problems(problems);
        return None;
    }
    let listed = listed?;
    let root = json!({ "credentials": credentials });
    let reader = Reader::root("credentials", &root);
    let Some(inner) = reader.table("credentials") else {
        table.problems(reader.found());
        return None;
    };
    let previous = inner.table("previous");
    let result = (listed.open)(AccountConfig { id, base_url: base, sandbox, methods, credentials: inner, previous });
    let mut problems = reader.found();
    let opened = result.map_err(|told| {
        for problem in told.into_iter().map(placed) {
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    });
    if !problems.is_empty() {
        table.problems(problems);
        return None;
    }
    let whole =
        json!({ "channel": listed.name, "base_url": base, "sandbox": sandbox, "methods": methods, "credentials": root.get("credentials") });
    let fingerprint = Sha256::digest(whole.to_string().as_bytes()).into();
    opened.ok().map(|channel| (Arc::from(channel), identity(&root, listed.identity_keys), fingerprint))
}

/// A channel may name its keys with or without the table they stand in.
fn placed(problem: Problem) -> Problem {
    let first = problem.field.split('.').next().unwrap_or_default();
    if matches!(first, "credentials" | "base_url" | "methods") {
        return problem;
    }
    Problem::new(format!("credentials.{}", problem.field), problem.reason)
}

fn identity(root: &Value, keys: &[&str]) -> String {
    let value = |key: &&str| root.get("credentials").and_then(|c| c.get(*key)).map(Value::to_string).unwrap_or_default();
    keys.iter().map(|key| format!("{key}={}", value(key))).collect::<Vec<_>>().join(" ")
}

/// After the merchants are known: an owner must be one of them, and only a direct account has one.
pub(super) fn check_owners(reader: &Reader<'_>, accounts: &Accounts, merchants: &[Merchant]) {
    for (account, place) in accounts.list.iter().zip(&accounts.places) {
        let Some(owner) = &account.owner else { continue };
        let field = format!("account[{place}].owner");
        if !merchants.iter().any(|m| m.id == *owner) {
            reader.problem(&field, format!("{owner} is no merchant of merchants.toml"));
        }
        if !account.is_direct() {
            reader.problem(&field, "is for direct accounts: a service-provider account belongs to no merchant");
        }
    }
}
