//! The room against real sockets on loopback, and against a wire that follows a script.

mod channel;
mod client;
mod exchange;
mod guard;
mod merchant;
mod proxy;
mod stage;
