//! The pretend CMB (招商银行聚合收单, polypay, 国密): what a client meets, and what really happened to its money.
//!
//! It shares no signing and no parsing code with the adapter it judges. Bytes and a time come in, bytes go out; it opens no
//! socket and reads no clock. Requirements: the bank pack, sections 2, 3, 5 and 6.
//!
//! Reading order: [`options`] says what there is; `route`, `wire` and `check` are the door, `keys` and `der` the 国密 of it;
//! `create`, `codepay`, `trade`, `refund` and `bill` are one business each, over the state in `sim` and `order`; `post` calls
//! back; `payer` is the phone. Magic payment codes are listed at the door of `codepay`, hooks at the door of `hooks`, the
//! columns of the bill at the door of `bill`.
//!
//! What the pack leaves open and how it is played here (each is said again where it is done):
//!
//! | open | here |
//! |---|---|
//! | what refuses a wrong appid or apisign | unsigned `SIGN_ERROR`; no clock tolerance is named, so none is kept |
//! | a field that is missing, blank or too long and has no code of its own | `UNDEFINED_PRAM` |
//! | a query for a number nobody used | `CMBORDERID_NOT_EXIST`; older than 15 days: `ORDERID_NOT_EXIST` |
//! | cancel earlier than 15 s | `OPERATING_FREQUENTLY`; later than 7 days, or the wrong kind of order: `NOT_ALLOWED` |
//! | the 51st refund | `TRADESTATE_NOT_LAWFUL` |
//! | which cashiers exist | every well-formed one but [`UNKNOWN_USER`] |
//! | which payType CMB's own app has | `YL`, as its code has the UnionPay shape |
//! | a payer without money, or one who declines | `tradeState` F with `respMsg` |
//! | 150 refunds and 6 bad ones a second | not counted: no answer is named |
//! | order QR, unified orders, e-CNY, mini programs | not served: HTTP 404 |

mod account;
mod bill;
mod check;
mod codepay;
mod create;
mod der;
mod fail;
mod hooks;
mod keys;
pub mod options;
mod order;
mod payer;
mod post;
mod refund;
mod route;
mod sim;
mod trade;
mod wire;

#[cfg(test)]
mod tests;

pub use account::{MER_ID, SUB_MERCHANTS, TERM_ID, UNKNOWN_USER, USER_ID};
pub use options::{Options, RefundFate};
pub use sim::CmbSim;
pub use sluice_simkit::KeySource;

use serde_json::Value;
use sluice_contract::{Day, Fen, HttpReply, Millis};
use sluice_simkit::{Api, Behaviour, Call, Codes, Complaint, Delivery, Discrepancy, Fault, Ledger, Scan, Scanned, Simulator, Waiting};

/// A simulator as told.
#[must_use]
pub fn new(options: Options) -> Box<dyn Simulator> {
    Box::new(CmbSim::open(options))
}

/// A simulator with fresh keys and secrets, for the sandbox.
#[must_use]
pub fn sandbox(seed: u64) -> Box<dyn Simulator> {
    new(Options::sandbox(seed))
}

/// A simulator with fixed keys: the same seed, calls and times give the same bytes.
#[must_use]
pub fn fixed(seed: u64) -> Box<dyn Simulator> {
    new(Options::fixed(seed))
}

impl Simulator for CmbSim {
    fn channel(&self) -> &'static str {
        "cmb"
    }

    fn credentials(&self, base_url: &str) -> Value {
        self.remember(base_url);
        self.credentials_json(base_url)
    }

    fn account_toml(&self, base_url: &str) -> String {
        self.remember(base_url);
        self.account_table(base_url)
    }

    fn api_of(&self, call: &Call) -> Option<Api> {
        route::Route::of(call).api()
    }

    fn serve(&mut self, call: &Call, now: Millis, fault: Option<Fault>) -> HttpReply {
        self.pass(now);
        self.served(call, now, fault)
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
        let taken = reply.is_some_and(|reply| self.acknowledged(reply));
        self.post.landed(id, taken, self.fast, now);
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

    fn plant(&mut self, kind: Discrepancy, count: usize, day: Day) -> Result<Vec<String>, Complaint> {
        self.plant_in(kind, count, day)
    }

    fn set_fast(&mut self, factor: i64) {
        self.fast = factor.max(1);
    }

    fn hook(&mut self, word: &str, now: Millis) -> Result<String, Complaint> {
        self.pass(now);
        self.hooked(word, now)
    }
}
