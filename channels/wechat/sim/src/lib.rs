//! The pretend WeChat Pay: what a client meets, as far as a gateway can tell, and what really happened to its money.
//!
//! It shares no signing and no parsing code with the adapter it judges. Bytes and a time come in, bytes go out; it opens
//! no socket and reads no clock. Requirements: the WeChat pack, §13 and §15.
//!
//! Reading order: [`options`] and `party` say what there is; `route` and `wire` are the door; `create`, `codepay`,
//! `trade`, `refund`, `bill` are one business each, over the state in `sim`; `post` calls back; `payer` is the phone;
//! `v2` is the older dialect of the same; `oauth` is the openid. Magic payment codes are listed at the door of `codepay`.

mod account;
mod bill;
mod check;
mod codepay;
mod create;
mod fail;
mod hooks;
mod keys;
mod oauth;
pub mod options;
mod order;
mod party;
mod payer;
mod post;
mod refund;
mod route;
mod sim;
mod trade;
mod v2;
mod v3;
mod wire;

#[cfg(test)]
mod tests;

pub use oauth::{OAuthFault, redirect_param};
pub use options::{KeyMode, Options, RefundFate};
pub use party::{APP_ID, MCHID, MINI_APP_ID, MOBILE_APP_ID, SUB_MERCHANTS};
pub use sim::WechatSim;
pub use sluice_simkit::KeySource;

use route::Route;
use serde_json::Value;
use sluice_contract::{Day, Fen, HttpReply, Millis};
use sluice_simkit::{Api, Behaviour, Call, Codes, Complaint, Delivery, Discrepancy, Fault, Ledger, Scan, Scanned, Simulator, Waiting};

/// A simulator as told.
#[must_use]
pub fn new(options: Options) -> Box<dyn Simulator> {
    Box::new(WechatSim::open(options))
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

impl Simulator for WechatSim {
    fn channel(&self) -> &'static str {
        "wechat"
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
        Route::of(call).api()
    }

    fn serve(&mut self, call: &Call, now: Millis, fault: Option<Fault>) -> HttpReply {
        self.pass(now);
        match Route::of(call) {
            Route::V2(api) => self.serve_v2(call, api, now, fault),
            Route::Authorize => self.authorize(call, now),
            Route::AccessToken => self.access_token(call, now),
            Route::MiniSession => self.mini_session(call, now),
            Route::Download => self.download(call, now),
            route => self.serve_v3(call, &route, now, fault),
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
        self.post.landed(id, reply.is_some_and(|r| matches!(r.status, 200 | 204)), self.fast, now);
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
