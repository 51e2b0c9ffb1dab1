//! The pretend UnionPay, full-channel gateway (ACP 5.1.0): what a client meets, as far as a gateway can tell, and what really
//! happened to its money.
//!
//! It shares no signing and no parsing code with the adapter it judges. Bytes and a time come in, bytes go out; it opens
//! no socket and reads no clock. Requirements: the UnionPay pack, §8. Payer pages are the sandbox's phone.
//!
//! Reading order: [`options`] and `party` say what there is; `keys` and `mint` are the authority; `route`, `serve`, `message`,
//! `sign` and `fail` are the door; `pay`, `consume`, `query`, `back`, `secrets`, `statement` (and its form, `zm`) are one
//! business each, over the state in `sim`; `post` sends notices; `payer` is the phone. Magic payment codes are listed at the
//! door of `consume`, hooks at the door of `hooks`.

mod account;
mod back;
mod consume;
mod fail;
mod hooks;
mod keys;
mod message;
mod mint;
pub mod options;
mod order;
mod party;
mod pay;
mod payer;
mod post;
mod query;
mod route;
mod secrets;
mod serve;
mod sign;
mod sim;
mod statement;
mod zm;

#[cfg(test)]
mod tests;

pub use options::{Options, RefundFate, SignerKind};
pub use party::{MER_ID, SUB_MERCHANT};
pub use sim::UnionpaySim;
pub use sluice_simkit::KeySource;

use serde_json::Value;
use sluice_contract::{Day, Fen, HttpReply, Millis};
use sluice_simkit::{Api, Behaviour, Call, Codes, Complaint, Delivery, Discrepancy, Fault, Ledger, Scan, Scanned, Simulator, Waiting};

/// A simulator as told.
#[must_use]
pub fn new(options: Options) -> Box<dyn Simulator> {
    Box::new(UnionpaySim::open(options))
}

/// A simulator with fresh keys and secrets, for the sandbox. Generating the keys takes a few seconds at most.
#[must_use]
pub fn sandbox(seed: u64) -> Box<dyn Simulator> {
    new(Options::sandbox(seed))
}

/// A simulator with fixed keys: the same seed, calls and times give the same bytes.
#[must_use]
pub fn fixed(seed: u64) -> Box<dyn Simulator> {
    new(Options::fixed(seed))
}

impl Simulator for UnionpaySim {
    fn channel(&self) -> &'static str {
        "unionpay"
    }

    fn credentials(&self, base_url: &str) -> Value {
        self.credentials_json(base_url)
    }

    fn account_toml(&self, base_url: &str) -> String {
        self.account_table(base_url)
    }

    fn api_of(&self, call: &Call) -> Option<Api> {
        self.api_of_call(call)
    }

    fn serve(&mut self, call: &Call, now: Millis, fault: Option<Fault>) -> HttpReply {
        self.pass(now);
        self.serve_call(call, now, fault)
    }

    fn scan(&mut self, scan: &Scan<'_>, now: Millis) -> Result<Scanned, Complaint> {
        self.pass(now);
        self.scanned(scan, now)
    }

    fn share_codes(&mut self, codes: Codes) {
        self.codes = codes;
    }

    fn issue_auth_code(&mut self, behaviour: Behaviour, balance: Fen, now: Millis) -> String {
        self.issue(behaviour, balance, now)
    }

    fn confirm(&mut self, auth_code: &str, now: Millis) -> Result<(), Complaint> {
        self.pass(now);
        self.type_password(auth_code, now)
    }

    fn tick(&mut self, now: Millis) {
        self.pass(now);
    }

    fn next_at(&self) -> Option<Millis> {
        [self.timers.next_at(), self.post.next_at()].into_iter().flatten().min()
    }

    fn due(&mut self, now: Millis, draw: &mut dyn FnMut() -> Option<Fault>) -> Vec<Delivery> {
        self.pass(now);
        self.due_now(now, draw)
    }

    fn delivered(&mut self, id: u64, reply: Option<&HttpReply>, now: Millis) {
        // 302 counts as well (pack §5, DEMO-A); the body says nothing.
        self.post.landed(id, reply.is_some_and(|r| matches!(r.status, 200 | 302)), self.fast, now);
    }

    fn release(&mut self) {
        self.post.release();
    }

    fn resend(&mut self, out_trade_no: &str, now: Millis) -> Result<(), Complaint> {
        self.pass(now);
        self.post.again(out_trade_no, now)
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn waiting(&self) -> Vec<Waiting> {
        self.waiting_list()
    }

    /// The day is the clearing day, which ends at 23:00.
    fn plant(&mut self, kind: Discrepancy, count: usize, day: Day) -> Result<Vec<String>, Complaint> {
        self.plant_in(kind, count, day)
    }

    fn set_fast(&mut self, factor: i64) {
        self.fast = factor.max(1);
    }

    fn hook(&mut self, word: &str, now: Millis) -> Result<String, Complaint> {
        self.pass(now);
        self.hooked(word)
    }
}
