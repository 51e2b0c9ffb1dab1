//! The room as its callers see it: whole requests through the whole router.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails says where")]

mod callbacks;
mod channel;
mod console;
mod docs;
mod openapi;
mod operators;
mod orders;
mod pages;
mod problems;
mod refunds;
mod replay;
mod routing;
mod serving;
mod signature_help;
mod signatures;
mod stage;
mod statements;
mod store_pages;
