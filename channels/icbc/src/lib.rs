//! ICBC.
