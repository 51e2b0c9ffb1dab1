//! Crash tests: real processes are killed, frozen, cut off and starved, and then judged by the channel's own ledger.
//!
//! `SLUICE_KILLS=100 SLUICE_STOPS=50 SLUICE_IMAGES=50` for the figures; a failing run prints `SLUICE_SEED=…`.
//! The named points need `--features crash-points`.

pub mod books;
pub mod journey;
pub mod judge;
pub mod limits;
pub mod merchant;
pub mod rig;

mod disk;
mod image;
mod kill;
#[cfg(feature = "crash-points")]
mod points;
mod server;
mod soak;
mod stop;
mod storms;
