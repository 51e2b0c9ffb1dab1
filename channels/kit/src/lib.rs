//! What adapters share: keys, texts, error tables, requests and archives. No channel's own fact is here.
//!
//! Simulators do not use it: a judge shares no signing and no parsing code with the judged (`channels/simkit` has their bricks).

pub mod account;
pub mod aes;
pub mod archive;
pub mod ask;
pub mod bill;
pub mod blob;
pub mod callback;
pub mod channel;
pub mod claims;
pub mod codes;
pub mod columns;
pub mod content;
pub mod discount;
pub mod ensure;
pub mod field;
pub mod form;
pub mod held;
pub mod hosts;
pub mod mode;
pub mod outcome;
pub mod profile;
pub mod raw;
pub mod rsa;
pub mod text;
pub mod wire;
pub mod x509;
