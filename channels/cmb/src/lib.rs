//! CMB.
