//! The world: Pabal's switch and an institution's counterparty on one virtual clock, with a wire and a disk that misbehave.
//!
//! Nothing here is real, and all of it is deterministic: a seed decides every delay, cut, reset, crash and answer, so a seed that breaks a
//! sentence can be run again, line by line. The wire splits, merges, delays, swallows and resets; the disk is slow or fails, and a crash
//! loses what was not synced; callers retry under their idempotency keys, go away, and ask; the core is swapped for its restored image at seeded
//! steps. The institution's ledger is the oracle: it counts what really came and what was really executed.
//!
//! Most seeds have the usual lines. One in five has others, drawn apart ([`Topology`]): answers without a key, connections for one exchange each,
//! several addresses, a line that stands in for another, peers that lose their side, bounds over all lines. What each of these has to show is
//! counted in [`Tally`].
//!
//! A run has two halves. In the first, faults happen. Then the world heals, and progress is demanded: sessions return, openings open, and every
//! exchange has an outcome that agrees with the ledger, or is UNKNOWN.
//!
//! ```
//! let report = pabal_world::run(pabal_world::Setup::of_seed(7)).expect("no sentence is broken");
//! assert!(report.counts.requests > 0);
//! // The same seed is the same run.
//! assert_eq!(report.hash, pabal_world::run(pabal_world::Setup::of_seed(7)).expect("again").hash);
//! ```
#![expect(clippy::print_stderr, reason = "a run can be watched")]

mod agenda;
mod chance;
mod checks;
mod counts;
mod coverage;
mod disk;
mod machine;
mod script;
mod setup;
mod tally;
mod topology;
mod trace;
mod variant;
mod versions;
mod wire;
mod workload;
mod world;

pub use chance::Chance;
pub use counts::Counts;
pub use coverage::{Coverage, Fault, Stage};
pub use machine::Machines;
pub use setup::{Setup, Span};
pub use tally::Tally;
pub use topology::Topology;
pub use trace::Trace;
pub use variant::Variant;
pub use world::{Failure, Report, run};
