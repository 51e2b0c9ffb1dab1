//! ICBC (工商银行) open platform: e-life codes (family A) and aggregate acquiring (family B).
//!
//! Sans-IO: every verb makes a request and the only code that can read its reply. Reading order: [`config`] opens an account,
//! [`profile`] says what it can do, [`sign`] and [`keys`] hold the trust rule, [`wire`] makes requests and judges replies,
//! [`codes`] holds the tables of codes, [`trade`] reads a payment; then one file per verb.
//!
//! **The two families.** Their state digits mean opposite things (pack 1.6): `pay_status` 0 is *paying* in A and *paid* in B. `admit`
//! freezes the family into the attempt; where it is missing nothing is guessed.
//!
//! Left out: SM2 and CA signatures (pack 1.3: their form is not known) and SHA-1 signatures of our own, which are never made.

mod admit;
mod callback;
mod close;
mod codes;
mod config;
mod front;
mod identify;
mod ids;
mod keys;
mod order_a;
mod order_b;
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

sluice_kit::channel!(Icbc);
