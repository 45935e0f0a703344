//! An institution's side of the conversation: brain, scenario and ledger.
//!
//! A gateway is worth as much as the institution that it was tried against. This crate is that institution, made from the same spec
//! that the gateway reads: it accepts the gateway's sessions and connects to the gateway's listener, answers openings, requests and poll
//! telegrams, starts notices, and does wrong whatever a scenario tells it to do wrong: late, twice, in pieces, with another key,
//! half a telegram and then a reset.
//!
//! - A [`Scenario`] is a TOML file and says how it behaves; no behaviour is built in code. The file is checked against the spec, and
//!   all its mistakes are told at once, as [`Mistake`]s with path, line and help. `specs/hecto/scenarios/README.md` describes the format.
//! - [`Counterparty`] is the brain. It takes bytes and time and gives [`Output`]s; sockets and clocks are the shell's
//!   (`pabal-simulator`, or the virtual ones of the tests). Choices are drawn from a seed and the telegram's [`Key`]: the same seed
//!   gives the same fate to the same telegram, also over real sockets, where nobody knows the order.
//! - The [`Ledger`] is what the institution knows: what came, how often, whether money moved, what was answered and when, how many
//!   connections there were at once. It is the oracle: an outcome that the gateway told a caller is right or wrong by it.
//!   [`Ledger::by_participant`] sums it up for each bank behind a relay.
//! - Its notices are its book, sent or withheld: what the gateway asks for, since it has seen a hole in their numbers, is looked up there.
//!   Numbers begin again with the business date, and nothing is open any more then.
//!
//! It shares the spec and the conversion with the gateway, and nothing else; it never sees `pabal-switch`. What both could
//! have wrong together is for the samples, and for the peers that import nothing of ours, to find.
//!
//! ```
//! use std::sync::Arc;
//! use pabal_clock::{Mono, Now, Wall};
//! use pabal_counterparty::{Connection, Counterparty, LineId, Output, Scenario, Settings};
//! use pabal_spec::Source;
//!
//! let file = |name: &str, text: &str| Source { name: name.into(), text: text.into() };
//! let hecto = pabal_spec::load(&[
//!     file("firmbanking.spec", include_str!("../../../specs/hecto/firmbanking.spec")),
//!     file("codes.csv", include_str!("../../../specs/hecto/codes.csv")),
//! ]).unwrap();
//! let protocol = Arc::clone(&hecto.institution.protocols[0]);
//!
//! let text = r#"
//!     [[reply]]
//!     exchange = "open"
//!     executes = true
//!     response_code = "0000"
//! "#;
//! let scenario = Arc::new(Scenario::parse(text, "example.toml", &protocol).unwrap());
//! let now = Now { mono: Mono::from_nanos(0), wall: Wall::from_unix_seconds(1_795_223_730) };
//! let mut bank = Counterparty::new(protocol, scenario, Settings::pair(1), 7, now);
//!
//! // It wants to connect to us, for its answers and notices; and we have connected to it.
//! assert_eq!(bank.poll_output(), Some(Output::Connect { line: LineId(1) }));
//! let ours = Connection(1);
//! bank.handle_connected(ours, LineId(0), now);
//!
//! // A poll telegram is answered where it came from, and carries back the time.
//! bank.handle_received(ours, b"0020HDRREQPOLL1121101530", now);
//! let sent: Vec<_> = std::iter::from_fn(|| bank.poll_output())
//!     .filter_map(|output| match output { Output::Send { bytes, .. } => Some(bytes), _ => None })
//!     .collect();
//! assert_eq!(sent, [b"0020HDRRESPOLL1121101530"]);
//! assert_eq!(bank.ledger().totals().polls, 1);
//!
//! // A mistake in a scenario tells where it is and what was meant.
//! let protocol = Arc::clone(bank.protocol());
//! let mistakes = Scenario::parse("[[reply]]\nexchange = \"tranfser\"", "typo.toml", &protocol).unwrap_err();
//! assert_eq!(
//!     mistakes[0].to_string(),
//!     "typo.toml:2:12: reply[1].exchange: protocol firmbanking has no exchange `tranfser`; did you mean `transfer`?"
//! );
//! ```
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod chance;
mod counterparty;
mod fill;
#[cfg(test)]
mod hecto;
mod key;
mod ledger;
mod mistake;
mod output;
mod scenario;
mod settings;
mod stamp;

pub use counterparty::{Counterparty, Later};
pub use key::Key;
pub use ledger::{Answer, Gap, Ledger, LineCount, Notice, Request, Stranger, Tally, Totals};
pub use mistake::Mistake;
pub use output::{Connection, Event, LineId, Output};
pub use scenario::Scenario;
pub use settings::{Direction, Line, Settings, Side};
