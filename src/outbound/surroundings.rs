//! What following an exchange may ask of the world, and what it tells: time, entropy, key renewal, the exchange log.

use sluice_contract::{KeyHint, KeyUpdate, Millis, Verb};
use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

/// Work a hook does before the exchange goes on.
pub type Hook<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The world around one account's exchange. Asked afresh for every call and every reading, so `now` is never stale.
pub trait Surroundings: Send + Sync {
    /// Id of the account, the key of the renewal limit.
    fn account(&self) -> &str;
    /// Where the account's callbacks go, for `Env`.
    fn notify_url(&self) -> &str;
    fn now(&self) -> Millis;
    /// Fresh random bytes; twice the same would be a reused nonce.
    fn entropy(&self) -> [u8; 32];
    /// The limiter, one for the whole process.
    fn renewals(&self) -> &Renewals;
    /// New keys were installed: persist them, sealed. Runs before the kept reply is read again.
    fn on_keys<'a>(&'a self, keys: &'a KeyUpdate) -> Hook<'a>;
    /// The channel will not renew this key, for good: whatever lives by it is to be switched off.
    fn on_refused<'a>(&'a self, hint: &'a KeyHint, why: &'a str) -> Hook<'a>;
    /// One exchange ended, well or badly: for the exchange log and the trace. Must not block.
    fn on_exchange(&self, note: &ExchangeNote<'_>);
}

/// Why the exchange happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The verb itself, or a later exchange of its chain.
    Asked,
    /// Renewing keys so that a reply could be judged.
    Renewal,
}

/// How far the request got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    NotSent,
    MaybeSent,
    Answered,
}

/// One exchange, fit for the log: no query, no header, of the bodies what [`crate::outbound::redact`] lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeNote<'a> {
    pub purpose: Purpose,
    pub verb: Verb,
    /// Scheme, host and path.
    pub place: &'a str,
    pub class: Class,
    /// The HTTP status, if answered.
    pub status: Option<u16>,
    /// Why there was no answer.
    pub error: Option<&'a str>,
    /// By the injected clock.
    pub ms: i64,
    pub request: &'a str,
    pub reply: &'a str,
    /// The file a reply's body went to. Whoever follows the exchange removes it when it is done with it.
    pub file: Option<&'a Path>,
}

/// At most one key renewal a minute per account, successful or not: a channel that signs with unknown keys, or somebody
/// who forges replies and callbacks, must not turn us into a flood. Driven by the time handed in.
#[derive(Debug, Default)]
pub struct Renewals {
    last: Mutex<BTreeMap<String, Millis>>,
    turns: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

const RENEWAL_GAP_MS: i64 = 60_000;

impl Renewals {
    /// Held for the length of a renewal: whoever else needs the account's keys meanwhile waits for these instead of going without.
    pub async fn turn(&self, account: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = Arc::clone(self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(account.to_owned()).or_default());
        turn.lock_owned().await
    }

    /// Whether the account may renew now; a yes is counted.
    #[must_use]
    pub fn may_renew(&self, account: &str, now: Millis) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock set back must not lock renewal out for hours: a `last` in the future does not count.
        let too_soon = last.get(account).is_some_and(|at| (0..RENEWAL_GAP_MS).contains(&now.since_ms(*at)));
        if !too_soon {
            last.insert(account.to_owned(), now);
        }
        !too_soon
    }
}
