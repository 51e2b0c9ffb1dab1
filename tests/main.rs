//! The one target of tests that need more than one room. `tests/README.md` says which test proves which promise; `tests/run` runs the
//! levels. Tests may unwrap: a failure is a failed test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "in a test an unwrap is an assertion, and its panic a readable failure"
)]

/// Tests that drive real processes from outside: the outside world has clocks, sockets and chance.
macro_rules! outside {
    ($($module:ident)+) => {
        $(#[allow(clippy::disallowed_methods, clippy::as_conversions, clippy::float_arithmetic, reason = "real processes, real clocks")]
        mod $module;)+
    };
}

outside!(api browser chaos conformance crash harness tidy);

// The seeded world has no clock and no chance but its own: the bans stay.
mod model;
mod world;
