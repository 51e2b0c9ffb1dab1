//! The one test target of the gateway.
//!
//! Everything here looks from outside: it drives the real binary over real sockets and judges it by the channel's own ledger.

mod chaos;
mod crash;
