use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use pabal_clock::{Mono, Wall};

use crate::core::Core;
use crate::exchange::{Exchange, ExchangeState};
use crate::id::{Conn, ExchangeId, SessionId};
use crate::opening::{Opening, OpeningKey, OpeningState};
use crate::outcome::Outcome;
use crate::session::{CloseReason, Session, SessionState};

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

impl Core {
    pub(crate) fn make_status(&self) -> Status {
        let count = |is: fn(&Exchange) -> bool| {
            u32::try_from(self.state.exchanges.values().filter(|exchange| is(exchange)).count()).unwrap_or(u32::MAX)
        };
        let session = |session: &Session| SessionStatus {
            session: session.id,
            line: self.line(session.id).name.clone(),
            state: session.state,
            conn: session.is_connected().then(|| session.conn()),
            in_flight: session.in_flight,
            unsent_bytes: session.out.unsent_bytes(),
            received_at: session.received_at,
            wrote_at: session.wrote_at,
            closed: session.closed,
        };
        let opening = |opening: &Opening| OpeningStatus {
            key: opening.key.clone(),
            party: self
                .settings
                .parties
                .get(usize::from(opening.party))
                .map(|one| one.name.clone())
                .unwrap_or_default(),
            state: opening.state,
            reason: opening.reason.clone(),
        };
        Status {
            sessions: self.state.sessions.iter().map(session).collect(),
            openings: self.state.openings.iter().map(opening).collect(),
            waiting: self.state.conversations.iter().fold(0, |sum, one| sum + one.waiting.len()),
            in_flight: count(|exchange| exchange.state.is_in_flight()),
            unknown: u32::try_from(self.state.unknown.len()).unwrap_or(u32::MAX),
            journal_works: self.state.journal.failed.is_none(),
            draining: self.state.drain_until.is_some(),
        }
    }
}
