//! Chaos: bad links between the gateway and everybody it talks to. `SLUICE_CHAOS_S=1800` for the figure.
#![allow(clippy::disallowed_methods, reason = "these tests stand outside the gateway: they have their own clock, waits and sockets")]

mod links;
mod proxy;
