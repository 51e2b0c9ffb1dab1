//! Chaos: bad links between the gateway and everybody it talks to. `SLUICE_CHAOS_S=1800` and `SLUICE_CUTS=1000` for the figures.

mod cutter;
mod database;
mod deadlines;
mod links;
mod proxy;
