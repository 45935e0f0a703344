//! The gateway over real sockets, against a bank that counts every byte.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must end")]

mod first;
mod journal;
mod refusals;
