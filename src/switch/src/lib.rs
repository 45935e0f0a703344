//! One institution's sessions, openings, exchanges and notices, as a machine without IO.
//!
//! A bank's FEP holds TCP sessions to an institution, sends requests for many callers by them, and has to say of each request what
//! became of it. This crate is that, and nothing else: bytes, time and a seed go in; bytes, entries of a journal and outcomes come out. It
//! opens no socket, writes no file, reads no clock, starts no thread. The shell does, one core for each institution, so that one
//! institution's trouble stays its own.
//!
//! # A request's life
//!
//! [`Core::open`] takes a request in or refuses it with a [`Refusal`]; a refused one leaves no trace and no byte. The order of the questions is
//! fixed: is its idempotency key known (then its exchange answers); is it a request at all; are we stopping; is business open for its
//! party and participant today; is a session up that may carry it, and one that may carry the answer; is there room to wait. What is taken in
//! becomes an *exchange* and an `accepted` entry.
//!
//! As soon as a session has room in its window, the exchange leaves the queue: its telegram is stamped with the time there and the next number of its
//! scope, and a `sending` entry says by which connection and at which byte of its stream it goes. [`Core::poll_write`] gives not a byte of it
//! before [`Core::handle_durable`] has said that this entry is durable. So an exchange without a `sending` entry never left: that is a
//! proof, and the only one that survives a crash.
//!
//! Banks behind one relay share its window (the spec's `compartment`). A bank that has nothing in flight may take any free place. One that
//! has something may take one more only if more places are free than it has itself, and more than there are banks that have none; with
//! fewer places than banks, more than half of the places. So one silent bank takes at most half of the window. With as many places as banks
//! each bank always finds one, however many of the others are silent; with fewer places, half as many banks as there are places may be
//! silent (rounded down). Whoever waits is served in the order of how little it has in flight, so that none waits for ever.
//!
//! When the business date changes, what waits is refused, and what was stamped and has not begun is taken back out of its stream: a
//! request that was stamped yesterday never leaves today. What has begun goes on, and its answer is found by yesterday's key.
//!
//! An answer may come by any session of the protocol. It finds its exchange by what marks it and by the correlation key, which is given to no second
//! exchange while the first or its tombstone lives; so it reaches the call that asked and no other. Its response code says SUCCESS,
//! FAILURE or nothing; what it does not say plainly is UNKNOWN. So is a request that is not answered in the institution's time, one of
//! which only a part was written when its session was lost, and one that a restart finds without an outcome. A caller whose deadline comes
//! first hears UNKNOWN while the exchange goes on. An UNKNOWN may become SUCCESS or FAILURE, by a late answer or by an
//! *inquiry* that asks the institution, by hand or by the schedule of the spec, which ends before the date changes and leaves the rest to
//! a person ([`Core::unresolved`]); these two never change. An answer that would change them is an entry and an event of its own.
//!
//! Every outcome is an entry first: [`Output::Finish`] comes when it is durable.
//!
//! # What must be up
//!
//! A *session* is one slot of a configured line and the connection that fills it. Its slot is free again only when the peer's FIN or RST was seen or
//! the close grace is over, so that the institution never counts more than its contract allows. A quiet one is asked by a poll telegram whether it
//! lives; until it answers, requests wait. Where the protocol has a sign-on, a connection is no session before that is answered well, nothing of
//! business leaves before, and one that is refused, late or unreadable ends it; a sign-off goes before we close in order. A line that connects
//! per exchange has no session until a request waits; each connection carries one, and ends with it; one that cannot be made refuses the
//! request for which it was asked. Where answers have no key ([`pabal_spec::Rules::key`]), one belongs to the only request of its session, and a session on
//! which one was missed is closed: the next frame could be the late one. An *opening* is another thing: business with one participant on one business date, opened by an
//! exchange of the core's own, for each bank by itself and not before the time of day that the spec says. It survives reconnects and restarts, ends when the date changes, and is lost when an answer says so.
//!
//! # What the institution tells us
//!
//! A *notice* is kept first. Then it is replied to, by the gateway or, within a time, by a service ([`Core::reply`]), else with the code
//! that the spec states; and it is given to services ([`Output::Deliver`]). The reply leaves by a session that sends, when its own entry
//! is durable; while no session takes it, it waits in the notice. It is no matter of one connection: a reply of which it is not known that
//! all of it has left leaves by the next session, until the date changes, also if the process dies. What is said by a service is told
//! SENT, NOT_SENT or TOO_LATE ([`Output::Replied`]), or nothing if the process ends before that. What no service has ([`Core::delivered`]) waits for one, over restarts ([`Core::undelivered`]).
//!
//! One that comes again, with the same key and the same body, has the same name and gets the same reply, also after midnight and
//! after a restart; services hear it again, marked. Another body under the same key is nobody's, and is not replied to.
//!
//! A notice that no service has yet, or that is not replied to, takes its telegram, its reply and about 800 bytes; one that is done
//! with its reply and as much. [`Limits::notices_max`] bounds them all; beyond it the oldest stays in the journal only.
//!
//! The institution counts its notices. Where the spec says how, a number that is left out is a *hole*; when it has been open for a
//! while, the exchange that the spec names asks for it, under the number and date of the notice that did not come, one at a time for each
//! scope, a second apart, and not while a request of ours is in flight under the same number. What is not answered is asked again ever
//! more slowly. The answer is that notice; a fresh notice is as good; and "no such number" ends it. Of more than 1,000 numbers at once, and of
//! what is still missing when the date changes, a person is told.
//!
//! A notice that is about a request of ours *joins* it: same rule, number, date, participant and party, and the confirming fields have
//! to agree. It changes no outcome.
//!
//! # When the journal fails
//!
//! Nothing more is sent, every session closes, and the core takes nothing in until the process starts anew. A caller whose request provably
//! never left hears an error. One whose request may have left hears UNKNOWN, and needs no new entry for it: its durable `sending` entry without an
//! outcome says UNKNOWN by itself, to whoever recovers.
//!
//! # Going on
//!
//! [`Recovery`] folds the journal's entries into what [`Core::new`] goes on with after a crash. [`Core::image`] is the whole core as data, for another
//! process to go on with where this one stood. States and what changes them are tables, drawn in this crate's README.
//!
//! [`Core::set_institution`] brings another version of the spec while sessions stay up, if it is the same conversation; an exchange goes
//! on by the version that it began with, also after a restart, which is given older versions beside the newest. Without its version an
//! exchange is UNKNOWN, and a person has to look at it.
//!
//! # In use
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use pabal_clock::{Mono, Now, Wall};
//! use pabal_spec::{ExchangeRuleId, Source, load};
//! use pabal_switch::{
//!     Core, Direction, Limits, LineSettings, LineSide, Open, Opened, Output, Outcome, Party, Plan, Recovery, Report, Settings,
//! };
//!
//! // The institution, from the spec that is shipped.
//! let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../specs/hecto/");
//! let read = |name: &str| Source { name: name.into(), text: std::fs::read_to_string(format!("{folder}{name}")).unwrap() };
//! let loaded = load(&[read("firmbanking.spec"), read("codes.csv")]).unwrap();
//! let institution = Arc::new(loaded.institution);
//! let protocol = Arc::clone(&institution.protocols[0]);
//!
//! // What contract and site decide: one line for both directions, one party, one bank.
//! let line = LineSettings {
//!     window: 10,
//!     ..LineSettings::new("both", "firmbanking", LineSide::Initiator, Direction::Duplex)
//! };
//! let party = Party {
//!     name: "main".into(),
//!     fields: vec![("id_code".into(), (*b"PABAL    ").into()), ("company_no".into(), (*b"COMPANY1    ").into())],
//!     participants: vec![b"088"[..].into()],
//!     exchanges: Vec::new(),
//! };
//! let settings = Settings {
//!     lines: vec![line],
//!     parties: vec![party],
//!     limits: Limits { waiting_max: 100, ..Limits::default() },
//!     ..Settings::default()
//! };
//!
//! let now = Now { mono: Mono::from_nanos(1_000_000_000), wall: Wall::from_unix_seconds(1_795_222_800) };
//! let mut core = Core::new(vec![institution], settings, Recovery::new(), 42, now);
//! let conn = loop {
//!     match core.poll_output().expect("it connects, as soon as that is written down") {
//!         Output::Append { ticket, .. } => core.handle_durable(ticket, now),
//!         Output::Connect { conn, .. } => break conn,
//!         _ => {}
//!     }
//! };
//! core.handle_connected(conn, now);
//!
//! // A shell in a few lines: all is durable at once, every byte is written at once, and the institution answers each
//! // request with its own bytes, the answer's type and the code 0000.
//! let mut finished = Vec::new();
//! let mut turn = |core: &mut Core| loop {
//!     while let Some(output) = core.poll_output() {
//!         match output {
//!             Output::Append { ticket, .. } => core.handle_durable(ticket, now),
//!             Output::Finish { report: Report::Outcome { outcome, .. }, .. } => finished.push(outcome),
//!             _ => {}
//!         }
//!     }
//!     let bytes = core.poll_write(conn).to_vec();
//!     if bytes.is_empty() {
//!         return finished.clone();
//!     }
//!     core.handle_wrote(conn, bytes.len(), now);
//!     for frame in bytes.chunks(304) {
//!         let mut answer = frame.to_vec();
//!         answer[4 + 25] = b'1';
//!         answer[4 + 52..4 + 56].copy_from_slice(b"0000");
//!         core.handle_received(conn, &answer, now);
//!     }
//! };
//! turn(&mut core); // Business with bank 088 is opened.
//!
//! let mut telegram = vec![b' '; 300];
//! telegram[21..24].copy_from_slice(b"088");
//! let (rule, _) = protocol.rules.exchanges.iter().enumerate().find(|(_, rule)| &*rule.name == "transfer").unwrap();
//! let open = Open {
//!     plan: Arc::new(Plan::new(protocol, ExchangeRuleId(rule as u16))),
//!     caller: "teller".into(), idempotency_key: None, party: None, telegram: telegram.into(), trace: None,
//!     deadline: now.mono + Duration::from_secs(10), accepts_early_unknown: true,
//! };
//! assert!(matches!(core.open(open, now), Ok(Opened::New(_))));
//! assert!(matches!(turn(&mut core).last(), Some(Outcome::Success { .. })));
//! ```
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod accept;
mod admit;
mod block;
mod book;
mod business;
mod byte_table;
mod bytes;
mod command;
mod conclude;
pub mod control;
mod core;
mod declare;
mod delivery;
mod depart;
mod dice;
mod drain;
mod durable;
pub mod entry;
mod exchange;
mod exchanges;
mod gap;
mod holes;
mod id;
mod image;
mod inquiry;
mod join;
mod keys;
mod line;
mod mismatch;
mod notice;
mod numbering;
mod one_shot;
mod opening;
mod outcome;
mod output;
mod pairs;
mod parts;
mod plan;
mod poll;
mod rate;
mod receive;
mod recovery;
mod refusal;
mod reply;
mod route;
mod sequence;
mod session;
mod sessions;
mod settings;
mod sign;
mod slow;
mod sorter;
mod stamp;
mod state;
mod status;
mod stream;
mod text;
mod timer;
mod transition;
mod version;
mod waiting;

pub use crate::bytes::Bytes;
pub use crate::core::{Core, Inquire, NotFenced, Open, Opened};
pub use command::{By, Command, CommandRefused, Stopped};
pub use delivery::{Delivery, ReplyReport, ServiceReply};
pub use entry::{Columns, Entry, Frame};
pub use exchange::{ExchangeEvent, ExchangeState};
pub use gap::GapEnd;
pub use id::{Conn, Epoch, ExchangeId, LineId, NoticeId, SessionId, Ticket};
pub use image::Image;
pub use notice::{NoticeEvent, NoticeState};
pub use opening::{OpeningEvent, OpeningKey, OpeningState};
pub use outcome::{Cause, Outcome};
pub use output::{Event, Output, Report};
pub use plan::Plan;
pub use rate::{Over, Rate, Rates};
pub use recovery::Recovery;
pub use refusal::Refusal;
pub use reply::written_in_replies;
pub use route::{WaitsFor, Wanted};
pub use session::{CloseReason, SessionEvent, SessionState};
pub use settings::{
    Connects, Direction, Limits, LineSettings, LineSide, Party, PartyParticipant, SecondConnection, Settings,
};
pub use status::{
    ControlStatus, ExchangeStatus, LineStatus, NumberStatus, OpenNotice, OpeningStatus, RateStatus, SessionStatus,
    Status, StoppedCompartment, Unresolved, WaitingCompartment, WaitsBecause,
};
pub use text::Text;
pub use timer::TimerName;
pub use transition::Fired;
pub use version::VersionRefused;
