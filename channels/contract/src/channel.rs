//! The one trait. A channel is opened once per account and shared; it may hold keys behind a lock, nothing else mutable.

use crate::fields::{Problem, Reader};
use crate::method::Method;
use crate::money::Fen;
use crate::profile::Profile;
use crate::time::{Day, Second};
use crate::verbs::{Ack, Callback, KeyHint, KeyUpdate, Pay, Person, Refund, Refusal, Rejected, Renewed, Statement, Step, Undone};
use crate::wire::{HttpReply, RawCallback};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Small named facts. Ordered, so that the same facts are the same bytes.
pub type Notes = BTreeMap<String, String>;

/// What a channel may know of the world, handed in afresh for every call and every reading.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    pub now: Second,
    /// Fresh random bytes: nonces, never identity.
    pub entropy: [u8; 32],
    /// Where this account's callbacks go, without query: `https://pay.example.com/notify/wx-main`. Refunds: plus `/refund`.
    pub notify_url: &'a str,
}

/// A payment attempt as T1 froze it. Everything identity-like is here and never taken from [`Env`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRef {
    /// Our number at the channel: 27 letters and digits.
    pub number: String,
    pub amount: Fen,
    pub method: Method,
    pub at: Second,
    pub expires_at: Second,
    /// The merchant's choice among app ids, if it made one; what was chosen is in `memo`.
    pub app_id: Option<String>,
    /// The binding's `sub` table; empty for a direct account.
    pub sub: Notes,
    /// What [`Channel::admit`] froze: app id, dialect, the channel's own transaction time.
    pub memo: Notes,
    /// What the channel has told since; grows.
    pub handles: Notes,
}

/// What the channel needs to place the order and what must be the same when it is placed again.
/// Its `Debug` shows neither payer nor code.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayOrder {
    pub subject: String,
    pub payer: Payer,
    /// Never stored: present in the first call only.
    #[serde(skip)]
    pub auth_code: Option<String>,
    pub client_ip: Option<String>,
    pub h5_type: Option<String>,
    pub store: Option<Store>,
    pub terminal: Option<Terminal>,
    pub operator_id: Option<String>,
    /// Where the channel sends the payer's browser back: our page, never the merchant's.
    pub return_url: Option<String>,
}

impl std::fmt::Debug for PayOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PayOrder").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Payer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Payer")
    }
}

#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payer {
    pub openid: Option<String>,
    pub buyer_id: Option<String>,
    pub buyer_open_id: Option<String>,
    pub customer_id: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    pub id: String,
    pub name: Option<String>,
    pub address: Option<String>,
    pub area_code: Option<String>,
    /// What this channel account calls the store and its terminal.
    pub store_code: Option<String>,
    pub term_id: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminal {
    pub id: Option<String>,
    pub device_type: Option<String>,
    pub serial_no: Option<String>,
    pub ip: Option<String>,
    pub location: Option<String>,
}

/// A refund as its transaction froze it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRef {
    /// Our refund number at the channel.
    pub number: String,
    pub amount: Fen,
    /// Frozen by the transaction just before the first send.
    pub at: Second,
    pub reason: Option<String>,
    pub payment: AttemptRef,
    pub handles: Notes,
}

/// Who is to be identified: the app the code belongs to decides.
#[derive(Clone, Copy, Debug)]
pub struct Visitor<'a> {
    pub method: Method,
    pub app_id: Option<&'a str>,
    pub sub: &'a Notes,
}

/// What opens an account. Secrets are resolved; nothing here may be logged.
pub struct AccountConfig<'a> {
    pub id: &'a str,
    /// Without a trailing slash.
    pub base_url: &'a str,
    /// Only a sandbox account may relax what protects a live one (plain http, test certificates).
    pub sandbox: bool,
    pub methods: Option<&'a [Method]>,
    pub credentials: Reader<'a>,
    /// The credentials before the last change: they verify and decrypt, they never sign.
    pub previous: Option<Reader<'a>>,
}

/// Opens an account or tells every problem of its credentials, each with the key it is about.
pub type Open = fn(AccountConfig<'_>) -> Result<Box<dyn Channel>, Vec<Problem>>;

/// A channel account. Every verb must be written: there is no default for anything that protects money.
pub trait Channel: Send + Sync {
    fn profile(&self) -> &Profile;
    /// The binding's `sub` table, checked and typed. Called when config is read and by the operator API.
    fn check_sub(&self, sub: &Notes) -> Vec<Problem>;
    /// The renewable secrets of a binding's `sub` table as keys, to be installed; empty for most channels.
    fn sub_keys(&self, sub: &Notes) -> KeyUpdate;
    /// Before T1: whatever this channel would refuse, cheaply and without a signature; answers the memo T1 stores.
    fn admit(&self, attempt: &AttemptRef, order: &PayOrder) -> Result<Notes, Refusal>;

    fn pay(&self, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Step<Pay>;
    fn query(&self, attempt: &AttemptRef, env: &Env<'_>) -> Step<Pay>;
    fn close(&self, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone>;
    fn reverse(&self, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone>;
    fn refund(&self, refund: &RefundRef, env: &Env<'_>) -> Step<Refund>;
    fn query_refund(&self, refund: &RefundRef, env: &Env<'_>) -> Step<Refund>;

    /// Verifies and reads; changes nothing. The caller compares the claims with what it stored.
    fn callback(&self, raw: &RawCallback<'_>, env: &Env<'_>) -> Result<Callback, Rejected>;
    /// The channel's own words for "taken" and "refused", signed where it wants that.
    fn acknowledge(&self, raw: &RawCallback<'_>, ack: Ack, env: &Env<'_>) -> HttpReply;

    /// The bill of a day: of the whole account, or of one binding where `sub` is given and the channel bills so.
    fn statement(&self, day: Day, sub: Option<&Notes>, env: &Env<'_>) -> Step<Statement>;
    fn renew(&self, why: &KeyHint, env: &Env<'_>) -> Step<Renewed>;
    fn install(&self, keys: &KeyUpdate) -> Result<(), Refusal>;
    /// Where to send a payer's browser for silent authorisation; it comes back to `return_url` with `state`.
    fn authorize(&self, who: &Visitor<'_>, return_url: &str, state: &str) -> Result<String, Refusal>;
    /// Who came back, by the raw query of the return (or a mini program's code as `code=…`).
    fn identify(&self, who: &Visitor<'_>, query: &str, env: &Env<'_>) -> Step<Person>;
}
