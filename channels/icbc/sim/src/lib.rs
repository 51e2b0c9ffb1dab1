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
use sluice_contract::{Day, HttpReply, Millis};
use sluice_simkit::{Api, Call, Complaint, Discrepancy, Fault};

sluice_simkit::simulator!(IcbcSim, "icbc");

impl IcbcSim {
    fn api_of_call(&self, call: &Call) -> Option<Api> {
        match Route::of(call) {
            Route::OrderQuery if self.closes(call) => Some(Api::Close),
            route => route.api(),
        }
    }

    fn served(&mut self, call: &Call, now: Millis, fault: Option<Fault>) -> HttpReply {
        match Route::of(call) {
            Route::Unknown => wire::plain(404, "{\"message\":\"no such API\"}"),
            Route::Page => self.serve_page(call, now),
            route => self.serve_api(call, route, now, fault),
        }
    }

    fn plant_in(&self, _kind: Discrepancy, _count: usize, _day: Day) -> Result<Vec<String>, Complaint> {
        Err(Complaint("ICBC has no bill: its pack knows no format, so nothing can differ".to_owned()))
    }
}
