//! The pretend ICBC: what a client meets, as far as a gateway can tell, and what really happened to its money.
//!
//! It shares no signing and no parsing code with the adapter it judges. Bytes and a time come in, bytes go out; it opens
//! no socket and reads no clock. Requirements: the bank pack, §1, §3, §6.
//!
//! Both API families are served, each with its own state digits, which mean opposite things; an order of the one does not exist in the
//! other, but for those of hosted pages, of which the pack does not say where they belong. Bills: the pack has no format, so there are
//! none, and planting a difference is refused.
//!
//! Reading order: [`options`] and `party` say what there is; `route` and `wire` are the door, `check`, `fail` and `reply` its words;
//! `codepay`, `generate`, `aggregate`, `page` make orders, `trade` and `refund` are about them, over the state in `sim` and the money's
//! `parts`; `post` calls back; `payer` is the phone. Magic payment codes are listed at the door of `codepay`.

mod account;
mod aggregate;
mod check;
mod codepay;
mod fail;
mod generate;
mod hooks;
mod keys;
pub mod options;
mod order;
mod page;
mod parts;
mod party;
mod payer;
mod post;
mod refund;
mod reply;
mod route;
mod sim;
mod trade;
mod wire;

#[cfg(test)]
mod tests;

pub use options::{AuthMeans, Options, RefundFate};
pub use party::{APP_ID, ICBC_APPID, MER_ACCT, MER_ID, MER_PRTCL_NO, SHOP_APPID, STORE_CODE, SUB_MERCHANTS};
pub use sim::IcbcSim;
pub use sluice_simkit::KeySource;

use route::Route;
use serde_json::Value;
use sluice_contract::{Day, Fen, HttpReply, Millis};
use sluice_simkit::{Api, Behaviour, Call, Codes, Complaint, Delivery, Discrepancy, Fault, Ledger, Scan, Scanned, Simulator, Waiting};

/// A simulator as told.
#[must_use]
pub fn new(options: Options) -> Box<dyn Simulator> {
    Box::new(IcbcSim::open(options))
}

/// A simulator with fresh keys and secrets, for the sandbox. Generating the keys takes about a second.
#[must_use]
pub fn sandbox(seed: u64) -> Box<dyn Simulator> {
    new(Options::sandbox(seed))
}

/// A simulator with fixed keys: the same seed, calls and times give the same bytes.
#[must_use]
pub fn fixed(seed: u64) -> Box<dyn Simulator> {
    new(Options::fixed(seed))
}

impl Simulator for IcbcSim {
    fn channel(&self) -> &'static str {
        "icbc"
    }

    fn credentials(&self, base_url: &str) -> Value {
        self.credentials_json(base_url)
    }

    fn account_toml(&self, base_url: &str) -> String {
        self.account_table(base_url)
    }

    fn api_of(&self, call: &Call) -> Option<Api> {
        match Route::of(call) {
            Route::OrderQuery if self.closes(call) => Some(Api::Close),
            route => route.api(),
        }
    }

    fn serve(&mut self, call: &Call, now: Millis, fault: Option<Fault>) -> HttpReply {
        self.pass(now);
        match Route::of(call) {
            Route::Unknown => wire::plain(404, "{\"message\":\"no such API\"}"),
            Route::Page => self.serve_page(call, now),
            route => self.serve_api(call, route, now, fault),
        }
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
        self.landed(id, reply, now);
    }

    fn release(&mut self) {
        self.post.release();
    }

    fn resend(&mut self, out_trade_no: &str, now: Millis) -> Result<(), Complaint> {
        self.pass(now);
        self.again(out_trade_no, now)
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn waiting(&self) -> Vec<Waiting> {
        self.waiting_list()
    }

    fn plant(&mut self, _kind: Discrepancy, _count: usize, _day: Day) -> Result<Vec<String>, Complaint> {
        Err(Complaint("ICBC has no bill: its pack knows no format, so nothing can differ".to_owned()))
    }

    fn set_fast(&mut self, factor: i64) {
        self.fast = factor.max(1);
    }

    fn hook(&mut self, word: &str, now: Millis) -> Result<String, Complaint> {
        self.pass(now);
        self.hooked(word)
    }
}
