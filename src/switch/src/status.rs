use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_clock::{Mono, Wall};

use crate::exchange::ExchangeState;
use crate::id::{Conn, ExchangeId, SessionId};
use crate::opening::{OpeningKey, OpeningState};
use crate::outcome::Outcome;
use crate::session::{CloseReason, SessionState};

/// What an operator sees of an institution.
#[derive(Clone, Debug)]
pub struct Status {
    /// Each slot of each line.
    pub sessions: Vec<SessionStatus>,
    /// Each opening of this business date.
    pub openings: Vec<OpeningStatus>,
    /// Requests that wait for room.
    pub waiting: u32,
    /// Requests sent and not answered.
    pub in_flight: u32,
    /// UNKNOWN exchanges in memory.
    pub unknown: u32,
    /// Whether the journal still makes entries durable.
    pub journal_works: bool,
    /// Whether nothing new is taken in.
    pub draining: bool,
}

/// One slot.
#[derive(Clone, Debug)]
pub struct SessionStatus {
    /// Which.
    pub session: SessionId,
    /// Its line's name.
    pub line: Box<str>,
    /// Its state.
    pub state: SessionState,
    /// Its connection, if there is one.
    pub conn: Option<Conn>,
    /// Requests unanswered on it.
    pub in_flight: u32,
    /// Bytes that the socket has not taken.
    pub unsent_bytes: u64,
    /// When bytes last came.
    pub received_at: Option<Mono>,
    /// When bytes last went.
    pub wrote_at: Option<Mono>,
    /// Why the last connection ended.
    pub closed: Option<CloseReason>,
}

/// One opening.
#[derive(Clone, Debug)]
pub struct OpeningStatus {
    /// What is opened.
    pub key: OpeningKey,
    /// Its party's name.
    pub party: Box<str>,
    /// Its state.
    pub state: OpeningState,
    /// What the last answer said, if it was not "open".
    pub reason: Option<String>,
}

/// One exchange, as far as memory knows it.
#[derive(Clone, Debug)]
pub struct ExchangeStatus {
    /// Which.
    pub exchange: ExchangeId,
    /// How far it is.
    pub state: ExchangeState,
    /// What became of it; `None` before its first outcome.
    pub outcome: Option<Outcome>,
    /// When it was accepted.
    pub accepted_at: Wall,
}
