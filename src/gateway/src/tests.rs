//! The whole crate over real sockets, against a peer of the tests' own.

mod calls;
mod command;
pub(crate) mod house;
mod load;
mod peer;
mod reload;
mod search;
mod slow;
mod sockets;
mod start;
