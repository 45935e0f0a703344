//! The whole crate over real sockets, against a peer of the tests' own.

mod calls;
pub(crate) mod house;
mod load;
mod peer;
mod reload;
mod search;
mod slow;
mod sockets;
mod start;
