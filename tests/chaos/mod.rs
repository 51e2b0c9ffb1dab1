//! Chaos: bad links between the gateway and everybody it talks to. `SLUICE_CHAOS_S=1800` for the figure.

mod database;
mod links;
mod proxy;
