//! The trait of a pretend channel.

use crate::codes::Codes;
use crate::faults::{Api, Fault};
use crate::ledger::Ledger;
use serde_json::Value;
use sluice_contract::{Day, Discount, Fen, Headers, HttpReply, Millis, Verb, Wallet};

/// A request as the channel's server saw it: the raw target (path and query), never a parsed one.
#[derive(Clone, Debug)]
pub struct Call {
    pub verb: Verb,
    pub target: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

/// What the payer does with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Pay,
    Decline,
    /// Looks at it and goes away.
    Abandon,
}

/// What a payment code does when it is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Pay,
    /// The payer is asked for a password; [`Simulator::confirm`] types it.
    Password,
    Decline,
    /// The channel never says how it ended by itself: it stays in progress until undone or auto-revoked.
    Timeout,
}

/// A planted difference between bill and ledger (CONTRACT section 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discrepancy {
    MissingHere,
    MissingThere,
    Amount,
    Status,
    Duplicate,
    Fee,
}

/// A payer scans a code.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    /// QR text, URL, prepay id, `tn`, an app's order string or `out_trade_no`.
    pub content: &'a str,
    pub outcome: Outcome,
    pub discounts: &'a [Discount],
    /// With which app; `None`: the channel's own, or whatever the code allows first.
    pub wallet: Option<Wallet>,
}

impl<'a> Scan<'a> {
    /// A scan with the channel's own app and no discounts.
    #[must_use]
    pub const fn of(content: &'a str, outcome: Outcome) -> Scan<'a> {
        Scan { content, outcome, discounts: &[], wallet: None }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    pub out_trade_no: String,
    pub paid: bool,
}

/// Why a person's request to the pretend channel cannot be done; shown as a 4xx of the control API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint(pub String);

/// A callback that is due: a POST to the gateway. Answer with [`Simulator::delivered`].
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The simulator's handle of this delivery.
    pub id: u64,
    pub out_trade_no: String,
    pub url: String,
    pub headers: Headers,
    pub body: Vec<u8>,
    pub timeout_ms: u64,
}

/// What waits on the payer's phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub out_trade_no: String,
    /// What a scan takes.
    pub content: String,
    pub subject: String,
    pub total: Fen,
    pub method: String,
    /// For barcode orders that wait for a password: the code to confirm.
    pub auth_code: Option<String>,
}

pub trait Simulator: Send {
    /// The channel's word: `wechat`.
    fn channel(&self) -> &'static str;
    /// Everything a client of this channel needs, for `GET /credentials`.
    fn credentials(&self, base_url: &str) -> Value;
    /// The `[[account]]` table of `channels.toml` that `--write-config` writes, complete, credentials included.
    fn account_toml(&self, base_url: &str) -> String;

    /// Which API a request calls, for faults; `None` for anything faults do not name (certificates, downloads).
    fn api_of(&self, call: &Call) -> Option<Api>;
    /// Serves one request. `fault` is one the simulator itself must play: `Error500` (before executing), `BadSignature`,
    /// `Garbage`, `WrongAmount`, `WrongOrder` (after executing; lies are validly signed).
    fn serve(&mut self, call: &Call, now: Millis, fault: Option<Fault>) -> HttpReply;

    /// A payer scans. Answers when the books have it; the callback follows.
    fn scan(&mut self, scan: &Scan<'_>, now: Millis) -> Result<Scanned, Complaint>;
    /// From now on payment codes are written in this book, which all channels of a sandbox share.
    fn share_codes(&mut self, codes: Codes);
    /// A fresh payment code, unique for the life of the sandbox.
    fn issue_auth_code(&mut self, behaviour: Behaviour, balance: Fen, now: Millis) -> String;
    /// Types the password of a code that waits for it.
    fn confirm(&mut self, auth_code: &str, now: Millis) -> Result<(), Complaint>;

    /// Lets time pass up to `now`: expiries, auto-revocations, refunds that finish.
    fn tick(&mut self, now: Millis);
    /// When [`Simulator::tick`] or [`Simulator::due`] next has something to do.
    fn next_at(&self) -> Option<Millis>;
    /// Callbacks due by `now`, each once until [`Simulator::delivered`] tells how it went. `fault` as drawn for the callback API.
    fn due(&mut self, now: Millis, draw: &mut dyn FnMut() -> Option<Fault>) -> Vec<Delivery>;
    /// How a delivery went; `None` when nothing answered. Schedules the next try by the channel's own schedule.
    fn delivered(&mut self, id: u64, reply: Option<&HttpReply>, now: Millis);
    /// Makes the last callback of an order due again now.
    fn resend(&mut self, out_trade_no: &str, now: Millis) -> Result<(), Complaint>;

    fn ledger(&self) -> &Ledger;
    /// What a phone would show.
    fn waiting(&self) -> Vec<Waiting>;
    /// Whose bill a payment of this moment comes into.
    fn bill_day(&self, now: Millis) -> Day {
        now.second().day()
    }
    /// Plants differences in the bill of a day; answers the numbers concerned.
    fn plant(&mut self, kind: Discrepancy, count: usize, day: Day) -> Result<Vec<String>, Complaint>;
    /// Divides waiting rules and callback schedules.
    fn set_fast(&mut self, factor: i64);

    /// The faults were cleared: callbacks that [`Fault::Hold`] kept back go out. [`crate::Booth::clear`] calls it.
    fn release(&mut self) {}
    /// A channel's own switch by word, for tests that hold a `Box<dyn Simulator>`: `refund_fate closed`. Answers what the
    /// switch tells, if it tells anything.
    fn hook(&mut self, word: &str, _now: Millis) -> Result<String, Complaint> {
        Err(Complaint(format!("{} has no hook {word:?}", self.channel())))
    }
}

/// Writes `new`, `sandbox`, `fixed` and the trait for a simulator with an `open(Options)` and with `codes`, `timers`, `post`, `ledger` and
/// `fast`. What all do alike is here; what a channel does in its own way is a method of its own: `credentials_json`, `account_table`,
/// `api_of_call`, `served`, `scanned`, `issue`, `type_password`, `pass` (of time, before anything else), `due_now`, `landed`, `waiting_list`,
/// `plant_in`, `hooked`. The method named third, if any, is told the address that a client is told; `day` names what a channel's bills go by
/// where that is not the calendar.
#[macro_export]
macro_rules! simulator {
    ($name:ident, $channel:literal $(, $remember:ident)? $(; day $day:path)?) => {
        use ::sluice_contract as contract;

        /// A simulator as told.
        #[must_use]
        pub fn new(options: Options) -> Box<dyn $crate::Simulator> {
            Box::new($name::open(options))
        }

        /// A simulator with fresh keys and secrets, for the sandbox. Generating them takes a second or so.
        #[must_use]
        pub fn sandbox(seed: u64) -> Box<dyn $crate::Simulator> {
            new(Options::sandbox(seed))
        }

        /// A simulator with fixed keys: the same seed, calls and times give the same bytes.
        #[must_use]
        pub fn fixed(seed: u64) -> Box<dyn $crate::Simulator> {
            new(Options::fixed(seed))
        }

        impl $crate::Simulator for $name {
            fn channel(&self) -> &'static str {
                $channel
            }

            fn credentials(&self, base_url: &str) -> ::serde_json::Value {
                $(self.$remember(base_url);)?
                self.credentials_json(base_url)
            }

            fn account_toml(&self, base_url: &str) -> String {
                $(self.$remember(base_url);)?
                self.account_table(base_url)
            }

            fn api_of(&self, call: &$crate::Call) -> Option<$crate::Api> {
                self.api_of_call(call)
            }

            fn serve(&mut self, call: &$crate::Call, now: contract::Millis, fault: Option<$crate::Fault>) -> contract::HttpReply {
                self.pass(now);
                self.served(call, now, fault)
            }

            fn scan(&mut self, scan: &$crate::Scan<'_>, now: contract::Millis) -> Result<$crate::Scanned, $crate::Complaint> {
                self.pass(now);
                self.scanned(scan, now)
            }

            fn share_codes(&mut self, codes: $crate::Codes) {
                self.codes = codes;
            }

            fn issue_auth_code(&mut self, behaviour: $crate::Behaviour, balance: contract::Fen, now: contract::Millis) -> String {
                self.issue(behaviour, balance, now)
            }

            fn confirm(&mut self, auth_code: &str, now: contract::Millis) -> Result<(), $crate::Complaint> {
                self.pass(now);
                self.type_password(auth_code, now)
            }

            fn tick(&mut self, now: contract::Millis) {
                self.pass(now);
            }

            fn next_at(&self) -> Option<contract::Millis> {
                [self.timers.next_at(), self.post.next_at()].into_iter().flatten().min()
            }

            fn due(&mut self, now: contract::Millis, draw: &mut dyn FnMut() -> Option<$crate::Fault>) -> Vec<$crate::Delivery> {
                self.pass(now);
                self.due_now(now, draw)
            }

            fn delivered(&mut self, id: u64, reply: Option<&contract::HttpReply>, now: contract::Millis) {
                self.landed(id, reply, now);
            }

            fn release(&mut self) {
                self.post.release();
            }

            fn resend(&mut self, out_trade_no: &str, now: contract::Millis) -> Result<(), $crate::Complaint> {
                self.pass(now);
                self.post.again(out_trade_no, now)
            }

            fn ledger(&self) -> &$crate::Ledger {
                &self.ledger
            }

            fn waiting(&self) -> Vec<$crate::Waiting> {
                self.waiting_list()
            }

            $(fn bill_day(&self, now: contract::Millis) -> contract::Day {
                $day(now)
            })?

            fn plant(&mut self, kind: $crate::Discrepancy, count: usize, day: contract::Day) -> Result<Vec<String>, $crate::Complaint> {
                self.plant_in(kind, count, day)
            }

            fn set_fast(&mut self, factor: i64) {
                self.fast = factor.max(1);
            }

            fn hook(&mut self, word: &str, now: contract::Millis) -> Result<String, $crate::Complaint> {
                self.pass(now);
                self.hooked(word, now)
            }
        }
    };
}
