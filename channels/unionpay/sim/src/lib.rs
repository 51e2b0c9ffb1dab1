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

sluice_simkit::simulator!(UnionpaySim, "unionpay"; day order::clearing_day);
