//! WeChat Pay (微信支付), API v3, with v2 micropay as an alternative for barcodes.
//!
//! Sans-IO: every verb makes a request and the only code that can read its reply. Reading order: [`config`] opens an
//! account, [`profile`] says what it can do, [`sign`] holds the trust rule, [`wire`] makes requests and judges replies,
//! [`codes`] is the error table; then one file per verb. [`v2`] and its neighbours are the old XML protocol.
//!
//! Left out: 国密 (SM2/SM3/SM4), which the service enables by application only; a message that announces it is refused.

mod admit;
mod bill;
mod callback;
mod certificates;
mod close;
mod codes;
mod config;
mod identify;
mod ids;
mod invoke;
mod keys;
mod pay;
mod profile;
mod query;
mod refund;
mod reverse;
mod sign;
mod statement;
mod trade;
mod v2;
mod v2_notify;
mod v2_refund;
mod v2_sign;
mod v2_trade;
mod wire;
mod xml;

#[cfg(test)]
mod tests;

sluice_kit::channel!(Wechat);
