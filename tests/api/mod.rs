//! The outside of the gateway, asked over HTTP as merchants, channels and operators do. One file per resource.

mod abuse;
mod auth;
mod barcode;
mod callbacks;
mod cli;
mod close;
mod create;
mod foreign;
mod idempotency;
mod lies;
mod limit_books;
mod limit_files;
mod limit_ops;
mod limit_race;
mod limit_rules;
mod limits;
mod nodes;
mod notifications;
mod notify_url;
mod ops;
mod read;
mod refunds;
mod reload;
mod running;
mod secrets;
mod trouble;
