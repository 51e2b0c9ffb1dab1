//! CMB aggregate acquiring (招商银行聚合收单, polypay): one bank account, any wallet, 国密 throughout.
//!
//! Sans-IO: every verb makes a request and the only code that can read its reply. Reading order: [`config`] opens an account,
//! [`profile`] says what it can do, [`chance`], [`sign`], [`keys`] and [`terminal`] are the SM2, SM3 and SM4 of it, [`wire`] makes requests
//! and judges replies, [`codes`] is the error table; then one file per verb.
//!
//! Left out: orders whose amount may be changed, WeChat and Alipay windows, e-CNY wallets, key setting; the bank has no platform keys to
//! renew and no silent authorisation. Section numbers in comments are those of the bank pack.

mod admit;
mod bill;
mod callback;
mod chance;
mod close;
mod codes;
mod config;
mod identify;
mod ids;
mod keys;
mod pay;
mod profile;
mod query;
mod refund;
mod reverse;
mod sign;
mod statement;
mod terminal;
mod trade;
mod wire;

#[cfg(test)]
mod tests;

sluice_kit::channel!(Cmb);
