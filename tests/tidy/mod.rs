//! The house rules as tests (DESIGN sections 2 and 9): who may import whom, which folders must stand in which list, how long a file
//! may be. They read the sources as text; nothing is run.

mod banned;
mod channels;
mod layers;
mod plants;
mod shape;
mod tree;
