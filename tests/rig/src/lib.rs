//! The test bench: a real gateway, journal, front and simulated institution in one process, over loopback sockets, with a real client.
//!
//! ```text
//! client --gRPC--> front, gateway, journal --TCP--> institution, which counts every byte
//!                            ^                          |
//!                            +----------TCP-------------+
//! ```
//!
//! - [`run`] runs a test: it ends within [`TEST_MAX`], and an ERROR in the log fails it unless it was [`expect_error`]ed.
//! - [`Rig`] is the whole bench. The gateway lives on a runtime of its own, so that [`Rig::kill`] ends it as a crash of the process would:
//!   no task goes on, no socket stays.
//! - [`Asked`] is a request with a mark of its own, by which [`Rig::seen`] finds it at the institution, sent or not.
//! - [`soon`] and [`until`] wait for something that happens, and fail loudly if it does not. No test sleeps.
//! - [`Wire`] lies between two sockets and does to them what networks and peers do.
//! - [`process`] starts what is not in this process: another gateway, a bank and a client in Python.

mod account;
mod asked;
mod house;
mod log;
mod options;
mod patience;
pub mod process;
mod rig;
mod site;
mod wire;

pub use account::{Account, Heard};
pub use asked::{Asked, Outcome, transfer};
pub use house::House;
pub use log::{TEST_MAX, expect_error, is_logged, run, run_within};
pub use options::{Lines, Options, scenario, spec, spec_with};
pub use patience::{PATIENCE, soon, until};
pub use rig::{ANSWERS, REQUESTS, Rig, Standing, refused};
pub use site::site;
pub use wire::{Flow, Way, Wire};
