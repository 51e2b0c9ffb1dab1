//! Asks a channel: runs a verb's exchange to its meaning and keeps what happened, redacted, for the trail.

use super::bindings::key_id;
use super::directory::Account;
use super::{Code, Gateway, Refused};
use crate::domain::life::Attempt;
use crate::outbound::{Class, ExchangeNote, Followed, Hook, NotRenewed, Renewals, Surroundings, follow};
use crate::store::{Command, Record};
use serde_json::{Value, json};
use sluice_contract::{Env, KeyHint, KeyUpdate, MethodProfile, Millis, Refusal, Step};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// How asking ended.
#[derive(Debug)]
pub enum Answer<T> {
    Is(T),
    /// Provably nothing was sent.
    NotSent(String),
    MaybeSent(String),
    /// The channel's own code refused before sending.
    Refused(Refusal),
}

/// An answer with when it was asked for and what travelled.
#[derive(Debug)]
pub struct Asked<T> {
    pub answer: Answer<T>,
    pub asked_at: Millis,
    pub inner: Value,
}

/// The world around one account's exchange.
struct Around<'a> {
    gateway: &'a Gateway,
    account: &'a Account,
    notes: Mutex<Vec<Value>>,
    /// Long answers that were saved while they were read.
    files: Mutex<Vec<PathBuf>>,
}

impl Surroundings for Around<'_> {
    fn account(&self) -> &str {
        &self.account.id
    }
    fn notify_url(&self) -> &str {
        &self.account.notify_url
    }
    fn now(&self) -> Millis {
        self.gateway.now()
    }
    fn entropy(&self) -> [u8; 32] {
        self.gateway.random()
    }
    fn renewals(&self) -> &Renewals {
        &self.gateway.renewals
    }
    fn on_keys<'a>(&'a self, keys: &'a KeyUpdate) -> Hook<'a> {
        Box::pin(self.gateway.keep_keys(self.account, keys))
    }
    fn on_refused<'a>(&'a self, hint: &'a KeyHint, why: &'a str) -> Hook<'a> {
        Box::pin(self.gateway.key_refused(self.account, &hint.key_id, why))
    }
    fn on_exchange(&self, note: &ExchangeNote<'_>) {
        let word = match note.class {
            Class::NotSent => "not_sent",
            Class::MaybeSent => "maybe_sent",
            Class::Answered => "answered",
        };
        self.gateway.metrics.exchange(&self.account.id, word, note.ms);
        self.files.lock().unwrap_or_else(PoisonError::into_inner).extend(note.file.map(Path::to_path_buf));
        let line = json!({
            "call": format!("{} {}", note.verb.word(), note.place), "class": word, "status": note.status, "error": note.error,
            "ms": note.ms, "request": note.request, "reply": note.reply,
        });
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

impl Gateway {
    /// What the channel may know of the world for one call.
    pub fn env<'a>(&self, account: &'a Account) -> Env<'a> {
        Env { now: self.now().second(), entropy: self.random(), notify_url: &account.notify_url }
    }

    /// Runs a verb of an account to its end.
    pub async fn ask<T>(&self, account: &Account, step: Step<T>) -> Asked<T> {
        let asked_at = self.now();
        let around = Around { gateway: self, account, notes: Mutex::default(), files: Mutex::default() };
        let answer = match step {
            Step::Done(value) => Answer::Is(value),
            Step::Refused(refusal) => Answer::Refused(refusal),
            Step::Send(exchange) => match follow(self.wire.as_ref(), account.channel.as_ref(), exchange, &around).await {
                Followed::Is(value) => Answer::Is(value),
                Followed::NotSent(note) => Answer::NotSent(note),
                Followed::MaybeSent(note) => Answer::MaybeSent(note),
            },
        };
        // Whoever still reads one holds it open; its name is needed no more.
        crate::outbound::remove_saved(&around.files.into_inner().unwrap_or_else(PoisonError::into_inner));
        let notes = around.notes.into_inner().unwrap_or_else(PoisonError::into_inner);
        Asked { answer, asked_at, inner: Value::Array(notes) }
    }

    /// Fetches keys a callback needs, at most once a minute per account.
    pub async fn renew_keys(&self, account: &Account, hint: &KeyHint) -> Result<(), NotRenewed> {
        let around = Around { gateway: self, account, notes: Mutex::default(), files: Mutex::default() };
        crate::outbound::renew(self.wire.as_ref(), account.channel.as_ref(), hint, &around).await
    }

    /// Keeps new channel keys, sealed, so that a restart has them.
    async fn keep_keys(&self, account: &Account, keys: &KeyUpdate) {
        let mut records = Vec::new();
        for item in &keys.items {
            let Ok(plain) = serde_json::to_vec(item) else { continue };
            let Ok(sealed) = self.sealer.seal("channel_key", &plain, self.random()) else { continue };
            let id = key_id(&account.id, &item.id);
            records.push(Record {
                kind: "channel_key".into(),
                id,
                doc: Some(json!({"account": account.id, "sealed": hex::encode(sealed)})),
            });
        }
        if let Err(error) = self.store.submit(Command::PutRecords { records, audit: Vec::new(), only_new: false }).await {
            tracing::warn!(account = %account.id, %error, "new channel keys are in use but could not be kept");
        }
    }

    /// The account of an attempt; a reload never removes one that has attempts.
    pub fn account_of(&self, attempt: &Attempt) -> Result<Arc<Account>, Refused> {
        let directory = self.directory.load();
        let account = directory.account(&attempt.account).cloned();
        account.ok_or_else(|| Refused::inner(format!("account {} is not configured any more", attempt.account)))
    }

    /// What the channel can do for this attempt's method.
    pub fn method_profile<'a>(&self, account: &'a Account, attempt: &Attempt) -> Result<&'a MethodProfile, Refused> {
        let profile = account.channel.profile().method(attempt.method);
        profile.ok_or_else(|| Refused::new(Code::MethodNotAvailable, "the account no longer serves this method"))
    }
}

impl Asked<sluice_contract::Pay> {
    /// Whether the channel said no.
    #[must_use]
    pub const fn is_definite_failure(&self) -> bool {
        matches!(self.answer, Answer::Is(sluice_contract::Pay::Failed(_)) | Answer::NotSent(_) | Answer::Refused(_))
    }

    /// For a repeated request: a no to the repeat is no answer about the first one.
    #[must_use]
    pub fn doubtful_if_failed(self) -> Self {
        let doubt = |note: String| {
            let why = sluice_contract::Why::new(sluice_contract::WhyKind::Pending, note);
            Answer::Is(sluice_contract::Pay::Unknown(why))
        };
        let answer = match self.answer {
            Answer::Is(sluice_contract::Pay::Failed(failure)) => doubt(format!("the repeat was refused: {}", failure.message)),
            Answer::NotSent(note) => doubt(note),
            Answer::Refused(refusal) => doubt(refusal.inner),
            other => other,
        };
        Asked { answer, ..self }
    }
}
