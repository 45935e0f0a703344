//! The tokio shell around [`pabal_switch::Core`]: sockets, the one clock, a driver per institution, configuration.
//!
//! ```text
//!  front ──► Handle ── commands ──►┌────────────────────────┐◄── bytes ──► the institution's
//!    ▲         (encodes, waits)     │ driver: Core + sockets │              TCP connections
//!    └────────── outcomes ──────────└──┬──────────────────▲──┘
//!                                entries│                  │"durable"
//!                                       ▼                  │
//!                             bridge: codec, redaction ──► journal's writer ──► disk
//! ```
//!
//! **Starting** ([`Gateway::start`]): the configuration was checked as a whole when it was parsed ([`Config::parse`]); now the specs are loaded,
//! both are held against each other, the data directory is locked, each institution's entries are folded from the last checkpoint on,
//! listeners are bound, and a driver is started for each institution. Nothing is sent before all of that has gone well.
//!
//! **A call** ([`Handle::exchange`]) is encoded on the caller's task, then given to the institution's driver, which owns the core. The core
//! says which entries must be durable before which bytes may leave. The driver reads and writes the sockets itself, so the number of bytes that
//! the kernel took is known in the same turn, and what the core does not want to read stays in the kernel. Whoever waits hears the outcome
//! when its entry is durable. A [`CallError`] proves that no byte left, unless it says that an idempotency key could not be looked up
//! ([`CallError::is_proof`]); a driver that dies after it took the request answers UNKNOWN.
//!
//! **Going away** is dropping the future: a request that still waits will not leave, and what has left goes on.
//!
//! **Serving** ([`Handle::serve`]): a durable notice goes to one subscriber of its rule in turn, and is given again until one has said that it
//! has it; what nobody has waits. Replies are encoded on the subscriber's task.
//!
//! **Reloading** ([`Handle::reload`]): specs are read and checked beside the runtime, compared with those in force, and swapped; what is in
//! flight goes on by its own version. The sources of each version lie under their digest in the data directory, so that the next process
//! reads what was sent by an older one as it was meant.
//!
//! **Looking** ([`Handle::search`], [`Handle::show`]): over the journal by its indexes, with what memory knows that is newer.
//!
//! **The log** has a line for each entry that has become durable, with its trace id and no content of a telegram; at DEBUG there is one more,
//! masked by the fields' classes. A task of its own writes it.
//!
//! **Nothing waits for a slow neighbour.** A driver does no encoding, masking, SQL or logging; its queues are bounded, or bounded by the core's
//! limits. A panic in one is caught there: that institution's sockets close, its [`Health`] says so, and its core is made anew from the journal.
//!
//! **Stopping** ([`Gateway::drain`]): nothing new is taken, answers are awaited until the deadline, sessions close (business stays
//! open), the journal is closed.
//!
//! What is absent: protobuf and gRPC (the front's), printing and signals (the binary's), any second clock ([`pabal_clock::Now`] is read in one
//! place), any decision about an exchange (the core's).
//!
//! ```
//! use pabal_gateway::Config;
//!
//! let text = r#"
//! [institutions.hecto]
//! spec = "specs/hecto"
//! [[institutions.hecto.lines]]
//! name = "both"
//! protocol = "firmbanking"
//! side = "initiator"
//! direction = "duplex"
//! address = "10.1.2.3:20000"
//! windwo = 20
//! [[institutions.hecto.parties]]
//! name = "main"
//! fields = { id_code = "PABAL", company_no = "PABALCO1" }
//! participants = ["004", "088"]
//! "#;
//! let mistake = Config::parse(text, "pabal.toml").unwrap_err();
//! assert_eq!(
//!     mistake.to_string(),
//!     "pabal.toml:10: institutions.hecto.lines[0].windwo: unknown key; did you mean `window`?"
//! );
//!
//! let config = Config::parse(&text.replace("windwo", "window"), "pabal.toml").unwrap();
//! let in_force = config.effective();
//! assert!(in_force.lines().any(|line| line.contains("lines[0].window") && line.ends_with("= 20  (line 10)")));
//! ```

mod call;
mod clock;
mod command;
mod config;
mod connects;
mod deadlines;
mod digest;
mod driver;
mod gateway;
mod handle;
mod history;
mod lines;
mod recovery;
mod reload;
mod room;
mod search;
mod serve;
mod settings;
mod start;
#[cfg(test)]
mod tests;
mod unclaimed;
mod versions;

pub use call::{Answer, Body, Call, CallError, Find, FindKey, Found, InquireCall};
pub use command::{CommandError, CommandLine};
pub use config::{Config, ConfigError, Listen, LogFormat, Problem, parse_duration};
pub use deadlines::broken_inquiries;
pub use driver::Drained;
pub use driver::health::Health;
pub use gateway::{DrainSummary, Gateway};
pub use handle::Handle;
pub use lines::Line;
pub use reload::{Hindered, ReloadError, Reloaded};
pub use search::{HistoryLine, NextStep, SEARCH_MAX, Search, SearchBy, Searched, Stored, TxDetail, TxSummary};
pub use serve::{Delivered, Replier, ReplyBody, ReplyReport, SERVED_UNACKED_MAX, Served, Subscribe, Subscription};
pub use start::{StartError, spec_sources};
pub use unclaimed::UnclaimedTelegram;
