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

use route::Route;
use sluice_simkit::{Api, Call};

sluice_simkit::simulator!(CmbSim, "cmb", remember);

impl CmbSim {
    fn api_of_call(&self, call: &Call) -> Option<Api> {
        Route::of(call).api()
    }
}
