//! The one test target of the gateway. `tests/README.md` says which test proves which promise; `tests/run` runs the levels.
//!
//! Everything here looks from outside: it drives the real binary over real sockets and judges it by the channel's own ledger.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::float_arithmetic,
    clippy::disallowed_methods,
    reason = "a test that cannot go on must stop, and the outside world has clocks, sockets and chance"
)]

mod api;
mod conformance;
mod harness;
mod tidy;
