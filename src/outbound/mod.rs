//! The only room with sockets going out.
//!
//! Reading order: [`wire`] is the one thing `flow` awaits and its classes of failure; [`exchange`] drives a channel's
//! exchange through it, with [`surroundings`] telling what it may ask of the world; [`client`] is the wire made of real
//! sockets; [`redact`] says what of a body may be shown. Towards merchants: [`guard`] decides whom we may call at all,
//! [`merchant`] delivers a notification, [`webhook`] signs it.
//!
//! **The rule that protects money:** a failure is `NotSent` only when provably no byte of the request left. Everything
//! else is `MaybeSent`, and then the caller asks under the same number; it never repeats under another.

pub mod client;
pub mod exchange;
pub mod guard;
pub mod merchant;
pub mod redact;
pub mod surroundings;
pub mod webhook;
pub mod wire;

#[cfg(test)]
mod tests;

pub use client::{Clients, remove_saved};
pub use exchange::{Followed, NotRenewed, follow, renew};
pub use guard::{Policy, Refused, Target, address_allowed, check_url};
pub use merchant::{Courier, Delivered, HttpCourier, Lost, Outcome, Post};
pub use redact::redact;
pub use surroundings::{Class, ExchangeNote, Hook, Purpose, Renewals, Surroundings};
pub use webhook::{Secret, Unverified, verify};
pub use wire::{Sent, Wire, WireError};
