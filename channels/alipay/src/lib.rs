//! Alipay (支付宝), the gateway protocol (`gateway.do`, "v2"): QR, barcode, JSAPI, WAP, page and APP; direct and service-provider mode.
//!
//! Sans-IO: every verb makes a request and the only code that can read its reply. Reading order: [`config`] opens an account,
//! [`profile`] says what it can do, [`sign`] holds the canonical strings and the trust rule, [`wire`] makes requests and judges
//! replies, [`codes`] holds the tables of products, funds and error codes; then one file per verb. [`certificate`] is the arithmetic of
//! certificate mode.
//!
//! Left out: the v3 REST protocol (pack §1.8: later option) and SM2 (pack §1.7: not required for acquiring).

mod admit;
mod bill;
mod callback;
mod certificate;
mod close;
mod codes;
mod config;
mod identify;
mod keys;
mod pay;
mod profile;
mod query;
mod refund;
mod reverse;
mod sign;
mod statement;
mod trade;
mod wire;

#[cfg(test)]
mod tests;

sluice_kit::channel!(Alipay);
