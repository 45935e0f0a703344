//! The whole crate over real sockets, against a peer of the tests' own.

mod calls;
mod house;
mod load;
mod peer;
mod start;
