//! The model: random sequences of commands played to the real engine and to a reference that shares nothing with it; and the suite
//! that every engine of the store must pass.

mod bills;
pub mod books;
mod every_state;
mod limit_reference;
mod limits;
mod machine;
mod nodes;
mod policies;
mod reference;
mod retention;
mod schedule;
mod statements;
mod store;
mod told;
mod words;

pub use store::paid;
