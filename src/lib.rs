//! Sluice, the tour. One order walks through these rooms:
//!
//! [`http`] takes the merchant's request → [`flow`] runs the use case → [`domain`] decides → [`store`] commits → [`outbound`] speaks to the
//! channel and to the merchant; [`worker`] does what is due. [`config`], [`clock`] and [`telemetry`] stand beside them;
//! [`channels`] is the one list of channels, [`sandbox`] the pretend world.

pub mod boot;
pub mod cli;
pub mod channels;
pub mod clock;
pub mod config;
pub mod crash;
pub mod domain;
pub mod flow;
pub mod http;
pub mod merchant_auth;
pub mod outbound;
pub mod sandbox;
pub mod store;
pub mod telemetry;
pub mod worker;
