//! UnionPay (中国银联), ACP gateway 5.1.0: QR both ways, front forms (web, WAP, B2B) and app orders.
//!
//! Sans-IO: every verb makes a request and the only code that can read its reply. Reading order: [`config`] opens an
//! account, [`profile`] says what it can do, [`codes`] holds the tables of products and response codes, [`sign`] and [`keys`] the
//! trust rule, [`wire`] makes requests and judges replies; then one file per verb.
//!
//! A transaction is merId + orderId + txnTime (pack §6): all three are frozen by `admit` and every reply must name them.
//! Left out: pre-authorisation, stored cards, batches, SM2 (UNCONFIRMED for this gateway), 5.0.0 and its SHA-1 signatures.

mod admit;
mod bill;
mod callback;
mod certificates;
mod close;
mod codes;
mod config;
mod dates;
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
mod wire;

#[cfg(test)]
mod tests;

sluice_kit::channel!(UnionPay);
