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
use sluice_contract::{HttpReply, Millis};
use sluice_simkit::{Api, Call, Fault};

sluice_simkit::simulator!(AlipaySim, "alipay", remember);

const GATEWAY: &str = "/gateway.do";

fn path_of(call: &Call) -> &str {
    call.target.split(['?', '#']).next().unwrap_or("")
}

impl AlipaySim {
    fn api_of_call(&self, call: &Call) -> Option<Api> {
        if path_of(call) != GATEWAY {
            return None;
        }
        wire::Params::of(call).as_ref().and_then(Method::named).and_then(Method::api)
    }

    fn served(&mut self, call: &Call, now: Millis, fault: Option<Fault>) -> HttpReply {
        match path_of(call) {
            GATEWAY => self.gateway(call, now, fault),
            "/oauth2/publicAppAuthorize.htm" => self.authorize(call, now),
            "/billdownload/file" => self.download(call, now),
            _ => HttpReply::new(404, &[("Content-Type", "text/html")], "<html><body>404 Not Found</body></html>"),
        }
    }
}
