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
use sluice_contract::{HttpReply, Millis};
use sluice_simkit::{Api, Call, Fault};

sluice_simkit::simulator!(WechatSim, "wechat", remember);

impl WechatSim {
    fn api_of_call(&self, call: &Call) -> Option<Api> {
        Route::of(call).api()
    }

    fn served(&mut self, call: &Call, now: Millis, fault: Option<Fault>) -> HttpReply {
        match Route::of(call) {
            Route::V2(api) => self.serve_v2(call, api, now, fault),
            Route::Authorize => self.authorize(call, now),
            Route::AccessToken => self.access_token(call, now),
            Route::MiniSession => self.mini_session(call, now),
            Route::Download => self.download(call, now),
            route => self.serve_v3(call, &route, now, fault),
        }
    }
}
