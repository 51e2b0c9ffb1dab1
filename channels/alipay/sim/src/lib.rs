//! The pretend Alipay: what a client meets, as far as a gateway can tell, and what really happened to its money.
//!
//! It shares no signing and no parsing code with the adapter it judges. Bytes and a time come in, bytes go out; it opens
//! no socket and reads no clock. Requirements: the Alipay pack, §10 and §13.
//!
//! Reading order: [`options`] and [`party`] say what there is; `gateway` and `wire` are the door; `create`, `pay`, `trade`,
//! `refund`, `bill` are one business each, over the state in `sim`; `post` notifies; `payer` is the phone; `oauth` is the
//! payer's id. Magic payment codes are listed at the door of `pay`, switches by word at the door of `hooks`.
//!
//! Not served: the v3 protocol (the pack builds v2 first), `RSA` and `SM2` as `sign_type`, `gbk` as charset, royalties,
//! face codes (`security_code` is read, no such code was ever issued). One number is one trade, whichever merchant's: the
//! ledger has one book.

mod account;
mod bill;
mod check;
mod create;
mod fail;
mod gateway;
mod hooks;
mod keys;
mod oauth;
pub mod options;
mod order;
pub mod party;
mod pay;
mod payer;
mod post;
mod refund;
mod sim;
mod trade;
mod wire;
mod zipfile;

#[cfg(test)]
mod tests;

pub use options::{Options, PayerIds, RefundFate};
pub use party::{APP_ID, MERCHANTS, PID};
pub use sim::AlipaySim;
pub use sluice_simkit::KeySource;

use gateway::Method;
use serde_json::Value;
use sluice_contract::{Day, Fen, HttpReply, Millis};
use sluice_simkit::{Api, Behaviour, Call, Codes, Complaint, Delivery, Discrepancy, Fault, Ledger, Scan, Scanned, Simulator, Waiting};

/// A simulator as told.
#[must_use]
pub fn new(options: Options) -> Box<dyn Simulator> {
    Box::new(AlipaySim::open(options))
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

const GATEWAY: &str = "/gateway.do";

fn path_of(call: &Call) -> &str {
    call.target.split(['?', '#']).next().unwrap_or("")
}

impl Simulator for AlipaySim {
    fn channel(&self) -> &'static str {
        "alipay"
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
        if path_of(call) != GATEWAY {
            return None;
        }
        wire::Params::of(call).as_ref().and_then(Method::named).and_then(Method::api)
    }

    fn serve(&mut self, call: &Call, now: Millis, fault: Option<Fault>) -> HttpReply {
        self.pass(now);
        match path_of(call) {
            GATEWAY => self.gateway(call, now, fault),
            "/oauth2/publicAppAuthorize.htm" => self.authorize(call, now),
            "/billdownload/file" => self.download(call, now),
            _ => HttpReply::new(404, &[("Content-Type", "text/html")], "<html><body>404 Not Found</body></html>"),
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
        self.post.landed(id, reply.is_some_and(post::is_taken), self.options.fast, now);
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
        self.options.fast = factor.max(1);
    }

    fn hook(&mut self, word: &str, now: Millis) -> Result<String, Complaint> {
        self.pass(now);
        self.hooked(word, now)
    }
}
