//! The one target of tests that need more than one room. Tests may unwrap: a failure is a failed test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "in a test an unwrap is an assertion, and its panic a readable failure"
)]

mod model;
mod world;
