//! The gateway over real sockets, against a bank that counts every byte.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must end")]

mod bad_input;
mod callers;
mod computed;
mod dated;
mod day;
mod faults;
mod first;
mod framed;
mod host;
mod journal;
mod keys;
mod lines;
mod notices;
mod processes;
mod refusals;
mod reload;
mod restart;
mod serve_clients;
mod strangers;
mod topology;
